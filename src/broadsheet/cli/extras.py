"""Parts of Broadsheet that need more than it installs by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from broadsheet.errors import Problem, UsageError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """What runs here needs the extra `name`. Raises UsageError when it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "broadsheet":
            raise
        raise UsageError(
            Problem(
                f"this needs {error.name}, which is not installed",
                f'install it with: pip install "broadsheet[{name}]"',
            )
        ) from error
