"""A text is skimmed before Python-Markdown reads it: what cannot be in it is not looked for.

The library asks each of its seventeen block processors about each block, and sends each text
through passes that most texts have nothing for. Whatever begins a block begins a line of it, so
the first characters of its lines tell which processors can act; a pass is left out of a text that
lacks the marks it looks for. What is found, and in which order, is the library's. `inline` does
the same within a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.preprocessors import NormalizeWhitespace
from markdown.util import ETX, STX

_INDENTED = " "
_ANYWHERE = "|"
BLOCKS: Final[dict[str, str]] = {
    "markdown_block": STX,
    "indent": _INDENTED,
    "defindent": _INDENTED,
    "code": _INDENTED,
    "table": _ANYWHERE,
    "hashheader": "#",
    "setextheader": "=-",
    "hr": "-_*",
    "ulist": "*+-",
    "deflist": ":",
    "quote": ">",
    "footnote": "[",
    "abbr": "*",
    "reference": "[",
}
"""What a line of a block must begin with, that the block processor of this name can act; a table
has its bar anywhere, and what is indented begins with a space. The others are asked."""

PASSES: Final[dict[str, tuple[str, ...]]] = {
    "fenced_code_block": ("```", "~~~"),
    "html_block": ("<", "&"),
    "footnote": ("[^",),
    "footnote-duplicate": ("[^",),
    "task-list": ("[ ]", "[x]", "[X]"),
    "attr_list": ("{",),
    "unescape": ("\\",),
}
"""What a text must have one of, that the pass of this name changes anything."""


def skim(md: Markdown) -> None:
    """Makes `md`, all of whose parts must be there by now, skim a text before it reads it."""
    text = _Text(md)
    md.preprocessors.register(text, "normalize_whitespace", 30)  # the library's place
    passes: tuple[Any, ...] = (md.preprocessors, md.treeprocessors)
    for registry in passes:
        for name, marks in PASSES.items():
            if name in registry:
                registry[name].run = _where(text, marks, registry[name].run)
    md.parser.parseBlocks = _Blocks(md).parse  # type: ignore[method-assign]
    md.block_level_elements = frozenset(md.block_level_elements)  # type: ignore[assignment]
    # Asked of each element, and more than once; an article may make up tags.
    md.is_block_level = lru_cache(256)(md.is_block_level)  # type: ignore[method-assign]


class _Text(NormalizeWhitespace):
    """Line ends and tabs as the library has them, where there is something to do; keeps the text
    that all later passes get."""

    text = ""

    def run(self, lines: list[str]) -> list[str]:
        """`lines` so, and two empty ones."""
        text = "\n".join(lines) + "\n"
        if any(mark in text for mark in ("\t", "\r", STX, ETX)) or (
            "\n " in text and " \n" in text
        ):
            lines = super().run(lines)
            self.text = "\n".join(lines)
            return lines
        self.text = text
        return [*lines, "", ""]


def _where(text: _Text, marks: Iterable[str], run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The pass `run`, but that it leaves as it is what has none of `marks`."""

    def skimmed(given: Any) -> Any:
        return run(given) if any(mark in text.text for mark in marks) else given

    return skimmed


class _Blocks:
    """The library's loop over the blocks of a text."""

    def __init__(self, md: Markdown) -> None:
        registry = md.parser.blockprocessors
        begins = {registry[name]: begin for name, begin in BLOCKS.items() if name in registry}
        self._processors = [(each, begins.get(each)) for each in registry]
        self._known = frozenset("".join(BLOCKS.values()))
        self._asked: dict[frozenset[str], tuple[BlockProcessor, ...]] = {}

    def parse(self, parent: Element, blocks: list[str]) -> None:
        """Reads `blocks` into `parent`, and takes them out of the list."""
        while blocks:
            for processor in self._able(blocks[0]):
                if processor.test(parent, blocks[0]) and processor.run(parent, blocks) is not False:
                    break

    def _able(self, block: str) -> tuple[BlockProcessor, ...]:
        """Those that can do something with `block`, in their order."""
        signs = {block[:1], block.lstrip(" ")[:1]}
        if "\n" in block:
            signs.update(line.lstrip(" ")[:1] for line in block.split("\n"))
        if _ANYWHERE in block:
            signs.add(_ANYWHERE)
        found = self._known.intersection(signs)
        if found not in self._asked:
            self._asked[found] = tuple(
                processor
                for processor, begin in self._processors
                if begin is None or not found.isdisjoint(begin)
            )
        return self._asked[found]
