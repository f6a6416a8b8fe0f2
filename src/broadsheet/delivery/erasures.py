"""Addresses that were erased: of each only a keyed hash is left, so that none comes back unasked.

The key is in the database, not in the environment: a hash must stay checkable after the signing
secret was rotated, and an import knows no secret (docs/decisions/0017). Whoever has the database
can test whether an address they know is among the hashes, but cannot list them.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.addresses import address_key
from broadsheet.delivery.database import erasures, keys, moment, stamp

_KEY: Final = "erasures"
_AT_ONCE: Final = 500  # hashes in one query


def erased(connection: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Those of `addresses` that were erased, as they are given here."""
    key = _key(connection)
    if key is None:
        return frozenset()
    by_hash: dict[str, list[str]] = {}
    for address in addresses:
        by_hash.setdefault(_hash(key, address), []).append(address)
    hashes = list(by_hash)
    found: list[str] = []
    for start in range(0, len(hashes), _AT_ONCE):
        some = erasures.c.hash.in_(hashes[start : start + _AT_ONCE])
        for hash_ in connection.execute(sql.select(erasures.c.hash).where(some)).scalars():
            found += by_hash[hash_]
    return frozenset(found)


def erased_at(connection: Connection, address: str) -> datetime | None:
    """When `address` was erased, aware; None if it was not."""
    key = _key(connection)
    if key is None:
        return None
    query = sql.select(erasures.c.at).where(erasures.c.hash == _hash(key, address))
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else moment(found)


def remember(connection: Connection, address: str, now: datetime) -> None:
    """Keeps the hash of an address that is being erased."""
    key = _key(connection) or _new_key(connection)
    hash_ = _hash(key, address)
    connection.execute(sql.delete(erasures).where(erasures.c.hash == hash_))
    connection.execute(sql.insert(erasures).values(hash=hash_, at=stamp(now)))


def lift(connection: Connection, address: str) -> None:
    """Forgets that `address` was erased: its owner has asked to come back."""
    if (key := _key(connection)) is not None:
        connection.execute(sql.delete(erasures).where(erasures.c.hash == _hash(key, address)))


def _hash(key: str, address: str) -> str:
    return hmac.new(
        bytes.fromhex(key), address_key(address).encode("utf-8", "surrogatepass"), "sha256"
    ).hexdigest()


def _key(connection: Connection) -> str | None:
    query = sql.select(keys.c.value).where(keys.c.name == _KEY)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


def _new_key(connection: Connection) -> str:
    """Creates the key. The caller has serialised the transaction: nobody else creates another."""
    key = secrets.token_hex(32)
    connection.execute(sql.insert(keys).values(name=_KEY, value=key))
    return key
