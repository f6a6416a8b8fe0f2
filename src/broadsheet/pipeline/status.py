"""What is published, what is due, and what is out of date."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from broadsheet.articles import Article
from broadsheet.digests.approval import divide_approved
from broadsheet.digests.refusals import admitted
from broadsheet.digests.schedule import next_tick
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.feeds.plan import Feed, plan
from broadsheet.feeds.retired import Retired, by_feed
from broadsheet.pipeline.build_plan import plan_of, retired_before
from broadsheet.pipeline.edition import Content, make_edition, read_content
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.snapshot import SNAPSHOT, Snapshot, holds
from broadsheet.storage import outputs


class NextArticle(Struct, frozen=True):
    """The article that appears next, and when."""

    date: datetime
    title: str
    path: str


class DigestStatus(Struct, frozen=True):
    """A digest. newest, due, waiting: keys of issues. next: its tick.

    waiting: for approval. refused: why the next is not made.
    """

    name: str
    issues: int
    newest: str | None
    due: tuple[str, ...]
    waiting: tuple[str, ...]
    next: datetime | None
    articles_so_far: int
    refused: str | UnsetType = UNSET


class FeedStatus(Struct, frozen=True):
    """A feed. path: its folder. articles: how many there are for it; entries: how many it has."""

    path: str
    articles: int
    entries: int
    newest: datetime | None
    newest_title: str | None


class EndedFeed(Struct, frozen=True):
    """A feed that has ended. to: the path or URL of the feed to follow."""

    path: str
    until: datetime
    to: str


class Status(Struct, frozen=True):
    """The state of a project; times are in its time zone.

    drafts: how many articles are hidden. out_of_date: how many files a build would write or remove.
    """

    now: datetime
    articles: int
    drafts: int
    next_due: NextArticle | None
    digests: tuple[DigestStatus, ...]
    feeds: tuple[FeedStatus, ...]
    retired: tuple[EndedFeed, ...]
    out_of_date: int
    problems: tuple[Problem, ...]


def project_status(project: Project) -> Status:
    """Return the status of `project`. Raises the errors of `read_content`, and RecordError."""
    return project.run(lambda memo: _status(read_content(project, memo)), writes=False)


def _status(content: Content) -> Status:
    project = content.project
    if _is_built(content):
        settings = project.settings
        feeds = plan(content.catalogue, settings.feeds, settings.publication)
        retired, stale = retired_before(outputs.read_manifest(project.feeds_folder)), 0
    else:
        made = plan_of(make_edition(content), project.histories())
        content, feeds, retired = made.edition.content, made.edition.feeds, {**made.retired}
        changes = made.target().changes(made.make())
        stale = len(changes.written) + len(changes.removed)
    return Status(
        now=_local(project, project.now),
        articles=len(content.catalogue.articles),
        drafts=sum(bool(article.hidden) for article in content.articles.read),
        next_due=_next_article(content),
        digests=tuple(_digest(content, name) for name in project.settings.digests),
        feeds=tuple(_feed(project, feed) for feed in feeds),
        retired=tuple(_ended(project, *each) for each in by_feed(retired).items()),
        out_of_date=stale,
        problems=content.problems,
    )


def _is_built(content: Content) -> bool:
    """Whether a build would change nothing; False if unsure."""
    project, stamps = content.project, content.articles.found.stamps
    last = content.memo.state(SNAPSHOT, Snapshot)
    with suppress(ValueError, OSError, BroadsheetError):
        if last:
            return holds(last, project.root, project.config, project.now, stamps)
    return False


def _next_article(content: Content) -> NextArticle | None:
    project = content.project

    def key(article: Article) -> tuple[datetime, str]:
        return article.appears, article.id

    coming = (a for a in content.catalogue.absent if not a.hidden and a.appears > project.now)
    first = min(coming, key=key, default=None)
    if first is None:
        return None
    return NextArticle(_local(project, first.appears), first.title, first.source)


def _digest(content: Content, name: str) -> DigestStatus:
    project = content.project
    digest, history = content.digest(name), project.history(name)
    tick = next_tick(digest.settings.schedule, digest.zone, project.now)
    due = digest.due(project.now, history)
    coming = digest.upcoming(project.now, history)
    refused = admitted(coming, digest, history, project.former_histories)[1]
    waiting = divide_approved(due, digest, ())[1]
    return DigestStatus(
        name=name,
        issues=len(history.issues),
        newest=history.last.key if history.last else None,
        due=tuple(issue.key for issue in due),
        waiting=tuple(each.issue.key for each in waiting),
        next=_local(project, tick) if tick else None,
        articles_so_far=sum(len(issue.ids) for issue in coming[len(due) :]),
        refused="\n".join(map(str, refused)) if refused else UNSET,
    )


def _feed(project: Project, feed: Feed) -> FeedStatus:
    newest = feed.articles[0] if feed.articles else None
    return FeedStatus(
        path=f"{project.settings.feeds.folder}/{feed.head.place}",
        articles=feed.total,
        entries=len(feed.articles),
        newest=_local(project, newest.date) if newest else None,
        newest_title=newest.title if newest else None,
    )


def _ended(project: Project, path: str, feed: Retired) -> EndedFeed:
    settings = project.settings.feeds
    until = _local(project, feed.until(settings))
    return EndedFeed(f"{settings.folder}/{path}", until, feed.address(f"{settings.folder}/"))


def _local(project: Project, moment: datetime) -> datetime:
    return moment.astimezone(project.settings.publication.timezone)
