"""Turn MDX (mdxjs.com/docs/what-is-mdx) into Markdown.

Imports, exports and comments are removed. So are the tags of components, whose content stays
Markdown; a picture is found through its import. An expression that is a text, a number or a name
with a known value is shown; any other is removed and reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.markup.code import Walk
from broadsheet.markup.links import Links
from broadsheet.markup.templates import components, named
from broadsheet.markup.templates.components import Element
from broadsheet.markup.templates.edits import Editor, Expanded
from broadsheet.markup.templates.javascript import JavaScript, value

_MARK = r"\{|\\\{|<(?=[A-Za-z/>])|import\b|export\b"
_MODULE = re.compile(
    r"import\s+(?:type\s+)?(?:[\"']|\*\s+as\s|\{|[\w$]+\s*(?:,|from\b))|"
    r"export\s+(?:const|let|var|function|class|default|async|type|interface|\{|\*)"
)
_IMPORTED = re.compile(
    r"^import\s+([\w$]+)\s*(?:,\s*\{[^{}]*\}\s*)?from\s*[\"'](?:@site/static(?=/))?([^\"'\n]+)[\"']",
    re.MULTILINE,
)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w.:-]*)?(?=[\s/>])\s*")
_ATTRIBUTE = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_$@][\w$:.@-]*)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<brace>\{)))?|(?P<spread>\{)|(?P<end>/?>))"
)
_MORE = re.compile(r"\{/\*\s*(?:more|truncate)\s*\*/\}", re.IGNORECASE)
_HEADING_ID = re.compile(r"\{(?:/\*\s*)?(#[\w.:-]+)\s*(?:\*/)?\}")
_MARKED_UP = re.compile(r".*[*_`\[~]")
_INDENT = re.compile(r"[ \t]*")
_FIRST_LINE = re.compile(r"[^\n]*\n(?:[ \t]*\n)*([ \t]*)")
_FAR = 1_000  # characters to look at around a tag


class _Open(Struct, frozen=True):
    """An element whose end tag is to come, and which becomes `closing`.

    base: the characters of indentation of its start tag in the result. shift: how many its
    content has beyond that; they are removed, since such lines would be code.
    """

    name: str
    closing: str
    base: int
    shift: int


class Unwrapper(Editor):
    """Turns one text into Markdown. templates: those of the config, by name of the component."""

    def __init__(
        self, text: str, links: Links, values: Mapping[str, object], templates: Mapping[str, str]
    ) -> None:
        super().__init__(text)
        self._templates, self._site, self._reader = (
            templates,
            links.link_index.site,
            JavaScript(text),
        )
        page = values.get("page")
        self._names: dict[str, object] = {
            f"{name}.{key}": known
            for name in ("frontmatter", "frontMatter")
            for key, known in (page.items() if isinstance(page, Mapping) else ())
        }
        for name, path in _IMPORTED.findall(text):
            self._names |= {name: path, f"{name}.src": path}
        self._open: list[_Open] = []
        self._counts: dict[str, int] = {}  # how many elements of a name are open

    def expanded(self) -> Expanded:
        """Return the text as Markdown."""
        walk, at = Walk(self.text, _MARK, elements=False), 0
        while point := walk.next(at):
            start, at, kind = point
            if kind == "mark" and start >= self.end:
                self._mark(start)
            at = max(at, self.end)
        self._keep(len(self.text))
        return replace(super().expanded(), is_mdx=True)

    def _mark(self, start: int) -> None:
        if self.text[start] == "{":
            self._expression(start)
        elif self.text[start] == "<":
            self._element(start)
        elif self.text[start - 1 : start] in {"", "\n"} and _MODULE.match(self.text, start):
            before = self.text[self._line(max(start - 1, 0)) : start]
            if start == self.end or not before.strip():
                self._put(start, self._reader.end_of_statements(start), "")

    def _put(self, start: int, end: int, text: str) -> None:
        self._keep(start)
        self.replace(start, end, text)

    def _keep(self, end: int) -> None:
        """Keep the text up to `end`, less the indentation that open elements give its lines."""
        begins_line = not self.end or self.text[self.end - 1] == "\n"
        line = self.end if begins_line else self.text.find("\n", self.end, end) + 1
        while self._open and 0 < line < end:
            if surplus := self._surplus(line):
                self.replace(line, line + surplus)
            line = self.text.find("\n", line, end) + 1
        self.end = end

    def _surplus(self, line: int) -> int:
        """Return how many characters of the indentation at `line` are removed."""
        indent = self._indent(line)
        if not self._open or self.text[line + indent : line + indent + 1] in {"", "\n"}:
            return 0
        return min(max(indent - self._open[-1].base, 0), self._open[-1].shift)

    def _indent(self, line: int) -> int:
        found = _INDENT.match(self.text, line)
        return len(found[0]) if found else 0

    def _line(self, at: int) -> int:
        """Return where the line of `at` begins, or a place on it if that is far."""
        begin = self.text.rfind("\n", max(at - _FAR, 0), at) + 1
        return begin or max(at - _FAR, 0)

    def _expression(self, start: int) -> None:
        if found := _MORE.match(self.text, start):
            self._put(start, found.end(), "<!--more-->")
        elif found := _HEADING_ID.match(self.text, start):
            self._put(start, found.end(), f"{{{found[1]}}}")
        elif self._is_directive(start):
            return
        elif end := self._reader.end_of_braces(start):
            known = value(self.text[start + 1 : end - 1], self._names, self._site)
            if known is None:
                self.report(f"{{{self.text[start + 1 : end - 1].strip()}}}", start)
            self._put(start, end, components.shown(known or ""))
        else:
            self._put(start, start + 1, "&#123;")

    def _is_directive(self, at: int) -> bool:
        """Whether what is at `at` belongs to a line such as `:::tip[Title]{icon="a"}`."""
        line = self._line(at)
        return self.text.startswith("::", line + self._indent(line))

    def _element(self, start: int) -> None:
        element = self._read(start)
        if element is None:
            return
        if self.text[start + 1] == "/":
            self._close(element)
        elif element.name in self._templates:
            self._of_config(element)
        elif element.name[:1].islower():
            self._html(element)
        else:
            self._component(element)

    def _read(self, start: int) -> Element | None:
        """Return the start or end tag at `start`."""
        found = _TAG.match(self.text, start)
        given: dict[str, str | None] = {}
        at = found.end() if found else 0
        while found and (attribute := _ATTRIBUTE.match(self.text, at)):
            at = attribute.end()
            if attribute["end"]:
                is_void = components.VOID.fullmatch(found["name"] or "")
                is_empty = attribute["end"] == "/>" or is_void is not None
                return Element(found["name"] or "", given, start, at, is_empty)
            text = attribute["double"] or attribute["single"] or ""
            if attribute["brace"] or attribute["spread"]:
                end = self._reader.end_of_braces(at - 1)
                if not end:
                    return None
                text, at = value(self.text[at : end - 1], self._names, self._site), end
            given[attribute["name"] or ""] = text
        return None

    def _begin(self, element: Element, text: str, closing: str) -> None:
        """Put `text` for a start tag, and `closing` for its end tag later."""
        base = self._indent_in_result(element)
        self._put(element.start, element.end, text)
        if element.is_empty:
            return
        first = _FIRST_LINE.match(self.text, element.end, element.end + _FAR)
        shift = max(len(first[1]) - base, 0) if first else 0
        self._open.append(_Open(element.name, closing, base, shift))
        self._counts[element.name] = self._counts.get(element.name, 0) + 1

    def _indent_in_result(self, element: Element) -> int:
        """Return the indentation of the line that `element` begins on, after all edits."""
        line = self._line(element.start)
        return self._indent(line) - self._surplus(line)

    def _close(self, element: Element) -> None:
        """Close the innermost element of that name, and those in it that nothing closes."""
        closing = ""
        self._keep(element.start)
        while self._counts.get(element.name):
            inner = self._open.pop()
            self._counts[inner.name] -= 1
            closing += inner.closing
            if inner.name == element.name:
                break
        if element.name == "summary":  # what follows is Markdown, also on the next line
            closing += "\n\n"
        self._put(element.start, element.end, closing)

    def _html(self, element: Element) -> None:
        """Put an element of HTML; the content of a block is still Markdown."""
        for name in ("src", "href"):
            if element.given.get(name, "") is None:
                self.report(f"<{element.name} {name}>", element.start)
        if element.name in components.PLAIN_BLOCKS:  # Markdown in it needs no tag around it
            self._begin(element, "", "" if self._ends_line(element) else "\n\n")
            return
        is_apart = self._is_block(element) and not components.INLINE.fullmatch(element.name)
        if is_apart and not self._ends_line(element):
            is_apart = bool(_MARKED_UP.match(self.text, element.end, element.end + _FAR))
        blank = "\n\n" if is_apart else ""
        lead = " " * self._indent_in_result(element) if is_apart else ""
        self._begin(element, components.html(element) + blank, f"{blank}{lead}</{element.name}>")

    def _is_block(self, element: Element) -> bool:
        before = self.text[self._line(element.start) : element.start]
        return not element.is_empty and not before.strip()

    def _ends_line(self, element: Element) -> bool:
        after = element.end + self._indent(element.end)
        return self.text[after : after + 1] in {"", "\n"}

    def _of_config(self, element: Element) -> None:
        before, after = named.from_template(self._templates[element.name], element.known)
        apart = "\n\n" if self._ends_line(element) and not element.is_empty else ""
        self._begin(element, before + (after if element.is_empty else apart), apart + after)

    def _component(self, element: Element) -> None:
        if components.is_picture(element) and element.given.get("src", "") is None:
            self.report(f"<{element.name} src>", element.start)
            self._begin(element, "", "")
        elif found := components.component(element):
            self._begin(element, *found)
        elif element.is_empty:
            self.report(f"<{element.name}>", element.start, can_define=True)
            self._put(element.start, element.end, "")
        else:
            self._begin(element, self._heading(element), "")

    def _heading(self, element: Element) -> str:
        """Return the title of a component, as a paragraph if the component is a block."""
        title, line = components.title(element), self._line(element.start)
        if not title or not self._is_block(element):
            return f"{title} " if title else ""
        lead = self.text[line + self._surplus(line) : element.start]
        return f"\n{lead}{title}\n\n"
