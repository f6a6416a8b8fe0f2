"""Documentation, JSON Schema and a starter file from the types of the settings."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import msgspec

from broadsheet.model.publication import BaseUrl, Language, Person
from broadsheet.model.settings import Settings
from broadsheet.model.values import Permalink, Schedule, ShortcodeTemplate, SmtpUrl
from broadsheet.text.characters import printable

_TYPES: dict[type, dict[str, Any]] = {
    BaseUrl: {"type": "string", "format": "uri", "examples": ["https://example.org/"]},
    Language: {"type": "string", "examples": ["zh-CN", "en"]},
    Permalink: {"type": "string", "examples": ["/posts/{slug}/"]},
    Schedule: {"type": "string", "examples": ["0 8 * * MON", "@daily"]},
    ShortcodeTemplate: {"type": "string", "examples": ['<img src="{src}" alt="{alt}">']},
    SmtpUrl: {"type": "string", "format": "uri", "examples": ["smtps://mail.example.org"]},
    ZoneInfo: {"type": "string", "examples": ["Asia/Shanghai"]},
}
_NAMES: dict[type, str] = {
    BaseUrl: "address",
    Language: "language tag",
    Permalink: "pattern",
    Schedule: "schedule",
    ShortcodeTemplate: "template",
    SmtpUrl: "mail server",
    ZoneInfo: "time zone",
    Person: "name, email, url",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
}
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Key:
    """One key. table: such as ("feeds",). default: as in TOML; None if the key has none."""

    table: tuple[str, ...]
    name: str
    description: str
    type: Any
    required: bool
    default: Any


def schema() -> dict[str, Any]:
    """Return the JSON Schema of broadsheet.toml, for editors that complete and check TOML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "broadsheet.toml",
        **msgspec.json.schema(Settings, schema_hook=lambda kind: dict(_TYPES[kind])),
    }


def markdown() -> str:
    """Return docs/config.md: every key, its type, default and description."""
    lines = [
        "# Every key of broadsheet.toml",
        "",
        "Generated from the code by `make docs`. Every key except `publication.title` and",
        "`publication.url` has a default. `broadsheet init` writes a file with all of them.",
        "Editors with TOML support complete and check the file with",
        "[broadsheet.schema.json](broadsheet.schema.json).",
    ]
    for table, keys in _by_table():
        lines += ["", f"## [{'.'.join(table)}]", "", _about(table), ""]
        lines += ["| key | type | default | what it is |", "| --- | --- | --- | --- |"]
        lines += [_row(key) for key in keys]
    return "\n".join(lines) + "\n"


def starter(values: Mapping[str, object]) -> str:
    """Return a commented broadsheet.toml. values: full key -> value to set."""
    lines = [
        "# The config of Broadsheet. A line that begins with # is a comment; a key in one has the",
        "# default shown. https://toml.io explains the format.",
    ]
    for table, keys in _by_table():
        named = "NAME" in table
        mark = "# " if named else ""
        lines += ["", "", f"# {_about(table)}", f"{mark}[{'.'.join(_example(table))}]"]
        for key in keys:
            lines += ["", *_wrapped(key.description), _assignment(key, values, commented=named)]
        lines += _named_tables(table, values) if named else []
    return "\n".join(lines) + "\n"


def _named_tables(table: tuple[str, ...], values: Mapping[str, object]) -> Iterator[str]:
    """The lines of the tables that `values` have where a config can have any number."""
    given = values.get(".".join(table[:-1]))
    for name, keys in (given if isinstance(given, Mapping) else {}).items():
        yield from ("", f"[{'.'.join((*table[:-1], _bare(name)))}]")
        yield from (f"{key} = {literal(value)}" for key, value in keys.items())


def keys() -> Iterator[Key]:
    """Yield every key, in the order of the types."""
    yield from _keys(Settings, ())


def _keys(kind: type, table: tuple[str, ...]) -> Iterator[Key]:
    hints = get_type_hints(kind, include_extras=True)
    for info in msgspec.structs.fields(kind):
        plain, description = _described(hints[info.name])
        inner = get_args(plain)[1] if get_origin(plain) is dict else plain
        if _is_table(inner):
            name = (info.encode_name, "NAME") if inner is not plain else (info.encode_name,)
            yield from _keys(inner, (*table, *name))
        else:
            default = _ABSENT if info.required else _default(info)
            yield Key(table, info.encode_name, description, plain, info.required, _as_toml(default))


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Person


def _default(info: Any) -> Any:
    if info.default is not msgspec.NODEFAULT:
        return info.default
    return info.default_factory()


def _as_toml(value: Any) -> Any:
    if value is _ABSENT:
        return None
    if isinstance(value, ZoneInfo):
        return value.key
    return list(value) if isinstance(value, tuple) else value


def _described(hint: Any) -> tuple[Any, str]:
    """The type behind Annotated and Optional, and its description."""
    description = ""
    while True:
        if hasattr(hint, "__metadata__"):
            described = (m.description for m in hint.__metadata__ if m.description)
            description = description or next(described, "")
            hint = get_args(hint)[0]
        elif type(None) in get_args(hint):
            hint = next(part for part in get_args(hint) if part is not type(None))
        else:
            return hint, description


def _by_table() -> Iterator[tuple[tuple[str, ...], list[Key]]]:
    tables: dict[tuple[str, ...], list[Key]] = {}
    for key in keys():
        tables.setdefault(key.table, []).append(key)
    yield from tables.items()


def _about(table: tuple[str, ...]) -> str:
    """What a table is for, from where it stands in its parent."""
    if table[:2] == ("articles", "in"):
        return "What differs for articles of one folder, or for translations."
    hint = get_type_hints(Settings, include_extras=True)[table[0]]
    return _described(hint)[1]


def _example(table: tuple[str, ...]) -> tuple[str, ...]:
    name = '"content/zh"' if table[0] == "articles" else "weekly"
    return tuple(name if part == "NAME" else part for part in table)


def _row(key: Key) -> str:
    default = "(must be given)" if key.required else f"`{literal(key.default)}`"
    if not key.required and key.default in (None, ""):
        default = ""
    cells = (f"`{key.name}`", _type_name(key.type), default, key.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type_name(kind: Any) -> str:
    kind, _ = _described(kind)
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of {_type_name(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"table of {_type_name(get_args(kind)[1])}"
    return _NAMES[kind]


def _assignment(key: Key, values: Mapping[str, object], *, commented: bool) -> str:
    full = ".".join((*key.table, key.name))
    if full in values and not commented:
        return f"{key.name} = {literal(values[full])}"
    example = _TYPES.get(key.type, {}).get("examples", [""])[0]
    value = _EXAMPLES.get(full, example if key.default is None else key.default)
    line = f"# {key.name} = {literal(value)}"
    return f"{line}   # required: write your own" if key.required and not commented else line


# Examples of a starter file, for keys whose default shows too little.
_EXAMPLES: dict[str, object] = {
    "publication.author": {"name": "Your name", "email": "you@example.org"},
    "publication.feeds_url": "https://example.org/feeds/",
    "publication.id_base": "https://example.org/",
    "articles.public": {"status": ["reading"]},
    "articles.in.NAME.prefix": "/zh/",
    "digests.NAME.title": "The weekly",
    "topics.aliases": {"AI": ["A.I.", "artificial intelligence"]},
    "delivery.sender": "The weekly <news@example.org>",
}


def literal(value: object) -> str:
    """Return `value` in TOML, whose basic strings are JSON's except for DEL (toml.io, 1.0.0)."""
    if isinstance(value, Mapping):
        pairs = (f"{_bare(str(k))} = {literal(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """`text` in TOML, without invisible characters."""
    return json.dumps(printable(text), ensure_ascii=False)


def _bare(key: str) -> str:
    """`key` in TOML: bare if possible."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _wrapped(text: str) -> list[str]:
    """`text` as the lines of a comment."""
    return textwrap.wrap(text, 92, initial_indent="# ", subsequent_indent="# ")
