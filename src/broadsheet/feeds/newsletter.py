"""A digest as the feeds know it: they list it, and carry its issues as a feed of their own."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Newsletter(Struct, frozen=True):
    """A digest beside the feeds.

    path: its folder under the feeds folder, ending in a slash. issues: how many there are.
    newest_title, newest_url, newest_date: of its newest issue; "" and None where there is none.
    """

    path: str
    title: str
    description: str
    language: str
    issues: int
    newest_title: str = ""
    newest_url: str = ""
    newest_date: datetime | None = None
