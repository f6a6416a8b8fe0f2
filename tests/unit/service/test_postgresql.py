"""The service on PostgreSQL, where two requests may change one reader at once; skipped without
it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import Report, UnsubscribeRequest
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import open_database
from broadsheet.delivery.database import subscribers as table
from broadsheet.delivery.returned_mail import BouncePolicy, ReturnedMailProcessor
from broadsheet.delivery.subscribers import Preferences
from broadsheet.delivery.tokens import Tokens
from postgresql import PostgreSQL
from processes import until
from reader_service import SECRET, Office, hidden, linked, office
from returned import failing, wishing

pytest.importorskip("psycopg")
pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def desk(tmp_path: Path, postgres: PostgreSQL) -> Iterator[Office]:
    """A service whose database is on PostgreSQL."""
    postgres.empty()
    with office(tmp_path, database_url=postgres.url, patience=2) as opened:
        yield opened


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """Return the results when all start at the same moment."""
    gate = threading.Barrier(len(jobs))

    def begun(job: Callable[[], object]) -> object:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [done.result() for done in [pool.submit(begun, job) for job in jobs]]


def test_from_the_form_to_one_click(desk: Office) -> None:
    """Subscribe, confirm, choose, unsubscribe: the same as on SQLite."""
    assert desk.subscribe("bob@example.com", name="Bob 鲍", topic="开源") == 200
    link = linked(desk.post()[0])
    assert desk.status("bob@example.com") == "pending"
    assert desk.web.post(link).status_code == 200
    bob = desk.who("bob@example.com")
    assert (bob.status, bob.name, bob.topics) == ("active", "Bob 鲍", ("开源",))
    mark = desk.mark(bob, "weekly")
    page = desk.web.get(f"/preferences/{mark}")
    given = {"t": hidden(page.text), "digest": "weekly", "topic": "Science", "name": "B\0b"}
    assert desk.web.post("/preferences", data=given).status_code == 200
    bob = desk.who("bob@example.com")
    assert (bob.digests, bob.topics, bob.name) == (("weekly",), ("Science",), "Bb")
    assert desk.web.get("/health").text == "ok\n"
    assert desk.web.post(f"/unsubscribe/{mark}", data=ONE_CLICK).status_code == 200
    assert desk.status("bob@example.com") == "unsubscribed"


@pytest.mark.parametrize("path", ["/unsubscribe/%00", "/confirm/%00", "/preferences/%ED%A0%80"])
def test_unstorable_text_never_reaches_the_database(desk: Office, path: str) -> None:
    """NUL and invalid UTF-8 in links."""
    assert desk.web.get(path).status_code == 400


@pytest.mark.parametrize("address", ["a\0b@example.com", "\ud800@example.com", "é@example.com"])
def test_an_unstorable_address_is_invalid(desk: Office, address: str) -> None:
    """The form says so, and the database logs nothing."""
    given = {"t": desk.form(), "digest": "weekly"}
    body = given | {"address": address.encode("utf-8", "surrogatepass")}
    assert desk.web.post("/subscribe", data=body).status_code in {200, 400}
    desk.post()
    assert desk.find("ab@example.com") is None or address.startswith("a")


def test_two_clicks_at_once_are_both_done(desk: Office) -> None:
    """Each for its digest; neither undoes the other."""
    for number in range(10):
        who = desk.subscriber(f"ann{number}@example.com")
        marks = [
            desk.service.store.link_token(desk.mark(who, name)) for name in ("weekly", "english")
        ]
        leaves = [lambda m=m: desk.service.store.leave(m, "test") for m in marks]  # type: ignore[misc]
        at_once(*leaves)
        assert desk.status(who.address) == "unsubscribed"


def test_concurrent_requests_for_one_address_get_their_letters(desk: Office) -> None:
    """The second finds the subscriber that the first has added."""
    for number in range(5):
        ask = lambda: desk.service.store.ask(f"new{number}@example.com", Preferences())  # noqa: B023, E731
        found = at_once(ask, ask, ask)
        assert len({who.id for who in found}) == 1  # type: ignore[attr-defined]


def test_a_last_minute_confirmation_is_not_forgotten(desk: Office, postgres: PostgreSQL) -> None:
    """Removing unconfirmed readers waits for a running confirmation, and keeps that reader."""
    now = datetime.now(UTC)
    desk.clock.now = now - timedelta(days=4)
    who = desk.subscriber(status="pending")
    with desk.database.writing() as connection:
        assert subscribers.set_status(connection, who, "active", cause="test", now=now)
        # Not earlier, since the service itself removes them when it starts.
        desk.clock.now = now
        forgetting = threading.Thread(target=desk.service.store.forget)
        forgetting.start()
        until(postgres.has_waiting)
    forgetting.join()
    assert desk.status() == "active"


def test_a_row_locked_by_another_program_is_503(desk: Office) -> None:
    """The provider retries."""
    who = desk.subscriber()
    with desk.database.writing() as connection:
        connection.execute(sql.select(table.c.id).with_for_update())
        answer = desk.web.post(f"/unsubscribe/{desk.mark(who)}", data=ONE_CLICK)
    assert answer.status_code == 503
    assert desk.web.post(f"/unsubscribe/{desk.mark(who)}", data=ONE_CLICK).status_code == 200
    assert desk.status() == "unsubscribed"


@pytest.mark.long
def test_a_restarted_server_loses_no_click(desk: Office, postgres: PostgreSQL) -> None:
    """While it is down: 503; when it is back, the first request succeeds."""
    who = desk.subscriber()
    postgres.stop()
    try:
        away = desk.web.post(f"/unsubscribe/{desk.mark(who)}", data=ONE_CLICK)
        health = desk.web.get("/health")
    finally:
        postgres.start()
    assert (away.status_code, health.status_code) == (503, 503)
    assert desk.web.post(f"/unsubscribe/{desk.mark(who)}", data=ONE_CLICK).status_code == 200
    assert desk.status() == "unsubscribed"


def test_a_read_only_server_is_not_healthy(tmp_path: Path, postgres: PostgreSQL) -> None:
    """A standby, or one set to read-only: nothing can be stored."""
    postgres.empty()
    open_database(postgres.url, tmp_path).close()
    url = f"{postgres.url}&options=-c%20default_transaction_read_only%3Don"
    with office(tmp_path, database_url=url) as desk:
        assert desk.web.get("/health").status_code == 503
        assert desk.subscribe("bob@example.com") == 503


def test_reports_of_concurrent_runs_count_once(desk: Office) -> None:
    """Two cron jobs on one mailbox."""
    tokens = Tokens(SECRET)
    desk.subscriber("reader@example.com")
    who = desk.subscriber("leaver@example.com")
    report, wish = read_mail(failing(1)), read_mail(wishing(tokens.unsubscribe(who.id, "")))
    assert isinstance(report, Report)
    assert isinstance(wish, UnsubscribeRequest)
    now = datetime(2025, 6, 30, tzinfo=UTC)

    processor = ReturnedMailProcessor(desk.database, tokens, BouncePolicy(), ("weekly",), {}, now)

    def take() -> str:
        with desk.database.writing() as connection:
            return processor.apply_report(connection, report)[0].outcome

    def off() -> str:
        with desk.database.writing() as connection:
            return processor.unsubscribe(connection, wish).outcome

    assert sorted(map(str, at_once(take, take, take))) == ["again", "again", "counted"]
    assert sorted(map(str, at_once(off, off))) == ["again", "left"]
    assert desk.status("leaver@example.com") == "unsubscribed"
