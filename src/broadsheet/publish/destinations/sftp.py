"""A server reached by SSH: `sftp://user@host:port/absolute/path`, through sshfs (asyncssh).

Keys, agent, known hosts and `~/.ssh/config` are those of `ssh`. BROADSHEET_SFTP_PASSWORD is for a
server that asks for a password. A path that begins with `/~/` starts from the home folder.
"""

from __future__ import annotations

from contextlib import suppress
from secrets import token_hex
from urllib.parse import unquote, urlsplit

from broadsheet.errors import ConflictError
from broadsheet.publish.destinations import CONFLICT, DestinationPlace
from broadsheet.publish.destinations._fsspec import FsspecDestination
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage.writing import ENDING

_TIMEOUT_S = 30


class SftpDestination(FsspecDestination):
    """A folder on a server. Each file is written beside its place and renamed."""

    def put(self, file: OutgoingFile, data: bytes) -> None:
        folder, _, name = self.at(file.path).rpartition("/")
        draft = f"{folder}/.{name}.{token_hex(4)}{ENDING}"
        self.files.pipe_file(draft, data)  # makes the folder
        try:
            self.files.mv(draft, self.at(file.path))
        except FileNotFoundError as error:
            raise ConflictError(CONFLICT) from error

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty."""
        super().delete(path)
        with suppress(Exception):  # a folder that holds more stays
            while path := path.rpartition("/")[0]:
                self.files.rmdir(self.at(path))


def destination(place: DestinationPlace) -> SftpDestination:
    """Return the folder at an address such as sftp://user@host/path."""
    from sshfs import SSHFileSystem

    url = urlsplit(place.address)
    password = place.environment.get("BROADSHEET_SFTP_PASSWORD")
    given = {"port": url.port, "username": url.username, "password": password}
    files = SSHFileSystem(
        url.hostname or "",
        known_hosts=(),  # those of ssh; sshfs trusts any host otherwise
        connect_timeout=_TIMEOUT_S,
        login_timeout=_TIMEOUT_S,
        keepalive_interval=_TIMEOUT_S,  # a connection that is lost ends
        skip_instance_cache=True,
        **{name: value for name, value in given.items() if value},
    )
    return SftpDestination(files, unquote(url.path).removeprefix("/~/").rstrip("/") or ".")
