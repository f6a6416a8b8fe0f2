"""A run of `deliver`, from the request to the report.

`deliver` and `deliver --dry-run` make the same plan, which covers everything that can fail before
the first mail, so both fail for the same reasons with the same messages. The dry run then only
checks what the run would need next: whether the database can be written, and whether the mail
server accepts the login and the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import ModuleType
from typing import Any

from broadsheet.delivery import issues as ledger_issues
from broadsheet.delivery import subscribers
from broadsheet.delivery.addresses import checked_address
from broadsheet.delivery.batcher import Tally
from broadsheet.delivery.claims import Queue, State, whole_issues
from broadsheet.delivery.database import (
    Database,
    check_location,
    check_writable,
    empty_database,
    open_database,
    open_existing,
)
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.issues import (
    UNFINISHED,
    Begun,
    Progress,
    Repeat,
    choose,
    choose_corrections,
    find_issue,
    is_stranded,
    repeats,
)
from broadsheet.delivery.ledger import Ledger
from broadsheet.delivery.locks import check_lockable
from broadsheet.delivery.mail.mailing import Mailing, contexts
from broadsheet.delivery.mail.template import Envelope
from broadsheet.delivery.pacing import Clock
from broadsheet.delivery.reminders import Reminder, due_reminders, send_reminders
from broadsheet.delivery.sending import rehearse, send_all, unusable
from broadsheet.delivery.signing import record_secret
from broadsheet.delivery.transports import Transport, UnavailableError
from broadsheet.digests.issue import RECORD, Issue, issue_folder
from broadsheet.errors import BroadsheetError, ConfigError, DeliveryError, Problem, UsageError
from broadsheet.model.settings import Settings
from broadsheet.pipeline.issues import issued_entries
from broadsheet.pipeline.project import Project
from broadsheet.storage.issue_records import draft_files, issued_message

_WAITS = "it is a draft; `broadsheet digest --approve {name}` releases it"

Bar = Callable[[int], AbstractContextManager[Callable[[int], object]]]
"""Shows the progress of a number of rows; yields what to call with how many were settled."""


@dataclass(frozen=True, slots=True)
class DeliveryRequest:
    """What to deliver. names: of digests; () for all. issue: `DIGEST/KEY`; "" for what is due.

    only: rows in this state. limit: mails to send; 0 for no limit. allow_repeat: send an issue even
    if readers have its articles.
    """

    names: tuple[str, ...] = ()
    issue: str = ""
    only: State | None = None
    limit: int = 0
    allow_repeat: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether not everything that is due is sent, but some rows by this run alone."""
        return self.only is not None or self.limit > 0

    def check(self, settings: Settings) -> None:
        """Raise UsageError if it names an unknown digest, or contradicts itself."""
        digest, slash, key = self.issue.partition("/")
        settings.refuse_unknown(filter(None, (*self.names, digest)), renamed=True)
        if self.issue and not (slash and key):
            problem = f"--issue: {self.issue!r} is not an issue"
            raise UsageError(Problem(problem, "write one like weekly/2025-06-30"))
        if self.issue and self.names:
            raise UsageError(Problem("--issue already names the digest", "omit the other name"))


@dataclass(frozen=True, slots=True)
class Run:
    """A run of `deliver`. warn: shows a problem that does not end the run."""

    project: Project
    request: DeliveryRequest
    secrets: Secrets
    clock: Clock
    warn: Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run sends, and how. database: an empty one in a dry run if there is none yet.

    mailings: of issues in the ledger, and of drafts (id 0); every mail that is needed can be made.
    left: issues that are not sent, with the reason.
    refused: issues with articles that readers may have.
    """

    transport: Transport
    envelope: Envelope
    database: Database
    mailings: tuple[Mailing, ...]
    left: tuple[tuple[Issue, str], ...]
    refused: tuple[tuple[Issue, Problem], ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The result of a run. progress: of its issues. stranded: of digests not in the config.

    foreseen: in a dry run, each issue and how many mails would be sent. left, refused: see Plan.
    reminders: those that were sent, or would be.
    """

    progress: tuple[Progress, ...] = ()
    stranded: tuple[Progress, ...] = ()
    foreseen: tuple[tuple[Begun, int], ...] = ()
    left: tuple[tuple[Issue, str], ...] = ()
    refused: tuple[tuple[Issue, Problem], ...] = ()
    reminders: tuple[Reminder, ...] = ()
    tally: Tally | None = None


def deliver(run: Run, bar: Bar) -> DeliveryReport:
    """Begin what is due, and send it. Raises the BroadsheetError of whatever prevents that."""
    with _planned(run) as plan:
        database, queue = plan.database, _queue(plan.database)
        settings = run.project.settings
        sending = (database, plan.transport, plan.envelope, run.clock())
        reminders = send_reminders(run.project, _reminders(run, database), *sending)
        begun = [_begin(run, database, queue, mailing, plan.envelope) for mailing in plan.mailings]
        mailings = {each.begun.id: each for each in begun}
        if queue and not run.request.is_partial:
            tally = _send_from_queue(run, database, queue, mailings, plan.transport, bar)
        else:
            tally = _send(run, database, mailings, plan.transport, bar)
        with database.reading() as connection:
            every = ledger_issues.progress(connection)
        ours = {(each.begun.digest, each.begun.key) for each in begun}
        return DeliveryReport(
            progress=tuple(each for each in every if (each.digest, each.key) in ours),
            stranded=tuple(each for each in every if is_stranded(each, settings)),
            left=plan.left,
            refused=plan.refused,
            reminders=reminders,
            tally=tally if mailings else None,
        )


def work(run: Run) -> Tally:
    """Send what the queue hands out, until a signal or an error.

    Raises UsageError for a database without a queue, DatabaseError and ConfigError.
    """
    settings, root = run.project.settings, run.project.root
    transport = run.secrets.transport(settings.delivery)
    envelope = run.secrets.envelope(settings, root)
    templates = run.project.templates()
    with _opened(run.project, dry_run=False) as database:
        queue = _queue(database)
        if queue is None:
            what = "workers need PostgreSQL, which several machines can use"
            todo = "set delivery.database to postgresql+psycopg://..., or run `broadsheet deliver`"
            raise UsageError(Problem(what, todo))
        _record_secret(run, database, envelope)

        def mailing(issue: int) -> Mailing | None:
            with database.reading() as connection:
                begun = ledger_issues.issue_by_id(connection, issue)
            return Mailing(begun, settings, templates, envelope) if begun else None

        sender = queue.WorkerContext(settings, transport, run.clock, mailing)
        return _run_worker(queue.Worker(database, sender))


def rehearsed(run: Run) -> DeliveryReport:
    """Do what `deliver` would, up to the first step that cannot be undone; write nothing."""
    with _planned(run, dry_run=True) as plan:
        if plan.mailings:
            check_writable(plan.database)
            check_lockable(plan.database)
        issues = [each.begun for each in plan.mailings]
        foreseen = tuple((each, _would_send(run, plan.database, each)) for each in issues)
        reminders = _reminders(run, plan.database)
    tally = None
    if any(number for _, number in foreseen):
        tally = asyncio.run(rehearse(plan.transport, plan.envelope.sender, run.clock))
    return DeliveryReport(
        foreseen=foreseen, left=plan.left, refused=plan.refused, reminders=reminders, tally=tally
    )


def send_copy(run: Run, to: str, *, dry_run: bool) -> Issue:
    """Send the newest issue, or the requested one, to the address `to`, with the shared links.

    Nothing is recorded. Raises BroadsheetError.
    """
    project, address = run.project, checked_address(to)
    _refuse_opted_out(project, address)
    draft = _draft_named(project, run.request.issue)
    issue = draft or (_named(project, run.request.issue) if run.request.issue else _newest(run))
    envelope = run.secrets.envelope(project.settings, project.root)
    transport = run.secrets.transport(project.settings.delivery)
    mail = draft_files(project.root, draft).get("message.eml") if draft else None
    begun = _with_contexts(run, issue, _draft(run, issue, mail), ())
    mailing = Mailing(begun, project.settings, project.templates(), envelope)
    copy = mailing.copy(address, "", None)
    asyncio.run(_send_one(transport, envelope.sender, address, None if dry_run else copy))
    return issue


@contextmanager
def _planned(run: Run, *, dry_run: bool = False) -> Iterator[Plan]:
    """Yield the plan of a run, with its database open.

    Raises the BroadsheetError of anything that would prevent the run from sending a mail.
    """
    settings = run.project.settings
    transport = run.secrets.transport(settings.delivery)
    envelope = run.secrets.envelope(settings, run.project.root)
    with _opened(run.project, dry_run=dry_run) as database:
        if not dry_run:
            apply_renames(database, settings, run.clock())
            _record_secret(run, database, envelope)
        issues, left = _chosen(run, database)
        issues, refused = _without_repeats(run, database, issues)
        mailings = tuple(_mailing(run, database, issue, envelope) for issue in issues)
        yield Plan(transport, envelope, database, mailings, tuple(left), tuple(refused))


def apply_renames(database: Database, settings: Settings, now: datetime) -> None:
    """Move readers who chose a digest by a former name to its present name."""
    for old, new in settings.renamed.items():
        with database.writing() as connection:
            subscribers.rename_digest(connection, old, new, now=now)


def _record_secret(run: Run, database: Database, envelope: Envelope) -> None:
    """Record the secret that signs links; warn if another machine has signed with another one."""
    if envelope.tokens and (found := record_secret(database, envelope.tokens)):
        run.warn(found)


@contextmanager
def _opened(project: Project, *, dry_run: bool) -> Iterator[Database]:
    url, root = project.settings.delivery.database, project.root
    check_location(url, root)
    database = open_existing(url, root) if dry_run else open_database(url, root)
    database = database or empty_database()
    try:
        yield database
    finally:
        database.close()


def _send(
    run: Run,
    database: Database,
    mailings: Mapping[int, Mailing],
    transport: Transport,
    bar: Bar,
) -> Tally:
    settings, limit = run.project.settings, run.request.limit
    if not mailings:
        return Tally()
    ledger = Ledger(database, settings, run.clock, mailings, run.request.only)
    try:
        waiting = ledger.waiting()
        with bar(min(waiting, limit or waiting)) as step:
            tally = asyncio.run(
                send_all(ledger, mailings, transport, settings.delivery, limit, step)
            )
        for issue in mailings:
            ledger.finish(issue)
    except asyncio.CancelledError:  # by a second signal
        raise KeyboardInterrupt from None
    finally:
        ledger.close()
    return tally


def _send_from_queue(
    run: Run,
    database: Database,
    queue: ModuleType,
    mailings: Mapping[int, Mailing],
    transport: Transport,
    bar: Bar,
) -> Tally:
    """Send as one of the workers, until no row of `mailings` can be sent now."""
    if not mailings:
        return Tally()
    sender = queue.WorkerContext(run.project.settings, transport, run.clock, lambda _issue: None)
    with database.reading() as connection:
        batches = whole_issues(mailings, run.project.settings.delivery)
        waiting = Queue(run.project.settings).waiting(connection, batches, run.clock())
    with bar(waiting) as step:
        return _run_worker(queue.Worker(database, sender, dict(mailings), step))


def _run_worker(worker: Any) -> Tally:
    try:
        tally: Tally = asyncio.run(worker.run())
    except asyncio.CancelledError:  # by a second signal
        raise KeyboardInterrupt from None
    finally:
        worker.close()
    return tally


def _queue(database: Database) -> ModuleType | None:
    """Return the module `delivery.worker`, which SQLite does not need; None for SQLite."""
    if database.file is not None or database.shown == "memory":
        return None
    try:
        return import_module("broadsheet.delivery.worker")
    except ModuleNotFoundError as error:
        what = f"delivery from PostgreSQL needs {error.name}, which is not installed"
        todo = 'install Broadsheet with it: pip install "broadsheet[delivery,scale]"'
        raise ConfigError(Problem(what, todo, key="delivery.database")) from error


def _would_send(run: Run, database: Database, issue: Begun) -> int:
    """Return how many mails of `issue` a run would send now."""
    settings = run.project.settings
    with database.reading() as connection:
        if issue.id:
            batches = whole_issues((issue.id,), settings.delivery)
            queue = Queue(settings, only=run.request.only)
            waiting = queue.waiting(connection, batches, run.clock())
        else:
            names = settings.names(issue.digest)
            waiting = ledger_issues.count_recipients(connection, issue, names)
    return min(waiting, run.request.limit or waiting)


def _chosen(run: Run, database: Database) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    """Return the issues to deliver, oldest first, and the others with the reason."""
    project, request = run.project, run.request
    if request.issue:
        issue = _named(project, request.issue)
        if request.only is None and (done := _done(database, issue)):
            return [], [(issue, f"its delivery was complete on {done:%Y-%m-%d at %H:%M} UTC")]
        if issue.corrects and not _done(database, issue, issue.corrects.key):
            return [], [(issue, UNFINISHED)]
        return [issue], []
    issues: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    for name in _digests(run):
        some, others = _of_digest(run, name, database)
        issues += some
        left += others
    return sorted(issues, key=lambda issue: (issue.tick, issue.digest)), left


def _digests(run: Run) -> list[str]:
    """Return the current names of the requested digests; of all, if none is requested."""
    settings = run.project.settings
    requested = [settings.renamed.get(name, name) for name in run.request.names]
    return list(dict.fromkeys(requested or settings.digests))


def _of_digest(
    run: Run, name: str, database: Database
) -> tuple[list[Issue], list[tuple[Issue, str]]]:
    project, only = run.project, run.request.only
    history = project.history(name)
    issued = {issue.key: issue for issue in history.everything}
    with database.reading() as connection:
        begun = ledger_issues.begun_issues(connection, *project.settings.names(name))
    fresh = project.settings.delivery.fresh_days
    repeated = {issue.key for issue in history.corrections}
    known = [(key, tick) for _, key, tick, _ in begun if key not in repeated]
    found = choose(history.issues, known, project.now, fresh)
    complete = {key for _, key, _, done in begun if done}
    corrections, held = choose_corrections(
        [each for each in history.corrections if each.key not in {key for _, key, _, _ in begun}],
        complete,
        project.now,
        fresh,
    )
    since = project.now - timedelta(days=fresh)
    # What was begun is finished even if its files are gone: the ledger has everything.
    continued = [
        issued.get(key) or _without_record(digest, key)
        for digest, key, tick, done in begun
        if not done or (only == "failed" and tick >= since)
    ]
    if only:  # existing rows, and no new ones
        return continued, []
    left = [(issue, f"{why}; --issue {name}/{issue.key} sends it") for issue, why in found.left]
    left += held
    waiting = (draft for draft in project.drafts(name) if draft.key not in issued)
    left += ((draft, _WAITS.format(name=f"{name}/{draft.key}")) for draft in waiting)
    return [*continued, *found.issues, *corrections], left


def _reminders(run: Run, database: Database) -> tuple[Reminder, ...]:
    """Return the reminders that are due; none if the run is for one issue, or for some rows."""
    if run.request.issue or run.request.is_partial:
        return ()
    return due_reminders(run.project, _digests(run), database, run.clock())


def _done(database: Database | None, issue: Issue, key: str = "") -> datetime | None:
    """When the delivery of `issue`, or of the issue `key` of its digest, was complete; or None."""
    if database is None:
        return None
    with database.reading() as connection:
        return ledger_issues.done_at(connection, issue.digest, key or issue.key)


def _draft_named(project: Project, name: str) -> Issue | None:
    """The draft `DIGEST/KEY`; None if it is not one that waits for approval."""
    digest, _, key = name.partition("/")
    released = {issue.key for issue in project.history(digest).issues}
    waiting = (draft for draft in project.drafts(digest) if draft.key not in released)
    return next((draft for draft in waiting if draft.key == key), None)


def _without_record(digest: str, key: str) -> Issue:
    """Return an issue that only the ledger has."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return Issue(digest=digest, key=key, number=0, tick=long_ago, since=long_ago, sections=())


def _named(project: Project, name: str) -> Issue:
    """Return the issue `DIGEST/KEY`. Raises UsageError if there is none."""
    digest, _, key = name.partition("/")
    history = project.history(project.settings.renamed.get(digest, digest))
    for issue in history.everything:
        if issue.key == key:
            return issue
    if _draft_named(project, name):
        what = f"{name} is a draft, and waits for approval"
        todo = f"run `broadsheet digest --approve {name}`; --to ADDRESS sends a test copy"
        raise UsageError(Problem(what, todo))
    newest = history.last
    hint = f"the newest is {newest.digest}/{newest.key}" if newest else "it has none yet"
    raise UsageError(Problem(f"unknown issue {name}", hint))


def _newest(run: Run) -> Issue:
    """Return the newest issue of the requested digests. Raises UsageError if there is none."""
    newest = [last for name in _digests(run) if (last := run.project.history(name).last)]
    if not newest:
        raise UsageError(Problem("no issue was made yet", "run `broadsheet digest`"))
    return max(newest, key=lambda issue: issue.tick)


def _without_repeats(
    run: Run, database: Database, issues: Sequence[Issue]
) -> tuple[list[Issue], list[tuple[Issue, Problem]]]:
    """Return the issues that may be sent, and those with articles that readers have, refused."""
    if run.request.allow_repeat:
        return list(issues), []
    feeds, settings = run.project.feeds_folder, run.project.settings

    def recorded(digest: str, key: str) -> bool:
        return (feeds / issue_folder(digest, key) / RECORD).is_file()

    fine: list[Issue] = []
    refused: list[tuple[Issue, Problem]] = []
    with database.reading() as connection:
        for issue in issues:
            others = {*settings.digests} - {*settings.names(issue.digest)}
            begun = find_issue(connection, issue.digest, issue.key)
            if begun is None and (found := repeats(connection, issue, others, recorded)):
                refused.append((issue, _repeated(settings, issue, found)))
            else:
                fine.append(issue)
    return fine, refused


def _repeated(settings: Settings, issue: Issue, found: Sequence[Repeat]) -> Problem:
    titles = {title for each in found for title in each.titles}
    last = found[-1]
    name, old = f"{issue.digest}/{issue.key}", f"{last.digest}/{last.key}"
    record = f"{settings.feeds.folder}/digests/{old}/{RECORD}"
    renamed = ""
    if last.digest not in settings.names(issue.digest):
        renamed = f'; if the digest was renamed, write renamed_from = ["{last.digest}"]'
    return Problem(
        f"refusing to send {name}: {len(titles)} of its {len(issue.ids)} articles were sent in "
        f"{old}, whose record {record} is missing",
        f"restore it from Git or a backup{renamed}; "
        f"to send {name} anyway, run `broadsheet deliver --issue {name} --allow-repeat`",
    )


def _mailing(run: Run, database: Database, issue: Issue, envelope: Envelope) -> Mailing:
    """Return the mail of `issue`, in the ledger or as a draft, after making each variant that its
    readers need; write nothing. Raises TemplateError and DeliveryError."""
    settings = run.project.settings
    with database.reading() as connection:
        begun = find_issue(connection, issue.digest, issue.key) or _draft(run, issue)
        names = settings.names(begun.digest)
        preferences = ledger_issues.preferences(connection, begun, names)
    if not begun.id:
        begun = _with_contexts(run, issue, begun, {language for _, language in preferences})
        preferences.add(((), ""))
    mailing = Mailing(begun, settings, run.project.templates(), envelope)
    mailing.check(preferences)
    return mailing


def _draft(run: Run, issue: Issue, mail: bytes | None = None) -> Begun:
    """The delivery of `issue`, not begun, without contexts. mail: of a draft; None: as issued."""
    project = run.project
    mail = mail or issued_message(project.feeds_folder, issue, project.settings.feeds.folder)
    corrects = issue.corrects.key if issue.corrects else ""
    return Begun(0, issue.digest, issue.key, issue.tick, run.clock(), mail, "", corrects)


def _with_contexts(run: Run, issue: Issue, draft: Begun, languages: Collection[str]) -> Begun:
    """Return `draft` with its contexts, in these languages of its readers too."""
    try:
        entries = issued_entries(run.project, issue)
    except BroadsheetError as error:
        # An error in an article must not prevent sending a mail that is already made.
        entries = {}
        why = "mail with a selection of topics has only titles until then"
        for each in error.problems:
            run.warn(replace(each, todo=f"{each.todo}; {why}" if each.todo else why))
    return replace(draft, contexts=contexts(issue, entries, run.project.settings, languages))


def _begin(
    run: Run, database: Database, queue: ModuleType | None, mailing: Mailing, envelope: Envelope
) -> Mailing:
    """Return `mailing` as it is in the ledger; create the rows of its issue unless they exist.

    What may be sent now is enqueued in the same transaction.
    """
    if queue:
        queue.jobs.prepare_queue(database)
    settings, begun = run.project.settings, mailing.begun
    with database.writing() as connection:
        if not begun.id:
            begun = ledger_issues.begin(connection, begun, settings.names(begun.digest))
        if queue:
            queue.jobs.enqueue(connection, begun.id, run.clock())
    if begun != replace(mailing.begun, id=begun.id):  # another run has begun it just now
        return Mailing(begun, settings, run.project.templates(), envelope)
    mailing.begun = begun
    return mailing


def _refuse_opted_out(project: Project, address: str) -> None:
    """Raise ErasedError or DeliveryError if the owner of `address` asked for no more mail."""
    with _opened(project, dry_run=True) as database, database.reading() as connection:
        subscribers.refuse_erased(connection, address)
        found = subscribers.find(connection, address)
    if found is not None and found.status in {"unsubscribed", "complained"}:
        what = f"{found.address} {found.status} on {found.since:%Y-%m-%d}; no test copy was sent"
        todo = "use another address, or `subscribers add --again` if its owner asked for it"
        raise DeliveryError(Problem(what, todo))


async def _send_one(transport: Transport, sender: str, to: str, mail: bytes | None) -> None:
    """Send `mail`; if None, only ask whether the server would accept this sender."""
    try:
        session = await transport.connect()
        verdict = await (session.send(sender, to, mail) if mail else session.introduce(sender))
        await session.leave()
    except UnavailableError as error:
        raise DeliveryError(Problem(unusable(transport, error), "see [delivery]")) from error
    if verdict is not None and verdict.kind != "accepted":
        raise DeliveryError(Problem(f"the mail server does not accept it: {verdict.text}"))
