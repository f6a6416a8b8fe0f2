"""A mail server that repeats the credentials leaks them nowhere: not in AUTH, and not later."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.transports import UnavailableError, Verdict
from broadsheet.delivery.transports._credentials import Traces
from broadsheet.delivery.transports.smtp import SmtpServer
from deliveries import Post
from laws import long
from newsroom import contents
from scripted_server import MAIL, Script

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

USER, PASSWORD = "mailer-77", "c0rrect/Horse+Ünique!"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _blob(user: str, password: str) -> str:
    return _b64(f"\0{user}\0{password}")


FORMS: dict[str, Callable[[str, str], str]] = {
    "in clear": lambda _, password: password,
    "with spaces": lambda _, password: " ".join(password),
    "in capitals": lambda _, password: password.upper(),
    "its first half": lambda _, password: password[: len(password) // 2],
    "its second half": lambda _, password: password[len(password) // 2 :],
    "backwards": lambda _, password: password[::-1],
    "in Base64": lambda _, password: _b64(password),
    "in Base64 for URLs": lambda _, p: base64.urlsafe_b64encode(p.encode()).decode().rstrip("="),
    "in Base64 of more": lambda user, password: _b64(f"{user}:{password}\n"),
    "in Base64 twice": lambda _, password: _b64(_b64(password)),
    "the argument of AUTH PLAIN": _blob,
    "a piece of that": lambda user, password: _blob(user, password)[6:18],
    "its end cut off": lambda user, password: _blob(user, password)[:14] + "...",
    "that, encoded for a URL": lambda user, password: quote(_blob(user, password), safe=""),
    "encoded for a URL": lambda _, password: quote(password, safe=""),
    "encoded for a form": lambda _, password: quote_plus(password),
    "encoded for a URL twice": lambda _, password: quote(quote(password, safe="")),
    "every byte of it encoded": lambda _, p: "".join(f"%{byte:02X}" for byte in p.encode()),
    "quoted-printable": lambda _, p: "".join(f"={byte:02X}" for byte in p.encode()),
    "in hexadecimal": lambda _, password: password.encode().hex(),
    "in Base32": lambda _, password: base64.b32encode(password.encode()).decode(),
    "as HTML": lambda _, p: "".join(f"&#{ord(char)};" for char in p),
    "escaped for HTML": lambda _, password: html.escape(password),
    "as JSON": lambda _, password: json.dumps(password),
    "the user name in Base64": lambda user, _: _b64(user),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_recognised(form: str) -> None:
    """On one line and split over several."""
    traces = Traces(USER, PASSWORD)
    text = FORMS[form](USER, PASSWORD)
    assert traces.found([f"5.7.8 {text} is wrong"])
    third = len(text) // 3
    split = [f"5.7.8 {text[:third]}", f"5.7.8 {text[third : 2 * third]}", text[2 * third :]]
    assert traces.found(split)


@given(st.text(min_size=8, max_size=40), st.text(min_size=8, max_size=60), st.data())
def test_any_password_is_recognised(user: str, password: str, data: st.DataObject) -> None:
    """Whatever its characters, whole or from anywhere in the argument of AUTH PLAIN."""
    user, password = (text.replace("\0", "x") for text in (user, password))
    traces = Traces(user, password)
    blob = _blob(user, password)
    start = data.draw(st.integers(0, len(blob) - 12))
    piece = blob[start : start + 12]
    if sum(char.isalnum() for char in piece) >= 6:
        assert traces.found([f"5.7.8 cannot decode {piece}"])
    assert traces.found([f"5.7.8 {_b64(password)}"])
    if sum(char.isalnum() for char in password) >= 5:
        assert traces.found([f"5.7.8 {password}"])


@pytest.mark.parametrize(
    "words",
    [
        "2.0.0 Ok: queued as 4X7d2Q1Zjz", "2.1.5 <ann@example.org>... Recipient ok",
        "5.1.1 <ann@example.org>: Recipient address rejected: User unknown", "",
        "4.7.1 Greylisting in action, please come back in 300 seconds",
        "2.0.0 OK  1751245261 5b1f17b1804b1-4538a4079d2si123456785e9.42 - gsmtp",
        "5.7.1 Sender address news@example.org is not owned by this mailer",
    ],
)  # fmt: skip
def test_other_words_are_kept(words: str) -> None:
    """The ledger keeps what servers say."""
    assert not Traces(USER, PASSWORD).found([words])
    assert not Traces("news@example.org", PASSWORD).found([words], ("news@example.org", "a@b.org"))


def test_the_user_name_is_withheld_unless_public() -> None:
    """A server may repeat the sender's address."""
    traces = Traces("news@example.org", PASSWORD)
    words = ["5.7.1 news@example.org may not send"]
    assert traces.found(words)
    assert not traces.found(words, ("news@example.org", "ann@example.org"))
    assert not Traces("me", PASSWORD).found(["2.0.0 some time"])


T = TypeVar("T")


async def _serve(script: Script, told: Callable[[int], object], end: asyncio.Event) -> None:
    """Serve until `end`; `told` gets the port."""
    server = await asyncio.start_server(script, "127.0.0.1", 0)
    told(server.sockets[0].getsockname()[1])
    await end.wait()
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _listening(script: Script) -> Iterator[int]:
    """Yield the port of a server that follows `script`, in a thread."""
    ports: SimpleQueue[int] = SimpleQueue()
    with ThreadPoolExecutor(1) as thread:
        end = asyncio.Event()
        loops: SimpleQueue[asyncio.AbstractEventLoop] = SimpleQueue()

        async def work() -> None:
            loops.put(asyncio.get_running_loop())
            await _serve(script, ports.put, end)

        done = thread.submit(asyncio.run, work())
        try:
            yield ports.get(timeout=10)
        finally:
            loops.get().call_soon_threadsafe(end.set)
            done.result()


def _with(script: Script, work: Callable[[int], Coroutine[None, None, T]]) -> T:
    """Return the result of `work` with a server that follows `script`; it gets the port."""
    with _listening(script) as port:
        return asyncio.run(work(port))


def _script(**replies: str | None) -> Script:
    """Return a script that accepts every login."""
    return Script(**{"EHLO": "250-me\r\n250 AUTH PLAIN", "AUTH": "235 2.7.0 welcome", **replies})


def _sent(script: Script) -> Verdict:
    """Return the result of a mail sent over a connection that is logged in."""

    async def work(port: int) -> Verdict:
        session = await SmtpServer.connect(_server(port))
        verdict = await session.send("news@example.org", "ann@example.org", MAIL)
        await session.leave()
        return verdict

    return _with(script, work)


def _server(port: int) -> SmtpServer:
    return SmtpServer("127.0.0.1", port, False, "never", 2, USER, PASSWORD)


def _pieces(text: str) -> set[str]:
    """Yield every piece of `text` that is long enough to reveal something."""
    return {text[i : i + 6].casefold() for i in range(len(text) - 5)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", ["535", "454", "334", "250"])
def test_a_refused_login_is_reported_without_the_server_reply(form: str, code: str) -> None:
    """Only one code, and what it means."""
    said = FORMS[form](USER, PASSWORD)
    script = _script(AUTH=f"{code}-5.7.8 {said[:7]}\r\n{code} 5.7.8 {said[7:]} hello")
    with pytest.raises(UnavailableError) as caught:
        _with(script, lambda port: SmtpServer.connect(_server(port)))
    told = f"{caught.value} {caught.value!r}".casefold()
    assert f"{code} 5.7.8 the credentials are invalid" in told
    assert "hello" not in told
    assert not any(piece in told for piece in _pieces(said))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "END"])
def test_a_later_reply_with_the_credentials_is_withheld(form: str, command: str) -> None:
    """Except for its codes, which decide the result of the mail."""
    said = FORMS[form](USER, PASSWORD)
    third = len(said) // 3
    lines = (said[:third], said[third : 2 * third], said[2 * third :])
    reply = "\r\n".join(
        f"550{'-' if place < 2 else ' '}5.1.1 {line}" for place, line in enumerate(lines)
    )
    verdict = _sent(_script(**{command: reply}))
    assert (verdict.code, verdict.words) == (
        550,
        "5.1.1 (withheld: the server repeats the credentials)",
    )


@pytest.mark.parametrize("command", ["greeting", "EHLO"])
def test_credentials_from_another_connection_are_withheld(command: str) -> None:
    """Its greeting may name the previous client."""
    script = _script(**{command: f"421 busy with {_blob(USER, PASSWORD)}"})
    with pytest.raises(UnavailableError, match="withheld") as caught:
        _with(script, lambda port: SmtpServer.connect(_server(port)))
    assert not any(piece in str(caught.value) for piece in _pieces(_blob(USER, PASSWORD)))


@pytest.fixture
def office(office: Post, monkeypatch: pytest.MonkeyPatch) -> Post:
    """A newsroom that logs in to its mail server."""
    monkeypatch.setenv("BROADSHEET_SMTP_USER", USER)
    monkeypatch.setenv("BROADSHEET_SMTP_PASSWORD", PASSWORD)
    office.subscribe(3)
    return office


@pytest.mark.parametrize("command", ["AUTH", "RCPT", *long("MAIL", "END", "QUIT")])
def test_a_delivery_keeps_and_shows_no_credential(
    office: Post, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its output nor in the ledger, in any file of the project or with debugging."""
    monkeypatch.setenv("BROADSHEET_DEBUG", "1")
    said = f"{PASSWORD} {_blob(USER, PASSWORD)} {quote(PASSWORD)} {_b64(PASSWORD)} {_b64(USER)}"
    with _listening(
        _script(**{command: f"550-5.1.1 {said[:20]}\r\n550 5.1.1 {said[20:]}"})
    ) as port:
        office.configure(smtp=f"smtp://127.0.0.1:{port}", connections=1)
        told = [office.deliver("--verbose", *args) for args in ((), ("--to", "me@example.org"))]
        told += [office.newsroom.run("status"), office.newsroom.run("status", "--json")]
    shown = "".join(ran.out + ran.err for ran in told)
    with sqlite3.connect(office.newsroom.folder / "broadsheet.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    files = b"".join(contents(office.newsroom.folder).values()).decode("utf-8", "replace")
    for part in said.split():
        for text in (shown, dump, files):
            assert not any(piece in text.casefold() for piece in _pieces(part))
