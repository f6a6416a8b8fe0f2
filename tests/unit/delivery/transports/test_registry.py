"""Transports: each is a module found by its name, and needs no other change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broadsheet.delivery import transports
from broadsheet.errors import ConfigError
from broadsheet.model.settings import DeliverySettings
from deliveries import SECRET, post

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


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of what the transport `postal_api` has sent, which is a new module."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "postal_api.py").write_text(API)
    monkeypatch.setattr(transports, "__path__", [*transports.__path__, str(folder)])
    monkeypatch.setenv("API_FILE", str(tmp_path / "sent"))
    monkeypatch.setenv("API_TOKEN", "hunter2")
    return tmp_path / "sent"


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_new_module_is_a_transport(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Path
) -> None:
    """`deliver` sends through it, and the ledger has its replies."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        office.configure(transport="postal_api")
        addresses = office.subscribe(3)
        assert office.deliver("--dry-run").code == 0
        assert not api.exists()
        ran = office.deliver()
        assert "422 no such user" in ran.err
        assert office.states() == {"sent": 2, "failed": 1}
        sent = [json.loads(line)[1] for line in api.read_text().splitlines()]
        assert sorted(sent) == [addresses[0], addresses[2]]
        assert office.server.taken() == []


@pytest.mark.parametrize("name", ["pigeon", "_wire", "", "smtp.x", "../smtp"])
def test_an_unknown_transport_is_refused(name: str) -> None:
    """The message lists those that exist; helper modules are not among them."""
    with pytest.raises(ConfigError, match=r"unknown transport .*; write one of: smtp$"):
        transports.transport(DeliverySettings(transport=name), {})
