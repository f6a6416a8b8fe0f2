"""How fast `subscribers import` is, and how long a one-click unsubscribe waits meanwhile.

    python tests/bench/importing.py [--lines 500000] [--url sqlite:///broadsheet.db]

Another process marks somebody as unsubscribed again and again, 100 times a second at most, in the
transaction of the web service. Prints the table of docs/performance.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database, open_database

CONFIG = """
[publication]
title = "AI 前沿"
url = "https://example.org/"
language = "zh-CN"

[articles]
folders = ["."]

[digests.weekly]
title = "AI 前沿周报"

[delivery]
database = "{url}"
"""
PLAIN = "email,name,status"
MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,"
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
TIME = "2024-05-01 09:30:00"
NOW = datetime.now(UTC)


def main() -> None:
    """Measure each case in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--url", default="sqlite:///broadsheet.db")
    given = parser.parse_args()
    print("| list | lines a second | of processor time | unsubscribes | median wait | longest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, write in (("three columns", _plain), ("Mailchimp, 20 columns", _mailchimp)):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "broadsheet.toml").write_text(CONFIG.format(url=given.url), encoding="utf-8")
            (root / "list.csv").write_text(write(given.lines), encoding="utf-8")
            taken, busy, waits = _measure(root, given.url)
            print(
                f"| {name} | {given.lines / taken:,.0f} | {given.lines / busy:,.0f}"
                f" | {len(waits):,} | {median(waits) * 1000:.0f} ms | {max(waits) * 1000:.0f} ms |"
            )


def _plain(lines: int) -> str:
    rows = (
        f"r{i}@example{i % 20_000}.org,Reader {i},{'active' if i % 50 else 'unsubscribed'}"
        for i in range(lines)
    )
    return "\n".join((PLAIN, *rows, ""))


def _mailchimp(lines: int) -> str:
    rows = (
        f"r{i}@example{i % 20_000}.org,Ann,Lee,2,{TIME},192.0.2.1,{TIME},192.0.2.1,47.6,-122.2,-8,"
        f"-7,America/Los_Angeles,US,WA,{TIME},{i},{i:x},,vip"
        for i in range(lines)
    )
    return "\n".join((MAILCHIMP, *rows, ""))


def _measure(root: Path, url: str) -> tuple[float, float, list[float]]:
    """Return the seconds that the import took, its CPU seconds, and the time of each
    unsubscribe."""
    database = open_database(url, root)
    with database.writing() as connection:
        people = [
            subscribers.add(connection, f"old{i}@x.org", cause="bench", now=NOW).id
            for i in range(1000)
        ]
    command = [sys.executable, "-m", "broadsheet", "-C", str(root), "-q", "subscribers", "import"]
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    running = subprocess.Popen([*command, str(root / "list.csv")])
    waits: list[float] = []
    while running.poll() is None:
        waits.append(_leave(database, people[len(waits) % len(people)]))
        time.sleep(0.01)  # 100 readers a second
    taken, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    database.close()
    if running.returncode:
        raise SystemExit(running.returncode)
    return taken, busy, waits


def _leave(database: Database, who: int) -> float:
    begun = time.perf_counter()
    with database.writing() as connection:
        subscribers.leave(connection, who, "weekly", ("weekly",), cause="bench", now=NOW)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
