"""Machines with different secrets are noticed, and a rotation is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from broadsheet.delivery.database import keys
from deliveries import SECRET, Post

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

OTHER = "another secret that nobody guesses"
WARNING = "the last mail was signed with a secret that is not in BROADSHEET_SECRET or"


def _warns(office: Post, monkeypatch: pytest.MonkeyPatch, secret: str, *old: str) -> bool:
    monkeypatch.setenv("BROADSHEET_SECRET", secret)
    monkeypatch.setenv("BROADSHEET_OLD_SECRETS", ",".join(old))
    ran = office.deliver()
    assert ran.code == 0, ran.err
    return WARNING in ran.err


def test_another_secret_is_reported_and_a_rotation_is_not(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one that signed counts: a machine that a rotation has not reached yet is reported,
    and sends."""
    assert not _warns(office, monkeypatch, SECRET)
    assert not _warns(office, monkeypatch, SECRET)
    assert not _warns(office, monkeypatch, OTHER, SECRET)
    assert _warns(office, monkeypatch, SECRET)
    assert not _warns(office, monkeypatch, SECRET)
    assert _warns(office, monkeypatch, OTHER)


def test_a_dry_run_records_no_secret(office: Post) -> None:
    """It writes nothing."""
    db = office.open()
    assert office.deliver("--dry-run").code == 0
    with db.reading() as connection:
        assert connection.execute(keys.select()).all() == []
    db.close()


def test_the_service_reports_it(office: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers would see that their links are invalid."""
    assert not _warns(office, monkeypatch, SECRET)
    monkeypatch.setenv("BROADSHEET_SECRET", OTHER)
    command = [sys.executable, "-m", "broadsheet", "-C", str(office.newsroom.folder)]
    with subprocess.Popen([*command, "serve", "--port", "0"], stderr=subprocess.PIPE) as service:
        assert service.stderr is not None
        assert WARNING in service.stderr.readline().decode()
        assert b"listening on" in service.stderr.readline()
        service.kill()
