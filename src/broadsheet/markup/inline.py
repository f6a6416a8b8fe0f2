"""Python-Markdown's walk over inline text, which asks only the patterns that can match.

The library tries each of its twenty patterns on each text, and most texts have no mark of most of
them: that was half the time of a rendering. What is found, and in which order, is the library's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from markdown import Markdown
from markdown.inlinepatterns import LinkInlineProcessor, Pattern
from markdown.treeprocessors import InlineProcessor
from markdown.util import AtomicString

MARKS: Final[dict[str, tuple[str, ...]]] = {
    "backtick": ("`",),
    "backslash_break": ("\\\n",),
    "escape": ("\\",),
    "footnote": ("[^",),
    "reference": ("[",),
    "link": ("[",),
    "image_link": ("![",),
    "image_reference": ("![",),
    "short_reference": ("[",),
    "short_image_ref": ("![",),
    "autolink": ("<",),
    "automail": ("<",),
    "linebreak": ("  \n",),
    "html": ("<",),
    "entity": ("&",),
    "bare_address": ("://",),
    "bare_mail": ("@",),
    "em_strong": ("*", "_"),
    "del": ("~~",),
}
"""What a text must have one of, that the pattern of this name can match; the others are asked."""

_Asked = tuple[int, Pattern, tuple[str, ...]]
"""A pattern by its number, and the marks that it is asked for."""

_Link = tuple[str, str | None, int, bool]
"""Address, title, where it ends, whether there is one."""

_BRACKET = re.compile(r"[\[\]]")
# The address of a link that has neither brackets, quotes nor parentheses to be told apart.
_ADDRESS = re.compile(r"\(\s*((?:[^\s<()'\"][^()'\"]*)?)\)")


class Inline(InlineProcessor):
    """Applies the inline patterns of `md`, all of which must be there by now, to a tree."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        marks = {
            md.inlinePatterns.get_index_for_name(name): marks
            for name, marks in MARKS.items()
            if name in md.inlinePatterns
        }
        self._patterns = [
            (index, each, marks.get(index, ("",))) for index, each in enumerate(md.inlinePatterns)
        ]
        self._signs = sorted({mark[:1] for _, _, marks in self._patterns for mark in marks})
        self._asked: dict[str, list[_Asked]] = {}
        self._apply = self._InlineProcessor__applyPattern  # type: ignore[attr-defined]
        for pattern in md.inlinePatterns:
            _hasten(pattern)

    # The name that the library's private method has outside of its class: there is no other way
    # in. tests/test_markup_skimming.py sees that it is still called.
    def _InlineProcessor__handleInline(self, data: str, patternIndex: int = 0) -> str:  # noqa: N802, N803
        if isinstance(data, AtomicString):
            return data
        # What a pattern puts in the place of what it found has no marks, so there are never more.
        for index, pattern, marks in self._able(data):
            if index < patternIndex:
                continue
            for mark in marks:
                if mark in data:
                    break
            else:
                continue
            start, matched = 0, True
            while matched:
                data, matched, start = self._apply(pattern, data, index, start)
        return data

    def _able(self, data: str) -> list[_Asked]:
        """The patterns that can match in `data`, by the first characters of their marks."""
        signs = "".join([sign for sign in self._signs if sign in data])
        if signs not in self._asked:
            self._asked[signs] = [
                asked for asked in self._patterns if any(mark[:1] in signs for mark in asked[2])
            ]
        return self._asked[signs]


def _hasten(pattern: Pattern) -> None:
    """Lets a pattern of links go from bracket to bracket, where it would go letter by letter."""
    if isinstance(pattern, LinkInlineProcessor):
        pattern.getText = words  # type: ignore[method-assign]
        pattern.getLink = partial(address, pattern.getLink, pattern.unescape)  # type: ignore[method-assign]


def words(data: str, index: int) -> tuple[str, int, bool]:
    """What stands between the brackets of which the first ends at `index`, as `getText` has it."""
    depth = 1
    for bracket in _BRACKET.finditer(data, index):
        depth += 1 if bracket[0] == "[" else -1
        if not depth:
            return data[index : bracket.start()], bracket.end(), True
    return data[index:], len(data), False


def address(
    read: Callable[[str, int], _Link], unescape: Callable[[str], str], data: str, index: int
) -> _Link:
    """The address and the title in the parentheses at `index`, as `getLink` has them."""
    if found := _ADDRESS.match(data, index):
        return unescape(found[1]).strip(), None, found.end(), True
    return read(data, index)
