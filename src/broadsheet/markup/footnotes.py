"""Footnotes, also such as are defined within the text of another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from markdown.extensions.footnotes import FootnoteExtension


class Footnotes(FootnoteExtension):
    """Python-Markdown's, which loses what is defined within a footnote, or fails on it: to write
    one down it reads its text, and may find the next there."""

    def makeFootnotesDiv(self, root: Element) -> Element | None:  # noqa: N802 - the library's name
        """The footnotes as they stand below the text; None where there are none."""
        self.footnotes = _Growing(self.footnotes)
        try:
            return super().makeFootnotesDiv(root)
        finally:
            self.footnotes = OrderedDict(self.footnotes)


class _Growing(OrderedDict[str, str]):
    """Texts by label, to which more may come while they are gone through."""

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        """Each label, once, those that came last too."""
        gone: set[str] = set()
        while more := [label for label in self if label not in gone]:
            yield from more
            gone.update(more)
