"""Ways to send mail: a module for each, found by its name.

The module `transports/NAME.py`, or the plugin NAME, implements `delivery.transport = "NAME"` with a
function

    def transport(settings: DeliverySettings, environment: Mapping[str, str]) -> Transport

that reads its settings and, from the environment, its secrets. It raises ConfigError for invalid
settings. In the name of a file, `_` stands for `-`; one that starts with it is a helper.

A transport reads no files: it does not know the project's folder. A key or a certificate comes from
the environment too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from broadsheet.model.settings import DeliverySettings
from broadsheet.registry import TRANSPORTS


class UnavailableError(Exception):
    """The transport cannot be used now. The text has no secrets.

    for_good: trying again does not help; someone has to change something.
    """

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Verdict(Struct, frozen=True):
    """The result of sending a mail. code, words: the reply; the code is None if there was none.

    kind: `accepted`; `deferred`: try again later; `refused`: for this recipient, permanently;
    `sender_refused`: because of the sender or this machine, for any recipient; `lost`: the
    connection was lost before the mail was complete, so it was not accepted; `in_doubt`: lost after
    that, before the reply.
    stale: lost before any reply, on a connection that had been used before.
    gone: the server says that the recipient's mailbox does not exist.
    """

    kind: Literal["accepted", "deferred", "refused", "sender_refused", "lost", "in_doubt"]
    code: int | None
    words: str
    stale: bool = False
    gone: bool = False

    @property
    def text(self) -> str:
        """The code and the words, on one line."""
        return f"{self.code or ''} {self.words}".strip()


MayEnd = Callable[[], Awaitable[bool]]
"""Whether a mail may still be sent; called at the last moment when it can be prevented."""


async def always() -> bool:
    """Return True, as a MayEnd."""
    return True


class Session(Protocol):
    """A connection that sends one mail after another. sent: the number of accepted mails."""

    sent: int

    @property
    def usable(self) -> bool:
        """Whether another mail can be sent over it."""

    async def send(self, sender: str, to: str, mail: bytes, may_end: MayEnd = always) -> Verdict:
        """Send `mail` (RFC 5322, ASCII, CRLF) from the envelope address `sender` to `to`.

        If `may_end` says no, the mail is not sent, and the session is no longer usable. If it says
        yes, the verdict comes within twice `delivery.timeout`, which the lease of the row covers.
        """

    async def introduce(self, sender: str) -> Verdict | None:
        """Return the verdict if mail from `sender` would be refused for good; send nothing."""

    async def leave(self) -> None:
        """Close the connection."""


class Transport(Protocol):
    """Opens sessions. It is a frozen dataclass whose repr has no secret."""

    @property
    def name(self) -> str:
        """Its name in messages, such as the host."""

    async def connect(self, timeout_s: float | None = None) -> Session:
        """Open a session. Raises UnavailableError.

        timeout_s: how long to wait for each reply; None: as in the settings.
        """


def transport(settings: DeliverySettings, environment: Mapping[str, str]) -> Transport:
    """Return the transport that the settings name. Raises ConfigError."""
    made: Transport = TRANSPORTS.load(settings.transport).transport(settings, environment)
    return made
