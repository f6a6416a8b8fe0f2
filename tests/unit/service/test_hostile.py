"""The service with hostile clients, and with programs that are badly made."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from broadsheet.delivery.database import open_database
from broadsheet.delivery.tokens import Tokens
from broadsheet.errors import DatabaseError
from broadsheet.service.connections import ConnectionPool, HttpConnection, RequestTimeouts
from broadsheet.service.limits import mailbox
from reader_service import OFFER, Office, hidden, office, ticked

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    """A service with two digests and three topics."""
    with office(tmp_path) as opened:
        yield opened


# One click, as many programs send it


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("application/x-www-form-urlencoded; charset=UTF-8", b"List-Unsubscribe=One-Click\r\n"),
        ("APPLICATION/X-WWW-FORM-URLENCODED", b"List-Unsubscribe=One%2DClick&x=%FF"),
        (
            'multipart/form-data; boundary="=_a b"',
            (
                b'--=_a b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n'
                b"Content-Type: text/plain\r\n\r\nOne-Click\r\n--=_a b--\r\n"
            ),
        ),
        (
            "multipart/form-data; boundary=x",
            (
                b'before\r\n--x\r\ncontent-disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
                b"One-Click\r\n--x--\r\n\r\n"
            ),
        ),
    ],
)
def test_one_click_in_every_form_that_is_met(desk: Office, kind: str, body: bytes) -> None:
    """In either encoding, however it is spelled: a short answer, and done."""
    who = desk.subscriber()
    answer = desk.web.post(
        f"/unsubscribe/{desk.mark(who)}", content=body, headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.text) == (200, "unsubscribed\n")
    assert desk.status() == "unsubscribed"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\0", b"{}", b"--x\r\n" * 999])
@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/form-data"])
def test_a_post_to_the_link_unsubscribes_whatever_its_body(
    desk: Office, kind: str, body: bytes
) -> None:
    """No one stays subscribed because a program wrote a form badly."""
    who = desk.subscriber()
    headers = {"Content-Type": kind} if kind else {}
    answer = desk.web.post(f"/unsubscribe/{desk.mark(who)}", content=body, headers=headers)
    assert answer.status_code == 200
    assert desk.status() == "unsubscribed"


def test_a_slash_after_the_link_does_no_harm(desk: Office) -> None:
    """Some programs add one; RFC 8058 forbids answering with a redirect."""
    place = f"/unsubscribe/{desk.mark(desk.subscriber())}/"
    assert desk.web.get(place).status_code == 200
    assert desk.web.post(place, data=ONE_CLICK).status_code == 200
    assert desk.status() == "unsubscribed"


def test_a_token_for_another_purpose_is_refused(desk: Office) -> None:
    """The token of an envelope, of a confirmation, of our form; of another publication."""
    who = desk.subscriber()
    tokens = desk.service.store.tokens
    others = [
        tokens.bounce(who.id, 1),
        tokens.confirm(who.id),
        desk.form(),
        Tokens("the secret of someone else").unsubscribe(who.id, ""),
        desk.mark(who) * 2,
        "a" * 30_000,
    ]
    for other in others:
        answer = desk.web.post("/unsubscribe", data={"t": other, **ONE_CLICK})
        assert answer.status_code == 400, other
        assert desk.web.post("/preferences", data={"t": other}).status_code == 400
    assert desk.status() == "active"


# Methods, paths and headers


@pytest.mark.parametrize("path", ["/", "/subscribe", "/unsubscribe/x", "/health", "/preferences"])
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused_with_the_allowed_ones(
    desk: Office, path: str, method: str
) -> None:
    """405, with every allowed method (RFC 9110, section 15.5.6)."""
    answer = desk.web.request(method, path)
    assert answer.status_code == 405
    allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
    wanted = {"GET", "HEAD"} if path in {"/", "/health"} else {"GET", "HEAD", "POST"}
    assert allowed == wanted


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/unsubscribe/a/b", "/..%2f..%2fetc/passwd", "/%ff", "/%00", "/.git/config"],
)
def test_other_paths_are_not_found(desk: Office, path: str) -> None:
    """404 with an explanation and the usual headers."""
    answer = desk.web.get(path)
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_no_request_header_is_reflected(desk: Office) -> None:
    """Neither Host nor proxy headers: links stay on this service."""
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Origin": "https://evil.example",
        "Referer": "https://evil.example/",
        "X-Original-URL": "/health",
    }
    mark = desk.mark(desk.subscriber())
    for path in ("/subscribe", f"/unsubscribe/{mark}", f"/preferences/{mark}", "/none"):
        answer = desk.web.get(path, headers=evil)
        assert "evil.example" not in answer.text + str(answer.headers)
    assert "access-control-allow-origin" not in desk.web.get("/subscribe", headers=evil).headers


# Forms with unavailable choices


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"digest": "no such"}, "Choose at least one newsletter"),
        ({"digest": ["no such", "nor this"], "topic": "Science"}, "Choose at least one newsletter"),
        ({"digest": "weekly", "topic": "no such"}, "is available any more"),
    ],
)
def test_an_unavailable_choice_never_means_all(
    desk: Office, given: dict[str, object], said: str
) -> None:
    """If the topics changed while a form was open, it is shown again, and not saved."""
    who = desk.subscriber(digests=("english",), topics=("开源",))
    answer = desk.web.post("/preferences", data={"t": desk.mark(who), **given})
    assert answer.status_code == 400
    assert said in answer.text
    assert desk.who() == who
    asked = {"t": desk.form(), "address": "bob@example.com", **given}
    answer = desk.web.post("/subscribe", data=asked)
    assert (answer.status_code, said in answer.text) == (400, True)
    assert desk.post() == []
    known = {"digest": ["weekly"]} if given["digest"] == "weekly" else {}
    assert "Science" not in ticked(answer.text).get("topic", []) or "Science" in str(given)
    assert known.items() <= ticked(answer.text).items()


def test_a_seal_from_another_site_is_refused(desk: Office) -> None:
    """The browser says where the form was; the form is shown, and nothing is sent."""
    given = {"t": desk.form(), "address": "bob@example.com", "digest": "weekly"}
    for site in ("cross-site", "same-site"):
        answer = desk.web.post("/subscribe", data=given, headers={"Sec-Fetch-Site": site})
        assert "bob@example.com" in answer.text
        assert hidden(answer.text)
    assert desk.post() == []
    own = {"Sec-Fetch-Site": "same-origin"}
    assert desk.web.post("/subscribe", data=given, headers=own).status_code == 200
    assert len(desk.post()) == 1


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("Ann@Example.org", "ann@example.org"),
        ("ann+1@example.org", "ann@example.org"),
        ("a.n.n+x@gmail.com", "ann@gmail.com"),
        ("a.n.n@example.org", "a.n.n@example.org"),
        ("+@example.org", "+@example.org"),
    ],
)
def test_a_mailbox_has_many_addresses(address: str, same: str) -> None:
    """Text after a plus sign leads to the same mailbox nearly everywhere."""
    assert mailbox(address) == same


def test_the_limit_per_mailbox_covers_all_its_addresses(desk: Office) -> None:
    """Three letters a day to all of them together."""
    for number in range(6):
        assert desk.subscribe(f"bob+{number}@example.com") == 200
    assert len(desk.post()) == 3


# What happens to the database


def test_a_missing_database_is_503(desk: Office) -> None:
    """It is not replaced by an empty one; put back, it works as before."""
    mark = desk.mark(desk.subscriber())
    file, away = desk.folder / "test.db", desk.folder / "away.db"
    file.rename(away)
    for path in (f"/unsubscribe/{mark}", f"/preferences/{mark}"):
        assert desk.web.get(path).status_code == 503
    answer = desk.web.post(f"/unsubscribe/{mark}", data=ONE_CLICK)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert "Nothing was lost" in answer.text
    assert desk.web.get("/health").status_code == 503
    desk.database.close()  # even a new connection does not
    with pytest.raises(DatabaseError), desk.database.reading():
        pass
    assert not file.exists()
    away.rename(file)
    assert desk.web.get("/health").status_code == 200
    assert desk.web.post(f"/unsubscribe/{mark}", data=ONE_CLICK).status_code == 200
    assert desk.status() == "unsubscribed"


def test_a_restored_database_is_written(desk: Office, tmp_path: Path) -> None:
    """Later changes go into the restored file."""
    mark = desk.mark(desk.subscriber())
    with closing(sqlite3.connect(desk.folder / "test.db")) as whole:
        whole.execute("VACUUM INTO ?", [str(tmp_path / "backup.db")])
    desk.web.get(f"/unsubscribe/{mark}")
    for old in desk.folder.glob("test.db*"):
        old.unlink()
    (tmp_path / "backup.db").rename(desk.folder / "test.db")
    assert desk.web.post(f"/unsubscribe/{mark}", data=ONE_CLICK).status_code == 200
    anew = open_database("sqlite:///test.db", desk.folder)
    with anew.reading() as connection:
        row = connection.exec_driver_sql("SELECT status FROM subscribers").scalar_one()
    anew.close()
    assert row == "unsubscribed"


def test_a_corrupt_database_is_503(desk: Office) -> None:
    """Truncated or overwritten: a page, no traceback."""
    mark = desk.mark(desk.subscriber())
    for old in desk.folder.glob("test.db*"):
        old.unlink()
    (desk.folder / "test.db").write_bytes(b"\0no database" * 999)
    assert desk.web.post(f"/unsubscribe/{mark}", data=ONE_CLICK).status_code == 503
    assert desk.web.get("/health").status_code == 503


def test_a_read_only_database_is_not_healthy(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no one is told to expect a letter that does not come."""
    assert desk.web.get("/health").text == "ok\n"
    # Root may write everything, so the refusal is simulated.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert desk.web.get("/health").text == "the database cannot be used\n"
    assert desk.subscribe("bob@example.com") == 503


# Slow ones


@contextmanager
def guarded(patience: float) -> Iterator[int]:
    """Yield the port of a server that closes slow connections after `patience` seconds."""

    impatient = partial(
        HttpConnection, pool=ConnectionPool(), timeouts=RequestTimeouts(head=patience)
    )
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
    config = uvicorn.Config(app, http=impatient, ws="none", log_config=None, timeout_keep_alive=60)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        yield door.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.mark.enable_socket
@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_trickling_clients_are_disconnected(before: bytes) -> None:
    """On a new connection and on one that has been used, after the time limit."""
    with guarded(0.4) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(before)
        client.settimeout(0.1)
        start, closed = time.monotonic(), False
        while not closed and time.monotonic() < start + 5:
            try:
                client.sendall(b"X")
                closed = client.recv(4096) == b""
            except TimeoutError:
                continue
            except OSError:
                closed = True
        assert closed
        assert time.monotonic() < start + 3


@pytest.mark.enable_socket
def test_an_active_connection_stays_open() -> None:
    """One request after another, for longer than the limit for one of them."""
    with guarded(0.5) as port, socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(4):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"here"):
                part = client.recv(4096)
                assert part, "it was closed"
                answer += part
            time.sleep(0.25)  # a slow client


def test_forms_of_nothing_but_boundaries_cost_little(desk: Office) -> None:
    """The largest accepted ones, made to keep a parser busy."""
    mark = desk.mark(desk.subscriber())
    nested = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1)
        for n in range(1_000)
    )
    start = time.process_time()
    for body in (nested, b"--b0\r\n" * 9_000, b"--b0\r\n\r\n\r\n" * 5_000, b"\r\n" * 30_000):
        answer = desk.web.post(
            f"/preferences/{mark}",
            content=body,
            headers={"Content-Type": "multipart/form-data; boundary=b0"},
        )
        assert answer.status_code in {200, 400, 413}
    assert time.process_time() - start < 4


def test_input_is_escaped_in_pages(desk: Office) -> None:
    """What is written into a form is shown as text."""
    evil = '"><script>alert(1)</script>'
    for given in ({"address": evil}, {"name": evil, "digest": "weekly"}, {"topic": evil}):
        page = desk.web.post("/subscribe", data={"t": desk.form(), **given}).text
        assert "<script" not in page
    assert OFFER.topics[2] not in desk.web.get("/subscribe").text  # A & B <i>, escaped
