"""Real destinations for `publish`: a folder, an S3 server, an SSH server, a bare git repository."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from newsroom import contents

KEYS = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass(frozen=True)
class PublishTarget:
    """A destination. address: for `publish.to`. files: returns path -> bytes of what is there."""

    address: str
    files: Callable[[], dict[str, bytes]]
    environment: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[str, bytes], object] = lambda path, data: None  # noqa: ARG005


@contextmanager
def folder_target(folder: Path) -> Iterator[PublishTarget]:
    """A folder that does not exist yet."""
    place = folder / "public" / "feeds"

    def write(path: str, data: bytes) -> None:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)

    yield PublishTarget(str(place), lambda: contents(place), {}, write)


@contextmanager
def fsspec_target(folder: Path) -> Iterator[PublishTarget]:
    """The same, by a scheme that has no file of its own."""
    with folder_target(folder) as made:
        yield replace(made, address=f"local://{made.address}")


@contextmanager
def s3_target(folder: Path) -> Iterator[PublishTarget]:  # noqa: ARG001 - as all targets
    """A bucket of moto's server."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
        client = boto3.client(
            "s3",
            endpoint_url=endpoint["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        bucket = f"site-{secrets.token_hex(4)}"  # all servers of a process have the same buckets
        client.create_bucket(Bucket=bucket)

        def files() -> dict[str, bytes]:
            listed = client.list_objects_v2(Bucket=bucket, Prefix="feeds/").get("Contents", [])
            bodies = {
                each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
                for each in listed
            }
            return {key.removeprefix("feeds/"): body for key, body in bodies.items()}

        def write(path: str, data: bytes) -> None:
            client.put_object(Bucket=bucket, Key=f"feeds/{path}", Body=data)

        yield PublishTarget(f"s3://{bucket}/feeds", files, endpoint, write)
    finally:
        server.stop()


@contextmanager
def ssh_target(folder: Path) -> Iterator[PublishTarget]:
    """A folder behind an sshd without privileges, whose key is known, and ours to it."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="sshd-") as name:
        served = Path(name)
        for key in (served / "host_key", home / ".ssh" / "id_ed25519"):
            call = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(call, check=True)
        shutil.copy(home / ".ssh" / "id_ed25519.pub", served / "authorized_keys")
        port = _free_port()
        (served / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {served}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {served}/authorized_keys\nStrictModes no\nUsePAM yes\n"
            "PasswordAuthentication no\nSubsystem sftp internal-sftp\nMaxStartups 100\n"
        )
        host_key = (served / "host_key.pub").read_text().split()[:2]
        known = f"[127.0.0.1]:{port} {' '.join(host_key)}\n"
        (home / ".ssh" / "known_hosts").write_text(known)
        user = _unprivileged(served)
        call = ["/usr/sbin/sshd", "-D", "-e", "-f", str(served / "config")]
        # With PAM, as sshd itself would refuse the account `nobody`, which is locked.
        drop = {"user": user, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        server = subprocess.Popen(call, stderr=subprocess.PIPE, text=True, **drop)
        try:
            assert server.stderr
            while "Server listening" not in (line := server.stderr.readline()):
                assert line, "sshd has ended"
            place = served / "site" / "feeds"

            def write(path: str, data: bytes) -> None:
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(data)
                _unprivileged(served)

            address = f"sftp://{user}@127.0.0.1:{port}{place}"
            yield PublishTarget(address, lambda: contents(place), {"HOME": str(home)}, write)
        finally:
            server.terminate()
            server.wait()
            server.stderr.close() if server.stderr else None


@contextmanager
def git_target(folder: Path) -> Iterator[PublishTarget]:
    """The folder `feeds` of the branch gh-pages of a bare repository that has another file."""
    bare, work = folder / "remote.git", folder / "work"
    run_git("init", "--quiet", "--bare", str(bare))
    run_git("init", "--quiet", "--initial-branch=gh-pages", str(work))
    (work / "index.html").write_text("the site")
    run_git("-C", str(work), "add", ".")
    run_git("-C", str(work), *ME, "commit", "--quiet", "-m", "site")
    run_git("-C", str(work), "push", "--quiet", str(bare), "gh-pages")

    def files() -> dict[str, bytes]:
        listed = run_git("-C", str(bare), "ls-tree", "-r", "-z", "--name-only", "gh-pages")
        paths = [path for path in listed.decode().split("\0") if path.startswith("feeds/")]
        return {
            path.removeprefix("feeds/"): run_git(
                "-C", str(bare), "cat-file", "blob", f"gh-pages:{path}"
            )
            for path in paths
        }

    def write(path: str, data: bytes) -> None:
        run_git("-C", str(work), "pull", "--quiet", str(bare), "gh-pages")
        (work / "feeds" / path).parent.mkdir(parents=True, exist_ok=True)
        (work / "feeds" / path).write_bytes(data)
        run_git("-C", str(work), "add", ".")
        run_git("-C", str(work), *ME, "commit", "--quiet", "-m", "more")
        run_git("-C", str(work), "push", "--quiet", str(bare), "gh-pages")

    yield PublishTarget(f"git:{bare}#gh-pages:feeds", files, {}, write)


ME = ("-c", "user.name=A", "-c", "user.email=a@example.org")

TARGETS = {
    "folder": folder_target,
    "fsspec": fsspec_target,
    "git": git_target,
    "s3": s3_target,
    "sftp": ssh_target,
}


def run_git(*arguments: str) -> bytes:
    """Returns what a git command prints; it must succeed."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _unprivileged(folder: Path) -> str:
    """The user that sshd runs as, and who owns what it serves."""
    import pwd

    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)
    return user


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
