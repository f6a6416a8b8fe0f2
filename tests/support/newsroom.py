"""A small newsroom for the tests: a project on disk, and the real command run in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from broadsheet.articles import Article, Source
from broadsheet.articles.parsing import parse
from broadsheet.cli import main
from broadsheet.model.publication import BaseUrl, Publication
from broadsheet.model.settings import ArticleSettings
from broadsheet.storage.folders import disk_time
from processes import exit_code, fork, until

ROOT = Path(__file__).parents[2]
"""The checkout."""
TESTS = ROOT / "tests"

NOW = "2025-06-30T09:00:00+08:00"
MOMENT = datetime.fromisoformat(NOW)

CONFIG = """
[publication]
title = "AI 前沿"
url = "https://example.org/"
language = "zh-CN"
timezone = "Asia/Shanghai"
author = { name = "编辑部", email = "editors@example.org" }
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a run of the command."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Newsroom:
    """A project: broadsheet.toml and articles in content/."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, config: str = "") -> Newsroom:
        """Create a project in `folder`; `config` comes after the publication's table."""
        newsroom = cls(folder)
        newsroom.configure(config)
        (folder / "content").mkdir(exist_ok=True)
        return newsroom

    def configure(self, config: str, publication: str = CONFIG) -> None:
        self.write("broadsheet.toml", publication + config)

    def write(self, path: str, content: str | bytes) -> Path:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def article(self, path: str, body: str = "Text.\n", **fields: object) -> Path:
        """Write content/`path`, with front matter in YAML's JSON subset, so any text will do."""
        given = {"title": path.partition(".")[0], "date": "2025-06-19T07:20:04+08:00", **fields}
        lines = [
            f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()
        ]
        head = "\n".join(lines)
        return self.write(f"content/{path}", f"---\n{head}\n---\n\n{body}")

    def run(self, *args: str, now: str = NOW) -> Ran:
        """Run the real command in this process, as `broadsheet -C folder --now now args`."""
        out, err = io.StringIO(), io.StringIO()
        argv = ["broadsheet", "-C", str(self.folder), "--now", now, *args]
        with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                return Ran(int(end.code or 0), out.getvalue(), err.getvalue())

    def settle(self) -> None:
        """Wait until every file of the project is old enough for its stamp to be trusted."""
        state = self.folder / ".broadsheet"
        state.mkdir(exist_ok=True)
        last = max(path.lstat().st_ctime_ns for path in (self.folder, *self.folder.rglob("*")))
        until(lambda: disk_time(state) > last)

    def start(self, *args: str, now: str = NOW) -> Callable[[], Ran]:
        """Start the real command in a fork of this process, and return what waits for its end.

        It is killed if it hangs.
        """
        result = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`

        def work() -> None:
            ran = self.run(*args, now=now)
            os.write(result.fileno(), json.dumps([ran.code, ran.out, ran.err]).encode())

        def end() -> Ran:
            assert exit_code(child) == 0, args
            with result:
                result.seek(0)
                return Ran(*json.loads(result.read()))

        child = fork(work)
        return end

    def run_apart(self, *args: str, now: str = NOW) -> Ran:
        """Run the real command in a fork of this process, which is killed if it hangs."""
        return self.start(*args, now=now)()

    def build(self, *args: str, now: str = NOW) -> dict[str, bytes]:
        """Build, which must succeed, and return what is published."""
        ran = self.run("build", *args, now=now)
        assert ran.code == 0, ran.err
        return self.published()

    def published(self) -> dict[str, bytes]:
        """Return every file of the feeds folder: relative path -> bytes."""
        return contents(self.folder / "feeds")


def live(published: dict[str, bytes]) -> dict[str, bytes]:
    """Return what is published without feeds that have ended, the pages of ended digests, which
    stay with their issues, and the manifest that lists them."""
    retired = json.loads(published[".broadsheet.json"]).get("retired", {})
    ended = {path.rpartition("/")[0] for path in retired if path.startswith("digests/")}
    others = {".broadsheet.json", *retired, *(f"{folder}/index.html" for folder in ended)}
    return {path: data for path, data in published.items() if path not in others}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`: relative path with slashes -> bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the modification time and inode of each file and folder below `folder`."""
    found = {path.relative_to(folder).as_posix(): path.lstat() for path in folder.rglob("*")}
    return {path: (status.st_mtime_ns, status.st_ino) for path, status in found.items()}


def run_command(folder: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with `environment` added to ours."""
    return subprocess.run(
        [sys.executable, "-m", "broadsheet", "-C", str(folder), "--now", NOW, *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def article(text: str, path: str = "content/a.md", **settings: object) -> Article:
    """Return the article of a source text. `settings`: of the publication, or of its articles."""
    mine = {
        name: value for name, value in settings.items() if name in ArticleSettings.__annotations__
    }
    others = {name: value for name, value in settings.items() if name not in mine}
    publication = {"title": "AI 前沿", "url": BaseUrl("https://example.org/"), **others}
    return parse(
        Source(path, "content", text, sha256(text.encode("utf-8", "surrogatepass")).hexdigest()),
        Publication(**publication),  # type: ignore[arg-type]
        ArticleSettings(**mine),  # type: ignore[arg-type]
    )


def dated(**fields: object) -> str:
    """Return a source text with a title, a date and `fields`."""
    given = {"title": "A", "date": "2025-06-19T07:20:04+08:00", **fields}
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()]
    return "\n".join(["---", *lines, "---", "", "Text.", ""])


@cache
def _import_all() -> None:
    """Import what commands import on demand: without privileges the files may be unreadable, and
    Python caches that it found none."""
    with tempfile.TemporaryDirectory() as name:
        newsroom = Newsroom.open(Path(name), '[digests.weekly]\ntitle = "W"\n')
        newsroom.article("a.md")
        for command in ("digest", "build", "check"):
            assert newsroom.run(command).code == 0


@contextmanager
def no_privileges() -> Iterator[Path]:
    """Run as a user without privileges, in a folder of that user; root could read everything."""
    _import_all()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        user = os.geteuid()
        if user == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield folder
        finally:
            for path in (folder, *folder.rglob("*")):
                if path.is_dir():
                    path.chmod(0o700)
            os.seteuid(user)
