"""broadsheet demo: write a sample site, and show its feeds and mails in the browser"""

from __future__ import annotations

from datetime import UTC
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import click

from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import common_options, open_in_browser, options, say
from broadsheet.cli.serving import LOCAL, serve_live, unusable_port
from broadsheet.cli.terminal import styled
from broadsheet.pipeline.build import build
from broadsheet.pipeline.demo import write_sample_site
from broadsheet.pipeline.issues import DigestRequest, make_due_issues
from broadsheet.pipeline.location import Location, moment
from broadsheet.pipeline.preview import write_previews
from broadsheet.pipeline.project import open_project
from broadsheet.storage import PREVIEWS
from broadsheet.text.counting import count

POSITION = 5  # in `broadsheet --help`
PAGE = "tutorial/"
EXAMPLES = (
    "broadsheet demo  # in the folder broadsheet-demo",
    "broadsheet demo --open  # and open the browser",
    "broadsheet demo shop --no-serve  # only write it, in the folder shop",
)


@click.command(cls=DocumentedCommand)
@click.argument("folder", default="broadsheet-demo", type=click.Path(path_type=Path))
@click.option("--serve/--no-serve", default=True, help="Show it in the browser.", show_default=True)
@click.option("--port", type=WholeNumber(0, 65535), default=8765, help="Where to serve.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@common_options
def command(folder: Path, serve: bool, port: int, open_: bool) -> None:
    """Write a sample site to FOLDER, make its feeds and mails, and show them.

    The default of FOLDER is broadsheet-demo. Nothing else on the machine changes.
    """
    place = options().directory / folder
    now = moment(options().now)
    written = write_sample_site(place, now if now.tzinfo else now.replace(tzinfo=UTC))
    say(f"{styled(str(place), 'bold')}: a sample site of {count(len(written), 'file')}")
    _make(Location(place, now=options().now))
    say(f"  articles  {place}/content/")
    say(f"  config    {place}/broadsheet.toml")
    say(f"  feeds     {place}/feeds/index.html")
    say(f"  mails     {place}/{PREVIEWS}/index.html")
    if serve:
        _serve(place, port, open_)


def _make(given: Location) -> None:
    """Make the issues, the feeds and the previews."""
    project = open_project(given)
    make_due_issues(project, DigestRequest(tuple(project.settings.digests)))
    build(project)
    write_previews(project)


def _serve(place: Path, port: int, open_: bool) -> None:
    """Serve the site: live if the extra `serve` is installed, else as files."""
    if all(map(find_spec, ("starlette", "uvicorn", "watchfiles"))):
        location = Location(place, now=options().now)
        serve_live(location, port, partial(_announce, "follows what you save", open_))
        return
    try:
        server = ThreadingHTTPServer((LOCAL, port), partial(_Files, directory=str(place)))
    except OSError as error:
        raise unusable_port(LOCAL, port, error) from None
    with server:
        address = f"http://{LOCAL}:{server.server_address[1]}/{PREVIEWS}/index.html"
        _announce("install broadsheet[serve] for a page that follows what you save", open_, address)
        server.serve_forever()


def _announce(what: str, open_: bool, address: str) -> None:
    click.echo(f"\n{styled(address, 'bold')} shows the mails; {what}. Ctrl-C ends it.")
    if open_:
        open_in_browser(address)


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing."""
