"""A disk that is full at any write: each file is old or new and complete, and a message says
why."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from newsroom import TESTS

HERE = TESTS / "full_disk"
COMPILER = shutil.which("cc")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the layer is made for Linux"),
    pytest.mark.skipif(
        not COMPILER, reason="no C compiler (Debian: apt-get install gcc libc6-dev)"
    ),
]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that refuses writes, compiled."""
    made = tmp_path_factory.mktemp("layer") / "layer.so"
    call = [str(COMPILER), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(made)]
    subprocess.run([*call, str(HERE / "layer.c"), "-ldl"], check=True)
    return made


@pytest.mark.parametrize("for_good", ["0", "1"], ids=["for a moment", "for good"])
@pytest.mark.parametrize("command", ["build", "digest"])
def test_a_disk_that_is_full_at_any_write_harms_nothing(
    layer: Path, tmp_path: Path, command: str, for_good: str
) -> None:
    """Every request for space is refused in turn, those of the cache too; a rerun repairs
    everything."""
    ran = subprocess.run(
        [sys.executable, str(HERE / "run.py"), str(tmp_path), command, for_good],
        env={**os.environ, "LD_PRELOAD": str(layer)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "requests refused" in ran.stdout
