"""The variants of an issue: the sections that a reader wants, in the frame of a reader's language.

The mail of an issue is what was issued, byte for byte, for everyone who wants all of it. A variant
is laid out from letters that are made when the delivery begins and kept with the ledger. They
hold what the issue's record says: an article that was edited or removed since stands in them with
its title and address as issued, and nothing of what it says now (docs/decisions/0010).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from broadsheet.articles.entries import Entry
from broadsheet.articles.topics import topic_key
from broadsheet.digests.context import ArticleContext, IssueContext, issue_context, with_sections
from broadsheet.digests.fitting import fit_mail
from broadsheet.digests.issue import Issue, IssuedArticle
from broadsheet.digests.message import mime_message
from broadsheet.digests.rendered import mail_text
from broadsheet.digests.sender import mail_sender, opt_out
from broadsheet.i18n import languages
from broadsheet.model.settings import Settings


class Letters(msgspec.Struct, frozen=True):
    """What variants are laid out from.

    language: the digest's own, as `letters` names it. sections: the topic of each; "" for none.
    whole: whether every article stood as it was issued. letters: by language.
    """

    language: str
    sections: tuple[str, ...]
    whole: bool
    letters: dict[str, IssueContext]


def letters(issue: Issue, entries: Mapping[str, Entry], settings: Settings) -> str:
    """What the ledger keeps to lay out variants of `issue` from, JSON.

    entries: of those of its articles that stand as they were issued, by id.
    """
    digest = settings.digest(issue.digest)
    own = digest.language or settings.publication.language
    missing = {placed.url for placed in issue.articles if placed.id not in entries}
    known = {
        placed.id: entries.get(placed.id) or _remembered(placed, issue, str(own))
        for placed in issue.articles
    }
    made = {}
    for tag in (str(own), *(each for each in languages() if each != _primary(own))):
        framed = msgspec.structs.replace(digest, language=tag)
        others = (settings.mail, settings.delivery, settings.feeds)
        made[tag] = _honest(
            issue_context(issue, known, settings.publication, framed, *others), missing
        )
    sections = tuple(section.topic for section in issue.sections)
    kept = Letters(language=str(own), sections=sections, whole=not missing, letters=made)
    return msgspec.json.encode(kept, enc_hook=str).decode()  # addresses are a kind of text


class Variants:
    """The messages of an issue's variants, each laid out when it is first wanted."""

    def __init__(
        self, mail: bytes, kept: str, settings: Settings, digest: str, templates: Mapping[str, str]
    ) -> None:
        """mail: as issued. kept: what `letters` made. templates: the user's own."""
        self._mail = mail
        self._letters = msgspec.json.decode(kept, type=Letters)
        self._max_bytes = settings.digest(digest).max_bytes
        self._templates = templates
        self._aliases = {
            topic_key(other): topic_key(name)
            for name, others in settings.topics.aliases.items()
            for other in others
        }
        self._topics = [topic_key(topic) for topic in self._letters.sections]
        self._sender = mail_sender(settings.publication, settings.delivery)
        self._opt_out = opt_out(self._sender, settings.delivery)

    def variant(self, topics: tuple[str, ...], language: str) -> Variant | None:
        """Which variant is for one who wants `topics` in `language`; None: nothing is for them."""
        places = self._places(topics) if topics else None
        if places == ():
            return None
        frame = self._frame(language)
        all_of_it = places is None or len(places) == len(self._topics)
        if all_of_it and (frame == self._letters.language or not self._letters.whole):
            return ISSUED
        return Variant(frame, tuple(range(len(self._topics))) if places is None else places)

    def message(self, variant: Variant) -> bytes:
        """The message of `variant`. Raises TemplateError."""
        if variant == ISSUED:
            return self._mail
        kept = self._letters.letters[variant.language]
        # Not those that the config had when the delivery began.
        current = replace(kept, sender=self._sender, opt_out=self._opt_out)
        wanted = with_sections(current, variant.places)
        fitting, html = fit_mail(wanted, self._templates, self._max_bytes)
        return mime_message(fitting, html, mail_text(_numbered(wanted), self._templates))

    def _places(self, topics: tuple[str, ...]) -> tuple[int, ...]:
        """The sections that one who wants `topics` gets, by place."""
        wanted = {self._aliases.get(topic_key(topic), topic_key(topic)) for topic in topics}
        return tuple(place for place, topic in enumerate(self._topics) if topic in wanted)

    def _frame(self, language: str) -> str:
        """The language of the words around the articles."""
        own = self._letters.language
        if not language or _primary(language) == _primary(own):
            return own
        return next((tag for tag in self._letters.letters if tag == _primary(language)), own)


class Variant(msgspec.Struct, frozen=True):
    """What tells one variant of an issue from another. places: of its sections, from 0."""

    language: str
    places: tuple[int, ...]


ISSUED: Final = Variant("", ())
"""The mail as it was issued."""


def _honest(made: IssueContext, missing: set[str]) -> IssueContext:
    """`made` with nothing but the title of the articles, by address, that are `missing`."""
    parts = (
        replace(part, articles=tuple(_titled(s) if s.url in missing else s for s in part.articles))
        for part in made.sections
    )
    return replace(made, sections=tuple(parts))


def _numbered(made: IssueContext) -> IssueContext:
    """`made` with its stories counted from 1: the text part numbers its links so."""
    numbers = itertools.count(1)
    parts = (
        replace(part, articles=tuple(replace(s, number=next(numbers)) for s in part.articles))
        for part in made.sections
    )
    return replace(made, sections=tuple(parts))


def _titled(story: ArticleContext) -> ArticleContext:
    return replace(
        story, summary="", authors="", date="", reading="", picture=None, lead=False, topics=(),
        brief=True,
    )  # fmt: skip


def _remembered(placed: IssuedArticle, issue: Issue, language: str) -> Entry:
    """An article of which only the record is left."""
    return Entry(
        id=placed.id,
        url=placed.url,
        title=placed.title,
        published=issue.tick,
        updated=issue.tick,
        authors=(),
        topics=(),
        tags=(),
        schemes="",
        language=language,
        summary="",
        content="",
        image=None,
    )


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
