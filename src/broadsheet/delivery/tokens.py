"""Signed marks for links and envelope senders: only we can make one, and anyone may carry it.

Signed by itsdangerous with BROADSHEET_SECRET; each purpose has a key of its own, so that a mark
made for one thing opens nothing else. What stands in an unsubscribe link never runs out: a reader
may leave from the oldest mail. So after a rotation, the secrets of BROADSHEET_OLD_SECRETS are still
accepted, and never signed with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from broadsheet.errors import Problem, UsageError

SECRET: Final = "BROADSHEET_SECRET"  # noqa: S105 - the name of the variable, not what is in it
OLD_SECRETS: Final = "BROADSHEET_OLD_SECRETS"
SHORTEST: Final = 16
"""Characters; a secret that can be guessed is none."""

# Some programs send what stands in a `mailto:` as it stands there.
_SUBJECT: Final = re.compile(r"unsubscribe(?:\s|%20|\+)+([\w.-]{20,400})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mark in a link says. digest: "" for all."""

    subscriber: int
    digest: str = ""

    def renamed(self, names: Mapping[str, str]) -> Mark:
        """The same with the digest's present name. names: former name -> present name."""
        return Mark(self.subscriber, names.get(self.digest, self.digest))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads marks. Secrets are in no message and no repr.

    secret: BROADSHEET_SECRET, which signs. old: secrets before it; what they signed is accepted.
    Raises UsageError when the secret is missing, or one is too short.
    """

    secret: str = field(repr=False)
    old: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        short = sum(len(each) < SHORTEST for each in self.old)
        if short:
            raise UsageError(
                Problem(
                    f"{OLD_SECRETS}: {short} of its {len(self.old)} secrets "
                    f"{'is' if short == 1 else 'are'} too short",
                    f"list whole secrets of {SHORTEST} or more characters, separated by commas",
                )
            )
        if len(self.secret) < SHORTEST:
            what = "is too short" if self.secret else "is not set"
            raise UsageError(
                Problem(
                    f"{SECRET} {what}; the links in the mail are signed with it",
                    f"set it to {SHORTEST} or more random characters, and keep it: with another "
                    "one the links in mail already sent stop working, unless the old one is in "
                    f"{OLD_SECRETS}",
                )
            )

    @property
    def keys(self) -> list[str]:
        """All secrets for itsdangerous, which signs with the last and accepts any."""
        return [*reversed(self.old), self.secret]

    def unsubscribe(self, subscriber: int, digest: str) -> str:
        """The mark of an unsubscribe link: letters, digits, `-`, `_` and `.` only."""
        return self._made("unsubscribe", [subscriber, digest])

    def read_unsubscribe(self, text: str) -> Mark | None:
        """What `unsubscribe` made; None for anything else."""
        match self._read("unsubscribe", text):
            case [int(subscriber), str(digest)]:
                return Mark(subscriber, digest)
        return None

    def confirm(self, subscriber: int) -> str:
        """The mark of the link that confirms a subscription."""
        return str(self._timed().dumps(subscriber))

    def read_confirm(self, text: str, max_age: int, now: datetime | None = None) -> int | None:
        """The subscriber that `confirm` named at most `max_age` seconds ago; None else."""
        try:
            found, made = self._timed().loads(text, return_timestamp=True)
        except (BadData, ValueError):
            return None
        moment = now or datetime.now(made.tzinfo)
        fresh = (moment - made).total_seconds() <= max_age
        return found if isinstance(found, int) and fresh else None

    def bounce(self, subscriber: int, issue: int) -> str:
        """The mark in an envelope sender (VERP): short, and the same in any case of letters."""
        return f"{subscriber}-{issue}-{_seal(self.secret, subscriber, issue)}"

    def read_bounce(self, text: str) -> tuple[int, int] | None:
        """The subscriber and the issue, both by id, that `bounce` named; None for anything else."""
        found = re.fullmatch(r"(\d{1,18})-(\d{1,18})-([a-z2-7]{10})", text.lower(), re.ASCII)
        if found is None:
            return None
        subscriber, issue = int(found[1]), int(found[2])
        seals = [_seal(secret, subscriber, issue) for secret in self.keys]
        good = any(hmac.compare_digest(seal, found[3]) for seal in seals)
        return (subscriber, issue) if good else None

    def _made(self, purpose: str, value: list[Any]) -> str:
        return str(_serializer(tuple(self.keys), purpose).dumps(value))

    def _read(self, purpose: str, text: str) -> Any:
        try:
            return _serializer(tuple(self.keys), purpose).loads(text)
        except (BadData, ValueError):
            return None

    def _timed(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.keys, salt="broadsheet confirm")


def _seal(secret: str, subscriber: int, issue: int) -> str:
    key = hashlib.sha256(f"broadsheet bounce {secret}".encode()).digest()
    made = hmac.new(key, f"{subscriber}-{issue}".encode(), "sha256").digest()
    return base64.b32encode(made).decode().lower()[:10]


@cache
def _serializer(secrets: tuple[str, ...], purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(list(secrets), salt=f"broadsheet {purpose}")


def unsubscribe_url(service_url: str, mark: str) -> str:
    """The address of a reader's own unsubscribe page; a one-click POST to it does it (RFC 8058)."""
    return f"{service_url}unsubscribe/{mark}"


def unsubscribe_mail(address: str, mark: str) -> str:
    """The `mailto:` address of a mail by which a reader leaves (RFC 2369, RFC 6068)."""
    return f"mailto:{quote(address, safe='@.+-_')}?subject=unsubscribe%20{mark}"


def mark_in_subject(subject: str) -> str:
    """The mark in the subject that `unsubscribe_mail` asks for; "" where it is any other."""
    found = _SUBJECT.fullmatch(subject.strip())
    return found[1] if found else ""
