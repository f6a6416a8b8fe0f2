"""broadsheet publish: copy what changed to a destination; then notify hubs and webhooks"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, print_json, say
from broadsheet.text.counting import count

if TYPE_CHECKING:  # slow to import
    from broadsheet.publish.announcements import Announcement, Published

POSITION = 35  # in `broadsheet --help`
PAGE = "publishing/"
EXAMPLES = (
    "broadsheet publish --dry-run  # show what would be copied",
    "broadsheet publish  # copy what changed, and notify",
)


@click.command(cls=DocumentedCommand)
@click.option("--dry-run", is_flag=True, help="Say what would be copied; write and send nothing.")
@click.option("--all", "everything", is_flag=True, help="Copy unchanged files too.")
@click.option("--adopt", is_flag=True, help="Replace files there that Broadsheet did not publish.")
@click.option("--allow-removal", is_flag=True, help="Delete feeds and issues that have not ended.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(
    dry_run: bool, everything: bool, adopt: bool, allow_removal: bool, as_json: bool
) -> None:
    """Copy what changed to the destination (publish.to); then notify hubs and webhooks."""
    from broadsheet.pipeline.project import open_project
    from broadsheet.publish.copying import CopyOptions
    from broadsheet.publish.publishing import publish

    allowed = CopyOptions(adopt=adopt, allow_removal=allow_removal, everything=everything)
    project = open_project(options())
    if not options().now:  # SOURCE_DATE_EPOCH would let no wait end
        project = replace(project, now=datetime.now(UTC))
    done, announced = publish(project, allowed, os.environ, partial(say, err=True), dry_run=dry_run)
    if as_json:
        print_json(_data(done, announced))
    elif not options().quiet:
        _show(done, announced, "would be " if dry_run else "")
    problems = {each.problem: None for each in announced if each.problem}
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)


def _show(done: Published, announcements: list[Announcement], would: str) -> None:
    if options().verbose or would:
        for verb, paths in (("copied", done.written), ("deleted", done.removed)):
            for path in paths:
                click.echo(f"{would}{verb}  {path}")
    deleted = f"{len(done.removed)} {would}deleted, " if done.removed else ""
    copied = f"{count(len(done.written), 'file')} {would}copied"
    unchanged = len(done.files) - len(done.written)
    click.echo(f"{done.settings.publish.to}: {copied}, {deleted}{unchanged} unchanged")
    for each in announcements:
        if each.urls and not each.problem:
            click.echo(f"{each.target}: {_said(each, would)}")


def _said(announcement: Announcement, would: str) -> str:
    notified = f"notified of {count(len(announcement.urls), 'change')}"
    if announcement.waits_until:
        return f"not yet {notified}; tried again after {announcement.waits_until:%Y-%m-%d %H:%M %Z}"
    return would + notified


def _data(done: Published, announcements: list[Announcement]) -> dict[str, Any]:
    return {
        "destination": done.settings.publish.to,
        "copied": [*done.written],
        "deleted": [*done.removed],
        "unchanged": len(done.files) - len(done.written),
        "announcements": [
            {
                "target": each.target,
                "urls": [*each.urls],
                "problem": str(each.problem) if each.problem else None,
                "waits_until": each.waits_until.isoformat() if each.waits_until else None,
            }
            for each in announcements
        ],
    }
