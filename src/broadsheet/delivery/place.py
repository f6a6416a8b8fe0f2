"""Where the delivery database is. Apart from the rest, so that whoever only asks whether there is
one need not wait for SQLAlchemy."""

from __future__ import annotations

import re
from pathlib import Path


def sqlite_file(url: str, root: Path) -> Path | None:
    """The file that `url` names; None for a database on a server, and for what is no such URL.

    root: what a relative path starts from.
    """
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", url)
    return (root / found[1]).resolve() if found else None


def exists(url: str, root: Path) -> bool:
    """Whether there is a database already; one on a server counts as there."""
    file = sqlite_file(url, root)
    return file is None or file.is_file()
