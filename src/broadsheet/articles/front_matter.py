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
from collections.abc import Mapping
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import BaseHandler
from msgspec import Struct

from broadsheet.articles.fields import fold
from broadsheet.errors import ArticleError, Problem
from broadsheet.text.characters import printable
from broadsheet.text.toml import error_place

_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 100  # levels of nesting
_LONGEST = 250_000  # characters as written; a megabyte of YAML takes seconds
_NESTED = (dict, list)
_LARGEST = 1_000_000  # characters and values, with every alias written out


_TEXT, _NULL, _MERGE, _LIST, _MAPPING = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "null", "merge", "seq", "map")
)
_ABSENT = ("", "~", "null", "Null", "NULL")
_UNQUOTED = {**dict.fromkeys(_ABSENT, _NULL), "<<": _MERGE}


class TextLoader(_YAML_LOADER):  # type: ignore[misc]  # the base is chosen at run time
    """Scalars stay text, except null and a merge key."""

    def resolve(self, kind: type, value: str, implicit: tuple[bool, bool]) -> str:
        """Return the tag of a node without one."""
        if kind is yaml.ScalarNode:
            return _UNQUOTED.get(value, _TEXT) if implicit[0] else _TEXT
        return _LIST if kind is yaml.SequenceNode else _MAPPING

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; that of a text without what PyYAML needs for others."""
        if node.tag == _TEXT and isinstance(node.value, str):
            return node.value
        return super().construct_object(node, deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; a key that is itself a mapping or list, such as that of
        `{{ category }}` without quotation marks, is text."""
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag in {_LIST, _MAPPING} and not isinstance(key, yaml.ScalarNode):
                key.tag, key.value = _TEXT, "?"
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


for _tag in ("set", "omap", "pairs"):  # no field is one of these
    TextLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", TextLoader.construct_undefined)
for _tag in ("bool", "int", "float", "timestamp", "binary"):  # written out, as in `!!int 3`
    TextLoader.add_constructor(
        f"tag:yaml.org,2002:{_tag}", lambda loader, node: loader.construct_scalar(node)
    )


class _Fenced(BaseHandler):
    """Front matter between two lines that match `FM_BOUNDARY`."""

    def end(self, text: str) -> int | None:
        """Return where the front matter at the start of `text` ends; None if it does not."""
        fences = self.FM_BOUNDARY.finditer(text)  # type: ignore[union-attr] # all of ours have one
        next(fences)
        second = next(fences, None)
        return second.end() if second else None


class _Yaml(_Fenced):
    """Between two lines of hyphens; Jekyll also accepts three dots as the second."""

    FM_BOUNDARY = re.compile(r"^(?:-{3,}|\.{3})[^\S\n]*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "---"

    def detect(self, text: str) -> bool:
        return text.startswith("---") and super().detect(text)

    def load(self, fm: str, **_: object) -> Any:
        if not _is_simple(fm):
            _bound(fm)
        return yaml.load(fm, TextLoader)  # noqa: S506 - a safe loader with fewer types


class _Toml(_Fenced):
    FM_BOUNDARY = re.compile(r"^\+{3,}[^\S\n]*$", re.MULTILINE)
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


# An anchor, an alias or a tag; an indent or list marks that could nest deeply. This look takes 1
# µs, reading the events of the text 19 µs.
_INTRICATE = re.compile(rf"[&*!]|^[ \t?:-]{{{_DEEPEST // 4},}}", re.MULTILINE)


def _is_simple(fm: str) -> bool:
    """Whether `fm` can have neither aliases nor deep nesting; False if unsure."""
    return fm.count("[") + fm.count("{") < _DEEPEST // 4 and not _INTRICATE.search(fm)


def _bound(fm: str) -> None:
    """Refuse YAML that is small as text and huge in memory ("billion laughs").

    Deep nesting crashes PyYAML's C loader, so this reads the events first.
    """
    sizes: dict[str | None, int] = {}
    opened: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(fm, _YAML_LOADER):
        start = size
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in opened):
                raise _refusal("an alias refers to a value that contains it", event)
            size += sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.ScalarEvent):
            size += 1 + len(event.value)
            sizes[event.anchor] = size - start
        elif isinstance(event, yaml.CollectionStartEvent):
            size += 1
            opened.append((event.anchor, start))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, start = opened.pop()
            sizes[anchor] = size - start
        if len(opened) > _DEEPEST:
            raise _refusal(f"it is nested more than {_DEEPEST} levels deep", event)
        if size > _LARGEST:
            raise _refusal("with its aliases written out it is too large", event)


def _refuse_long(head: str, path: str, start: int) -> None:
    if len(head) > _LONGEST:
        what = f"the front matter has {len(head):,} characters"
        raise ArticleError(Problem(what, "move the long text into the body", path, start + 1))


def _refusal(what: str, event: Any) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)


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
