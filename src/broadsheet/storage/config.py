"""Read broadsheet.toml: from text to `Settings`, or to every problem in it at once."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec.structs import FieldInfo

from broadsheet.articles.topics import topic_slug
from broadsheet.errors import ConfigError, Problem
from broadsheet.model.publication import OwnTexts
from broadsheet.model.settings import ANY_NAME, FeedSettings, Grouping, Settings
from broadsheet.model.values import RegisteredName, plain_type
from broadsheet.storage import CONFIG_NAME, folders
from broadsheet.storage.catalogues import placeholders, read_catalogue
from broadsheet.text.characters import forbidden
from broadsheet.text.toml import dotted, error_place, key_line

_LONGEST = 1_000_000  # bytes; many times that would take minutes to read
_DEEPEST = 10  # nested tables; ours are three deep
_FEED_KEYS = {each.encode_name for each in msgspec.structs.fields(FeedSettings)} - {ANY_NAME}
_PLURALS: Final = ("zero", "one", "two", "few", "many", "other")  # CLDR's categories
_RESERVED = {*get_args(Grouping), "archive", "digests"}


class _Wrong(NamedTuple):
    """A problem with the key under nested `names`; `parse` adds the line."""

    names: tuple[str, ...]
    what: str
    todo: str


def load(path: Path, shown: str) -> Settings:
    """Return the settings in the file at `path`, which messages call `shown`.

    Raises ConfigError if the file is missing, unreadable or invalid.
    """
    try:
        if path.stat().st_size > _LONGEST:
            what = f"the config has {path.stat().st_size:,} bytes"
            raise ConfigError(Problem(what, "check that it is the right file", shown))
        text = folders.text(path)
    except FileNotFoundError:
        raise ConfigError(
            Problem("there is no such file", "run `broadsheet init` to write one", shown)
        ) from None
    except OSError as error:
        what = f"the config cannot be read: {error.strerror}"
        raise ConfigError(Problem(what, "check the file", shown)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem("it is not UTF-8 text", "save it as UTF-8", shown)) from error
    return _with_catalogues(parse(text, shown), path.parent)


def _with_catalogues(settings: Settings, root: Path) -> Settings:
    """Return `settings` with the texts of the user's catalogues. Raises ConfigError."""
    if not settings.publication.catalogues:
        return settings
    texts = {language.lower(): own for language, own in settings.publication.texts.items()}
    for path in settings.publication.catalogues:
        language, found = read_catalogue(root, path)
        texts[language.lower()] = {**found, **texts.get(language.lower(), {})}
    publication = msgspec.structs.replace(settings.publication, texts=texts)
    return msgspec.structs.replace(settings, publication=publication)


def parse(text: str, shown: str = CONFIG_NAME) -> Settings:
    """Return the settings in `text`. Raises ConfigError with every problem in it."""
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ConfigError(Problem("nested too deeply", "simplify the structure", shown)) from None
    except tomllib.TOMLDecodeError as error:
        message, line = error_place(error)
        if twice := re.match(r"Cannot declare \((.+?),?\) twice", message):
            name = ".".join(re.findall(r"'(.*?)'", twice[1]))
            what, todo = f"the table [{name}] occurs twice", "move its keys into the first one"
            raise ConfigError(Problem(what, todo, shown, line)) from error
        what = f"invalid TOML: {error}"
        raise ConfigError(Problem(what, "correct it", shown, line)) from error
    except ValueError as error:  # a number of thousands of digits
        raise ConfigError(Problem(f"it cannot be read: {error}", "correct it", shown)) from error
    found: list[_Wrong] = []
    settings = _struct(Settings, table, (), found)
    found.extend(_unfit_names(table))
    if isinstance(settings, Settings):
        found.extend(_wrong_former_names(settings))
        found.extend(_wrong_texts(settings.publication.texts))
    found.extend(_unprintable(table, ()))
    if found:
        problems = (
            Problem(each.what, each.todo, shown, key_line(text, each.names), dotted(each.names))
            for each in found
        )
        raise ConfigError(*sorted(problems, key=lambda problem: problem.line or 0))
    return cast("Settings", settings)


def _unprintable(value: object, key: tuple[str, ...]) -> Iterator[_Wrong]:
    """Report texts with characters that no feed, mail or file name can hold, such as NUL or ESC.

    Deeper tables than `_DEEPEST` have only unknown keys, which are reported as such.
    """
    if len(key) > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _unprintable(inner, (*key, name))
            if forbidden(name):
                yield _Wrong(key, f"the name {name!r} has an invisible character", "remove it")
    elif isinstance(value, list):
        for item in value:
            yield from _unprintable(item, key)
    elif isinstance(value, str) and forbidden(value):
        yield _Wrong(key, f"{value[:60]!r} has an invisible character", "remove it")


def decode_hook(kind: type, value: object) -> object:
    """Make a value of one of our own types, for msgspec. Raises ValueError with what to write."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text; write it in quotes")
    if kind is ZoneInfo:
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"{value!r} is not a time zone; write one like Asia/Shanghai or Europe/Berlin"
            ) from None
    return kind(value)


def _struct(
    kind: type, table: object, key: tuple[str, ...], problems: list[_Wrong]
) -> object | None:
    """Return `table` as the struct `kind`; None after adding what is wrong to `problems`."""
    if not isinstance(table, dict):
        problems.append(_Wrong(key, f"{table!r} is not a table", f"write [{dotted(key)}]"))
        return None
    before = len(problems)
    fields = _fields(kind)
    known = {name: info for name, info in fields.items() if name != ANY_NAME}
    own = {}  # tables whose names users choose
    if ANY_NAME in fields:
        own = {k: v for k, v in table.items() if k not in known and isinstance(v, dict)}
    problems.extend(_unknown({k: v for k, v in table.items() if k not in own}, known, key))
    table = {**table, ANY_NAME: own}
    values: dict[str, Any] = {}
    for name, info in fields.items():
        if name in table:
            place = key if name == ANY_NAME else (*key, name)
            values[info.name] = _value(info.type, table[name], place, problems)
        elif info.required:
            todo = f"add it, for example {name} = {_example(info.type)}"
            problems.append(_Wrong((*key, name), "is missing", todo))
    return kind(**values) if len(problems) == before else None


@cache
def _fields(kind: type) -> dict[str, FieldInfo]:
    """Return the fields of a struct by key; msgspec evaluates their types each time."""
    return {each.encode_name: each for each in msgspec.structs.fields(kind)}


def _example(hint: Any) -> str:
    """Return an example of a required text, as TOML."""
    given = (each.examples for each in getattr(hint, "__metadata__", ()) if each.examples)
    return f'"{next(given, ["..."])[0]}"'


def _value(kind: Any, value: object, key: tuple[str, ...], problems: list[_Wrong]) -> object:
    """Return `value` as `kind`: a struct, a table of structs, or anything that msgspec converts."""
    plain = plain_type(kind)
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return _struct(plain, value, key, problems)
    if get_origin(plain) is dict:
        if isinstance(value, dict):
            item = get_args(plain)[1]
            return {name: _value(item, v, (*key, name), problems) for name, v in value.items()}
        problems.append(_Wrong(key, f"{value!r} is not a table", f"write [{dotted(key)}]"))
        return None
    try:
        return msgspec.convert(value, kind, strict=True, dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        what, todo = _in_words(str(error))
        if choices := _choices(plain):
            todo = f"write {' or '.join(map(repr, choices))}"
            if get_origin(plain) is tuple and not isinstance(value, list):
                todo += ", in brackets"
        problems.append(_Wrong(key, what, todo))
        return None


def _choices(kind: Any) -> tuple[object, ...]:
    """Return the values of a Literal or RegisteredName, or of a tuple of them; or else ()."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, RegisteredName):
        return tuple(kind.known())
    return _choices(plain_type(get_args(kind)[0])) if get_origin(kind) is tuple else ()


_KINDS = {
    "str": ("a text", "write it in quotes"),
    "int": ("a whole number", "write it without quotes, like 20"),
    "float": ("a number", "write it without quotes, like 1.5"),
    "bool": ("true or false", "write true or false, without quotes"),
    "array": ("a list", 'write it in brackets, like ["a", "b"]'),
    "object": ("a table", "write it in braces"),
}


def _in_words(text: str) -> tuple[str, str]:
    """Turn a message of msgspec into what is wrong with a value and what to do.

    Our own types say both, separated by a semicolon. The path at the end is in `_Wrong.names`.
    """
    text = re.sub(r" - at `.*?`$", "", text).replace("`", "")
    if found := re.fullmatch(r"Expected (\w+), got (\w+)", text):
        wanted, todo = _KINDS.get(found[1], (found[1], ""))
        return f"expected {wanted}, not {_KINDS.get(found[2], (found[2],))[0]}", todo
    if found := re.fullmatch(r"Expected (\w+) of length >= 1", text):
        return "it is empty", f"write {_KINDS[found[1]][0]} with something in it"
    if found := re.fullmatch(r"Expected \w+ ([<>]=) (\S+)", text):
        small = found[1] == ">="
        size, todo = ("small", "more") if small else ("large", "less")
        return f"it is too {size}", f"write {found[2]} or {todo}"
    if text.startswith("Expected str matching regex"):
        return "invalid form", "see docs/config.md"
    if found := re.fullmatch(r"Invalid enum value (.+)", text):
        return f"unknown value {found[1]}", ""
    what, _, todo = text.partition("; ")
    return what, todo


def _unfit_names(table: dict[str, object]) -> Iterator[_Wrong]:
    """Report names of digests and feeds that cannot be the name of a folder, and part of permanent
    URLs."""
    for kind in ("digests", "feeds"):
        named = table.get(kind)
        for name, value in named.items() if isinstance(named, dict) else ():
            if kind == "feeds" and (name in _FEED_KEYS or not isinstance(value, dict)):
                continue
            if topic_slug(name) != name:
                todo = f"write letters, digits and hyphens, such as [{kind}.{topic_slug(name)}]"
                yield _Wrong((kind, name), "this cannot be the name of a folder", todo)
            elif kind == "feeds" and name in _RESERVED:
                todo = "give the feed another name"
                yield _Wrong((kind, name), f"the folder {name!r} is for other feeds", todo)


def _wrong_former_names(settings: Settings) -> Iterator[_Wrong]:
    """Report former names that several digests have, or that a digest in the config still has."""
    owners: dict[str, str] = {}
    for name, digest in settings.digests.items():
        for old in digest.renamed_from:
            key = ("digests", name, "renamed_from")
            if topic_slug(old) != old:
                yield _Wrong(key, f"{old!r} cannot be the name of a digest", "correct it")
            elif old in settings.digests:
                todo = f"remove it here, or remove [digests.{old}]"
                yield _Wrong(key, f"the digest {old!r} is still in the config", todo)
            elif owners.setdefault(old, name) != name:
                what = f"{old!r} is a former name of [digests.{owners[old]}] too"
                yield _Wrong(key, what, "remove it from one of them")


def _wrong_texts(own: OwnTexts) -> Iterator[_Wrong]:
    """Report texts that would not fit where the English ones are."""
    for language, texts in own.items():
        for english, given in texts.items():
            key = ("publication", "texts", language, english)
            forms = given if isinstance(given, dict) else {"other": given}
            if "other" not in forms or not forms.keys() <= {*_PLURALS}:
                todo = f"write {', '.join(_PLURALS)} (as the language has them), with `other`"
                yield _Wrong(key, "these are not the plural forms of a text", todo)
            known = placeholders(english)
            for text in forms.values():
                if not placeholders(text) <= known:
                    todo = f"write those of the English text: {' '.join(sorted(known)) or 'none'}"
                    yield _Wrong(key, f"{text!r} has other placeholders", todo)


def _unknown(
    table: dict[str, object], fields: dict[str, FieldInfo], key: tuple[str, ...]
) -> Iterator[_Wrong]:
    for name in table.keys() - fields.keys():
        near = difflib.get_close_matches(name, fields, n=1)
        todo = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(fields)}"
        yield _Wrong((*key, name), "unknown key", todo)
