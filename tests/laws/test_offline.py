"""`build`, `digest`, `check` and `preview` stay off the network, in every process they start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laws import long
from newsroom import NOW, Newsroom

# Python imports it at its start, in each process. An audit hook sees whatever looks up a name or
# sends something. (urllib3 binds a socket when it is imported, to see whether there is IPv6.)
SITE = """
import os, sys

def record(event, arguments):
    if event.startswith("socket.") and event not in {"socket.__new__", "socket.bind"}:
        with open(os.environ["SEEN"], "a") as file:
            file.write(f"{event}\\n")

sys.addaudithook(record)
open(os.environ["SEEN"] + ".processes", "a").write("one\\n")
"""
CONFIG = """
[digests.weekly]
title = "W"
[feeds]
hub = "http://127.0.0.1:1/hub"
[publish]
to = "s3://bucket/feeds"
webhooks = ["http://127.0.0.1:1/hook"]
wait = 0
"""


def sockets_of(newsroom: Newsroom, *command: str) -> list[str]:
    """The events of sockets in the processes of a command, which must have been watched."""
    site, seen = newsroom.folder / "site", newsroom.folder / "seen"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(SITE)
    environment = {
        **os.environ,
        "PYTHONPATH": str(site),
        "SEEN": str(seen),
        "BROADSHEET_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    call = [sys.executable, "-m", "broadsheet", "-C", str(newsroom.folder), "--now", NOW]
    subprocess.run([*call, *command], env=environment, check=False, timeout=120)
    assert Path(f"{seen}.processes").exists()
    return seen.read_text().splitlines() if seen.exists() else []


@pytest.mark.parametrize(
    "command",
    [
        ("build", "--workers", "2"),
        ("check",),
        *long(("digest",), ("preview",), ("status",), ("explain", "content/a00.md")),
    ],
    ids=lambda command: command[0],
)
def test_it_opens_no_connection(newsroom: Newsroom, command: tuple[str, ...]) -> None:
    """Articles link to pages and pictures elsewhere, and the config names hubs and webhooks."""
    newsroom.configure(CONFIG)
    for number in range(30):
        body = "![](https://example.com/a.png) https://example.com/\n"
        newsroom.article(f"a{number:02}.md", body, date="2025-06-25", image="https://e.com/i.png")
    assert sockets_of(newsroom, *command) == []


def test_publish_is_seen_to_open_one(newsroom: Newsroom) -> None:
    """What watches the others would see a connection."""
    newsroom.configure(CONFIG.replace("s3://bucket/feeds", "public"))
    newsroom.article("a.md")
    newsroom.build()
    assert "socket.connect" in sockets_of(newsroom, "publish")
