"""The web service: unsubscribing always works, looking changes nothing, and nothing leaks."""

from __future__ import annotations

import asyncio
import base64
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import urlencode

import dkim
import html5lib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import browser
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import open_database
from broadsheet.delivery.personal_data import erase
from broadsheet.delivery.subscribers import Status
from broadsheet.delivery.tokens import Tokens
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.service import forms
from broadsheet.service.limits import Allowance, RateLimits, networks
from broadsheet.service.outbox import ConfirmationMail, LaterError, Outbox
from broadsheet.service.pages import Offer, OfferedDigest, masked
from newsroom import Newsroom
from processes import retry, until
from reader_service import (
    CONFIG,
    OFFER,
    SECRET,
    URL,
    Letterbox,
    Office,
    hidden,
    linked,
    office,
    served,
    ticked,
)

ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    """A service with two digests and three topics."""
    with office(tmp_path) as opened:
        yield opened


# Unsubscribe


@pytest.mark.parametrize("address", ["/unsubscribe/{}", "/unsubscribe?t={}"])
def test_one_click_as_mail_providers_do_it(desk: Office, address: str) -> None:
    """RFC 8058, 3.1: a POST with that body, no cookies; 200 at once, no redirect, and done."""
    answer = desk.web.post(
        address.format(desk.mark(desk.subscriber())),
        content=ONE_CLICK,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Mozilla/5.0 (compatible; mail provider)",
        },
    )
    assert answer.status_code == 200
    assert desk.status() == "unsubscribed"
    assert desk.who().cause == "one-click in the mail program"


def test_one_click_as_a_multipart_form(desk: Office) -> None:
    """RFC 8058, 3.2 allows either kind of form."""
    head = 'Content-Disposition: form-data; name="List-Unsubscribe"'
    body = f"--x\r\n{head}\r\n\r\nOne-Click\r\n--x--\r\n"
    answer = desk.web.post(
        f"/unsubscribe/{desk.mark(desk.subscriber())}",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status_code, answer.text) == (200, "unsubscribed\n")
    assert desk.who().cause == "one-click in the mail program"


def test_one_click_twice_is_once(desk: Office) -> None:
    """Providers retry; the second request succeeds too and changes nothing."""
    place = f"/unsubscribe/{desk.mark(desk.subscriber())}"
    form = {"List-Unsubscribe": "One-Click"}
    assert desk.web.post(place, data=form).status_code == 200
    first = desk.find()
    desk.clock.now += timedelta(days=1)
    assert desk.web.post(place, data=form).status_code == 200
    assert desk.find() == first


def test_one_click_from_one_digest_leaves_the_others(desk: Office) -> None:
    """A mail's link is for its own list; readers without another one are unsubscribed
    completely."""
    who = desk.subscriber()
    desk.web.post(
        f"/unsubscribe/{desk.mark(who, 'weekly')}", data={"List-Unsubscribe": "One-Click"}
    )
    assert desk.who().digests == ("english",)
    assert desk.status() == "active"
    desk.web.post(
        f"/unsubscribe/{desk.mark(who, 'english')}", data={"List-Unsubscribe": "One-Click"}
    )
    assert desk.status() == "unsubscribed"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_following_links_unsubscribes_no_one(desk: Office, method: str) -> None:
    """Scanners open every link of a mail; only a POST has an effect."""
    mark = desk.mark(desk.subscriber())
    for place in (
        f"/unsubscribe/{mark}",
        f"/unsubscribe?t={mark}&List-Unsubscribe=One-Click&all=yes",
        f"/preferences/{mark}?digest=english",
        f"/preferences?t={mark}",
    ):
        assert desk.web.request(method, place).status_code == 200
    assert desk.status() == "active"
    assert desk.who().digests == ()


def test_the_page_asks_with_one_button_and_the_button_does_it(desk: Office) -> None:
    """Its form contains everything that is needed."""
    page = desk.web.get(f"/unsubscribe/{desk.mark(desk.subscriber())}")
    assert page.text.count("<button") == 1
    done = desk.web.post("/unsubscribe", data={"t": hidden(page.text)})
    assert done.status_code == 200
    assert "You are unsubscribed" in done.text
    assert desk.status() == "unsubscribed"


def test_a_link_for_one_of_two_digests_offers_both_options(desk: Office) -> None:
    """From this one, or from all."""
    who = desk.subscriber()
    page = desk.web.get(f"/unsubscribe/{desk.mark(who, 'weekly')}").text
    assert "Only from The Weekly" in page
    assert page.count("<button") == 2
    one = desk.web.post("/unsubscribe", data={"t": hidden(page)}).text
    assert "no more email from The Weekly" in one
    assert desk.status() == "active"
    desk.web.post("/unsubscribe", data={"t": hidden(page), "all": "yes"})
    assert desk.status() == "unsubscribed"


def test_a_link_for_a_removed_digest_unsubscribes_from_all(desk: Office) -> None:
    """No one is kept on a list because a digest was renamed."""
    mark = desk.mark(desk.subscriber(), "long-gone")
    desk.web.post(f"/unsubscribe/{mark}", data={"List-Unsubscribe": "One-Click"})
    assert desk.status() == "unsubscribed"


def test_unsubscribing_complainers_and_removed_subscribers(desk: Office) -> None:
    """The stronger status stays; a link of a removed subscriber is answered kindly."""
    who = desk.subscriber(status="complained")
    form = {"List-Unsubscribe": "One-Click"}
    assert desk.web.post(f"/unsubscribe/{desk.mark(who)}", data=form).status_code == 200
    assert desk.status() == "complained"
    nobody = desk.service.store.tokens.unsubscribe(4711, "")
    assert desk.web.post(f"/unsubscribe/{nobody}", data=form).status_code == 200
    assert "You are unsubscribed" in desk.web.get(f"/unsubscribe/{nobody}").text


def test_a_link_works_with_the_full_stop_after_it(desk: Office) -> None:
    """Some mail programs take it for a part of the link."""
    mark = desk.mark(desk.subscriber())
    for end in (".", ").", "%3E"):
        assert desk.web.get(f"/unsubscribe/{mark}{end}").status_code == 200


def test_unsubscribing_with_a_locked_database_is_503(desk: Office) -> None:
    """The provider learns that it must retry, and never gets a false success."""
    mark = desk.mark(desk.subscriber())
    with desk.database.writing():
        answer = desk.web.post(f"/unsubscribe/{mark}", data={"List-Unsubscribe": "One-Click"})
        health = desk.web.get("/health")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert health.status_code == 200  # it can be read, and pages can be shown
    assert desk.status() == "active"
    desk.web.post(f"/unsubscribe/{mark}", data={"List-Unsubscribe": "One-Click"})
    assert desk.status() == "unsubscribed"


# Forged links


@pytest.mark.parametrize("page", ["unsubscribe", "preferences", "confirm"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_link_says_what_to_do(desk: Office, page: str, method: str) -> None:
    """400, with an explanation; and nothing is changed."""
    who = desk.subscriber()
    good = desk.mark(who)
    other = Tokens("another secret of sixteen").unsubscribe(who.id, "")
    changed = ("A" if good[0] != "A" else "B") + good[1:]
    bad = ["", "x", "..", "a" * 5000, changed, good[:-1], other, good.upper(), "%00", "é"]
    if page == "confirm":
        bad.append(good)
    else:
        bad.append(desk.service.store.tokens.confirm(who.id))
    before = desk.find()
    for text in bad:
        answer = desk.web.request(method, f"/{page}", params={"t": text})
        assert answer.status_code == 400, text
        assert "Open our latest email" in answer.text
        assert "news@example.org" in answer.text
    assert desk.find() == before


def test_guessing_links_is_rate_limited(tmp_path: Path) -> None:
    """After some wrong ones the answer is 429, which valid ones never get."""
    with office(tmp_path, limits=RateLimits(guessing=Allowance(3, 3600))) as desk:
        mark = desk.mark(desk.subscriber())
        codes = [desk.web.get(f"/unsubscribe/wrong{n}").status_code for n in range(5)]
        assert codes == [400, 400, 400, 429, 429]
        assert {desk.web.get(f"/unsubscribe/{mark}").status_code for _ in range(50)} == {200}


# Preferences


def test_preferences_are_shown_and_saved(desk: Office) -> None:
    """Topics, digests, language and name; the page shows what was saved."""
    who = desk.subscriber(topics=("开源",), digests=("weekly",))
    page = desk.web.get(f"/preferences/{desk.mark(who)}").text
    assert ticked(page) == {"digest": ["weekly"], "topic": ["开源"]}
    saved = desk.web.post(
        "/preferences",
        data={
            "t": hidden(page),
            "name": " Ann  Lee ",
            "digest": ["english"],
            "topic": ["A & B <i>", "Science", "no topic of ours"],
            "language": "zh-Hans",
        },
    )
    assert "已保存" in saved.text  # the language applies at once
    found = desk.who()
    assert found.topics == ("Science", "A & B <i>")
    assert (found.digests, found.language, found.name) == (("english",), "zh-Hans", "Ann Lee")
    assert ticked(saved.text) == {"digest": ["english"], "topic": ["Science", "A & B <i>"]}


def test_all_digests_are_any_digest_and_no_topic_is_every_topic(desk: Office) -> None:
    """Ticking all includes new ones; ticking no topic means all topics."""
    page = desk.web.get(f"/preferences/{desk.mark(desk.subscriber(digests=('weekly',)))}").text
    desk.web.post("/preferences", data={"t": hidden(page), "digest": ["english", "weekly"]})
    found = desk.who()
    assert (found.digests, found.topics) == ((), ())


def test_no_digest_at_all_is_not_saved(desk: Office) -> None:
    """It would mean all of them; the page offers to unsubscribe."""
    page = desk.web.get(f"/preferences/{desk.mark(desk.subscriber(digests=('weekly',)))}").text
    answer = desk.web.post("/preferences", data={"t": hidden(page), "topic": "Science"})
    assert answer.status_code == 400
    assert "Choose at least one newsletter" in answer.text
    assert desk.who().topics == ()


def test_a_chosen_topic_stays_although_no_longer_offered(desk: Office) -> None:
    """Saving the form as it was shown changes nothing."""
    who = desk.subscriber(topics=("Old topic",))
    page = desk.web.get(f"/preferences/{desk.mark(who)}").text
    desk.web.post("/preferences", data={"t": hidden(page), **ticked(page)})
    assert desk.who().topics == ("Old topic",)


@pytest.mark.parametrize("status", ["unsubscribed", "bounced", "complained"])
def test_preferences_do_not_resubscribe(desk: Office, status: Status) -> None:
    """The page says how to subscribe again, and saves nothing."""
    mark = desk.mark(desk.subscriber(status=status))
    before = desk.find()
    assert "To receive it again" in desk.web.get(f"/preferences/{mark}").text
    answer = desk.web.post("/preferences", data={"t": mark, "digest": "weekly"})
    assert "To receive it again" in answer.text
    assert desk.find() == before


# Subscribe


def test_double_opt_in_from_the_form_to_the_first_issue(desk: Office) -> None:
    """Pending until the link in the letter is followed and its button pressed."""
    assert desk.subscribe("Bob@Example.COM", name="Bob", topic="Science", language="zh-Hans") == 200
    (letter,) = desk.post()
    assert desk.status("bob@example.com") == "pending"
    link = linked(letter)
    assert link.startswith(f"{URL}confirm/")
    page = desk.web.get(link)
    assert page.status_code == 200
    assert desk.status("bob@example.com") == "pending"
    done = desk.web.post("/confirm", data={"t": hidden(page.text)})
    assert "欢迎" in done.text
    found = desk.who("bob@example.com")
    assert (found.status, found.cause) == ("active", "confirmed by mail")
    assert (found.name, found.topics, found.digests) == ("Bob", ("Science",), ())
    assert "欢迎" in desk.web.get(link).text  # a second time is fine


def test_who_confirms_is_welcomed_once(desk: Office) -> None:
    """In the reader's language, with a link that unsubscribes; a second click sends nothing."""
    desk.subscribe("bob@example.com", language="zh-Hans")
    link = linked(desk.post()[0])
    for _ in range(2):
        assert desk.web.post(link).status_code == 200
    (_, welcome) = desk.post()
    read = message_from_bytes(welcome.message, policy=default)
    assert welcome.recipient == read["To"] == "bob@example.com"
    assert read["Subject"].startswith("欢迎订阅")
    settings = linked(welcome)
    assert settings.startswith(f"{URL}preferences/")
    assert desk.web.get(settings).status_code == 200


def test_a_confirmation_link_expires_after_three_days(desk: Office) -> None:
    """Unconfirmed readers are forgotten."""
    desk.subscribe("bob@example.com")
    link = linked(desk.post()[0])
    desk.clock.now = datetime.now(UTC) + timedelta(days=3, minutes=1)
    assert desk.web.get(link).status_code == 400
    assert desk.web.post(link).status_code == 400
    assert desk.service.store.forget() == 1
    assert desk.status("bob@example.com") is None


def test_an_old_confirmation_link_brings_back_no_one_who_left_since(desk: Office) -> None:
    """The latest decision counts."""
    desk.clock.now = datetime.now(UTC)
    desk.subscribe("bob@example.com")
    link = linked(desk.post()[0])
    desk.web.post(link)
    assert desk.status("bob@example.com") == "active"
    desk.clock.now += timedelta(hours=1)
    who = desk.who("bob@example.com")
    desk.web.post(f"/unsubscribe/{desk.mark(who)}", data={"List-Unsubscribe": "One-Click"})
    desk.clock.now += timedelta(hours=1)
    assert desk.web.post(link).status_code == 400
    assert desk.status("bob@example.com") == "unsubscribed"


def test_readers_who_left_can_come_back_by_a_new_letter(desk: Office) -> None:
    """Not by the form alone: anyone can fill in a form."""
    desk.clock.now = datetime.now(UTC) - timedelta(days=30)
    desk.subscriber(status="unsubscribed")
    desk.clock.now = datetime.now(UTC)
    desk.subscribe("ann@example.com", topic="Science")
    (letter,) = desk.post()
    assert desk.status() == "unsubscribed"
    desk.web.post(linked(letter))
    assert desk.status() == "active"
    assert desk.who().topics == ("Science",)


def test_subscribers_get_a_letter_that_says_so(desk: Office) -> None:
    """And what others wrote into the form changes nothing."""
    desk.subscriber(topics=("开源",))
    before = desk.find()
    desk.subscribe("ANN@example.com", topic="Science", name="Someone else")
    (letter,) = desk.post()
    assert desk.find() == before
    assert letter.recipient == "ann@example.com"
    assert desk.web.get(linked(letter)).status_code == 200
    assert "/preferences/" in linked(letter)


def test_the_form_does_not_reveal_subscribers(desk: Office) -> None:
    """The same answer, byte for byte except the address, for any address."""
    for status in ("active", "unsubscribed", "bounced", "complained", "pending"):
        desk.subscriber(f"{status}@example.com", status=status)
    seal = desk.form()
    answers = set()
    for name in ("active", "unsubscribed", "bounced", "complained", "pending", "unknown"):
        given = {"t": seal, "address": f"{name}@example.com", "digest": "weekly"}
        answer = desk.web.post("/subscribe", data=given)
        headers = {k: v for k, v in answer.headers.items() if k != "content-length"}
        answers.add((answer.status_code, answer.text.replace(name, "X"), str(headers)))
    assert len(answers) == 1
    assert len(desk.post()) == 5  # not to the reader who complained


def test_a_form_brings_no_erased_address_back(desk: Office) -> None:
    """Anyone can fill it in: the answer is as for all, no letter is sent, and nothing is stored."""
    who = desk.subscriber("ann@example.com")
    mark, confirm = desk.mark(who), desk.service.store.tokens.confirm(who.id)
    assert erase(desk.database, "ann@example.com", desk.clock) is not None
    answers = set()
    for name in ("ann", "ANN", "bob"):
        given = {"t": desk.form(), "address": f"{name}@example.com", "digest": "weekly"}
        answer = desk.web.post("/subscribe", data=given)
        answers.add((answer.status_code, answer.text.replace(name, "X")))
    assert len(answers) == 1
    assert [letter.recipient for letter in desk.post()] == ["bob@example.com"]
    assert desk.web.post("/confirm", data={"t": confirm}).status_code == 400
    assert "You are unsubscribed" in desk.web.get(f"/unsubscribe/{mark}").text
    assert desk.web.get(f"/preferences/{mark}").status_code == 200
    with desk.database.reading() as connection:
        assert [one.address for one in subscribers.everyone(connection)] == ["bob@example.com"]


def test_a_waiting_letter_is_not_sent_after_an_erasure(desk: Office) -> None:
    """The mail server has deferred it; when it is retried, the address is gone."""
    arrived = asyncio.Event()
    deferred: set[str] = set()

    class DeferringLetterbox(Letterbox):
        async def __call__(self, letter: ConfirmationMail) -> None:
            if letter.recipient not in deferred:
                deferred.add(letter.recipient)
                raise LaterError("451")
            await super().__call__(letter)
            arrived.set()

    letterbox = DeferringLetterbox()
    letters = iter(
        (ConfirmationMail("ann@example.com", b""), ConfirmationMail("bob@example.com", b""))
    )
    desk.subscriber("bob@example.com")

    async def work() -> None:
        post = Outbox(letterbox, waits=(0.0, 0.0), knows=desk.service.store.knows)
        for letter in letters:
            post.add(lambda letter=letter: letter)  # type: ignore[misc]
        await arrived.wait()
        await post.stop()

    asyncio.run(work())
    assert [letter.recipient for letter in letterbox.letters] == ["bob@example.com"]


def test_the_answer_precedes_the_lookup(desk: Office) -> None:
    """So its timing reveals nothing either."""
    seal = desk.form()
    given = {"t": seal, "address": "bob@example.com", "digest": "weekly"}
    with desk.database.writing():  # adding a subscriber must wait for this
        assert desk.web.post("/subscribe", data=given).status_code == 200


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b", "a b@example.com", "a@exa mple.com", "@x.y"]
)
def test_an_invalid_address_is_reported_at_once(desk: Office, address: str) -> None:
    """The form keeps what was entered."""
    given = {"t": desk.form(), "address": address, "digest": "weekly", "topic": "Science"}
    answer = desk.web.post("/subscribe", data=given)
    assert answer.status_code == 400
    assert ticked(answer.text) == {"digest": ["weekly"], "topic": ["Science"]}
    assert desk.post() == []


def test_a_form_on_another_site_needs_confirmation(desk: Office) -> None:
    """No other page can send it unseen: without our seal it is shown, filled in, with a button."""
    given = {"address": "bob@example.com", "digest": "weekly", "topic": "Science"}
    shown = desk.web.post("/subscribe", data=given, headers={"Origin": "https://evil.example"})
    assert shown.status_code == 200
    assert 'value="bob@example.com"' in shown.text
    assert desk.post() == []
    desk.web.post("/subscribe", data={**given, "t": hidden(shown.text)})
    assert len(desk.post()) == 1


def test_letters_per_address_are_limited(desk: Office) -> None:
    """Three a day to one address, however it is spelled; the answer stays the same."""
    seal = desk.form()
    for spelling in ("bob@example.com", "BOB@example.com", " bob@EXAMPLE.com ") * 2:
        given = {"t": seal, "address": spelling, "digest": "weekly"}
        assert desk.web.post("/subscribe", data=given).status_code == 200
    assert len(desk.post()) == 3


def test_requests_are_limited_per_client_and_in_total(tmp_path: Path) -> None:
    """429 with the time to wait."""
    with office(tmp_path, limits=RateLimits(client=Allowance(2, 3600))) as desk:
        codes = [desk.subscribe(f"bob{n}@example.com") for n in range(3)]
        assert codes == [200, 200, 429]
        assert len(desk.post()) == 2
    with office(tmp_path, limits=RateLimits(everyone=Allowance(1, 3600))) as desk:
        assert [desk.subscribe(f"eve{n}@example.com") for n in range(2)] == [200, 429]


def test_a_mail_server_that_says_later_is_asked_again(desk: Office) -> None:
    """Greylisting is usual for a first letter."""
    desk.letterbox.refusals = [LaterError("451"), LaterError("connection refused")]
    desk.subscribe("bob@example.com")
    for _ in range(100):
        if desk.post():
            break
    assert [letter.recipient for letter in desk.letterbox.letters] == ["bob@example.com"]


def test_a_letter_can_be_read_by_any_mail_program(desk: Office) -> None:
    """ASCII with CRLF, no line too long, sender's name and subject decoded, the link in one
    piece."""
    desk.subscribe("bob@example.com", language="zh-Hans")
    raw = desk.post()[0].message
    assert raw.isascii()
    assert b"\r\n" in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    mail = message_from_bytes(raw, policy=default)
    assert mail["From"].addresses[0].display_name == "AI 前沿"
    assert mail["From"].addresses[0].addr_spec == "news@example.org"
    assert mail["Subject"] == "请确认订阅《AI 前沿》"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail.get_content_type() == "text/plain"
    assert "3 天" in mail.get_content()


# Every answer

EVERY_PAGE: list[Callable[[Office, str], tuple[str, str]]] = [
    lambda _, __: ("GET", "/"),
    lambda _, __: ("GET", "/subscribe"),
    lambda _, mark: ("GET", f"/unsubscribe/{mark}"),
    lambda _, mark: ("GET", f"/preferences/{mark}"),
    lambda _, mark: ("POST", f"/preferences/{mark}"),
    lambda office, _: ("GET", f"/confirm/{office.service.store.tokens.confirm(2)}"),
    lambda office, _: ("POST", f"/confirm/{office.service.store.tokens.confirm(2)}"),
    lambda _, __: ("GET", "/unsubscribe/wrong"),
    lambda _, __: ("GET", "/no/such/page"),
    lambda _, __: ("DELETE", "/subscribe"),
    lambda _, mark: ("POST", f"/unsubscribe/{mark}"),
]


@pytest.mark.parametrize("language", ["en", "zh-CN", "de", "sv"])
def test_every_page_follows_the_rules(tmp_path: Path, language: str) -> None:
    """Headers, no script, no cookie, nothing external, valid HTML, the right language."""
    publication = Publication(
        title='AI "前沿" <b>', url=BaseUrl("https://example.org/"), language=Language(language)
    )
    with office(tmp_path, publication) as desk:
        desk.clock.now = datetime.now(UTC)
        mark = desk.mark(desk.subscriber(name="<script>alert(1)</script>"))
        desk.subscriber("bob@example.com", status="pending")
        for page in EVERY_PAGE:
            answer = desk.web.request(*page(desk, mark))
            place = f"{page(desk, mark)} {answer.status_code}"
            assert answer.status_code < 500, place
            headers = answer.headers
            assert headers["Cache-Control"] == "no-store", place
            assert headers["X-Content-Type-Options"] == "nosniff", place
            assert headers["Referrer-Policy"] == "no-referrer", place
            assert headers["X-Frame-Options"] == "DENY", place
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy, place
            assert "frame-ancestors 'none'" in policy, place
            assert "unsafe" not in policy, place
            assert "style-src 'sha256-" in policy, place
            assert "set-cookie" not in headers, place
            assert "<script" not in answer.text, place
            parser = html5lib.HTMLParser(strict=True)
            parser.parse(answer.text)
            # There is no German translation: the page is English, and declares it.
            shown = "en" if language == "sv" else language
            assert f'<html lang="{shown}" dir="ltr">' in answer.text, place
            assert "{" not in re.sub(r"<style>.*?</style>", "", answer.text, flags=re.DOTALL), place


def test_no_answer_loads_anything(desk: Office) -> None:
    """No image, script, font or frame; the only URLs are links and our own forms."""
    page = desk.web.get(f"/preferences/{desk.mark(desk.subscriber())}").text
    assert not re.search(r"<(img|script|link|iframe|object|embed|video|audio)\b", page)
    assert re.findall(r'action="([^"]*)"', page) == ["/preferences"]


def test_a_page_shows_only_a_part_of_the_address(desk: Office) -> None:
    """Mail is forwarded with its links; others who follow them need not learn the address."""
    mark = desk.mark(desk.subscriber())
    for place in (f"/unsubscribe/{mark}", f"/preferences/{mark}"):
        page = desk.web.get(place).text
        assert "ann@example.com" not in page
        assert masked("ann@example.com") in page


def test_health_is_for_programs(desk: Office) -> None:
    """200 and ok as long as the database can be read; 503 if it cannot."""
    assert desk.web.get("/health").text == "ok\n"
    desk.database.close()
    for file in desk.folder.glob("test.db*"):
        file.write_bytes(b"no database any more" * 1000)
    assert desk.web.get("/health").status_code == 503
    assert desk.web.get("/readyz").status_code == 503
    assert desk.web.get("/livez").text == "ok\n"  # a restart would not help


def test_behind_a_path_the_service_answers_with_and_without_it(tmp_path: Path) -> None:
    """Some proxies strip the path and some do not; the links contain it either way."""
    with office(tmp_path, url=BaseUrl("https://example.org/list/")) as desk:
        mark = desk.mark(desk.subscriber())
        for prefix in ("", "/list"):
            page = desk.web.get(f"{prefix}/unsubscribe/{mark}")
            assert page.status_code == 200
            assert 'action="/list/unsubscribe"' in page.text
            assert desk.web.get(f"{prefix}/health").status_code == 200
            assert desk.web.get(f"{prefix}/nothing").status_code == 404
        assert desk.web.post("/list/unsubscribe", data={"t": mark}).status_code == 200
        assert desk.status() == "unsubscribed"


def test_an_oversized_body_is_refused(desk: Office) -> None:
    """Too many bytes, or too many fields."""
    mark = desk.mark(desk.subscriber())
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    long = desk.web.post(f"/unsubscribe/{mark}", content=b"a=" + b"b" * 70_000, headers=kind)
    many = desk.web.post(f"/preferences/{mark}", content=b"a=&" * 500, headers=kind)
    assert (long.status_code, many.status_code) == (413, 400)
    assert "could not be read" in many.text
    assert desk.status() == "active"


def test_an_internal_error_reveals_no_token(desk: Office, caplog: pytest.LogCaptureFixture) -> None:
    """The page says that nothing was lost; the log says where, without addresses or tokens."""
    mark = desk.mark(desk.subscriber())

    def broken() -> Offer:
        raise RuntimeError(f"ann@example.com {mark}")

    object.__setattr__(desk.service, "offer", broken)
    with caplog.at_level("INFO"):
        answer = desk.web.get(f"/preferences/{mark}")
    assert answer.status_code == 500
    assert "Nothing was lost" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    logged = ours(caplog)
    assert "RuntimeError at" in logged
    assert mark not in logged
    assert "ann@" not in logged


def test_no_log_line_holds_a_token_or_an_address(
    desk: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a path nor in a query, and a line end in a path adds no line."""
    mark = desk.mark(desk.subscriber())
    with caplog.at_level("INFO"):
        desk.web.get(f"/unsubscribe/{mark}")
        desk.web.get("/unsubscribe", params={"t": mark})
        desk.web.post("/unsubscribe", data={"t": mark})
        desk.web.get("/a%0Ab")
        desk.subscribe("bob@example.com")
        desk.post()
    logged = ours(caplog)
    assert "/unsubscribe" in logged
    assert mark not in logged
    assert mark.partition(".")[2] not in logged
    assert "ann@" not in logged
    assert "bob@" not in logged
    assert len(logged.splitlines()) == 7  # one per request, and one for the unsubscribe


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING or "there is one")
def test_pages_fit_a_phone_and_buttons_a_thumb(tmp_path: Path) -> None:
    """No page scrolls sideways, and no button is lower than 44 pixels."""
    long = "A topic with a name that is longer than any phone is wide, and then a little more"
    offer = Offer(
        (*OFFER.digests, OfferedDigest("long", "W" * 80)), (*OFFER.topics, long, "主" * 60)
    )
    with office(tmp_path, offer=offer) as desk, browser.browser() as chromium:
        mark = desk.mark(desk.subscriber("a" * 60 + "@" + "b" * 60 + ".example.com"), "weekly")
        for name in ("subscribe", f"unsubscribe/{mark}", f"preferences/{mark}", "unsubscribe/x"):
            page = tmp_path / "page.html"
            page.write_bytes(desk.web.get(f"/{name}").content)
            for width in (320, 375, 1000):
                wider, lowest = chromium.evaluate(page, SIZES, width)
                assert wider <= 0, (name, width)
                assert lowest is None or lowest >= 44, (name, width)


SIZES = """[
  document.documentElement.scrollWidth - window.innerWidth,
  Math.min(...[...document.querySelectorAll('button')].map(b => b.offsetHeight)),
]"""


# Limits and forms


def test_an_allowance_is_used_up_and_refilled() -> None:
    """So many at once, and then as many in each period, separately per key."""
    clock = [0.0]
    allowance = Allowance(2, 10, lambda: clock[0])
    assert [allowance.take("a") for _ in range(3)] == [True, True, False]
    assert allowance.take("b")
    clock[0] = 4.9
    assert not allowance.take("a")
    clock[0] = 5.1
    assert allowance.take("a")
    assert not allowance.take("a")
    clock[0] = 1e6
    assert [allowance.take("a") for _ in range(3)] == [True, True, False]


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=200))
def test_an_allowance_has_bounded_memory(keys: list[int]) -> None:
    """However many clients there are."""
    allowance = Allowance(1, 10, lambda: 0.0, most=8)
    for key in keys:
        allowance.take(str(key))
    assert len(allowance) <= 8


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "::/64"),
        ("", "::/64"),
    ],
)
def test_a_client_is_a_household(host: str, expected: str) -> None:
    """A /64 has more addresses than any table can keep."""
    assert str(networks(host)[0]) == expected


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_body_is_a_form_or_unreadable(body: bytes, kind: str) -> None:
    """No body and no content type raise anything else."""
    for content_type in (
        kind,
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        f"multipart/form-data; boundary={kind}",
    ):
        try:
            form = asyncio.run(forms.parse(content_type, body))
        except forms.Unreadable:
            continue
        form.one("a").encode()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz é前&=%", max_size=9)), max_size=9))
def test_a_form_is_read_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    """In either encoding, with repeated names, in order."""
    parts = (
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in pairs
    )
    multipart = ("".join(parts) + "--x--\r\n").encode()
    for kind, body in (
        ("application/x-www-form-urlencoded; charset=utf-8", urlencode(pairs).encode()),
        ("multipart/form-data; boundary=x", multipart),
    ):
        form = asyncio.run(forms.parse(kind, body))
        for name in "abc":
            assert form.all(name) == [value for key, value in pairs if key == name]


# Reading pages


def ours(caplog: pytest.LogCaptureFixture) -> str:
    """Return what the service logged; the test's own client logs whole addresses."""
    records = (each for each in caplog.records if each.name.startswith("broadsheet"))
    return "\n".join(record.getMessage() for record in records)


# The command, as a process of its own


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send exactly the bytes of `request`; return the status and the whole answer."""
    here = ("127.0.0.1", port)
    with retry(lambda: socket.create_connection(here), ConnectionRefusedError) as door:
        door.settimeout(10)
        door.sendall(request)
        answer = b"".join(iter(lambda: door.recv(65536), b""))
    return int(answer.split()[1]), answer


def get(port: int, path: str, *headers: str) -> tuple[int, bytes]:
    lines = [f"GET {path} HTTP/1.1", "Host: news.example.org", "Connection: close", *headers]
    return ask(port, "\r\n".join([*lines, "", ""]).encode())


def posted(port: int, path: str, fields: dict[str, str]) -> tuple[int, bytes]:
    body = urlencode(fields)
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: news.example.org",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
        "",
        body,
    )
    return ask(port, "\r\n".join(lines).encode())


class Mailbox:
    """The mails that a server on this machine accepted (a handler of aiosmtpd)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, _: object, __: object, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((str(envelope.mail_from), list(envelope.rcpt_tos), content))
        return "250 OK"


@pytest.mark.enable_socket
def test_a_real_server_from_the_form_to_one_click(newsroom: Newsroom) -> None:
    """Over the network, with a real mail server: subscribe, confirm, unsubscribe as Gmail does
    it."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    smtp = Controller(mailbox, hostname="127.0.0.1", port=port)
    smtp.start()
    try:
        key = generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        newsroom.write("dkim.pem", pem)
        signing = 'dkim_key = "dkim.pem"\ndkim_selector = "news"\n\n[digests.weekly]'
        newsroom.configure((CONFIG % port).replace("[digests.weekly]", signing))
        newsroom.article("a.md", main_topics=["开源"])
        with served(newsroom, "--verbose") as (port, process):
            form = get(port, "/subscribe")[1].decode()
            posted(port, "/subscribe", {"t": hidden(form), "address": "bob@example.com"})
            until(lambda: bool(mailbox.mails))
            sender, to, mail = mailbox.mails[0]
            assert (sender, to) == ("news@example.org", ["bob@example.com"])
            public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
            assert dkim.verify(mail, dnsfunc=lambda *_, **__: record)
            link = linked(ConfirmationMail("", mail))
            assert posted(port, link.removeprefix(URL.rstrip("/")), {})[0] == 200
            database = open_database("sqlite:///broadsheet.db", newsroom.folder)
            with database.reading() as connection:
                bob = subscribers.find(connection, "bob@example.com")
            assert bob is not None
            assert bob.status == "active"
            mark = Tokens(SECRET).unsubscribe(bob.id, "weekly")
            until(lambda: "开源" in get(port, f"/preferences/{mark}")[1].decode())
            start = time.perf_counter()
            status, answer = ask(
                port,
                f"POST /unsubscribe/{mark} HTTP/1.1\r\n"
                "Host: news.example.org\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                "Content-Length: 26\r\n"
                "Connection: close\r\n"
                "\r\n"
                "List-Unsubscribe=One-Click".encode(),
            )
            assert status == 200
            assert time.perf_counter() - start < 1
            assert b"set-cookie" not in answer.lower()
            assert b"location:" not in answer.lower()
            with database.reading() as connection:
                left = subscribers.get(connection, bob.id)
            assert left is not None
            assert left.status == "unsubscribed"
            database.close()
            process.terminate()
            logged = process.communicate(timeout=20)[1].decode()
        assert process.returncode == -signal.SIGTERM
        assert "POST /unsubscribe/… 200" in logged
        assert f"subscriber {bob.id} left, one-click" in logged
        for secret in (mark, mark.partition(".")[2], SECRET, "bob@example.com"):
            assert secret not in logged
    finally:
        smtp.stop()


@pytest.mark.enable_socket
def test_only_a_configured_proxy_can_set_the_client_address(
    newsroom: Newsroom,
) -> None:
    """Otherwise a client could send another address in each request, and no limit would hold."""
    newsroom.configure(CONFIG % 25)

    def codes(*args: str) -> set[int]:
        with served(newsroom, *args) as (port, _):
            paths = ((f"/unsubscribe/{n}", f"X-Forwarded-For: 192.0.2.{n}") for n in range(35))
            return {get(port, path, header)[0] for path, header in paths}

    assert codes() == {400, 429}
    assert codes("--proxy", "127.0.0.1") == {400}


@pytest.mark.enable_socket
def test_missing_settings_are_reported_at_the_start(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secret, no URL, a port in use: exit 2, and what to do."""
    monkeypatch.delenv("BROADSHEET_SECRET", raising=False)
    newsroom.configure("")
    ran = newsroom.run("serve")
    assert (ran.code, ran.out) == (2, "")
    assert "delivery.service_url: is missing" in ran.err
    newsroom.configure(CONFIG % 25)
    ran = newsroom.run("serve")
    assert ran.code == 2
    assert "BROADSHEET_SECRET is not set" in ran.err
    monkeypatch.setenv("BROADSHEET_SECRET", "short")
    assert "too short" in newsroom.run("serve").err
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = newsroom.run("serve", "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "choose another with --port" in ran.err
