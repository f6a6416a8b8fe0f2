"""broadsheet worker: send from a queue shared by many machines"""

from __future__ import annotations

import signal
import time

import click

from broadsheet.cli.deliveries import ledger_clock, warn_exposed
from broadsheet.cli.options import common_options, options
from broadsheet.delivery import planning
from broadsheet.delivery.environment import Secrets
from broadsheet.errors import DatabaseError, Problem
from broadsheet.pipeline.project import open_project

POSITION = 65  # in `broadsheet --help`
EXTRAS = "delivery,scale"
RESTART_S = 30.0
"""How long to wait after a run that ended because of the mail server or the database."""


@click.command()
@common_options
def command() -> None:
    """Send what `deliver` has begun, on any number of machines; needs PostgreSQL.

    It runs until SIGTERM or SIGINT, and then finishes the mails in flight (docs/delivery.md).
    """
    project = open_project(options())
    run = planning.Run(
        project, planning.DeliveryRequest(), Secrets.read(), ledger_clock(project), _warn
    )
    warn_exposed(project)
    while True:
        signal.signal(signal.SIGTERM, _end)  # a run has its own handlers, and removes them
        try:
            stopped = planning.work(run).stopped
        except DatabaseError as error:
            stopped = str(error)
        if stopped.startswith("stopped by"):
            return
        signal.signal(signal.SIGTERM, _end)
        click.echo(f"{stopped}; the worker continues in {RESTART_S:.0f} s", err=True)
        time.sleep(RESTART_S)


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _warn(problem: Problem) -> None:
    click.echo(f"warning: {problem}", err=True)
