"""Front matter: the fields as written, and the line of each.

It is in YAML, TOML or JSON, or metadata without fences.

The only user of python-frontmatter, with handlers of our own. Its TOML handler needs an
unmaintained package, without which it returns no metadata and no error; its YAML loader turns
`title: 2025` into a number and `tags: yes` into a boolean. Here, YAML scalars stay as written (a
field knows what it expects), and the standard library reads TOML.

Front matter may come from strangers (a pull request, an import), so its length, its nesting and the
size of its aliases written out are bounded before it is built.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import BaseHandler
from msgspec import Struct

from broadsheet.articles.fields import fold
from broadsheet.errors import ArticleError, Problem
from broadsheet.text.characters import printable
from broadsheet.text.toml import error_place

_YAML_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 100  # levels of nesting
_LONGEST = 250_000  # characters as written; a megabyte of YAML takes seconds
_NESTED = (dict, list)
_LARGEST = 1_000_000  # characters and values of all aliases, written out

_TAG = "tag:yaml.org,2002:"
_TEXTS = {_TAG + name for name in ("str", "bool", "int", "float", "timestamp", "binary")}


class _YamlReader:
    """Reads the values of a YAML text, with limits.

    Scalars stay text, except null. Deep nesting would crash PyYAML's own construction of values;
    aliases of aliases are small as text and huge in memory ("billion laughs").
    """

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, _YAML_LOADER)
        self._anchors: dict[str, object] = {}
        self._repeated = 0  # the size of the values of all aliases so far

    def document(self) -> object:
        """Return the value of the only document. Raises yaml.YAMLError."""
        value = None
        for event in self._events:
            if isinstance(event, yaml.NodeEvent):
                value = self._value(event, 0)
            elif isinstance(event, yaml.DocumentStartEvent) and value is not None:
                raise _refusal("found a second document", event)
        return value

    def _value(self, event: Any, depth: int) -> object:
        """Return the value that begins with `event`. depth: of the collections around it."""
        if isinstance(event, yaml.ScalarEvent):
            value: object = _scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            return self._anchored(event)
        else:
            value = self._collection(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _collection(self, event: Any, depth: int) -> object:
        if depth == _DEEPEST:
            raise _refusal(f"it is nested more than {_DEEPEST} levels deep", event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in {None, "!", _TAG + ("map" if is_mapping else "seq")}:
            raise _unknown_tag(event)
        values: list[Any] = []
        for each in self._events:
            if isinstance(each, yaml.CollectionEndEvent):
                break
            values.append(self._value(each, depth + 1))
        return _mapping(values, event) if is_mapping else values

    def _anchored(self, alias: Any) -> object:
        if alias.anchor not in self._anchors:
            raise _refusal(f"undefined alias {alias.anchor!r}", alias)
        value = self._anchors[alias.anchor]
        self._repeated += _size(value)
        if self._repeated > _LARGEST:
            raise _refusal("with its aliases written out it is too large", alias)
        return value


def _size(value: Any) -> int:
    """Return the number of characters and values in `value`, written out."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return 1 + (sum(map(_size, value)) if isinstance(value, list) else len(value or ""))


def _scalar(event: Any) -> object:
    if event.implicit[0]:  # without quotation marks or a tag
        return None if event.value in {"", "~", "null", "Null", "NULL"} else event.value
    if event.tag == _TAG + "null":
        return None
    if event.tag is None or event.tag in _TEXTS:
        return event.value
    raise _unknown_tag(event)


def _mapping(values: list[Any], event: Any) -> dict[str | None, object]:
    """Return a mapping of keys and values in turn, with those that `<<` names merged into it.

    A key that is itself a mapping or list, such as that of `{{ category }}` without quotation
    marks, is text.
    """
    keys = ("?" if isinstance(key, _NESTED) else key for key in values[::2])
    own = dict(zip(keys, values[1::2], strict=True))
    if "<<" not in own:
        return own
    named = own.pop("<<")
    merged: dict[str | None, object] = {}
    for each in reversed(named if isinstance(named, list) else [named]):
        if not isinstance(each, dict):
            raise _refusal("expected a mapping to merge", event)
        merged |= each
    return merged | own


class _Fenced(BaseHandler):
    """Front matter between a line that matches `FM_BOUNDARY` and one that matches `CLOSING`."""

    CLOSING: re.Pattern[str]  # with the line end above it: searching for that is quick

    def end(self, text: str) -> int | None:
        """Return where the front matter at the start of `text` ends; None if it does not."""
        found = self.CLOSING.search(text)
        return found.end() if found else None

    def split(self, text: str) -> tuple[str, str]:
        """Return front matter without its first and last line, and no body."""
        return text[text.index("\n") : text.rindex("\n") + 1], ""


class _Yaml(_Fenced):
    """Between two lines of hyphens; Jekyll also accepts three dots as the second."""

    FM_BOUNDARY = re.compile(r"-{3,}[^\S\n]*$", re.MULTILINE)
    CLOSING = re.compile(r"\n(?:-{3,}|\.{3})[^\S\n]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "---"

    def load(self, fm: str, **_: object) -> Any:
        return _YamlReader(fm).document()


class _Toml(_Fenced):
    FM_BOUNDARY = re.compile(r"\+{3,}[^\S\n]*$", re.MULTILINE)
    CLOSING = re.compile(r"\n\+{3,}[^\S\n]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "+++"

    def load(self, fm: str, **_: object) -> Any:
        return _not_deep(tomllib.loads(fm))


class _Json(BaseHandler):
    """An object at the start of the file, which ends by the JSON grammar, not at a lone brace."""

    FM_BOUNDARY = re.compile(r"^(?=\{)")
    START_DELIMITER = END_DELIMITER = ""

    def detect(self, text: str) -> bool:
        return bool(re.match(r"\{\s*[\"}]", text))

    def end(self, text: str) -> int | None:
        return json.JSONDecoder().raw_decode(text)[1]

    def split(self, text: str) -> tuple[str, str]:
        return text, ""

    def load(self, fm: str, **_: object) -> Any:
        return _not_deep(json.loads(fm))


class _Metadata(BaseHandler):
    """Lines of `Name: value` without fences, with a title or date among them.

    As Python-Markdown's meta extension reads them for Pelican (indented lines go on), and as
    Nikola has them: `.. name: value`, also inside an HTML comment.
    """

    FM_BOUNDARY = re.compile(
        r"(?:<!--[ \t]*\n)?"
        r"(?:(?:\.\. +)?[A-Za-z][\w-]{0,40}:(?:[ \t][^\n]*)?(?:\n|$)"
        r"(?:[ \t]{2,}\S[^\n]*(?:\n|$))*)+"
        r"(?:\s*-->)?"
    )
    START_DELIMITER = END_DELIMITER = ""
    _LINE = re.compile(r"(?:\.\.[ ]+)?([A-Za-z][\w-]*):[ \t]*(.*)")
    _TELLING = re.compile(
        r"^(?:\.\.[ ]+)?(?:title|date|slug):[ \t]*\S", re.IGNORECASE | re.MULTILINE
    )

    def detect(self, text: str) -> bool:
        if not text.startswith(("<!--", "..")) and not text[:1].isalpha():
            return False
        found = self.FM_BOUNDARY.match(text)
        return bool(found and self._TELLING.search(found[0]))

    def end(self, text: str) -> int:
        found = self.FM_BOUNDARY.match(text)
        return found.end() if found else 0

    def split(self, text: str) -> tuple[str, str]:
        return text, ""

    def load(self, fm: str, **_: object) -> Any:
        fields: dict[str, str] = {}
        name = ""
        for line in fm.split("\n"):
            if pair := self._LINE.match(line):
                name = pair[1]
                fields[name] = pair[2].strip()
            elif name and line[:1].isspace() and line.strip() != "-->":
                fields[name] = f"{fields[name]}\n{line.strip()}".strip()
        return {name: value for name, value in fields.items() if value}


_METADATA = _Metadata()
_HANDLERS = (_Yaml(), _Toml(), _Json(), _METADATA)


_EMPTY_LINES = re.compile(r"(?:[^\S\n]*\n)*")


class FrontMatter(Struct, frozen=True):
    """The front matter of a source file.

    fields: by name, folded so that `featuredImage` and `featured_image` are one; the last counts.
    given: all fields, by their names as written.
    head: the text they were read from; start: the number of lines above it.
    """

    fields: Mapping[str, object]
    given: Mapping[str, object]
    head: str
    start: int

    @property
    def lines(self) -> Mapping[str, int]:
        """The 1-based line of each field, by the same names; only errors need it."""
        return {name: self.start + line for name, (line, _) in _places(self.head).items()}

    def written(self, name: str) -> str:
        """Return the name of a field as the author spelled it."""
        return _places(self.head).get(name, (0, name))[1]


class _Parts(Struct, frozen=True):
    """The parts of a source text: front matter, `start` lines below the top, and body."""

    handler: BaseHandler
    start: int
    head: str
    body: str


def _apart(text: str, path: str) -> _Parts | None:
    """Return the parts of `text`; None without front matter.

    Raises ArticleError, with the line in `path`, if it does not end.
    """
    text = printable(text)  # YAML, TOML and JSON refuse invisible control characters
    bare = text.lstrip()  # Hugo allows empty lines above
    start = text[: len(text) - len(bare)].count("\n")
    handler = next((each for each in _HANDLERS if each.detect(bare)), None)
    if handler is None:
        return None
    try:
        end = handler.end(bare)
    except (ValueError, RecursionError) as error:
        raise ArticleError(_unreadable(error, path, start)) from error
    if end is None:
        what, fence = "the front matter has no end", handler.START_DELIMITER
        raise ArticleError(Problem(what, f"write {fence} on a line after it", path, start + 1))
    below = _EMPTY_LINES.match(bare, end)
    return _Parts(handler, start, bare[:end], bare[below.end() if below else end :].rstrip())


def split(text: str, path: str, *, is_metadata: bool = False) -> tuple[FrontMatter, str] | None:
    """Return the front matter and the body of `text`; None without front matter.

    is_metadata: whether lines of `Name: value` between hyphens need not be YAML, as in Pelican.
    Raises ArticleError, with the line in `path`, if it does not end or does not parse.
    """
    parts = _apart(text, path)
    if parts is None:
        return None
    _refuse_long(parts.head, path, parts.start)
    try:
        fields, _ = frontmatter.parse(parts.head, handler=parts.handler)  # quicker without the body
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        fields = _METADATA.load(parts.head) if is_metadata else {}
        if not fields:
            raise ArticleError(_unreadable(error, path, parts.start)) from error
    folded = {fold(str(key)): value for key, value in fields.items()}
    return FrontMatter(folded, fields, parts.head, parts.start), parts.body


def body(text: str, path: str) -> str:
    """The body of `text`, whatever the front matter says; all of it where there is none.

    Raises ArticleError, as `split` does, if the front matter does not end.
    """
    parts = _apart(text, path)
    return parts.body if parts else printable(text).strip()


def _refuse_long(head: str, path: str, start: int) -> None:
    if len(head) > _LONGEST:
        what = f"the front matter has {len(head):,} characters"
        raise ArticleError(Problem(what, "move the long text into the body", path, start + 1))


def _refusal(what: str, event: Any) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)


def _unknown_tag(event: Any) -> yaml.YAMLError:
    return _refusal(f"unknown tag {event.tag!r}", event)


def _not_deep(fields: Any) -> Any:
    """`fields`, if they are within the same bound, for TOML and JSON. Raises ValueError if not."""
    level: list[Any] = [fields]
    for _ in range(_DEEPEST + 1):
        values = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for each in values for item in each if isinstance(item, _NESTED)]
        if not level:
            return fields
    raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


def _places(head: str) -> dict[str, tuple[int, str]]:
    """Line and spelling of each field; of two with one name, that of the top level."""
    top: dict[str, tuple[int, str]] = {}
    nested: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(head.split("\n"), 1):
        if pair := re.match(r"(?:\.\. +)?(\s*)[\"']?([\w.-]+)[\"']?\s*[:=]", line):
            (nested if pair[1] else top).setdefault(fold(pair[2]), (number, pair[2]))
        elif table := re.match(r"\[+\s*([\w.-]+)\s*\]", line):  # of TOML
            top.setdefault(fold(table[1]), (number, table[1]))
    return {**nested, **top}


def _unreadable(error: Exception, path: str, start: int) -> Problem:
    """start: the number of lines above the front matter."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = error.problem or error.context or "it cannot be read"
        return Problem(
            f"the front matter cannot be read as YAML: {what}",
            "correct it; a value with a colon or a quotation mark needs quotation marks around it",
            path,
            start + error.problem_mark.line + 1,
        )
    if isinstance(error, tomllib.TOMLDecodeError):
        message, line = error_place(error)
        what = f"the front matter cannot be read as TOML: {message}"
        return Problem(what, "correct it", path, start + (line or 1))
    if isinstance(error, json.JSONDecodeError):
        line = start + error.lineno
        what = f"the front matter cannot be read as JSON: {error.msg}"
        return Problem(what, "correct it", path, line)
    what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Problem(
        f"the front matter cannot be read: {what}", "write one field to a line", path, start + 1
    )
