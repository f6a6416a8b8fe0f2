"""broadsheet bounces: read delivery reports and complaints"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from broadsheet.bounces.imap import ImapMailbox, is_imap_url
from broadsheet.bounces.mailboxes import unseen_in_maildir
from broadsheet.cli.deliveries import opened
from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import common_options, options, print_json
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.returned_mail import (
    BouncePolicy,
    BounceResult,
    ReturnedMailProcessor,
)
from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.project import open_project
from broadsheet.text.counting import count

POSITION = 120  # in `broadsheet --help`
EXTRAS = "delivery"
PAGE = "service/#returned-mail"
EXAMPLES = (
    "broadsheet bounces ~/Maildir  # read returned mail",
    "broadsheet bounces --dry-run - < mail.eml  # show what one mail says",
)
_TEXTS = {
    "ended": "ended: {address} ({why})",
    "left": "left: {address} ({why})",
    "counted": "counted: {address}, {count} of {times} ({why})",
    "unknown": "no subscriber: {address}",
    "unproven": "without our token, not counted: {address}",
}


@click.command(cls=DocumentedCommand)
@click.argument("source", default="", metavar="[FILE|MAILDIR|URL|-]")
@click.option("--times", type=WholeNumber(1), default=5, show_default=True,
              help="End an address after this many temporary failures ...")  # fmt: skip
@click.option("--days", type=WholeNumber(1), default=35, show_default=True,
              help="... within this many days.")  # fmt: skip
@click.option("--proven/--no-proven", default=None,
              help="Count only reports with our token. Default: as delivery.verp.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@common_options
def command(
    source: str, times: int, days: int, proven: bool | None, dry_run: bool, as_json: bool
) -> None:
    """Process delivery reports, complaints and unsubscribe mails.

    Reads a mail, an mbox, a maildir, an IMAP mailbox (imaps://USER@HOST/MAILBOX) or standard input.
    A mailbox that does not exist ends the address, and so does a complaint; any other failure
    counts. In a maildir or IMAP mailbox, processed mails are marked as seen; others are left.
    """
    project = open_project(options())
    settings = project.settings
    policy = BouncePolicy(times, days, settings.delivery.verp if proven is None else proven)
    secrets = Secrets.read()
    # Without a secret no token can be read; then addresses have to do.
    tokens = secrets.tokens() if secrets.secret or policy.proven else None
    in_mailbox = is_imap_url(source) or Path(source or "-").is_dir()
    with closing(opened(project)) as database, _opened_source(source, secrets) as process:
        done = ReturnedMailProcessor(
            database, tokens, policy, [*settings.digests], settings.renamed, project.now, dry_run
        )
        try:
            process(done)
        finally:
            _print(done, as_json=as_json)
    # Other mail is normal in a mailbox; a file that is given by name should be a report.
    if done.unreadable or (done.ignored and not done.reports and not in_mailbox):
        sys.exit(1)


@contextmanager
def _opened_source(
    source: str, secrets: Secrets
) -> Iterator[Callable[[ReturnedMailProcessor], object]]:
    """Open what `source` names, and yield a function that has a processor read it.

    Raises UsageError and the errors of `ImapMailbox.open`.
    """
    if is_imap_url(source):
        with closing(ImapMailbox.open(source, secrets.environment)) as mailbox:
            yield lambda done: done.process_mailbox(mailbox.unseen())
    elif source in {"", "-"}:
        if not source and sys.stdin.isatty():
            raise UsageError(Problem("no mail is given", "name a FILE, a MAILDIR, or -"))
        yield lambda done: done.process_file("standard input", sys.stdin.buffer)
    elif Path(source).is_dir():
        mails = unseen_in_maildir(Path(source))
        yield lambda done: done.process_mailbox(mails)
    else:
        with _opened_file(source) as file:
            yield lambda done: done.process_file(source, file)


def _opened_file(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UsageError(Problem(f"it cannot be read: {error.strerror}", "", path)) from error


def _print(done: ReturnedMailProcessor, *, as_json: bool) -> None:
    for shown, why in done.unreadable:
        click.echo(f"{shown}: it cannot be read: {why}; it stays where it is", err=True)
    if as_json:
        print_json(_data(done))
        return
    if options().quiet:
        return
    for _, result in done.results:
        if text := _TEXTS.get(result.outcome, ""):
            numbers = {"count": result.failures, "times": done.policy.failures}
            click.echo(text.format(address=result.address, why=_reason(result), **numbers))
    for shown, why in done.ignored:
        click.echo(f"{shown}: left where it is: {why}", err=True)
    tally = Counter(result.outcome for _, result in done.results)
    counts = ", ".join(f"{number} {name}" for name, number in sorted(tally.items()))
    click.echo(f"{count(done.reports, 'report')}{': ' if counts else ''}{counts}")


def _reason(result: BounceResult) -> str:
    report = result.report
    if report.kind == "unsubscribe":
        return f"by mail, from {report.words or 'all digests'}"
    return " ".join(filter(None, (report.status, report.words))) or "no reason given"


def _data(done: ReturnedMailProcessor) -> dict[str, Any]:
    return {
        "reports": done.reports,
        "results": [
            {
                "mail": shown,
                "outcome": result.outcome,
                "kind": result.report.kind,
                "address": result.address,
                "subscriber": result.subscriber.id if result.subscriber else None,
                "status": result.report.status,
                "words": result.report.words,
                "count": result.failures,
            }
            for shown, result in done.results
        ],
        "left": [{"mail": shown, "why": why} for shown, why in [*done.ignored, *done.unreadable]],
    }
