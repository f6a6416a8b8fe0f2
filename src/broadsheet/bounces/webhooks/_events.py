"""What the events of all providers have in common."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from broadsheet.bounces.mail import addresses, printable_line
from broadsheet.bounces.report import RecipientReport, Report, ReportKind
from broadsheet.bounces.verdict import report_from_words
from broadsheet.bounces.webhooks import PREFIX, MalformedHookError
from broadsheet.errors import Problem, UsageError

_MAX_ID_CHARS: Final = 200

_T = TypeVar("_T")


def decoded(data: bytes | str | msgspec.Raw, type_: type[_T]) -> _T:
    """Return the JSON in `data`. Raises MalformedHookError."""
    try:
        return msgspec.json.decode(data, type=type_)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedHookError(str(error)) from error


def kind_of(event: bytes | msgspec.Raw, key: str) -> str:
    """Return the kind of an event, which is in its field `key`, or "".

    Providers add kinds, whose other fields can be of any type. Raises MalformedHookError.
    """
    kind = decoded(event, dict[str, msgspec.Raw]).get(key)
    found = decoded(kind, object) if kind is not None else ""
    return found if isinstance(found, str) else ""


def report(
    id_: str,
    at: str | float | None,
    recipients: Iterable[RecipientReport],
    sent_to: Iterable[str] = (),
    returned: Iterable[tuple[str, str]] = (),
) -> Report:
    """Return a report. at: ISO 8601, or seconds since 1970."""
    sender = addresses(sent_to)
    return Report(
        printable_line(id_, _MAX_ID_CHARS), _moment(at), sender, tuple(returned), tuple(recipients)
    )


def recipient(kind: ReportKind, address: str, words: str = "") -> RecipientReport:
    """Return what an event says about `address`, whatever the words of a server."""
    return RecipientReport(kind, addresses([address]), "", printable_line(words))


def failure(address: str, reply: str, status: str = "") -> RecipientReport:
    """Return the failure to deliver to `address`. reply: the server's, with its codes."""
    named = next(iter(addresses([address])), "")
    judged = report_from_words(named, reply.removeprefix("smtp;"), status)
    return judged if named else RecipientReport(judged.kind, (), judged.status, judged.words)


def invalid_secret(name: str, what: str, todo: str) -> UsageError:
    """Return the error about the secret of the webhook `name`."""
    return UsageError(Problem(f"{PREFIX}{name.upper()} {what}", todo))


def _moment(at: str | float | None) -> datetime | None:
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(at, str):
            found = datetime.fromisoformat(at)
            return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
        return None if at is None else datetime.fromtimestamp(at, UTC)
    return None
