"""The running service under abuse: the cost of a request is limited, and no client locks others
out."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from broadsheet.delivery import subscribers
from broadsheet.delivery.database import open_database
from broadsheet.delivery.tokens import Tokens
from broadsheet.service import forms
from broadsheet.service.connections import (
    LARGEST_HEAD,
    ConnectionPool,
    HttpConnection,
    RequestTimeouts,
)
from broadsheet.service.limits import Allowance, RateLimits, networks
from newsroom import Newsroom
from processes import until
from reader_service import CONFIG, NOW, SECRET, hidden, office, served

MOST = 0.02  # seconds of CPU for one request
TIMES = 8  # requests that are averaged
HERE = "127.0.0.1"


# What a request may cost

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=x"
NAME = b'--x\r\nContent-Disposition: form-data; name="a"'


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *headers, "", ""]).encode()


def post(path: str, kind: str, body: bytes) -> bytes:
    return head("POST", path, f"Content-Type: {kind}", f"Content-Length: {len(body)}") + body


def chunked(body: bytes) -> bytes:
    return (
        head("POST", "/unsubscribe/x", f"Content-Type: {FORM}", "Transfer-Encoding: chunked") + body
    )


COSTLY = {
    "semicolons in the content type": post("/subscribe", PARTS + ";" * 65_000, b""),
    "semicolons in one part": post("/subscribe", PARTS, NAME + b";" * 65_000),
    "semicolons in a part of the largest size": post("/subscribe", PARTS, NAME + b";" * 32_000),
    "semicolons in many parts": post(
        "/subscribe", PARTS, (NAME + b";" * 4_000 + b"\r\n\r\nv\r\n") * 8 + b"--x--\r\n"
    ),
    "quotes in many parts": post("/subscribe", PARTS, (NAME + b';"' * 500 + b"\r\n\r\nv\r\n") * 30),
    "escapes in many parts": post(
        "/subscribe", PARTS, (NAME + b'\\"' * 2_000 + b"\r\n\r\nv\r\n") * 8 + b"--x--\r\n"
    ),
    "headers of a part": post("/subscribe", PARTS, b"--x\r\n" + b"a: b\r\n" * 5_000),
    "many parts": post("/subscribe", PARTS, (NAME + b"\r\n\r\nv\r\n") * 600 + b"--x--\r\n"),
    "boundaries": post("/subscribe", PARTS, b"--x\r\n" * 6_000),
    "almost boundaries": post("/subscribe", PARTS, NAME + b"\r\n\r\n" + b"\r\n--" * 8_000),
    "carriage returns": post("/subscribe", PARTS, NAME + b"\r\n\r\n" + b"\r" * 32_000),
    "a long boundary": post("/subscribe", PARTS + "y" * 4_000, b"--x" * 9_000),
    "nested forms": post(
        "/subscribe",
        PARTS,
        b"".join(
            b"--x\r\nContent-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (n, n)
            for n in range(500)
        ),
    ),
    "a slow codec": post(
        "/subscribe",
        PARTS + "; charset=punycode",
        NAME + b"\r\n\r\n" + b"a-" * 2_000 + b"\r\n--x--",
    ),
    "ampersands": post("/subscribe", FORM, b"&" * 32_000),
    "fields": post("/subscribe", FORM, b"a&" * 16_000),
    "one name": post("/subscribe", FORM, b"a=b&" * 299),
    "percent signs": post("/subscribe", FORM, b"a=" + b"%" * 32_000),
    "percent escapes": post("/subscribe", FORM, (b"a=" + b"%41" * 33 + b"&") * 299),
    "plus signs": post("/subscribe", FORM, (b"a=" + b"+" * 100 + b"&") * 299),
    "a query of fields": head("GET", "/unsubscribe?" + "a&" * 8_000),
    "a query of escapes": head("GET", "/unsubscribe?t=" + "%41" * 2_600),
    "a path of slashes": head("GET", "/" * 16_000),
    "a path of escapes": head("GET", "/unsubscribe/" + "%41" * 5_000),
    "a long token": head("GET", "/unsubscribe/" + "a." * 3_000),
    "a compressed token": head("GET", "/unsubscribe/." + "eJx" * 300),
    "short headers": head("GET", "/subscribe", *["a:"] * 4_000),
    "short headers without end": head("GET", "/subscribe", *["a:"] * 100_000),
    "folded headers": head("GET", "/subscribe", "a: b", *[" c"] * 4_000),
    "spaces in a header": head("GET", "/subscribe", "a: " + " \t" * 8_000 + "x"),
    "cookies": head("GET", "/subscribe", "Cookie: " + "a=b; " * 3_000),
    "languages": head("GET", "/subscribe", "Accept-Language: " + "a;q=0.1," * 1_900),
    "forwarded addresses": head("GET", "/subscribe", "X-Forwarded-For: " + "1.1.1.1," * 1_900),
    "encodings": head("GET", "/subscribe", "Accept-Encoding: " + "gzip;q=0," * 1_700),
    "small chunks": chunked(b"1\r\na\r\n" * 65_000 + b"0\r\n\r\n"),
    "chunk extensions": chunked(b"1;" + b"a=b;" * 16_000 + b"\r\na\r\n0\r\n\r\n"),
    "small chunks for a webhook": chunked(b"1\r\na\r\n" * 65_000 + b"0\r\n\r\n").replace(
        b"/unsubscribe/x", b"/hooks/resend"
    ),
    "trailers": chunked(b"0\r\n" + b"a:\r\n" * 60_000 + b"\r\n"),
    "pipelined requests in one head": head("GET", "/health") + b"a:\r\n" * 60_000,
    "empty lines": b"\r\n" * 100_000,
    "no request": b"\x16\x03\x01" * 30_000,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The port and the process of a running service that trusts a proxy at 127.0.0.1."""
    newsroom = Newsroom.open(tmp_path_factory.mktemp("serve"), CONFIG % 25)
    with served(newsroom, "--proxy", HERE) as (port, process):
        answer(port, head("GET", "/subscribe"))
        yield port, process.pid


def answer(port: int, request: bytes, source: str = HERE) -> bytes:
    """Return the service's answer to the bytes of `request`; nothing if it closes instead."""
    with socket.create_connection((HERE, port), timeout=10, source_address=(source, 0)) as client:
        try:
            client.sendall(request)
        except ConnectionError:
            return b""
        return read(client)


def read(client: socket.socket) -> bytes:
    """Read one answer; nothing if the connection is closed instead."""
    said = b""
    try:
        while part := client.recv(65_536):
            said += part
            top, end, body = said.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", top)
            if end and length and len(body) >= int(length[1]):
                break
    except (ConnectionError, TimeoutError):
        pass
    return said


STRANGERS = count(1)


def stranger() -> str:
    """Return a proxy header for a client that was never here before."""
    n = next(STRANGERS)
    return f"X-Forwarded-For: 10.{n >> 16}.{n >> 8 & 255}.{n & 255}"


def cpu(process: int) -> float:
    """Return the seconds of CPU that a process has used (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def assert_cheap(work: Callable[[], object], clock: Callable[[], float], times: int = 1) -> None:
    """Fail if `work`, which does something `times`, takes too long in each of three tries.

    Other work on the machine can only slow a try down.
    """
    took = []
    for _ in range(3):
        before = clock()
        work()
        took.append((clock() - before) / times)
        if took[-1] < MOST:
            return
    raise AssertionError(took)


@pytest.mark.measuring
@pytest.mark.enable_socket
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no proc(5) here")
@pytest.mark.parametrize("request_", COSTLY.values(), ids=COSTLY)
def test_no_request_costs_much(running: tuple[int, int], request_: bytes) -> None:
    """Any request of one packet is answered or refused within 20 ms of CPU, and the service
    survives."""
    port, process = running

    def send_all() -> None:
        for _ in range(TIMES):
            said = answer(
                port, request_.replace(b"Host: h", f"Host: h\r\n{stranger()}".encode(), 1)
            )
            assert not said or int(said.split()[1]) < 500, said[:500]

    assert_cheap(send_all, lambda: cpu(process), TIMES)
    assert answer(port, head("GET", "/health")).endswith(b"ok\n")


ADDRESSES = (
    "a." * 60 + "@" + "a." * 60,
    "a@" + "中." * 60,
    "a@" + "\u0300" * 200,
    "a@" + "xn--" * 60,
    '"' * 250,
    "(" * 250,
    "a@[" + ":" * 240 + "]",
    "@" * 254,
    "a@" + "\u0660" * 240,
    "ﷺ" * 254,
)


@pytest.mark.measuring
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_costs_much(tmp_path: Path, address: str) -> None:
    """Whatever is wrong with it."""
    with office(tmp_path) as desk:
        given = {"t": desk.form(), "address": address, "digest": "weekly"}

        def send_all() -> None:
            for _ in range(TIMES):
                assert desk.web.post("/subscribe", data=given).status_code in {200, 400, 429}

        assert_cheap(send_all, time.process_time, TIMES)


_PIECES = st.sampled_from(
    [
        *(b";", b'"', b"\\", b"=", b"&", b"%", b"%41", b"+", b"--x", b"\r\n", b"\r", b"\n", b":"),
        *(
            NAME,
            b"Content-Type: multipart/mixed; boundary=x",
            b"\r\n\r\n",
            b"; filename=a",
            b"\xff",
        ),
    ]
)


@pytest.mark.measuring
@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(_PIECES, st.integers(1, 9_000)), max_size=6), st.sampled_from([FORM, PARTS])
)
def test_no_form_costs_much(pieces: list[tuple[bytes, int]], kind: str) -> None:
    """However it is composed."""
    body = b"".join(piece * times for piece, times in pieces)[: forms.LARGEST]

    def parse() -> None:
        with suppress(forms.Unreadable):
            asyncio.run(forms.parse(kind, body))

    assert_cheap(parse, time.process_time)


# Connections

ROOM = ConnectionPool(each=5, total=30)


@contextmanager
def listening(
    room: ConnectionPool, timeouts: RequestTimeouts, app: Starlette | None = None
) -> Iterator[int]:
    """Yield the port of a server with such limits."""
    here = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here\n"))])
    http = partial(HttpConnection, pool=room, timeouts=timeouts)
    config = uvicorn.Config(app or here, http=http, ws="none", log_config=None,
                            h11_max_incomplete_event_size=LARGEST_HEAD)  # fmt: skip
    server = uvicorn.Server(config)
    with socket.create_server((HERE, 0)) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        yield door.getsockname()[1]
        server.should_exit = True
        thread.join()


def hold(many: ExitStack, port: int, source: str, sent: bytes = b"") -> socket.socket:
    """Open a connection and keep it open, with nothing or a part of a request `sent`."""
    client = socket.create_connection((HERE, port), timeout=10, source_address=(source, 0))
    many.enter_context(client)
    client.sendall(sent)
    return client


HALF = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nX-a: ",
    "half a body": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na",
    "a whole request": head("GET", "/"),
    "a request whose answer is not read": head("GET", "/") * 20,
}


@pytest.mark.enable_socket
@pytest.mark.parametrize("sent", HALF.values(), ids=HALF)
def test_held_connections_lock_no_one_out(running: tuple[int, int], sent: bytes) -> None:
    """Neither others nor the same client, however many it opens and whatever it has sent."""
    port, _ = running
    with ExitStack() as many:
        for _ in range(450):
            hold(many, port, "127.0.0.9", sent)
        for source in ("127.0.0.9", "127.0.0.10", "127.8.0.1"):
            assert answer(port, head("GET", "/health"), source).endswith(b"ok\n")


@pytest.mark.enable_socket
def test_clients_of_many_networks_lock_no_one_out(running: tuple[int, int]) -> None:
    """Three hundred addresses, with more connections than the total limit."""
    port, _ = running
    with ExitStack() as many:
        for number in range(500):
            hold(many, port, f"127.{number % 50}.1.{1 + number % 6}", b"GET / HT")
        assert answer(port, head("GET", "/health"), "127.99.0.1").endswith(b"ok\n")


def test_each_client_has_its_share_of_connections() -> None:
    """A client, its network, and all: if one is full, only its own connections are closed."""
    room = ConnectionPool(each=2, total=30)

    class Connection:
        def __init__(self, host: str, *, answering: bool = False) -> None:
            self.client, self.answering, self.transport = (host, 1), answering, self
            self.closed = False

        def abort(self) -> None:
            self.closed = True

    def enter(host: str, **kwargs: bool) -> Connection:
        connection = Connection(host, **kwargs)
        connection.entered = room.enter(connection)  # type: ignore[attr-defined,arg-type]
        return connection

    other = enter("2001:db8::1")
    held = [enter("192.0.2.1") for _ in range(5)]
    assert [each.closed for each in held] == [True, True, True, False, False]
    same = [enter("192.0.2.1", answering=True) for _ in range(11)]
    assert [each.entered for each in same] == [True] * 10 + [False]  # type: ignore[attr-defined]
    assert all(each.closed for each in held)
    around = [enter(f"192.0.2.{n}", answering=True) for n in range(2, 13)]
    assert [each.entered for each in around] == [True] * 10 + [False]  # type: ignore[attr-defined]
    assert not other.closed
    for each in (other, *held, *same, *around):
        room.leave(each)  # type: ignore[arg-type]
        room.leave(each)  # type: ignore[arg-type]
    assert room == ConnectionPool(each=2, total=30)


@pytest.mark.enable_socket
def test_slow_clients_are_disconnected() -> None:
    """Reading the body and writing the answer have a time limit, whatever is sent meanwhile."""

    async def slow(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def large(_: Request) -> Response:
        return PlainTextResponse("x" * 30_000_000)

    app = Starlette(routes=[Route("/slow", slow, methods=["POST"]), Route("/large", large)])
    with listening(ROOM, RequestTimeouts(head=1, answer=0.5), app) as port:
        for request in (head("POST", "/slow", "Content-Length: 9"), head("GET", "/large")):
            with socket.create_connection((HERE, port), timeout=10) as client:
                client.sendall(request)
                until(lambda: ConnectionPool(each=5, total=30) != ROOM)
                until(lambda: ConnectionPool(each=5, total=30) == ROOM)


@pytest.mark.enable_socket
def test_a_request_with_two_lengths_ends_its_connection(running: tuple[int, int]) -> None:
    """A proxy might see a second request in it, so it is not answered (RFC 9112, section 6.3)."""
    port, _ = running
    twice = head("POST", "/unsubscribe/x", "Content-Length: 60", "Transfer-Encoding: chunked")
    with socket.create_connection((HERE, port), timeout=10) as client:
        client.sendall(twice + b"0\r\n\r\n" + head("GET", "/health"))
        assert b" 400 " in read(client)
        assert read(client) == b""


BAD = {
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    "a bare line feed in a value": b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: h\r\nX: \0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na",
    "another coding": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\na",
    "a bad chunk": chunked(b"-1\r\na\r\n"),
    "a huge chunk": chunked(b"f" * 30 + b"\r\n"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\nHost: h\r\n\r\n",
    "no path": head("GET", "health"),
    "an absolute address": head("GET", "http://evil.example/health"),
    "CONNECT": head("CONNECT", "evil.example:443"),
    "everything": head("OPTIONS", "*"),
    "up": head("GET", "/../../etc/passwd"),
    "up, escaped": head("GET", "/%2e%2e/%2e%2e/etc/passwd"),
    "a NUL in the path": head("GET", "/unsubscribe/%00"),
    "a line end in the path": head("GET", "/unsubscribe/%0d%0aSet-Cookie:a=b"),
    "another server in the path": head("GET", "//evil.example/unsubscribe/"),
    "a websocket": head("GET", "/", "Connection: Upgrade", "Upgrade: websocket"),
    "no such method": head("BREW", "/"),
    "a method in lower case": head("get", "/"),
    "a method that is markup": head("<b>", "/"),
}


@pytest.mark.enable_socket
@pytest.mark.parametrize("request_", BAD.values(), ids=BAD)
def test_a_bad_request_is_refused_and_leads_nowhere(
    running: tuple[int, int], request_: bytes
) -> None:
    """No error of ours, no redirect, no cookie, nothing of it in the answer."""
    port, _ = running
    said = answer(port, request_)
    assert not said or int(said.split()[1]) in {100, 200, 400, 404, 405, 501}, said
    lower = said.lower()
    for never in (b"\r\nlocation:", b"\r\nset-cookie:", b"evil.example", b"traceback", b"root:"):
        assert never not in lower
    assert answer(port, head("GET", "/health")).endswith(b"ok\n")


@pytest.mark.long
@pytest.mark.enable_socket
@pytest.mark.parametrize("bad", [b"x\r\n", b"1\r\naXX", b"-1\r\n", b"0\r\nbad header\r\n\r\n"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_bad_body_is_no_error_of_ours(newsroom: Newsroom, bad: bytes, *, whole: bool) -> None:
    """Refused, and nothing of it in the log: anyone could fill the disk with it."""
    newsroom.configure(CONFIG % 25)
    with served(newsroom) as (port, process):
        for path in ("/unsubscribe/x", "/nothing"):
            sent = chunked(bad).replace(b"/unsubscribe/x", path.encode())
            with socket.create_connection((HERE, port), timeout=10) as client:
                client.sendall(sent if whole else sent[: -len(bad)])
                client.sendall(b"" if whole else bad)
                said = read(client)
                assert not said or int(said.split()[1]) in {400, 404}
        process.terminate()
        assert process.communicate(timeout=20)[1] == b""


# Confirmation mails


def asked(limits: RateLimits, host: str, domain: str = "example.org") -> bool:
    asked.number += 1  # type: ignore[attr-defined]
    return limits.confirmation(host, f"a{asked.number}@{domain}")  # type: ignore[attr-defined]


asked.number = 0  # type: ignore[attr-defined]

FLOODS = {
    "one address": lambda _: "192.0.2.1",
    "30 addresses of one network": lambda n: f"192.0.2.{n % 30}",
    "30 addresses of 30 networks": lambda n: f"192.{n % 30}.2.1",
    "a /48": lambda n: f"2001:db8:1:{n:x}::1",
    "30 of these": lambda n: f"2001:db8:{n % 30}:{n:x}::1",
    "no addresses": lambda n: f"unknown-{n}",
}


@pytest.mark.parametrize("source", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("domains", [1, 2_000])
def test_no_flood_uses_up_the_mails_of_others(source: object, domains: int) -> None:
    """New clients are still sent one, even at the domain that is flooded."""
    limits = RateLimits()
    sent = sum(asked(limits, source(n), f"{n % domains}.example") for n in range(2_000))  # type: ignore[operator]
    assert 0 < sent <= 240
    assert all(asked(limits, f"198.{n}.100.7", "0.example") for n in range(20))
    assert all(asked(limits, f"2001:db8:{n + 100:x}::7", "9.example") for n in range(20))


def test_the_reserve_is_one_mail_an_hour_per_network() -> None:
    """However long a flood lasts, a network in it gets only one of these."""
    clock = [0.0]
    hour = 3_600
    limits = RateLimits(
        **{  # type: ignore[arg-type]
            name: Allowance(times, hour, lambda: clock[0])
            for name, times in {"client": 10, "around": 30, "first": 1, "everyone": 300}.items()
        }
    )
    for second in range(2 * hour):
        clock[0] = float(second)
        asked(limits, f"192.{second % 40}.2.{second % 7}", f"{second}.example")
        if second % 60 == 0:
            assert asked(limits, f"198.51.{second // 60}.1")


@pytest.mark.parametrize(
    ("host", "own", "around"),
    [
        ("192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32", "192.0.2.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("evil, 192.0.2.7", "::/64", "::/48"),
    ],
)
def test_a_network_counts_as_one_client(host: str, own: str, around: str) -> None:
    """Addresses that cost nothing are one client, and one network is not a crowd."""
    assert tuple(map(str, networks(host))) == (own, around)


@pytest.mark.long
@pytest.mark.enable_socket
def test_one_click_works_during_a_flood_of_subscriptions(newsroom: Newsroom) -> None:
    """From one address and from many, with good, bad and unfinished forms."""
    newsroom.configure(CONFIG % 9)  # no mail server: letters wait
    newsroom.article("a.md")
    database = open_database("sqlite:///broadsheet.db", newsroom.folder)
    with database.writing() as connection:
        readers = [
            subscribers.add(connection, f"r{n}@example.com", cause="test", now=NOW)
            for n in range(20)
        ]
    with served(newsroom, "--proxy", HERE) as (port, _):
        seal = hidden(answer(port, head("GET", "/subscribe")).decode())
        end = threading.Event()

        def flood(number: int) -> None:
            while not end.is_set():
                for other in ("/health", "/confirm/x", "/subscribe")[: number % 4]:
                    answer(port, head("GET", other, stranger()))
                body = f"t={seal}&address=x{next(STRANGERS)}@example.com&digest=weekly".encode()
                sent = post("/subscribe", FORM, body)
                if number % 3:
                    sent = sent.replace(b"Host: h", f"Host: h\r\n{stranger()}".encode())
                answer(port, sent[: len(sent) - (number % 4 == 3)] if number % 3 else sent)

        with ExitStack() as many:
            for _ in range(300):
                hold(many, port, "127.0.0.9", b"POST /subscribe HTTP/1.1\r\nHost: h\r\nContent-Le")
            flooding = [threading.Thread(target=flood, args=(n,), daemon=True) for n in range(8)]
            for each in flooding:
                each.start()
            try:
                for reader in readers:
                    mark = Tokens(SECRET).unsubscribe(reader.id, "")
                    start = time.monotonic()
                    click = post(f"/unsubscribe/{mark}", FORM, b"List-Unsubscribe=One-Click")
                    assert b" 200 " in answer(port, click)
                    assert time.monotonic() - start < 5
            finally:
                end.set()
                for each in flooding:
                    each.join(20)
    with database.reading() as connection:
        now = [subscribers.get(connection, reader.id) for reader in readers]
    database.close()
    assert {each.status for each in now if each} == {"unsubscribed"}


def test_a_form_of_another_site_is_refused_from_older_browsers(tmp_path: Path) -> None:
    """They send Origin only; `null` is our own page's, which has no referrer."""
    with office(tmp_path) as desk:
        given = {"t": desk.form(), "address": "bob@example.com", "digest": "weekly"}
        for origin in (
            "https://evil.example",
            "http://news.example.org",
            "https://news.example.org.evil",
        ):
            answered = desk.web.post("/subscribe", data=given, headers={"Origin": origin})
            assert "bob@example.com" in answered.text
        assert desk.post() == []
        for origin in ("null", "https://news.example.org"):
            desk.web.post("/subscribe", data=given, headers={"Origin": origin})
        assert len(desk.post()) == 2


def test_a_broken_form_changes_no_settings(tmp_path: Path) -> None:
    """Not even if there is nothing to choose; but unsubscribing works."""
    broken = {"content": b"--y", "headers": {"Content-Type": PARTS}}
    with office(tmp_path) as desk:
        who = desk.subscriber(topics=("Science",))
        for page in ("preferences", "confirm", "subscribe"):
            path = f"/{page}" if page == "subscribe" else f"/{page}/{desk.mark(who)}"
            assert desk.web.post(path, **broken).status_code == 400  # type: ignore[arg-type]
        assert desk.who() == who
        assert desk.web.post(f"/unsubscribe/{desk.mark(who)}", **broken).status_code == 200  # type: ignore[arg-type]
        assert desk.status() == "unsubscribed"


@pytest.mark.parametrize("proxy", ["*", "localhost", "127.0.0.1/8", ""])
def test_a_proxy_is_named_by_its_address(newsroom: Newsroom, proxy: str) -> None:
    """Never everyone: a client that may write X-Forwarded-For has no limit."""
    newsroom.configure(CONFIG % 25)
    ran = newsroom.run("serve", "--proxy", proxy)
    assert ran.code == 2
    assert "--proxy: " in ran.err


def test_a_forged_link_does_not_reach_the_database(tmp_path: Path) -> None:
    """Forged links keep no connection busy; here there is no database."""
    with office(tmp_path) as desk:
        (desk.folder / "test.db").rename(desk.folder / "away.db")
        for page in ("unsubscribe", "preferences", "confirm"):
            assert desk.web.get(f"/{page}/x").status_code == 400
            assert desk.web.post(f"/{page}/x").status_code == 400
