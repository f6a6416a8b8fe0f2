"""The exception that `render` raises."""

from __future__ import annotations


class TooComplex(ValueError):  # noqa: N818 - the name says what is wrong with the text
    """A text that takes too much time or memory to read.

    what: what is wrong with it. fix: what its author can do.
    """

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix
