"""broadsheet doctor: what is installed, configured and reachable; SPF, DKIM and DMARC in the DNS"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import groupby
from typing import TYPE_CHECKING

import click
import msgspec

from broadsheet.cli.extras import extra
from broadsheet.cli.manners import DocumentedCommand
from broadsheet.cli.options import common_options, options, print_json
from broadsheet.cli.terminal import styled
from broadsheet.errors import BroadsheetError, ConfigError, Problem, UsageError
from broadsheet.pipeline.diagnosis import (
    Diagnosis,
    State,
    diagnose_installation,
    diagnose_project,
    sends_mail,
)
from broadsheet.pipeline.project import Project
from broadsheet.text.counting import count

if TYPE_CHECKING:  # these need the extra
    from broadsheet.delivery.sender_records import NameServer
    from broadsheet.delivery.transports import Transport

POSITION = 105  # in `broadsheet --help`
PAGE = "delivery/#the-mail"
EXAMPLES = (
    "broadsheet doctor  # look at everything",
    "broadsheet doctor --offline  # without the network",
    "broadsheet doctor --name-server 1.1.1.1  # ask this name server",
)
_TIMEOUT_S = 10.0
_MARKS: dict[State, str] = {
    "ok": styled("ok     ", "green"),
    "warning": styled("warning", "yellow"),
    "error": styled("error  ", "red"),
    "off": "-      ",
}


@click.command(cls=DocumentedCommand)
@click.option("--offline", is_flag=True, help="Do not use the network.")
@click.option("--name-server", default="", metavar="ADDRESS", help="Ask this one: IP or IP:PORT.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
@common_options
def command(offline: bool, name_server: str, as_json: bool) -> None:
    """Show what is installed, configured and reachable.

    If the config says how mail is sent, connect to the mail server, without sending anything, and
    look up SPF, DKIM and DMARC of the sender in the DNS.
    """
    project, configured = diagnose_project(options())
    found = [*diagnose_installation(), *configured]
    if project and sends_mail(project.settings):
        try:
            found += _mail(project, offline=offline, name_server=name_server)
        except ConfigError as error:  # the sender
            found += [Diagnosis("mail", "error", str(each)) for each in error.problems]
    if as_json:
        print_json([msgspec.to_builtins(each) for each in found])
    else:
        _show(found)
    if any(each.state == "error" for each in found):
        raise SystemExit(1)


def _show(found: Iterable[Diagnosis]) -> None:
    found = list(found)
    for area, group in groupby(found, lambda each: each.area):
        click.echo(styled(area, "bold"))
        for each in group:
            todo = f"; {each.todo}" if each.todo else ""
            click.echo(f"  {_MARKS[each.state]}  {each.what}{todo}")
    wrong = [sum(each.state == state for each in found) for state in ("error", "warning")]
    click.echo(f"{count(wrong[0], 'error')}, {count(wrong[1], 'warning')}")


def _mail(project: Project, *, offline: bool, name_server: str) -> Iterator[Diagnosis]:
    """Yield whether mail can be sent, and what the DNS says about its sender."""
    with extra("delivery", "what doctor says about mail"):
        from broadsheet.delivery import sender_records
        from broadsheet.delivery.environment import Secrets
        from broadsheet.digests.sender import mail_sender, sender_problems
    settings, secrets = project.settings, Secrets.read()
    signer, bounces, transport = None, "", None
    who = mail_sender(settings.publication, settings.delivery)
    try:
        transport = secrets.transport(settings.delivery)
        envelope = secrets.envelope(settings, project.root)
        signer, bounces = envelope.signer, envelope.sender.rpartition("@")[2]
    except BroadsheetError as error:
        yield from (Diagnosis("mail", "error", str(each)) for each in error.problems)
    for severity, problem in sender_problems(settings.publication, settings.delivery):
        yield Diagnosis("mail", severity, problem.words)
    if offline:
        yield Diagnosis("mail", "off", "the mail server and the DNS were not asked (--offline)")
        return
    if transport:
        yield asyncio.run(_reached(transport))
    domains = sender_records.MailDomains(who.domain, bounces or who.domain, signer)
    server = _server(name_server) if name_server else sender_records.NameServer()
    yield from sender_records.diagnose_sender(domains, server)


def _server(text: str) -> NameServer:
    """Return the name server at IP or IP:PORT. Raises UsageError."""
    from broadsheet.delivery import sender_records

    host, colon, port = text.rpartition(":")
    if not colon or (":" in host.strip("[]") and not host.startswith("[")):
        host, port = text, "53"
    try:
        return sender_records.NameServer.at(str(ip_address(host.strip("[]"))), int(port))
    except ValueError:
        what = f"--name-server: {text!r} is not an IP address"
        raise UsageError(Problem(what, "write one like 1.1.1.1 or [::1]:5353")) from None


async def _reached(transport: Transport) -> Diagnosis:
    """Return whether a session can be opened; nothing is sent."""
    from broadsheet.delivery.transports import UnavailableError

    try:
        session = await transport.connect(_TIMEOUT_S)
    except UnavailableError as error:
        todo = "correct [delivery] or the environment, or start the server"
        return Diagnosis("mail", "error", f"{transport.name} cannot be used: {error}", todo)
    await session.leave()
    return Diagnosis("mail", "ok", f"{transport.name} answers, and would take mail")
