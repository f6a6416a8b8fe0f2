"""What a mail will weigh with its CSS in its elements, told without putting it there.

A mail has thousands of elements but few kinds of them, and what a rule adds to one it adds to all
of its kind. So premailer is shown one of each.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from broadsheet.digests.html_mail import Draft, HtmlElement, finished
from broadsheet.text.characters import printable

# What selectors look at, and what premailer puts in the place of what was there.
_LOOKED_AT = {
    *("class", "id", "style", "align", "valign", "bgcolor"),
    *("type", "media", "data-premailer"),
}
_NO_NAME = re.compile(r"[^\w.-]")

_Kind = tuple[int, str, tuple[tuple[str, str], ...], str, str]
"""An element's parent's kind, tag, attributes and, of a style only, its text and what follows."""


class Scales:
    """Weighs drafts of one letter, as it is and shortened.

    Selectors of tags, classes, ids and the elements around them are told right; with others, such
    as `:first-child`, the weight may be wrong.
    """

    def __init__(self, *drafts: Draft) -> None:
        """drafts: such as have, between them, most of the kinds that are to come."""
        self._numbers: dict[_Kind, int] = {}
        self._added: list[int] = []
        for draft in drafts:
            for _ in self._kinds(draft.root):
                pass

    def weigh(self, draft: Draft) -> int:
        """The bytes that `draft` takes in UTF-8 when it is finished; it is left as it is.

        Raises TemplateError when its CSS cannot be put into elements.
        """
        numbers = Counter(self._kinds(draft.root))
        if len(self._added) < len(self._numbers):
            self._learn(draft)
        added = sum(self._added[number] * count for number, count in numbers.items())
        return len(draft.text.encode()) + added

    def _kinds(self, root: HtmlElement) -> Iterator[int]:
        """The numbers of the kinds of `root` and all within, in their order; new ones get one."""
        left = [(root, -1)]
        while left:
            element, parent = left.pop()
            tag = element.tag
            if not isinstance(tag, str):  # a comment
                continue
            there = tuple(pair for pair in element.items() if pair[0] in _LOOKED_AT)
            own = (element.text or "", element.tail or "") if tag == "style" else ("", "")
            kind = (parent, tag, there, *own)
            number = self._numbers.setdefault(kind, len(self._numbers))
            yield number
            left += [(inner, number) for inner in reversed(element)]

    def _learn(self, draft: Draft) -> None:
        """Finds what is added to an element of each kind that there is by now."""
        made: list[HtmlElement] = []
        for parent, tag, attributes, text, tail in self._numbers:
            # A mail may hold what no element may be made of; its weight is then not told right.
            element = etree.Element(_NO_NAME.sub("-", tag))
            for name, value in attributes:
                element.set(name, printable(value))
            element.text, element.tail = printable(text), printable(tail)
            if made:
                made[parent].append(element)
            made.append(element)
        before = [_weight(element) for element in made]
        finished(Draft(made[0], whole=False, tags={}, path=draft.path))
        gone = [bool(number) and made[number].getparent() is None for number in range(len(made))]
        after = [0 if away else _weight(each) for away, each in zip(gone, made, strict=True)]
        self._added = [more - less for more, less in zip(after, before, strict=True)]


def _weight(element: HtmlElement) -> int:
    """The bytes of `element` without those within."""
    alone = etree.Element(element.tag, dict(element.attrib))
    alone.text, alone.tail = element.text, element.tail
    return len(etree.tostring(alone, method="html", encoding="utf-8"))
