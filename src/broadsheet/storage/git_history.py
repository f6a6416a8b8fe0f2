"""When files came into a Git repository, for articles whose dates are asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from broadsheet.errors import ConfigError, Problem

_KEY = "articles.date_from"


def first_commits(root: Path, folders: Sequence[str]) -> dict[str, str]:
    """Return the author date (ISO 8601) of the first commit of each file in `folders`, by its
    present path relative to `root`; a renamed file keeps its date.

    Raises ConfigError if `root` is in no repository, or in one without its whole history.
    """
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        what = "this clone has only the latest commits, so Git does not know when files came"
        todo = "run `git fetch --unshallow`; in GitHub Actions, set `fetch-depth: 0`"
        raise ConfigError(Problem(what, todo, key=_KEY))
    log = ("log", "-z", "--relative", "-M", "--diff-filter=AR", "--name-status", "--format=%x01%aI")
    found: dict[str, str] = {}
    present: dict[str, str] = {}  # former path -> present path; the newest commits come first
    for date, old, new in _changes(_git(root, *log, "--", *folders)):
        path = present.get(new, new)
        if old:
            present[old] = path
        else:
            found[path] = date
    return found


def history_file(root: Path) -> Path | None:
    """Return a file that changes with every commit; None outside of repositories."""
    try:
        return root / _git(root, "rev-parse", "--git-path", "logs/HEAD").strip()
    except ConfigError:
        return None


def _changes(log: str) -> Iterator[tuple[str, str, str]]:
    """Yield the date, the former path ("" for a new file) and the path of each change."""
    date, words = "", iter(log.split("\0"))
    for word in words:
        word = word.lstrip("\n")
        if word.startswith("\1"):
            date = word[1:]
        elif word.startswith("R"):
            yield date, next(words), next(words)
        elif word == "A":
            yield date, "", next(words)


def _git(root: Path, *arguments: str) -> str:
    import subprocess  # slow to import, and most projects do not ask Git

    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - no shell
    except (OSError, subprocess.CalledProcessError):
        what = "Git cannot be asked here: it is not installed, or this is not a repository"
        raise ConfigError(Problem(what, "remove the key, or run `git init`", key=_KEY)) from None
    return done.stdout.decode("utf-8", "surrogateescape")
