"""The mail services whose exports are recognised: the tables of services.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from broadsheet.delivery.lists.consent import ColumnKind, normalized
from broadsheet.delivery.subscribers import Status


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service and its exports; services.toml explains the fields.

    All headings, values and file names are in the form of `consent.normalized`.
    """

    name: str
    recognised_by: list[frozenset[str]]
    consent: dict[str, ColumnKind]
    values: dict[str, Status]
    ignored: frozenset[str]
    file_names: dict[str, Status]
    note: str = ""


@cache
def services() -> tuple[Service, ...]:
    """Return all services, in the order of the table."""
    text = resources.files(__package__).joinpath("services.toml").read_text("utf-8")
    return tuple(_service(name, table) for name, table in tomllib.loads(text).items())


def recognised_service(headings: Iterable[str]) -> Service | None:
    """Return the first service whose export has these headings, in normalised form."""
    there = frozenset(headings)
    return next((s for s in services() if any(each <= there for each in s.recognised_by)), None)


def _service(name: str, table: Mapping[str, Any]) -> Service:
    raw = {
        **table,  # an unknown key is an error
        "name": name,
        "recognised_by": [_normalized(headings) for headings in table["recognised_by"]],
        "consent": _with_normalized_keys(table["consent"]),
        "values": {
            normalized(word): status
            for status, words in table.get("values", {}).items()
            for word in words
        },
        "ignored": _normalized(table.get("ignored", ())),
        "file_names": _with_normalized_keys(table.get("file_names", {})),
    }
    return msgspec.convert(raw, Service)


def _normalized(texts: Iterable[str]) -> list[str]:
    return [normalized(text) for text in texts]


def _with_normalized_keys(table: Mapping[str, str]) -> dict[str, str]:
    return {normalized(key): value for key, value in table.items()}
