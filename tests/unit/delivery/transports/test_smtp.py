"""The connection to a mail server, against servers that follow a test's script exactly."""

from __future__ import annotations

import asyncio
import base64
import shlex
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from broadsheet.delivery.transports import UnavailableError, Verdict
from broadsheet.delivery.transports._oauth import TokenSource
from broadsheet.delivery.transports.smtp import SmtpServer, transport
from broadsheet.errors import ConfigError
from broadsheet.model.settings import DeliverySettings
from broadsheet.model.values import SmtpUrl
from scripted_server import MAIL, Script

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

T = TypeVar("T")


def _with(
    script: Script,
    work: Callable[[SmtpServer], Awaitable[T]],
    user: str = "",
    token: TokenSource | None = None,
) -> T:
    """Return the result of `work` with a server that follows `script`."""
    timeout = 0.3 if "" in script.replies.values() else 20  # short if it hangs

    async def run() -> T:
        listening = await asyncio.start_server(script, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        password = "hunter2" if user else ""
        server = SmtpServer("127.0.0.1", port, False, "never", timeout, user, password, token)
        try:
            return await work(server)
        finally:
            listening.close()

    return asyncio.run(run())


def _sent(script: Script, mails: int = 1, mail: bytes = MAIL) -> Verdict:
    """Return the verdict on the last of `mails` over one connection."""

    async def work(server: SmtpServer) -> Verdict:
        session = await server.connect()
        for _ in range(mails):
            verdict = await session.send("me@a.org", "you@b.org", mail)
        await session.leave()
        return verdict

    return _with(script, work)


@pytest.mark.parametrize(
    ("mail", "arrives"),
    [
        (b"a\r\n", b"a\r\n"),
        (b".", b"..\r\n"),
        (b".\r\n.", b"..\r\n..\r\n"),
        (b"a.b\r\nc\r\n", b"a.b\r\nc\r\n"),
        (b"a\r\n.b\r\nc.d\r\n", b"a\r\n..b\r\nc.d\r\n"),
        (b"a.b\r\nc\r\n.\r\n", b"a.b\r\nc\r\n..\r\n"),
    ],
)
def test_dots_at_the_start_of_lines_are_doubled(mail: bytes, arrives: bytes) -> None:
    """Wherever the last one is, and no others (RFC 5321, section 4.5.2)."""
    script = Script()
    assert _sent(script, mail=mail).kind == "accepted"
    assert script.mails == [arrives + b".\r\n"]


@pytest.mark.parametrize("extensions", ["250-me\r\n250 PIPELINING", "250 me"])
def test_a_mail_arrives_as_it_is(extensions: str) -> None:
    """With dots at the starts of lines doubled, with pipelining or without."""
    script = Script(EHLO=extensions)
    assert _sent(script, 2) == Verdict("accepted", 250, "2.0.0 queued as 1")
    assert script.mails == [b"Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n"] * 2
    assert script.heard[0].startswith("EHLO [127.0.0.1]")
    assert script.heard[1:4] == ["MAIL FROM:<me@a.org>", "RCPT TO:<you@b.org>", "DATA"]
    assert script.heard[-1] == "QUIT"


@pytest.mark.parametrize(
    ("replies", "verdict"),
    [
        ({"MAIL": "451 4.3.0 later"}, Verdict("deferred", 451, "4.3.0 later")),
        ({"MAIL": "550 not you"}, Verdict("sender_refused", 550, "not you")),
        ({"RCPT": "450 4.2.1 full", "DATA": "503 no"}, Verdict("deferred", 450, "4.2.1 full")),
        ({"RCPT": "550-5.1.1 no\r\n550 such"}, Verdict("refused", 550, "5.1.1 no such")),
        ({"DATA": "452 4.3.1 no room"}, Verdict("deferred", 452, "4.3.1 no room")),
        ({"END": "554 5.7.1 spam"}, Verdict("refused", 554, "5.7.1 spam")),
        ({"END": "421 4.3.2 bye"}, Verdict("deferred", 421, "4.3.2 bye")),
        ({"MAIL": None}, Verdict("lost", None, "the server closed the connection")),
        ({"DATA": None}, Verdict("lost", None, "the server closed the connection")),
        ({"END": None}, Verdict("in_doubt", None, "the server closed the connection")),
        ({"DATA": ""}, Verdict("lost", None, "the server does not answer")),
        ({"END": ""}, Verdict("in_doubt", None, "the server does not answer")),
        ({"END": "hello"}, Verdict("in_doubt", None, "the server does not speak SMTP")),
        ({"RCPT": "2"}, Verdict("lost", None, "the server does not speak SMTP")),
        ({"END": "354 more"}, Verdict("in_doubt", None, "it cannot say that")),
        ({"END": "250 " + "x" * 9000}, Verdict("accepted", 250, "x" * 500)),
        # A reply from before the loss still counts.
        ({"RCPT": "550 5.1.1 no!"}, Verdict("refused", 550, "5.1.1 no")),
        ({"RCPT": "421 4.7.0 bye!"}, Verdict("deferred", 421, "4.7.0 bye")),
        ({"RCPT": "550 5.1.1 no", "RSET": None}, Verdict("refused", 550, "5.1.1 no")),
        ({"RCPT": "450 4.2.1 full", "RSET": ""}, Verdict("deferred", 450, "4.2.1 full")),
        ({"DATA": "451 4.3.0 later!"}, Verdict("deferred", 451, "4.3.0 later")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("extensions", ["250-me\r\n250 PIPELINING", "250 me"])
def test_each_answer_has_its_verdict(
    replies: dict[str, str | None], verdict: Verdict, extensions: str
) -> None:
    """A mail lost before its end was not accepted; after it, it is in doubt."""
    found = _sent(Script(EHLO=extensions, **replies))
    if found.kind == "lost":  # some systems have longer messages for a reset connection
        assert verdict.kind == "lost"
    else:
        assert found.kind == verdict.kind
        assert found.code == verdict.code
        if verdict.code:
            assert found.words == verdict.words


@pytest.mark.parametrize(
    ("replies", "gone"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, True),
        (
            {"RCPT": "550-5.1.1 The account that you tried to\r\n550 5.1.1 reach does not exist"},
            True,
        ),
        ({"RCPT": "550 no such user here"}, True),
        ({"RCPT": "550 5.2.2 mailbox full"}, False),
        ({"RCPT": "550 5.1.1 user unknown: over quota"}, False),
        ({"RCPT": "550 5.7.1 <you@b.org>: no such user"}, False),
        ({"RCPT": "550 5.1.2 unknown domain"}, False),
        ({"RCPT": "550 5.4.310 the domain does not exist"}, False),
        ({"RCPT": "450 5.1.1 no such user"}, False),
        ({"RCPT": "530 authenticate first: unknown user"}, False),
        ({"MAIL": "550 5.1.1 no such user"}, False),
        ({"MAIL": "450 5.1.1 no such user"}, False),
        ({"END": "550 user unknown"}, False),
        ({"END": "550 5.1.1 no such user"}, True),
        ({"RCPT": "552 5.2.2 full", "DATA": "554 5.1.1 no such user"}, False),
    ],
)
@pytest.mark.parametrize("extensions", ["250-me\r\n250 PIPELINING", "250 me"])
def test_only_an_unknown_mailbox_is_gone(
    replies: dict[str, str | None], gone: bool, extensions: str
) -> None:
    """By the rules that `bounces` uses: replies before RCPT are not about the reader."""
    assert _sent(Script(EHLO=extensions, **replies)).gone == gone


@pytest.mark.parametrize(
    "reply",
    [
        "530 5.7.0 Authentication required",
        "535 5.7.8 no",
        "554 5.7.1 <you@b.org>: Relay access denied",
        "550 5.7.1 Unable to relay",
        "550 relay not permitted",
        "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    ],
)
def test_a_server_that_wants_a_login_blames_no_reader(reply: str) -> None:
    """It says so to RCPT, to everyone: the config has to change."""
    assert _sent(Script(RCPT=reply)).kind == "sender_refused"


def test_after_a_refusal_the_connection_is_still_used() -> None:
    """Even if the server accepts DATA after it refused all recipients (RFC 2920)."""
    script = Script(RCPT="550 5.1.1 no", END="554 5.5.1 no valid recipients")

    async def work(server: SmtpServer) -> list[str]:
        session = await server.connect()
        kinds = []
        for _ in range(2):
            kinds.append((await session.send("me@a.org", "you@b.org", MAIL)).kind)
            script.replies |= {"RCPT": "250 ok", "END": "250 ok"}
        return kinds

    assert _with(script, work) == ["refused", "accepted"]
    assert script.mails[0] == b".\r\n", "no one gets an empty mail"
    assert "RSET" in script.heard


def test_a_connection_closed_while_idle_is_stale() -> None:
    """The server did not see the second mail: it can use a new connection at once."""
    script = Script()

    async def work(server: SmtpServer) -> Verdict:
        session = await server.connect()
        await session.send("me@a.org", "you@b.org", MAIL)
        script.replies["MAIL"] = None
        return await session.send("me@a.org", "you@b.org", MAIL)

    found = _with(script, work)
    assert (found.kind, found.stale) == ("lost", True)


def test_a_421_while_idle_defers_no_mail() -> None:
    """A 421 before the next mail is not about that mail."""
    script = Script(END="250 ok\r\n421 4.4.2 idle for too long!")

    async def work(server: SmtpServer) -> Verdict:
        session = await server.connect()
        await session.send("me@a.org", "you@b.org", MAIL)
        await script.closed.wait()
        return await session.send("me@a.org", "you@b.org", MAIL)

    found = _with(script, work)
    assert (found.kind, found.stale) == ("lost", True)
    assert len(script.mails) == 1


@pytest.mark.parametrize("reply", ["250-more\r\n", "2"])
def test_a_server_that_trickles_its_reply_is_given_up(reply: str) -> None:
    """The timeout is for the whole reply, not for each byte."""

    async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(writer):
            while True:
                writer.write(reply.encode())
                await writer.drain()
                await asyncio.sleep(0.1)  # a slow server

    async def work() -> float:
        listening = await asyncio.start_server(dripping, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        started = time.monotonic()
        with pytest.raises(UnavailableError, match=r"does not answer|does not speak SMTP"):
            await SmtpServer("127.0.0.1", port, False, "never", 0.3).connect()
        listening.close()
        return time.monotonic() - started

    assert asyncio.run(work()) < 1


def test_an_endless_reply_is_given_up() -> None:
    """It is not kept in memory."""
    talks = asyncio.Event()

    async def talking(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError), closing(writer):
            writer.write(b"220 hello\r\n")
            while True:
                writer.write(b"250 ok\r\n" * 1000)
                await writer.drain()
                talks.set()

    async def work() -> Verdict:
        listening = await asyncio.start_server(talking, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        session = await SmtpServer("127.0.0.1", port, False, "never", 5).connect()
        await talks.wait()
        found = await session.send("me@a.org", "you@b.org", MAIL)
        listening.close()
        return found

    assert asyncio.run(work()).kind == "lost"


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ({"greeting": "554 no service"}, "greets with: 554 no service"),
        ({"greeting": None}, "connection"),
        ({"greeting": ""}, "the server does not answer"),
        ({"greeting": "SSH-2.0-x"}, "the server does not speak SMTP"),
        ({"EHLO": "421 busy"}, "answers EHLO with: 421 busy"),
    ],
)
def test_an_unusable_server_has_a_clear_message(replies: dict[str, str | None], why: str) -> None:
    """Before any mail is started."""
    with pytest.raises(UnavailableError, match=why):
        _with(Script(**replies), SmtpServer.connect)


@pytest.mark.parametrize(
    ("ways", "heard"),
    [
        ("LOGIN PLAIN", ["AUTH PLAIN " + base64.b64encode(b"\0me\0hunter2").decode()]),
        ("LOGIN", ["AUTH LOGIN", "bWU=", base64.b64encode(b"hunter2").decode()]),
    ],
)
def test_it_logs_in(ways: str, heard: list[str]) -> None:
    """With every method that servers offer."""
    replies: Iterable[tuple[str, str]] = [(line.split()[0].upper(), "334 go") for line in heard]
    script = Script(EHLO=f"250-me\r\n250 AUTH {ways}")
    script.replies |= dict(replies)
    script.replies[heard[-1].split()[0].upper()] = "235 welcome"

    async def work(server: SmtpServer) -> None:
        await (await server.connect()).leave()

    _with(script, work, user="me")
    assert script.heard[1 : 1 + len(heard)] == heard


XOAUTH2 = base64.b64encode(b"user=me@x.example\x01auth=Bearer ya29.token\x01\x01").decode()
OAUTH = "250-me\r\n250 AUTH PLAIN XOAUTH2"


def test_it_logs_in_with_an_oauth_token() -> None:
    """XOAUTH2, as Google and Microsoft document it; the password is not used."""
    script = Script(EHLO=OAUTH, AUTH="235 welcome")

    async def work(server: SmtpServer) -> None:
        await (await server.connect()).leave()

    _with(script, work, user="me@x.example", token=TokenSource("ya29.token"))
    assert script.heard[1] == f"AUTH XOAUTH2 {XOAUTH2}"


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ({"AUTH": "334 eyJzdGF0dXMiOiI0MDAifQ==", "": "535 5.7.8 ya29.token is wrong"}, "5.7.8"),
        ({"AUTH": "535 5.7.8 ya29.token is wrong"}, "5.7.8"),
        ({"EHLO": "250-me\r\n250 AUTH PLAIN"}, "XOAUTH2"),
    ],
)
def test_a_refused_token_is_reported_and_never_repeated(replies: dict[str, str], why: str) -> None:
    """The challenge with the error is answered with an empty line."""
    script = Script(**{"EHLO": OAUTH, **replies})
    with pytest.raises(UnavailableError, match=why) as caught:
        _with(script, SmtpServer.connect, user="me@x.example", token=TokenSource("ya29.token"))
    assert "ya29" not in str(caught.value)
    assert caught.value.for_good


def test_a_command_prints_the_token(tmp_path: Path) -> None:
    """It is run once for many logins, and again when the server refuses the token."""
    runs = tmp_path / "runs"
    code = f"open({str(runs)!r}, 'a').write('x'); print('ya29.token')"
    command = shlex.join([sys.executable, "-c", code])
    source = TokenSource.read({"T_COMMAND": command}, "T")
    assert source is not None
    assert [source.get(), source.get()] == ["ya29.token"] * 2
    assert runs.read_text() == "x"
    source.refuse()
    assert source.get() == "ya29.token"
    assert runs.read_text() == "xx"


@pytest.mark.parametrize("command", ["false", "true", "/no/such/program", "'", "echo two words"])
def test_a_command_that_prints_no_token_is_reported(command: str) -> None:
    """By the name of its variable, without what it printed."""
    source = TokenSource.read({"T_COMMAND": command}, "T")
    assert source is not None
    with pytest.raises(UnavailableError, match="T_COMMAND") as caught:
        source.get()
    assert "words" not in str(caught.value)


def test_a_token_needs_a_user() -> None:
    """The mail address is a part of what is sent."""
    with pytest.raises(ConfigError, match="BROADSHEET_SMTP_USER"):
        transport(DeliverySettings(), {"BROADSHEET_SMTP_TOKEN": "ya29"})


def test_a_password_is_never_repeated() -> None:
    """Not even if the server repeats it."""
    script = Script(EHLO="250-me\r\n250 AUTH PLAIN", AUTH="535 5.7.8 hunter2 is wrong")
    with pytest.raises(UnavailableError, match="it refuses the login") as caught:
        _with(script, SmtpServer.connect, user="me")
    assert "hunter2" not in str(caught.value)
    assert caught.value.for_good


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("smtp://localhost:25", "localhost", 25, False),
        ("smtp://mail.example.org:587/", "mail.example.org", 587, False),
        ("smtps://mail.example.org", "mail.example.org", 465, True),
        ("smtp://[::1]:2525", "::1", 2525, False),
    ],
)
def test_a_mail_server_is_named_by_its_address(text: str, host: str, port: int, tls: bool) -> None:
    """With the usual ports."""
    url = SmtpUrl(text)
    assert (url.host, url.port, url.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "text",
    ["localhost:25", "http://x", "smtp://", "smtp://h:99999", "smtp://u:hunter2@h", "smtp://h/x"],
)
def test_an_invalid_server_address_is_refused(text: str) -> None:
    """And a password is not repeated."""
    with pytest.raises(ValueError, match=r"smtp://|SMTP_USER") as caught:
        SmtpUrl(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "fine"), [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("a.org", False)]
)
def test_mail_crosses_no_network_in_the_clear(host: str, fine: bool) -> None:
    """`never` is for this machine."""
    settings = DeliverySettings(smtp=SmtpUrl(f"smtp://{host}"), starttls="never")
    if fine:
        assert transport(settings, {}).is_local
    else:
        with pytest.raises(ConfigError, match="only for a server on this machine"):
            transport(settings, {})
