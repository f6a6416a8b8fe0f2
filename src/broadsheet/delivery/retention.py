"""Delete old rows of the ledger: who got which issue, of issues that were done long ago.

The issue stays, with the number of rows in each state, so that it is not sent again and `status`
still shows it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sql

from broadsheet.delivery.database import deliveries, issues, stamp
from broadsheet.delivery.returned_mail import WritableDatabase

ROWS_AT_ONCE: Final = 2_000  # in a transaction, so that others wait for a moment only


def forget_deliveries(database: WritableDatabase, days: int, now: datetime) -> int:
    """Delete the rows of issues that were done more than `days` ago; return their number.

    0 days: keep them. Killed at any moment, the next call continues. Raises DatabaseError.
    """
    if days == 0:
        return 0
    old = sql.select(issues.c.id).where(issues.c.done < stamp(now - timedelta(days=days)))
    some = sql.select(deliveries.c.id).where(deliveries.c.issue.in_(old)).limit(ROWS_AT_ONCE)
    total = 0
    while True:
        with database.writing() as connection:
            gone = connection.execute(sql.delete(deliveries).where(deliveries.c.id.in_(some)))
        total += gone.rowcount
        if gone.rowcount < ROWS_AT_ONCE:
            return total
