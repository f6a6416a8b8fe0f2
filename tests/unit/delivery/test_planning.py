"""`deliver --dry-run` fails for every reason that `deliver` fails for, with the same message and
exit code."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, pacing, planning, sending
from deliveries import Post

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

ISSUE = "feeds/digests/weekly/2025-06-30"


@pytest.fixture
def office(office: Post, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A newsroom that delivers to readers of every kind."""
    monkeypatch.setattr(sending, "MOST_ROUNDS", 4)
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.01)
    wants: list[dict[str, Any]] = [
        {}, {}, {}, {"topics": ("芯片",)}, {"language": "en"}, {"topics": ("天气",)},
    ]  # fmt: skip
    office.add({f"r{number}@x.org": each for number, each in enumerate(wants)})
    return office


def _config(**delivery: Any) -> Callable[[Post], None]:
    return lambda office: office.configure(**delivery)


def _file(path: str, content: str | bytes) -> Callable[[Post], None]:
    return lambda office: _written(office, path, content)


def _written(office: Post, path: str, content: str | bytes) -> None:
    office.newsroom.write(path, content)


def _template(name: str, text: str) -> Callable[[Post], None]:
    return _file(f"email_templates/{name}", f'{{% extends "bundled/{name}" %}}\n{text}')


def _key(office: Post, *command: str) -> None:
    key = subprocess.run(["openssl", *command], capture_output=True, check=True).stdout
    office.newsroom.write("dkim.pem", key)
    office.configure(dkim_key="dkim.pem")


def _sql(statement: str) -> Callable[[Post], None]:
    def change(office: Post) -> None:
        with closing(sqlite3.connect(office.newsroom.folder / "broadsheet.db")) as other, other:
            other.execute(statement)

    return change


def _no_database(office: Post) -> None:
    for path in office.newsroom.folder.glob("broadsheet.db*"):
        path.unlink()
    (office.newsroom.folder / "broadsheet.db").mkdir()


def _remove(path: str) -> Callable[[Post], None]:
    return lambda office: (office.newsroom.folder / path).unlink()


FAULTS: dict[str, tuple[Callable[[Post], object], str]] = {
    "an unknown digest": (lambda _: ("monthly",), "unknown digest"),
    "an unknown issue": (lambda _: ("--issue", "weekly/2000-01-01"), "unknown issue"),
    "no TLS to another host": (_config(smtp="smtp://mail.example.org"), "only for a server on"),
    "no TLS offered": (_config(starttls="required"), "it offers no encryption"),
    "a sender that is none": (_config(sender="nobody"), "delivery.sender: "),
    "a sender with a header": (_config(sender="a@b\r\nBcc: c@d.org"), "delivery.sender: "),
    "a bounce address that is none": (_config(bounce_address="x y"), "delivery.bounce_address: "),
    "no DKIM key": (_config(dkim_key="none.pem"), "delivery.dkim_key: it cannot be read"),
    "a DKIM key that is none": (
        lambda o: (_written(o, "dkim.pem", "-----BEGIN"), o.configure(dkim_key="dkim.pem"))[:0],
        "delivery.dkim_key: this is not a private key",
    ),
    "a DKIM key of another kind": (
        lambda o: _key(o, "ecparam", "-name", "prime256v1", "-genkey", "-noout"),
        "neither RSA nor Ed25519",
    ),
    "a short DKIM key": (lambda o: _key(o, "genrsa", "512"), "this key has 512 bits"),
    "a DKIM domain that is none": (
        lambda o: (
            _key(o, "genrsa", "2048"),
            o.configure(dkim_key="dkim.pem", dkim_domain="a; b=c"),
        )[:0],
        "delivery.dkim_domain: ",
    ),
    "no such database": (_config(database="mysql://x/y"), "delivery.database: "),
    "a database without a file": (_config(database="sqlite://"), "it names no file"),
    "a database in no folder": (
        _config(database="sqlite:///no/such/a.db"),
        "its folder does not exist",
    ),
    "a database that is a folder": (_no_database, "it is a folder"),
    "a database that is a text": (_file("broadsheet.db", "text " * 400), "not a database"),
    "a newer database": (_sql("UPDATE schema_versions SET version = 99"), "version 99"),
    "no table of subscribers": (_sql("DROP TABLE subscribers"), "no such table"),
    "no table of deliveries": (_sql("DROP TABLE issues"), "no such table"),
    "no folder for locks": (_file("broadsheet.db-senders", ""), "it cannot hold a lock"),
    "a record that is none": (_file(f"{ISSUE}/issue.json", "{"), "this record of an issue"),
    "no message": (_remove(f"{ISSUE}/message.eml"), "message.eml: it cannot be read"),
    "a message that is none": (
        _file(f"{ISSUE}/message.eml", "x"),
        "not in the form that Broadsheet writes",
    ),
    "a template that is none": (_template("digest.html.j2", "{% block"), "digest.html.j2"),
    "a template in GBK": (_file("email_templates/digest.txt.j2", b"\xd6\xd0"), "digest.txt.j2"),
    "a template that fails": (
        _template("digest.txt.j2", "{% block masthead %}{{ x.y }}{% endblock %}"),
        "'x' is undefined",
    ),
    "a template that fails for some": (
        _template(
            "digest.txt.j2",
            "{% block masthead %}{{ x.y if issue.language == 'en' else '' }}{% endblock %}",
        ),
        "'x' is undefined",
    ),
    "a template without a way out": (
        _template("digest.html.j2", "{% block footer %}{% endblock %}"),
        "the HTML part shows no unsubscribe link",
    ),
    "a sender that the server refuses": (
        lambda o: o.server.order(mail={"*": "550 5.7.1 not you"}),
        "accepts no mail from this sender: 550 5.7.1 not you",
    ),
    "a server that is busy": (
        lambda o: o.server.order(most=0),
        "cannot be used: it greets with: 421 4.7.0 too many connections",
    ),
    "no server": (lambda o: o.server.stop(), "cannot be used: "),
}


def _fails_alike(office: Post, args: tuple[str, ...], what: str) -> None:
    before = len(office.server.taken())
    dry = office.deliver("--dry-run", *args)
    assert dry.code in {1, 2}
    assert what in dry.err
    ran = office.deliver(*args)
    assert (ran.code, ran.err) == (dry.code, dry.err)
    assert len(office.server.taken()) == before


@pytest.mark.parametrize(
    "fault",
    [pytest.param(name, marks=[pytest.mark.long] * (n >= 4)) for n, name in enumerate(FAULTS)],
)
def test_a_dry_run_fails_as_the_run_does(office: Post, fault: str) -> None:
    """Whatever is wrong: the same exit code, the same message, and no mail."""
    make, what = FAULTS[fault]
    args = make(office)
    _fails_alike(office, args if isinstance(args, tuple) else (), what)


@pytest.mark.parametrize("secret", [None, "short"])
def test_a_dry_run_needs_the_secret_too(
    office: Post, monkeypatch: pytest.MonkeyPatch, secret: str | None
) -> None:
    """It signs the links."""
    monkeypatch.delenv("BROADSHEET_SECRET")
    if secret:
        monkeypatch.setenv("BROADSHEET_SECRET", secret)
    _fails_alike(office, (), "BROADSHEET_SECRET is")


def test_a_dry_run_logs_in(office: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails too if the server knows no way to log in."""
    monkeypatch.setenv("BROADSHEET_SMTP_USER", "news")
    monkeypatch.setenv("BROADSHEET_SMTP_PASSWORD", "hunter2")
    _fails_alike(office, (), "it supports neither AUTH PLAIN nor AUTH LOGIN")


def test_a_dry_run_sees_that_the_database_is_locked(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By taking the lock, and releasing it."""
    impatient = partial(database.open_database, timeout_s=0.1)
    monkeypatch.setattr(planning, "open_database", impatient)
    monkeypatch.setattr(planning, "open_existing", partial(database.open_existing, timeout_s=0.1))
    with office.locked():
        _fails_alike(office, (), "another program has it locked")


def test_a_dry_run_sees_that_the_database_is_read_only(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite only tells writers; tests may run as root, for whom no file is read-only."""

    def read_only(url: str, root: Path) -> database.Database | None:
        opened = database.open_existing(url, root)
        if opened is not None:
            sql.event.listen(
                opened.engine, "connect", lambda driver, _: driver.execute("PRAGMA query_only = ON")
            )
            opened.engine.dispose()
        return opened

    monkeypatch.setattr(planning, "open_database", read_only)
    monkeypatch.setattr(planning, "open_existing", read_only)
    _fails_alike(office, (), "attempt to write a readonly database")


@pytest.mark.parametrize("begun", [False, True])
def test_a_dry_run_that_succeeds_says_what_the_run_does(office: Post, begun: bool) -> None:
    """And has written nothing."""
    if begun:
        assert office.deliver("--limit", "2").code == 0
    before, taken = office.rows(), len(office.server.taken())
    ran = office.deliver("--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert f"weekly/2025-06-30 would be sent to {4 if begun else 6} subscribers" in ran.out
    assert office.rows() == before
    assert len(office.server.taken()) == taken
    assert office.deliver().code == 0
    assert len(office.server.taken()) == 5  # nothing in it is for the sixth


def test_a_dry_run_asks_no_server_where_there_is_nothing_to_send(office: Post) -> None:
    """As the run does not."""
    assert office.deliver().code == 0
    office.server.stop()
    assert office.deliver("--dry-run").code == 0
    assert office.deliver().code == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda o: o.server.order(mail={"*": "550 5.7.1 not you"}), "550 5.7.1 not you"),
        (lambda o: o.server.stop(), "cannot be used: "),
        (_config(sender="nobody"), "delivery.sender: "),
        (_config(smtp="smtp://mail.example.org"), "only for a server on"),
        (_remove(f"{ISSUE}/message.eml"), "message.eml: it cannot be read"),
    ],
)
def test_a_test_copy_is_rehearsed_too(
    office: Post, change: Callable[[Post], object], what: str
) -> None:
    """`--to` with `--dry-run`."""
    change(office)
    _fails_alike(office, ("--to", "me@x.org"), what)
