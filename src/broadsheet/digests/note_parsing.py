"""Reading an editor's note: front matter, and an introduction in Markdown.

Importing this takes 0.1 s, mostly for PyYAML; a run that reads no file does without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final
from urllib.parse import unquote

from msgspec.structs import replace

from broadsheet.articles import fields, front_matter
from broadsheet.articles.fields import fold
from broadsheet.articles.front_matter import FrontMatter
from broadsheet.digests.issue import IssueNote, Sponsor
from broadsheet.digests.notes import Note
from broadsheet.digests.sender import mail_address
from broadsheet.errors import ArticleError, Problem
from broadsheet.markup import Links
from broadsheet.text.plain import unescape
from broadsheet.text.urls import encode

KEYS: Final = (
    *("subject", "preheader", "lead", "order", "exclude", "include", "sponsor", "reply_to"),
    "approved",
)
"""The keys of a note's front matter."""
_SPONSOR_KEYS: Final = ("text", "link", "image", "label")
_SCHEMES: Final = {"link": ("https:", "http:", "mailto:"), "image": ("https:", "http:")}


def parse_note(text: str, path: str) -> Note:
    """Return the note in `text`, the file at `path`. Its introduction is not rendered yet."""
    try:
        parts = front_matter.split(text, path)
    except ArticleError as error:
        return Note(path, text, problems=error.problems)
    if parts is None:
        return Note(path, text, body=front_matter.body(text, path))
    return _NoteReader(parts[0], Note(path, text, body=parts[1])).note()


class _NoteReader:
    """Reads the keys of a note, and collects their problems."""

    def __init__(self, matter: FrontMatter, note: Note) -> None:
        self._matter, self._note = matter, note
        self._problems = [*_unknown(note, "", matter.given, KEYS)]

    def note(self) -> Note:
        shows = IssueNote(
            subject=self._text("subject"),
            preheader=self._text("preheader"),
            sponsor=self._sponsor(),
            reply_to=self._reply_to(),
        )
        made = replace(
            self._note,
            shows=shows,
            lead=self._text("lead"),
            order=self._texts("order"),
            exclude=self._texts("exclude"),
            include=self._texts("include"),
            approved=self._truth("approved"),
        )
        return replace(made, problems=tuple(self._problems))

    def _value(self, key: str) -> object:
        return self._matter.fields.get(fold(key))

    def _wrong(self, key: str, what: str, todo: str) -> None:
        self._problems.append(self._note.problem(key, "", what, todo))

    def _text(self, key: str) -> str:
        try:
            return fields.text(self._value(key))
        except ValueError as error:
            self._wrong(key, str(error), "write one line")
            return ""

    def _texts(self, key: str) -> tuple[str, ...]:
        try:
            return fields.texts(self._value(key) or [])
        except ValueError as error:
            self._wrong(key, str(error), "write a list such as [a.md, b.md]")
            return ()

    def _truth(self, key: str) -> bool:
        try:
            return fields.truth(self._value(key))
        except ValueError as error:
            self._wrong(key, str(error), "write true or false")
            return False

    def _reply_to(self) -> str:
        written = self._text("reply_to")
        address = mail_address(written)
        if written and not address:
            what = f"{written!r} is not a valid email address"
            self._wrong("reply_to", what, "write one like editor@example.org")
        return address

    def _sponsor(self) -> Sponsor | None:
        value = self._value("sponsor")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._wrong("sponsor", "expected a mapping", "write one with text and link")
            return None
        self._problems += _unknown(self._note, "sponsor", value, _SPONSOR_KEYS)
        try:
            given = {name: fields.text(value.get(name)) for name in _SPONSOR_KEYS}
        except ValueError as error:
            self._wrong("sponsor", str(error), "write one line for each key")
            return None
        if not given["text"]:
            self._wrong("sponsor", "it has no text", "write `text: ...` in it")
        return Sponsor(given["text"], given["link"], given["image"], label=given["label"])


def with_introduction(note: Note, html: str, links: Links) -> Note:
    """Return `note` as the issue shows it: with its rendered body, and every URL absolute.

    html: sanitised. links: those of the issue's web version, where no file lies; so a relative URL
    that names no file or article of the project is a problem.
    """
    sponsor, problems = note.shows.sponsor, list(note.problems)
    relative = dict.fromkeys(re.findall(rf'="{re.escape(encode(links.url))}([^"#]+)', html))
    problems += (_nowhere(note, "", unquote(unescape(found))) for found in relative)
    if sponsor:
        ways = {key: getattr(sponsor, key) for key in ("link", "image")}
        resolved = {key: links.resolve(way) for key, way in ways.items() if way}
        for key, url in resolved.items():
            if not url.startswith(_SCHEMES[key]) or url.startswith(encode(links.url)):
                problems.append(_nowhere(note, "sponsor", ways[key]))
        sponsor = replace(sponsor, **resolved)
    shows = replace(note.shows, introduction=html, sponsor=sponsor)
    return replace(note, shows=shows, problems=tuple(problems))


def _nowhere(note: Note, key: str, name: str) -> Problem:
    what = f"{name!r} leads nowhere"
    todo = "write a whole URL, a path from the site's root, or @/ and the path of an article"
    return note.problem(key, name, what, todo)


def _unknown(
    note: Note, inside: str, given: Mapping[str, object], known: Iterable[str]
) -> Iterator[Problem]:
    """Yield a problem for each key that is not `known`. inside: the key that holds them, or ""."""
    names = {fold(each): each for each in known}
    for key in map(str, given):
        if fold(key) not in names:
            near = get_close_matches(fold(key), names, n=1, cutoff=0.5)
            todo = f"did you mean {names[near[0]]!r}?" if near else f"there is: {', '.join(known)}"
            yield note.problem(inside or key, key, f"unknown key {key!r}", todo)
