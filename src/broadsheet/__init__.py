"""Broadsheet publishes a folder of Markdown articles as feeds and mail digests.

`broadsheet.load(path)` is the beginning of the Python API; see `broadsheet.api`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from broadsheet.api import Broadsheet, BuildResult, DigestResult, MadeIssue, load

__version__ = "0.1.0"
DOCUMENTATION = "https://broadsheet.example/"
"""The address of the documentation; pages are named from here."""
__all__ = ["Broadsheet", "BuildResult", "DigestResult", "MadeIssue", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import the API when it is used: the command line does without."""
    if name in __all__:
        return getattr(import_module("broadsheet.api"), name)
    raise AttributeError(f"module 'broadsheet' has no attribute {name!r}")
