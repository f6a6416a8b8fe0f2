"""Links, images, footnotes and HTML tags in a text, each with its place.

Every pattern here has one way to read a text, and no part that can be read without bound and then
given back, so that no text takes long. (No possessive quantifiers: Python 3.11.2 gets them wrong.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from broadsheet.markup.links import INTERNAL
from broadsheet.text.plain import one_line, unescape

# [text](inside) and ![alt](inside): one level of brackets in the text, and two of parentheses
# inside, is what people write. A line may end within, a paragraph may not.
_TEXT = r"(?:[^\[\]\n]|\n(?![ \t]*\n)|\[[^\[\]\n]{0,500}\]){0,1000}"
_IN_TWO = r"\((?:[^()\n]|\([^()\n]{0,500}\)){0,500}\)"
_INSIDE = rf"(?:[^()\n]|\n(?![ \t]*\n)|{_IN_TWO}){{0,2000}}"
_LINK = re.compile(
    rf"(?P<image>!?)\[(?P<text>{_TEXT})\](?:\((?P<inside>{_INSIDE})\)"
    r"|(?P<apart>[ ]?)\[(?P<label>[^\[\]\n]{0,200})\])"
)
_DEFINITION = re.compile(
    r"^ {0,3}\[(?P<label>[^\[\]\n^][^\[\]\n]{0,200})\]:[ \t]*\n?[ \t]*"
    r"(?:<(?P<in_marks>[^<>\n]{1,2000})>|(?P<target>[^\s<>]{1,2000}))",
    re.MULTILINE,
)
_FOOTNOTE = re.compile(r"\[\^(?P<label>[^\[\]\n]{1,200})\](?P<colon>[:：])?")
_TAG = re.compile(
    r"(?<!\]\()(?<!\]: )<(?P<name>[a-z][a-z0-9-]{0,60})(?P<rest>(?:[\s/][^<>]{0,5000})?)>",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[a-z_:@][\w:.@-]{0,100})"
    r"(?:\s{0,10}=\s{0,10}(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'>]+)))?",
    re.IGNORECASE,
)
_TITLE_MARKS = {'"': '"', "'": "'", ")": "("}
# What Hugo and Zola make an image or the address of a page of.
_FIGURE = re.compile(r"\{\{[<%]\s{0,9}figure\s(?P<rest>[^{}]{0,2000})[>%]\}\}")
_PAGE_OF = re.compile(r"\{\{[<%]\s*(?:ref|relref)\s+[\"'`]?(?P<path>[^\"'`\s]+)[\"'`]?\s*[>%]\}\}")
_WORDS_OF_LINK = re.compile(r"[^<>\n]{1,500}(?=</a\b)", re.IGNORECASE)
_MEDIA = {"audio", "source", "video", "track"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A link or an image, as it is written.

    text: of the link, or the image's alternative text; None where an <img> has none.
    target: what it leads to; None where a label has no definition.
    start: its place in the text. label: of its definition, where it has one.
    """

    image: bool
    text: str | None
    target: str | None
    start: int
    label: str = ""
    html: bool = False


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


def references(text: str) -> tuple[Reference, ...]:
    """Return every link and image in `text`, in Markdown or HTML, in order."""
    found: list[Reference] = []
    if "](" in text or "]" in text:
        definitions = _definitions(text)
        found += _in_markdown(text, 0, len(text), definitions)
    if "<" in text:
        found += _in_html(text)
    if "{{" in text:
        found += _in_shortcodes(text)
    return tuple(sorted(found, key=lambda each: each.start))


def _in_markdown(
    text: str, start: int, end: int, definitions: Mapping[str, str]
) -> Iterator[Reference]:
    while found := _LINK.search(text, start, end):
        start, words = found.end(), found["text"]
        if "](" in words or "][" in words:  # an image within a link
            yield from _in_markdown(text, found.start("text"), found.end("text"), definitions)
        image = bool(found["image"])
        if found["inside"] is not None:
            yield Reference(image, words, _target(found["inside"]), found.start())
        elif not words.startswith("^") and not _goes_on(text, found.start(), image):
            label = one_line(found["label"] or words)
            target = definitions.get(label.casefold())
            if target is None and found["apart"]:  # two in a row: the second may begin a link
                start = found.end("text") + 1
            else:
                yield Reference(image, words, target, found.start(), label)


def _goes_on(text: str, start: int, image: bool) -> bool:
    """Whether what looks like a link follows a word, as in `list[0][1]`."""
    before = text[start - 1 : start]
    return not image and (before.isalnum() or before in {"]", ")", "_"})


def _definitions(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in _DEFINITION.finditer(text):
        found.setdefault(one_line(each["label"]).casefold(), each["in_marks"] or each["target"])
    return found


def _target(inside: str) -> str:
    """Return the target of a link, without the title that may follow it."""
    inside = inside.strip()
    if page := _PAGE_OF.match(inside):
        return INTERNAL + page["path"].lstrip("/")
    if inside.startswith("<") and ">" in inside:
        return inside[1 : inside.index(">")]
    if opening := _TITLE_MARKS.get(inside[-1:]):
        # The title begins at the first such mark after white space.
        place = next((at for at in _places(inside, opening) if inside[at - 1].isspace()), 0)
        if 0 < place < len(inside) - 1:
            return inside[:place].strip()
    return inside


def _places(text: str, mark: str) -> Iterator[int]:
    at = text.find(mark, 1)
    while at >= 0:
        yield at
        at = text.find(mark, at + 1)


def _in_html(text: str) -> Iterator[Reference]:
    for tag in tags(text):
        if tag.name == "img":
            alt, source = tag.attributes.get("alt"), tag.attributes.get("src")
            if source is not None:
                yield Reference(True, alt, source, tag.start, html=True)
        elif tag.name == "a" and (target := tag.attributes.get("href")) is not None:
            # Its text may have anything in it; it counts where it has no tag.
            words = _WORDS_OF_LINK.match(text, tag.end)
            yield Reference(
                False, unescape(words[0]) if words else None, target, tag.start, html=True
            )
        elif tag.name in _MEDIA and (target := tag.attributes.get("src")) is not None:
            yield Reference(False, None, target, tag.start, html=True)


def _in_shortcodes(text: str) -> Iterator[Reference]:
    for found in _FIGURE.finditer(text):
        given = _attributes(found["rest"])
        if source := given.get("src"):
            alt = given.get("alt", given.get("caption"))
            yield Reference(True, alt, source, found.start(), html=True)
        if target := given.get("link"):
            yield Reference(False, None, target, found.start(), html=True)


def tags(text: str) -> tuple[StartTag, ...]:
    """Return every start tag in `text`; `<https://...>` and `[a](<b.png>)` have none."""
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
