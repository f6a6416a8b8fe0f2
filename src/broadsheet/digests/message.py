"""The whole MIME message of an issue (RFC 5322, RFC 2045 to 2047): ASCII bytes with CRLF.

The same context gives the same bytes: nothing comes from the clock or a random number. Each header
is folded as its kind allows, which the standard library's policies cannot do: one limit for all
either encodes a long List-Unsubscribe, which is then invalid, or makes a Chinese Subject one
encoded-word of more than the 75 characters allowed.

An issue's files never change, but its sender and unsubscribe addresses come from the config at
delivery (docs/decisions/0015), so each message is readdressed before it is sent.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from email import message_from_bytes
from email.header import Header
from email.utils import format_datetime, quote
from html import escape
from typing import Final

from msgspec import Struct

from broadsheet.digests.context import IssueContext, list_id
from broadsheet.digests.issue import DigestUrls
from broadsheet.digests.sender import (
    OptOut,
    Sender,
    form_url,
    mail_address,
    mail_sender,
    opt_out,
    preferences_url,
    replace_urls,
)
from broadsheet.errors import DeliveryError, Problem
from broadsheet.i18n import Words
from broadsheet.model.publication import OwnTexts
from broadsheet.model.settings import Settings
from broadsheet.text.characters import printable

_CRLF: Final = "\r\n"
_COLUMNS: Final = 76
_LONGEST_WORD: Final = 60  # columns that an unencoded word of a header may take


def mime_message(context: IssueContext, html: str, text: str) -> bytes:
    """Return message.eml: a mail with `html` and, for clients without HTML, `text`.

    It has no recipient: delivery adds the reader, and replaces the shared links by the reader's own
    (`sender.replace_urls`).
    """
    boundary = f"=_{context.identity}"  # "=_" occurs in no body, quoted-printable or base64
    return _whole([*_headers(context), _content_type(boundary)], boundary, html, text)


def _whole(headers: Sequence[str], boundary: str, html: str, text: str) -> bytes:
    """Return the message with these header fields, Content-Type included."""
    parts = (_part("plain", text), _part("html", html))
    body = "".join(f"--{boundary}{_CRLF}{part}{_CRLF}" for part in parts)
    made = _CRLF.join([*headers, "", body]) + f"--{boundary}--{_CRLF}"
    return made.encode("ascii")


def message_fields(message: bytes) -> list[tuple[str, bytes]]:
    """Return the header fields of a message by `mime_message`: names, and values as folded.

    Raises DeliveryError for any other message.
    """
    made = header_fields(message)
    names = {name.lower() for name, _ in made}
    if b"\r\n\r\n" not in message or not {"from", "message-id", "content-type"} <= names:
        raise not_our_message()
    return made


def header_fields(message: bytes) -> list[tuple[str, bytes]]:
    """Return the header fields of a message with CRLF line ends: names, and values as folded."""
    head = message.partition(b"\r\n\r\n")[0]
    split = [field.partition(b":") for field in re.split(rb"\r\n(?![ \t])", head)]
    return [(name.decode("ascii", "replace"), value.lstrip(b" ")) for name, _, value in split]


def shared_unsubscribe_urls(headers: Sequence[tuple[str, bytes]]) -> tuple[str, str]:
    """Return the unsubscribe URLs of List-Unsubscribe, which all readers share: page, `mailto:`."""
    values = [value.decode() for name, value in headers if name.lower() == "list-unsubscribe"]
    ways = re.findall(r"<([^>]*)>", " ".join(values))
    pages = [way for way in ways if not way.startswith("mailto:")]
    mailtos = [way for way in ways if way.startswith("mailto:")]
    return next(iter(pages), ""), next(iter(mailtos), "")


def message_bodies(message: bytes) -> tuple[str, str]:
    """Return the HTML and the plain text of a MIME message; "" for a missing one.

    Lines end with LF.
    """
    found = {"text/html": "", "text/plain": ""}
    for part in message_from_bytes(message).walk():
        kind = part.get_content_type()
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        if kind in found and isinstance(payload, bytes):
            found[kind] = payload.decode("utf-8", "replace").replace("\r\n", "\n")
    return found["text/html"], found["text/plain"]


def not_our_message() -> DeliveryError:
    """Return the error for a message that `mime_message` did not make."""
    return DeliveryError(
        Problem(
            "its message.eml is not in the form that Broadsheet writes",
            "restore it from Git or a backup, and run again",
        )
    )


def _headers(context: IssueContext) -> list[str]:
    sender = context.sender
    digest, _, domain = context.list_id.partition(".")
    key = re.sub(r"[^0-9A-Za-z-]", "-", context.key)
    return [
        f"Date: {format_datetime(context.tick)}",
        address_header("From", sender.name, sender.address),
        address_header("To", context.digest, sender.address),
        _text("Subject", context.subject),
        f"Message-ID: <{digest}.{key}.{context.identity}@{domain}>",
        f"List-ID: <{context.list_id}>",
        f"List-Archive: <{context.urls.archive}>",
        *unsubscribe_headers(context.opt_out),
        f"Archived-At: <{context.urls.web}>",
        *reply_to_header(context.reply_to),
        f"Content-Language: {context.language}",
        "MIME-Version: 1.0",
    ]


def reply_to_header(address: str) -> list[str]:
    """Return Reply-To (RFC 5322, section 3.6.2); [] without an address."""
    return [f"Reply-To: <{address}>"] if address else []


def unsubscribe_headers(opt_out: OptOut) -> list[str]:
    """Return List-Unsubscribe (RFC 2369, section 3.2); [] without an unsubscribe URL.

    Each URL is on a line of its own, and never encoded. List-Unsubscribe-Post
    (RFC 8058) is left out, since the page is the same for all readers.
    """
    ways = [f"<{way}>" for way in (opt_out.mail, opt_out.page) if way]
    return [f"List-Unsubscribe: {f',{_CRLF} '.join(ways)}"] if ways else []


def _content_type(boundary: str) -> str:
    return f'Content-Type: multipart/alternative;{_CRLF} boundary="{boundary}"'


def _part(subtype: str, text: str) -> str:
    """One body with its header, in the shorter of the two encodings."""
    data = text.replace("\r\n", "\n").replace("\n", _CRLF).encode()
    quoted = binascii.b2a_qp(data, istext=True).decode("ascii")
    encoded = base64.encodebytes(data).decode("ascii").strip().replace("\n", _CRLF)
    name, body = min(
        (("quoted-printable", quoted), ("base64", encoded)), key=lambda made: len(made[1])
    )
    return _CRLF.join(
        (
            f'Content-Type: text/{subtype}; charset="utf-8"',
            f"Content-Transfer-Encoding: {name}",
            "",
            body,
        )
    )


def _text(name: str, value: str) -> str:
    """A header of free text (RFC 5322, section 2.2.1), encoded only if necessary (RFC 2047)."""
    clean = _clean(value)
    charset = "us-ascii" if _needs_no_encoding(clean) else "utf-8"
    return f"{name}: {_encoded(name, clean, charset)}"


def address_header(name: str, phrase: str, address: str) -> str:
    """Return a header with one address, in ASCII. phrase: the name that people see, or ""."""
    clean = _clean(phrase)
    if not clean:
        return f"{name}: <{address}>"
    if _needs_no_encoding(clean) and len(clean) < _LONGEST_WORD:
        return f'{name}: "{quote(clean)}"{_CRLF} <{address}>'
    return f"{name}: {_encoded(name, clean, 'utf-8')}{_CRLF} <{address}>"


def _encoded(name: str, value: str, charset: str) -> str:
    return Header(value, charset, maxlinelen=_COLUMNS, header_name=name).encode(linesep=_CRLF)


def _needs_no_encoding(text: str) -> bool:
    return (
        text.isascii()
        and "=?" not in text
        and max(map(len, text.split()), default=0) < _LONGEST_WORD
    )


def _clean(text: str) -> str:
    """`text` on one line, so that it cannot end its header and begin another."""
    return " ".join(printable(text).split())


_LINE = (
    '<p style="margin: 0; padding: 16px; text-align: center; font: 13px/22px sans-serif; '
    'color: #767676">{links}</p>\n'
)
_LINK = '<a href="{way}" style="color: #767676; text-decoration: underline">{words}</a>'


class Letterhead(Struct, frozen=True):
    """The sender of an issue. list_id: of List-ID. archive, web: the URLs of its pages.

    reply_to: a mail address, or "". texts: the publication's own.
    """

    sender: Sender
    opt_out: OptOut
    list_id: str
    archive: str
    web: str
    reply_to: str = ""
    texts: OwnTexts = {}


def letterhead(digest: str, key: str, settings: Settings, reply_to: str = "") -> Letterhead:
    """Return the letterhead of an issue by its key. Raises ConfigError for a bad sender.

    reply_to: what the editor's note says.
    """
    who = mail_sender(settings.publication, settings.delivery)
    addresses = DigestUrls(digest, settings.publication, settings.feeds)
    return Letterhead(
        sender=who,
        opt_out=opt_out(who, settings.delivery),
        list_id=list_id(digest, settings.publication),
        archive=addresses.archive,
        web=addresses.issue(key),
        reply_to=reply_to or mail_address(settings.digest(digest).reply_to),
        texts=settings.publication.texts,
    )


def readdressed(message: bytes, head: Letterhead) -> bytes:
    """Return a message of `mime_message` with the fields of `head` instead of its own.

    Its Message-ID takes the sender's domain. If it was made without an unsubscribe URL, a line at
    its end has one. Raises DeliveryError if `mime_message` did not make it.
    """
    own = message_fields(message)
    replaced = _replaced(own, head)
    kept = [f"{name}: {value.decode()}" for name, value in own if name.lower() not in replaced]
    headers = [*(line for lines in replaced.values() for line in lines), *kept]
    html, text = message_bodies(message)
    links = _links(*shared_unsubscribe_urls(own), head)
    html, text = replace_urls(html, links), replace_urls(text, links)
    if not any(shared_unsubscribe_urls(own)) and head.opt_out.unsubscribe:
        language = _value(own, "content-language")
        html, text = _with_opt_out(html, text, head.opt_out, Words(language, head.texts))
    boundary = message_from_bytes(message).get_boundary() or ""
    return _whole(headers, boundary, html, text)


def _replaced(own: list[tuple[str, bytes]], head: Letterhead) -> dict[str, list[str]]:
    """Field name in lower case -> the lines that replace it."""
    issue = _value(own, "message-id").strip().strip("<>").rpartition("@")[0]
    return {
        "from": [address_header("From", head.sender.name, head.sender.address)],
        "message-id": [f"Message-ID: <{issue}@{head.sender.domain}>"],
        "list-id": [f"List-ID: <{head.list_id}>"],
        "list-archive": [f"List-Archive: <{head.archive}>"],
        "list-unsubscribe": unsubscribe_headers(head.opt_out),
        "archived-at": [f"Archived-At: <{head.web}>"],
        "reply-to": reply_to_header(head.reply_to),
        "sender": [],
    }


def _value(own: list[tuple[str, bytes]], wanted: str) -> str:
    return next((value.decode() for name, value in own if name.lower() == wanted), "")


def _links(page: str, mail: str, head: Letterhead) -> dict[str, str]:
    """Old URL of the service -> new one; without a service, the form becomes the archive."""
    links, new = {}, head.opt_out
    if page:
        links[page] = new.unsubscribe
        links[preferences_url(page)] = new.preferences or new.unsubscribe
        links[form_url(page)] = form_url(new.page) or head.archive
    if mail:
        links[mail] = (page and new.mail) or new.unsubscribe
    return {old: now for old, now in links.items() if old and now and old != now}


def _with_opt_out(html: str, text: str, ways: OptOut, words: Words) -> tuple[str, str]:
    named = [
        (ways.unsubscribe, words("Unsubscribe")),
        (ways.preferences, words("Your preferences")),
    ]
    labelled = [(way, label) for way, label in named if way]
    links = " &nbsp;·&nbsp; ".join(
        _LINK.format(way=way, words=escape(label)) for way, label in labelled
    )
    start, end, rest = html.rpartition("</body>")
    line = _LINE.format(links=links)
    lines = "".join(
        f"{words('{label}: {value}', label=label, value='').rstrip()}\n    {way}\n"
        for way, label in labelled
    )
    return (f"{start}{line}{end}{rest}" if end else f"{html}{line}"), f"{text.rstrip()}\n\n{lines}"
