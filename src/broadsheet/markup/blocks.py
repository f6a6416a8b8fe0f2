"""Block structure as people write it today, brought to the form that Python-Markdown reads.

Python-Markdown follows the first Markdown: a list must have a blank line before it and its
nested lists four columns, a heading needs no space after its `#`, and all within an HTML element
is HTML. Hugo, Jekyll and the others follow CommonMark, and their authors write that. This
preprocessor rewrites the lines between the two: lists (CommonMark 0.31, 5.2 and 5.3), HTML
blocks, which a blank line ends (4.6), and tables that interrupt a paragraph (GFM 4.10).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.blockprocessors import BlockQuoteProcessor, HashHeaderProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import SubstituteTagInlineProcessor
from markdown.preprocessors import Preprocessor

READ_MORE: Final = "\ue000"
"""Stands where the article has `<!--more-->`: a private-use character (Unicode, 23.5)."""

_MORE = re.compile(r"[ \t]*<!--\s*more\s*-->[ \t]*$", re.IGNORECASE)
_ITEM = re.compile(r"(?P<marker>[-+*]|\d{1,9}[.)])(?P<gap> +)(?=\S)(?P<text>.*)")
_RULE = re.compile(r"([-*_])( *\1){2,} *$")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_RAW = re.compile(r"<(?:(pre|script|style|textarea)\b|!--)", re.IGNORECASE)
_HTML_BLOCK = re.compile(
    r"</?(address|article|aside|blockquote|center|details|div|dl|fieldset|figure|footer|form|"
    r"h[1-6]|header|hr|iframe|li|main|nav|ol|p|section|summary|table|tbody|td|th|thead|tr|ul|"
    r"video)\b(?![^<>]*\bmarkdown\s*=)",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r" {0,3}:\s")
_DELIMITER_ROW = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_STARTS_NO_PARAGRAPH = re.compile(r"#{1,6}(\s|$)|>|\[\^?[^\]]+\]:|\||:\s|<!--")


class Blocks(Extension):
    """CommonMark's lists, tables, headings and hard line breaks for Python-Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - the library's name
        """Registers the preprocessor between `normalize_whitespace` and the fenced code."""
        md.preprocessors.register(_Lines(md), "broadsheet_blocks", 28)
        md.inlinePatterns.register(
            SubstituteTagInlineProcessor(r"\\\n", "br"), "backslash_break", 181
        )
        md.parser.blockprocessors.register(_Heading(md.parser), "hashheader", 70)
        md.parser.blockprocessors.register(_Quote(md.parser), "quote", 20)


class _Heading(HashHeaderProcessor):
    """A heading as CommonMark has it (4.2): a hash tag such as #news is none."""

    RE = re.compile(r"(?:^|\n)(?P<level>#{1,6})(?=[ \t]|\n|$)(?P<header>(?:\\.|[^\\])*?)#*(?:\n|$)")


class _Quote(BlockQuoteProcessor):
    """Quotes with a blank line between them are two (5.1)."""

    def run(self, parent: Element, blocks: list[str]) -> None:
        """What stands between this quote and the one before it, for as long as it is read."""
        between = SubElement(parent, "hr")
        super().run(parent, blocks)
        parent.remove(between)


class _Lines(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        return list(rewrite(lines, self.md.htmlStash.store))


def rewrite(lines: Iterable[str], keep: Callable[[str], str]) -> Iterator[str]:
    """`lines` in the form that Python-Markdown reads.

    keep: puts raw HTML aside, and gives what is to stand in its place until the end.
    """
    state = _State(keep)
    ahead = [*lines, ""]
    index = 0
    while index < len(ahead) - 1:
        line = ahead[index]
        if state.stays(line):
            yield line
            index += 1
            continue
        if line.lstrip().startswith(">") and _indent(line) < 4 and not state.verbatim:
            start = index
            while ahead[index].lstrip().startswith(">"):
                index += 1
            yield from state.quote(ahead[start:index])
            continue
        yield from state.line(line.expandtabs(4) if line[:1] in " \t" else line, ahead[index + 1])
        index += 1
    yield from state.end()


class _State:
    """Where the walk over the lines is: which items are open, and what came before."""

    def __init__(self, keep: Callable[[str], str]) -> None:
        self.keep = keep
        self.items: list[int] = []  # the column where the content of each open item begins
        self.kinds: list[bool] = []  # of each open item, whether its list is a numbered one
        self.second = False  # whether the paragraph is a later one of its item
        self.loose = False  # whether there was a blank line within the open items
        self.fence = ""  # the fence that is open, and the column it began at
        self.fence_column = 0
        self.after_code = False  # whether the line before ended code that lies in no item
        self.html: list[str] = []  # the lines of the HTML block that is open
        self.html_end = ""  # what ends it; "" for a blank line
        self.blank = True  # whether the line before was blank
        self.paragraph = False  # whether the line before may go on as a paragraph
        self.definition = False  # whether the paragraph began as one of a definition list

    @property
    def verbatim(self) -> bool:
        return bool(self.fence or self.html)

    def stays(self, line: str) -> bool:
        """Whether `line` is empty or begins with a letter, and there is nothing around it that
        could make more of it: most lines are, and no other question need be asked of them."""
        if self.items or self.fence or self.html or self.after_code or self.definition:
            return False
        if line and (not line[0].isalpha() or "|" in line):
            return False
        self.blank, self.paragraph, self.loose = not line, bool(line), self.loose and bool(line)
        return True

    def quote(self, lines: list[str]) -> Iterator[str]:
        """A block quote: its content is rewritten as a document of its own."""
        if self.blank:
            self._close(_indent(lines[0]))
        prefix = "    " * len(self.items) if self._inside(lines[0]) else ""
        inner = [re.sub(r"^\s*> ?", "", line) for line in lines]
        yield from (f"{prefix}> {line}".rstrip() for line in rewrite(inner, self.keep))
        self.blank, self.paragraph = False, True

    def line(self, line: str, following: str) -> Iterator[str]:
        """What `line` becomes: itself, indented anew, with a blank line before where needed."""
        if self.fence:
            yield self._in_fence(line)
        elif self.html:
            yield from self._in_html(line)
        elif not line.strip():
            self.blank, self.paragraph = True, False
            self.loose = bool(self.items)
            yield ""
        elif _MORE.match(line):
            self._close(0)
            self.blank, self.paragraph = True, False
            yield from ("", READ_MORE, "")
        elif item := self._item(line):
            yield from self._open(line, item)
        else:
            yield from self._text(line, following)

    def end(self) -> Iterator[str]:
        """What is left at the end of the text."""
        if self.html:
            yield from self._html_block()
        if self.fence:  # code that nothing ends goes on to the end (4.5)
            yield "    " * len(self.items) + self.fence

    def _in_fence(self, line: str) -> str:
        text = line.strip()
        if text.startswith(self.fence) and not text.strip(self.fence[0]):
            self.fence = ""
            self.after_code = not self.items
        self.blank, self.paragraph = False, False
        keep = max(_indent(line) - self.fence_column, 0)
        return "    " * len(self.items) + " " * keep + line.lstrip(" ") if text else ""

    def _in_html(self, line: str) -> Iterator[str]:
        if not self.html_end and not line.strip():
            yield from self._html_block()
            return
        self.html.append(line)
        if self.html_end and self.html_end in line.lower():
            yield from self._html_block()

    def _html_block(self) -> Iterator[str]:
        """The HTML block that ends here, put aside; a paragraph of its own in the text."""
        prefix = "    " * len(self.items)
        yield from ("", prefix + self.keep("\n".join(self.html)), "")
        self.html = []
        self.blank, self.paragraph = True, False

    def _item(self, line: str) -> re.Match[str] | None:
        """The list item that `line` begins, if it does."""
        indent = _indent(line)
        found = _ITEM.match(line, indent)
        if not found or _RULE.match(line, indent):
            return None
        if indent >= self._parent(indent) + 4 and not (self.items and indent < self.items[-1] + 4):
            return None  # indented code
        starts_anew = not self.items and self.paragraph and not self.blank
        if starts_anew and found["marker"][:-1] not in ("", "1"):
            return None  # a number at a line's start within a paragraph, such as a year
        return found

    def _parent(self, indent: int) -> int:
        """The content column of the innermost open item that `indent` lies within; 0: none."""
        return max((column for column in self.items if column <= indent), default=0)

    def _open(self, line: str, item: re.Match[str]) -> Iterator[str]:
        indent = _indent(line)
        marker = item["marker"].replace(")", ".")
        depth = len(self.items)
        sibling = self._close(indent)
        new_list = sibling is None or sibling != marker[0].isdigit()
        # Python-Markdown reads what follows a blank line as one block, so a shallower item must
        # begin another.
        shallower = self.loose and depth - len(self.items) > 1
        if not self.blank and (self.second or shallower or (new_list and not self.items)):
            yield ""
        gap = len(item["gap"]) if len(item["gap"]) <= 4 else 1
        yield "    " * len(self.items) + f"{marker} {item['text']}"
        self.items.append(indent + len(item["marker"]) + gap)
        self.kinds.append(marker[0].isdigit())
        self.second = False
        self._note(item["text"], self.items[-1])

    def _close(self, indent: int) -> bool | None:
        """Closes the items that `indent` lies outside of; the kind of the last of them."""
        kind = None
        while self.items and indent < self.items[-1]:
            self.items.pop()
            kind = self.kinds.pop()
        return kind

    def _text(self, line: str, following: str) -> Iterator[str]:
        if self.blank or not self.paragraph:
            self._close(_indent(line))
        if self._begins_html(line.strip()):
            self.html = [line]
            if self.html_end and self.html_end in line.lower():
                yield from self._html_block()
            return
        inside = self._inside(line)
        self.second = self.second or (self.blank and inside)
        if self._interrupts(line, following) or (self.after_code and not self.blank):
            yield ""
        level = len(self.items) if inside else 0
        keep = _indent(line) - (self.items[-1] if level else 0)
        yield "    " * level + " " * max(keep, 0) + line.lstrip(" ")
        self._note(line.strip(), _indent(line))

    def _begins_html(self, text: str) -> bool:
        """Whether `text` begins an HTML block; if so, what will end it is noted."""
        if raw := _RAW.match(text):
            self.html_end = f"</{raw[1].lower()}" if raw[1] else "-->"
            return not (self.paragraph and self.html_end == "-->")
        self.html_end = ""
        return bool(_HTML_BLOCK.match(text))

    def _inside(self, line: str) -> bool:
        return bool(self.items) and _indent(line) >= self.items[-1]

    def _interrupts(self, line: str, following: str) -> bool:
        """Whether `line` begins code, a table or a term in the middle of a paragraph."""
        if self.definition and not _DEFINITION.match(line) and _DEFINITION.match(following):
            return not self.blank
        if not self.paragraph:
            return False
        if not self.items and _indent(line) < 4 and _FENCE.match(line.strip()):
            return True
        return "|" in line and "|" in following and bool(_DELIMITER_ROW.match(following.strip()))

    def _note(self, text: str, indent: int) -> None:
        """Remembers what `text`, the content of a line, opens."""
        self.definition = (self.definition and not self.blank) or bool(_DEFINITION.match(text))
        if fence := _FENCE.match(text):
            self.fence, self.fence_column = fence[1], indent
        self.blank = self.after_code = False
        self.paragraph = not self.fence and not _STARTS_NO_PARAGRAPH.match(text)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
