"""broadsheet subscribers: import, add, remove, show, erase, export or list subscribers"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from broadsheet.cli import personal_data
from broadsheet.cli.deliveries import existing, opened, warn_exposed
from broadsheet.cli.manners import DocumentedGroup
from broadsheet.cli.options import common_options, options, print_json, say
from broadsheet.cli.progress import progress
from broadsheet.cli.terminal import on_one_line, raw
from broadsheet.delivery import subscribers
from broadsheet.delivery.files import is_exposed_stream, replacing
from broadsheet.delivery.lists.columns import ImportOptions
from broadsheet.delivery.lists.exporting import exported_lines
from broadsheet.delivery.lists.importing import BATCH_LINES, ImportResult, import_list
from broadsheet.delivery.lists.reading import SubscriberList, open_list
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.errors import Problem, UsageError
from broadsheet.model.publication import Language
from broadsheet.pipeline.project import open_project
from broadsheet.text.counting import count

POSITION = 50  # in `broadsheet --help`
EXTRAS = "delivery"
PAGE = "delivery/#subscribers"
EXAMPLES = (
    "broadsheet subscribers import list.csv --dry-run  # show what would change",
    "broadsheet subscribers add ann@example.org --name Ann  # one subscriber",
    "broadsheet subscribers remove ann@example.org  # unsubscribe",
    "broadsheet subscribers list --status active  # print the list",
    "broadsheet subscribers export --output list.csv  # a copy of the list",
)
_STATUSES = ("pending", "active", "unsubscribed", "bounced", "complained")


@click.group(cls=DocumentedGroup)
@common_options
def command() -> None:
    """Import, add, remove, show, erase, export and list subscribers."""


command.add_command(personal_data.show)
command.add_command(personal_data.erase)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option(
    "--as",
    "as_",
    type=click.Choice(_STATUSES),
    default=None,
    help="The status of everyone in the file, unless their line gives a stricter one.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="HEADING=WHAT",
    help="What a column holds: a field such as name, or status, opted-in, opted-out, confirmed,"
    " bounced, complained, ignore; may be repeated.",
)
@click.option(
    "--status",
    "words",
    multiple=True,
    metavar="VALUE=STATUS",
    help="What a value in a column of consent means; may be repeated.",
)
@click.option("--encoding", default="", help="The encoding of the file; default: detect it.")
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    """Import a CSV file, as often as you like; no one who opted out comes back."""
    project = open_project(options())
    shown = "standard input" if str(file) == "-" else file.name
    given = ImportOptions.parse(columns, words, as_)
    with _readable(file) as data, ExitStack() as converted:
        listed = open_list(data, shown, given, encoding)
        if listed.decoded.file is not data:
            converted.enter_context(listed.decoded.file)
        batches = listed.decoded.count_lines() // BATCH_LINES
        if dry_run:
            warn_exposed(project)
        access = existing(project) if dry_run else closing(opened(project))
        with access as database, progress(batches, options(), "Importing") as advance:
            result = import_list(
                database,
                listed.subscribers(),
                shown,
                project.now,
                dry_run=dry_run,
                advance=advance,
                repeated=listed.repeated,
            )
    for problem in result.problems:
        click.echo(str(problem), err=True)
    if as_json:
        print_json(_import_data(listed, result))
    else:
        for line in _import_lines(listed, result, dry_run=dry_run):
            say(line)
    if result.problems:
        raise SystemExit(1)


def _import_data(listed: SubscriberList, result: ImportResult) -> dict[str, Any]:
    columns = listed.columns
    return {
        "added": result.added,
        "changed": result.changed,
        "unchanged": result.same,
        "left": result.left,
        "erased": result.erased,
        "states": result.states,
        "service": columns.service.name if columns.service else None,
        "encoding": listed.decoded.encoding,
        "consent": [heading for _, heading, _ in columns.states],
        "ignored": list(columns.ignored),
        "problems": [str(problem) for problem in result.problems],
    }


def _import_lines(listed: SubscriberList, result: ImportResult, *, dry_run: bool) -> Iterator[str]:
    columns = listed.columns
    verb = "would be " if dry_run else ""
    yield (
        f"{result.added:,} {verb}added, {result.changed:,} {verb}changed, "
        f"{result.same:,} unchanged, {count(len(result.problems), 'bad line')}"
    )
    if set(result.states) - {"active"}:
        counts = (f"{result.states[s]:,} {s}" for s in _STATUSES if s in result.states)
        yield f"of those added: {', '.join(counts)}"
    if result.left:
        some = ", ".join(result.left[:5]) + (", ..." if len(result.left) > 5 else "")
        yield f"{len(result.left):,} had left before and are not subscribed again: {some}"
    if result.erased:
        yield f"{count(result.erased, 'line')} skipped: the address was erased"
    if columns.service:
        yield f"read as an export of {columns.service.name}"
    if columns.states:
        yield f"consent taken from: {', '.join(heading for _, heading, _ in columns.states)}"
    if columns.ignored:
        yield f"columns ignored: {', '.join(columns.ignored)}"
    if listed.decoded.guessed:
        name = listed.decoded.encoding
        yield f"read as {name}; if names look wrong, add --encoding and import again"
    if columns.service and columns.service.note:
        yield columns.service.note


@command.command()
@click.argument("address")
@click.option("--name", default="", help="The name in the To field of their mail.")
@click.option("--language", default="", metavar="TAG", help="Such as en; else the digest's own.")
@click.option("--topic", "topics", multiple=True, help="Only this topic; may be repeated.")
@click.option("--digest", "digests", multiple=True, help="Only this digest; may be repeated.")
@click.option(
    "--again", is_flag=True, help="They left or were erased, and asked to be subscribed again."
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
    """Add one subscriber."""
    project = open_project(options())
    tag = _language(language)
    project.settings.refuse_unknown(digests)
    given = {"name": name, "language": tag, "topics": topics, "digests": digests}
    wanted: Any = {key: value for key, value in given.items() if value}
    with closing(opened(project)) as database, database.writing() as connection:
        one, result = subscribers.add_or_change(
            connection,
            address,
            cause="added by the publisher",
            now=project.now,
            again=again,
            **wanted,
        )
    say(f"{one.address} {result}")


@command.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@common_options
def remove(addresses: tuple[str, ...]) -> None:
    """Unsubscribe people. Their addresses stay on the list, so that no import brings them back."""
    project = open_project(options())
    missing: list[str] = []
    with closing(opened(project)) as database, database.writing() as connection:
        for address in addresses:
            found = subscribers.find(connection, address)
            if found is None:
                missing.append(address)
            elif found.gone:
                say(f"{found.address} is {found.status} already")
            else:
                cause, now = "removed by the publisher", project.now
                subscribers.set_status(connection, found, "unsubscribed", cause=cause, now=now)
                say(f"{found.address} removed")
    for address in missing:
        click.echo(f"{address} is not on the list", err=True)
    if missing:
        raise SystemExit(1)


@command.command()
@click.option("--status", type=click.Choice(_STATUSES), default=None, help="Only these.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="To this file.")
@common_options
def export(status: Any, output: Path | None) -> None:
    """Write the list as CSV, which `import` reads back."""
    project = open_project(options())
    with closing(opened(project)) as database, database.reading() as connection:
        lines = exported_lines(subscribers.everyone(connection, status))
        if output is None:
            _warn_exposed()
            # Programs get it as it is; a terminal must not interpret it.
            stream = sys.stdout if sys.stdout.isatty() else raw(sys.stdout)
            stream.writelines(lines)
        else:
            _write(output, lines)


@command.command("list")
@click.option("--status", type=click.Choice(_STATUSES), default=None, help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def list_(status: Any, as_json: bool) -> None:
    """Print the list."""
    project = open_project(options())
    with closing(opened(project)) as database, database.reading() as connection:
        counts = subscribers.counts(connection)
        people = subscribers.everyone(connection, status)
        if as_json:
            start = "["  # one line each, as they are read: the list may be long
            for one in people:
                click.echo(start + json.dumps(_data(one), ensure_ascii=False), nl=False)
                start = ",\n"
            click.echo("[]" if start == "[" else "]")
            return
        for one in people:
            say(_line(one))
    say(", ".join(f"{number:,} {each}" for each, number in counts.items() if number) or "empty")


def _data(one: Subscriber) -> dict[str, Any]:
    names = ("id", "address", "name", "language", "topics", "digests", "status")
    return {
        **{name: getattr(one, name) for name in names},
        "since": one.since.isoformat(timespec="seconds"),
        "cause": one.cause,
    }


def _line(one: Subscriber) -> str:
    wanted = [on_one_line(name) for name in (*one.digests, *one.topics)]
    parts = [f"{one.address:<40} {one.status:<12} {one.since:%Y-%m-%d}", ", ".join(wanted)]
    return "  ".join(filter(None, parts)).rstrip()


def _language(text: str) -> str:
    try:
        return str(Language(text)) if text else ""
    except ValueError as error:
        raise UsageError(Problem(f"--language: {error}")) from None


@contextmanager
def _readable(file: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input, as one that can be read more than once."""
    try:
        with ExitStack() as stack:
            source = sys.stdin.buffer if str(file) == "-" else stack.enter_context(file.open("rb"))
            if source.seekable() and source.tell() == 0:
                data: BinaryIO = source
            else:
                data = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(source, data)
            yield data
    except OSError as error:
        raise UsageError(
            Problem(f"it cannot be read: {error.strerror}", "check the name", str(file))
        ) from error


def _warn_exposed() -> None:
    if is_exposed_stream(sys.stdout) and not options().quiet:
        problem = Problem(
            "other users of this machine may be able to open the file that the list goes to",
            "use --output FILE, which only you can read, or run chmod 600 on it",
        )
        click.echo(str(problem), err=True)


def _write(output: Path, lines: Iterator[str]) -> None:
    try:
        with replacing(output) as file:
            file.writelines(lines)
    except OSError as error:
        raise UsageError(
            Problem(f"it cannot be written: {error.strerror}", "choose another file", str(output))
        ) from error
