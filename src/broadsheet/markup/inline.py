"""Python-Markdown's walk over inline text, which asks only the patterns that can match.

The library tries each of its twenty patterns on each text, most of which have no mark of most of
them, and takes each text apart again for what it has not put there. What is found, in which order,
and where it goes is the library's: `run` and what it calls are its own methods, step by step, but
that they leave out what changes nothing. tests/test_markup_skimming.py compares the two.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, cast
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.inlinepatterns import LinkInlineProcessor, Pattern
from markdown.treeprocessors import InlineProcessor
from markdown.util import (
    INLINE_PLACEHOLDER,
    INLINE_PLACEHOLDER_PREFIX,
    INLINE_PLACEHOLDER_RE,
    STX,
    AtomicString,
)

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

_Find = Callable[[str, int], Iterator[re.Match[str]]]
_Handle = Callable[[re.Match[str], str], tuple[Any, int | None, int | None]]
_Asked = tuple[int, _Find, _Handle, frozenset[str], tuple[str, ...]]
"""A pattern by its number: how it is looked for, what it makes of a match, the tags that it is not
applied within, and the marks that it is asked for."""

_Link = tuple[str, str | None, int, bool]
"""Address, title, where it ends, whether there is one."""

_LABEL = len(INLINE_PLACEHOLDER_PREFIX)
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
        self._patterns: list[_Asked] = [
            (
                index,
                pattern.getCompiledRegExp().finditer,
                cast(_Handle, pattern.handleMatch),
                frozenset(map(str.lower, pattern.ANCESTOR_EXCLUDES)),
                marks.get(index, ("",)),
            )
            for index, pattern in enumerate(map(_hastened, md.inlinePatterns))
        ]
        # One of a later release may have no mark that we know of: then each text is looked at.
        self._rest = "\0" if any("" in asked[-1] for asked in self._patterns) else ""
        self._signs = sorted({STX} | {mark[:1] for asked in self._patterns for mark in asked[-1]})
        self._asked: dict[str, list[_Asked]] = {}

    def run(self, tree: Element, ancestors: list[str] | None = None) -> Element:
        """`tree` with what the patterns find in its texts."""
        self.stashed_nodes: dict[str, Element | str] = {}
        waiting = deque([(tree, [*(ancestors or ())])])
        while waiting:
            element, self.ancestors = waiting.popleft()
            self.ancestors.append(element.tag.lower())
            found: list[tuple[Element, list[Element]]] = []
            for child in element:  # what is put after a child has its turn then
                text, tail = child.text, child.tail
                if text and not isinstance(text, AtomicString) and (signs := self._found_in(text)):
                    self.ancestors.append(child.tag.lower())
                    child.text = None
                    inner = self._placed(self._marked(text, signs), child)
                    waiting += [(each, self.ancestors[:]) for each in inner if len(each)]
                    found.append((child, inner))
                    self.ancestors.pop()
                if tail and (signs := self._found_in(tail)):
                    self._put(element, child, self._marked(tail, signs))
                if len(child):
                    waiting.append((child, self.ancestors[:]))
            for child, inner in found:
                for place, each in enumerate(inner):
                    child.insert(place, each)
        return tree

    def _found_in(self, text: str) -> str:
        """The characters in `text` that marks and placeholders begin with; "" where no pattern can
        match."""
        if text.isalnum():
            return self._rest
        return "".join([sign for sign in self._signs if sign in text]) or self._rest

    def _marked(self, text: str, signs: str, first: int = 0) -> str:
        """`text` with placeholders for what the patterns from number `first` on find in it."""
        if isinstance(text, AtomicString):
            return text
        # What a pattern puts in the place of what it found has no marks, so there are never more.
        for number, find, handle, excluded, marks in self._able(signs):
            if number < first or not excluded.isdisjoint(self.ancestors):
                continue
            for mark in marks:
                if mark in text:
                    break
            else:
                continue
            after: int | None = 0
            while after is not None:
                text, after = self._once(text, number, find, handle, after)
        return text

    def _able(self, signs: str) -> list[_Asked]:
        """The patterns that can match in a text with these `signs`."""
        if signs not in self._asked:
            self._asked[signs] = [
                asked for asked in self._patterns if any(mark[:1] in signs for mark in asked[-1])
            ]
        return self._asked[signs]

    def _once(
        self, text: str, number: int, find: _Find, handle: _Handle, start: int
    ) -> tuple[str, int | None]:
        """The same for what one pattern finds first from `start` on, and where that ends."""
        for match in find(text, start):
            made, begin, end = handle(match, text)
            if begin is None or end is None:
                continue
            if made is None:
                return text, end
            if not isinstance(made, str) and not isinstance(made.text, AtomicString):
                self._within(made, number)
            placeholder = INLINE_PLACEHOLDER % f"{len(self.stashed_nodes):04}"
            self.stashed_nodes[placeholder[_LABEL:-1]] = made
            return f"{text[:begin]}{placeholder}{text[end:]}", begin + len(placeholder)
        return text, None

    def _within(self, made: Element, number: int) -> None:
        """Applies the patterns that come after to the texts of what one has made."""
        for child in (made, *made):
            if (text := child.text) and (signs := self._found_in(text)):
                self.ancestors.append(child.tag.lower())
                child.text = self._marked(text, signs, number + 1)
                self.ancestors.pop()
            if (tail := child.tail) and (signs := self._found_in(tail)):
                child.tail = self._marked(tail, signs, number)

    def _placed(self, text: str, parent: Element, *, is_text: bool = True) -> list[Element]:
        """The elements that the placeholders in `text` stand for.

        The words before the first become the text of `parent`, or its tail; those after one its.
        """
        found: list[Element] = []
        start = 0
        while (begin := text.find(INLINE_PLACEHOLDER_PREFIX, start)) >= 0:
            made, end = self._stashed(text, begin)
            words = text[start : end if made is None else begin]
            _add(words, parent, found, is_text)
            if isinstance(made, Element):
                self._complete(made)
                found.append(made)
            elif made:
                _add(made, parent, found, is_text)
            start = end
        rest = text[start:]
        _add(AtomicString(rest) if isinstance(text, AtomicString) else rest, parent, found, is_text)
        return found

    def _stashed(self, text: str, begin: int) -> tuple[Element | str | None, int]:
        """What the placeholder at `begin` stands for, None if for nothing, and where it ends."""
        label = INLINE_PLACEHOLDER_RE.search(text, begin)
        if label is None or label[1] not in self.stashed_nodes:
            return None, begin + _LABEL
        return self.stashed_nodes[label[1]], label.end()

    def _complete(self, made: Element) -> None:
        """Puts what the placeholders in `made` stand for in their places."""
        for child in (made, *made):
            if (tail := child.tail) and STX in tail:
                self._put(made, child, tail)
            if (text := child.text) and STX in text:
                child.text = None
                for place, each in enumerate(self._placed(text, child)):
                    child.insert(place, each)

    def _put(self, parent: Element, child: Element, tail: str) -> None:
        """Gives `child`, which stands in `parent` or is it, this tail, and what is in that."""
        child.tail = None
        place = 0 if child is parent else list(parent).index(child) + 1
        for number, each in enumerate(self._placed(tail, child, is_text=False)):
            parent.insert(place + number, each)


def _add(words: str, parent: Element, found: list[Element], is_text: bool) -> None:
    """Adds `words` behind the last that was `found`; else to the text of `parent` or its tail."""
    if not words:
        return
    if found or not is_text:
        before = found[-1] if found else parent
        before.tail = before.tail + words if before.tail else words
    else:
        parent.text = parent.text + words if parent.text else words


def _hastened(pattern: Pattern) -> Pattern:
    """`pattern`; one of links goes from bracket to bracket, where it went letter by letter."""
    if isinstance(pattern, LinkInlineProcessor):
        pattern.getText = words  # type: ignore[method-assign]
        pattern.getLink = partial(address, pattern.getLink, pattern.unescape)  # type: ignore[method-assign]
    return pattern


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
