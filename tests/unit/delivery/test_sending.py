"""Replies of mail servers, and their results: every row ends, with the server's words."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broadsheet.delivery import batcher, pacing
from deliveries import Post, at
from processes import ended_within, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture
def office(office: Post, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A newsroom that delivers, with short waits after a temporary failure."""
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 0.01)
    return office


@pytest.mark.parametrize(
    ("stage", "code"),
    [("rcpt", 450), ("data", 451)],
)
def test_deferred_mails_are_retried_later(office: Post, stage: str, code: int) -> None:
    """The row keeps the server's words, waits longer each time, and is sent when accepted."""
    words = f"{code} 4.2.1 come back later"
    office.server.order(**{stage: {"reader000001@example.org": words}})
    addresses = office.subscribe(3)
    assert office.deliver().code == 0
    row = office.rows()[1]
    assert (row["state"], row["code"], row["reply"]) == ("retry", code, "4.2.1 come back later")
    first = row["next_at"]
    assert office.states() == {"sent": 2, "retry": 1}
    assert office.deliver().code == 0, "it is too early"
    assert office.rows()[1]["attempts"] == 1
    assert office.deliver(now=at(minutes=13)).code == 0
    row = office.rows()[1]
    assert (row["state"], row["attempts"]) == ("retry", 2)
    assert row["next_at"] > first
    office.server.order()
    ran = office.deliver(now=at(days=1))
    assert "3 sent" in ran.out
    assert office.received() == dict.fromkeys(addresses, 1)


def test_after_days_of_waiting_a_mail_has_failed(office: Post) -> None:
    """It ends with the server's last words, and the run says so."""
    office.server.order(rcpt={"*": "450 4.2.0 greylisted"})
    office.subscribe(1)
    day = 0.0
    while office.states()["failed"] == 0 and day < 10:
        ran = office.deliver(now=at(days=day))
        day += 0.45
    assert 3.2 < day < 5
    assert ran.code == 1
    assert "450 4.2.0 greylisted" in ran.err
    assert office.rows()[0]["reply"] == "4.2.0 greylisted"


def test_a_refusal_ends_that_reader_only(office: Post) -> None:
    """The row fails with the reply; an address that does not exist gets no further mail."""
    office.server.order(
        rcpt={"reader000000@example.org": "550 5.1.1 no such user"},
        data={"reader000001@example.org": "554 5.7.1 not wanted here"},
    )
    office.subscribe(4)
    ran = office.deliver()
    assert ran.code == 1
    assert "550 5.1.1 no such user" in ran.err
    assert office.states() == {"failed": 2, "sent": 2}
    assert [row["reply"] for row in office.rows()[:2]] == [
        "5.1.1 no such user",
        "5.7.1 not wanted here",
    ]
    listed = office.newsroom.run("subscribers", "list").out
    assert "reader000000@example.org" in listed
    assert listed.count("bounced") == 2  # the one row, and the total
    office.server.order()
    assert "3 sent" in office.deliver("--only", "failed").out
    assert office.received()["reader000001@example.org"] == 1
    assert office.states() == {"failed": 1, "sent": 3}


def test_a_server_that_does_not_relay_fails_no_row(office: Post) -> None:
    """Without a login it refuses every reader; the run ends, and all rows wait."""
    denied = "554 5.7.1 Relay access denied"
    office.server.order(rcpt={f"reader{n:06}@example.org": denied for n in range(20)})
    office.subscribe(20)
    ran = office.deliver()
    assert ran.code == 1
    assert f"accepts no mail from this sender: {denied}" in ran.err
    assert office.states()["failed"] == 0


def test_a_refused_sender_fails_no_row(office: Post) -> None:
    """If the server accepts no mail from this sender, the run ends and says so; all rows wait."""
    office.server.order(mail={"*": "550 5.7.1 sender not allowed"})
    office.subscribe(20)
    ran = office.deliver()
    assert ran.code == 1
    assert "accepts no mail from this sender: 550 5.7.1 sender not allowed" in ran.err
    assert set(office.states()) == {"pending", "retry"}


def test_a_server_that_defers_everything_ends_the_run(office: Post) -> None:
    """Soon, without a failure; most rows were not even tried."""
    office.server.order(rcpt={"*": "451 4.3.2 too busy"})
    office.subscribe(200)
    started = time.monotonic()
    ran = office.deliver()
    assert ran.code == 0
    assert "defers everything: 451 4.3.2 too busy" in ran.err
    assert office.states()["pending"] > 150
    assert time.monotonic() - started < 10


def test_a_lost_reply_is_sent_again_with_the_same_id(office: Post) -> None:
    """The server accepted the mail and closed: it may have it, so the second copy has the same
    id."""
    office.server.order(close_after_data=2)
    addresses = office.subscribe(5)
    office.configure(connections=1)
    assert office.deliver().code == 0
    assert office.states() == {"sent": 4, "in_doubt": 1}
    doubt = next(row for row in office.rows() if row["state"] == "in_doubt")
    assert "after the whole mail" in doubt["reply"]
    office.server.order()
    assert office.deliver(now=at(days=1)).code == 0
    received = office.received()
    assert set(received) == set(addresses)
    assert sorted(received.values()) == [1, 1, 1, 1, 2]
    assert all(len(ids) == 1 for ids in office.ids().values())


def test_a_server_that_dies_costs_at_most_a_copy_for_each_connection(office: Post) -> None:
    """It accepts and is killed: mails in flight are in doubt, nothing is lost."""
    office.server.order(die_after=20)
    addresses = office.subscribe(60)
    child = office.begin()
    office.server.wait_for(20)
    office.server.stop()
    office.server.order()
    office.server.start()
    office.end(child)
    office.deliver(now=at(days=1))
    received = office.received()
    assert set(received) == set(addresses)
    assert sum(received.values()) <= 60 + 4
    assert all(len(ids) == 1 for ids in office.ids().values())
    assert set(office.states()) == {"sent"}


def test_a_hanging_server_is_given_up(office: Post) -> None:
    """After a complete mail that one is in doubt; the others are sent over other connections."""
    office.configure(timeout=1, connections=2)
    office.server.order(hang=1)
    office.subscribe(4)
    assert office.deliver().code == 0
    assert office.states() == {"sent": 3, "in_doubt": 1}
    row = next(row for row in office.rows() if row["state"] == "in_doubt")
    assert row["reply"] == "after the whole mail: the server does not answer"


def test_a_missing_server_ends_the_run(office: Post) -> None:
    """No row changes; the message says what to check."""
    office.subscribe(2)
    office.server.stop()
    ran = office.deliver()
    assert ran.code == 1
    assert "the mail server 127.0.0.1 cannot be used: " in ran.err
    assert office.states() == {"pending": 2}
    assert "Traceback" not in ran.err


def test_a_connection_limit_does_not_slow_the_run(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted connections continue; the refusal of a fifth is no reason to pause."""
    monkeypatch.setattr(pacing, "FIRST_PAUSE_S", 60.0)
    office.server.order(most=2)
    addresses = office.subscribe(60)
    office.configure(connections=5)
    started = time.monotonic()
    assert office.deliver().code == 0
    assert time.monotonic() - started < 20
    assert office.received() == dict.fromkeys(addresses, 1)
    assert len({mail["peer"] for mail in office.server.taken()}) == 2


def test_a_connection_closed_between_mails_does_no_harm(office: Post) -> None:
    """Servers do that after some mails: the next one uses a new connection at once."""
    office.configure(messages_per_connection=3, connections=1)
    addresses = office.subscribe(10)
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)
    peers = {mail["peer"] for mail in office.server.taken()}
    assert len(peers) == 4  # three mails over each


def test_no_second_has_more_mails_than_the_rate(office: Post) -> None:
    """The rate holds over all connections, and over two concurrent runs."""
    office.configure(rate=50)
    office.subscribe(60)
    started = time.monotonic()
    children = [office.begin(), office.begin()]
    for child in children:
        assert office.end(child) == 0
    took = time.monotonic() - started
    assert set(office.received().values()) == {1}
    assert len(office.received()) == 60
    assert took >= 59 / 50 - 0.3
    stamps = sorted(mail["at"] for mail in office.server.taken())
    for first, later in zip(stamps, stamps[25:], strict=False):
        # Each of the eight connections may send one late.
        assert later - first > (25 - 8) / 50, "a burst"


@pytest.mark.long
def test_a_locked_database_is_waited_for(office: Post) -> None:
    """Another program holds it for some seconds: nothing is lost, nothing is sent twice."""
    addresses = office.subscribe(80)
    office.server.order(delay=0.01)
    child = office.begin()
    office.server.wait_for(10)
    with office.locked():
        started = office.states()["sent"] + office.states()["claimed"]
        until(lambda: len(office.server.taken()) == started)
        assert not ended_within(child, 0.5)
        assert len(office.server.taken()) == started, "mail went out that the ledger does not know"
    assert office.end(child) == 0
    assert office.received() == dict.fromkeys(addresses, 1)


@pytest.mark.long
def test_a_database_that_is_locked_at_the_start_is_waited_for(office: Post) -> None:
    """Importing a long list locks it for longer than one try; a cron run must not fail for that."""
    addresses = office.subscribe(3)
    with office.locked():
        run = office.begin()
        assert not ended_within(run, 2.5)  # one try takes two seconds
    assert office.end(run) == 0
    assert office.received() == dict.fromkeys(addresses, 1)


@pytest.mark.measuring
@pytest.mark.long
def test_a_full_database_stops_the_sending(office: Post) -> None:
    """A mail that cannot be recorded is not sent; with space again the next run continues."""
    addresses = office.subscribe(200)
    assert office.deliver("--limit", "1").code == 0  # frozen, while there is space
    limit = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000));"
        "from broadsheet.delivery import batcher; batcher.DATABASE_TIMEOUT_S = 1.0;"
        "from broadsheet.cli import main; main()"
    )
    ran = subprocess.run(
        # -B: Python would leave bytecode files that are cut short.
        [
            sys.executable,
            "-B",
            "-c",
            limit,
            "-C",
            str(office.newsroom.folder),
            "--now",
            at(),
            "deliver",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "broadsheet.db: " in ran.stderr
    assert "Traceback" not in ran.stderr
    sent = office.states()["sent"]
    assert len(office.server.taken()) - sent <= 4
    assert sent < 200
    assert office.deliver().code == 0
    assert set(office.received()) == set(addresses)
    assert sum(office.received().values()) <= 200 + 4


def test_a_clock_that_jumps_neither_loses_nor_doubles(office: Post) -> None:
    """Runs at wrong times, back and forth, end in the same state."""
    office.server.order(rcpt={"*": "450 4.2.0 later"}, times=1)
    addresses = office.subscribe(12)
    office.configure(rate=100)
    for days in (0, 400, -400, 0.5, 3):
        office.deliver(now=at(days=days))
    assert office.received() == dict.fromkeys(addresses, 1)


def test_a_clock_that_jumps_fails_no_mail(office: Post) -> None:
    """Years that passed on the clock only do not count: a mail is tried three times before it
    fails, and a first attempt in the future is ignored."""
    office.server.order(rcpt={"*": "450 4.2.0 later"})
    office.subscribe(1)
    states = []
    for days in (0, 400, 800):
        office.deliver(now=at(days=days))
        states.append(office.rows()[0]["state"])
    assert states == ["retry", "retry", "failed"]
    office.deliver("--only", "failed", now=at(days=1))
    office.deliver(now=at(days=-800))
    row = office.rows()[0]
    assert (row["state"], row["attempts"]) == ("retry", 1)
    assert row["first_at"] < "2024"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    out = ["-out", str(files[0]), "-keyout", str(files[1])]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    subprocess.run([*new, *subject, *out], check=True, capture_output=True)
    return files


@pytest.mark.parametrize("way", ["tls", "smtps"])
def test_certificates_are_checked(
    office: Post, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """An untrusted one ends the run; with a trusted one everything is sent."""
    addresses = office.subscribe(30)
    office.server.stop()
    office.server.order(**{way: [str(path) for path in certificate]})
    office.server.start()
    scheme = "smtp" if way == "tls" else "smtps"
    address = f"{scheme}://127.0.0.1:{office.server.port}"
    office.configure(starttls="required", smtp=address, timeout=10)
    ran = office.deliver()
    assert ran.code == 1
    assert "its certificate is not valid: self-signed certificate" in ran.err
    assert office.states() == {"pending": 30}
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert ssl.create_default_context().cert_store_stats()["x509"] == 1
    assert office.deliver().code == 0
    assert office.received() == dict.fromkeys(addresses, 1)


def test_encryption_is_required_unless_the_config_says_otherwise(office: Post) -> None:
    """A server without STARTTLS gets nothing, and the message says what to set."""
    office.configure(starttls=None)
    office.subscribe(1)
    ran = office.deliver()
    assert ran.code == 1
    assert 'set delivery.starttls = "never" if it is on this machine' in ran.err
    office.configure(starttls="never", smtp="smtp://mail.example.org")
    ran = office.deliver()
    assert ran.code == 2
    assert 'starttls: "never" is only for a server on this machine' in ran.err


def test_a_run_waits_longer_than_one_try() -> None:
    """A database that is locked for a while ends no run."""
    assert batcher.DATABASE_TIMEOUT_S >= 30
