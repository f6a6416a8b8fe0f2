"""Giving one letter to the publication's mail server: a connection, a letter, goodbye."""

from __future__ import annotations

import re
from dataclasses import dataclass

from broadsheet.delivery.dkim import Signer
from broadsheet.delivery.smtp import Server, Session, UnavailableError
from broadsheet.errors import DeliveryError, Problem
from broadsheet.service.letters import Letter
from broadsheet.service.post import LaterError


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends letters from the envelope address `envelope` through `server`, signed by `signer`."""

    server: Server
    envelope: str
    signer: Signer | None = None

    async def __call__(self, letter: Letter) -> None:
        """Raises LaterError for what may pass, DeliveryError for what will not.

        Of a refusal only the code is told: the server's words may repeat the address.
        """
        mail = self._signature(letter.message) + letter.message
        try:
            session = await Session.open(self.server)
        except UnavailableError as error:
            if error.for_good:
                raise DeliveryError(Problem(str(error), key="delivery.smtp")) from None
            raise LaterError(f"the mail server cannot be used: {error}") from None
        verdict = await session.send(self.envelope, letter.recipient, mail)
        await session.leave()
        if verdict.kind == "accepted":
            return
        said = f"the mail server says {verdict.code}" if verdict.code else "the connection was lost"
        if verdict.kind in {"refused", "sender_refused"}:
            raise DeliveryError(Problem(said))
        raise LaterError(said)

    def _signature(self, message: bytes) -> bytes:
        if self.signer is None:
            return b""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = (field.partition(b":") for field in re.split(rb"\r\n(?![ \t])", head))
        headers = [(name.decode("ascii"), value.lstrip(b" ")) for name, _, value in fields]
        return self.signer.header(headers, body)
