"""How a build grows with the number of articles: the second half of docs/performance.md.

    python tests/bench/growth.py [--articles 1000 10000 100000] [--rss]

Default feeds, or with --rss the newest articles as RSS summaries. Each case runs once: seconds (of
processor time) and the memory of all processes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import articles
from bench.measure import sized
from bench.run import Project, nothing

_SUMMARIES: Final = 'formats = ["rss"]\ncontent = "summary"\narchive = "none"\n'


def measure(project: Project) -> dict[str, str]:
    """Return what each case costs."""
    walk = [sys.executable, "-c", _WALK.format(str(project.folder))]
    cases = {
        "cold build": (project.command("build"), project.forget),
        "nothing changed": (project.command("build"), nothing),
        "one article edited": (project.command("build"), project.edit),
        "one article added": (project.command("build"), project.add),
        "walking the folder, in Python": (walk, nothing),
    }
    found = {}
    for name, (command, prepare) in cases.items():
        prepare()
        run, memory = sized(command)
        found[name] = f"{run.seconds:.2f} s ({run.processor:.2f}), {memory:.0f} MB"
        print(f"{project.count:,}: {name}: {found[name]}", file=sys.stderr, flush=True)
    return found


_WALK: Final = "from pathlib import Path; [p.stat() for p in Path({!r}).rglob('*.md')]"


def main() -> None:
    """Measure each number of articles, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rss", action="store_true")
    given = parser.parse_args()
    columns = {}
    for count in given.articles:
        with tempfile.TemporaryDirectory() as name:
            project = Project(Path(name), count)
            articles.write(project.folder, count, _SUMMARIES if given.rss else articles.DEFAULT)
            columns[count] = measure(project)
    print("| case | " + " | ".join(f"{count:,} articles" for count in columns) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for case in next(iter(columns.values())):
        print(f"| {case} | " + " | ".join(found[case] for found in columns.values()) + " |")


if __name__ == "__main__":
    main()
