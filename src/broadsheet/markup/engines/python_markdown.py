"""Python-Markdown with its own extensions and pymdown-extensions, unmodified.

betterem, one of pymdown-extensions, is left out: it ignores emphasis beside Chinese punctuation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension

from broadsheet.markup.errors import TooComplex
from broadsheet.text.characters import printable


def to_html(text: str) -> str:
    """Return `text` as HTML, not yet safe. Raises TooComplex."""
    converter = _converter()
    converter.reset()
    try:
        return printable(converter.convert(text))  # it may leave its own marks
    except BaseException as error:
        # The converter stopped in the middle of a block, and reset() does not undo that: it would
        # read every later article as part of that block.
        _converter.cache_clear()
        if isinstance(error, RecursionError):
            raise TooComplex("nested too deeply", "simplify the structure") from None
        raise


@cache
def _converter() -> Markdown:
    """Return the converter of this process; making one takes longer than an article."""
    # Imported late, so that a run that converts nothing does not pay for it. Passed as objects,
    # because to find a name, the library searches all installed packages.
    from markdown.extensions.abbr import AbbrExtension
    from markdown.extensions.admonition import AdmonitionExtension
    from markdown.extensions.attr_list import AttrListExtension
    from markdown.extensions.def_list import DefListExtension
    from markdown.extensions.footnotes import FootnoteExtension
    from markdown.extensions.md_in_html import MarkdownInHtmlExtension
    from markdown.extensions.sane_lists import SaneListExtension
    from markdown.extensions.tables import TableExtension
    from markdown.inlinepatterns import AUTOMAIL_RE, AutomailInlineProcessor
    from markdown.treeprocessors import UnescapeTreeprocessor
    from pymdownx.details import DetailsExtension
    from pymdownx.highlight import HighlightExtension
    from pymdownx.superfences import SuperFencesCodeExtension
    from pymdownx.tasklist import TasklistExtension
    from pymdownx.tilde import DeleteSubExtension

    class Converter(Markdown):
        """A converter in which extensions that ask for another by name get the one given here."""

        def build_extension(self, ext_name: str, configs: Mapping[str, Any]) -> Extension:
            if ext_name == "pymdownx.highlight":
                extension: Extension = HighlightExtension(**configs)
                return extension
            return super().build_extension(ext_name, configs)

    class NestedFootnotes(FootnoteExtension):
        """Footnotes, including those defined in another one, which the library loses."""

        def makeFootnotesDiv(self, root: Element) -> Element | None:  # noqa: N802 - its name
            """Return the footnotes below the text; reading one may add others to the list."""
            self.footnotes = _Growing(self.footnotes)
            try:
                return super().makeFootnotesDiv(root)
            finally:
                self.footnotes = OrderedDict(self.footnotes)

    class Automail(AutomailInlineProcessor):
        """An address in angle brackets, in which the library leaves its marks for escapes."""

        def unescape(self, text: str) -> str:
            """Return `text` with the escaped characters in place of their marks."""
            return UnescapeTreeprocessor().unescape(super().unescape(text))

    converter = Converter(
        extensions=[
            AbbrExtension(),
            AdmonitionExtension(),
            AttrListExtension(),
            DefListExtension(),
            NestedFootnotes(BACKLINK_TEXT="↩\ufe0e", BACKLINK_TITLE="↩ {}"),
            MarkdownInHtmlExtension(),
            SaneListExtension(),
            TableExtension(),
            DetailsExtension(),
            DeleteSubExtension(subscript=False),
            HighlightExtension(use_pygments=False),
            SuperFencesCodeExtension(),
            TasklistExtension(),
        ],
        output_format="html",
    )
    # It replaces the library's own, whose name and priority it has.
    converter.inlinePatterns.register(Automail(AUTOMAIL_RE, converter), "automail", 110)
    return converter


class _Growing(OrderedDict[str, str]):
    """A dictionary whose keys can be iterated while others are added."""

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        """Yield each key once, also those added meanwhile."""
        seen: set[str] = set()
        while more := [key for key in self if key not in seen]:
            yield from more
            seen.update(more)
