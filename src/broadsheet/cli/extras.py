"""Parts of Broadsheet that need more than it installs by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broadsheet.errors import Problem, UsageError


@contextmanager
def extra(names: str, what: str = "this") -> Iterator[None]:
    """`what` runs here and needs the extras `names`. Raises UsageError where one is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "broadsheet":
            raise
        # By the clone, not by name: the name is nobody's on the package indexes, so far.
        raise UsageError(
            Problem(
                f"{what} needs {error.name}, which is not installed",
                f'install Broadsheet with it: pip install "path/to/the/clone[{names}]"',
            )
        ) from error
