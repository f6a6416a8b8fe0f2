"""The issues of a digest on the web: the page that lists them, and each as an entry of a feed.

Everything comes from the records, so nothing changes when an article is edited or removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from broadsheet import pages
from broadsheet.articles.entries import Entry
from broadsheet.digests.issue import Issue, Section, issue_folder
from broadsheet.i18n import Words
from broadsheet.model.publication import Person, Publication
from broadsheet.model.settings import DigestSettings
from broadsheet.text.plain import shorten
from broadsheet.text.urls import encode

_SUMMARY_COLUMNS = 280


class _SectionRow(Struct, frozen=True):
    topic: str
    titles: str


class _IssueRow(Struct, frozen=True):
    title: str
    url: str
    date: str
    iso: str
    count: str
    sections: tuple[_SectionRow, ...]


def issue_url(issue: Issue, publication: Publication) -> str:
    """Return the URL of the web version of `issue`."""
    return publication.feeds_url + encode(issue_folder(issue.digest, issue.key))


def issue_title(issue: Issue, digest: DigestSettings, publication: Publication) -> str:
    """Return the title of `issue` in lists: the digest's, its number, and its first article's."""
    words = Words(digest_language(digest, publication), publication.texts)
    headline = issue.note.subject or issue.articles[0].title
    title = words(
        "{digest} no. {number}: {headline}",
        digest=digest.title,
        number=issue.number,
        headline=headline,
    )
    return words("Correction: {subject}", subject=title) if issue.corrects else title


def issue_entry(issue: Issue, digest: DigestSettings, publication: Publication) -> Entry:
    """Return `issue` as an entry of the digest's own feed."""
    words = Words(digest_language(digest, publication), publication.texts)
    titles = words.titles(placed.title for placed in issue.articles)
    return Entry(
        id=publication.id_base + encode(f"feeds/{issue_folder(issue.digest, issue.key)}"),
        url=issue_url(issue, publication),
        title=issue_title(issue, digest, publication),
        published=issue.tick,
        updated=issue.tick,
        authors=(publication.author or Person(publication.title),),
        topics=(),
        tags=(),
        schemes=publication.id_base + "feeds/",
        language=digest_language(digest, publication),
        summary=shorten(titles, _SUMMARY_COLUMNS),
        content=issue.note.introduction + "".join(map(_section_html, issue.sections)),
        image=None,
    )


def archive_page(
    issues: Sequence[Issue],
    digest: DigestSettings,
    publication: Publication,
    links: Sequence[object],
    subscribe: str = "",
    name: str = "",
) -> bytes:
    """Return the page of all issues, newest first.

    links: to its feeds, with name, type and url. subscribe: the URL of the form for mail, or "".
    name: the digest's, for that form.
    """
    words = Words(digest_language(digest, publication), publication.texts)
    return pages.render_page(
        "digest.html.j2",
        publication=publication,
        words=words,
        subscribe=subscribe,
        name=name,
        script=pages.script("copy"),
        title=digest.title,
        description=digest.description,
        links=links,
        issues=[_row(issue, digest, publication, words) for issue in issues],
    )


def digest_language(digest: DigestSettings, publication: Publication) -> str:
    """Return the language of `digest`."""
    return digest.language or publication.language


def _row(issue: Issue, digest: DigestSettings, publication: Publication, words: Words) -> _IssueRow:
    local = issue.tick.astimezone(publication.timezone)
    return _IssueRow(
        title=issue_title(issue, digest, publication),
        url=issue_url(issue, publication),
        date=words.date(local),
        iso=local.isoformat(),
        count=words.plural("{count} article", "{count} articles", len(issue.articles)),
        sections=tuple(
            _SectionRow(
                section.topic,
                words.titles(placed.title for placed in section.articles),
            )
            for section in issue.sections
        ),
    )


def _section_html(section: Section) -> str:
    heading = f"<h2>{escape(section.topic)}</h2>" if section.topic else ""
    items = (
        f'<li><a href="{escape(placed.url)}">{escape(placed.title)}</a></li>'
        for placed in section.articles
    )
    return f"{heading}<ul>{''.join(items)}</ul>"
