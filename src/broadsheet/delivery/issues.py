"""The issues in the ledger: which to deliver, how a delivery begins, and its progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery import subscribers as people
from broadsheet.delivery.claims import FINAL, STATES, State
from broadsheet.delivery.database import deliveries, issues, lock_ledger, moment, stamp, subscribers
from broadsheet.digests.identity import relative_paths
from broadsheet.digests.issue import Issue, IssuedArticle
from broadsheet.model.settings import Settings


@dataclass(frozen=True, slots=True)
class Chosen:
    """The result of `choose`. issues: to deliver, oldest first. left: the others, with a reason."""

    issues: tuple[Issue, ...]
    left: tuple[tuple[Issue, str], ...] = ()


def choose(
    issued: Sequence[Issue],
    begun: Sequence[tuple[str, datetime]],
    now: datetime,
    fresh_days: int,
) -> Chosen:
    """Choose the issues of one digest whose delivery is to begin at `now`.

    issued: all, in any order. begun: key and tick of those whose delivery has begun. An issue is
    left out if it is older than `fresh_days`, or than one that was begun: readers would get an
    older one after a newer one. Of a digest that was never delivered, only the newest is sent.
    """
    keys = {key for key, _ in begun}
    newest_begun = max((tick for _, tick in begun), default=None)
    ordered = sorted(issued, key=lambda issue: issue.tick)
    chosen: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    for issue in (issue for issue in ordered if issue.key not in keys):
        if issue.tick > now:
            left.append((issue, "it is not due yet"))
        elif issue.tick < now - timedelta(days=fresh_days):
            left.append((issue, f"it is older than {fresh_days} days (delivery.fresh_days)"))
        elif newest_begun is not None and issue.tick < newest_begun:
            left.append((issue, "a newer one was sent before it"))
        elif newest_begun is None and issue is not ordered[-1]:
            left.append((issue, "it is not the newest, and no issue was sent before"))
        else:
            chosen.append(issue)
    return Chosen(tuple(chosen), tuple(left))


UNFINISHED = "the delivery of the issue that it corrects is not complete"


def choose_corrections(
    waiting: Sequence[Issue], complete: Collection[str], now: datetime, fresh_days: int
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    """Return the corrections whose delivery is to begin at `now`, and those that are left, and why.

    waiting: those that have not begun. complete: the keys of issues that were delivered.
    """
    chosen: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    for issue in waiting:
        if issue.tick < now - timedelta(days=fresh_days):
            why = f"it is older than {fresh_days} days (delivery.fresh_days)"
            left.append((issue, f"{why}; --issue {issue.digest}/{issue.key} sends it"))
        elif issue.corrects and issue.corrects.key not in complete:
            left.append((issue, UNFINISHED))
        else:
            chosen.append(issue)
    return chosen, left


@dataclass(frozen=True, slots=True)
class Begun:
    """An issue whose delivery has begun, or a draft of one (id 0). tick, begun: aware.

    mail: message.eml as issued. contexts: what variants are laid out from, JSON. corrects: of a
    draft of a correction, the key of the issue whose readers get it.
    """

    id: int
    digest: str
    key: str
    tick: datetime
    begun: datetime
    mail: bytes
    contexts: str
    corrects: str = ""


def begin(connection: Connection, draft: Begun, names: Collection[str] = ()) -> Begun:
    """Begin the delivery of `draft`: create a row for each recipient.

    names: other names that the digest has or had; readers who chose one of them get the issue too.
    An issue that was begun before is returned unchanged.
    """
    lock_ledger(connection)
    if (before := find_issue(connection, draft.digest, draft.key)) is not None:
        return before
    now = stamp(draft.begun)
    made = connection.execute(
        sql.insert(issues)
        .values(
            digest=draft.digest,
            key=draft.key,
            tick=stamp(draft.tick),
            begun=now,
            total=0,
            mail=draft.mail,
            contexts=draft.contexts,
        )
        .returning(issues.c.id)
    )
    id_ = int(made.scalar_one())
    rows = sql.select(
        sql.literal(id_), subscribers.c.id, sql.literal("pending"), sql.literal(now)
    ).where(recipients(draft, names))
    connection.execute(
        sql.insert(deliveries).from_select(["issue", "subscriber", "state", "changed"], rows)
    )
    total = sql.select(sql.func.count()).where(deliveries.c.issue == id_).scalar_subquery()
    connection.execute(sql.update(issues).where(issues.c.id == id_).values(total=total))
    return replace(draft, id=id_)


def recipients(draft: Begun, names: Collection[str]) -> sql.ColumnElement[bool]:
    """The condition for getting an issue whose delivery has not begun.

    Of a correction: also that the corrected issue was sent to the subscriber.
    """
    wanting = people.wanting(draft.digest, *names)
    if not draft.corrects:
        return wanting
    corrected = deliveries.join(issues, deliveries.c.issue == issues.c.id)
    sent = sql.select(deliveries.c.subscriber).select_from(corrected)
    there = (
        issues.c.digest.in_((draft.digest, *names)),
        issues.c.key == draft.corrects,
        deliveries.c.state == "sent",
        deliveries.c.subscriber.is_not(None),
    )
    return sql.and_(wanting, subscribers.c.id.in_(sent.where(*there)))


def count_recipients(connection: Connection, draft: Begun, names: Collection[str]) -> int:
    """How many subscribers get an issue whose delivery has not begun."""
    query = sql.select(sql.func.count()).select_from(subscribers).where(recipients(draft, names))
    return int(connection.execute(query).scalar_one())


def find_issue(connection: Connection, digest: str, key: str) -> Begun | None:
    """Return the issue if its delivery has begun."""
    return _begun(connection, issues.c.digest == digest, issues.c.key == key)


def issue_by_id(connection: Connection, id_: int) -> Begun | None:
    """Return the issue with this id, or None."""
    return _begun(connection, issues.c.id == id_)


def _begun(connection: Connection, *conditions: sql.ColumnElement[bool]) -> Begun | None:
    row = connection.execute(sql.select(issues).where(*conditions)).one_or_none()
    if row is None:
        return None
    tick, begun = moment(row.tick), moment(row.begun)
    return Begun(row.id, row.digest, row.key, tick, begun, row.mail, row.contexts)


def begun_issues(connection: Connection, *names: str) -> list[tuple[str, str, datetime, bool]]:
    """Return digest, key and tick of each issue whose delivery has begun, and whether it is done.

    names: those that the digest has or had. Oldest first.
    """
    query = sql.select(issues.c.digest, issues.c.key, issues.c.tick, issues.c.done)
    found = connection.execute(query.where(issues.c.digest.in_(names)).order_by(issues.c.tick))
    return [(name, key, moment(tick), done is not None) for name, key, tick, done in found]


def done_at(connection: Connection, digest: str, key: str) -> datetime | None:
    """When the delivery of an issue was complete; None if it is not, or has not begun."""
    query = sql.select(issues.c.done).where(issues.c.digest == digest, issues.c.key == key)
    done = connection.execute(query).scalar()
    return moment(done) if done else None


def preferences(
    connection: Connection, issue: Begun, names: Collection[str] = ()
) -> set[tuple[tuple[str, ...], str]]:
    """Return topics and language of everyone still to get `issue`, or who would if it began now.

    names: other names that the digest has or had.
    """
    columns = sql.select(subscribers.c.topics, subscribers.c.language).distinct()
    if issue.id:
        query = columns.join(deliveries, deliveries.c.subscriber == subscribers.c.id).where(
            deliveries.c.issue == issue.id, deliveries.c.state.not_in(("sent", "skipped"))
        )
    else:
        query = columns.where(recipients(issue, names))
    return {(tuple(json.loads(topics)), language) for topics, language in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a delivery. counts: rows in each state; total: of all.

    begun, done (aware): done is None until all rows are final. next_at (aware): when the first
    waiting row is due.
    """

    digest: str
    key: str
    begun: datetime
    done: datetime | None
    total: int
    counts: Mapping[State, int]
    next_at: datetime | None

    @property
    def left(self) -> int:
        """The number of rows that are not final."""
        return sum(number for state, number in self.counts.items() if state not in FINAL)


def is_stranded(progress: Progress, settings: Settings) -> bool:
    """Whether mail is left to send for a digest that is no longer in the config."""
    return progress.left > 0 and not {*settings.names(progress.digest)} & settings.digests.keys()


def progress(connection: Connection) -> tuple[Progress, ...]:
    """Return the progress of every issue whose delivery has begun, newest first."""
    columns = [
        issues.c.id, issues.c.digest, issues.c.key, issues.c.begun, issues.c.done,
        issues.c.total, issues.c.counts,
    ]  # fmt: skip
    found = connection.execute(sql.select(*columns).order_by(issues.c.tick.desc(), issues.c.id))
    return tuple(_progress(connection, row) for row in found.all())


def counted(connection: Connection, issue: int) -> dict[State, int]:
    """Return how many rows of an issue (id) are in each state."""
    query = sql.select(deliveries.c.state, sql.func.count()).where(deliveries.c.issue == issue)
    found = {state: int(n) for state, n in connection.execute(query.group_by(deliveries.c.state))}
    return {state: found.get(state, 0) for state in STATES}


def _progress(connection: Connection, row: sql.Row[Any]) -> Progress:
    # Issues that are done are not counted again: with years of issues, that would take seconds.
    counts = json.loads(row.counts) if row.done and row.counts else counted(connection, row.id)
    return Progress(
        digest=row.digest,
        key=row.key,
        begun=moment(row.begun),
        done=moment(row.done) if row.done else None,
        total=row.total,
        counts=counts,
        next_at=None if row.done else _next_at(connection, row.id),
    )


def _next_at(connection: Connection, issue: int) -> datetime | None:
    query = sql.select(sql.func.min(deliveries.c.next_at)).where(
        deliveries.c.issue == issue, deliveries.c.state.in_(("retry", "in_doubt"))
    )
    found = connection.execute(query).scalar()
    return moment(found) if found else None


def ledger_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Return every row of the ledger in order of creation, read in small batches.

    Each has its digest, key and address; an erased subscriber is None, with the address "". Times
    are as stored: ISO 8601, UTC.
    """
    address = sql.func.coalesce(subscribers.c.address, "").label("address")
    columns = [
        issues.c.digest, issues.c.key, subscribers.c.id.label("subscriber"), address,
        deliveries.c.state, deliveries.c.attempts, deliveries.c.changed, deliveries.c.next_at,
        deliveries.c.code, deliveries.c.reply,
    ]  # fmt: skip
    whole = deliveries.join(issues, deliveries.c.issue == issues.c.id)
    whole = whole.outerjoin(subscribers, deliveries.c.subscriber == subscribers.c.id)
    query = sql.select(*columns).select_from(whole).order_by(deliveries.c.id)
    found = connection.execution_options(yield_per=1000).execute(query)
    return (dict(row) for row in found.mappings())


@dataclass(frozen=True, slots=True)
class Repeat:
    """A mailed issue without a record. titles: of the articles that another issue has too."""

    digest: str
    key: str
    titles: tuple[str, ...]


def repeats(
    connection: Connection,
    issue: Issue,
    others: Collection[str],
    recorded: Callable[[str, str], bool],
) -> tuple[Repeat, ...]:
    """Return the mailed issues without a record that share articles with `issue`, oldest first.

    The records in `feeds/digests/` prevent articles from being issued twice. If one was deleted, or
    its folder renamed by hand, only the ledger knows what readers have. others: the other digests
    of the config, which may have the same articles. recorded: whether an issue (digest, key) has a
    record.
    """
    known = sql.select(issues.c.id, issues.c.digest, issues.c.key).order_by(issues.c.tick)
    found = []
    for id_, digest, key in connection.execute(known).all():
        if digest in others or (digest, key) == (issue.digest, issue.key) or recorded(digest, key):
            continue
        query = sql.select(issues.c.contexts).where(issues.c.id == id_)
        mailed = _mailed_articles(connection.execute(query).scalar_one())
        if titles := tuple(each.title for each in issue.articles if _is_among(each, mailed)):
            found.append(Repeat(digest, key, titles))
    return tuple(found)


def _mailed_articles(stored: str) -> list[dict[str, str]]:
    """Return the articles (title, url, iso) in `mail.mailing.Contexts`, of any version."""
    contexts = json.loads(stored)
    own = contexts["contexts"][contexts["language"]]
    return [each for section in own["sections"] for each in section["articles"]]


def _is_among(placed: IssuedArticle, mailed: Sequence[Mapping[str, str]]) -> bool:
    """Whether an article was mailed: by URL without the host, or by title and date."""
    path = relative_paths(placed.url, "")
    return any(
        relative_paths(each["url"], "") == path
        or (each["title"] == placed.title and placed.date and _is_at(each["iso"], placed.date))
        for each in mailed
    )


def _is_at(iso: str, date: datetime) -> bool:
    return bool(iso) and datetime.fromisoformat(iso).timestamp() == date.timestamp()
