"""Python-Markdown's walk over inline text, which asks only the patterns that can match.

The library tries each of its twenty patterns on each text, and most texts have no mark of most of
them: that was half the time of a rendering. What is found, and in which order, is the library's.
"""

from __future__ import annotations

from typing import Final

from markdown import Markdown
from markdown.treeprocessors import InlineProcessor
from markdown.util import AtomicString

_MARKS: Final[dict[str, tuple[str, ...]]] = {
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
    "delimiter": ("~",),
}
"""What a text must have one of, that the pattern of this name can match; the others are asked."""

_ALWAYS = ("",)


class Inline(InlineProcessor):
    """Applies the inline patterns of `md`, all of which must be there by now, to a tree."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        marks = {
            md.inlinePatterns.get_index_for_name(name): marks
            for name, marks in _MARKS.items()
            if name in md.inlinePatterns
        }
        self._patterns = [(each, marks.get(i, _ALWAYS)) for i, each in enumerate(md.inlinePatterns)]
        self._apply = self._InlineProcessor__applyPattern  # type: ignore[attr-defined]

    # The name that the library's private method has outside of its class: there is no other way
    # in. tests/test_markup.py sees that it is still called.
    def _InlineProcessor__handleInline(self, data: str, patternIndex: int = 0) -> str:  # noqa: N802, N803
        if isinstance(data, AtomicString):
            return data
        for index in range(patternIndex, len(self._patterns)):
            pattern, marks = self._patterns[index]
            for mark in marks:
                if mark in data:
                    break
            else:
                continue
            start, matched = 0, True
            while matched:
                data, matched, start = self._apply(pattern, data, index, start)
        return data
