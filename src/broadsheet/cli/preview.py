"""broadsheet preview: the next issues as HTML files; --serve: live in the browser"""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import click

from broadsheet.cli.digest import make
from broadsheet.cli.extras import extra
from broadsheet.cli.making import without_bad
from broadsheet.cli.options import common_options, options
from broadsheet.cli.project import PREVIEWS, Project
from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.errors import Problem
from broadsheet.i18n import Words
from broadsheet.pipeline import preview
from broadsheet.pipeline.preview import Shown
from broadsheet.storage import folders, outputs
from broadsheet.text.counting import count

POSITION = 40  # in `broadsheet --help`
_MADE = 12  # how many of a digest's newest issues are shown


@click.command()
@click.option("--serve", is_flag=True, help="A live page: it follows articles and templates.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@common_options
def command(serve: bool, port: int, open_: bool) -> None:
    """Shows the next issues, and those that were made, as their readers will see them."""
    if serve:
        _serve(port, open_)
        return
    project = Project(options())
    folder = project.root / PREVIEWS
    with outputs.lock(project.state, project.config_name):
        made = gallery(project, live=False)
        outputs.publish(folder, made, PREVIEWS)
    if not options().quiet:
        issues = sum(path.endswith("preview.html") for path in made)
        click.echo(f"{PREVIEWS}/index.html shows {count(issues, 'issue')}")
    if open_:
        webbrowser.open((folder / "index.html").resolve().as_uri())
    refused = [*_refused(project)]
    for problem in refused:
        click.echo(str(problem), err=True)
    for problem in project.articles.problems:
        click.echo(f"{problem} (left out)", err=True)
    if refused or project.articles.problems:
        raise SystemExit(1)


def _refused(project: Project) -> Iterator[Problem]:
    """Why `digest` would refuse to make an issue that is due."""
    for name, history in project.histories.items():
        due = project.digest(name).due(project.now, history)
        if refused := project.admitted(name, due)[1]:
            yield refused


def gallery(project: Project, *, live: bool) -> dict[str, bytes]:
    """The preview pages of all digests: path below the gallery -> bytes. Needs the lock.

    An article that cannot be rendered is left out, and becomes one of the project's problems.
    """
    shown = without_bad(
        project, lambda: [i for name in project.settings.digests for i in _issues(project, name)]
    )
    language = project.settings.publication.language
    return preview.files(shown, _images(project, live=live), language, live=live)


def _issues(project: Project, name: str) -> list[Shown]:
    """What is due and what comes next, then what was made; the newest first."""
    digest, history = project.digest(name), project.histories[name]
    coming = digest.upcoming(project.now, history)
    upcoming = [_shown(project, issue, make(project, issue).files) for issue in coming[::-1]]
    made = [_shown(project, issue, _read(project, issue), made=True) for issue in history.issues]
    return upcoming + made[: -_MADE - 1 : -1]


def _shown(project: Project, issue: Issue, files: dict[str, bytes], *, made: bool = False) -> Shown:
    settings = project.settings
    digest = settings.digest(issue.digest)
    words = Words(settings.publication.language)
    local = issue.tick.astimezone(settings.publication.timezone)
    return Shown(
        digest=issue.digest,
        title=digest.title,
        key=issue.key,
        date=f"{words.date(local)} {local:%H:%M}",
        upcoming=not made,
        files=files,
    )


def _read(project: Project, issue: Issue) -> dict[str, bytes]:
    folder = project.feeds_folder / issue_folder(issue.digest, issue.key)
    names = (preview.MAIL, preview.TEXT, preview.WEB, preview.MESSAGE)
    return {name: folders.content(folder / name) for name in names}


def _images(project: Project, *, live: bool) -> dict[str, str]:
    """Address -> where the page finds the image: on the server, or relative to the gallery."""
    link_index = project.link_index
    assets = {*link_index.rooted.values(), *link_index.beside.values()}
    up = Path("files") if live else Path(os.path.relpath(project.root, project.root / PREVIEWS))
    return {asset.url: quote((up / asset.path).as_posix()) for asset in assets}


def _serve(port: int, open_: bool) -> None:
    with extra("serve", "preview --serve"):
        from broadsheet.cli import live  # its libraries are an extra
    live.serve(options(), port, open_)
