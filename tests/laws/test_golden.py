"""feeds/ in the checkout is what is made of seeds/, kept so that changes show in review."""

from __future__ import annotations

import shutil

import pytest

from newsroom import NOW, ROOT, Newsroom, contents

TICKS = ("2025-06-09T09:00:00+08:00", NOW)
"""When `make feeds` runs `digest`: once early, and once after three Mondays that no run saw."""


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `make feeds` makes of seeds/ in an empty folder."""
    copy = tmp_path_factory.mktemp("demo")
    shutil.copytree(ROOT / "seeds", copy / "seeds")
    shutil.copy(ROOT / "broadsheet.toml", copy)
    newsroom = Newsroom(copy)
    for tick in TICKS:
        assert newsroom.run("digest", now=tick).code == 0
    return newsroom.build()


def test_feeds_are_up_to_date(rebuilt: dict[str, bytes]) -> None:
    """Every file, byte for byte; after an intended change, run `make feeds` and review the diff."""
    kept = contents(ROOT / "feeds")
    changed = sorted(path for path in kept | rebuilt if kept.get(path) != rebuilt.get(path))
    assert changed == [], "feeds/ is not what is made of seeds/: run `make feeds` and review it"


def test_the_demo_shows_issues(rebuilt: dict[str, bytes]) -> None:
    """The golden files contain issues of both digests, one of them merged from several weeks."""
    records = [path for path in rebuilt if path.endswith("/issue.json")]
    assert sorted(records) == [
        "digests/english/2025-06-01/issue.json",
        "digests/weekly/2025-06-09/issue.json",
        "digests/weekly/2025-06-30/issue.json",
    ]
