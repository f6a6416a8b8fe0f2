"""A source file, and what it is: an article, or a page that may hide articles."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase

from msgspec import Struct

from broadsheet.articles.media import Media
from broadsheet.errors import Problem
from broadsheet.model.publication import Person


class Source(Struct, frozen=True):
    """A file of an articles folder.

    path: relative to the project, with slashes. folder: the articles folder it is in, likewise.
    text: all of it, with LF line ends. sha256: of the text as UTF-8, in hexadecimal. section: the
    folder of Hugo's section that it is in, within the articles folder; None if that is any folder.
    """

    path: str
    folder: str
    text: str
    sha256: str
    section: str | None = None

    @property
    def inner(self) -> str:
        """The path relative to its articles folder."""
        return self.path.removeprefix(self.folder).lstrip("/")


class Article(Struct, frozen=True, array_like=True, tag=True):  # a list is shorter than a mapping
    """One source file: front matter and a Markdown body.

    source: its path, relative to the project, with slashes.
    url: its absolute address; id: an absolute URI that never changes.
    date, updated, publish, expires: aware; `updated` is never before `date`.
    language: a BCP 47 tag; the publication's if the article names none.
    image: as written, resolved like any link of the article; "" if none.
    summary: from the front matter, on one line; "" if none.
    hidden: why the article is not public, as a clause; "" if it is public.
    body: the Markdown below the front matter, without characters that XML forbids; None if not
    read, since most articles are needed for their front matter only. sha256: of the whole source
    text, in hexadecimal. unclear: statements about its visibility with an unknown meaning; they
    make it `hidden`. doubts: those that may not mean what the author thinks. body_sha256: the
    `fingerprint` of its body. aliases: former addresses, as written. markdown: the dialect that the
    body is written in, as `markup.dialect` takes it. external_url: of the page elsewhere that the
    article is about (a link post); "" if none. rendered: the file of its page in the built site; ""
    if its body is rendered from the source. digests: the digests that may have it; None: all. pin:
    whether it comes first in a digest. digest_summary: its summary there; "" if the same.
    """

    source: str
    url: str
    id: str
    title: str
    date: datetime
    updated: datetime
    publish: datetime | None
    expires: datetime | None
    hidden: str
    authors: tuple[Person, ...]
    topics: tuple[str, ...]
    tags: tuple[str, ...]
    image: str
    image_alt: str
    summary: str
    language: str
    aliases: tuple[str, ...]
    body: str | None
    sha256: str
    markdown: str
    unclear: tuple[Problem, ...] = ()
    body_sha256: str = ""
    doubts: tuple[Problem, ...] = ()
    media: Media | None = None
    external_url: str = ""
    rendered: str = ""
    digests: tuple[str, ...] | None = None
    pin: bool = False
    digest_summary: str = ""

    @property
    def appears(self) -> datetime:
        """The time from which it may be published, unless it is `hidden`."""
        return max(self.date, self.publish or self.date)

    @property
    def page(self) -> dict[str, object]:
        """The fields that templates in the body may show, by the names that generators use.

        Only those of the source text, because renditions are cached by that text.
        """
        known: dict[str, object] = {
            "title": self.title,
            "date": self.date,
            "tags": [*self.tags],
            "categories": [*self.topics],
        }
        if self.summary:
            known |= dict.fromkeys(("description", "summary", "excerpt"), self.summary)
        return known

    @property
    def is_mdx(self) -> bool:
        """Whether the body is MDX (Astro)."""
        return self.source.endswith(".mdx")


class NotAnArticle(Exception):  # noqa: N818 - it is not an error, but a fact about the file
    """The file is a page of the site, not an article; the message says why.

    url: its address, if that is known without a date; else "".
    """

    def __init__(self, why: str, url: str = "") -> None:
        super().__init__(why)
        self.url = url


class Cascade(Struct, frozen=True, array_like=True):
    """A statement of a section page that hides the articles below a folder.

    folder: where the section page is, relative to the project. target: a glob for the paths of
    articles, without their endings; "" for all. hidden: why they are not public.
    """

    folder: str
    target: str
    hidden: str

    def covers(self, path: str) -> bool:
        """Whether this covers the article at `path`. If in doubt it does, which keeps it out."""
        if not f"/{path}".startswith(f"/{self.folder}/".replace("//", "/")):
            return False
        parts = path.rpartition(".")[0].split("/")
        # A glob starts at Hugo's content folder, wherever the articles folder does.
        ways = ("/" + "/".join(parts[start:]) for start in range(len(parts)))
        return not self.target or any(fnmatchcase(way, self.target) for way in ways)
