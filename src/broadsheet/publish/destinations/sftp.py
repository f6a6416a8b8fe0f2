"""A server reached by SSH: `sftp://user@host:port/absolute/path`, through sshfs (asyncssh).

Keys, agent, known hosts and `~/.ssh/config` are those of `ssh`. BROADSHEET_SFTP_PASSWORD is for a
server that asks for a password. A path that begins with `/~/` starts from the home folder.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import unquote, urlsplit

from broadsheet.publish.destinations import DestinationPlace
from broadsheet.publish.destinations._fsspec import FsspecDestination

_TIMEOUT_S = 30


class SftpDestination(FsspecDestination):
    """A folder on a server."""

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
    folder = unquote(url.path).removeprefix("/~/").rstrip("/") or "."
    return SftpDestination(files, folder, renames=True)
