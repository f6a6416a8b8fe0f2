"""Signed tokens in links and envelope senders.

They are signed with BROADSHEET_SECRET. Each purpose has its own key, so a token for one is invalid
for any other. The token of an unsubscribe link never expires: it must work in the oldest mail. So
after a rotation, the secrets in BROADSHEET_OLD_SECRETS are still accepted, but sign nothing new.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Final
from urllib.parse import quote

from itsdangerous import BadData, Signer, URLSafeTimedSerializer
from itsdangerous.signer import SigningAlgorithm

from broadsheet.errors import Problem, UsageError

SECRET: Final = "BROADSHEET_SECRET"  # noqa: S105 - the name of the variable, not what is in it
OLD_SECRETS: Final = "BROADSHEET_OLD_SECRETS"
SHORTEST: Final = 16
"""The fewest characters of a secret, so that it cannot be guessed."""

# Some programs send the subject of a `mailto:` link without decoding it.
_SUBJECT: Final = re.compile(r"unsubscribe(?:\s|%20|\+)+([\w.-]{20,400})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The content of the token in an unsubscribe link. digest: "" for all."""

    subscriber: int
    digest: str = ""

    def renamed(self, names: Mapping[str, str]) -> LinkToken:
        """Return the token with the digest's current name. names: former name -> current name."""
        return LinkToken(self.subscriber, names.get(self.digest, self.digest))


@dataclass(frozen=True, slots=True)
class ConfirmToken:
    """The content of the token that confirms a subscription. made: when (aware, whole seconds)."""

    subscriber: int
    made: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens. Secrets are in no message and no repr.

    secret: BROADSHEET_SECRET, which signs. old: earlier ones, whose signatures are accepted.
    Raises UsageError if the secret is missing, or one is too short.
    """

    secret: str = field(repr=False)
    old: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if short := sum(len(each) < SHORTEST for each in self.old):
            what = f"{OLD_SECRETS}: {short} of {len(self.old)} secrets too short"
            todo = f"list whole secrets of {SHORTEST} or more characters, separated by commas"
            raise UsageError(Problem(what, todo))
        if len(self.secret) < SHORTEST:
            what = "is too short" if self.secret else "is not set"
            raise UsageError(
                Problem(
                    f"{SECRET} {what}; it signs the links in the mail",
                    f"set it to {SHORTEST} or more random characters, and keep it: with another "
                    "secret, the links in mail already sent stop working, unless the old one is in "
                    f"{OLD_SECRETS}",
                )
            )

    @property
    def keys(self) -> list[str]:
        """All secrets, for itsdangerous: it signs with the last and accepts any."""
        return [*reversed(self.old), self.secret]

    def fingerprints(self) -> list[str]:
        """Return what tells the secrets apart and does not reveal them; first that of `secret`."""
        each = (self.secret, *self.old)
        return [hmac.digest(one.encode(), b"fingerprint", "sha256").hex()[:16] for one in each]

    def unsubscribe(self, subscriber: int, digest: str) -> str:
        """Return the token of an unsubscribe link: letters, digits, `-`, `_` and `.` only."""
        return _link_signer(tuple(self.keys)).sign(f"{subscriber}.{digest}").decode()

    def read_unsubscribe(self, text: str) -> LinkToken | None:
        """Return the content of an `unsubscribe` token; None if invalid."""
        with suppress(BadData, ValueError):
            said = _link_signer(tuple(self.keys)).unsign(text).decode()
            subscriber, _, digest = said.partition(".")
            return LinkToken(int(subscriber), digest)
        return None

    def confirm(self, subscriber: int) -> str:
        """Return the token of the link that confirms a subscription."""
        return str(self._timed().dumps(subscriber))

    def read_confirm(self, text: str) -> ConfirmToken | None:
        """Return the content of a `confirm` token; None if invalid. The caller checks its age."""
        with suppress(BadData, ValueError):
            match self._timed().loads(text, return_timestamp=True):
                case (int(subscriber), datetime() as made):
                    return ConfirmToken(subscriber, made)
        return None

    def bounce(self, subscriber: int, issue: int) -> str:
        """Return the token in an envelope sender (VERP): short, and not case-sensitive."""
        return f"{subscriber}-{issue}-{_signature(self.secret, subscriber, issue)}"

    def read_bounce(self, text: str) -> tuple[int, int] | None:
        """Return the subscriber and the issue (ids) of a `bounce` token; None if invalid."""
        found = re.fullmatch(r"(\d{1,18})-(\d{1,18})-([a-z2-7]{10})", text.lower(), re.ASCII)
        if found is None:
            return None
        subscriber, issue = int(found[1]), int(found[2])
        signatures = [_signature(secret, subscriber, issue) for secret in self.keys]
        good = any(hmac.compare_digest(each, found[3]) for each in signatures)
        return (subscriber, issue) if good else None

    def _timed(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.keys, salt="broadsheet confirm")


def _signature(secret: str, subscriber: int, issue: int) -> str:
    key = hashlib.sha256(f"broadsheet bounce {secret}".encode()).digest()
    made = hmac.new(key, f"{subscriber}-{issue}".encode(), "sha256").digest()
    return base64.b32encode(made).decode().lower()[:10]


class _HmacSha1(SigningAlgorithm):
    """What itsdangerous does itself, in a third of the time."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha1")


@cache
def _link_signer(secrets: tuple[str, ...]) -> Signer:
    keys = [Signer(each, salt="broadsheet unsubscribe").derive_key() for each in secrets]
    return Signer(keys, key_derivation="none", algorithm=_HmacSha1())


def unsubscribe_url(service_url: str, token: str) -> str:
    """Return the URL of a reader's own unsubscribe page, also for one-click POST (RFC 8058)."""
    return f"{service_url}unsubscribe/{token}"


def unsubscribe_mail(address: str, token: str) -> str:
    """Return the `mailto:` URL of a mail that unsubscribes a reader (RFC 2369, RFC 6068)."""
    return f"mailto:{quote(address, safe='@.+-_')}?subject=unsubscribe%20{token}"


def token_in_subject(subject: str) -> str:
    """Return the token in a subject as `unsubscribe_mail` sets it; "" for any other subject."""
    found = _SUBJECT.fullmatch(subject.strip())
    return found[1] if found else ""
