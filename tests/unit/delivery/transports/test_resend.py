"""The transport of Resend's API: each mail once, and errors as the ledger needs them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.transports import UnavailableError, Verdict, always
from broadsheet.delivery.transports.resend import ResendApi, transport
from broadsheet.errors import ConfigError
from broadsheet.model.publication import Url
from broadsheet.model.settings import DeliverySettings
from deliveries import SECRET, post
from laws import law
from resend_api import KEY, ResendStandIn, resend_api

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]


@pytest.fixture
def server() -> Iterator[ResendStandIn]:
    with resend_api() as found:
        yield found


def message(id_: str = "<weekly.2025-06-30.1@example.org>", subject: str = "周报") -> bytes:
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    mail["From"] = "AI 前沿 <news@example.org>"
    mail["To"] = "ann@example.com"
    mail["Subject"] = subject
    mail["Message-ID"] = id_
    mail["Date"] = "Mon, 30 Jun 2025 01:00:00 +0000"
    mail["List-Unsubscribe"] = f"<https://news.example.org/unsubscribe/{'x' * 90}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["DKIM-Signature"] = "v=1; a=rsa-sha256; b=abc"
    mail.set_content("Hello, 读者.\n")
    mail.add_alternative("<p>Hello, 读者.</p>", subtype="html")
    return mail.as_bytes()


def send(
    server: ResendStandIn, *mails: bytes, key: str = KEY, to: str = "ann@example.com"
) -> list[Verdict]:
    async def all_of_them() -> list[Verdict]:
        session = await ResendApi(server.url, key, 5).connect()
        try:
            return [await session.send("bounces@example.org", to, mail) for mail in mails]
        finally:
            await session.leave()

    return asyncio.run(all_of_them())


def test_a_mail_is_sent_with_all_its_fields(server: ResendStandIn) -> None:
    """Both bodies, and the fields that other servers need; not those that Resend writes itself."""
    (verdict,) = send(server, message())
    assert (verdict.kind, verdict.code) == ("accepted", 200)
    (mail,) = server.accepted
    assert mail["from"] == "AI 前沿 <news@example.org>"
    assert (mail["to"], mail["subject"]) == (["ann@example.com"], "周报")
    assert (mail["text"].strip(), mail["html"].strip()) == ("Hello, 读者.", "<p>Hello, 读者.</p>")
    assert mail["headers"] == {
        "Message-ID": "<weekly.2025-06-30.1@example.org>",
        "List-Unsubscribe": f"<https://news.example.org/unsubscribe/{'x' * 90}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_one_connection_sends_many_mails(server: ResendStandIn) -> None:
    """It is kept open."""
    verdicts = send(server, *(message(f"<{n}@example.org>") for n in range(5)))
    assert [each.kind for each in verdicts] == ["accepted"] * 5
    assert server.connections == 1


def test_if_the_answer_is_lost_the_request_is_repeated(server: ResendStandIn) -> None:
    """The reader gets one mail."""
    server.lose = 1
    (verdict,) = send(server, message())
    assert verdict.kind == "accepted"
    assert (len(server.accepted), server.requests) == (1, 2)


def test_if_both_answers_are_lost_the_mail_is_in_doubt(server: ResendStandIn) -> None:
    """A later attempt has the same key, so the reader still gets one mail."""
    server.lose = 2
    assert [each.kind for each in send(server, message())] == ["in_doubt"]
    assert [each.kind for each in send(server, message())] == ["accepted"]
    assert len(server.accepted) == 1


@law(8)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=12))
def test_whatever_is_lost_each_reader_gets_one_mail(steps: list[tuple[int, int]]) -> None:
    """By any number of attempts at any mail, with any answers lost."""
    with resend_api() as server:
        for number, lost in steps:
            server.lose = lost
            send(server, message(f"<{number}@example.org>"), to=f"r{number}@example.com")
            server.lose = 0
        received = [mail["to"][0] for mail in server.accepted]
        assert sorted(received) == sorted({f"r{number}@example.com" for number, _ in steps})


def test_two_readers_of_a_message_have_different_keys(server: ResendStandIn) -> None:
    """A test copy, for example, has the same Message-ID for everyone."""
    send(server, message(), to="ann@example.com")
    send(server, message(), to="ben@example.com")
    assert len(server.accepted) == 2


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "validation_error", "sender_refused"),
        (401, "missing_api_key", "sender_refused"),
        (403, "invalid_api_key", "sender_refused"),
        (403, "validation_error", "sender_refused"),
        (404, "not_found", "sender_refused"),
        (409, "concurrent_idempotent_requests", "deferred"),
        (409, "invalid_idempotent_request", "in_doubt"),
        (422, "invalid_from_address", "sender_refused"),
        (429, "rate_limit_exceeded", "deferred"),
        (429, "daily_quota_exceeded", "deferred"),
        (500, "internal_server_error", "deferred"),
        (503, "", "deferred"),
    ],
)
def test_an_error_is_a_verdict(server: ResendStandIn, status: int, name: str, kind: str) -> None:
    """What is temporary is tried again, and a wrong config ends the run, not the addresses."""
    server.errors = [(status, name)]
    (verdict,) = send(server, message())
    assert (verdict.kind, verdict.code, verdict.gone) == (kind, status, False)
    assert name in verdict.words


def test_an_address_that_resend_refuses_has_failed(server: ResendStandIn) -> None:
    """Only this reader's delivery fails."""
    (verdict,) = send(server, message(), to="ann@invalid.example")
    assert (verdict.kind, verdict.gone) == ("refused", False)
    assert "unknown domain" in verdict.words


def test_without_a_server_nothing_was_sent() -> None:
    """A connection that cannot be opened is not in doubt."""
    with resend_api() as server:
        pass
    (verdict,) = send(server, message())
    assert (verdict.kind, verdict.words) == ("lost", "Connection refused")


def test_a_claim_that_has_ended_sends_nothing(server: ResendStandIn) -> None:
    """The last moment is before the request."""

    async def try_it() -> Verdict:
        async def no() -> bool:
            return False

        session = await ResendApi(server.url, KEY, 5).connect()
        verdict = await session.send("", "ann@example.com", message(), no)
        assert not session.usable
        await session.leave()
        return verdict

    assert asyncio.run(try_it()).kind == "lost"
    assert server.requests == 0


@pytest.mark.parametrize(("key", "kind"), [(KEY, None), ("re_wrong", "sender_refused")])
def test_introducing_checks_the_key_and_sends_nothing(
    server: ResendStandIn, key: str, kind: str | None
) -> None:
    """A dry run reports a wrong key."""

    async def try_it() -> Verdict | None:
        session = await ResendApi(server.url, key, 5).connect()
        try:
            return await session.introduce("news@example.org")
        finally:
            await session.leave()

    verdict = asyncio.run(try_it())
    assert (verdict.kind if verdict else None) == kind
    assert server.accepted == []


def test_an_attachment_is_passed_on(server: ResendStandIn) -> None:
    """An inline image keeps its Content-ID."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "n@example.org", "S", "<1@example.org>"
    mail.set_content("Text.\n")
    mail.add_attachment(b"\x89PNG", "image", "png", filename="a.png", cid="<logo@example.org>")
    assert send(server, mail.as_bytes())[0].kind == "accepted"
    (found,) = server.accepted[0]["attachments"]
    assert base64.b64decode(found["content"]) == b"\x89PNG"
    assert (found["filename"], found["content_id"]) == ("a.png", "logo@example.org")


def test_settings_that_cannot_work_are_config_errors() -> None:
    """The key is not sent in clear, and there is no VERP."""
    unsafe = DeliverySettings(resend_url=Url("http://api.example.com/"))
    with pytest.raises(ConfigError, match="resend_url"):
        transport(unsafe, {})
    with pytest.raises(ConfigError, match="verp"):
        transport(DeliverySettings(verp=True), {})
    api = transport(DeliverySettings(), {"BROADSHEET_RESEND_KEY": KEY})
    assert KEY not in repr(api)
    with pytest.raises(UnavailableError, match="BROADSHEET_RESEND_KEY"):
        asyncio.run(transport(DeliverySettings(), {}).connect())
    assert asyncio.run(always())


def test_deliver_sends_through_it(
    server: ResendStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command uses the transport that the config names, each reader gets one mail."""
    monkeypatch.setenv("BROADSHEET_RESEND_KEY", KEY)
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        office.configure(transport="resend", resend_url=server.url)
        addresses = office.subscribe(30)
        server.lose = 1
        assert office.newsroom.run("deliver", "--dry-run").code == 0
        assert server.accepted == []
        ran = office.newsroom.run("deliver")
        assert ran.code == 0, ran.err
        assert office.states() == {"sent": 30}
        assert sorted(mail["to"][0] for mail in server.accepted) == sorted(addresses)
        assert all("List-Unsubscribe" in mail["headers"] for mail in server.accepted)
