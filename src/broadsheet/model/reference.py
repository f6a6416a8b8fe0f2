"""The documentation, the JSON Schema and a starter file, made from the types of the settings."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from types import MappingProxyType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from broadsheet import DOCUMENTATION
from broadsheet.model.publication import BaseUrl, Language, Person, Url
from broadsheet.model.settings import ANY_NAME, Settings
from broadsheet.model.values import (
    DestinationAddress,
    Permalink,
    RegisteredName,
    Schedule,
    ShortcodeTemplate,
    SmtpUrl,
    plain_type,
)
from broadsheet.text.characters import printable

_TYPES: dict[type, dict[str, Any]] = {
    BaseUrl: {"type": "string", "format": "uri", "examples": ["https://example.org/"]},
    DestinationAddress: {"type": "string", "examples": ["s3://bucket/feeds", "../public/feeds"]},
    Language: {"type": "string", "examples": ["zh-CN", "en"]},
    Permalink: {"type": "string", "examples": ["/posts/{slug}/"]},
    Schedule: {"type": "string", "examples": ["0 8 * * MON", "@daily"]},
    ShortcodeTemplate: {"type": "string", "examples": ['<img src="{src}" alt="{alt}">']},
    SmtpUrl: {"type": "string", "format": "uri", "examples": ["smtps://mail.example.org"]},
    Url: {"type": "string", "format": "uri", "examples": ["https://example.org/hook"]},
    ZoneInfo: {"type": "string", "examples": ["Asia/Shanghai"]},
}
_NAMES: dict[type, str] = {
    BaseUrl: "URL",
    DestinationAddress: "folder or URL",
    Language: "language tag",
    Permalink: "pattern",
    Schedule: "schedule",
    ShortcodeTemplate: "template",
    SmtpUrl: "mail server",
    Url: "URL",
    ZoneInfo: "time zone",
    Person: "name, email, url",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
}
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Key:
    """One key. table: such as ("feeds",). default: as in TOML, None if there is none."""

    table: tuple[str, ...]
    name: str
    description: str
    type: Any
    required: bool
    default: Any


def schema() -> dict[str, Any]:
    """Return the JSON Schema of broadsheet.toml, for editors that complete and check TOML.

    It has the form that schemastore.org asks for: draft 7, with an `$id`.
    """
    _, tables = msgspec.json.schema_components(
        [Settings], schema_hook=_json_type, ref_template="#/definitions/{name}"
    )
    for struct in _structs(Settings):
        table = tables[struct.__name__]
        for info, text in _described_fields(struct):
            key = table["properties"].setdefault(info.encode_name, {})
            if place := key.pop("$ref", None):  # draft 7 ignores what is beside it
                key["allOf"] = [{"$ref": place}]
            key["description"] = text
    for table in tables.values():
        if any_name := table["properties"].pop(ANY_NAME, None):
            table["additionalProperties"] = any_name["additionalProperties"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"{DOCUMENTATION}broadsheet.schema.json",
        **tables.pop(Settings.__name__),
        "title": "broadsheet.toml",
        "description": "The config of Broadsheet.",
        "definitions": tables,
    }


def _json_type(kind: type) -> dict[str, Any]:
    """Return the JSON Schema of one of our own types; a plugin may have any name."""
    if issubclass(kind, RegisteredName):
        return {"anyOf": [{"enum": kind.known()}, {"type": "string"}]}
    return dict(_TYPES[kind])


def _structs(kind: type) -> Iterator[type]:
    """Yield a struct, and those that its fields hold."""
    yield kind
    for hint in get_type_hints(kind).values():
        plain = plain_type(hint)
        for part in (plain, *get_args(plain)):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from _structs(part)


def _described_fields(kind: type) -> list[tuple[Any, str]]:
    """Return the fields of a struct (msgspec's FieldInfo), each with its docstring."""
    return [(info, _docstrings(kind)[info.name]) for info in msgspec.structs.fields(kind)]


@cache
def _docstrings(kind: type) -> dict[str, str]:
    """Return the docstring below each field of a class, also an inherited one; only the source code
    has them."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    base = kind.__base__
    inherited = _docstrings(base) if base and base is not msgspec.Struct else {}
    return inherited | {
        field.target.id: " ".join(str(ast.literal_eval(below.value)).split())
        for field, below in pairwise(getattr(definition, "body", ()))
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
    }


def markdown() -> str:
    """Return docs/config.md: every key with its type, default and description."""
    lines = [
        "# Every key of broadsheet.toml",
        "",
        "Generated from the code by `make docs`. Every key except `publication.title` and",
        "`publication.url` is optional. `broadsheet init` writes a file that shows them all.",
        "Editors that support TOML can complete and check the file with",
        "[broadsheet.schema.json](broadsheet.schema.json).",
    ]
    for table, keys in _by_table().items():
        lines += ["", f"## [{'.'.join(table)}]", "", _about(table), ""]
        lines += ["| key | type | default | description |", "| --- | --- | --- | --- |"]
        lines += [_row(key) for key in keys]
    return "\n".join(lines) + "\n"


def starter(values: Mapping[str, object], offered: Mapping[str, object] = _NOTHING) -> str:
    """Return a commented broadsheet.toml.

    values: full key -> value to set. offered: full key -> value to show in a comment.
    """
    lines = [
        "# The config of Broadsheet. Lines that begin with # are comments; to change a default,",
        "# remove the # before its key. https://toml.io explains the format.",
    ]
    for table, keys in _by_table().items():
        named = ANY_NAME in table
        mark = "# " if named else ""
        lines += ["", "", *_wrapped(_about(table)), f"{mark}[{'.'.join(_example(table))}]"]
        for key in keys:
            line = _assignment(key, values, offered, commented=named)
            lines += ["", *_wrapped(key.description), line]
        lines += _named_tables(table, values) if named else []
    return "\n".join(lines) + "\n"


def _named_tables(table: tuple[str, ...], values: Mapping[str, object]) -> Iterator[str]:
    """Yield the lines of the tables in `values` for a table that can occur any number of times."""
    given = values.get(".".join(table[:-1]))
    for name, keys in (given if isinstance(given, Mapping) else {}).items():
        yield from ("", f"[{'.'.join((*table[:-1], _bare(name)))}]")
        yield from (f"{key} = {literal(value)}" for key, value in keys.items())


def keys(kind: type = Settings, table: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yield every key, in the order of the types. kind, table: a struct, and its place."""
    described = _described_fields(kind)
    for info, description in sorted(described, key=lambda each: not each[0].required):
        plain = plain_type(info.type)
        inner = get_args(plain)[1] if get_origin(plain) is dict else plain
        is_struct = isinstance(inner, type) and issubclass(inner, msgspec.Struct)
        if is_struct and inner is not Person:
            named = (ANY_NAME,) if inner is not plain else ()
            yield from keys(inner, (*table, *dict.fromkeys((info.encode_name, *named))))
        else:
            default = None if info.required else _default(info)
            yield Key(table, info.encode_name, description, plain, info.required, default)


def _default(info: Any) -> Any:
    """Return the default of a field, as TOML has it."""
    value = info.default_factory() if info.default is msgspec.NODEFAULT else info.default
    if isinstance(value, ZoneInfo):
        return value.key
    return list(value) if isinstance(value, tuple) else value


@cache
def _by_table() -> Mapping[tuple[str, ...], list[Key]]:
    tables: dict[tuple[str, ...], list[Key]] = {}
    for key in keys():
        tables.setdefault(key.table, []).append(key)
    return tables


@cache
def _about(table: tuple[str, ...]) -> str:
    """Return what a table is for, by its place in its parent."""
    kind: Any = Settings
    about = ""
    for name in table:
        fields = {each.encode_name: each for each in msgspec.structs.fields(kind)}
        if info := fields.get(name):
            about, kind = _docstrings(kind)[info.name], plain_type(info.type)
            kind = get_args(kind)[1] if get_origin(kind) is dict else kind
    return about


def _example(table: tuple[str, ...]) -> tuple[str, ...]:
    names = {"articles": '"content/zh"', "delivery": '"gmail.com"', "feeds": "python"}
    name = names.get(table[0], "weekly")
    return tuple(name if part == ANY_NAME else part for part in table)


def _row(key: Key) -> str:
    default = "(required)" if key.required else f"`{literal(key.default)}`"
    if not key.required and key.default in (None, ""):
        default = ""
    cells = (f"`{key.name}`", _type_name(key.type), default, key.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {_type_name(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"table of {_type_name(get_args(kind)[1])}"
    if isinstance(kind, UnionType):
        return " or ".join(map(_type_name, get_args(kind)))
    if issubclass(kind, RegisteredName):
        return " or ".join(f"`{name}`" for name in kind.known())
    return _NAMES[kind]


def _assignment(
    key: Key, values: Mapping[str, object], offered: Mapping[str, object], *, commented: bool
) -> str:
    full = ".".join((*key.table, key.name))
    if full in values and not commented:
        return f"{key.name} = {literal(values[full])}"
    example = _TYPES.get(key.type, {}).get("examples", [""])[0]
    examples = {**_EXAMPLES, **offered}
    value = examples.get(full, example if key.default is None else key.default)
    line = f"# {key.name} = {literal(value)}"
    return f"{line}   # required: write your own" if key.required and not commented else line


# Examples for the starter file, for keys whose default shows too little.
_EXAMPLES: dict[str, object] = {
    "publication.author": {"name": "Your name", "email": "you@example.org"},
    "publication.feeds_url": "https://example.org/feeds/",
    "publication.texts": {"de": {"Unsubscribe": "Newsletter abbestellen"}},
    "publication.catalogues": ["texts/sv.po"],
    "publication.id_base": "https://example.org/",
    "articles.public": {"status": ["reading"]},
    "articles.in.NAME.prefix": "/zh/",
    "digests.NAME.title": "The weekly",
    "topics.aliases": {"AI": ["A.I.", "artificial intelligence"]},
    "delivery.sender": "The weekly <news@example.org>",
    "delivery.warm_up.begins": date(2026, 12, 1),
}


def literal(value: object) -> str:
    """Return `value` as TOML, whose basic strings are JSON's except for DEL (toml.io, 1.0.0)."""
    if isinstance(value, Mapping):
        pairs = (f"{_bare(str(k))} = {literal(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return `text` as TOML, without invisible characters."""
    return json.dumps(printable(text), ensure_ascii=False)


def _bare(key: str) -> str:
    """Return `key` as TOML, without quotes if possible."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


@cache
def _wrapped(text: str) -> list[str]:
    """Return `text` as the lines of a comment."""
    return textwrap.wrap(text, 92, initial_indent="# ", subsequent_indent="# ")
