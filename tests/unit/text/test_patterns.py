"""Regular expressions that every supported Python matches alike."""

from __future__ import annotations

import importlib
import pkgutil
import re
from re import _parser  # type: ignore[attr-defined]  # what a pattern consists of

import broadsheet


def patterns() -> dict[str, re.Pattern[str]]:
    """Return every pattern that a module of Broadsheet holds, by its name."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(broadsheet.__path__, "broadsheet.")
        if not found.name.endswith("__main__")
    ]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }


def test_no_pattern_has_a_possessive_quantifier() -> None:
    """Python before 3.11.5, Debian 12's too, gets `(a|b)*+` wrong, but not `(?>(a|b)*)`."""
    found = patterns()
    assert len(found) > 100
    possessive = [
        name
        for name, pattern in found.items()
        if "POSSESSIVE" in repr(_parser.parse(pattern.pattern, pattern.flags).data)
    ]
    assert possessive == []
