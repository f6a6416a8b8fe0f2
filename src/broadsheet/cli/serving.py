"""What the commands that serve share: listening, the live preview, and the options of a service."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import click

from broadsheet.errors import Problem, UsageError
from broadsheet.pipeline.location import Location

LOCAL: Final = "127.0.0.1"
_F = TypeVar("_F", bound=Callable[..., Any])


def service_options(command: _F) -> _F:
    """Add the options of a process that runs for long: `metrics` and `log_format`."""
    from broadsheet.delivery.logs import LOG_FORMATS

    log_format = click.option("--log-format", type=click.Choice(LOG_FORMATS), default="text",
                              show_default=True, help="How to log.")  # fmt: skip
    metrics = click.option("--metrics", default="", metavar="[HOST:]PORT",
                           help="Serve metrics for Prometheus, and probes, there; to this machine "
                           "only, unless a HOST is given.")  # fmt: skip
    return metrics(log_format(command))


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a port, at any free one for 0.

    Raises UsageError if that is not possible, for example since another program listens there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise unusable_port(host, port, error) from error


def unusable_port(host: str, port: int, error: OSError) -> UsageError:
    """Return the error for a port that cannot be used."""
    why = str(error.strerror or error).partition(" (while")[0]  # Python adds what it was doing
    what = f"cannot listen on {host}, port {port}: {why}"
    return UsageError(Problem(what, "choose another with --port, or end what listens there"))


def serve_live(place: Location, port: int, announce: Callable[[str], object]) -> None:
    """Serve the live preview of the project at `place` until Ctrl-C; needs the extra `serve`.

    announce: called with its address. Raises the errors of `listening` and `LivePreview`.
    """
    from broadsheet.pipeline.live import LivePreview

    live = LivePreview(place, partial(click.echo, err=True))
    with listening(LOCAL, port) as listener:
        announce(f"http://{LOCAL}:{listener.getsockname()[1]}/")
        live.serve(listener)
