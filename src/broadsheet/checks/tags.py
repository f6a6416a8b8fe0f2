"""HTML tags and footnotes in a text, each with its place.

Every pattern here has one way to read a text, and no part that can be read without bound and then
given back, so that no text takes long. (No possessive quantifiers: Python 3.11.2 gets them wrong.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from broadsheet.text.plain import unescape

_FOOTNOTE = re.compile(r"\[\^(?P<label>[^\[\]\n]{1,200})\](?P<colon>[:：])?")
_TAG = re.compile(
    r"<(?<!\]\(<)(?<!\]: <)(?<!\\<)(?P<name>[a-z][a-z0-9-]{0,60})"
    r"(?P<rest>(?:[\s/][^<>]{0,5000})?)>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[a-z_:@][\w:.@-]{0,100})"
    r"(?:\s{0,10}=\s{0,10}(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'>]+)))?",
    re.IGNORECASE,
)


_TEMPLATE = re.compile(r"\{\{[^{}\n]{0,1000}\}\}|\{%[^{}\n]{0,1000}%\}")


@dataclass(frozen=True, slots=True)
class StartTag:
    """A start tag. attributes: by name in lower case; names and values as a browser reads them.

    written: its name as it is written. start, end: its place in the text.
    """

    name: str
    written: str
    attributes: Mapping[str, str]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Footnotes:
    """The first place of each reference, and of each definition, by label.

    again: the label and place of each definition of a label that had one. wide: what looks like a
    definition, but has a full-width colon.
    """

    used: dict[str, int] = field(default_factory=dict)
    defined: dict[str, int] = field(default_factory=dict)
    again: list[tuple[str, int]] = field(default_factory=list)
    wide: dict[str, int] = field(default_factory=dict)


def tags(text: str) -> tuple[StartTag, ...]:
    """Return every start tag in `text`; `<https://...>` and `[a](<b.png>)` have none.

    The quotation marks and angle brackets of a template tag are not those of HTML around it.
    """
    text = _TEMPLATE.sub(lambda found: "-" * len(found[0]), text) if "{" in text else text
    return tuple(
        StartTag(
            found["name"].lower(),
            found["name"],
            _attributes(found["rest"]),
            found.start(),
            found.end(),
        )
        for found in _TAG.finditer(text)
    )


def _attributes(rest: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _ATTRIBUTE.finditer(rest):
        value = each["double"] or each["single"] or each["bare"] or ""
        found.setdefault(each["name"].lower(), unescape(value))
    return found


def footnotes(text: str) -> Footnotes:
    """Return the footnotes of `text`."""
    notes = Footnotes()
    for found in _FOOTNOTE.finditer(text):
        line = text.rfind("\n", max(found.start() - 200, 0), found.start()) + 1
        before = text[max(line, found.start() - 200) : found.start()]
        at_start = not before.strip(" \t>")
        label = found["label"]
        if not label.strip():
            continue  # of a regular expression
        if found["colon"] == ":" and at_start:
            if label in notes.defined:
                notes.again.append((label, found.start()))
            notes.defined.setdefault(label, found.start())
        elif found["colon"] and at_start:
            notes.wide.setdefault(label, found.start())
        else:
            notes.used.setdefault(label, found.start())
    return notes
