"""Notifies the WebSub hub of feeds that have changed (https://www.w3.org/TR/websub/).

The specification leaves this request open. Hubs have one in common: a form with hub.mode=publish,
and the feed in hub.url and hub.topic. The hub then fetches the feed, so it must be served by then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from broadsheet.errors import Problem
from broadsheet.publish.announcements import Announcement, Published, on_published
from broadsheet.publish.announcements._http import digest_at, post

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_POLL_S: Final = 5.0
_GRACE_S: Final = 20.0  # for the last look at all URLs


@on_published
def notify_hub(published: Published) -> Iterator[Announcement]:
    """Notify the hub of each feed that declares it and has changed since the last notification."""
    hub = published.settings.feeds.hub
    if not hub:
        return
    feeds = {published.url(path): path for path in published.feeds}
    due = published.ledger.due(hub, {url: published.files[path] for url, path in feeds.items()})
    # No reader subscribes at a hub that the feed does not declare, in JSON or in XML.
    declared = re.compile("|".join(map(re.escape, (hub, escape(hub)))).encode())
    due = {url: d for url, d in due.items() if declared.search(published.read(feeds[url]))}
    until = published.ledger.waits_until(hub, published.now)
    if due and (until or published.dry_run):
        yield Announcement(hub, [*due], waits_until=until)
    elif due:
        yield from _notify(
            published, hub, due, published.ledger.record_of(hub).announced.keys() - feeds
        )


def _notify(
    published: Published, hub: str, due: Mapping[str, str], gone: set[str]
) -> Iterator[Announcement]:
    wait_s = published.settings.publish.wait
    served = _served(published, due, wait_s) if wait_s else [*due]
    for done, topic in enumerate(served):
        form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
        answer = post(hub, urlencode(form).encode(), _FORM)
        if not answer.ok:
            yield Announcement(hub, served[:done])
            yield published.failed(hub, served[done:], answer.words)
            return
        published.ledger.record(hub, {topic: due[topic]}, gone)
    yield Announcement(hub, served)
    for topic in sorted(due.keys() - {*served}):
        what = (
            f"it does not serve what was published, after {wait_s} seconds; {hub} is not notified"
        )
        todo = "publish again later, or set publish.wait to 0 if the server changes the file"
        yield Announcement(hub, [topic], Problem(what, todo, topic))


def _served(published: Published, due: Mapping[str, str], wait_s: int) -> list[str]:
    """Return the URLs that serve what was published, waiting for them up to `wait_s` seconds."""
    until = time.monotonic() + wait_s
    missing = [*due]
    while True:
        end = until + _GRACE_S
        missing = [u for u in missing if time.monotonic() > end or digest_at(u) != due[u]]
        left = until - time.monotonic()
        if not missing or left <= 0:
            return [url for url in due if url not in missing]
        published.say(f"waiting up to {left:.0f} seconds until {missing[0]} is served")
        time.sleep(min(_POLL_S, left))
