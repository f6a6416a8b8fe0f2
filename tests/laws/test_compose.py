"""packaging/scale/compose.yaml: its commands exist, and its site is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from broadsheet.cli import broadsheet
from newsroom import ROOT, Newsroom

FILE = ROOT / "packaging" / "scale" / "compose.yaml"
SITE = FILE.parent / "site"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]


def commands() -> list[list[str]]:
    """Return the arguments of each run of `broadsheet`, without `-C /site`."""
    found = []
    for service in SERVICES.values():
        entry, command = service.get("entrypoint", []), service.get("command", [])
        if entry[:1] == ["broadsheet"]:
            found.append([*entry[3:], *command])
        elif entry == ["sh", "-c"]:
            found += [run.split() for run in re.findall(r"broadsheet -C /site (.+)", command[0])]
    return found


def test_the_services_are_those_of_the_issue() -> None:
    """A database, two workers, the web service, and a mail catcher that passes nothing on."""
    assert {"database", "mail", "serve", "worker-1", "worker-2", "issues"} == SERVICES.keys()
    assert SERVICES["worker-1"]["command"] == SERVICES["worker-2"]["command"]
    assert all(
        port.startswith("127.0.0.1:")
        for service in SERVICES.values()
        for port in service.get("ports", [])
    )


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command_exists_with_its_options(arguments: list[str]) -> None:
    """As the command line of this version reads them."""
    name, *options = arguments
    context = click.Context(broadsheet, **broadsheet.context_settings)
    command = broadsheet.get_command(context, name)
    assert command is not None
    command.make_parser(click.Context(command, context)).parse_args(options)


def test_all_commands_are_checked() -> None:
    """The test above would not fail for a command that it does not see."""
    assert [each[0] for each in commands()] == [
        *("serve", "worker", "worker", "build", "digest", "deliver")
    ]


def test_its_site_makes_an_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config is valid, and the first mail can be sent."""
    shutil.copytree(SITE, tmp_path / "site")
    newsroom = Newsroom(tmp_path / "site")
    monkeypatch.setenv("BROADSHEET_SECRET", "a secret of the test")
    config = newsroom.folder / "broadsheet.toml"
    database = '"postgresql+psycopg://broadsheet@database/broadsheet"'
    assert database in config.read_text()
    config.write_text(config.read_text().replace(database, '"sqlite:///news.db"'))
    newsroom.write("articles/new.md", "---\ntitle: New\ndate: 2025-06-30T00:58:00Z\n---\nText.\n")
    for command in ("check", "build", "digest"):
        ran = newsroom.run(command)  # at 01:00 UTC
        assert ran.code == 0, ran.err
    assert (newsroom.folder / "feeds/digests/demo/2025-06-30-0100/message.eml").exists()


def test_docker_compose_accepts_it() -> None:
    """The whole file, by whichever version of Docker Compose there is."""
    for tool in (["docker", "compose"], ["docker-compose"]):
        if not shutil.which(tool[0]):
            continue
        if subprocess.run([*tool, "version"], capture_output=True, check=False).returncode:
            continue
        environment = {**os.environ, "BROADSHEET_SECRET": "a secret of the test"}
        command = [*tool, "-f", str(FILE), "config"]
        ran = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr
        del environment["BROADSHEET_SECRET"]
        ran = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert b"BROADSHEET_SECRET" in ran.stderr
        return
    pytest.skip("needs Docker Compose")
