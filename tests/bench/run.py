"""The benchmark of builds: Broadsheet beside Hugo, Pelican and Eleventy on the same articles.

Each round runs every case once, so that whatever else the machine does affects all of them alike.
Prints the tables of docs/performance.md: medians and their ratio to the peer.

    python tests/bench/run.py [--articles 10000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import articles, peers
from bench.measure import Run, sized, timed

NOW: Final = ("--now", "2025-06-30T09:00:00+08:00")
_LIBRARIES: Final = Path(__file__).with_name("libraries.py")
_BROADSHEET: Final = str(Path(sys.executable).parent / "broadsheet")
_DIGEST: Final = '\n[digests.monthly]\ntitle = "Monthly"\nschedule = "0 8 1 * *"\n'


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case to measure after `prepare`. The first case of a table is the peer of the others."""

    name: str
    command: list[str]
    prepare: Callable[[], None] = nothing


@dataclass
class Project:
    """A project with generated articles, and the states that its cases begin with."""

    folder: Path
    count: int
    edits: int = field(default=0, init=False)

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of Broadsheet."""
        return [_BROADSHEET, "-C", str(self.folder), *NOW, *arguments]

    def forget(self) -> None:
        """Remove outputs and cache, and have the articles in the system's cache."""
        for name in ("feeds", ".broadsheet", "previews"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.warm()

    def warm(self) -> None:
        """Read all articles, so that no case waits for the disk that another found warm."""
        for path in (self.folder / "content").rglob("*.md"):
            path.read_bytes()

    def forget_cache(self) -> None:
        """Remove the cache, but no output."""
        shutil.rmtree(self.folder / ".broadsheet", ignore_errors=True)
        self.warm()

    def edit(self) -> None:
        """Add a paragraph to an article that several feeds hold."""
        self.edits += 1
        with (self.folder / "content" / "posts" / "article-0000100.md").open("a") as file:
            file.write(f"\n\nEdit {self.edits}.\n")

    def add(self) -> None:
        """Add an article, the newest of all."""
        self.edits += 1
        posts = self.folder / "content" / "posts"
        text = (posts / "article-0000000.md").read_text("utf-8")
        (posts / f"new-{self.edits}.md").write_text(
            text.replace("title: ", f"title: {self.edits} ")
        )

    def add_digest(self) -> None:
        """Add a digest to the config, or remove the one added before."""
        config = self.folder / "broadsheet.toml"
        text = config.read_text("utf-8")
        other = text.removesuffix(_DIGEST) if text.endswith(_DIGEST) else text + _DIGEST
        config.write_text(other, "utf-8")

    def forget_issues(self) -> None:
        """Remove the issues of the weekly digest."""
        shutil.rmtree(self.folder / "feeds" / "digests" / "weekly", ignore_errors=True)


def tables(folder: Path, count: int) -> Iterator[tuple[str, list[Case]]]:
    """Yield each table's heading and its cases, in an order in which each finds what it needs."""
    default, atom = Project(folder / "default", count), Project(folder / "atom", count)
    rss, plain = Project(folder / "rss", count), Project(folder / "plain", count)
    small = Project(folder / "small", 1_000)
    articles.write(default.folder, count, articles.DEFAULT)
    articles.write(atom.folder, count, articles.DEFAULT + 'archive_formats = ["atom"]\n')
    articles.write(rss.folder, count)
    articles.write(plain.folder, count, markdown="python-markdown")
    two = articles.DEFAULT + 'formats = ["atom", "rss"]\narchive = "none"\n'
    articles.write(small.folder, small.count, two, markdown="python-markdown")

    def clean(site: Path) -> Callable[[], None]:
        return lambda: [shutil.rmtree(site / name, True) for name in ("public", "output", "_site")]

    content = default.folder / "content"
    command = peers.hugo(folder / "hugo", content, only_rss=False)
    written = folder / "libraries"
    libraries = [sys.executable, str(_LIBRARIES), str(content), str(written)]
    yield (
        f"Default feeds, {count:,} articles",
        [
            Case("Hugo, the same files", command, clean(folder / "hugo")),
            Case("the libraries alone", libraries, partial(shutil.rmtree, written, True)),
            Case("cold build", default.command("build"), default.forget),
            Case("cold build, archives in Atom only", atom.command("build"), atom.forget),
            Case("nothing changed", default.command("build")),
            Case("one article edited", default.command("build"), default.edit),
            Case("one article added", default.command("build"), default.add),
            Case(
                "`digest` of one week", default.command("digest", "weekly"), default.forget_issues
            ),
            Case("`status`", default.command("status")),
            Case("`explain` one article", default.command("explain", _explained(default))),
            Case("`preview`", default.command("preview")),
            Case("the first `check` after a build", default.command("check", "--quiet")),
            Case("`check`, nothing changed", default.command("check", "--quiet")),
            Case("a digest added to the config", default.command("build"), default.add_digest),
            Case(
                "`check`, without anything stored",
                default.command("check", "--quiet"),
                default.forget_cache,
            ),
        ],
    )
    command = peers.hugo(folder / "hugo-rss", rss.folder / "content", only_rss=True)
    yield (
        f"RSS alone, {count:,} articles",
        [
            Case("Hugo, the same files", command, clean(folder / "hugo-rss")),
            Case("cold build, CommonMark", rss.command("build"), rss.forget),
            Case("cold build, Python-Markdown", plain.command("build"), plain.forget),
        ],
    )
    command = peers.pelican(folder / "pelican", small.folder / "content")
    cases = [
        Case("Pelican, pages and feeds", command, clean(folder / "pelican")),
        Case("cold build, Python-Markdown", small.command("build"), small.forget),
    ]
    if command := peers.eleventy(folder / "eleventy", small.folder / "content"):
        cases.append(Case("Eleventy, RSS and bare pages", command, clean(folder / "eleventy")))
    yield "Atom and RSS, 1,000 articles", cases


def _explained(project: Project) -> str:
    return str(project.folder / "content" / "posts" / "article-0000100.md")


def table(cases: list[Case], taken: dict[str, list[Run]], memory: dict[str, float]) -> str:
    """Return medians, their ratio to the first case, and the spread, as a Markdown table."""
    peer = median(run.seconds for run in taken[cases[0].name])
    heads = ("case", "seconds", "ratio", "from", "to", "processor", "memory")
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for case in cases:
        seconds = [run.seconds for run in taken[case.name]]
        processor = median(run.processor for run in taken[case.name])
        cells = [f"{median(seconds):.2f}", f"{median(seconds) / peer:.2f}"]
        cells += [f"{min(seconds):.2f}", f"{max(seconds):.2f}", f"{processor:.2f}"]
        lines.append(f"| {case.name} | {' | '.join(cells)} | {memory[case.name]:.0f} MB |")
    return "\n".join(lines)


def measured(cases: list[Case], rounds: int) -> tuple[dict[str, list[Run]], dict[str, float]]:
    """Return every run of each case, and its peak memory in a run of its own."""
    taken: defaultdict[str, list[Run]] = defaultdict(list)
    memory: dict[str, float] = {}
    for number in range(rounds + 1):
        for case in cases:
            case.prepare()
            os.sync()  # so that a case does not wait for what the one before has written
            if number < rounds:
                taken[case.name].append(timed(case.command))
            else:
                memory[case.name] = sized(case.command)[1]
    return taken, memory


def main() -> None:
    """Run all rounds, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, {given.rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        for heading, cases in tables(Path(name), given.articles):
            taken, memory = measured(cases, given.rounds)
            print(f"\n## {heading}\n\n{table(cases, taken, memory)}", flush=True)


if __name__ == "__main__":
    main()
