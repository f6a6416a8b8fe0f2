"""The context of an issue's templates: everything that the mail and the web version show.

Templates only lay it out. Every URL in it is absolute; dates and counts are text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles.entries import Entry, Image
from broadsheet.articles.topics import Topic, topic_key, topic_slug
from broadsheet.digests.images import image_urls
from broadsheet.digests.issue import (
    NO_NOTE,
    DigestUrls,
    Issue,
    IssuedArticle,
    IssueNote,
    Section,
    Sponsor,
)
from broadsheet.digests.prose import mail_prose, prose_text
from broadsheet.digests.sender import OptOut, Sender, mail_address, mail_sender, opt_out
from broadsheet.digests.theme import Theme, mail_theme
from broadsheet.i18n import Words, direction, language_name
from broadsheet.model.publication import OwnTexts, Publication
from broadsheet.model.settings import (
    DeliverySettings,
    DigestSettings,
    FeedSettings,
    Grouping,
    MailSettings,
)
from broadsheet.text.plain import plain, shorten

PREHEADER_COLUMNS = 140
"""Columns of the text that lists of mails show beside the subject; most clients cut it earlier."""

SHEET_WIDTH = 600
"""Pixels, the template's margins included: the greatest width that every client shows."""

# Outlook on Windows shows no other type of image; a URL without an ending may be of any type.
_MAIL_IMAGES = {"image/png", "image/jpeg", "image/gif", ""}
_PROSE_WIDTH = 544
"""Pixels: SHEET_WIDTH without the margins."""
_MOST_WITHOUT_CONTENTS = 8
_TALLEST_LEAD = 0.8  # of its width


class Picture(Struct, frozen=True):
    """An image. width, height: its own in pixels, if known. in_mail: mail clients show its type."""

    url: str
    alt: str
    width: int | None
    height: int | None
    in_mail: bool

    def size(self, most: int) -> tuple[int, int | None]:
        """Return its width and height in pixels if it may be `most` pixels wide."""
        if self.width is None or self.height is None:
            return most, None
        width = min(self.width, most)
        return width, max(1, round(self.height * width / self.width))


class TopicLink(Struct, frozen=True):
    """A topic and its feed. url: "" if it has none."""

    name: str
    url: str


_PROMINENT = 5  # stories at the head of a mail


class ArticleContext(Struct, frozen=True):
    """An article as an issue shows it.

    number: its place in the issue, from 1; the web version has the anchor `article-NUMBER`.
    authors, date, reading: as text, "" if unknown. iso: the date for machines. lead: whether the
    picture may take the whole width. topics: without its section's. turned: its direction, ltr or
    rtl, if that is not the mail's; else "". brief: whether only the title is shown. content: the
    whole article, as HTML; "" if only its summary is shown.
    """

    number: int
    title: str
    url: str
    language: str
    summary: str
    authors: str
    date: str
    iso: str
    reading: str
    late: bool
    picture: Picture | None
    lead: bool
    topics: tuple[TopicLink, ...]
    turned: str = ""
    brief: bool = False
    content: str = ""

    @property
    def later(self) -> bool:
        """Whether the mail shows it smaller, as it comes after the first stories."""
        return self.number > _PROMINENT and not self.content

    @property
    def mail_content(self) -> str:
        """The whole article, as HTML for mail clients; "" if only its summary is shown."""
        return mail_prose(self.content, _PROSE_WIDTH)

    @property
    def content_text(self) -> str:
        """The whole article, as plain text; "" if only its summary is shown."""
        return prose_text(self.content)

    @property
    def mail_picture(self) -> Picture | None:
        """The picture, if mail clients show it."""
        return self.picture if self.picture and self.picture.in_mail else None

    @property
    def facts(self) -> tuple[str, ...]:
        """The items of the line below the title."""
        return tuple(filter(None, (self.authors, self.date, self.reading)))


class SectionContext(Struct, frozen=True):
    """A section of an issue. name: "" if it needs no heading. feed: its URL, or ""."""

    number: int
    name: str
    count: str
    feed: str
    articles: tuple[ArticleContext, ...]


class IssueUrls(Struct, frozen=True):
    """The URLs of an issue.

    index: the page of all feeds. feed: that of the digest's issues. subscribe: the form; or "".
    """

    site: str
    web: str
    archive: str
    feed: str
    index: str
    feed_type: str
    subscribe: str = ""


class IssueContext(Struct, frozen=True):
    """One issue, ready to be laid out.

    key: the issue's. publication, digest: their titles. number, date, count: as text. iso: the tick
    for machines. tick: aware. direction: ltr or rtl. note: what was left out, as text; more: how
    many articles are only on the web, as text; both "" if nothing was. templates: the folder of the
    user's own. identity: identifies this issue among all, as hexadecimal digits. editor: what the
    editor's note says. reply_to: a mail address, or "" for the sender's. correction: that this is a
    correction, as text; "" if it is not. texts: the publication's own.
    """

    key: str
    publication: str
    digest: str
    description: str
    language: str
    direction: str
    subject: str
    preheader: str
    number: str
    date: str
    iso: str
    tick: datetime
    count: str
    total: int
    sections: tuple[SectionContext, ...]
    urls: IssueUrls
    opt_out: OptOut
    sender: Sender
    theme: Theme
    footer: str
    list_id: str
    identity: str
    templates: str
    note: str = ""
    more: str = ""
    editor: IssueNote = NO_NOTE
    reply_to: str = ""
    correction: str = ""
    texts: OwnTexts = {}

    @property
    def introduction(self) -> str:
        """The editor's introduction, as HTML for mail clients; "" if none."""
        return mail_prose(self.editor.introduction, _PROSE_WIDTH)

    @property
    def introduction_text(self) -> str:
        """The editor's introduction, as plain text; "" if none."""
        return prose_text(self.editor.introduction)

    @property
    def sponsor(self) -> Sponsor | None:
        """Who pays for the issue."""
        return self.editor.sponsor

    @property
    def sponsor_picture(self) -> Picture | None:
        """The sponsor's image, if there is one; its text stands for it."""
        given = self.editor.sponsor
        if given is None or not given.image:
            return None
        return Picture(given.image, given.text, given.width, given.height, in_mail=True)

    @property
    def articles(self) -> tuple[ArticleContext, ...]:
        """Its articles, in order."""
        return tuple(article for section in self.sections for article in section.articles)

    @property
    def contents(self) -> bool:
        """Whether it is long enough for a table of contents."""
        return self.total > 2

    @property
    def mail_contents(self) -> bool:
        """Whether the mail has a table of contents: else its first article would come late."""
        return len(self.sections) > 1 and self.total > _MOST_WITHOUT_CONTENTS


def issue_context(
    issue: Issue,
    entries: Mapping[str, Entry],
    publication: Publication,
    digest: DigestSettings,
    mail: MailSettings,
    delivery: DeliverySettings,
    feeds: FeedSettings,
) -> IssueContext:
    """Return the context of `issue`. entries: those of its articles, by id."""
    words = Words(digest.language or publication.language, publication.texts)
    addresses = DigestUrls(issue.digest, publication, feeds)
    who = mail_sender(publication, delivery)
    builder = _Builder(
        entries,
        publication,
        words,
        addresses,
        digest.content == "full",
        digest.schedule.is_per_article,
        digest.group_by,
    )
    sections = builder.sections(issue.sections)
    articles = [article for section in sections for article in section.articles]
    tick = issue.tick.astimezone(publication.timezone)
    correction = _correction(issue, publication, words)
    return IssueContext(
        key=issue.key,
        publication=publication.title,
        digest=digest.title,
        description=digest.description,
        language=words.language,
        direction=words.direction,
        subject=_subject(digest.title, articles, words, issue.note.subject, correction),
        preheader=issue.note.preheader or _preheader(articles, words),
        number=words("No. {number}", number=issue.number),
        date=words.date(tick),
        iso=tick.isoformat(),
        tick=tick,
        count=words.plural("{count} article", "{count} articles", len(issue.ids)),
        total=len(issue.ids),
        sections=sections,
        urls=_ways(issue, publication, addresses, delivery.subscribe_url),
        opt_out=opt_out(who, delivery),
        sender=who,
        theme=mail_theme(mail, words.locale, publication),
        footer=mail.footer,
        list_id=list_id(issue.digest, publication),
        identity=_identity(issue, publication),
        templates=mail.templates,
        editor=issue.note,
        reply_to=issue.note.reply_to or mail_address(digest.reply_to),
        correction=correction,
        texts=publication.texts,
    )


def with_sections(whole: IssueContext, places: Collection[int]) -> IssueContext:
    """Return `whole` with some of its sections only. places: of these, counted from 0.

    Articles keep their numbers, which are their anchors in the web version.
    """
    words = Words(whole.language, whole.texts)
    sections = tuple(section for place, section in enumerate(whole.sections) if place in places)
    articles = [article for section in sections for article in section.articles]
    total = len({article.url for article in articles})
    return replace(
        whole,
        sections=sections,
        subject=_subject(whole.digest, articles, words, whole.editor.subject, whole.correction),
        preheader=whole.editor.preheader or _preheader(articles, words),
        count=words.plural("{count} article", "{count} articles", total),
        total=total,
    )


class _Builder(Struct, frozen=True):
    entries: Mapping[str, Entry]
    publication: Publication
    words: Words
    addresses: DigestUrls
    in_full: bool
    alone: bool
    group_by: Grouping

    def sections(self, sections: tuple[Section, ...]) -> tuple[SectionContext, ...]:
        alone = len(sections) == 1
        made: list[SectionContext] = []
        next_number = 1
        for number, section in enumerate(sections, 1):
            topic = Topic(section.topic, topic_slug(section.topic) if section.topic else "")
            articles = tuple(
                self._article(placed, topic, place)
                for place, placed in enumerate(section.articles, next_number)
            )
            next_number += len(articles)
            made.append(
                SectionContext(
                    number=number,
                    name=self._heading(section.topic, is_alone=alone),
                    count=self.words.plural("{count} article", "{count} articles", len(articles)),
                    feed=self.addresses.feed_of(topic, self.group_by),
                    articles=articles,
                )
            )
        return tuple(made)

    def _heading(self, name: str, *, is_alone: bool) -> str:
        if name and self.group_by == "languages":
            return language_name(name)
        return name or ("" if is_alone else self.words("Other articles"))

    def _article(self, placed: IssuedArticle, section: Topic, number: int) -> ArticleContext:
        entry = self.entries[placed.id]
        published = entry.published.astimezone(self.publication.timezone)
        reading = reading_minutes(entry.content)
        content = entry.content if self.in_full else ""
        picture = _picture(entry.image) if entry.image else None
        if picture and picture.url in image_urls(content):
            picture = None  # it would be shown twice
        return ArticleContext(
            number=number,
            title=entry.title,
            url=entry.url,
            language=entry.language,
            summary=placed.summary or entry.summary,
            authors=self.words.names(author.name for author in entry.authors),
            date=self.words.date(published),
            iso=published.isoformat(),
            reading=self.words.plural("{count} min read", "{count} min read", reading)
            if reading
            else "",
            late=placed.late and not self.alone,
            picture=picture,
            lead=number == 1 and _fits_the_width(picture),
            topics=tuple(
                TopicLink(topic.name, self.addresses.feed_of(topic))
                for topic in entry.topics
                if topic_key(topic.name) != topic_key(section.name)
            ),
            content=content,
            turned="" if (turned := direction(entry.language)) == self.words.direction else turned,
        )


def _picture(image: Image) -> Picture:
    return Picture(image.url, image.alt, image.width, image.height, image.type in _MAIL_IMAGES)


def _fits_the_width(picture: Picture | None) -> bool:
    if picture is None or picture.width is None or picture.height is None:
        return False
    return picture.width >= SHEET_WIDTH and picture.height <= picture.width * _TALLEST_LEAD


def _subject(
    digest: str, articles: Sequence[ArticleContext], words: Words, given: str, correction: str
) -> str:
    """The subject. given: the editor's, or "". correction: "" if it is not one."""
    subject = given or digest
    if articles and not given:
        subject = words("{digest}: {headline}", digest=digest, headline=articles[0].title)
    return words("Correction: {subject}", subject=subject) if correction else subject


def _correction(issue: Issue, publication: Publication, words: Words) -> str:
    if issue.corrects is None:
        return ""
    tick = issue.corrects.tick.astimezone(publication.timezone)
    return words(
        "This is a corrected version of the issue of {date}, which you received earlier.",
        date=words.date(tick),
    )


def _preheader(articles: Sequence[ArticleContext], words: Words) -> str:
    """The text beside the subject in lists of mails: the titles that the subject does not have."""
    if not articles:
        return ""
    others = dict.fromkeys(s.title for s in articles if s.title != articles[0].title)
    if not others:
        return shorten(articles[0].summary, PREHEADER_COLUMNS)
    titles = words.titles(others)
    return shorten(words("Also: {titles}", titles=titles), PREHEADER_COLUMNS)


def _ways(
    issue: Issue, publication: Publication, addresses: DigestUrls, subscribe: str
) -> IssueUrls:
    return IssueUrls(
        site=publication.url,
        web=addresses.issue(issue.key),
        archive=addresses.archive,
        feed=addresses.feed,
        index=addresses.index,
        feed_type=addresses.feed_type,
        subscribe=subscribe,
    )


def _identity(issue: Issue, publication: Publication) -> str:
    """Stays the same when the domain moves, as ids do, and differs between publications."""
    named = "\n".join((publication.id_base, issue.digest, issue.key))
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def list_id(digest: str, publication: Publication) -> str:
    """Return the List-ID of a digest (RFC 2919): ASCII, and always the same."""
    host = (urlsplit(publication.id_base).hostname or "localhost").encode("idna").decode()
    label = digest.lower() if digest.isascii() else hashlib.sha256(digest.encode()).hexdigest()[:12]
    safe = "".join(char if char.isalnum() else "-" for char in label).strip("-") or "digest"
    return f"{safe}.{host}"


CHARACTERS_A_MINUTE = 400
WORDS_A_MINUTE = 220

_CHARACTERS = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@lru_cache(128)  # an issue is laid out in every language that readers can choose
def reading_minutes(html: str) -> int | None:
    """Return how many minutes an article takes to read, at least 1; None if it has no words.

    Chinese and Japanese are counted by character, everything else by word.
    """
    text = plain(html)
    rest, runs = _CHARACTERS.subn(" ", text)
    characters = len(text) - len(rest) + runs
    words = len(_WORD.findall(rest))
    if not characters and not words:
        return None
    return max(1, round(characters / CHARACTERS_A_MINUTE + words / WORDS_A_MINUTE))
