"""feeds/ in the checkout: what `build` makes of seeds/, kept so that a change shows in review."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conftest import Newsroom, contents

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `make feeds` would leave in feeds/; the issues in it are records, and stay."""
    copy = tmp_path_factory.mktemp("demo")
    for name in ("seeds", "feeds", "email_templates"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "broadsheet.toml", copy)
    return Newsroom(copy).build()


def test_feeds_are_what_build_makes_of_seeds(rebuilt: dict[str, bytes]) -> None:
    """Every file, byte for byte; after a change that is meant, run `make feeds` and review it."""
    kept = contents(ROOT / "feeds")
    changed = sorted(path for path in kept | rebuilt if kept.get(path) != rebuilt.get(path))
    assert changed == [], "feeds/ is not what build makes of seeds/: run `make feeds` and review it"


def test_feeds_need_no_feeds_to_be_made(tmp_path: Path, rebuilt: dict[str, bytes]) -> None:
    """Nothing of what was there before shows in the feeds; only issues are kept from run to run."""
    for name in ("seeds", "email_templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "feeds" / "digests", tmp_path / "feeds" / "digests")
    shutil.copy(ROOT / "broadsheet.toml", tmp_path)
    made = Newsroom(tmp_path).build("--adopt")
    manifest = ".broadsheet.json"
    assert {**made, manifest: b""} == {**rebuilt, manifest: b""}
