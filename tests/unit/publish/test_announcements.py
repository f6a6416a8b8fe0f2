"""Hubs and webhooks, each a real server, are told of every change: none missed, none twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest

from announced import SECRET, Listeners, listeners
from broadsheet.publish.announcements.webhooks import signing_key
from newsroom import Newsroom, Ran

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

LEDGER = "broadsheet-announced.json"
LATER = "2025-06-30T09:30:00+08:00"


@dataclass(frozen=True)
class Announced:
    """A project that publishes to the folder that the web server serves."""

    newsroom: Newsroom
    listeners: Listeners

    def edit(self, text: str) -> None:
        self.newsroom.article("a.md", text, categories=["开源"])
        self.newsroom.build()

    def publish(self, *options: str, now: str = "2025-06-30T09:00:00+08:00") -> Ran:
        return self.newsroom.run("publish", *options, now=now)

    @property
    def feeds(self) -> set[str]:
        folders = ("", f"topics/{quote('开源')}/")
        names = ("atom.xml", "rss.xml", "feed.json")
        return {
            f"{self.listeners.base}feeds/{folder}{name}" for folder in folders for name in names
        }


@pytest.fixture
def announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Announced]:
    monkeypatch.setenv("BROADSHEET_WEBHOOK_SECRET", SECRET)
    (tmp_path / "project").mkdir()
    with listeners(tmp_path, tmp_path / "public") as found:
        newsroom = Newsroom(tmp_path / "project")
        newsroom.configure(
            f'[feeds]\nhub = "{found.hub}"\n[publish]\nto = "../public"\nwait = 20\n'
            f'webhooks = ["{found.hook}"]\n',
            f'[publication]\ntitle = "T"\nurl = "{found.base}"\n',
        )
        made = Announced(newsroom, found)
        made.edit("Text.")
        yield made


def test_subscribers_get_what_was_published(announced: Announced) -> None:
    """A subscriber of the hub gets the new feed, byte for byte, and an unchanged one not again."""
    topic = f"{announced.listeners.base}feeds/atom.xml"
    announced.listeners.subscribe(topic)
    assert announced.publish().code == 0
    assert {*announced.listeners.told} == announced.feeds
    announced.edit("Other text.")
    assert announced.publish().code == 0
    assert announced.publish().code == 0
    received = announced.listeners.received[topic]
    assert len(received) == 2
    assert received[1] == announced.newsroom.published()["atom.xml"]


def test_a_webhook_gets_every_change_once(announced: Announced) -> None:
    """It is told of all files first, of what changed after an edit, of what was removed, and of
    nothing if nothing changed."""
    base = f"{announced.listeners.base}feeds/"
    assert announced.publish().code == 0
    assert announced.publish().code == 0
    announced.newsroom.article("a.md", "Text.", categories=["开源"], title="New")
    announced.newsroom.build()
    assert announced.publish().code == 0
    (_, first), (_, second) = announced.listeners.called
    published = {base + quote(path) for path in announced.newsroom.published()}
    assert first["type"] == "feeds.published"
    assert {*first["data"]["changed"]} == published - {base + ".broadsheet.json"}
    assert {*first["data"]["feeds"]} == announced.feeds
    assert base + "feed.css" not in second["data"]["changed"]
    assert base + "atom.xml" in second["data"]["feeds"]
    announced.newsroom.configure(
        '[feeds]\nformats = ["atom"]\nkeep_retired_days = 0\n[publish]\nto = "../public"\n'
        f'webhooks = ["{announced.listeners.hook}"]\n',
        f'[publication]\ntitle = "T"\nurl = "{announced.listeners.base}"\n',
    )
    announced.newsroom.build()
    assert announced.publish().code == 0
    assert base + "rss.xml" in announced.listeners.called[2][1]["data"]["removed"]
    assert announced.publish().code == 0
    assert len(announced.listeners.called) == 3


@pytest.mark.parametrize("status", [301, 400, 410, 429, 503])
def test_what_is_refused_is_told_later(announced: Announced, status: int) -> None:
    """The run says why and fails, the next one waits, and a later one tells each target."""
    announced.listeners.refusals, announced.listeners.status = 2, status
    ran = announced.publish()
    assert ran.code == 1
    assert f"{announced.listeners.hook}: {status}" in ran.err
    assert ": not now; the next `broadsheet publish` after 09:05" in ran.err
    assert not announced.listeners.called
    waiting = announced.publish()
    assert waiting.code == 0
    assert "not yet notified" in waiting.out
    assert not announced.listeners.told
    assert announced.publish(now=LATER).code == 0
    assert len(announced.listeners.called) == 1
    assert {*announced.listeners.told} == announced.feeds


def test_waits_grow(announced: Announced) -> None:
    """The first wait is 5 minutes; each further one twice as long, up to six hours."""
    announced.listeners.refusals = 1000
    ledger = announced.newsroom.folder / LEDGER
    waits = []
    for day in range(1, 10):
        announced.publish(now=f"2025-07-0{day}T00:00:00+00:00")
        until = json.loads(ledger.read_text())[announced.listeners.hook]["not_before"]
        waits.append(until.partition("T")[2])
    assert waits[:4] == ["00:05:00Z", "00:10:00Z", "00:20:00Z", "00:40:00Z"]
    assert waits[-1] == "06:00:00Z"


def test_a_run_killed_before_the_ledger_repeats_its_id(announced: Announced) -> None:
    """A receiver can tell that it was called before: the id and the data are the same."""
    assert announced.publish().code == 0
    (announced.newsroom.folder / LEDGER).unlink()
    assert announced.publish(now=LATER).code == 0
    first, again = announced.listeners.called
    assert first[0] == again[0]
    assert first[1]["data"] == again[1]["data"]


@pytest.mark.parametrize("target", ["hook", "hub"])
def test_a_run_that_is_killed_misses_nothing(announced: Announced, target: str) -> None:
    """Killed after a target has got its request and before it answers, the next run repeats this
    request, with the same id, and sends those that are left."""
    call = [sys.executable, "-m", "broadsheet", "-C", str(announced.newsroom.folder), "publish"]
    with subprocess.Popen(call) as run:
        announced.listeners.before_answer[target] = run.kill
    assert run.returncode == -signal.SIGKILL
    announced.listeners.before_answer.clear()
    assert announced.publish().code == 0
    assert announced.publish().code == 0
    ids = [id_ for id_, _ in announced.listeners.called]
    assert len({*ids}) == 1
    assert len(ids) == (2 if target == "hook" else 1)
    assert {*announced.listeners.told} == announced.feeds
    assert len(announced.listeners.told) == len(announced.feeds) + (target == "hub")


def test_a_hub_hears_of_a_feed_once_it_is_served(announced: Announced) -> None:
    """The run waits until the URL serves what was published; one that never does is left."""
    announced.listeners.stale["atom.xml"] = b"old"
    announced.newsroom.write(
        "broadsheet.toml",
        (announced.newsroom.folder / "broadsheet.toml")
        .read_text()
        .replace("wait = 20", "wait = 1"),
    )
    assert announced.publish().code == 0
    assert f"{announced.listeners.base}feeds/atom.xml" in announced.listeners.told


def test_a_feed_that_is_not_served_is_not_announced(announced: Announced) -> None:
    """The run says which URL does not serve what was published, and the next one tries again."""
    config = announced.newsroom.folder / "broadsheet.toml"
    config.write_text(config.read_text().replace("wait = 20", "wait = 1"))
    url = f"{announced.listeners.base}feeds/atom.xml"
    never = dict.fromkeys(("atom.xml",), b"old")
    with patch.object(announced.listeners, "stale", Always(never)):
        ran = announced.publish()
    assert ran.code == 1
    assert f"{url}: it does not serve what was published, after 1 seconds" in ran.err
    assert {*announced.listeners.told} == announced.feeds - {url}
    assert announced.publish().code == 0
    assert {*announced.listeners.told} == announced.feeds


class Always(dict[str, bytes]):
    """What is not taken out by `pop`."""

    def pop(self, key: str, default: object = None) -> object:
        return self.get(key, default)


def test_a_key_is_needed(announced: Announced, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, no webhook is called, and the message says how to make one; the hub is told."""
    monkeypatch.delenv("BROADSHEET_WEBHOOK_SECRET")
    ran = announced.publish()
    assert ran.code == 1
    assert (
        "BROADSHEET_WEBHOOK_SECRET is not set, or not valid; set it in the environment" in ran.err
    )
    assert announced.listeners.told
    assert not announced.listeners.called


@pytest.mark.parametrize("secret", ["", "x" * 40, "whsec_", "whsec_c2hvcnQ=", "whsec_ü"])
def test_a_weak_key_is_none(secret: str) -> None:
    """A key has the prefix of the specification and at least 24 bytes."""
    assert signing_key(secret) is None


def test_a_dry_run_tells_nobody(announced: Announced) -> None:
    """It says whom a run would tell, and of how much."""
    ran = announced.publish("--dry-run")
    assert f"{announced.listeners.hub}: would be notified of 6 changes" in ran.out
    assert not announced.listeners.told
    assert not announced.listeners.called
    assert not (announced.newsroom.folder / LEDGER).exists()


def test_a_server_that_is_away_is_told_later(announced: Announced) -> None:
    """The message says so in words, and the exit code is 1."""
    config = announced.newsroom.folder / "broadsheet.toml"
    config.write_text(config.read_text().replace(announced.listeners.hook, "http://127.0.0.1:1/"))
    ran = announced.publish()
    assert ran.code == 1
    assert "http://127.0.0.1:1/: no connection: Connection refused; the next" in ran.err


def test_a_damaged_ledger_stops_the_announcements(announced: Announced) -> None:
    """What to do is said; nobody is told of everything again by mistake."""
    announced.newsroom.write(LEDGER, "{")
    ran = announced.publish()
    assert ran.code == 1
    assert f"{LEDGER}: it cannot be read" in ran.err
    assert not announced.listeners.told
