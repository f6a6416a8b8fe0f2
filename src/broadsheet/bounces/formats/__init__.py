"""Formats of returned mail: a module for each, found by being here.

A module defines `ORDER` (lower numbers are tried first) and `interpret(mail)`, which returns a
`RecipientReport` for each recipient, a whole `Report`, or an `UnsubscribeRequest`. It returns an
empty value if the mail has another format, and raises NotAReport if it has this one but is invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from broadsheet.bounces.mail import ReturnedMail
from broadsheet.bounces.report import RecipientReport, Report, UnsubscribeRequest

Format = Callable[[ReturnedMail], Sequence[RecipientReport] | Report | UnsubscribeRequest | None]


@cache
def formats() -> tuple[Format, ...]:
    """Return the `interpret` of every format, in the order in which they are tried."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    return tuple(each.interpret for each in sorted(modules, key=lambda each: each.ORDER))
