"""Which secret signed last, so that a machine with another one is noticed before its readers do."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sql
from sqlalchemy import Connection

from broadsheet.delivery.database import Database, keys, lock_ledger
from broadsheet.delivery.tokens import OLD_SECRETS, SECRET, Tokens
from broadsheet.errors import Problem

_NAME: Final = "signed"
_LAST: Final = sql.select(keys.c.value).where(keys.c.name == _NAME)


def unknown_secret(connection: Connection, tokens: Tokens) -> Problem | None:
    """Return the problem if links were signed last with a secret that `tokens` does not have."""
    if connection.execute(_LAST).scalar() in (None, *tokens.fingerprints()):
        return None
    return Problem(
        f"the last mail was signed with a secret that is not in {SECRET} or {OLD_SECRETS} here",
        "give all machines the same secrets, or readers' links fail (docs/delivery.md)",
    )


def record_secret(database: Database, tokens: Tokens) -> Problem | None:
    """Record that `tokens` sign from now on. Return the problem as `unknown_secret` does.

    Raises DatabaseError.
    """
    own = tokens.fingerprints()[0]
    with database.reading() as connection:
        if connection.execute(_LAST).scalar() == own:
            return None
    with database.writing() as connection:
        lock_ledger(connection)
        found = unknown_secret(connection, tokens)
        connection.execute(sql.delete(keys).where(keys.c.name == _NAME))
        connection.execute(sql.insert(keys).values(name=_NAME, value=own))
    return found
