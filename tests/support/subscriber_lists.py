"""Subscriber lists, and the result of importing them."""

from __future__ import annotations

import json
from typing import Any

from broadsheet.delivery.lists.reading import (
    ListedSubscriber,
    SubscriberList,
    open_list,
)
from broadsheet.errors import Problem
from newsroom import Newsroom

DIGEST = '[digests.weekly]\ntitle = "周报"\n'
TIME = "2024-05-01 09:30:00"


def import_file(desk: Newsroom, data: str | bytes, *args: str, name: str = "list.csv") -> Any:
    return desk.run("subscribers", "import", str(desk.write(name, data)), *args)


def states(desk: Newsroom) -> dict[str, str]:
    """Return everyone's status, by the part of the address before the at sign."""
    ran = desk.run("subscribers", "list", "--json")
    return {one["address"].partition("@")[0]: one["status"] for one in json.loads(ran.out)}


def table(headings: str, *rows: str) -> str:
    return "\n".join((headings, *rows, ""))


def entries(listing: SubscriberList) -> list[ListedSubscriber]:
    lines = list(listing.subscribers())
    assert not [line for line in lines if isinstance(line, Problem)]
    return [line for line in lines if not isinstance(line, Problem)]


def status_of(headings: str, cells: str) -> str:
    """Return the status of one line of a file with an address and `headings`."""
    text = table(f"email,{headings}", f"a@x.org,{cells}", f"a@x.org,{cells}")
    listing = open_list(text.encode(), "x")
    return entries(listing)[0].status
