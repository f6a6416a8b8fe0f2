"""Erased addresses: only a keyed hash of each is kept, so that no import brings one back.

The key is in the database, not in the environment: hashes must stay valid after the signing secret
is rotated, and an import has no secret (docs/decisions/0017). Someone with the database can test
whether an address that they know is among the hashes, but cannot list them.
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


def erased_addresses(connection: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Return those of `addresses` that were erased, as written here."""
    key = _key(connection)
    if key is None:
        return frozenset()
    by_hash: dict[str, list[str]] = {}
    for address in addresses:
        by_hash.setdefault(_hash(key, address), []).append(address)
    query = sql.select(erasures.c.hash).where(erasures.c.hash.in_(list(by_hash)))
    found = connection.execute(query).scalars()
    return frozenset(address for hash_ in found for address in by_hash[hash_])


def erased_at(connection: Connection, address: str) -> datetime | None:
    """Return when `address` was erased (aware), or None."""
    key = _key(connection)
    if key is None:
        return None
    query = sql.select(erasures.c.at).where(erasures.c.hash == _hash(key, address))
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else moment(found)


def record_erasure(connection: Connection, address: str, now: datetime) -> None:
    """Keep the hash of an address that is being erased."""
    key = _key(connection) or _new_key(connection)
    hash_ = _hash(key, address)
    connection.execute(sql.delete(erasures).where(erasures.c.hash == hash_))
    connection.execute(sql.insert(erasures).values(hash=hash_, at=stamp(now)))


def lift_erasure(connection: Connection, address: str) -> None:
    """Forget that `address` was erased: its owner asked to be subscribed again."""
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
    """Create the key. The caller's transaction excludes others, so there is only one."""
    key = secrets.token_hex(32)
    connection.execute(sql.insert(keys).values(name=_KEY, value=key))
    return key
