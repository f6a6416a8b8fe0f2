"""broadsheet subscribers: import, add, remove, show, erase, export or list subscribers"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli import personal_data
from broadsheet.cli.deliveries import opened, warn_exposed
from broadsheet.cli.extras import extra
from broadsheet.cli.options import common_options, options
from broadsheet.cli.progress import progress
from broadsheet.cli.terminal import on_one_line, raw
from broadsheet.errors import DeliveryError, Problem, UsageError
from broadsheet.pipeline.project import Project, open_project
from broadsheet.text.counting import count

if TYPE_CHECKING:  # it takes time to import
    from broadsheet.delivery.database import Database
    from broadsheet.delivery.importing import Imported
    from broadsheet.delivery.spreadsheet import Listing
    from broadsheet.delivery.subscribers import Subscriber

POSITION = 50  # in `broadsheet --help`
_STATUSES = ("pending", "active", "unsubscribed", "bounced", "complained")


class _Needing(click.Group):
    """Commands that need the extra."""

    def invoke(self, ctx: click.Context) -> Any:
        with extra("delivery"):
            return super().invoke(ctx)


@click.group(cls=_Needing)
@common_options
def command() -> None:
    """Those who get mail: import, add, remove, show, erase, export and list them."""


command.add_command(personal_data.show)
command.add_command(personal_data.erase)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--as",
    "as_",
    type=click.Choice(_STATUSES),
    default=None,
    help="The status of everyone in the file, unless their line says something stricter.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="HEADING=WHAT",
    help="What a column holds: a field such as name, status, opted-in, opted-out, confirmed,"
    " bounced, complained, or ignore; may be repeated.",
)
@click.option(
    "--status",
    "words",
    multiple=True,
    metavar="VALUE=STATUS",
    help="What a value in a column of consent means; may be repeated.",
)
@click.option("--encoding", default="", help="Of the file; default: find out.")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def import_(
    file: Path,
    as_: Any,
    columns: tuple[str, ...],
    words: tuple[str, ...],
    encoding: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take in a CSV file, as often as you like; nobody who opted out comes back."""
    from broadsheet.delivery.columns import Told
    from broadsheet.delivery.importing import BATCH, import_all
    from broadsheet.delivery.spreadsheet import open_list

    project = open_project(options())
    shown = "standard input" if str(file) == "-" else file.name
    told = Told(_columns(columns), _words(words), as_)
    listing = open_list(_read(file), shown, told, encoding)
    batches = listing.decoded.text.count("\n") // BATCH
    access = _existing if dry_run else _database
    with access(project) as database, progress(batches, options(), "Importing") as step:
        made = import_all(
            database, listing.lines(), shown, project.now, dry_run=dry_run, step=partial(step, 1)
        )
    for problem in made.problems:
        click.echo(str(problem), err=True)
    if as_json:
        click.echo(json.dumps(_import_data(listing, made), ensure_ascii=False, indent=1))
    elif not options().quiet:
        for line in _import_words(listing, made, dry_run=dry_run):
            click.echo(line)
    if made.problems:
        raise SystemExit(1)


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    """--column, as the columns of a file are asked for."""
    from broadsheet.delivery.columns import IGNORE
    from broadsheet.delivery.consent import KINDS, plain
    from broadsheet.delivery.headings import FIELDS

    known = (*FIELDS, *KINDS, IGNORE)
    return {plain(heading): what for heading, what in _pairs("--column", given, known)}


def _words(given: tuple[str, ...]) -> dict[str, Any]:
    """--status, as the cells of a file are asked for."""
    from broadsheet.delivery.consent import plain

    return {plain(value): status for value, status in _pairs("--status", given, _STATUSES)}


def _pairs(option: str, given: tuple[str, ...], known: Sequence[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, what = text.rpartition("=")
        if not equals or what not in known:
            choices = ", ".join(known)
            raise UsageError(
                Problem(f"{option}: {text!r}", f"write NAME=WHAT, with one of {choices}")
            )
        yield name, what


def _import_data(listing: Listing, made: Imported) -> dict[str, Any]:
    columns = listing.columns
    return {
        "added": made.added,
        "changed": made.changed,
        "unchanged": made.same,
        "left": made.left,
        "erased": made.erased,
        "states": made.states,
        "service": columns.service.name if columns.service else None,
        "encoding": listing.decoded.encoding,
        "consent": [heading for _, heading, _ in columns.states],
        "ignored": list(columns.ignored),
        "problems": [str(problem) for problem in made.problems],
    }


def _import_words(listing: Listing, made: Imported, *, dry_run: bool) -> Iterator[str]:
    columns = listing.columns
    verb = "would be " if dry_run else ""
    yield (
        f"{made.added:,} {verb}added, {made.changed:,} {verb}changed, "
        f"{made.same:,} unchanged, {len(made.problems):,} bad "
        f"{'line' if len(made.problems) == 1 else 'lines'}"
    )
    if set(made.states) - {"active"}:
        counts = (f"{made.states[s]:,} {s}" for s in _STATUSES if s in made.states)
        yield f"of those added: {', '.join(counts)}"
    if made.left:
        some = ", ".join(made.left[:5]) + (", ..." if len(made.left) > 5 else "")
        yield f"{len(made.left):,} left before and stay so: {some}"
    if made.erased:
        yield f"{count(made.erased, 'line')} left out: the address was erased"
    if columns.service:
        yield f"read as an export of {columns.service.name}"
    if columns.states:
        yield f"consent taken from: {', '.join(heading for _, heading, _ in columns.states)}"
    if columns.ignored:
        yield f"columns ignored: {', '.join(columns.ignored)}"
    if listing.decoded.guessed:
        name = listing.decoded.encoding
        yield f"read as {name}; if names look wrong, add --encoding and import again"
    if columns.service and columns.service.note:
        yield columns.service.note


@command.command()
@click.argument("address")
@click.option("--name", default="", help="What the mail calls them.")
@click.option("--language", default="", metavar="TAG", help="Such as en; else the digest's own.")
@click.option("--topic", "topics", multiple=True, help="Only this topic; may be repeated.")
@click.option("--digest", "digests", multiple=True, help="Only this digest; may be repeated.")
@click.option(
    "--again", is_flag=True, help="They left or were erased, and have asked to come back."
)
@common_options
def add(
    address: str,
    name: str,
    language: str,
    topics: tuple[str, ...],
    digests: tuple[str, ...],
    again: bool,
) -> None:
    """Adds one subscriber."""
    from broadsheet.delivery import subscribers

    project = open_project(options())
    tag = _language(language)
    if unknown := [each for each in digests if each not in project.settings.digests]:
        listed = ", ".join(project.settings.digests) or "none"
        raise UsageError(
            Problem(f"there is no digest {unknown[0]!r} in the config", f"there is: {listed}")
        )
    cause = "added by the publisher"
    wants: dict[str, Any] = {"name": name, "language": tag, "topics": topics, "digests": digests}
    with _database(project) as database, database.writing() as connection:
        before = subscribers.find(connection, address)
        if before is None:
            made = subscribers.add(
                connection, address, cause=cause, now=project.now, again=again, **wants
            )
            _say(f"{made.address} added")
            return
        if before.gone and not again:
            raise DeliveryError(
                Problem(
                    f"{before.address} is {before.status} since {before.since:%Y-%m-%d} "
                    f"({before.cause})",
                    "only if they asked to come back: add --again",
                )
            )
        given = {key: value for key, value in wants.items() if value}
        changed = subscribers.change(connection, before, cause=cause, now=project.now, **given)
        changed |= subscribers.set_status(
            connection, before, "active", cause=cause, now=project.now
        )
        _say(f"{before.address} {'changed' if changed else 'is there already'}")


@command.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@common_options
def remove(addresses: tuple[str, ...]) -> None:
    """Ends subscriptions. The addresses stay on the list as unsubscribed, so none comes back."""
    from broadsheet.delivery import subscribers

    project = open_project(options())
    missing: list[str] = []
    with _database(project) as database, database.writing() as connection:
        for address in addresses:
            found = subscribers.find(connection, address)
            if found is None:
                missing.append(address)
                continue
            cause = "removed by the publisher"
            if found.gone or not subscribers.set_status(
                connection, found, "unsubscribed", cause=cause, now=project.now
            ):
                _say(f"{found.address} is {found.status} already")
            else:
                _say(f"{found.address} removed")
    for address in missing:
        click.echo(f"{address} is not on the list", err=True)
    if missing:
        raise SystemExit(1)


@command.command()
@click.option("--status", type=click.Choice(_STATUSES), default=None, help="Only these.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Into this file.")
@common_options
def export(status: Any, output: Path | None) -> None:
    """Writes the list as CSV, which `import` reads back."""
    from broadsheet.delivery import exporting, subscribers

    project = open_project(options())
    with _database(project) as database, database.reading() as connection:
        lines = exporting.write(subscribers.everyone(connection, status))
        if output is None:
            _warn_exposed()
            # Programs read it back as it was; a terminal must not obey it.
            stream = sys.stdout if sys.stdout.isatty() else raw(sys.stdout)
            stream.writelines(lines)
        else:
            _write(output, lines)


@command.command("list")
@click.option("--status", type=click.Choice(_STATUSES), default=None, help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def list_(status: Any, as_json: bool) -> None:
    """Shows the list."""
    from broadsheet.delivery import subscribers

    project = open_project(options())
    with _database(project) as database, database.reading() as connection:
        counts = subscribers.counts(connection)
        people = subscribers.everyone(connection, status)
        if as_json:
            _show_data(people)
            return
        if not options().quiet:
            for one in people:
                click.echo(_line(one))
    _say(", ".join(f"{number:,} {each}" for each, number in counts.items() if number) or "nobody")


def _show_data(people: Iterator[Subscriber]) -> None:
    """A JSON list, one at a time: it may be long."""
    start = "[\n"
    for one in people:
        click.echo(start + json.dumps(_data(one), ensure_ascii=False), nl=False)
        start = ",\n"
    click.echo("[]" if start == "[\n" else "\n]")


def _data(one: Subscriber) -> dict[str, Any]:
    return {
        "id": one.id,
        "address": one.address,
        "name": one.name,
        "language": one.language,
        "topics": one.topics,
        "digests": one.digests,
        "status": one.status,
        "since": one.since.isoformat(timespec="seconds"),
        "cause": one.cause,
    }


def _line(one: Subscriber) -> str:
    wants = [on_one_line(name) for name in (*one.digests, *one.topics)]
    parts = [f"{one.address:<40} {one.status:<12} {one.since:%Y-%m-%d}", ", ".join(wants)]
    return "  ".join(filter(None, parts)).rstrip()


def _language(text: str) -> str:
    from broadsheet.model.publication import Language

    try:
        return str(Language(text)) if text else ""
    except ValueError as error:
        raise UsageError(Problem(f"--language: {error}")) from None


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(
            Problem(f"it cannot be read: {error.strerror}", "check the name", str(file))
        ) from error


def _warn_exposed() -> None:
    from broadsheet.delivery.private import is_exposed_stream

    if is_exposed_stream(sys.stdout) and not options().quiet:
        problem = Problem(
            "other users of this machine may open the file that the list goes into",
            "use --output FILE, which only you can read, or run chmod 600 on it",
        )
        click.echo(str(problem), err=True)


def _write(output: Path, lines: Iterator[str]) -> None:
    from broadsheet.delivery.private import replacing

    try:
        with replacing(output) as file:
            file.writelines(lines)
    except OSError as error:
        raise UsageError(
            Problem(f"it cannot be written: {error.strerror}", "choose another", str(output))
        ) from error


@contextmanager
def _database(project: Project) -> Iterator[Database]:
    database = opened(project)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _existing(project: Project) -> Iterator[Database | None]:
    """The database, for one who only reads; None where there is none yet."""
    from broadsheet.delivery.database import open_existing

    warn_exposed(project)
    database = open_existing(project.settings.delivery.database, project.root)
    try:
        yield database
    finally:
        if database is not None:
            database.close()


def _say(text: str) -> None:
    if not options().quiet:
        click.echo(text)
