"""Where an address is mentioned in the records of others.

A server's reply about one reader may name another, to whom the mail was forwarded. What was
published, in `issues`, is no record about a person, and is looked at apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from typing import Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.database import issues, metadata

_AT: Final = "@|=|%40"
_OTHERS: Final = frozenset({"address", "address_key"})
"""The columns with the addresses of other people: nobody else's address holds this one."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A text that names the address: the `column` of the row `id` of a `table`."""

    table: str
    id: int
    column: str
    text: str


def mentions(connection: Connection, address: str) -> Iterator[Mention]:
    """Every text that names `address`, however it is written; also in its owner's own rows."""
    named = pattern(address)
    for table in metadata.sorted_tables:
        if table is issues or "id" not in table.c:
            continue
        columns = [c for c in table.c if isinstance(c.type, sql.Text) and c.name not in _OTHERS]
        for column in columns:
            query = sql.select(table.c.id, column).where(_may_name(column, address))
            for id_, text in connection.execute(query).all():
                if named.search(text):
                    yield Mention(table.name, id_, column.name, text)


def published(connection: Connection, address: str) -> tuple[str, ...]:
    """The issues that name `address` in what was published, as `DIGEST/KEY`."""
    named = pattern(address)
    columns = (issues.c.digest, issues.c.key, issues.c.letters, issues.c.mail)
    query = sql.select(*columns).order_by(issues.c.id)
    found = connection.execute(query, execution_options={"yield_per": 10})
    return tuple(
        f"{digest}/{key}"
        for digest, key, letters, mail in found
        if named.search(letters) or any(named.search(text) for text in _texts(mail))
    )


def _texts(mail: bytes) -> Iterator[str]:
    """The head and the parts of a message, decoded."""
    yield mail.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    for part in message_from_bytes(mail).walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload.decode("utf-8", "replace")


def pattern(address: str) -> re.Pattern[str]:
    """What finds `address` in a text, in any case, as it is or as in envelope senders and URLs, but
    not within another address."""
    local, _, domain = address.rpartition("@")
    domains = {domain, _readable(domain)}
    either = "|".join(re.escape(each) for each in sorted(domains))
    return re.compile(
        rf"(?<![\w.+-]){re.escape(local)}(?:{_AT})(?:{either})(?![\w-])(?!\.\w)",
        re.IGNORECASE,
    )


def _may_name(column: sql.ColumnElement[str], address: str) -> sql.ColumnElement[bool]:
    local = address.rpartition("@")[0].lower()
    text = sql.func.lower(column)
    return sql.or_(*(text.contains(local + at, autoescape=True) for at in _AT.split("|")))


def _readable(domain: str) -> str:
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain
