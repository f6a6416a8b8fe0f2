"""broadsheet serve: the web service behind the links in the mail"""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext, suppress
from functools import partial
from ipaddress import ip_network
from typing import Final

import click
import uvicorn

from broadsheet.cli.deliveries import ledger_clock, warn_exposed
from broadsheet.cli.manners import DocumentedCommand, WholeNumber
from broadsheet.cli.options import common_options, options
from broadsheet.cli.serving import listening, service_options
from broadsheet.delivery.metrics import ledger_metrics, listening_address, serving_metrics
from broadsheet.delivery.signing import unknown_secret
from broadsheet.errors import DatabaseError, Problem, UsageError
from broadsheet.pipeline.project import open_project
from broadsheet.service.app import application
from broadsheet.service.connections import LARGEST_HEAD, ConnectionPool, HttpConnection
from broadsheet.service.limits import Network
from broadsheet.service.setup import app_context, start_service_log

POSITION = 110  # in `broadsheet --help`
EXTRAS = "delivery,serve"
PAGE = "service/"
EXAMPLES = (
    "broadsheet serve  # on localhost, behind a web server",
    "broadsheet serve --proxy 10.0.0.0/8  # trust its X-Forwarded-For",
)
log = logging.getLogger("broadsheet.serve")
_FINISH_WITHIN_S: Final = 15  # for requests in progress when the service ends


@click.command(cls=DocumentedCommand)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=WholeNumber(0, 65535), default=8025, show_default=True,
              help="And at which port.")  # fmt: skip
@click.option("--proxy", multiple=True, metavar="ADDRESS",
              help="A web server that passes requests on, and whose X-Forwarded-For is trusted; "
              "may be given more than once.")  # fmt: skip
@service_options
@common_options
def command(host: str, port: int, proxy: tuple[str, ...], metrics: str, log_format: str) -> None:
    """Run the web service behind unsubscribe links.

    It answers for as long as it runs; put a web server with HTTPS before it (docs/service.md).
    """
    given, proxies = options(), _networks(proxy)
    watched = listening_address(metrics) if metrics else None
    project = open_project(given)
    warn_exposed(project)
    context = app_context(project, ledger_clock(project))
    start_service_log(quiet=given.quiet, verbose=given.verbose, as_json=log_format == "json")
    with suppress(DatabaseError), context.store.database.reading() as connection:
        if found := unknown_secret(connection, context.store.tokens):
            log.warning("%s", found)
    context.metrics.collectors.append(ledger_metrics(context.store.counts))
    config = uvicorn.Config(
        application(context),
        host=host,
        port=port,
        # uvicorn calls it with arguments of its own, as it would a class.
        http=partial(HttpConnection, pool=ConnectionPool(proxies)),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=LARGEST_HEAD,
        ws="none",
        log_config=None,
        access_log=False,  # it would contain tokens; `service.middleware` has its own
        proxy_headers=bool(proxy),
        forwarded_allow_ips=list(proxy),
        server_header=False,
        timeout_graceful_shutdown=_FINISH_WITHIN_S,
    )
    with listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{listener.getsockname()[1]}/"
        log.info("listening on %s for %s; Ctrl-C ends it", place, context.url)
        server = uvicorn.Server(config)
        with (
            serving_metrics(watched, context.metrics, context.store.check)
            if watched
            else nullcontext()
        ) as at:
            if at:
                log.info("metrics on port %d", at)
            server.run(sockets=[listener])
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
