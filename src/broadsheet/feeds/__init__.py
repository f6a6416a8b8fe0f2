"""The catalogue as feeds: Atom, RSS, JSON Feed, their archives, an OPML list and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from broadsheet.articles import Article
from broadsheet.articles.entries import Entry, Held, Surroundings, entry
from broadsheet.feeds.channel import INDEX, STYLESHEET, channel, of_newsletter
from broadsheet.feeds.newsletter import Newsletter
from broadsheet.feeds.plan import NEVER, Feed, plan
from broadsheet.feeds.press import Press
from broadsheet.markup import Rendition
from broadsheet.model.document import Document
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FILES, FeedFormat, FeedSettings

__all__ = [
    "INDEX",
    "Copy",
    "Feed",
    "Newsletter",
    "documents",
    "inside",
    "of_issues",
    "overview",
    "plan",
    "prepare",
    "to_render",
]

OPML = "feeds.opml"


def inside(feeds: Iterable[Feed]) -> tuple[Article, ...]:
    """The articles that stand in some feed, each once."""
    return tuple({article.id: article for feed in feeds for article in feed.articles}.values())


def to_render(feeds: Iterable[Feed], settings: FeedSettings) -> tuple[Article, ...]:
    """The articles whose body some feed needs, each once."""
    return tuple(
        article for article in inside(feeds) if settings.content == "full" or not article.summary
    )


def prepare(settings: FeedSettings, *, overview: bool = False) -> None:
    """Imports what makes the documents, which else comes with the first of them; and what makes
    the `overview`."""
    if overview:
        from broadsheet.feeds import opml, page  # noqa: F401
    from broadsheet import i18n  # noqa: F401

    if {"atom", "rss"} & {*settings.formats}:
        from broadsheet.feeds import atom_rss  # noqa: F401


class Copy:
    """The copy for the press: the entries of articles, each made once for all its documents."""

    def __init__(self, publication: Publication, settings: FeedSettings) -> None:
        self.press = Press()
        self._publication, self._settings = publication, settings
        self._entries: dict[str, Entry] = {}

    def entry(
        self, article: Article, rendition: Callable[[], Rendition | None], around: Surroundings
    ) -> Entry:
        """The entry of `article`; its rendition is asked for the first time."""
        if article.id not in self._entries:
            made = entry(article, rendition(), around, self._publication)
            full = self._settings.content == "full"
            self._entries[article.id] = made if full else made.without_content()
        return self._entries[article.id]

    def set(self, article: Article, rendition: Rendition, around: Surroundings) -> None:
        """Makes the entry of `article` now, in every format, and not when a document wants it."""
        for format_ in self._settings.formats:
            self.press.set(self.entry(article, lambda: rendition, around), format_)


def documents(
    feeds: Sequence[Feed],
    held: Mapping[str, Held],
    renditions: Mapping[str, Rendition],
    publication: Publication,
    settings: FeedSettings,
    *,
    copy: Copy | None = None,
) -> dict[str, Document]:
    """The feeds themselves: relative path (not percent-encoded) -> document.

    held: by article id, all in `feeds`. renditions: likewise, of all that `to_render` names.
    copy: what is made of these already.
    """
    copy = copy or Copy(publication, settings)
    told: dict[str, str] = {}

    def entry_of(article: Article) -> Entry:
        return copy.entry(article, lambda: renditions.get(article.id), held[article.id].around)

    def tell(article: Article) -> str:
        """All that the entry is made of; the sum of its source text stands for its fields."""
        if article.id not in told:
            its = held[article.id]
            mine = article.source, article.url, article.sha256, its.mark
            told[article.id] = repr((mine, its.around))
        return told[article.id]

    def make(feed: Feed, format_: FeedFormat) -> bytes:
        head = channel(feed, format_, publication, settings)
        return copy.press.document(head, [entry_of(article) for article in feed.articles])

    made: dict[str, Document] = {}
    for feed in feeds:
        head = (feed.path, feed.kind, feed.name, feed.older)
        made_of = "\n".join([repr(head), *map(tell, feed.articles)])
        for format_ in settings.formats:
            made[feed.path + FEED_FILES[format_]] = Document(made_of, partial(make, feed, format_))
    return made


def overview(
    feeds: Sequence[Feed],
    newsletters: Callable[[], Sequence[Newsletter]],
    newsletters_made_of: str,
    publication: Publication,
    settings: FeedSettings,
) -> dict[str, Document]:
    """What stands beside the feeds: the page and the list of all of them, and their stylesheet."""
    told = [(feed.path, feed.kind, feed.name, feed.total, _newest(feed)) for feed in feeds]
    made_of = f"{told!r}\n{newsletters_made_of}"

    # A run that changes none of these does not import what writes them.
    def opml() -> bytes:
        from broadsheet.feeds import opml

        return opml.write(feeds, newsletters(), publication, settings)

    def page() -> bytes:
        from broadsheet.feeds import page

        return page.write(feeds, newsletters(), publication, settings)

    def stylesheet() -> bytes:
        from broadsheet import pages

        return pages.stylesheet()

    return {
        OPML: Document(made_of, opml),
        INDEX: Document(made_of, page),
        STYLESHEET: Document("", stylesheet),
    }


def _newest(feed: Feed) -> tuple[object, ...]:
    """What the page tells of the newest article."""
    return tuple((newest.title, newest.url, newest.date) for newest in feed.articles[:1])


def of_issues(
    path: str,
    newsletter: Callable[[], Newsletter],
    issues: Callable[[], Sequence[Entry]],
    made_of: str,
    publication: Publication,
    settings: FeedSettings,
) -> dict[str, Document]:
    """The feed at `path` of a digest's own issues, newest first, in each format."""

    def make(format_: FeedFormat) -> bytes:
        newest = issues()[: settings.entries]
        updated = max((issue.updated for issue in newest), default=NEVER)
        return Press().document(of_newsletter(newsletter(), updated, format_, publication), newest)

    return {
        path + FEED_FILES[format_]: Document(made_of, partial(make, format_))
        for format_ in settings.formats
    }
