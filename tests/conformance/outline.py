"""The outline of an article's HTML: what a reader sees of it, one line a block.

Everything that is left out of an outline is left out here, and only because no reader can see it
in a feed or a mail:

- ids, classes, data attributes and comments; `span`, `section`, `article`, `main` and any `div`,
  such as highlighters and generators put around code, tables and headings;
- links that a generator adds to headings; the `sup` and brackets around the mark of a footnote; the
  line, the heading and the wrapper of the list of footnotes; links back from a footnote;
- spaces at the ends of blocks and runs of spaces outside code; the line ends that end code, and the
  one that begins a `pre` in HTML; line ends between two characters of Chinese or Japanese, which
  would be shown as spaces;
- paragraphs without content; numbers of lines of code;
- `s` is the same as `del`;
- check boxes are written as the characters ☐ and ☑; alignment is the same as attribute or style.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urljoin, urlsplit

from lxml import html
from lxml.html import HtmlElement

_BLOCK_NAMES = """
    address aside blockquote body dd details div dl dt fieldset figcaption figure footer form h1 h2
    h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_WRAPPERS = frozenset({"article", "body", "div", "main", "section", "span", "tbody", "thead"})
_UNSEEN = frozenset({"script", "style", "template", "svg", "link", "meta", "button"})
_ALIGN = re.compile(r"text-align:\s*(\w+)")
_UNSPACED = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
_MARK = r"(?:<[^<>]*>)*"
_LINE_END = re.compile(rf"({_UNSPACED}{_MARK})[ \t]*\n[ \t]*(?={_MARK}{_UNSPACED})")
_BACK_LINKS = (
    "*[contains(@class,'footnote-back') or contains(@class,'reversefootnote')"
    " or @data-footnote-backref or contains(@class,'footnote-backref')"
    " or starts-with(normalize-space(.),'↩')]"
)
_SPACES = re.compile(r"[ \t\n\r\f]+")


def outline(text: str, base: str) -> list[str]:
    """Return the outline of the HTML `text` of the page at the address `base`."""
    top = html.fragment_fromstring(f"<body>{text}</body>", create_parent="body")
    for each in [*top.iter()]:
        if not isinstance(each.tag, str) or each.tag in _UNSEEN:
            each.drop_tree()
    _simplify_footnotes(top)
    for link in top.xpath(".//a[contains(@class,'headerlink') or contains(@class,'anchor')]"):
        link.drop_tree()
    return [*_Walk(base).block(top, 0)]


def _simplify_footnotes(top: HtmlElement) -> None:
    for link in top.xpath(f".//{_BACK_LINKS.replace('*', 'a', 1)}"):
        if link.getprevious() is not None and link.getprevious().tail:
            link.getprevious().tail = link.getprevious().tail.rstrip()
        link.drop_tree()
    for notes in top.xpath(".//*[contains(@class,'footnotes') or @data-footnotes]"):
        for added in notes.xpath("./hr|./h2|./h4"):
            added.drop_tree()
    for added in top.xpath(
        ".//hr[contains(@class,'footnotes-sep') or following-sibling::*[1][self::section]]"
        " | .//span[@class='ln' or contains(@style,'user-select:none')]"
    ):
        added.drop_tree()
    for mark in top.xpath(".//sup[contains(@class,'footnote-ref')]/a"):
        mark.text = re.sub(r"\[(\d+)(?::\d+)?\]", r"\1", mark.text or "")


class _Walk:
    """Walks over the blocks of one page. base: the address of the page."""

    def __init__(self, base: str) -> None:
        self._base = base

    def block(self, element: HtmlElement, depth: int) -> Iterator[str]:
        """Yield the lines of what is in `element`, indented by `depth`."""
        inline = [element.text or ""]
        for child in element:
            if child.tag in _BLOCKS or self._has_blocks(child):
                yield from self._paragraph(inline, depth)
                inline = []
                yield from self._inner(child, depth)
            else:
                inline.append(self._inline(child))
            inline.append(child.tail or "")
        yield from self._paragraph(inline, depth)

    def _has_blocks(self, element: HtmlElement) -> bool:
        return any(each.tag in _BLOCKS for each in element.iterdescendants())

    def _inner(self, element: HtmlElement, depth: int) -> Iterator[str]:
        pad = "  " * depth
        if element.tag == "pre":
            yield f"{pad}pre {element.text_content().removeprefix(chr(10)).rstrip(chr(10))!r}"
        elif element.tag == "hr":
            yield f"{pad}hr"
        elif element.tag in _WRAPPERS or "highlight" in element.get("class", ""):
            yield from self.block(element, depth)
        elif element.tag != "p" or self._is_seen(element):
            yield f"{pad}{element.tag}{self._details(element)}"
            yield from self.block(element, depth + 1)

    def _is_seen(self, paragraph: HtmlElement) -> bool:
        return bool(paragraph.text_content().strip()) or paragraph.find(".//img") is not None

    def _details(self, element: HtmlElement) -> str:
        if element.tag == "ol" and element.get("start", "1") != "1":
            return f" start={element.get('start')}"
        if element.tag in {"td", "th"}:
            aligned = _ALIGN.search(element.get("style", ""))
            side = aligned[1] if aligned else element.get("align")
            return f" {side}" if side else ""
        return ""

    def _paragraph(self, parts: list[str], depth: int) -> Iterator[str]:
        text = _LINE_END.sub(r"\1", "".join(parts))
        text = _SPACES.sub(" ", text).replace(" <br> ", "<br>").replace("<br> ", "<br>").strip()
        if text:
            yield f"{'  ' * depth}{text}"

    def _inline(self, element: HtmlElement) -> str:
        inner = (element.text or "") + "".join(
            self._inline(child) + (child.tail or "") for child in element
        )
        tag = element.tag
        if tag == "br":
            return "<br>\n"
        if tag == "img":
            return f"<img {self._address(element.get('src'))} {element.get('alt', '')!r}>"
        if tag == "input" and element.get("type") == "checkbox":
            return "☑ " if "checked" in element.attrib else "☐ "
        if tag == "a" and element.get("href") is not None:
            return f"<a {self._address(element.get('href'))}>{inner}</a>"
        if tag in _WRAPPERS or tag in {"a", "label"} or self._is_footnote(element):
            return inner
        tag = "del" if tag == "s" else tag
        return f"<{tag}>{inner}</{tag}>"

    def _is_footnote(self, element: HtmlElement) -> bool:
        return element.tag == "sup" and len(element) == 1 and "#" in element[0].get("href", "")

    def _address(self, address: str | None) -> str:
        whole = urljoin(self._base, (address or "").strip())
        if urlsplit(whole).path == "" and whole.startswith("http"):
            whole += "/"
        return quote(unquote(whole), safe="/%:@!$&'()*+,;=~-._?#[]")
