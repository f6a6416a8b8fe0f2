"""Editor's notes: digests/NAME/KEY.md says what one issue shows, and in which order.

Front matter and an introduction in Markdown. A note is strict: an unknown key, or an article that
the issue cannot have, is an error with its line, since mail cannot be corrected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.digests.images import image_urls, with_image_sizes
from broadsheet.digests.issue import IssueNote, issue_folder
from broadsheet.errors import Problem

_PAGE: Final = re.compile(r"(?:(?:^|/)index)?\.(?:md|markdown|mdx|html?)\Z", re.IGNORECASE)
_FIRST_NAMED: Final = 3


class Note(Struct, frozen=True):
    """An editor's note.

    path: relative to the project. text: the whole file, for the lines of messages. shows: what the
    issue shows of it. body: the introduction, Markdown. lead: an article. order: articles and
    topics. exclude, include: articles. approved: whether it releases the issue. problems: what is
    wrong with the note itself.
    """

    path: str
    text: str = ""
    shows: IssueNote = IssueNote()
    body: str = ""
    lead: str = ""
    order: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    approved: bool = False
    problems: tuple[Problem, ...] = ()

    def problem(self, key: str, named: str, what: str, todo: str) -> Problem:
        """Return a problem of what `key` names, at its line."""
        return Problem(what, todo, self.path, self.line_of(key, named), key)

    def line_of(self, key: str, named: str) -> int | None:
        """Return the line of `named` at or below that of `key`, or of all; None if unknown."""
        lines = self.text.split("\n")
        pattern = re.compile(rf"\[?[\"']?{re.escape(key)}[\"']?\s*[]:=]" if key else "")
        start = next((n for n, line in enumerate(lines) if pattern.match(line)), None)
        if start is None:
            return None
        below = (n for n, line in enumerate(lines[start:], start) if named in line)
        return next(below, start) + 1


def note_path(digest: str, key: str) -> str:
    """Return the path of the note on an issue, relative to the project."""
    return f"{issue_folder(digest)}{key}.md"


def starter_note(digest: str, key: str) -> str:
    """Return a note that changes nothing: every key as a comment."""
    return (
        "---\n"
        f"# The editor's note on {digest}/{key}. Remove the # before what you want to set.\n"
        "# subject: The subject of the mail\n"
        "# preheader: What lists of mails show beside it\n"
        "# lead: article.md             # the first article\n"
        "# order: [second.md, third.md] # then these; topics too\n"
        "# exclude: [later.md]          # left to the next issue\n"
        "# include: [older.md]          # although the digest would not select it\n"
        "# sponsor: {text: What they offer, link: 'https://example.com/', label: Sponsor}\n"
        "# reply_to: editor@example.org\n"
        "# approved: true\n"
        "---\n\n"
    )


def note_images(note: Note) -> frozenset[str]:
    """Return the URLs of the images that `note` shows."""
    sponsor = note.shows.sponsor
    return image_urls(note.shows.introduction) | ({sponsor.image} if sponsor else set())


def with_sizes(note: Note, sizes: Mapping[str, tuple[int, int]]) -> Note:
    """Return `note` with the sizes of its images. sizes: URL -> width and height in pixels."""
    sponsor, html = note.shows.sponsor, with_image_sizes(note.shows.introduction, sizes)
    if sponsor and sponsor.image in sizes:
        width, height = sizes[sponsor.image]
        sponsor = replace(sponsor, width=width, height=height)
    return replace(note, shows=replace(note.shows, introduction=html, sponsor=sponsor))


def find_named(name: str, articles: Iterable[Article]) -> list[Article]:
    """Return the articles that `name` means: by path, URL or id, or by the end of path or URL.

    Endings such as `.md` and `/index.md` may be left out.
    """
    wanted = name.removeprefix("./").removeprefix("@/").strip("/")
    end = f"/{_PAGE.sub('', wanted)}"
    exact: list[Article] = []
    by_end: list[Article] = []
    for article in articles:
        ways = (f"/{_PAGE.sub('', article.source)}", _PAGE.sub("", article.url.rstrip("/")))
        if wanted == article.source or name in {article.url, article.id}:
            exact.append(article)
        elif any(way.endswith(end) for way in ways):
            by_end.append(article)
    return exact or by_end


def ambiguous(note: Note, key: str, name: str, found: Iterable[Article]) -> Problem:
    """Return the problem of a name that means several articles."""
    paths = sorted(article.source for article in found)
    shown = ", ".join(paths[:_FIRST_NAMED])
    what = f"{name!r} names {len(paths)} articles: {shown}"
    return note.problem(key, name, what, "write the whole path")


def missing(note: Note, key: str, name: str, articles: Iterable[Article]) -> Problem:
    """Return the problem of a name that means no article of `articles`."""
    paths = [article.source for article in articles]
    stems = {_PAGE.sub("", path).rpartition("/")[2]: path for path in paths}
    near = get_close_matches(_PAGE.sub("", name).rpartition("/")[2], stems, n=1)
    todo = f"did you mean {stems[near[0]]}?" if near else "write its path, such as content/a.md"
    return note.problem(key, name, f"unknown article {name!r}", todo)
