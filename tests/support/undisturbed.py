"""A project before and after an undisturbed run, to compare disturbed runs with.

Each file that a disturbed run leaves is old or new and complete; an undisturbed run after it leaves
what it would have left alone.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from newsroom import Newsroom, contents
from processes import exit_code, fork

CONFIG = """
[digests.weekly]
title = "周报"
missed = "each"
[digests.daily]
title = "日报"
schedule = "0 8 * * *"
"""
EARLIER = "2025-06-16T09:00:00+08:00"
COMMANDS = [("build",), ("digest",), ("build", "digest")]
_TEMPORARY = ".broadsheet-tmp"
_CHANGES = ("replace", "unlink", "fsync", "mkdir", "rmdir")


@dataclass(frozen=True)
class Scenario:
    """A project before a run, the run, and the content of feeds/ after it."""

    newsroom: Newsroom
    before: Path
    commands: tuple[str, ...]
    old: dict[str, bytes]
    new: dict[str, bytes]

    def begin(self) -> None:
        """Restore the state before the run."""
        shutil.rmtree(self.newsroom.folder)
        shutil.copytree(self.before, self.newsroom.folder)

    def run(self) -> None:
        """Do one undisturbed run, which must succeed."""
        for command in self.commands:
            ran = self.newsroom.run(*command.split(), "--quiet")
            assert (ran.code, ran.out, ran.err) == (0, "", "")

    def check_whole(self) -> None:
        """Every file is old or new; an issue with a record has all of its files."""
        left = contents(self.newsroom.folder / "feeds")
        for path, data in left.items():
            if not path.endswith(_TEMPORARY):
                old_or_new = data in (self.old.get(path), self.new.get(path))
                assert old_or_new or path in _FOLLOWING, path
                assert data.endswith(b"\n") or path.endswith((".eml", ".txt")), f"{path} is half"
        for path in left:
            if path.endswith("/issue.json"):
                folder = path.removesuffix("issue.json")
                files = {name for name in self.new if name.startswith(folder)}
                assert all(left.get(name) == self.new[name] for name in files)

    def check_in_order(self) -> None:
        """Exactly the files of an undisturbed run are there, byte for byte."""
        assert contents(self.newsroom.folder / "feeds") == self.new

    def is_midway(self) -> bool:
        """Whether the files are those of neither before nor after the run."""
        return contents(self.newsroom.folder / "feeds") not in (self.old, self.new)


# Files that both commands write, so that they have a state in between.
_FOLLOWING = {".broadsheet.json", "feeds.opml", "index.html"} | {
    f"digests/{name}/{file}"
    for name in ("weekly", "daily")
    for file in ("index.html", "atom.xml", "rss.xml", "feed.json")
}


def scenario(
    folder: Path, commands: tuple[str, ...], *, given: str = "", config: str = CONFIG
) -> Scenario:
    """Publish a project; then add, edit and remove articles.

    given: a command that has run since then, with this `config`.
    """
    newsroom = Newsroom.open(folder / "project", CONFIG)
    newsroom.article("a.md", title="甲", date="2025-06-12", main_topics=["AI"])
    newsroom.article("gone.md", title="旧", date="2025-06-13", main_topics=["旧的"])
    for command in ("build", "digest"):
        assert newsroom.run(command, now=EARLIER).code == 0
    (newsroom.folder / "content/gone.md").unlink()
    newsroom.article("a.md", title="甲乙", date="2025-06-12", main_topics=["AI"])
    newsroom.article("b.md", title="乙", date="2025-06-18", main_topics=["AI"])
    newsroom.article("c.md", title="丙", date="2025-06-29T12:00:00+08:00", main_topics=["芯片"])
    newsroom.configure(config)
    if given:
        assert newsroom.run(given).code == 0
    before = folder / "before"
    shutil.copytree(newsroom.folder, before)
    old = newsroom.published()
    made = Scenario(newsroom, before, commands, old, {})
    made.run()
    return Scenario(newsroom, before, commands, old, newsroom.published())


def killed_at(made: Scenario, number: int) -> bool:
    """Run in a process that kills itself before its `number`th change; return whether it got that
    far."""

    def work() -> None:
        _count_changes(lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == number else 0)
        made.run()

    code = exit_code(fork(work))
    assert code in {0, -signal.SIGKILL}
    return code != 0


def _count_changes(told: Callable[[int], object]) -> None:
    """Call `told` with 1, 2, ... before each change of the disk that this process makes."""
    count = 0

    def counting(change: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            told(count)
            return change(*args, **kwargs)

        return counted

    for name in _CHANGES:
        setattr(os, name, counting(getattr(os, name)))


def changes_of(made: Scenario) -> int:
    """Return how many changes of the disk an undisturbed run makes."""
    made.begin()
    reader, writer = os.pipe()

    def work() -> None:
        _count_changes(lambda _: os.write(writer, b"."))
        made.run()

    child = fork(work)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        count = len(pipe.read())
    assert exit_code(child) == 0
    made.check_in_order()
    return count
