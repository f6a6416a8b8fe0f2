"""Which issues are due, and which articles are in each.

Membership decides, not dates: an issue has every article of the catalogue at its tick that the
digest selects and no earlier issue has, by id or as `identity` recognises it. The issues themselves
are the only record. So the result does not depend on how often or when this runs, and an article
that was merged late is in the next issue. Dates only keep old articles out:

- the first issue covers one period; articles dated before that are in no issue;
- an article that first appears dated more than `late_days` before an issue's window is not in it;
- with `missed = "skip"`, articles dated in a skipped period are in no issue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, count
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue, absence
from broadsheet.digests.identity import IssuedArticles, Match
from broadsheet.digests.issue import Changed, Issue, IssuedArticle, Profile, Section
from broadsheet.digests.schedule import last_tick, next_tick, tick_before, ticks
from broadsheet.digests.sections import group_by_topic
from broadsheet.model.settings import DigestSettings

CatalogueAt = Callable[[datetime], Catalogue]


class History(Struct, frozen=True, dict=True):
    """The issues of a digest that exist, oldest first."""

    issues: tuple[Issue, ...] = ()

    @classmethod
    def of(cls, issues: Iterable[Issue]) -> History:
        """Return the history of `issues`, which may be in any order."""
        return cls(tuple(sorted(issues, key=lambda issue: issue.tick)))

    @property
    def last(self) -> Issue | None:
        """The newest issue."""
        return self.issues[-1] if self.issues else None

    @cached_property
    def record(self) -> IssuedArticles:
        """The articles in these issues."""
        return IssuedArticles(self.issues)

    def skipped(self, date: datetime) -> bool:
        """Whether `date` is in a period that no issue covers."""
        return any(end < date <= start for end, start in self._gaps)

    @cached_property
    def _gaps(self) -> list[tuple[datetime, datetime]]:
        """The gaps between the windows of consecutive issues, as (end, next start)."""
        pairs = zip(self.issues, self.issues[1:], strict=False)
        return [(one.tick, other.since) for one, other in pairs if one.tick < other.since]

    def and_then(self, *issues: Issue) -> History:
        """Return this history with newer `issues`, oldest first."""
        return History((*self.issues, *issues))


class Digest(Struct, frozen=True):
    """A digest with everything that its rules need.

    name: as in the config. catalogue_at: the catalogue at a time. site: `publication.url`.
    """

    name: str
    settings: DigestSettings
    zone: ZoneInfo
    catalogue_at: CatalogueAt
    site: str = ""

    @property
    def profile(self) -> Profile:
        """The settings by which this digest is recognised under another name."""
        mine = self.settings
        return Profile(mine.title, str(mine.schedule), mine.topics, mine.tags, mine.languages)

    def due(self, now: datetime, history: History) -> tuple[Issue, ...]:
        """Return the issues that are due at `now` (aware) and not in `history`, oldest first."""
        return self._issues(self._ticks(now, history), history)

    def upcoming(self, now: datetime, history: History) -> tuple[Issue, ...]:
        """Return the issues that are due at `now`, oldest first, and then that of the next tick.

        They have the present articles; an issue without any is left out.
        """
        due = self.due(now, history)
        tick = next_tick(self.settings.schedule, self.zone, now)
        coming = self.issue(tick, history.and_then(*due)) if tick else None
        return (*due, coming) if coming else due

    def explain(self, article: Article, now: datetime, history: History) -> tuple[bool, str]:
        """Return whether an issue has or will have `article`, and which one, or why not."""
        if known := history.record.by_id.get(article.id):
            return True, f"in the issue of {known.issue.key}"
        tick = next_tick(self.settings.schedule, self.zone, now)
        if tick is None:
            return False, "its schedule has no further tick"
        coming = self.upcoming(now, history)
        for issue in coming:
            if article.id in issue.ids:
                return True, f"it will be in the issue of {issue.key}"
        if (why := absence(article, tick)) is not None:
            return False, f"at its next tick, {tick:%Y-%m-%d %H:%M}, {why}"
        history = history.and_then(*(issue for issue in coming if issue.tick < tick))
        catalogue, since = self.catalogue_at(tick), self.since(tick, history)
        timely = self._timely(catalogue, since, history)
        # It may be too old to be issued now, and yet was issued before.
        others = [each for each in timely if each.id != article.id]
        moved = history.record.moved(catalogue, [*others, article], self.site)
        if match := moved.get(article.id):
            key, address = match.known.issue.key, match.known.placed.url
            if match.copy:
                return False, f"it is a copy of {address}, in the issue of {key}"
            return True, f"in the issue of {key}, under its former address {address}"
        return False, self._refusal(article, catalogue, since, history) or "it is left"

    def since(self, tick: datetime, history: History) -> datetime:
        """Return the start of the window of the issue at `tick`."""
        if history.last is None or self.settings.missed == "skip":
            return tick_before(self.settings.schedule, self.zone, tick) or tick
        return history.last.tick

    def issue(self, tick: datetime, history: History) -> Issue | None:
        """Return the issue at `tick`; None if it has no articles."""
        since = self.since(tick, history)
        catalogue = self.catalogue_at(tick)
        timely = self._timely(catalogue, since, history)
        moved = history.record.moved(catalogue, timely, self.site)
        articles = [
            article
            for article in timely
            if article.id not in moved and self._unselected(article, catalogue) is None
        ]
        if not articles:
            return None
        topics = {article.id: catalogue.topics_of(article) for article in articles}
        named = structs.replace(
            self.settings,
            topics=tuple(map(catalogue.topic_name, self.settings.topics)),
            topic_order=tuple(map(catalogue.topic_name, self.settings.topic_order)),
        )
        return Issue(
            digest=self.name,
            key=self._key(tick, history),
            number=len(history.issues) + 1,
            tick=tick,
            since=since,
            sections=tuple(
                Section(topic.name, tuple(_placed(a, late=a.date <= since) for a in placed))
                for topic, placed in group_by_topic(articles, topics, named)
            ),
            site=self.site,
            profile=self.profile,
            changed=tuple(self._changed(catalogue, moved, since, history)),
        )

    def issued(self, issue: Issue, history: History) -> int:
        """Return how many articles of `issue` another digest issued. history: that digest's."""
        catalogue, known = self.catalogue_at(issue.tick), history.record.by_id
        mine = [article for article in catalogue.articles if article.id in issue.ids]
        others = [article for article in mine if article.id not in known]
        found = history.record.moved(catalogue, others, self.site)
        return len(mine) - len(others) + len(found)

    def _timely(self, catalogue: Catalogue, since: datetime, history: History) -> list[Article]:
        """The articles with unknown ids that are not too old."""
        known = history.record.by_id
        recent = catalogue.dated_after(since - timedelta(days=self.settings.late_days))
        unknown = (article for article in recent if article.id not in known)
        return [each for each in unknown if self._untimely(each, since, history) is None]

    def _changed(
        self, catalogue: Catalogue, moved: Mapping[str, Match], since: datetime, history: History
    ) -> Iterator[Changed]:
        """The issued articles that have changed since the last record, unless too old to return."""
        record = history.record
        for article in catalogue.dated_after(since - timedelta(days=self.settings.late_days)):
            match = moved.get(article.id)
            known = match.known if match and not match.copy else record.by_id.get(article.id)
            now = _placed(article)
            if known and now != structs.replace(record.latest[known.first], late=False):
                yield Changed(known.first, now)

    def _refusal(
        self, article: Article, catalogue: Catalogue, since: datetime, history: History
    ) -> str | None:
        """Why an article with an unknown id is not in the issue whose window begins at `since`."""
        return self._unselected(article, catalogue) or self._untimely(article, since, history)

    def _untimely(self, article: Article, since: datetime, history: History) -> str | None:
        first = history.issues[0].since if history.issues else since
        if article.date <= first:
            return "it is dated before the first issue's window"
        if history.skipped(article.date) or (
            history.last is not None and history.last.tick < article.date <= since
        ):
            return 'it is dated in a period that was skipped (missed = "skip")'
        if article.date <= since - timedelta(days=self.settings.late_days):
            return f"it is dated more than {self.settings.late_days} days (late_days) before it"
        return None

    def _unselected(self, article: Article, catalogue: Catalogue) -> str | None:
        unmet = catalogue.unmet(article, self.settings)
        return f"it has none of the digest's {unmet}" if unmet else None

    def _issues(self, due: Iterable[datetime], history: History) -> tuple[Issue, ...]:
        made: list[Issue] = []
        for tick in due:
            if issue := self.issue(tick, history):
                made.append(issue)
                history = history.and_then(issue)
        return tuple(made)

    def _ticks(self, now: datetime, history: History) -> list[datetime]:
        """The ticks until `now` that need an issue, by `missed`, oldest first."""
        if history.last is None:
            newest = last_tick(self.settings.schedule, self.zone, now)
            return [newest] if newest else []
        due = list(ticks(self.settings.schedule, self.zone, history.last.tick, now))
        return due if self.settings.missed == "each" else due[-1:]

    def _key(self, tick: datetime, history: History) -> str:
        """The name of the issue at `tick`: its date, and its time if the day has several."""
        schedule, zone = self.settings.schedule, self.zone
        local = tick.astimezone(zone)
        near = (tick_before(schedule, zone, tick), next_tick(schedule, zone, tick))
        alone = all(each is None or each.astimezone(zone).date() != local.date() for each in near)
        date, clock = f"{local:%Y-%m-%d}", f"{local:%Y-%m-%d-%H%M}"
        names = [*([date] if alone else []), *([] if local.fold else [clock])]
        # In the repeated hour of autumn, or after a change of the time zone in the config.
        numbered = (f"{clock}-{number}" for number in count(2))
        taken = {issue.key for issue in history.issues}
        return next(name for name in chain(names, numbered) if name not in taken)


def _placed(article: Article, *, late: bool = False) -> IssuedArticle:
    return IssuedArticle(
        id=article.id,
        url=article.url,
        title=article.title,
        sha256=article.sha256,
        late=late,
        source=article.source,
        date=article.date,
        body_sha256=article.body_sha256,
    )
