"""The plan of a `deliver` run: everything that can fail before the first mail.

`deliver` and `deliver --dry-run` make the same plan, so both fail for the same reasons with the
same messages. The dry run then only checks what the run would need next: whether the database can
be written, and whether the mail server accepts the login.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.deliveries import warn_exposed
from broadsheet.cli.issued import Asked, begun_or_draft, chosen, rename, unmailed
from broadsheet.cli.options import options
from broadsheet.delivery import place
from broadsheet.digests.issue import Issue
from broadsheet.digests.sender import sender_problems
from broadsheet.errors import Problem
from broadsheet.pipeline.project import Project

if TYPE_CHECKING:  # slow to import, and only needed to deliver
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.environment import Secrets
    from broadsheet.delivery.freezing import Begun
    from broadsheet.delivery.stamps import Stamps


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be sent, and through which server.

    database: None in a dry run if there is none yet. issues: as in the ledger, or drafts (id 0).
    left: issues that will not be sent, with the reason. refused: issues with articles that readers
    may have.
    """

    server: Any
    stamps: Stamps
    database: Database | None
    issues: tuple[Begun, ...]
    left: tuple[tuple[Issue, str], ...]
    refused: tuple[tuple[Issue, Problem], ...] = ()


@contextmanager
def planned(
    project: Project, asked: Asked, secrets: Secrets, *, dry_run: bool = False
) -> Iterator[Plan]:
    """The plan of a run, with its database open.

    Raises the BroadsheetError of anything that would keep the run from sending a mail.
    """
    from broadsheet.delivery import environment

    settings = project.settings
    server = environment.server(settings.delivery, secrets)
    stamps = environment.stamps(settings, secrets, project.root)
    warn_of_sender(project)
    with _opened(project, dry_run=dry_run) as database:
        if database is not None and not dry_run:
            rename(project, database)
        issues, left = chosen(project, asked, database)
        issues, refused = unmailed(project, asked, database, issues)
        found = tuple(begun_or_draft(project, database, issue) for issue in issues)
        for each in found:
            _check_mails(project, database, each, stamps)
        yield Plan(server, stamps, database, found, tuple(left), tuple(refused))


def warn_of_sender(project: Project) -> None:
    """Print warnings about the sender of the mail to stderr."""
    settings = project.settings
    for _, problem in sender_problems(settings.publication, settings.delivery):
        if not options().quiet:
            click.echo(f"warning: {problem}", err=True)


@contextmanager
def _opened(project: Project, *, dry_run: bool) -> Iterator[Database | None]:
    from broadsheet.delivery.database import check_place, open_database, open_existing

    url = project.settings.delivery.database
    database: Database | None
    if dry_run and not place.exists(url, project.root):
        check_place(url, project.root)
        database = None
    else:
        warn_exposed(project)
        opened = open_existing if dry_run else open_database
        database = opened(url, project.root)
    try:
        yield database
    finally:
        if database is not None:
            database.close()


def _check_mails(project: Project, database: Database | None, issue: Begun, stamps: Stamps) -> None:
    """Make a mail of each kind that `issue` needs. Raises TemplateError and DeliveryError."""
    from broadsheet.delivery import freezing
    from broadsheet.delivery.mailing import Mailing

    preferences: set[tuple[tuple[str, ...], str]] = set() if issue.id else {((), "")}
    if database is not None:
        with database.reading() as connection:
            preferences |= freezing.preferences(
                connection, issue, project.settings.names(issue.digest)
            )
    Mailing(issue, project.settings, project.templates(), stamps).check(preferences)
