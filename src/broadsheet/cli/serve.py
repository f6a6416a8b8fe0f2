"""broadsheet serve: the web service behind the links in the mail"""

from __future__ import annotations

import logging
import os
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from broadsheet.cli.deliveries import opened
from broadsheet.cli.extras import extra
from broadsheet.cli.issued import rename
from broadsheet.cli.options import Options, common_options, options
from broadsheet.errors import BroadsheetError, ConfigError, Problem, UsageError
from broadsheet.pipeline.edition import read_content
from broadsheet.pipeline.project import Project, open_project

if TYPE_CHECKING:
    from broadsheet.service.counter import Counter
    from broadsheet.service.limits import Network
    from broadsheet.service.paper import Offer

log = logging.getLogger("broadsheet.service")

POSITION = 110  # in `broadsheet --help`
_PATIENCE: Final = 5.0  # seconds for a database that is locked: someone waits for the page
_PATIENCE_WITH_MAIL: Final = 30.0
_MOST_TOPICS: Final = 60
_FINISH: Final = 15  # seconds for what is under way when the service ends


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(0, 65535), default=8025, show_default=True,
              help="And at which port.")  # fmt: skip
@click.option("--proxy", multiple=True, metavar="ADDRESS",
              help="A web server that passes requests on, and whose word on the client's address "
              "(X-Forwarded-For) is taken; may be given more than once.")  # fmt: skip
@common_options
def command(host: str, port: int, proxy: tuple[str, ...]) -> None:
    """The small web service behind unsubscribe links.

    It answers for as long as it runs; put a web server with HTTPS before it (docs/service.md).
    """
    with extra("delivery,serve", "serve"):
        import uvicorn

        from broadsheet.service.app import application
        from broadsheet.service.connections import LARGEST_HEAD, HttpConnection, Room

        made = counter(options())
    _log(options())
    config = uvicorn.Config(
        application(made),
        host=host,
        port=port,
        # uvicorn calls it with arguments of its own, as it would a class.
        http=partial(HttpConnection, room=Room(_networks(proxy))),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        log_config=None,
        access_log=False,  # it would have the tokens; `service.guard` has a log without them
        proxy_headers=bool(proxy),
        forwarded_allow_ips=list(proxy),
        server_header=False,
        timeout_graceful_shutdown=_FINISH,
    )
    with _listening(host, port) as door:
        if not options().quiet:
            shown = f"[{host}]" if ":" in host else host
            place = f"http://{shown}:{door.getsockname()[1]}/"
            click.echo(f"listening on {place} for {made.url}. Ctrl-C ends it.", err=True)
        server = uvicorn.Server(config)
        server.run(sockets=[door])
    if not server.started:
        sys.exit(1)


def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    """The trusted proxies. Raises UsageError for anything but IP addresses and networks."""
    try:
        return tuple(ip_network(proxy) for proxy in proxies)
    except ValueError as error:
        raise UsageError(
            Problem(f"--proxy: {error}", "write an IP address such as 127.0.0.1, or a network")
        ) from None


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            Problem(
                f"it cannot listen on {host}, port {port}: {error.strerror or error}",
                "choose others with --host and --port, or end what listens there",
            )
        ) from error


def counter(given: Options) -> Counter:
    """All that the service of the project needs.

    Raises ConfigError or UsageError where something is missing.
    """
    from broadsheet.delivery import environment
    from broadsheet.digests.sender import mail_sender
    from broadsheet.service.counter import Counter
    from broadsheet.service.desk import Desk
    from broadsheet.service.letters import Letters
    from broadsheet.service.paper import Paper
    from broadsheet.service.post import Post
    from broadsheet.service.records import Records
    from broadsheet.service.sending import Sending

    project = open_project(given)
    settings = project.settings
    if settings.delivery.service_url is None:
        raise ConfigError(
            Problem(
                "is missing",
                "write the URL under which people reach this service",
                project.config_name,
                key="delivery.service_url",
            )
        )
    secrets = environment.Secrets.read()
    stamps = environment.stamps(settings, secrets, project.root)
    server = environment.server(settings.delivery, secrets)
    # Whoever waits for a letter does not wait for minutes.
    server = replace(server, timeout=min(server.timeout, _PATIENCE_WITH_MAIL))
    who = mail_sender(settings.publication, settings.delivery)
    menu = _Menu(given, project)
    database = opened(project, _PATIENCE)
    rename(project, database)
    # `--now` sets the clock, and from there it goes on.
    ahead = project.now - datetime.now(UTC) if given.now else timedelta()
    desk = Desk(
        Records(database),
        secrets.tokens(),
        tuple(settings.digests),
        lambda: datetime.now(UTC) + ahead,
        settings.renamed,
    )
    return Counter(
        desk=desk,
        paper=Paper(settings.publication, urlsplit(settings.delivery.service_url).path),
        letters=Letters(settings.publication, who),
        post=Post(Sending(server, stamps.envelope, stamps.signer), knows=desk.knows),
        offer=menu,
        refresh=menu.refresh,
        url=settings.delivery.service_url,
    )


class _Menu:
    """What there is to choose. Articles are read in the background, now and then: topics come and
    go with them, and a service that waits for them to start would answer no one meanwhile."""

    def __init__(self, given: Options, project: Project) -> None:
        self._given = given
        self._offer = _offer(project, project.settings.topics.known)
        self._said = ""

    def __call__(self) -> Offer:
        return self._offer

    def refresh(self) -> None:
        """Reads the articles anew; where they cannot be read, the topics stay, and it is said."""
        try:
            # One process: a server with threads must not fork.
            project = open_project(self._given, workers=1)
            self._offer = _offer(project, project.settings.topics.known or _topics(project))
            self._said = ""
        except BroadsheetError as error:
            if str(error) != self._said:  # once, not every ten minutes
                log.warning("the topics in the forms are not up to date: %s", error)
            self._said = str(error)


def _offer(project: Project, topics: tuple[str, ...]) -> Offer:
    from broadsheet.service.paper import Newsletter, Offer

    digests = project.settings.digests.items()
    return Offer(
        tuple(Newsletter(name, digest.title, digest.description) for name, digest in digests),
        topics,
    )


def _topics(project: Project) -> tuple[str, ...]:
    """The topics with the most articles, the most first."""
    content = project.run(lambda memo: read_content(project, memo))
    found = content.catalogue.topics
    ranked = sorted(found, key=lambda topic: (-len(found[topic]), topic))
    return tuple(topic.name for topic in ranked[:_MOST_TOPICS])


def _log(given: Options) -> None:
    """To standard error, without times where a journal adds them. No line holds a token."""
    # With a warning for each bad request, anyone could fill the disk.
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.basicConfig(
        format="%(levelname)s %(message)s"
        if os.environ.get("JOURNAL_STREAM")
        else "%(asctime)s %(levelname)s %(message)s",
        level=logging.WARNING if given.quiet else logging.INFO,
    )
    # Each request in a line is much; what was changed is said without it.
    if not given.verbose:
        logging.getLogger("broadsheet.requests").setLevel(logging.WARNING)
