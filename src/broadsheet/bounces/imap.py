"""Returned mail in an IMAP mailbox (RFC 3501; URLs as in RFC 5092)."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

from broadsheet.bounces.mailboxes import UnseenMail
from broadsheet.bounces.report import MAX_MAIL_BYTES
from broadsheet.errors import BroadsheetError, Problem, UsageError

USER: Final = "BROADSHEET_IMAP_USER"
PASSWORD: Final = "BROADSHEET_IMAP_PASSWORD"  # noqa: S105 - the name of the variable
TOKEN: Final = "BROADSHEET_IMAP_TOKEN"  # noqa: S105 - the name of the variable

_TIMEOUT_S: Final = 60.0
_SCHEMES: Final = ("imap", "imaps")
_ERRORS: Final = (imaplib.IMAP4.error, OSError)
_UID: Final = re.compile(rb"\d+")


def is_imap_url(source: str) -> bool:
    """Whether `source` is the URL of an IMAP mailbox."""
    return source.partition("://")[0].lower() in _SCHEMES


class ImapMailbox:
    """An open IMAP mailbox. Methods raise BroadsheetError if the connection is lost."""

    def __init__(self, connection: imaplib.IMAP4, shown: str) -> None:
        self._connection, self._shown = connection, shown

    @classmethod
    def open(cls, url: str, environment: Mapping[str, str]) -> Self:
        """Connect, log in and open the mailbox of `imaps://USER@HOST:PORT/MAILBOX`.

        Without a mailbox, INBOX. The user may be in the environment instead; the password, or an
        OAuth token, is only there. Raises UsageError and BroadsheetError.
        """
        parts = _split(url)
        host, user = parts.hostname or "", unquote(parts.username or "") or environment.get(USER)
        secret = environment.get(TOKEN) or environment.get(PASSWORD)
        if not host or not user or not secret or parts.password:
            what = f"imaps://USER@HOST/MAILBOX is needed, and the password in {PASSWORD}"
            todo = f"the user can be in {USER}, and an OAuth token in {TOKEN}"
            raise UsageError(Problem(what, todo))
        name = unquote(parts.path.lstrip("/")) or "INBOX"
        mailbox = cls(_connected(parts.scheme.lower(), host, parts.port), f"{host}/{name}")
        try:
            mailbox._log_in(user, secret, by_token=bool(environment.get(TOKEN)))
            mailbox._answer(lambda: mailbox._connection.select(_quoted(name)))
        except BroadsheetError:
            mailbox.close()
            raise
        return mailbox

    def unseen(self) -> Iterator[UnseenMail]:
        """Yield the mails that are not marked as seen, oldest first."""
        uids = (uid for part in self._uid("SEARCH", "UNSEEN") for uid in _UID.findall(part or b""))
        for uid in map(bytes.decode, uids):
            seen = partial(self._uid, "STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
            yield UnseenMail(f"mail {uid}", partial(self._fetch, uid), seen)

    def _fetch(self, uid: str) -> bytes | None:
        """Return the start of a mail, without marking it; None if it was deleted."""
        found = self._uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES + 1}>)")
        return next((bytes(part[1]) for part in found if isinstance(part, tuple)), None)

    def _uid(self, name: str, *arguments: str) -> list[Any]:
        """Run a command on mails named by their UIDs, and return the data of its responses."""
        return self._answer(lambda: self._connection.uid(name, *arguments))

    def close(self) -> None:
        """Log out."""
        try:
            self._connection.logout()
        except _ERRORS:
            return

    def _answer(self, command: Callable[[], tuple[str, list[Any]]]) -> list[Any]:
        try:
            status, data = command()
        except _ERRORS as error:
            raise self._error(error) from error
        if status != "OK":
            raise self._error(data[0])
        return data

    def _log_in(self, user: str, secret: str, *, by_token: bool) -> None:
        connection = self._connection
        try:
            if by_token:  # https://developers.google.com/gmail/imap/xoauth2-protocol
                token = f"user={user}\x01auth=Bearer {secret}\x01\x01".encode()
                connection.authenticate("XOAUTH2", lambda challenge: b"" if challenge else token)
            else:
                connection.login(user, secret)
        except _ERRORS as error:
            # The server's words may repeat the credentials.
            todo = f"check {USER}, {PASSWORD} or {TOKEN}"
            raise BroadsheetError(Problem("it refuses the login", todo, self._shown)) from error

    def _error(self, why: object) -> BroadsheetError:
        words = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        line = "".join(char if char.isprintable() else " " for char in words)[:300]
        todo = "fix it and run again; what was processed is marked as seen"
        return BroadsheetError(Problem(f"the IMAP server says: {line}", todo, self._shown))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError as error:
        raise UsageError(
            Problem(f"invalid URL: {error}", "write imaps://USER@HOST/INBOX")
        ) from error
    return parts


def _connected(scheme: str, host: str, port: int | None) -> imaplib.IMAP4:
    """Connect, encrypted except to this machine. Raises BroadsheetError."""
    context = ssl.create_default_context()
    try:
        if scheme == "imaps":
            return imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=_TIMEOUT_S)
        connection = imaplib.IMAP4(host, port or 143, timeout=_TIMEOUT_S)
        if not _is_local(host):
            connection.starttls(context)
    except ssl.SSLCertVerificationError as error:
        what = f"its certificate is not valid: {error.verify_message}"
        raise BroadsheetError(Problem(what, "", host)) from error
    except _ERRORS as error:
        what = f"no connection: {getattr(error, 'strerror', None) or error}"
        raise BroadsheetError(Problem(what, "check host and port", host)) from error
    return connection


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _quoted(name: str) -> str:
    """Return a mailbox name as a quoted string; imaplib does not do it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
