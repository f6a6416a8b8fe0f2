"""The MIME message: valid in every detail, always the same, and read alike by two parsers."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import mailparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import letters
from broadsheet.digests.message import mime_message
from broadsheet.model.publication import BaseUrl
from broadsheet.model.settings import DeliverySettings

HTML = "<!DOCTYPE html>\n<p>你好，<b>world</b>.</p>\n"
TEXT = "你好，world.\n"
TITLES = (
    "AI 前沿周报：GPU 在等什么",
    "Plain English",
    "🖥️ 把小模型请到自己的电脑上 👩‍🚀",
    "很长的标题，其中 mixed English words 与中文相间，还有 📊 " * 8,
    "A very long English subject that goes on and on " * 8,
    "x" * 1200,
    "=?utf-8?q?not_encoded?=",
    'He said "no", (twice) <really>; a@b.c',
)
WILD = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)


def _made(**changes: Any) -> bytes:
    return mime_message(replace(letters.make(), **changes), HTML, TEXT)


def _one_line(text: str) -> str:
    allowed = "".join(char for char in text if char >= " " or char in "\t\n\r\v\f\x1c\x1d\x1e\x1f")
    return " ".join(allowed.split())


def _name(made: bytes, field: str) -> tuple[str, str]:
    """Return the name and address of a header. Not by the default policy, which inserts a space
    between two encoded-words of a name (RFC 2047, section 6.2)."""
    name, address = parseaddr(re.sub(r"\r?\n", "", str(message_from_bytes(made)[field])))
    return str(make_header(decode_header(name))), address


def _check_legal(made: bytes) -> None:
    assert made.isascii()
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", made) is None
    assert max(map(len, made.split(b"\r\n"))) <= 998
    head = made.partition(b"\r\n\r\n")[0].decode()
    assert all(len(word) <= 75 for word in re.findall(r"=\?\S*", head))
    lines = head.split("\r\n")
    assert [line for line in lines if not re.match(r"[A-Z][A-Za-z-]*: |\s+\S", line)] == []
    for field in re.findall(r"^(?:List-|Archived-At).*(?:\r\n\s.*)*", head, re.MULTILINE):
        assert "=?" not in field


@pytest.mark.parametrize("title", TITLES)
def test_titles_round_trip(title: str) -> None:
    """Subject, From and To of any script and length are valid, and both parsers agree."""
    letter = letters.make()
    made = _made(subject=title, digest=title, sender=replace(letter.sender, name=title))
    _check_legal(made)
    expected = " ".join(title.split())
    parsed = message_from_bytes(made, policy=policy.default)
    assert parsed["Subject"] == expected
    for field in ("From", "To"):
        assert _name(made, field) == (expected, "editors@example.org")
    other = mailparser.parse_from_bytes(made)
    assert re.sub(r"\r?\n(?= )", "", other.subject) == expected  # it leaves folds in place
    assert other.from_ == [(expected, "editors@example.org")]


@given(WILD)
def test_no_title_can_break_the_headers(title: str) -> None:
    """Whatever characters a title has, the headers stay valid and the Subject one header."""
    made = _made(subject=title, digest=title)
    _check_legal(made)
    names = re.findall(rb"^([A-Z][A-Za-z-]*):", made.partition(b"\r\n\r\n")[0], re.MULTILINE)
    assert names.count(b"Subject") == 1
    assert b"Bcc" not in names


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=200))
def test_any_subject_round_trips(title: str) -> None:
    """Letters, digits, punctuation and symbols of all scripts survive the encoding."""
    parsed = message_from_bytes(_made(subject=title))
    raw = re.sub(r"\r?\n(?=\s)", "", str(parsed["Subject"] or ""))
    assert str(make_header(decode_header(raw))) == _one_line(title)


def test_a_title_cannot_add_a_header() -> None:
    """A line end in a title becomes a space."""
    made = _made(subject="Hello\r\nBcc: everyone@example.org", digest="x\ny: z")
    parsed = message_from_bytes(made, policy=policy.default)
    assert parsed["Subject"] == "Hello Bcc: everyone@example.org"
    assert parsed["Bcc"] is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (HTML, TEXT),
        ("<p>plain ascii</p>\n" * 300, "a = b\n" * 300),
        ("字" * 30_000 + "\n", "trailing space \n.\nFrom here\n" + "字" * 500 + "\n"),
        ("x" * 5000 + "\n", "=_" * 500 + "\n"),
    ],
)
def test_both_bodies_round_trip(html: str, text: str) -> None:
    """Both parsers return the same HTML and text, text first, as RFC 2046 requires."""
    made = mime_message(letters.make(), html, text)
    _check_legal(made)
    parsed = message_from_bytes(made, policy=policy.default)
    assert parsed.get_content_type() == "multipart/alternative"
    plain, rich = parsed.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == text
    assert rich.get_content().replace("\r\n", "\n") == html
    assert not parsed.defects
    assert not plain.defects
    assert not rich.defects
    other = mailparser.parse_from_bytes(made)
    assert other.text_plain[0].replace("\r\n", "\n").rstrip() == text.rstrip()
    assert other.text_html[0].replace("\r\n", "\n").rstrip() == html.rstrip()


def test_each_body_has_the_shorter_encoding() -> None:
    """Chinese is sent as base64, English as quoted-printable."""
    parsed = message_from_bytes(mime_message(letters.make(), "word " * 500, "字" * 500))
    encodings = [part["Content-Transfer-Encoding"] for part in parsed.get_payload()]  # type: ignore[union-attr]
    assert encodings == ["base64", "quoted-printable"]


def test_list_headers_are_complete() -> None:
    """List-ID, archive and unsubscribe, in plain ASCII, folded only between addresses."""
    service = DeliverySettings(service_url=BaseUrl("https://news.example.org/"))
    letter = letters.make(delivery=service)
    head = mime_message(letter, HTML, TEXT).partition(b"\r\n\r\n")[0].decode()
    assert "\r\nList-ID: <weekly.example.org>\r\n" in head
    assert (
        "\r\nList-Unsubscribe: <mailto:editors@example.org?subject=unsubscribe>,"
        "\r\n <https://news.example.org/unsubscribe>\r\n"
    ) in head
    assert "List-Unsubscribe-Post" not in head
    assert "\r\nList-Archive: <https://example.org/feeds/digests/weekly/>\r\n" in head
    assert "\r\nContent-Language: zh-CN\r\n" in head
    assert "\r\nDate: " not in head.partition("\r\n")[2]
    assert head.startswith("Date: Mon, 23 Jun 2025 08:00:00 +0800\r\n")


def test_a_long_unsubscribe_address_stays_an_address() -> None:
    """However long it is, it is neither encoded nor broken."""
    url = "https://news.example.org/" + "very-long/" * 60
    letter = letters.make(delivery=DeliverySettings(service_url=BaseUrl(url)))
    made = mime_message(letter, HTML, TEXT)
    _check_legal(made)
    parsed = message_from_bytes(made)
    assert f"<{url}unsubscribe>" in str(parsed["List-Unsubscribe"])


def test_the_same_issue_makes_the_same_bytes() -> None:
    """Neither the clock nor chance plays a part; another issue has another identity."""
    letter = letters.make()
    assert mime_message(letter, HTML, TEXT) == mime_message(letters.make(), HTML, TEXT)
    parsed = message_from_bytes(mime_message(letter, HTML, TEXT))
    assert parsed["Message-ID"] == f"<weekly.2025-06-23.{letter.identity}@example.org>"
    assert parsed.get_boundary() == f"=_{letter.identity}"
