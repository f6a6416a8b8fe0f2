"""The words of the ledger: the states of a row, a row in hand, and what became of it.

pending -> claimed -> sent | failed | retry | in_doubt | pending
pending, retry, in_doubt -> skipped      left in the meantime, or nothing for them
failed -> claimed                        only where the publisher asks for it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

State = Literal["pending", "claimed", "retry", "in_doubt", "sent", "failed", "skipped"]

STATES: Final[tuple[State, ...]] = (
    "pending",
    "claimed",
    "retry",
    "in_doubt",
    "sent",
    "failed",
    "skipped",
)
FINAL: Final[frozenset[State]] = frozenset({"sent", "failed", "skipped"})
"""A row in one of these is done with."""

LEFT: Final = "no longer subscribed"
UNWANTED: Final = "does not want this digest any more"
NOTHING: Final = "nothing for them: none of the topics wanted is in it"
KILLED: Final = "the run that was sending it was killed"


@dataclass(frozen=True, slots=True)
class Claim:
    """A row in hand. send_at: not before, in seconds from 1970. lease: until when, aware.

    first_at: the first attempt, as the ledger holds it. was: the state it was taken from.
    """

    id: int
    issue: int
    subscriber: int
    address: str
    name: str
    language: str
    topics: tuple[str, ...]
    attempts: int
    first_at: str
    was: State
    send_at: float
    lease: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim. code: the server's reply, None where there was none; reply: in words.

    kind: `pending` gives the row back as it was; `retry` and `in_doubt` wait, or fail in the end.
    gone: the server says that there is no such address.
    """

    claim: Claim
    kind: Literal["sent", "failed", "retry", "in_doubt", "pending", "skipped"]
    code: int | None = None
    reply: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a run, from the config. lease, retry_wait: seconds.

    only: a state of which each row is tried once, due or not; None: what is due. renamed: former
    name of a digest -> its present name.
    """

    rate: float
    lease: float
    retry_wait: float
    retry_days: int
    in_doubt: Literal["resend", "hold"]
    only: State | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a transaction came to. settled: the state each outcome ended in.

    wait: seconds until more can be claimed; None: there is no more.
    """

    claims: tuple[Claim, ...]
    settled: tuple[State, ...]
    skipped: int
    wait: float | None


Unwanted = Callable[[int, tuple[str, ...], str], bool]
"""Whether the issue (by id) has nothing for one who wants these topics, in this language."""
