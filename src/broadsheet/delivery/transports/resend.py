"""Send through the HTTP API of Resend (https://resend.com/docs/api-reference/emails/send-email).

The example for other APIs. A mail has an idempotency key, from its Message-ID: for 24 hours, Resend
answers a repeated request as it did the first one and sends nothing again. So a request whose
answer was lost is repeated at once.

The API takes fields, not a message: Resend writes `Date`, the envelope sender and the DKIM
signature.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from broadsheet import __version__
from broadsheet.delivery.transports import MayEnd, UnavailableError, Verdict, always
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.settings import DeliverySettings

KEY: Final = "BROADSHEET_RESEND_KEY"

_LONGEST_KEY: Final = 256  # characters of an idempotency key
_LONGEST_ANSWER: Final = 65_536  # bytes
_LONGEST_WORDS: Final = 500
_LOCAL: Final = ("127.0.0.1", "::1", "localhost")
_ERRORS: Final = (OSError, HTTPException)
# Fields of their own in the API, or written by Resend.
_NOT_PASSED_ON: Final = frozenset(
    {"from", "to", "subject", "reply-to", "date", "mime-version", "dkim-signature"}
)


class ApiError(msgspec.Struct, frozen=True):
    """The body of an answer that is an error (https://resend.com/docs/api-reference/errors)."""

    name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ResendApi:
    """Where to connect. url: of the API. timeout: seconds for an answer."""

    url: str
    key: str = field(repr=False)
    timeout: float

    @property
    def name(self) -> str:
        """The host."""
        return urlsplit(self.url).hostname or self.url

    async def connect(self, timeout_s: float | None = None) -> ResendSession:
        """Return a session; it connects when it sends. Raises UnavailableError without a key."""
        if not self.key:
            raise UnavailableError(f"it needs an API key: set {KEY}", for_good=True)
        timeout = self.timeout if timeout_s is None else min(self.timeout, timeout_s)
        return ResendSession(self, timeout)


def transport(settings: DeliverySettings, environment: Mapping[str, str]) -> ResendApi:
    """Return the API of the settings. Raises ConfigError."""
    parts = urlsplit(settings.resend_url)
    if parts.scheme != "https" and parts.hostname not in _LOCAL:
        todo = "write an https:// URL"
        raise ConfigError(
            Problem("the key would be sent unencrypted", todo, key="delivery.resend_url")
        )
    if settings.verp:
        what = "Resend has its own envelope sender for each mail"
        todo = "set it to false, and use the webhook for bounces (docs/service.md)"
        raise ConfigError(Problem(what, todo, key="delivery.verp"))
    return ResendApi(settings.resend_url, environment.get(KEY, ""), settings.timeout)


class ResendSession:
    """A connection, with a thread of its own, since the HTTP client blocks."""

    def __init__(self, api: ResendApi, timeout: float) -> None:
        self._api, self._timeout = api, timeout
        self._thread = ThreadPoolExecutor(1, "resend")
        self._connection: HTTPConnection | None = None
        self.sent = 0
        self.usable = True

    async def send(self, sender: str, to: str, mail: bytes, may_end: MayEnd = always) -> Verdict:
        """Send `mail`; the envelope address `sender` is not used."""
        del sender
        body, key = _payload(to, mail), _idempotency_key(to, mail)
        if not await may_end():
            self._close()
            return Verdict("lost", None, "the claim on this mail has ended")
        verdict = await self._run(body, key)
        self.sent += verdict.kind == "accepted"
        return verdict

    async def introduce(self, sender: str) -> Verdict | None:
        """Post an email without a recipient; return the verdict if the key is refused."""
        verdict = await self._run(msgspec.json.encode({"from": sender}), "")
        is_key = verdict.code in {401, 403} or "API key" in verdict.words
        return verdict if verdict.kind == "sender_refused" and is_key else None

    async def leave(self) -> None:
        """Close the connection."""
        self._close()
        self._thread.shutdown(wait=False)

    async def _run(self, body: bytes, key: str) -> Verdict:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._post, body, key)
        except BaseException:  # cancelled: the connection can no longer be used
            self._close()
            raise

    def _post(self, body: bytes, key: str) -> Verdict:
        """Post `body`, twice if the first answer is lost."""
        words = ""
        for attempt in range(2 if key else 1):
            try:
                connection = self._connected()
            except _ERRORS as error:
                self._close()
                # Nothing of this attempt was sent, but the first one may have been.
                return Verdict("in_doubt" if attempt else "lost", None, words or _words(error))
            try:
                return self._asked(connection, body, key)
            except _ERRORS as error:
                connection.close()
                self._connection, words = None, _words(error)
        self._close()
        return Verdict("in_doubt", None, words)

    def _asked(self, connection: HTTPConnection, body: bytes, key: str) -> Verdict:
        headers = {
            "Authorization": f"Bearer {self._api.key}",
            "Content-Type": "application/json",
            "User-Agent": f"Broadsheet/{__version__}",
            **({"Idempotency-Key": key} if key else {}),
        }
        path = urlsplit(self._api.url).path.rstrip("/")
        connection.request("POST", f"{path}/emails", body, headers)
        answer = connection.getresponse()
        data = answer.read(_LONGEST_ANSWER)
        if answer.will_close or not answer.isclosed():
            connection.close()
            self._connection = None
        return self._verdict(answer.status, data)

    def _verdict(self, status: int, data: bytes) -> Verdict:
        try:
            error = msgspec.json.decode(data, type=ApiError)
        except msgspec.MsgspecError:
            error = ApiError()
        text = f"{error.name}: {error.message}" if error.name else f"HTTP {status}"
        words = "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_WORDS]
        if self._api.key in words:
            words = error.name
        if 200 <= status < 300:
            return Verdict("accepted", status, "accepted by Resend")
        if error.name == "invalid_idempotent_request":  # sent already, with another content
            return Verdict("in_doubt", status, words)
        if status in {408, 409, 429} or status >= 500:
            return Verdict("deferred", status, words)
        # Without a hint that the recipient is wrong, something in the config is.
        about_recipient = status in {400, 422} and "`to`" in error.message
        return Verdict("refused" if about_recipient else "sender_refused", status, words)

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            parts = urlsplit(self._api.url)
            host, port = parts.hostname or "", parts.port
            connection = (
                HTTPSConnection(
                    host, port, timeout=self._timeout, context=ssl.create_default_context()
                )
                if parts.scheme == "https"
                else HTTPConnection(host, port, timeout=self._timeout)
            )
            connection.connect()
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        self.usable = False
        if self._connection is not None:
            self._connection.close()


def _idempotency_key(to: str, mail: bytes) -> str:
    """Return a key that is the same whenever this mail is sent to this reader."""
    id_ = str(
        message_from_bytes(mail.partition(b"\r\n\r\n")[0], policy=default)["Message-ID"] or ""
    )
    digest = hashlib.sha256(id_.encode() + b"\0" + to.encode()).hexdigest()
    return f"broadsheet/{digest}"[:_LONGEST_KEY]


def _payload(to: str, mail: bytes) -> bytes:
    """Return the JSON of a mail (RFC 5322)."""
    message = message_from_bytes(mail, policy=default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    fields: dict[str, Any] = {
        "from": str(message["From"]),
        "to": [to],
        "subject": str(message["Subject"]),
        "reply_to": str(message["Reply-To"]) if message["Reply-To"] else None,
        "html": html.get_content() if html else None,
        "text": text.get_content() if text else None,
        "headers": {
            name: " ".join(str(value).split())
            for name, value in message.items()
            if name.lower() not in _NOT_PASSED_ON and not name.lower().startswith("content-")
        },
        "attachments": [_attachment(part) for part in message.iter_attachments()] or None,
    }
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def _attachment(part: EmailMessage) -> dict[str, str]:
    content = part.get_payload(decode=True)
    found = {
        "filename": part.get_filename() or "file",
        "content": b64encode(content if isinstance(content, bytes) else b"").decode(),
        "content_type": part.get_content_type(),
    }
    id_ = str(part["Content-ID"] or "").strip("<> ")
    return {**found, "content_id": id_} if id_ else found


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return "the server closed the connection"
