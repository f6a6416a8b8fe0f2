"""How the time of a build grows with the number of articles. Prints the table of
docs/performance.md: medians of the rounds; a cold build runs once where it takes long.

    python tests/bench/growth.py [--rounds 3] [--articles 1000 10000 100000]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench import articles
from bench.run import NOW, seconds

_CASES = ("cold build", "nothing changed", "one article edited", "walking the folder, in Python")
_LONG = 20_000  # articles


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Seconds of each case on the articles in `folder`."""
    ours = [str(Path(sys.executable).parent / "broadsheet"), "-C", str(folder), *NOW, "build"]
    walk = f"from pathlib import Path; [p.stat() for p in Path({str(folder)!r}).rglob('*.md')]"
    edited = folder / "content" / "posts" / "article-000100.md"
    taken: dict[str, list[float]] = {case: [] for case in _CASES}
    long = len(list(edited.parent.iterdir())) > _LONG
    for number in range(rounds):
        if not (long and number):
            for name in ("feeds", ".broadsheet"):
                shutil.rmtree(folder / name, ignore_errors=True)
            taken["cold build"].append(seconds(ours))
        taken["nothing changed"].append(seconds(ours))
        with edited.open("a") as file:
            file.write(f"\n\nEdit {number}.\n")
        taken["one article edited"].append(seconds(ours))
        taken["walking the folder, in Python"].append(seconds([sys.executable, "-c", walk]))
    return {case: median(runs) for case, runs in taken.items()}


def main() -> None:
    """Measures each number of articles and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--articles", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    given = parser.parse_args()
    found = {}
    for count in given.articles:
        with tempfile.TemporaryDirectory() as name:
            articles.write(Path(name), count)
            found[count] = measure(Path(name), given.rounds)
    print("| case | " + " | ".join(f"{count:,} articles" for count in found) + " |")
    print("| --- |" + " --- |" * len(found))
    for case in _CASES:
        print(f"| {case} | " + " | ".join(f"{each[case]:.2f}" for each in found.values()) + " |")


if __name__ == "__main__":
    main()
