"""A real IMAP server for the tests: Dovecot, on loopback, with one user."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import retry

PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
USER, PASSWORD = "bounces@example.org", "a-mailbox-password"
_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain xoauth2
auth_failure_delay = 0
mail_location = maildir:{folder}/mail
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server. plain, tls: its ports. certificate: the file that it is trusted by."""

    plain: int
    tls: int
    certificate: Path

    def client(self) -> imaplib.IMAP4:
        """Return a client that has logged in."""
        client = imaplib.IMAP4("127.0.0.1", self.plain)
        client.login(USER, PASSWORD)
        return client

    def deliver(self, *mails: bytes, mailbox: str = "INBOX") -> None:
        """Put mails into a mailbox, as not seen."""
        client = self.client()
        client.create(_quoted(mailbox))
        for mail in mails:
            assert client.append(_quoted(mailbox), "", None, mail)[0] == "OK"  # type: ignore[arg-type]
        client.logout()

    def unseen(self, mailbox: str = "INBOX") -> int:
        """Return how many mails are not seen."""
        client = self.client()
        client.select(_quoted(mailbox), readonly=True)
        found = client.search(None, "UNSEEN")[1][0].split()
        client.logout()
        return len(found)


def _quoted(name: str) -> str:
    escaped = name.replace('"', '\\"')
    return f'"{escaped}"'


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """Run Dovecot during the block."""
    # As root, Dovecot gives no access to mail as root.
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    plain, tls = _free_ports()
    with tempfile.TemporaryDirectory(prefix="dovecot", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "mail").mkdir()
        os.chown(folder / "mail", who.pw_uid, who.pw_gid)
        certificate = folder / "cert.pem"
        request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        request += f" -addext subjectAltName=DNS:localhost -keyout {folder}/key.pem"
        command = ["openssl", *request.split(), "-out", certificate]
        subprocess.run(command, check=True, capture_output=True)
        config = _CONFIG.format(
            folder=folder,
            user=who.pw_name,
            group=grp.getgrgid(who.pw_gid).gr_name,
            uid=who.pw_uid,
            gid=who.pw_gid,
            plain=plain,
            tls=tls,
            password=PASSWORD,
        )
        (folder / "dovecot.conf").write_text(config)
        process = subprocess.Popen([PROGRAM, "-F", "-c", folder / "dovecot.conf"])
        server = Dovecot(plain, tls, certificate)
        try:
            retry(lambda: server.client().logout(), OSError)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=10)
