"""`deliver --to`: a test copy, of which nothing is noted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.deliveries import existing, warn_exposed
from broadsheet.cli.issued import Asked, issued_mail, kept_letters, ledger_clock, named, newest
from broadsheet.cli.options import options
from broadsheet.cli.planning import warn_of_sender
from broadsheet.errors import DeliveryError, Problem
from broadsheet.pipeline.project import Project

if TYPE_CHECKING:
    from broadsheet.delivery.environment import Secrets
    from broadsheet.delivery.subscribers import Subscriber


def send_copy(project: Project, asked: Asked, to: str, secrets: Secrets, *, dry_run: bool) -> None:
    """The newest issue, or the one named, to one address, with the links that all share."""
    from broadsheet.delivery import environment
    from broadsheet.delivery.addresses import checked_address
    from broadsheet.delivery.freezing import Begun
    from broadsheet.delivery.mailing import Mailing

    address = checked_address(to)
    _refuse_opted_out(project, address)
    settings = project.settings
    issue = named(project, asked.issue) if asked.issue else newest(project, asked.names)
    now = ledger_clock(project)()
    mail, letters = issued_mail(project, issue), kept_letters(project, issue)
    begun = Begun(0, issue.digest, issue.key, issue.tick, now, 1, None, mail, letters)
    stamps = environment.stamps(settings, secrets, project.root)
    server = environment.server(settings.delivery, secrets)
    copy = Mailing(begun, settings, project.templates(), stamps).copy(address, "", None)
    warn_of_sender(project)
    asyncio.run(_hand_over(server, stamps.envelope, address, None if dry_run else copy))
    if not options().quiet:
        verb = "would be sent" if dry_run else "sent"
        click.echo(f"{issue.digest}/{issue.key}: a test copy {verb} to {address}")


def _refuse_opted_out(project: Project, address: str) -> None:
    """Raise ErasedError or DeliveryError if the owner of `address` asked for no more mail."""
    from broadsheet.delivery import subscribers

    warn_exposed(project)
    with existing(project) as database:
        if database is not None:
            with database.reading() as connection:
                subscribers.refuse_erased(connection, address)
                _refuse(subscribers.find(connection, address))


def _refuse(found: Subscriber | None) -> None:
    if found is not None and found.status in {"unsubscribed", "complained"}:
        raise DeliveryError(
            Problem(
                f"{found.address} {found.status} on {found.since:%Y-%m-%d}, and gets no test copy",
                "use another address, or `subscribers add --again` if its owner asked for it",
            )
        )


async def _hand_over(server: Any, envelope: str, address: str, mail: bytes | None) -> None:
    """Send `mail`; without one, only ask whether the server would take it from this sender."""
    from broadsheet.delivery.smtp import Session, UnavailableError

    try:
        session = await Session.open(server)
        if mail is None:
            verdict = await session.introduce(envelope)
        else:
            verdict = await session.send(envelope, address, mail)
        await session.leave()
    except UnavailableError as error:
        raise DeliveryError(
            Problem(f"the mail server {server.host} cannot be used: {error}", "see [delivery]")
        ) from error
    if verdict is not None and verdict.kind != "accepted":
        said = f"{verdict.code or ''} {verdict.words}".strip()
        raise DeliveryError(Problem(f"the mail server does not take it: {said}"))
