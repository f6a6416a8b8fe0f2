"""Markdown as the authors of Hugo, Jekyll, Eleventy and Astro write it, by Python-Markdown.

Python-Markdown and pymdown-extensions do the work. What is added is small: `blocks` brings
CommonMark's lists and tables to the form that Python-Markdown reads, bare addresses end where
Chinese text goes on, and a line end between two Chinese characters becomes no space.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import (
    REFERENCE_RE,
    InlineProcessor,
    ReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
    SimpleTagInlineProcessor,
)
from markdown.util import HTML_PLACEHOLDER, AtomicString

from broadsheet.markup import TooDeep
from broadsheet.markup.blocks import READ_MORE, Blocks
from broadsheet.markup.inline import Inline
from broadsheet.markup.serialise import to_html
from broadsheet.markup.skimming import skim
from broadsheet.markup.text import is_unspaced, one_line

_KEPT = re.compile(HTML_PLACEHOLDER % "([0-9]+)")  # where raw HTML has been put aside
_OPENING = {"<a ", "<a>", "<a\n"}
_LINK_TAGS = _OPENING | {"</a"}
_PRE = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
_LINE_END = re.compile(r"\n[ \t]*")
_OPENING_TAGS = re.compile(r"(?:<(?:em|strong|a|del|span)\b[^<>]*>)*")
_ENDS_OF_BLOCKS = ("</p>", "</li>", "</ol>", "</ul>", "</h2>", "</h3>", "<ol>", "<ul>")  # mostly
_CLOSING_TAGS = ("</em>", "</strong>", "</a>", "</del>", "</span>")


def convert(markdown: str) -> str:
    """`markdown` as HTML, not yet safe. Raises TooDeep."""
    ours = converter()
    ours.reset()
    try:
        html = ours.convert(markdown.replace(READ_MORE, ""))
    except BaseException as error:
        # It stopped in the midst of a list, say, and reset() would not take it out of there: every
        # article after this one would be read as if it stood in that list.
        converter.cache_clear()
        if isinstance(error, RecursionError):
            raise TooDeep("it is nested too deep; write it flatter") from None
        raise
    return join_lines(html)


def join_lines(html: str) -> str:
    """`html` without the line ends that would show as a space within Chinese text."""
    parts = _PRE.split(html)
    parts[::2] = map(_joined, parts[::2])
    return "".join(parts)


def _joined(html: str) -> str:
    kept: list[str] = []
    end = 0  # of what is kept
    begin = 0  # of the line
    for found in _LINE_END.finditer(html):
        if not html.endswith(_ENDS_OF_BLOCKS, begin, found.start()):
            line = html[begin : found.start()].rstrip(" \t")
            if not _is_apart(line, html, found.end()):
                kept.append(html[end : begin + len(line)])
                end = found.end()
        begin = found.end()
    return "".join([*kept, html[end:]])


def _is_apart(line: str, html: str, end: int) -> bool:
    """Whether a space belongs between the words of `line` and those that begin at `end`."""
    before = line[-80:]
    while before.endswith(_CLOSING_TAGS):
        before = before[: before.rindex("<")]
    if before[-1:] < "\x80":  # the end of most lines: a tag; or nothing
        return True
    start = _OPENING_TAGS.match(html, end).end()  # type: ignore[union-attr] # or nothing
    return not is_unspaced(before[-1], html[start : start + 1])


@cache
def converter() -> Markdown:
    """The one converter of this process; building it costs more than an article."""
    return quick(new_converter())


def quick(converter: Markdown) -> Markdown:
    """`converter`, which makes the same as before in half the time."""
    from broadsheet.markup import footnotes

    footnotes.hasten(converter)
    converter.treeprocessors.register(Inline(converter), "inline", 20)  # the library's place
    converter.serializer = to_html
    skim(converter)
    return converter


def new_converter() -> Markdown:
    """A converter of this dialect, as slow as the library is."""
    # A run that converts nothing does not import these. They are not given by their names: the
    # library would search all that is installed for those.
    from markdown.extensions.abbr import AbbrExtension
    from markdown.extensions.attr_list import AttrListExtension
    from markdown.extensions.def_list import DefListExtension
    from markdown.extensions.md_in_html import MarkdownInHtmlExtension
    from markdown.extensions.sane_lists import SaneListExtension
    from markdown.extensions.tables import TableExtension
    from pymdownx.highlight import HighlightExtension
    from pymdownx.superfences import SuperFencesCodeExtension
    from pymdownx.tasklist import TasklistExtension

    from broadsheet.markup.footnotes import Footnotes

    class Ours(Markdown):
        """One extension asks for another by its name: it is the one that we have."""

        def build_extension(self, ext_name: str, configs: Mapping[str, Any]) -> Extension:
            if ext_name == "pymdownx.highlight":
                extension: Extension = HighlightExtension(**configs)
                return extension
            return super().build_extension(ext_name, configs)

    return Ours(
        extensions=[
            AbbrExtension(),
            AttrListExtension(),
            DefListExtension(),
            Footnotes(
                BACKLINK_TEXT="↩︎",
                BACKLINK_TITLE="↩ {}",  # a number, since English words would be wrong here
            ),
            MarkdownInHtmlExtension(),
            SaneListExtension(),
            TableExtension(),
            HighlightExtension(use_pygments=False),
            SuperFencesCodeExtension(),
            TasklistExtension(),
            Blocks(),
            _Strikethrough(),
            _Links(),
        ],
        output_format="html",
    )


class _Strikethrough(Extension):
    """~~Text~~ (GFM 6.5), also beside Chinese punctuation, as emphasis is read."""

    # What is between the marks ends at the next two, so that no text is looked through twice.
    PATTERN = r"(?<!~)(~~)(?!\s)([^~]+(?:~[^~]+)*)(?<!\s)~~(?!~)"

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Registers it after emphasis."""
        md.ESCAPED_CHARS.append("~")
        md.inlinePatterns.register(SimpleTagInlineProcessor(self.PATTERN, "del"), "del", 55)


class _Links(Extension):
    """What Python-Markdown misses of links."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Registers each in the place of what it improves, addresses after raw HTML."""
        md.references = _References()  # type: ignore[assignment]  # a title may be None
        md.inlinePatterns.register(_Reference(REFERENCE_RE, md), "reference", 170)
        md.inlinePatterns.register(_ShortReference(REFERENCE_RE, md), "short_reference", 130)
        md.inlinePatterns.register(_Address(_Address.PATTERN, md), "bare_address", 75)
        md.inlinePatterns.register(_Mail(_Mail.PATTERN, md), "bare_mail", 74)


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


class _Bare(InlineProcessor):
    """Text that is a link by itself, but for within one (GFM 6.9)."""

    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, pattern: str, md: Markdown) -> None:
        super().__init__(pattern, md)
        self.compiled_re = re.compile(pattern, re.ASCII | re.IGNORECASE)

    def handleMatch(  # type: ignore[override]  # noqa: N802 - the library's name
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        """A link whose text is the address; nothing where a raw `<a>` is open before it."""
        found: re.Match[str] | None = m
        # Within text that is struck out it ends before the marks that end that.
        if "~~" in m[0] and data.count("~~", 0, m.start()) % 2:
            found = self.compiled_re.match(data[: data.index("~~", m.start())], m.start())
        if found is None or self._in_raw_link(data, m.start()):
            return None, None, None
        address = self._address(found[0])
        link = Element("a", {"href": self._href(address)})
        link.text = AtomicString(address)
        return link, m.start(), m.start() + len(address)

    def _in_raw_link(self, data: str, end: int) -> bool:
        kept = [str(html)[:3].lower() for html in self.md.htmlStash.rawHtmlBlocks]
        if _OPENING.isdisjoint(kept):
            return False
        before = _KEPT.finditer(self.unescape(data[:end]))
        tags = [tag for found in before if (tag := kept[int(found[1])]) in _LINK_TAGS]
        return bool(tags) and tags[-1] in _OPENING

    def _address(self, found: str) -> str:
        return found

    def _href(self, address: str) -> str:
        return address


class _Address(_Bare):
    """A web address. pymdownx.magiclink would take the Chinese text after it too."""

    PATTERN = r"(?<![\w@/.:=\"'-])https?://[\w.~:/?#@!$&'()*+,;=%\[\]-]*[\w/~=%&+#)-]"

    def _address(self, found: str) -> str:
        """A parenthesis that was not opened in it stays out, and the mark before it."""
        end, unopened = len(found), found.count(")") - found.count("(")
        while found[end - 1] == ")" and unopened > 0:
            unopened -= 1
            end = len(found[: end - 1].rstrip(".,:;!?'*"))
        return found[:end]


class _Mail(_Bare):
    """A mail address."""

    PATTERN = (
        r"(?<![\w@/.:=\"'+-])[\w.+-]{1,64}@"
        r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,8}\.[a-z]{2,}(?![\w@-])"
    )

    def _href(self, address: str) -> str:
        return f"mailto:{address}"
