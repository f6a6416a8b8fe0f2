"""A subscriber's mail: the issue as it was released, personalised and signed."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import letters
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.mail import mailing
from broadsheet.delivery.mail.dkim import Signer
from broadsheet.delivery.mail.mailing import ISSUED, Variants
from broadsheet.delivery.mail.template import MailTemplate, Recipient, reader_key
from broadsheet.delivery.tokens import LinkToken, Tokens, token_in_subject, unsubscribe_mail
from broadsheet.digests.html_mail import mail_html
from broadsheet.digests.message import mime_message
from broadsheet.digests.rendered import mail_text
from broadsheet.errors import ConfigError, DeliveryError, UsageError
from broadsheet.i18n import languages
from broadsheet.model.publication import BaseUrl
from broadsheet.model.settings import DeliverySettings, Settings, TopicSettings
from deliveries import SECRET, post
from keys import dkim_key
from letters import TICK

SERVICE = DeliverySettings(service_url=BaseUrl("https://news.example.org/"))
SHARED = "https://news.example.org/unsubscribe"
PAGE = "https://news.example.org/unsubscribe/"


def _template(html: str = "", text: str = "", signer: Signer | None = None) -> MailTemplate:
    made = mime_message(
        letters.make(delivery=SERVICE),
        html or f'<p>你好</p>\n<a href="{SHARED}">退订</a>\n',
        text or f"你好\n{SHARED}\n",
    )
    return MailTemplate(made, TICK, PAGE, signer)


def _reader(mark: str = "WzEsIndlZWtseSJd.abc", name: str = "安") -> Recipient:
    return Recipient("ann@example.org", name, "k1", PAGE + mark if mark else "")


def _parsed(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _bodies(mail: bytes) -> tuple[str, str]:
    """The text and the HTML."""
    plain, rich = _parsed(mail).iter_parts()
    return tuple(part.get_content().replace("\r\n", "\n") for part in (plain, rich))  # type: ignore[return-value, union-attr]


def test_headers_are_personal() -> None:
    """To, Message-ID and unsubscribe links are the reader's; the rest is the issue's."""
    made = _parsed(_template().fill(_reader()))
    assert str(made["To"]) == "安 <ann@example.org>"
    assert made["List-Unsubscribe"] == (
        f"<mailto:editors@example.org?subject=unsubscribe>, <{PAGE}WzEsIndlZWtseSJd.abc>"
    )
    assert made["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    identity = letters.make().identity
    assert made["Message-ID"] == f"<weekly.2025-06-23.{identity}.k1@example.org>"
    assert made["List-ID"] == "<weekly.example.org>"
    assert made["Auto-Submitted"] == "auto-generated"
    assert made["Date"].datetime == TICK
    names = [name.lower() for name in made.keys()]  # noqa: SIM118 - repeated ones too
    assert len(names) == len(set(names))


def test_without_a_service_the_shared_links_stay() -> None:
    """One-click needs a web service, so there is none."""
    made = mime_message(
        letters.make(), "<p>x</p>", "mailto:editors@example.org?subject=unsubscribe\n"
    )
    mail = _parsed(MailTemplate(made, TICK, "", None).fill(_reader("")))
    assert mail["List-Unsubscribe"] == "<mailto:editors@example.org?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] is None


def test_one_click_is_offered_over_https_only() -> None:
    """RFC 8058, section 3.1 requires https."""
    service = DeliverySettings(service_url=BaseUrl("http://localhost:8000/"))
    made = mime_message(letters.make(delivery=service), "<p>x</p>", "x\n")
    page = "http://localhost:8000/unsubscribe/"
    mail = _parsed(
        MailTemplate(made, TICK, page, None).fill(Recipient("a@b.org", "", "k", page + "m" * 20))
    )
    assert f"<{page}{'m' * 20}>" in mail["List-Unsubscribe"]
    assert mail["List-Unsubscribe-Post"] is None


def test_the_settings_are_linked_beside_unsubscribe() -> None:
    """With the same token, in both bodies; the shared mail has the shared address."""
    letter = letters.make(delivery=SERVICE)
    issued = mime_message(letter, mail_html(letter, {}), mail_text(letter, {}))
    mark = Tokens(SECRET).unsubscribe(7, "weekly")
    shared = "https://news.example.org/preferences"
    for body in _bodies(MailTemplate(issued, TICK, PAGE, None).fill(_reader(mark))):
        assert re.findall(rf"{shared}[^\s\"<]*", body) == [f"{shared}/{mark}"]
        assert body.count(f"{PAGE}{mark}") == 1
    for body in _bodies(issued):
        assert re.findall(rf"{shared}[^\s\"<]*", body) == [shared]


def test_the_unsubscribe_mailto_has_a_token() -> None:
    """It goes to the bounce address; the subject is read however programs write it."""
    mark = Tokens(SECRET).unsubscribe(7, "weekly")
    own = unsubscribe_mail("bounces@example.org", mark)
    made = _parsed(_template().fill(Recipient("a@b.org", "", "k", PAGE + mark, own)))
    assert made["List-Unsubscribe"] == (
        f"<mailto:bounces@example.org?subject=unsubscribe%20{mark}>, <{PAGE}{mark}>"
    )
    for subject in (f"unsubscribe {mark}", f" Unsubscribe  {mark}\n", f"unsubscribe%20{mark}"):
        assert token_in_subject(subject) == mark
    for subject in (f"Re: unsubscribe {mark}", "unsubscribe", mark, f"unsubscribe {mark} now", ""):
        assert token_in_subject(subject) == ""


MARKS = st.from_regex(r"[A-Za-z0-9_.-]{16,120}", fullmatch=True)


@given(MARKS, st.integers(0, 120), st.integers(0, 120), st.sampled_from("a字="))
def test_the_link_is_replaced_everywhere(mark: str, before: int, after: int, char: str) -> None:
    """In base64 and quoted-printable, at any position in a line, with a token of any length."""
    text = f"{char * before} {SHARED}\n{char * after}{SHARED} {SHARED}\n" + char * 60 + "\n"
    html = f'<p>{char * after}</p><a href="{SHARED}">x</a>{char * before}\n'
    mail = _template(html, text).fill(_reader(mark))
    assert _bodies(mail) == (
        text.replace(SHARED, PAGE + mark),
        html.replace(SHARED, PAGE + mark),
    )
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert mail.isascii()
    assert not re.search(rb"(?<!\r)\n", mail)


@given(st.lists(MARKS, min_size=2, max_size=4), st.sampled_from("a字"))
def test_filling_for_one_leaves_nothing_for_the_next(marks: list[str], char: str) -> None:
    """One template serves many readers, and each mail equals that of a fresh template."""
    text = f"{char * 70} {SHARED}\n{char * 90}\n{SHARED}\n{char * 300}\n"
    template = _template(text=text)
    for mark in (*marks, *marks):
        assert template.fill(_reader(mark)) == _template(text=text).fill(_reader(mark))


def test_a_foreign_message_is_refused() -> None:
    """The message says what to do."""
    with pytest.raises(DeliveryError, match="is not in the form that Broadsheet writes"):
        MailTemplate(b"Hello", TICK, "", None)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signed_mail_is_verified_by_another_library(tmp_path: Path, kind: str) -> None:
    """Both List-Unsubscribe fields are signed, and a change of any byte fails."""
    if kind == "ed25519":
        pytest.importorskip("nacl")
    pem, record = dkim_key(tmp_path, kind)
    signer = Signer.of(pem, "example.org", "news", "key.pem")
    mail = _template(signer=signer).fill(_reader())

    def verified(data: bytes) -> bool:
        with suppress(dkim.DKIMException):
            return bool(dkim.DKIM(data).verify(dnsfunc=lambda *_args, **_kw: record))
        return False

    assert verified(mail)
    tags = str(message_from_bytes(mail)["DKIM-Signature"])
    signed = re.sub(r"\s", "", tags.partition("h=")[2].partition(";")[0]).lower().split(":")
    assert {"from", "list-unsubscribe", "list-unsubscribe-post", "message-id"} <= set(signed)
    assert signed.count("from") == 2, "another From could be added"
    body = mail.index(b"\r\n\r\n") + 4
    subject, post_ = mail.index(b"Subject: ") + 12, mail.index(b"One-Click")
    for place in (subject, post_, mail.index(b"ann@"), body + 40, len(mail) - 20):
        changed = bytearray(mail)
        changed[place] ^= 1
        assert not verified(bytes(changed)), f"a change at {place} goes unnoticed"
    assert not verified(b"From: x@evil.example\r\n" + mail)


@pytest.mark.parametrize("pem", [b"", b"-----BEGIN PRIVATE KEY-----\nnonsense", b"\x00\x01"])
def test_an_invalid_key_has_a_clear_message(pem: bytes) -> None:
    """The file is named, and its content is not shown."""
    with pytest.raises(
        ConfigError, match=r"key\.pem: delivery\.dkim_key: this is not a private key"
    ):
        Signer.of(pem, "example.org", "news", "key.pem")


def test_tokens_round_trip_and_forgeries_are_refused() -> None:
    """A token with another secret, purpose or letter is invalid."""
    tokens = Tokens(SECRET)
    mark = tokens.unsubscribe(7, "weekly")
    assert tokens.read_unsubscribe(mark) == LinkToken(7, "weekly")
    assert Tokens("another secret for it").read_unsubscribe(mark) is None
    assert tokens.read_confirm(mark) is None
    for place in range(len(mark)):
        changed = mark[:place] + ("A" if mark[place] != "A" else "B") + mark[place + 1 :]
        assert tokens.read_unsubscribe(changed) in {None, LinkToken(7, "weekly")}
        if changed[:-1] != mark[:-1]:  # some bits of the last letter are unused
            assert tokens.read_unsubscribe(changed) is None
    assert tokens.read_bounce(tokens.bounce(7, 3).upper()) == (7, 3)
    assert tokens.read_bounce(tokens.bounce(7, 3).replace("7", "8", 1)) is None
    assert SECRET not in repr(tokens)


@pytest.mark.parametrize("secret", ["", "short"])
def test_a_weak_secret_is_refused(secret: str) -> None:
    """Before anything is signed with it."""
    with pytest.raises(UsageError, match="BROADSHEET_SECRET is"):
        Tokens(secret)


def _marks(tokens: Tokens) -> tuple[str, str, str]:
    return tokens.unsubscribe(7, "weekly"), tokens.confirm(7), tokens.bounce(7, 3)


@given(st.lists(st.text(min_size=16), min_size=2, max_size=5, unique=True))
def test_tokens_survive_a_rotation_of_the_secret(secrets: list[str]) -> None:
    """Of every purpose, by any listed earlier secret; new ones are signed with the new secret."""
    *old, new = secrets
    tokens = Tokens(new, tuple(reversed(old)))
    for secret in secrets:
        leave, confirm, bounce = _marks(Tokens(secret))
        assert tokens.read_unsubscribe(leave) == LinkToken(7, "weekly")
        confirmed = tokens.read_confirm(confirm)
        assert confirmed is not None
        assert confirmed.subscriber == 7
        assert tokens.read_bounce(bounce) == (7, 3)
    leave, confirm, bounce = _marks(tokens)
    only_new = Tokens(new)
    assert only_new.read_unsubscribe(leave) == LinkToken(7, "weekly")
    confirmed = only_new.read_confirm(confirm)
    assert confirmed is not None
    assert confirmed.subscriber == 7
    assert only_new.read_bounce(bounce) == (7, 3)
    dropped = Tokens(new, tuple(old[1:]))
    assert dropped.read_unsubscribe(_marks(Tokens(old[0]))[0]) is None


@pytest.mark.parametrize(
    ("listed", "secrets"),
    [
        ("", ()),
        (" , ", ()),
        ("first secret of us", ("first secret of us",)),
        ("the second of two, the first of two,", ("the second of two", "the first of two")),
        ("one, with commas, \nand yet another one\n", ("one, with commas,", "and yet another one")),
    ],
)
def test_old_secrets_are_listed_in_the_environment(listed: str, secrets: tuple[str, ...]) -> None:
    """Separated by commas or line ends; never shown."""
    found = Secrets.read({"BROADSHEET_SECRET": SECRET, "BROADSHEET_OLD_SECRETS": listed})
    assert found.tokens().old == secrets
    assert not any(secret in repr((found, found.tokens())) for secret in secrets)


def test_a_weak_old_secret_is_refused() -> None:
    """A part of a secret is weak; the message does not repeat it."""
    with pytest.raises(UsageError, match="1 of 2 secrets too short") as caught:
        Tokens(SECRET, ("an old secret of some length", "tail"))
    assert "tail" not in str(caught.value)


def _variants(*missing: int, **changes: Any) -> Variants:
    """Return the variants of the issue of tests/letters.py: topics 算力与芯片 (two articles), 开源,
    none."""
    settings = Settings(
        publication=letters.PUBLICATION, digests={"weekly": letters.DIGEST}, **changes
    )
    known = {each.id: each for n, each in enumerate(letters.ENTRIES, 1) if n not in missing}
    issue = letters.issue(*letters.ENTRIES)
    kept = mailing.contexts(issue, known, settings, languages())
    return Variants(b"issued", kept, settings, "weekly", {})


def _mail(made: Variants, topics: tuple[str, ...], language: str = "") -> tuple[str, str, str]:
    """Return subject, text and HTML of a variant."""
    variant = made.variant(topics, language)
    assert variant is not None
    mail = made.message(variant)
    return str(_parsed(mail)["Subject"]), *_bodies(mail)


def test_readers_of_everything_get_the_issue_unchanged() -> None:
    """Byte for byte: nothing is laid out again."""
    made = _variants()
    everything = ("开源", "算力与芯片")
    assert made.variant((), "") == made.variant((), "zh-SG") == ISSUED
    assert made.variant((), "zh-TW") != ISSUED, "traditional characters"
    assert made.variant(everything, "") != ISSUED, "the articles without a topic are not among them"
    assert made.message(ISSUED) == b"issued"


def test_readers_of_some_topics_get_their_sections() -> None:
    """Nothing of the others is left, neither in the subject nor in the contents."""
    subject, text, html = _mail(_variants(), ("开源",))
    story = '“开放权重” & "开源"：为什么前者 < 后者'
    assert story in subject
    assert story in text
    for part in (subject, text, html):
        assert "GPU 在等什么" not in part
    assert "1 篇文章" in text
    assert "[1] https://example.org/posts/3/" in text


def test_readers_of_none_of_the_topics_get_nothing() -> None:
    """The row of the ledger says so."""
    assert _variants().variant(("天气",), "") is None


def test_topics_are_known_by_all_their_names() -> None:
    """Case, width and the aliases of the config."""
    made = _variants(topics=TopicSettings(aliases={"开源": ("Open Source",)}))
    assert made.variant(("open-source",), "") == made.variant(("开源",), "")


def test_fixed_texts_are_in_the_readers_language() -> None:
    """The articles stay as they are."""
    _, text, html = _mail(_variants(), (), "en-GB")
    assert "Unsubscribe" in text
    assert 'lang="en"' in html
    assert "GPU 在等什么" in text
    assert _variants().variant((), "sv") == ISSUED, "there are no Swedish texts"


def test_an_edited_article_is_shown_by_title_only() -> None:
    """An issue never changes, and the article no longer has the text that was issued."""
    made = _variants(1)
    _, text, html = _mail(made, ("算力与芯片",))
    assert text.count("https://example.org/posts/1/") == 1
    assert text.count(letters.SUMMARY[:10]) == 1, "that of the other article"
    assert "第 1 篇" in html
    assert made.variant((), "en") == ISSUED, "better another language than half a mail"


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_mail_of_a_subscriber_over_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From articles to the server: two variants, nothing for a third reader, VERP, and no secret
    shown."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        office.server.order(keep=True)
        office.configure(verp=True, bounce_address="bounces@example.org")
        for address, topics in (("a@x.org", ()), ("b@x.org", ("芯片",)), ("c@x.org", ("天气",))):
            args = [part for topic in topics for part in ("--topic", topic)]
            assert office.newsroom.run("subscribers", "add", address, *args).code == 0
        ran = office.deliver("--json")
        assert ran.code == 0, ran.err
        run = json.loads(ran.out)["run"]
        assert (run["sent"], run["skipped"]) == (2, 1)
        rows = office.rows()
        assert rows[2]["state"] == "skipped"
        assert "none of the topics" in rows[2]["reply"]
        mails = {each["to"]: each for each in office.server.taken()}
        tokens = Tokens(SECRET)
        for number, address in enumerate(("a@x.org", "b@x.org"), 1):
            mark = mails[address]["from"].partition("+")[2].partition("@")[0]
            assert tokens.read_bounce(mark) == (number, 1)
            page = re.search(r"unsubscribe/([\w.-]+)", mails[address]["mail"])
            assert page is not None
            assert tokens.read_unsubscribe(page[1]) == LinkToken(number, "weekly")
        texts = {to: _bodies(each["mail"].encode())[0] for to, each in mails.items()}
        assert "第 1 篇" in texts["a@x.org"]
        assert "第 1 篇" not in texts["b@x.org"]
        assert "第 2 篇" in texts["b@x.org"]


ONCE = (
    "From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "List-ID",
    "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive", "Auto-Submitted",
    "DKIM-Signature",
)  # fmt: skip


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("name", ["", "Ång, Ann <x@y.org>", "字" * 200, "x\r\nBcc: z@z.org"])
def test_a_mail_keeps_to_the_rules_for_bulk_senders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As it arrives: RFC 5322, 2047, 2369, 2919, 3834, 8058 and 6376, one by one."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    with post(tmp_path) as office:
        pem, record = dkim_key(tmp_path, "rsa")
        office.newsroom.write("dkim.pem", pem.decode())
        office.server.order(keep=True)
        office.configure(dkim_key="dkim.pem", bounce_address="b@news.example.org", verp=True)
        assert office.newsroom.run("subscribers", "add", "a@x.org", "--name", name).code == 0
        assert office.deliver().code == 0
        (taken,) = office.server.taken()
    mail = taken["mail"].encode("ascii")
    parsed = _parsed(mail)
    for field in ONCE:
        assert len(parsed.get_all(field, [])) == 1, field
    assert not {"Bcc", "Cc", "Return-Path", "Precedence"} & set(parsed.keys())
    assert [each.addr_spec for each in parsed["To"].addresses] == ["a@x.org"]
    assert parsed["From"].addresses[0].domain == "example.org"
    assert taken["from"].endswith("@news.example.org"), "aligned with From"
    assert re.fullmatch(r"<[\w.-]+@example\.org>", str(parsed["Message-ID"]))
    assert parsed["Date"].datetime.tzinfo is not None
    ways = re.findall(r"<([^>]+)>", str(parsed["List-Unsubscribe"]))
    assert {way.partition(":")[0] for way in ways} == {"https", "mailto"}
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    assert all(len(word) <= 75 for word in re.findall(rb"=\?[^?\s]+\?[bq]\?[^?\s]*\?=", mail))
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert dkim.verify(mail, dnsfunc=lambda *_args, **_kw: record)
    signed = re.sub(r"\s", "", str(parsed["DKIM-Signature"])).partition(";h=")[2].partition(";")[0]
    assert {field.lower() for field in ONCE[:-1]} <= set(signed.lower().split(":"))
    assert ";d=example.org;" in re.sub(r"\s", "", str(parsed["DKIM-Signature"]))


def test_a_message_id_is_stable_per_reader() -> None:
    """It differs by reader and issue, and reveals no identity."""
    assert reader_key("a@b", 1) == reader_key("a@b", 1)
    assert len({reader_key(issue, n) for issue in ("a@b", "c@d") for n in range(50)}) == 100


def test_a_variant_that_is_too_long_is_shortened() -> None:
    """Its stories keep the numbers that they have in the whole issue."""
    small = msgspec.structs.replace(letters.DIGEST, max_bytes=20_000)
    entries = tuple(letters.entry(n, f"T{n % 2}", summary="摘要" * 900) for n in range(1, 9))
    settings = Settings(publication=letters.PUBLICATION, digests={"weekly": small})
    issue = letters.issue(*entries)
    kept = mailing.contexts(issue, {e.id: e for e in entries}, settings, ())
    made = Variants(b"issued", kept, settings, "weekly", {})
    _, text, html = _mail(made, ("T0",))
    assert len(html.encode()) <= 20_000
    assert all(f"https://example.org/posts/{n}/" in html for n in (2, 4, 6, 8))
    assert text.count("https://example.org/posts/") == 4
