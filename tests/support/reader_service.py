"""The web service of a newsroom, and a reader who uses its pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from broadsheet.bounces.webhooks import webhooks
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database, open_database
from broadsheet.delivery.subscribers import Status, Subscriber
from broadsheet.delivery.tokens import Tokens
from broadsheet.digests.sender import Sender
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.service.app import application
from broadsheet.service.context import AppContext
from broadsheet.service.fetching import fetched
from broadsheet.service.limits import RateLimits
from broadsheet.service.outbox import ConfirmationMail, MailWriter, Outbox
from broadsheet.service.pages import Offer, OfferedDigest, PageRenderer
from broadsheet.service.store import LiveDatabase, SubscriberStore
from deliveries import open_sqlite
from newsroom import Newsroom

SECRET = "a secret of more than sixteen characters"


NOW = datetime(2025, 6, 30, 1, 0, tzinfo=UTC)


URL = BaseUrl("https://news.example.org/")


@dataclass
class SetClock:
    """The time, which tests advance."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Letterbox:
    """The place of a mail server: it keeps letters. refusals: replies before it accepts one."""

    letters: list[ConfirmationMail] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)

    async def __call__(self, letter: ConfirmationMail) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.letters.append(letter)


@dataclass
class Office:
    """A service with a real database, and access to both sides."""

    database: Database
    service: AppContext
    letterbox: Letterbox
    clock: SetClock
    web: TestClient
    folder: Path

    def subscriber(self, address: str = "ann@example.com", **fields: object) -> Subscriber:
        """Add a subscriber."""
        with self.database.writing() as connection:
            return subscribers.add(
                connection,
                address,
                cause="test",
                now=self.clock(),
                **fields,  # type: ignore[arg-type]
            )

    def find(self, address: str = "ann@example.com") -> Subscriber | None:
        with self.database.reading() as connection:
            return subscribers.find(connection, address)

    def who(self, address: str = "ann@example.com") -> Subscriber:
        """Return the subscriber, who must exist."""
        found = self.find(address)
        assert found is not None
        return found

    def status(self, address: str = "ann@example.com") -> Status | None:
        found = self.find(address)
        return found.status if found else None

    def mark(self, subscriber: Subscriber, digest: str = "") -> str:
        return self.service.store.tokens.unsubscribe(subscriber.id, digest)

    def form(self) -> str:
        """Return the seal of a form that was just shown."""
        return hidden(self.web.get("/subscribe").text)

    def post(self) -> list[ConfirmationMail]:
        """Return the letters that were sent once all background tasks are done."""
        assert self.web.portal is not None
        self.web.portal.call(self.service.outbox.idle)
        return self.letterbox.letters

    def subscribe(self, address: str, **fields: object) -> int:
        given = {"t": self.form(), "address": address, "digest": ["weekly", "english"], **fields}
        return self.web.post("/subscribe", data=given).status_code


def hidden(page: str) -> str:
    """Return the token in a page's form."""
    found = re.search(r'name="t" value="([^"]+)"', page)
    assert found, page
    return found[1]


PUBLICATION = Publication(
    title="AI 前沿",
    url=BaseUrl("https://example.org/"),
    language=Language("en"),
)


OFFER = Offer(
    (
        OfferedDigest("weekly", "The Weekly", "Every Monday"),
        OfferedDigest("english", "The Monthly"),
    ),
    ("开源", "Science", "A & B <i>"),
)


@contextmanager
def office(
    folder: Path,
    publication: Publication = PUBLICATION,
    offer: Offer = OFFER,
    url: BaseUrl = URL,
    limits: RateLimits | None = None,
    database_url: str = "",  # of a server; SQLite otherwise
    patience: float = 3.0,  # on a busy machine a write may take a second
    environment: Mapping[str, str] | None = None,
    fetch: Callable[[str], bytes] = fetched,
) -> Iterator[Office]:
    """Run a service during the block."""
    clock, letterbox = SetClock(), Letterbox()
    if database_url:
        database = open_database(database_url, folder, patience)
    else:
        database = open_sqlite("test.db", folder, patience)
    sender = Sender("AI 前沿", "news@example.org", answers=True)
    digests = tuple(each.name for each in offer.digests)
    service = AppContext(
        SubscriberStore(LiveDatabase(database), Tokens(SECRET), digests, clock),
        PageRenderer(publication, urlsplit(url).path),
        MailWriter(publication, sender),
        Outbox(letterbox, waits=(0.0, 0.0)),
        lambda: offer,
        url,
        limits=limits or RateLimits(),
        webhooks=webhooks(environment or {}),
        fetch=fetch,
    )
    try:
        with TestClient(
            application(service), base_url="https://news.example.org", follow_redirects=False
        ) as web:
            yield Office(database, service, letterbox, clock, web, folder)
    finally:
        database.close()


def linked(letter: ConfirmationMail) -> str:
    """Return the link in a letter."""
    text = message_from_bytes(letter.message, policy=default).get_content()
    (found,) = [line for line in text.splitlines() if line.startswith(URL)]
    return str(found)


def ticked(page: str) -> dict[str, list[str]]:
    """Return the ticked values in a page's form, by name."""

    class Boxes(HTMLParser):
        found: dict[str, list[str]] = {}  # noqa: RUF012 - one class for each call

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "input" and given.get("type") == "checkbox" and "checked" in given:
                self.found.setdefault(given["name"] or "", []).append(given["value"] or "")

    boxes = Boxes()
    boxes.feed(page)
    return boxes.found


CONFIG = f"""
[delivery]
service_url = "{URL}"
sender = "AI 前沿 <news@example.org>"
smtp = "smtp://127.0.0.1:%d"
starttls = "never"

[digests.weekly]
title = "周报"
"""


@contextmanager
def served(newsroom: Newsroom, *args: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run `broadsheet serve`; yield its port and process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "-C", newsroom.folder, "serve", "--port", "0", *args],
        env={**os.environ, "BROADSHEET_SECRET": SECRET},
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + process.stderr.read().decode()
        yield int(found[1]), process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)
