"""Reminders of drafts that wait for approval: to an editor, at most one a day for each draft.

A reminder is recorded before it is sent. So none is sent twice, whatever ends the run, and however
many runs there are. Only if the server surely has not accepted it, the next run tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes
from email.policy import default

import sqlalchemy as sql

from broadsheet.delivery.database import Database, lock_ledger, reminders
from broadsheet.delivery.mail.plain import plain_mail, signed
from broadsheet.delivery.mail.template import Envelope
from broadsheet.delivery.transports import Transport, UnavailableError, Verdict
from broadsheet.digests.approval import Waiting
from broadsheet.digests.issue import Issue
from broadsheet.digests.notes import note_path
from broadsheet.digests.sender import mail_address, mail_sender
from broadsheet.i18n import Words
from broadsheet.pipeline.project import Project
from broadsheet.storage.issue_records import draft_files


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder of a draft. day: such as 2025-06-30. problem: why it was not sent, or ""."""

    draft: Issue
    to: str
    day: str
    problem: str = ""

    @property
    def name(self) -> str:
        """DIGEST/KEY."""
        return f"{self.draft.digest}/{self.draft.key}"


def due_reminders(
    project: Project, names: Iterable[str], database: Database, now: datetime
) -> tuple[Reminder, ...]:
    """Return the reminders that are due of the digests `names`."""
    day = now.astimezone(project.settings.publication.timezone).date().isoformat()
    waiting = [
        Reminder(draft, to, day)
        for name in names
        if (to := mail_address(project.settings.digest(name).approval_reminder))
        for draft in _drafts_to_approve(project, name)
    ]
    with database.reading() as connection:
        rows = {tuple(row) for row in connection.execute(sql.select(reminders)).all()}
    return tuple(each for each in waiting if (each.draft.digest, each.draft.key, day) not in rows)


def send_reminders(
    project: Project,
    due: Iterable[Reminder],
    database: Database,
    transport: Transport,
    envelope: Envelope,
    now: datetime,
) -> tuple[Reminder, ...]:
    """Send those of `due` that no other run has sent, and return them."""
    ours = (each for each in due if _record(database, each))
    return tuple(_sent(project, each, database, transport, envelope, now) for each in ours)


def _drafts_to_approve(project: Project, name: str) -> Iterator[Issue]:
    """Yield the drafts that can be approved now: the oldest issue, since issues are released in
    order, and every correction."""
    released = {issue.key for issue in project.history(name).everything}
    drafts = [draft for draft in project.drafts(name) if draft.key not in released]
    yield from [draft for draft in drafts if not draft.corrects][:1]
    yield from (draft for draft in drafts if draft.corrects)


def _sent(
    project: Project,
    reminder: Reminder,
    database: Database,
    transport: Transport,
    envelope: Envelope,
    now: datetime,
) -> Reminder:
    mail = signed(_mail(project, reminder, now), envelope.signer)
    try:
        verdict = asyncio.run(_send(transport, envelope.sender, reminder.to, mail))
    except UnavailableError as error:
        verdict = Verdict("deferred", None, str(error))
    if verdict.kind in {"deferred", "lost"}:
        _forget(database, reminder)
    if verdict.kind == "accepted":
        return reminder
    doubt = "it may have arrived: " if verdict.kind == "in_doubt" else ""
    return replace(reminder, problem=doubt + verdict.text)


async def _send(transport: Transport, sender: str, to: str, mail: bytes) -> Verdict:
    session = await transport.connect()
    verdict = await session.send(sender, to, mail)
    await session.leave()
    return verdict


def _mail(project: Project, reminder: Reminder, now: datetime) -> bytes:
    """Return the mail: the articles of the draft, and how to approve it."""
    settings, draft = project.settings, reminder.draft
    digest = settings.digest(draft.digest)
    words = Words(digest.language or settings.publication.language, settings.publication.texts)
    sender = mail_sender(settings.publication, settings.delivery)
    files = draft_files(project.root, draft)
    made = message_from_bytes(files.get("message.eml", b""), policy=default)
    paragraphs = [
        words("This draft is waiting for approval. To approve it, run:"),
        f"    {Waiting(draft).command}",
    ]
    if not digest.schedule.is_per_article:  # which has no notes
        file = note_path(draft.digest, draft.key)
        paragraphs += [words("Or put this line into {file}:", file=file), "    approved: true"]
    titles = words.titles(article.title for article in draft.articles)
    contents = words("{label}: {value}", label=words("In this issue"), value=titles)
    subject = words("Waiting for approval: {subject}", subject=made["Subject"] or reminder.name)
    id_ = f"{draft.digest}.{draft.key}.approval.{reminder.day}@{sender.domain}"
    return plain_mail(
        settings.publication, sender, reminder.to, words, subject, (*paragraphs, contents), now, id_
    )


def _record(database: Database, reminder: Reminder) -> bool:
    """Record the reminder; return False if another run has."""
    values = {"digest": reminder.draft.digest, "key": reminder.draft.key, "day": reminder.day}
    with database.writing() as connection:
        lock_ledger(connection)
        if connection.execute(sql.select(reminders).filter_by(**values)).first():
            return False
        connection.execute(sql.insert(reminders).values(values))
    return True


def _forget(database: Database, reminder: Reminder) -> None:
    values = {"digest": reminder.draft.digest, "key": reminder.draft.key, "day": reminder.day}
    with database.writing() as connection:
        connection.execute(sql.delete(reminders).filter_by(**values))
