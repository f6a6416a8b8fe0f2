"""Commands that need optional dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broadsheet.errors import Problem, UsageError


@contextmanager
def extra(names: str, what: str) -> Iterator[None]:
    """Run `what`, which needs the extras `names`. Raises UsageError if a package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if not names or (error.name or "").partition(".")[0] == "broadsheet":
            raise
        raise UsageError(
            Problem(
                f"{what} needs {error.name}, which is not installed",
                f'install Broadsheet with it: pip install "broadsheet[{names}]"',
            )
        ) from error
