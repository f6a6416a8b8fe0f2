"""A mail transport: appends each mail to the mbox file named by the variable NEWSDESK_MBOX."""

from __future__ import annotations

import mailbox
from collections.abc import Mapping
from dataclasses import dataclass

from broadsheet.delivery.transports import MayEnd, Verdict, always
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.settings import DeliverySettings


@dataclass
class MboxSession:
    """An open file. sent: how many mails it has accepted."""

    file: str
    sent: int = 0
    usable: bool = True

    async def send(self, sender: str, to: str, mail: bytes, may_end: MayEnd = always) -> Verdict:
        """Append `mail`, unless it may no longer be sent."""
        if not await may_end():
            self.usable = False
            return Verdict("lost", None, "not sent")
        box = mailbox.mbox(self.file)
        box.add(mail)
        box.close()
        self.sent += 1
        return Verdict("accepted", 250, "stored")

    async def introduce(self, sender: str) -> Verdict | None:
        """Return None: mail from any sender is accepted."""
        return None

    async def leave(self) -> None:
        """Do nothing; the file is closed after each mail."""


@dataclass(frozen=True)
class Mbox:
    """Opens the file at `name`."""

    name: str

    async def connect(self, timeout_s: float | None = None) -> MboxSession:
        """Return a session."""
        return MboxSession(self.name)


def transport(settings: DeliverySettings, environment: Mapping[str, str]) -> Mbox:
    """Return the transport. Raises ConfigError if no file is named."""
    if file := environment.get("NEWSDESK_MBOX"):
        return Mbox(file)
    todo = "set it to the path of a file"
    raise ConfigError(Problem("NEWSDESK_MBOX is not set", todo, key="delivery.transport"))
