"""broadsheet subscribers show, and erase"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from broadsheet.cli.deliveries import ledger_clock, opened
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, print_json
from broadsheet.cli.terminal import on_one_line
from broadsheet.delivery import personal_data
from broadsheet.delivery.database import Database
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.erasures import erased_at
from broadsheet.delivery.personal_data import ErasureResult, PersonalData
from broadsheet.delivery.tokens import unsubscribe_url
from broadsheet.errors import BroadsheetError, Problem
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

_TIMES: Final = frozenset({"at", "since", "bounced_at", "changed", "first_at", "next_at", "lease"})

PAGE = "delivery/#personal-data"
EXAMPLES = (
    "broadsheet subscribers show ann@example.org  # all that is stored",
    "broadsheet subscribers erase ann@example.org  # delete it",
)


@click.command(cls=DocumentedCommand)
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def show(address: str, as_json: bool) -> None:
    """Print everything that is stored about one person, from every table."""
    project = open_project(options())
    with closing(opened(project)) as database, database.reading() as connection:
        found = personal_data.personal_data(connection, address)
        at = erased_at(connection, address) if found is None else None
    if found is None:
        _show_erased(address, at, as_json=as_json)
        return
    sections = {**found.sections, "links": _links(project, found)}
    if as_json:
        data = {**found.person, "consent": found.consent, **sections, "erased": None}
        print_json(data)
    else:
        _show(project, found, sections)


def _show_erased(address: str, at: datetime | None, *, as_json: bool) -> None:
    if at is None:
        raise _unknown(address)
    if as_json:
        print_json({"address": address, "erased": at.isoformat()})
    else:
        click.echo(f"{address} was erased on {at:%Y-%m-%d}; only a keyed hash of it is kept")


def _links(project: Project, found: PersonalData) -> list[dict[str, str]]:
    """Return the links in the person's mail: they are not stored, but always made the same."""
    secrets, service = Secrets.read(), project.settings.delivery.service_url
    if not secrets.secret or service is None:
        return []
    tokens, id_ = secrets.tokens(), found.person["id"]
    digests = dict.fromkeys(row["digest"] for row in found.deliveries)
    return [
        {"digest": name, "unsubscribe": unsubscribe_url(service, tokens.unsubscribe(id_, name))}
        for name in digests
    ]


def _show(project: Project, found: PersonalData, sections: dict[str, list[dict[str, Any]]]) -> None:
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
    filled = {name: value for name, value in row.items() if value not in (None, "")}
    return "  ".join(f"{name}: {_value(name, value, zone)}" for name, value in filled.items())


def _value(name: str, value: Any, zone: ZoneInfo) -> str:
    """Return a value on one line; a time in the publication's time zone."""
    if name in _TIMES and value:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else on_one_line(str(value))


@click.command(cls=DocumentedCommand)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--dry-run", is_flag=True, help="Show what would be erased; erase nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def erase(addresses: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Erase people: every row about them. A keyed hash of each address is kept, so that no import,
    `add` or form brings it back."""
    project = open_project(options())
    results: dict[str, ErasureResult] = {}
    problems: list[Problem] = []
    with closing(opened(project)) as database:
        for address in addresses:
            try:
                result = _erase(project, database, address, dry_run=dry_run)
            except BroadsheetError as error:
                problems += error.problems
                continue
            results[address] = result
            if not (options().quiet or as_json):
                click.echo("\n".join(_report(address, result, dry_run=dry_run)))
            if not result.clean:
                problems.append(_unclean(database, address))
    if as_json:
        people = [{"address": address, **asdict(result)} for address, result in results.items()]
        data = {"erased": people, "problems": [str(problem) for problem in problems]}
        print_json(data)
    if problems:
        raise BroadsheetError(*problems)


def _erase(project: Project, database: Database, address: str, *, dry_run: bool) -> ErasureResult:
    """Erase one person. Raises BroadsheetError if the address is not on the list."""
    if dry_run:
        with database.reading() as connection:
            result = personal_data.preview_erasure(connection, address)
    else:
        result = personal_data.erase(database, address, ledger_clock(project))
    if result is None:
        raise _unknown(address)
    return result


def _unclean(database: Database, address: str) -> Problem:
    return Problem(
        f"{address} is erased, but deleted parts of the file may still contain it: other programs"
        " have the file open",
        "stop them, and run this again",
        database.shown,
    )


def _report(address: str, result: ErasureResult, *, dry_run: bool) -> list[str]:
    if result.before:
        return [f"{address} is erased already"]
    parts = [f"{count(sum(result.rows.values()), 'row')} removed"]
    if result.kept:
        parts.append(f"{count(result.kept, 'row')} of the ledger kept without a name")
    if result.mentions:
        parts.append(f"{count(result.mentions, 'mention')} in other rows replaced")
    counts = ", ".join(parts)
    published = ", ".join(result.published)
    lines = [
        f"{address} would be erased: {counts}"
        if dry_run
        else f"{address} erased: {counts}; exports, backups and mail logs may still contain it"
    ]
    if published:
        lines.append(
            f"these published issues contain the address, and stay as they are: {published}"
        )
    return lines


def _unknown(address: str) -> BroadsheetError:
    return BroadsheetError(Problem(f"{address} is not on the list", "check the spelling"))
