"""broadsheet worker: send from a queue shared by many machines"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime

import click
import sqlalchemy as sql

from broadsheet import __version__
from broadsheet.cli.deliveries import ledger_clock, warn_exposed
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options
from broadsheet.cli.serving import service_options
from broadsheet.delivery import planning
from broadsheet.delivery.database import open_database
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.logs import start_log
from broadsheet.delivery.metrics import (
    Metric,
    Metrics,
    ledger_counts,
    ledger_metrics,
    listening_address,
    serving_metrics,
)
from broadsheet.delivery.pacing import Clock
from broadsheet.errors import DatabaseError, Problem
from broadsheet.pipeline.project import Project, open_project

POSITION = 65  # in `broadsheet --help`
EXTRAS = "delivery,scale"
PAGE = "delivery/"
EXAMPLES = ("broadsheet worker  # send what deliveries hand out, until Ctrl-C",)
_LOCK_TIMEOUT_S = 5.0
RESTART_S = 30.0
"""How long to wait after a run that ended because of the mail server or the database."""

log = logging.getLogger("broadsheet.worker")


@click.command(cls=DocumentedCommand)
@service_options
@common_options
def command(metrics: str, log_format: str) -> None:
    """Send what `deliver` has begun, on any number of machines; needs PostgreSQL.

    It runs until SIGTERM or SIGINT, and then finishes the mails in flight (docs/delivery.md).
    """
    project = open_project(options())
    watched = listening_address(metrics) if metrics else None
    start_log(quiet=options().quiet, as_json=log_format == "json")
    run = planning.Run(
        project, planning.DeliveryRequest(), Secrets.read(), ledger_clock(project), _warn
    )
    warn_exposed(project)
    with _watched(project, watched, run.clock) if watched else nullcontext():
        _work(run)


def _work(run: planning.Run) -> None:
    log.info("Broadsheet %s sends what deliveries hand out", __version__)
    while True:
        signal.signal(signal.SIGTERM, _end)  # a run has its own handlers, and removes them
        try:
            stopped = planning.work(run).stopped
        except DatabaseError as error:
            stopped = str(error)
        if stopped.startswith("stopped by"):
            log.info("%s", stopped)
            return
        signal.signal(signal.SIGTERM, _end)
        log.error("%s (the worker tries again in %.0f s)", stopped, RESTART_S)
        time.sleep(RESTART_S)


@contextmanager
def _watched(project: Project, address: tuple[str, int], clock: Clock) -> Iterator[None]:
    """Serve metrics and probes meanwhile, over a connection of their own."""
    database = open_database(project.settings.delivery.database, project.root, _LOCK_TIMEOUT_S)

    def read() -> list[Metric]:
        with database.reading() as connection:
            return ledger_counts(connection, datetime.fromtimestamp(clock.wall(), UTC))

    def check() -> None:
        with database.reading() as connection:
            connection.execute(sql.select(1))

    found = Metrics(collectors=[ledger_metrics(read)])
    with closing(database), serving_metrics(address, found, check) as port:
        log.info("metrics on port %d", port)
        yield


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _warn(problem: Problem) -> None:
    log.warning("%s", problem)
