"""The sample site of `demo`: its files, with dates around the present."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo

from broadsheet.errors import Problem, UsageError
from broadsheet.storage import writing

_ZONE = ZoneInfo("Europe/London")  # that of the site
_DATE = re.compile(rb"DAYS_BEFORE_MONDAY_(-?\d+)")


def write_sample_site(folder: Path, now: datetime) -> list[str]:
    """Write the sample site to `folder`, and return the paths of its files.

    now: its articles are of the week before the last Monday, when its digests were due; one is of
    the next week. Raises UsageError if there is something in the folder already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = f"{folder} exists already"
        raise UsageError(Problem(what, "name another folder, or delete this one"))
    files = dict(_files(resources.files("broadsheet") / "sample_site", ""))
    monday = now.astimezone(_ZONE) - timedelta(hours=8)  # the digests are due at eight
    monday -= timedelta(days=monday.weekday())
    for path, data in files.items():
        writing.write(folder / path, _DATE.sub(lambda found: _day(found, monday), data))
    return sorted(files)


def _day(found: re.Match[bytes], monday: datetime) -> bytes:
    return f"{monday - timedelta(days=int(found[1])):%Y-%m-%d}".encode()


def _files(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _files(each, f"{path}{each.name}/")
        else:
            yield path + each.name, each.read_bytes()
