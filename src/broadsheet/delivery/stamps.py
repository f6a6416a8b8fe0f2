"""What makes a mail a reader's own: where its bounces go, its links, its signature."""

from __future__ import annotations

from dataclasses import dataclass, field

from broadsheet.delivery.dkim import Signer
from broadsheet.delivery.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Stamps:
    """What makes a mail a reader's own. envelope: the address that bounces go to.

    tokens: None where no service answers; then the links are those that all share.
    """

    envelope: str
    verp: bool = False
    tokens: Tokens | None = None
    signer: Signer | None = field(default=None, repr=False)
