"""Footnotes, also such as are defined within the text of another."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions.footnotes import FootnoteExtension, FootnoteInlineProcessor


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


def hasten(md: Markdown) -> None:
    """Makes `md` count the references to a footnote, where it tried each number in turn."""
    references = md.inlinePatterns["footnote"]
    if isinstance(references, FootnoteInlineProcessor):
        counted = _References(references.pattern, references.footnotes)
        md.inlinePatterns.register(counted, "footnote", 175)  # the library's place


class _References(FootnoteInlineProcessor):
    """References to footnotes, with the library's settings for them, none of which is changed."""

    def handleMatch(  # type: ignore[override]  # noqa: N802 - the library's name
        self,
        m: re.Match[str],
        data: str,  # noqa: ARG002
    ) -> tuple[Element | None, int | None, int | None]:
        """The number of the footnote, as a link to it; nothing where there is none."""
        notes, label = self.footnotes, m[1]
        if label not in notes.footnotes:
            return None, None, None
        notes.addFootnoteRef(label)
        first = name = f"fnref:{label}"
        count = notes.found_refs.get(first, 0) + 1
        if count > 1:
            name = f"fnref{count}:{label}"
        notes.found_refs[first] = count
        notes.used_refs.add(name)
        raised = Element("sup", {"id": name})
        link = SubElement(raised, "a", {"href": f"#fn:{label}", "class": "footnote-ref"})
        link.text = str([*notes.footnotes].index(label) + 1)
        return raised, m.start(), m.end()
