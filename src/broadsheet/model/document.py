"""A file of the output that need not be made to know whether it would be the same as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One file to be published.

    made_of: all that its bytes depend on, beside the settings and the code, as a text. Where that
    is the same the bytes are, so nothing that `make` looks at may be missing in it.
    """

    made_of: str
    make: Callable[[], bytes]
