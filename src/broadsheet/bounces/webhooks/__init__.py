"""Webhooks of mail providers: a module for each, found by being here.

The module `webhooks/NAME.py` defines `webhook(secret)`, which returns the `Webhook` of that
provider, or raises UsageError if the secret is not valid. Modules whose names start with an
underscore are helpers. Replies of servers are judged by the rules of `bounces.verdict`, as in mail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from broadsheet.bounces.report import Report

PREFIX: Final = "BROADSHEET_HOOK_"
"""`BROADSHEET_HOOK_NAME` in the environment has the secret of a provider; see docs/service.md."""


class UnsignedHookError(Exception):
    """A request is not signed, or its signature is not valid. The text has no secrets."""


class MalformedHookError(Exception):
    """A request is signed but cannot be read."""


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A request. headers: names in lower case. now: aware.

    fetch: returns what an https URL serves; raises OSError. The caller has checked the URL.
    """

    headers: Mapping[str, str]
    body: bytes
    now: datetime
    fetch: Callable[[str], bytes] = field(repr=False)


Webhook = Callable[[HookRequest], Sequence[Report]]
"""Returns what a request reports; nothing for events that are not about failures.

It may be called from several threads. Raises UnsignedHookError, MalformedHookError, or OSError if a
certificate is unreachable.
"""


def webhooks(environment: Mapping[str, str]) -> dict[str, Webhook]:
    """Return the webhooks whose secret is set, by their names. Raises UsageError."""
    names = [each.name for each in iter_modules(__path__) if not each.name.startswith("_")]
    given = {name: environment.get(f"{PREFIX}{name.upper()}", "").strip() for name in names}
    return {
        name: import_module(f"{__name__}.{name}").webhook(secret)
        for name, secret in given.items()
        if secret
    }
