"""The sender of a mail, from the present config: From, List fields, unsubscribe addresses.

An issue's files never change, but its sender and unsubscribe addresses come from the config at
delivery (docs/decisions/0015). So each message is readdressed before it is sent, whether it is the
issued one or was laid out for some readers.
"""

from __future__ import annotations

from email import message_from_bytes
from html import escape

from msgspec import Struct

from broadsheet.digests.addresses import Addresses
from broadsheet.digests.letter import list_name
from broadsheet.digests.message import (
    address_header,
    fields,
    shared_ways,
    unsubscribe_headers,
    whole,
)
from broadsheet.digests.sender import Leaving, Sender, beside, leaving, sender, with_links
from broadsheet.digests.way_out import bodies
from broadsheet.i18n import Words
from broadsheet.model.settings import Settings

_LINE = (
    '<p style="margin: 0; padding: 16px; text-align: center; font: 13px/22px sans-serif; '
    'color: #767676">{links}</p>\n'
)
_LINK = '<a href="{way}" style="color: #767676; text-decoration: underline">{words}</a>'


class Letterhead(Struct, frozen=True):
    """The sender of an issue. list_name: of List-ID. archive, web: URLs of its pages."""

    sender: Sender
    leaving: Leaving
    list_name: str
    archive: str
    web: str


def letterhead(digest: str, key: str, settings: Settings) -> Letterhead:
    """The letterhead of the issue `key` of `digest`. Raises ConfigError for a bad sender."""
    who = sender(settings.publication, settings.delivery)
    addresses = Addresses(digest, settings.publication, settings.feeds)
    return Letterhead(
        sender=who,
        leaving=leaving(who, settings.delivery),
        list_name=list_name(digest, settings.publication),
        archive=addresses.archive,
        web=addresses.issue(key),
    )


def readdressed(message: bytes, head: Letterhead) -> bytes:
    """`message`, as digests.message makes it, with the fields of `head` in place of its own.

    Its Message-ID takes the sender's domain. If it was made without an unsubscribe address, a line
    at its end has one. Raises DeliveryError if `message` is not in that form.
    """
    own = fields(message)
    replaced = _headers(own, head)
    kept = [f"{name}: {value.decode()}" for name, value in own if name.lower() not in replaced]
    headers = [*(line for lines in replaced.values() for line in lines), *kept]
    html, text = bodies(message)
    links = _links(*shared_ways(own), head.leaving)
    html, text = with_links(html, links), with_links(text, links)
    if not any(shared_ways(own)) and head.leaving.unsubscribe:
        language = _value(own, "content-language")
        html, text = _with_way_out(html, text, head.leaving, Words(language))
    boundary = message_from_bytes(message).get_boundary() or ""
    return whole(headers, boundary, html, text)


def _headers(own: list[tuple[str, bytes]], head: Letterhead) -> dict[str, list[str]]:
    """Field name in lower case -> the lines that replace it."""
    issue = _value(own, "message-id").strip().strip("<>").rpartition("@")[0]
    return {
        "from": [address_header("From", head.sender.name, head.sender.address)],
        "message-id": [f"Message-ID: <{issue}@{head.sender.domain}>"],
        "list-id": [f"List-ID: <{head.list_name}>"],
        "list-archive": [f"List-Archive: <{head.archive}>"],
        "list-unsubscribe": unsubscribe_headers(head.leaving),
        "archived-at": [f"Archived-At: <{head.web}>"],
        "reply-to": [],
        "sender": [],
    }


def _value(own: list[tuple[str, bytes]], wanted: str) -> str:
    return next((value.decode() for name, value in own if name.lower() == wanted), "")


def _links(page: str, mail: str, new: Leaving) -> dict[str, str]:
    """The unsubscribe addresses that the message was made with -> the new ones."""
    links = {}
    if page:
        links[page] = new.unsubscribe
        links[beside(page)] = new.preferences or new.unsubscribe
    if mail:
        links[mail] = (page and new.mail) or new.unsubscribe
    return {old: now for old, now in links.items() if old and now and old != now}


def _with_way_out(html: str, text: str, ways: Leaving, words: Words) -> tuple[str, str]:
    named = [(ways.unsubscribe, "mail.unsubscribe"), (ways.preferences, "mail.preferences")]
    labelled = [(way, words(name)) for way, name in named if way]
    links = " &nbsp;·&nbsp; ".join(
        _LINK.format(way=way, words=escape(label)) for way, label in labelled
    )
    start, end, rest = html.rpartition("</body>")
    line = _LINE.format(links=links)
    lines = "".join(
        f"{words('mail.label', label=label, value='').rstrip()}\n    {way}\n"
        for way, label in labelled
    )
    return (f"{start}{line}{end}{rest}" if end else f"{html}{line}"), f"{text.rstrip()}\n\n{lines}"
