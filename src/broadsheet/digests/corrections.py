"""Corrections: an issue sent again to its readers, as its articles and note are now.

A correction is marked as one, and outside the history that decides which articles come next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.digests.issue import Corrected, Issue, IssuedArticle, Section
from broadsheet.digests.notes import Note, find_named, missing
from broadsheet.errors import Problem

_SUFFIX = re.compile(r"-correction(?:-\d+)?\Z")


def correction_base(key: str) -> str:
    """Return the key of the issue that the correction `key` corrects; another key unchanged."""
    return _SUFFIX.sub("", key)


def correction_key(issue: Issue, number: int) -> str:
    """Return the key of a correction of `issue`. number: 1 for the first."""
    return f"{issue.key}-correction" + (f"-{number}" if number > 1 else "")


class Correction(Struct, frozen=True):
    """What is needed to correct `issue`.

    before: its corrections, oldest first. current: its articles as they are now, by the ids in its
    record. placed: describes one for a record. notes: by key; that of the correction counts, else
    that of the issue.
    """

    issue: Issue
    before: tuple[Issue, ...]
    current: Mapping[str, Article]
    placed: Callable[[Article], IssuedArticle]
    notes: Mapping[str, Note]

    @property
    def key(self) -> str:
        """The key of the correction."""
        return correction_key(self.issue, len(self.before) + 1)

    @property
    def note(self) -> Note | None:
        """The note of the correction."""
        return self.notes.get(self.key) or self.notes.get(self.issue.key)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why it cannot be made."""
        name = f"{self.issue.digest}/{self.issue.key}"
        if problems := (*(self.note.problems if self.note else ()), *self._misplaced()):
            return problems
        if not self._sections:
            return (Problem(f"{name} has no article that still exists", "restore one"),)
        last = (self.issue, *self.before)[-1]
        made = self.at(last.tick)
        if (made.note, made.sections) == (last.note, last.sections):
            what = f"nothing has changed since {last.digest}/{last.key} was made"
            return (Problem(what, "correct its articles or its note first"),)
        return ()

    def at(self, tick: datetime) -> Issue:
        """Return the correction that is made at `tick`, aware."""
        return replace(
            self.issue,
            key=self.key,
            tick=tick,
            sections=self._sections,
            note=self.note.shows if self.note else self.issue.note,
            excluded=(),
            changed=(),
            corrects=Corrected(self.issue.key, self.issue.tick),
        )

    def _misplaced(self) -> Iterator[Problem]:
        """What the correction's own note says about articles that a correction does not do."""
        own = self.notes.get(self.key) or Note("")
        for key, names in (("lead", [own.lead]), ("order", own.order), ("include", own.include)):
            for name in filter(None, names):
                what = "a correction keeps the articles of its issue, and their order"
                yield own.problem(key, name, what, "remove it")
        for name in own.exclude:
            if not find_named(name, self.current.values()):
                yield missing(own, "exclude", name, self.current.values())

    @property
    def _excluded(self) -> set[str]:
        """The present ids of the articles that the correction's own note excludes."""
        own = self.notes.get(self.key)
        names = own.exclude if own else ()
        return {each.id for name in names for each in find_named(name, self.current.values())}

    @property
    def _sections(self) -> tuple[Section, ...]:
        found = (
            Section(section.topic, tuple(self._placed(section.articles)))
            for section in self.issue.sections
        )
        return tuple(section for section in found if section.articles)

    def _placed(self, articles: Iterable[IssuedArticle]) -> Iterable[IssuedArticle]:
        now = ((each, self.current.get(each.id)) for each in articles)
        excluded = self._excluded
        return (
            replace(self.placed(new), late=old.late)
            for old, new in now
            if new and new.id not in excluded
        )
