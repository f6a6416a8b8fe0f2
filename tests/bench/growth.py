"""How a build grows with the number of articles: the second half of docs/performance.md.

    python tests/bench/growth.py [--articles 1000 10000 100000] [--rss]

Default feeds, or with --rss the newest articles as RSS summaries. Each case runs once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import articles
from bench.measure import peak, timed
from bench.run import Project

_SUMMARIES: Final = 'formats = ["rss"]\ncontent = "summary"\narchive = "none"\n'


def measure(project: Project) -> dict[str, str]:
    """Return the seconds, and for a cold build the memory, of each case."""
    build = project.command("build")
    walk = [sys.executable, "-c", _WALK.format(str(project.folder))]
    project.forget()
    found = {"cold build, memory": f"{peak(build):.0f} MB"}
    project.forget()
    found["cold build"] = f"{timed(build).seconds:.1f} s"
    found["nothing changed"] = f"{timed(build).seconds:.2f} s"
    project.edit()
    found["one article edited"] = f"{timed(build).seconds:.2f} s"
    project.add()
    found["one article added"] = f"{timed(build).seconds:.2f} s"
    project.add()
    found["one article added, memory"] = f"{peak(build):.0f} MB"
    found["walking the folder, in Python"] = f"{timed(walk).seconds:.2f} s"
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
