"""broadsheet preview: the next issues as HTML files; --serve: live in the browser"""

from __future__ import annotations

import click

from broadsheet.cli.extras import extra
from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import common_options, open_in_browser, options, say
from broadsheet.cli.progress import progress_of
from broadsheet.cli.serving import serve_live
from broadsheet.pipeline.preview import write_previews
from broadsheet.pipeline.project import open_project
from broadsheet.storage import PREVIEWS
from broadsheet.text.counting import count

POSITION = 40  # in `broadsheet --help`
PAGE = "digests/#preview"
EXAMPLES = (
    "broadsheet preview --open  # the next issues, in the browser",
    "broadsheet preview --serve --open  # follow what you save",
)

_DIGEST = '\n[digests.weekly]\ntitle = "The weekly"\nschedule = "0 8 * * MON"'


@click.command(cls=DocumentedCommand)
@click.option("--serve", is_flag=True, help="A live page: it follows articles and templates.")
@click.option("--port", type=WholeNumber(0, 65535), default=8765, help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@common_options
def command(serve: bool, port: int, open_: bool) -> None:
    """Show the next issues, and those that were made, as their readers will see them."""
    if serve:
        _serve(port, open_)
        return
    project = open_project(options(), progress=progress_of(options()))
    gallery = write_previews(project)
    say(f"{PREVIEWS}/index.html shows {count(gallery.issues, 'issue')}")
    if gallery.sample:
        day = f"{gallery.sample:%Y-%m-%d}"
        say(f"No article is new enough for the next issue; the preview is as of {day}.")
    if not project.settings.digests:
        say("The config has no digest; add one, such as:\n" + _DIGEST)
    if open_:
        open_in_browser((project.root / PREVIEWS / "index.html").resolve().as_uri())
    for problem in gallery.refused:
        click.echo(str(problem), err=True)
    for problem in gallery.problems:
        click.echo(f"{problem} (left out)", err=True)
    if gallery.refused or gallery.problems:
        raise SystemExit(1)


def _serve(port: int, open_: bool) -> None:
    def announce(address: str) -> None:
        click.echo(f"{address} shows the previews; it follows what you save. Ctrl-C ends it.")
        if open_:
            open_in_browser(address)

    with extra("serve", "preview --serve"):
        serve_live(options(), port, announce)
