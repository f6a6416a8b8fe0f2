"""Markdown as the authors of Hugo, Jekyll, Eleventy and Astro write it, by Python-Markdown.

Python-Markdown and pymdown-extensions do the work. What is added is small: `blocks` brings
CommonMark's lists and tables to the form that Python-Markdown reads, bare addresses end where
Chinese text goes on, and a line end between two Chinese characters becomes no space.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import (
    REFERENCE_RE,
    InlineProcessor,
    ReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
)
from markdown.util import AtomicString

from broadsheet.markup.blocks import Blocks
from broadsheet.markup.text import is_unspaced, one_line

READ_MORE: Final = "\ue000"
"""Stands where the article has `<!--more-->`: a private-use character (Unicode, 23.5)."""

_MORE = re.compile(r"^[ \t]*<!--\s*more\s*-->[ \t]*$", re.MULTILINE | re.IGNORECASE)
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
_LINE_END = re.compile(r"(\S)[ \t]*\n[ \t]*(?=((?:<[^<>]*>)*)(\S))")
_TAG_END = re.compile(r"(?:</?(?:em|strong|a|code|del|span)\b[^<>]*>)*")


class TooDeep(ValueError):  # noqa: N818 - it says what is wrong with the text
    """The text is nested deeper than can be read; the message says what to do."""


def convert(markdown: str) -> str:
    """`markdown` as HTML, not yet safe. Raises TooDeep."""
    converter = _converter()
    converter.reset()
    text = _MORE.sub(f"\n\n{READ_MORE}\n\n", markdown.replace(READ_MORE, ""))
    try:
        html = converter.convert(text)
    except RecursionError:
        raise TooDeep("it is nested too deep; write it flatter") from None
    return _join_lines(html)


def _join_lines(html: str) -> str:
    """`html` without the line ends that would show as a space within Chinese text."""
    parts = _PRE.split(html)
    parts[::2] = (_LINE_END.sub(_joined, part) for part in parts[::2])
    return "".join(parts)


def _joined(found: re.Match[str]) -> str:
    inline = not found[2] or _TAG_END.fullmatch(found[2])
    return found[1] if inline and is_unspaced(found[1], found[3]) else found[0]


@cache
def _converter() -> Markdown:
    """The one converter of this process; building it costs more than an article."""
    return Markdown(
        extensions=[
            "markdown.extensions.abbr",
            "markdown.extensions.attr_list",
            "markdown.extensions.def_list",
            "markdown.extensions.footnotes",
            "markdown.extensions.md_in_html",
            "markdown.extensions.sane_lists",
            "markdown.extensions.tables",
            "pymdownx.highlight",
            "pymdownx.superfences",
            "pymdownx.tasklist",
            "pymdownx.tilde",
            Blocks(),
            _Links(),
        ],
        extension_configs={
            "pymdownx.highlight": {"use_pygments": False},
            "pymdownx.tilde": {"subscript": False},
            "markdown.extensions.footnotes": {
                "BACKLINK_TEXT": "↩︎",
                "BACKLINK_TITLE": "↩ {}",  # a number, since English words would be wrong here
            },
        },
        output_format="html",
    )


class _Links(Extension):
    """What Python-Markdown misses of links."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Registers each in the place of what it improves, addresses after raw HTML."""
        md.references = _References()  # type: ignore[assignment]  # a title may be None
        md.inlinePatterns.register(_Reference(REFERENCE_RE, md), "reference", 170)
        md.inlinePatterns.register(_ShortReference(REFERENCE_RE, md), "short_reference", 130)
        md.inlinePatterns.register(_Address(_Address.PATTERN, md), "bare_address", 75)


class _References(dict[str, tuple[str, str | None]]):
    """Link definitions by label, in which white space and code marks do not count."""

    def __setitem__(self, label: str, target: tuple[str, str | None]) -> None:
        super().setdefault(self._key(label), target)  # of several the first counts (4.7)

    def __getitem__(self, label: str) -> tuple[str, str | None]:
        return super().__getitem__(self._key(label))

    def __contains__(self, label: object) -> bool:
        return super().__contains__(self._key(str(label)))

    def _key(self, label: str) -> str:
        return one_line(label.replace("`", "")).casefold()


class _Reference(ReferenceInlineProcessor):
    """[text][label], where a label may have code in it, which has been put aside by then."""

    def evalId(  # noqa: N802 - the library's name
        self, data: str, index: int, text: str
    ) -> tuple[str | None, int, bool]:
        label, end, handled = super().evalId(data, index, text)
        return self.unescape(label) if label else label, end, handled


class _ShortReference(ShortReferenceInlineProcessor):
    """[label], likewise."""

    def evalId(  # noqa: N802 - the library's name
        self, data: str, index: int, text: str
    ) -> tuple[str, int, bool]:
        label, end, handled = super().evalId(data, index, text)
        return self.unescape(label or ""), end, handled


class _Address(InlineProcessor):
    """Bare addresses (GFM 6.9). pymdownx.magiclink would take the Chinese text after them too."""

    PATTERN = r"(?<![\w@/.:=\"'-])https?://[\w.~:/?#@!$&'()*+,;=%\[\]-]*[\w/~=%&+#-]"

    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, pattern: str, md: Markdown) -> None:
        super().__init__(pattern, md)
        self.compiled_re = re.compile(pattern, re.ASCII | re.IGNORECASE)

    def handleMatch(  # type: ignore[override]  # noqa: N802 - the library's name
        self, m: re.Match[str], _data: str
    ) -> tuple[Element, int, int]:
        """A link whose text is the address; a parenthesis that was not opened in it stays out."""
        address = m[0]
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1]
        link = Element("a", {"href": address})
        link.text = AtomicString(address)
        return link, m.start(), m.start() + len(address)
