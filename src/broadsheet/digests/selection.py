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

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import chain, count
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from broadsheet.articles import Article
from broadsheet.articles.catalogue import TERMS, Catalogue, absence
from broadsheet.articles.topics import Topic, topic_key
from broadsheet.digests.corrections import Correction, correction_base
from broadsheet.digests.editing import Edited, Editing
from broadsheet.digests.identity import IssuedArticles, Match
from broadsheet.digests.issue import NO_NOTE, Changed, Issue, IssuedArticle, Profile, Section
from broadsheet.digests.notes import Note, note_path
from broadsheet.digests.schedule import after_quiet_hours, last_tick, next_tick, tick_before, ticks
from broadsheet.digests.sections import group_by_topic
from broadsheet.errors import Problem
from broadsheet.model.settings import DigestSettings

_SECOND = timedelta(seconds=1)
_LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)

CatalogueAt = Callable[[datetime], Catalogue]


class History(Struct, frozen=True, dict=True):
    """The issues of a digest that exist, oldest first.

    corrections: they repeat articles, and decide nothing about later issues.
    """

    issues: tuple[Issue, ...] = ()
    corrections: tuple[Issue, ...] = ()

    @classmethod
    def of(cls, issues: Iterable[Issue]) -> History:
        """Return the history of `issues` and corrections, which may be in any order."""
        ordered = sorted(issues, key=lambda issue: issue.tick)
        return cls(
            tuple(issue for issue in ordered if not issue.corrects),
            tuple(issue for issue in ordered if issue.corrects),
        )

    @property
    def everything(self) -> tuple[Issue, ...]:
        """The issues and corrections, oldest first."""
        return tuple(sorted((*self.issues, *self.corrections), key=lambda issue: issue.tick))

    def corrections_of(self, key: str) -> tuple[Issue, ...]:
        """Return the corrections of the issue `key`, oldest first."""
        return tuple(c for c in self.corrections if c.corrects and c.corrects.key == key)

    @property
    def last(self) -> Issue | None:
        """The newest issue."""
        return self.issues[-1] if self.issues else None

    @cached_property
    def record(self) -> IssuedArticles:
        """The articles in these issues."""
        return IssuedArticles(self.issues)

    @cached_property
    def excluded(self) -> frozenset[str]:
        """The ids of articles that a note has left to a later issue."""
        return frozenset(id_ for issue in self.issues for id_ in issue.excluded)

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
        return History((*self.issues, *issues), self.corrections)


class Digest(Struct, frozen=True):
    """A digest with everything that its rules need.

    name: as in the config. catalogue_at: the catalogue at a time. site: `publication.url`. notes:
    the editor's, by the key of an issue. drafts: the keys of issues that wait for approval. names:
    its present and former names.
    """

    name: str
    settings: DigestSettings
    zone: ZoneInfo
    catalogue_at: CatalogueAt
    site: str = ""
    notes: Mapping[str, Note] = {}
    drafts: Collection[str] = ()
    names: tuple[str, ...] = ()

    @property
    def profile(self) -> Profile:
        """The settings by which this digest is recognised under another name."""
        mine = self.settings
        selected = (mine.topics, mine.tags, mine.authors, mine.languages)
        return Profile(mine.title, str(mine.schedule), *selected)

    def due(self, now: datetime, history: History) -> tuple[Issue, ...]:
        """Return the issues that are due at `now` (aware) and not in `history`, oldest first."""
        if self.settings.schedule.is_per_article:
            return self._article_issues(now, history)
        return self._issues(self._ticks(now, history), history)

    def upcoming(self, now: datetime, history: History) -> tuple[Issue, ...]:
        """Return the issues that are due at `now`, oldest first, and then that of the next tick.

        They have the present articles; an issue without any is left out. With `per-article`, those
        that wait for the end of the quiet hours.
        """
        if self.settings.schedule.is_per_article:
            return self.due(self._after_quiet(now), history)
        due = self.due(now, history)
        tick = next_tick(self.settings.schedule, self.zone, now)
        coming = self.issue(tick, history.and_then(*due)) if tick else None
        return (*due, coming) if coming else due

    def explain(self, article: Article, now: datetime, history: History) -> tuple[bool, str]:
        """Return whether an issue has or will have `article`, and which one, or why not."""
        if known := history.record.by_id.get(article.id):
            return True, f"in the issue of {known.issue.key}"
        tick = next_tick(self.settings.schedule, self.zone, now)
        if self.settings.schedule.is_per_article:
            tick = self._after_quiet(now)
        if tick is None:
            return False, "its schedule has no further tick"
        coming = self.upcoming(now, history)
        if found := _expected(article, coming):
            return found
        if (why := absence(article, tick)) is not None:
            if self.settings.schedule.is_per_article:
                return False, why
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

    def is_approved(self, key: str) -> bool:
        """Whether the note on the issue `key` approves it."""
        note = self.notes.get(key)
        return note is not None and note.approved

    def issue(self, tick: datetime, history: History) -> Issue | None:
        """Return the issue at `tick`; None if it has no articles."""
        since, catalogue = self.since(tick, history), self.catalogue_at(tick)
        timely = self._timely(catalogue, since, history)
        moved = history.record.moved(catalogue, timely, self.site)
        note = self.notes.get(self._key(tick, history))
        edited = self._edited(note, tick, history, timely, moved)

        def placed(article: Article) -> IssuedArticle:
            held = article.id in edited.included or article.id in history.excluded
            return _placed(article, late=article.date <= since and not held)

        return self._of(edited, placed, tick, since, history, moved) if edited.articles else None

    def _article_issues(self, now: datetime, history: History) -> tuple[Issue, ...]:
        """Return an issue for each article that none has, oldest first; none in quiet hours.

        A digest begins with the newest article. Each tick is when its article appeared, or the end
        of the quiet hours, and always after the one before: `deliver` sends issues in that order.
        """
        if self._after_quiet(now) > now:
            return ()
        catalogue, last = self.catalogue_at(now), history.last
        timely = self._timely(catalogue, last.tick if last else _LONG_AGO, history)
        moved = history.record.moved(catalogue, timely, self.site)
        edited = self._edited(None, now, history, timely, moved)
        articles = sorted(edited.articles, key=lambda each: (each.appears, each.id))

        def placed(article: Article) -> IssuedArticle:
            return _placed(article, late=last is not None and article.appears <= last.tick)

        made: list[Issue] = []
        for article in articles if last else articles[-1:]:
            before = history.last.tick if history.last else article.date - _SECOND
            tick = max(self._after_quiet(article.appears), before + _SECOND)
            only = structs.replace(edited, articles=(article,))
            made.append(self._of(only, placed, tick, before, history, moved))
            history = history.and_then(made[-1])
        return tuple(made)

    def _after_quiet(self, moment: datetime) -> datetime:
        return after_quiet_hours(moment, self.settings.quiet_hours, self.zone)

    def _of(
        self,
        edited: Edited,
        placed: Callable[[Article], IssuedArticle],
        tick: datetime,
        since: datetime,
        history: History,
        moved: Mapping[str, Match],
    ) -> Issue:
        """Return the issue of `edited`. placed: describes an article for the record."""
        key, catalogue = self._key(tick, history), self.catalogue_at(tick)
        note = self.notes.get(key)
        return Issue(
            digest=self.name,
            key=key,
            number=len(history.issues) + 1,
            tick=tick,
            since=since,
            sections=tuple(
                Section(topic.name, tuple(map(placed, articles)))
                for topic, articles in self._sections(edited, catalogue)
            ),
            site=self.site,
            profile=self.profile,
            changed=tuple(self._changed(catalogue, moved, since, history)),
            note=note.shows if note else NO_NOTE,
            excluded=edited.excluded,
        )

    def next_key(self, now: datetime, history: History) -> str:
        """Return the key of the issue that is due first, or else comes next; "" if none will."""
        due = self._ticks(now, history)
        tick = due[0] if due else next_tick(self.settings.schedule, self.zone, now)
        return self._key(tick, history) if tick else ""

    def stray_notes(self, history: History) -> tuple[Problem, ...]:
        """Return a problem for each note that no issue after `history` will have.

        Its date is mistyped, and the issue that it is meant for would be made without it.
        """
        last = history.last.tick.astimezone(self.zone).date() if history.last else None
        issued = {issue.key for issue in history.issues}
        return tuple(
            self._stray(key, history)
            for key in self.notes
            if correction_base(key) not in issued
            and not ((day := _day(key)) and last and day < last)
            and key not in self._keys_of(day, history)
        )

    def _keys_of(self, day: date | None, history: History) -> list[str]:
        """The keys of the issues that may be made on `day`."""
        if day is None:
            return []
        start = datetime(day.year, day.month, day.day, tzinfo=self.zone) - timedelta(seconds=1)
        found = ticks(self.settings.schedule, self.zone, start, start + timedelta(days=1))
        return [self._key(tick, history) for tick in found]

    def _stray(self, key: str, history: History) -> Problem:
        if self.settings.schedule.is_per_article:
            what = 'the issues of a "per-article" digest have no notes'
            return Problem(what, "remove it", note_path(self.name, key))
        todo = "name it like 2025-06-30.md"
        if day := _day(key):
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=self.zone)
            schedule, zone = self.settings.schedule, self.zone
            before, after = last_tick(schedule, zone, noon), next_tick(schedule, zone, noon)
            open_ = not history.last or (before and before > history.last.tick)
            near = [each for each in (before if open_ else None, after) if each]
            if near:
                tick = min(near, key=lambda each: abs(each - noon))
                todo = f"rename it to {self._key(tick, history)}.md"
        path = note_path(self.name, key)
        return Problem(f"no issue of {self.name} has the date {key}", todo, path)

    def note_problems(self, issue: Issue, history: History) -> tuple[Problem, ...]:
        """Return what is wrong with the note on `issue`, which follows `history`."""
        if (note := self.notes.get(issue.key)) is None:
            return ()
        catalogue = self.catalogue_at(issue.tick)
        timely = self._timely(catalogue, issue.since, history)
        moved = history.record.moved(catalogue, timely, self.site)
        return self._edited(note, issue.tick, history, timely, moved).problems

    def _edited(
        self,
        note: Note | None,
        tick: datetime,
        history: History,
        timely: Sequence[Article],
        moved: Mapping[str, Match],
    ) -> Edited:
        """Return the articles of the issue at `tick`. timely, moved: as in `issue`."""
        catalogue, since = self.catalogue_at(tick), self.since(tick, history)

        def barred(article: Article) -> str | None:
            known = history.record.by_id.get(article.id)
            match = moved.get(article.id)
            if known := known or (match.known if match else None):
                return f"it was in the issue of {known.issue.key}"
            return absence(article, tick) or self._kept_out(article)

        editing = Editing(
            note or Note(""),
            [a for a in timely if a.id not in moved and self._unselected(a, catalogue) is None],
            catalogue.articles,
            catalogue.absent,
            barred,
            lambda article: self._refusal(article, catalogue, since, history),
        )
        groups = self._groups(catalogue)
        return editing.edited(lambda article: [topic_key(each.name) for each in groups(article)])

    def _sections(self, edited: Edited, catalogue: Catalogue) -> list[tuple[Topic, list[Article]]]:
        by = self.settings.group_by
        name_of = catalogue.names(by).name_of
        # `languages = ["zh"]` selects articles in `zh-CN`, too.
        wanted: tuple[str, ...] = () if by == "languages" else getattr(self.settings, by)
        named = structs.replace(
            self.settings,
            topics=tuple(map(name_of, wanted)),
            topic_order=tuple(map(name_of, self.settings.topic_order)),
        )
        groups = self._groups(catalogue)
        groups_of = {article.id: groups(article) for article in edited.articles}
        return edited.arranged(group_by_topic(edited.articles, groups_of, named))

    def _groups(self, catalogue: Catalogue) -> Callable[[Article], tuple[Topic, ...]]:
        """Return what returns the topics of an article, or what else the digest groups by."""
        by = self.settings.group_by
        return lambda article: catalogue.names(by)(TERMS[by](article))

    def correction(self, issue: Issue, history: History, tick: datetime) -> Correction:
        """Return what a correction of `issue`, made at `tick`, has."""
        catalogue, known = self.catalogue_at(tick), history.record.by_id
        others = [article for article in catalogue.articles if article.id not in known]
        moved = history.record.moved(catalogue, others, self.site)
        current: dict[str, Article] = {}
        for article in catalogue.articles:
            match = moved.get(article.id)
            was = known.get(article.id) or (match.known if match and not match.copy else None)
            if was:
                current[was.first] = article
        before = history.corrections_of(issue.key)
        return Correction(issue, before, current, _placed, self.notes)

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
        if article.id in history.excluded:
            return None
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

    def _kept_out(self, article: Article) -> str | None:
        """Why the front matter of `article` keeps it out of this digest."""
        if article.digests is None or {self.name, *self.names} & {*article.digests}:
            return None
        named = ", ".join(article.digests)
        return f"its front matter says digest: {f'[{named}]' if named else 'false'}"

    def _unselected(self, article: Article, catalogue: Catalogue) -> str | None:
        if why := self._kept_out(article):
            return why
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
        """The ticks until `now` that need an issue, oldest first.

        By `missed`, and those that have a note or a draft.
        """
        schedule, zone = self.settings.schedule, self.zone
        newest = last_tick(schedule, zone, now)
        if newest is None or (history.last and newest <= history.last.tick):
            return []
        held = {*self.notes, *self.drafts}
        days = {day for key in held if (day := _day(key))}
        start = history.last.tick if history.last else _before(min(days, default=None), newest)
        due = list(ticks(schedule, zone, start, now))
        if self.settings.missed == "each" and history.last:
            return due
        return [
            tick
            for tick in due
            if tick == newest
            or (tick.astimezone(zone).date() in days and self._key(tick, history) in held)
        ]

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


def _day(key: str) -> date | None:
    """The day of an issue with this key; None if no issue has such a key."""
    try:
        return date.fromisoformat(key[:10])
    except ValueError:
        return None


def _before(day: date | None, newest: datetime) -> datetime:
    """A time before every tick of `day`, and before the tick `newest`."""
    earlier = newest - timedelta(seconds=1)
    if day is None:
        return earlier
    return min(earlier, datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1))


def _expected(article: Article, coming: Iterable[Issue]) -> tuple[bool, str] | None:
    """Whether one of the issues that come next has `article`, and which; None if unknown."""
    found: tuple[bool, str] | None = None
    for issue in coming:
        if article.id in issue.ids:
            return True, f"it will be in the issue of {issue.key}"
        if article.id in issue.excluded:
            found = False, f"the editor's note on {issue.key} leaves it to the next issue"
    return found


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
        summary=article.digest_summary,
    )
