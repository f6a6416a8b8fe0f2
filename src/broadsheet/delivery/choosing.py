"""Which issues a run delivers: what was begun and is not done, and what is new and fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broadsheet.digests.issue import Issue


@dataclass(frozen=True, slots=True)
class Chosen:
    """issues: to be delivered, oldest first. left: what will not be, with the reason."""

    issues: tuple[Issue, ...]
    left: tuple[tuple[Issue, str], ...] = ()


def choose(
    issued: Sequence[Issue],
    begun: Sequence[tuple[str, datetime]],
    now: datetime,
    fresh_days: int,
) -> Chosen:
    """Which of the issues of one digest to begin to deliver at `now`.

    issued: all, in any order. begun: key and tick of those whose delivery has begun. An issue is
    left when it is older than `fresh_days`, or than one that was begun: readers would get an older
    one after a newer. Of a digest that was never delivered only the newest issue is sent, however
    many there are.
    """
    keys = {key for key, _ in begun}
    newest_begun = max((tick for _, tick in begun), default=None)
    ordered = sorted(issued, key=lambda issue: issue.tick)
    open_ = [issue for issue in ordered if issue.key not in keys]
    chosen: list[Issue] = []
    left: list[tuple[Issue, str]] = []
    for issue in open_:
        if issue.tick > now:
            left.append((issue, "its time has not come"))
        elif issue.tick < now - timedelta(days=fresh_days):
            left.append((issue, f"it is older than {fresh_days} days (delivery.fresh_days)"))
        elif newest_begun is not None and issue.tick < newest_begun:
            left.append((issue, "a newer one was sent before it"))
        elif newest_begun is None and issue is not ordered[-1]:
            left.append((issue, "it is not the newest, and none was sent before"))
        else:
            chosen.append(issue)
    return Chosen(tuple(chosen), tuple(left))
