"""A branch of a git repository, such as GitHub Pages serves: `git:REMOTE#BRANCH:FOLDER`.

REMOTE is the name of a remote of the repository that the project is in, a URL or a path. A run
makes one commit, by `git fast-import`: it touches no working tree, index or branch on this machine,
and never forces a push.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from broadsheet.errors import ConfigError, ConflictError, Problem, PublishError
from broadsheet.publish.destinations import Destination, DestinationPlace
from broadsheet.publish.outgoing import OutgoingFile

_ADDRESS: Final = re.compile(r"git:([^\s#-][^\s#]*)#([^\s:~^?*\[\\-][^\s:~^?*\[\\]*)(?::(.*))?")
_OURS: Final = "refs/broadsheet/published"  # the new commit, until it is pushed
_NOBODY: Final = "Broadsheet <broadsheet@users.noreply.github.com>"
_MOVED: Final = re.compile(r"non-fast-forward|fetch first|cannot lock ref|failed to update ref")
_TODO: Final = "check publish.to, and that `git push` may push there"


@dataclass
class BranchDestination(Destination):
    """A folder of a branch. base: the commit at its head, "" for a new branch.

    repository: the arguments by which git finds the local repository. folder: "" or ending in a
    slash. when: seconds since 1970. sizes: path -> bytes of what is there. changes: path -> new
    content; None: delete it.
    """

    repository: Sequence[str]
    remote: str
    branch: str
    folder: str
    shown: str
    when: int
    environment: Mapping[str, str] = field(repr=False)
    base: str = ""
    sizes: dict[str, int] = field(default_factory=dict, repr=False)
    changes: dict[str, bytes | None] = field(default_factory=dict, repr=False)

    def fetch(self) -> None:
        """Find the head of the branch, and fetch its files. Raises PublishError."""
        head = f"refs/heads/{self.branch}"
        self.base = self.git("ls-remote", self.remote, head).decode().partition("\t")[0]
        if self.base:
            shallow = self.git("rev-parse", "--is-shallow-repository").strip() == b"true"
            options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
            self.git("fetch", *options, *["--depth=1"] * shallow, self.remote, head)
            tree = self.git("ls-tree", "-rzl", "--full-tree", self.base).decode().split("\0")
            for entry, _, path in (line.partition("\t") for line in filter(None, tree)):
                if path.startswith(self.folder) and (size := entry.split()[3]) != "-":
                    self.sizes[path.removeprefix(self.folder)] = int(size)

    def listing(self) -> Mapping[str, int]:
        return self.sizes

    def read(self, path: str) -> bytes:
        data = self.changes.get(path)
        if data is None and path in self.sizes:
            data = self.git("cat-file", "blob", f"{self.base}:{self.folder}{path}")
        if data is None:
            raise FileNotFoundError(path)
        return data

    def put(self, file: OutgoingFile, data: bytes) -> None:
        self.changes[file.path] = data

    def delete(self, path: str) -> None:
        self.changes[path] = None

    def finish(self, message: str) -> None:
        """Make the commit and push it."""
        self.git("update-ref", "-d", _OURS)
        self.git(
            "fast-import", "--quiet", "--date-format=raw", "--done", stdin=self._commit(message)
        )
        push = ("push", "--quiet", "--no-verify")  # without the user's hooks
        try:
            self.git(*push, self.remote, f"{_OURS}:refs/heads/{self.branch}")
        except PublishError as error:
            if _MOVED.search(str(error)):
                raise ConflictError(*error.problems) from error
            raise
        finally:
            self.git("update-ref", "-d", _OURS)

    def git(self, *command: str, stdin: bytes = b"") -> bytes:
        """Return what a git command prints. Raises PublishError with its words, OSError."""
        call = ["git", *self.repository, *command]
        done = subprocess.run(  # noqa: S603 - no shell, and no argument can be an option
            call, input=stdin, env={**self.environment}, capture_output=True, check=False
        )
        if done.returncode:
            lines = [*map(str.strip, done.stderr.decode("utf-8", "replace").splitlines())]
            words = " / ".join([*filter(None, lines)][:5]) or f"git {command[0]} failed"
            raise PublishError(Problem(words, _TODO, self.shown))
        return done.stdout

    def _commit(self, message: str) -> bytes:
        """Return the commit as git-fast-import(1) reads it."""
        text = message.encode()
        known = None
        with suppress(PublishError):  # if git knows no name
            known = re.match(r".*<.+>", self.git("var", "GIT_COMMITTER_IDENT").decode())
        committer = known[0] if known else _NOBODY
        head = f"commit {_OURS}\ncommitter {committer} {self.when} +0000\n"
        start = f"\nfrom {self.base}\n" if self.base else "\n"
        parts = [f"{head}data {len(text)}\n".encode(), text, start.encode()]
        for path, data in sorted(self.changes.items()):
            name = re.sub(r'([\\"])', r"\\\1", self.folder + path)
            if data is None:
                parts.append(f'D "{name}"\n'.encode())
            else:
                parts += [f'M 100644 inline "{name}"\ndata {len(data)}\n'.encode(), data, b"\n"]
        return b"".join([*parts, b"done\n"])


def destination(place: DestinationPlace) -> BranchDestination:
    """Return the branch, fetched. Raises ConfigError for another address, and PublishError."""
    found = _ADDRESS.fullmatch(place.address)
    folder = ((found and found[3]) or "").strip("/")
    if not found or ".." in folder.split("/"):
        what, todo = f"invalid branch {str(place.address)!r}", "write git:REMOTE#BRANCH:FOLDER"
        raise ConfigError(
            Problem(what, f"{todo}, such as git:origin#gh-pages:feeds", key="publish.to")
        )
    branch = BranchDestination(
        repository=["-C", str(place.root)],
        remote=found[1],
        branch=found[2],
        folder=f"{folder}/" if folder else "",
        shown=str(place.address),
        when=int(place.now.timestamp()),
        environment=_environment(place.environment),
    )
    try:
        branch.git("rev-parse", "--git-dir")
    except PublishError:  # the project is in no repository, but can push to a URL
        bare = (place.state / "publish.git").resolve()
        branch.repository = ["-C", str(place.root), f"--git-dir={bare}"]
        branch.git("init", "--quiet", "--bare")
    branch.fetch()
    return branch


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which git asks nothing and speaks English."""
    repository = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # that of a hook we may run in
    kept = {name: value for name, value in given.items() if name not in repository}
    ssh = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    return {**ssh, **kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
