"""broadsheet subscribers show, and erase"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from broadsheet.cli.deliveries import opened
from broadsheet.cli.issued import ledger_clock
from broadsheet.cli.options import common_options, options
from broadsheet.cli.terminal import on_one_line
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

_TIMES: Final = frozenset({"at", "since", "bounced_at", "changed", "first_at", "next_at", "lease"})

if TYPE_CHECKING:  # it takes time to import
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.dossier import Dossier
    from broadsheet.delivery.erasing import Erased


@click.command()
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def show(address: str, as_json: bool) -> None:
    """Shows all that is held about one person, from every table."""
    from broadsheet.delivery.dossier import dossier
    from broadsheet.delivery.erasures import erased_at

    project = open_project(options())
    database = opened(project)
    try:
        with database.reading() as connection:
            found = dossier(connection, address)
            at = erased_at(connection, address) if found is None else None
    finally:
        database.close()
    if found is None:
        _show_erased(address, at, as_json=as_json)
        return
    sections = {**found.sections, "links": _links(project, found)}
    if as_json:
        data = {**found.person, "consent": found.consent, **sections, "erased": None}
        click.echo(json.dumps(data, ensure_ascii=False, indent=1))
    else:
        _show(project, found, sections)


def _show_erased(address: str, at: datetime | None, *, as_json: bool) -> None:
    if at is None:
        raise _unknown(address)
    if as_json:
        click.echo(json.dumps({"address": address, "erased": at.isoformat()}, indent=1))
    else:
        click.echo(f"{address} was erased on {at:%Y-%m-%d}; only a keyed hash of it is kept")


def _links(project: Project, found: Dossier) -> list[dict[str, str]]:
    """The links in the person's mail: they are not stored, but the same whenever they are made."""
    from broadsheet.delivery.environment import Secrets
    from broadsheet.delivery.tokens import unsubscribe_url

    secrets, service = Secrets.read(), project.settings.delivery.service_url
    if not secrets.secret or service is None:
        return []
    tokens, who = secrets.tokens(), found.person["id"]
    digests = dict.fromkeys(row["digest"] for row in found.deliveries)
    return [
        {"digest": name, "unsubscribe": unsubscribe_url(service, tokens.unsubscribe(who, name))}
        for name in digests
    ]


def _show(project: Project, found: Dossier, sections: dict[str, list[dict[str, Any]]]) -> None:
    """The same for people: first what is known of the person, then what happened."""
    zone = project.settings.publication.timezone
    choices = {name: ", ".join(found.person[name]) or "all" for name in ("topics", "digests")}
    for name, value in {**found.person, **choices}.items():
        click.echo(f"{name:<12}{_value(name, value, zone)}".rstrip())
    click.echo(f"{'consent':<12}{_row(found.consent, zone)}")
    for name, rows in sections.items():
        if rows:
            click.echo(f"\n{name}")
        for row in rows:
            click.echo(f"  {_row(row, zone)}")


def _row(row: dict[str, Any], zone: ZoneInfo) -> str:
    return "  ".join(
        f"{name}: {_value(name, value, zone)}"
        for name, value in row.items()
        if value is not None and value != ""
    )


def _value(name: str, value: Any, zone: ZoneInfo) -> str:
    """A value in one line; a time in the publication's time zone."""
    if name in _TIMES and value:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else on_one_line(str(value))


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--dry-run", is_flag=True, help="Say what would be erased; erase nothing.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def erase(addresses: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Erases people: every row about them. A keyed hash of each address is kept, so that no import,
    `add` or form brings it back."""
    project = open_project(options())
    found: dict[str, Erased] = {}
    problems: list[Problem] = []
    database = opened(project)
    try:
        for address in addresses:
            try:
                made = (
                    _foreseen(database, address) if dry_run else _made(project, database, address)
                )
            except BroadsheetError as error:
                problems += error.problems
                continue
            found[address] = made
            if not (options().quiet or as_json):
                click.echo("\n".join(_words(address, made, dry_run=dry_run)))
            if not made.clean:
                problems.append(_unclean(database, address))
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps(_data(found, problems), ensure_ascii=False, indent=1))
    if problems:
        raise BroadsheetError(*problems)


def _foreseen(database: Database, address: str) -> Erased:
    """What an erasure would do. Raises BroadsheetError if the address is not on the list."""
    from broadsheet.delivery.dossier import dossier
    from broadsheet.delivery.erasing import Erased
    from broadsheet.delivery.erasures import erased
    from broadsheet.delivery.mentions import published

    with database.reading() as connection:
        found = dossier(connection, address)
        if found is None and not erased(connection, [address]):
            raise _unknown(address)
        if found is None:
            return Erased({}, published=published(connection, address), before=True)
    rows = {**{name: len(rows) for name, rows in found.others.items()}, "subscribers": 1}
    return Erased(rows, len(found.deliveries), len(found.mentions), found.published)


def _made(project: Project, database: Database, address: str) -> Erased:
    """What the erasure did. Raises BroadsheetError if the address is not on the list."""
    from broadsheet.delivery.erasing import erase as erase_

    made = erase_(database, address, ledger_clock(project))
    if made is None:
        raise _unknown(address)
    return made


def _unclean(database: Database, address: str) -> Problem:
    return Problem(
        f"{address} is erased, but the file may still hold it where nothing points to: "
        "other programs keep it open",
        "end them, and run this again",
        database.shown,
    )


def _data(found: dict[str, Erased], problems: list[Problem]) -> dict[str, Any]:
    people = [
        {
            "address": address,
            "rows": made.rows,
            "kept": made.kept,
            "mentions": made.mentions,
            "published": made.published,
            "before": made.before,
            "clean": made.clean,
        }
        for address, made in found.items()
    ]
    return {"erased": people, "problems": [str(problem) for problem in problems]}


def _words(address: str, made: Erased, *, dry_run: bool) -> list[str]:
    if made.before:
        return [f"{address} is erased already"]
    counts = _counted(made.rows, made.kept, made.mentions)
    said = (
        f"{address} would be erased: {counts}"
        if dry_run
        else f"{address} erased: {counts}; exports, backups and mail logs may still hold it"
    )
    return [said, *_left(made.published)]


def _counted(rows: dict[str, int], kept: int, mentions: int) -> str:
    removed = sum(rows.values())
    parts = [f"{count(removed, 'row')} removed"]
    if kept:
        parts.append(f"{count(kept, 'row')} of the ledger kept without a name, for its counts")
    if mentions:
        parts.append(f"{count(mentions, 'mention')} in other rows replaced")
    return ", ".join(parts)


def _left(published: tuple[str, ...]) -> list[str]:
    """What is not about a person's subscription, and stays as it was published."""
    if not published:
        return []
    return [f"published text names the address, and stays as it is: {', '.join(published)}"]


def _unknown(address: str) -> BroadsheetError:
    return BroadsheetError(Problem(f"{address} is not on the list", "check the spelling"))
