"""All that is held about one person, from every table (GDPR, article 15)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from email.parser import BytesHeaderParser
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.addresses import address_key
from broadsheet.delivery.database import deliveries, issues, metadata, senders, subscribers
from broadsheet.delivery.mentions import Mention, mentions, published
from broadsheet.delivery.personal import own_message_id

Row = dict[str, Any]
_LISTS: Final = ("topics", "digests")


@dataclass(frozen=True, slots=True)
class Dossier:
    """person: the row of `subscribers`. deliveries: each with its digest, issue and Message-ID.

    others: the rows of each further table that belong to the person, such as `changes`.
    mentions: in the records of other people. published: the issues that name the address. Times
    are as in the database: ISO 8601, UTC.
    """

    person: Row
    deliveries: tuple[Row, ...]
    others: dict[str, tuple[Row, ...]]
    mentions: tuple[Mention, ...]
    published: tuple[str, ...]

    @property
    def consent(self) -> Row:
        """How the person came to be on the list: when, with which status, and why."""
        first = next((row for row in self.others["changes"] if row["what"] == "status"), {})
        return {"at": first.get("at"), "status": first.get("after"), "cause": first.get("cause")}

    @property
    def sections(self) -> dict[str, list[Row]]:
        """All rows but the person's own, by what they are."""
        return {
            **{name: list(rows) for name, rows in self.others.items()},
            "deliveries": list(self.deliveries),
            "mentions": [asdict(each) for each in self.mentions],
            "published": [{"issue": name} for name in self.published],
        }


def dossier(connection: Connection, address: str) -> Dossier | None:
    """All that is held about the owner of `address`; None for one who is not on the list."""
    query = sql.select(subscribers).where(subscribers.c.address_key == address_key(address))
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        return None
    person = {**found, **{name: json.loads(found[name]) for name in _LISTS}}
    others = {
        table.name: _rows(connection, table, person["id"])
        for table in metadata.sorted_tables
        if "subscriber" in table.c and table is not deliveries
    }
    own = {(name, row["id"]) for name, rows in others.items() for row in rows}
    sent = _deliveries(connection, person["id"])
    own |= {("subscribers", person["id"]), *(("deliveries", row["id"]) for row in sent)}
    named = mentions(connection, person["address"])
    return Dossier(
        person=person,
        deliveries=sent,
        others=others,
        mentions=tuple(each for each in named if (each.table, each.id) not in own),
        published=published(connection, person["address"]),
    )


def _rows(connection: Connection, table: sql.Table, subscriber: int) -> tuple[Row, ...]:
    query = sql.select(table).where(table.c.subscriber == subscriber).order_by(table.c.id)
    return tuple(_without_owner(row) for row in connection.execute(query).mappings())


def _deliveries(connection: Connection, subscriber: int) -> tuple[Row, ...]:
    joined = deliveries.join(issues, issues.c.id == deliveries.c.issue)
    joined = joined.outerjoin(senders, senders.c.id == deliveries.c.sender)
    query = (
        sql.select(issues.c.digest, issues.c.key, senders.c.name.label("run"), deliveries)
        .select_from(joined)
        .where(deliveries.c.subscriber == subscriber)
        .order_by(deliveries.c.id)
    )
    ids = _message_ids(connection, subscriber)
    return tuple(
        {**_without_owner(row), "message_id": ids[row["issue"]]}
        for row in connection.execute(query).mappings()
    )


def _message_ids(connection: Connection, subscriber: int) -> dict[int, str]:
    """The Message-ID of the person's copy of each issue: mail logs and mailboxes name it."""
    query = sql.select(issues.c.id, issues.c.mail).join(
        deliveries, deliveries.c.issue == issues.c.id
    )
    found = connection.execute(query.where(deliveries.c.subscriber == subscriber))
    return {id_: own_message_id(_message_id(mail), subscriber) for id_, mail in found}


def _message_id(mail: bytes) -> str:
    head = mail.partition(b"\r\n\r\n")[0]
    return str(BytesHeaderParser().parsebytes(head)["Message-ID"] or "").strip().strip("<>")


def _without_owner(row: Any) -> Row:
    return {name: value for name, value in row.items() if name != "subscriber"}
