"""Transports: each is a module found by its name, and needs no other change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import broadsheet
from deliveries import SECRET, post
from newsroom import Newsroom, run_command

API = '''
"""Hands each mail to an API; here, to a file."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from broadsheet.delivery.transports import Verdict, always


@dataclass
class ApiSession:
    file: Path
    sent: int = 0
    usable: bool = True

    async def send(self, sender, to, mail, may_end=always):
        if not await may_end():
            return Verdict("lost", None, "not sent")
        if to.startswith("reader000001"):
            return Verdict("refused", 422, "no such user", gone=True)
        with self.file.open("a") as file:
            file.write(json.dumps([sender, to, len(mail)]) + "\\n")
        self.sent += 1
        return Verdict("accepted", 202, "queued")

    async def introduce(self, sender):
        return None

    async def leave(self):
        pass


@dataclass(frozen=True)
class Api:
    file: Path
    token: str = field(repr=False)
    name: str = "api.example.com"

    async def connect(self, timeout_s=None):
        return ApiSession(self.file)


def transport(settings, environment):
    return Api(Path(environment["API_FILE"]), environment["API_TOKEN"])
'''


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_new_module_is_a_transport(tmp_path: Path) -> None:
    """`deliver` sends through it, and the ledger has its replies."""
    package = tmp_path / "copy" / "broadsheet"
    shutil.copytree(Path(broadsheet.__file__).parent, package)
    (package / "delivery" / "transports" / "postal_api.py").write_text(API)
    api = tmp_path / "sent"
    environment = {"API_FILE": str(api), "API_TOKEN": "hunter2", "BROADSHEET_SECRET": SECRET}
    environment["PYTHONPATH"] = str(package.parent)

    with post(tmp_path / "newsroom") as office:
        folder = office.newsroom.folder
        office.configure(transport="postal-api")
        addresses = office.subscribe(3)
        assert "transport" not in run_command(folder, "check", **environment).stdout
        assert run_command(folder, "deliver", "--dry-run", **environment).returncode == 0
        assert not api.exists()
        ran = run_command(folder, "deliver", **environment)
        assert "422 no such user" in ran.stderr
        assert office.states() == {"sent": 2, "failed": 1}
        sent = [json.loads(line)[1] for line in api.read_text().splitlines()]
        assert sorted(sent) == [addresses[0], addresses[2]]
        assert office.server.taken() == []


@pytest.mark.parametrize("name", ["pigeon", "_wire", "", "smtp.x", "../smtp", "SMTP"])
def test_an_unknown_transport_is_reported(newsroom: Newsroom, name: str) -> None:
    """By `check` and `deliver`, with those that exist; helper modules are not among them."""
    newsroom.configure(f'[delivery]\ntransport = "{name}"\n')
    for command in ("check", "deliver"):
        ran = newsroom.run(command)
        assert ran.code == 2
        assert (
            f"delivery.transport: unknown value {name!r}; write 'resend' or 'smtp'"
            in ran.out + ran.err
        )
