"""Front matter in YAML, TOML or JSON: the fields as written, and the line of each.

The only user of python-frontmatter. Its own TOML handler needs a package that is no longer
kept, and without that gives no metadata and no error; its YAML loader turns `title: 2025` into a
number and `tags: yes` into a truth value. So the handlers here are ours: YAML scalars stay the
text that the author wrote (a field knows what it expects), TOML is read by the standard library.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import BaseHandler

from broadsheet.errors import ArticleError, Problem

_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TextLoader(_YAML_LOADER):  # type: ignore[misc]  # the base is chosen at run time
    """Scalars stay text; only an absent value (null) is told apart."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own way to say it
        start: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for start, resolvers in _YAML_LOADER.yaml_implicit_resolvers.items()
    }


class _Yaml(BaseHandler):
    FM_BOUNDARY = re.compile(r"^-{3,}\s*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "---"

    def load(self, fm: str, **_: object) -> Any:
        return yaml.load(fm, _TextLoader)  # noqa: S506 - a safe loader with fewer types


class _Toml(BaseHandler):
    FM_BOUNDARY = re.compile(r"^\+{3,}\s*$", re.MULTILINE)
    START_DELIMITER = END_DELIMITER = "+++"

    def load(self, fm: str, **_: object) -> Any:
        return tomllib.loads(fm)


class _Json(BaseHandler):
    """An object that the file begins with. It ends where JSON says, not at a lone brace."""

    FM_BOUNDARY = re.compile(r"^(?=\{)")
    START_DELIMITER = END_DELIMITER = ""

    def detect(self, text: str) -> bool:
        return bool(re.match(r"\{\s*[\"}]", text))

    def split(self, text: str) -> tuple[str, str]:
        _, end = json.JSONDecoder().raw_decode(text)
        return text[:end], text[end:]

    def load(self, fm: str, **_: object) -> Any:
        return json.loads(fm)


_HANDLERS = (_Yaml(), _Toml(), _Json())


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands above the body of a source file.

    fields: by name, folded so that `featuredImage` and `featured_image` are one.
    lines: the 1-based line of each field, by the same names.
    """

    fields: Mapping[str, object]
    lines: Mapping[str, int]


def split(text: str, path: str) -> tuple[FrontMatter, str] | None:
    """The front matter and the body of `text`; None where there is no front matter.

    Raises ArticleError, naming the line in `path`, when it does not end or does not parse.
    """
    handler = next((each for each in _HANDLERS if each.detect(text)), None)
    if handler is None:
        return None
    fence = handler.START_DELIMITER
    if fence and len(re.findall(handler.FM_BOUNDARY or "", text)) < 2:
        raise ArticleError(
            Problem("the front matter has no end", f"write {fence} on a line after it", path, 1)
        )
    try:
        head, _ = handler.split(text)
        fields, body = frontmatter.parse(text, handler=handler)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise ArticleError(_unreadable(error, path)) from error
    lines = _lines(text[: len(head) + 8])
    return FrontMatter({fold(str(key)): value for key, value in fields.items()}, lines), body


def fold(name: str) -> str:
    """The name of a field without the ways of writing it: `featured_image` -> `featuredimage`."""
    return re.sub(r"[_\s-]", "", name).casefold()


def _lines(head: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(head.splitlines(), 1):
        if pair := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*[:=]", line):
            found.setdefault(fold(pair[1]), number)
    return found


def _unreadable(error: Exception, path: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = error.problem or error.context or "it cannot be read"
        return Problem(
            f"the front matter is not YAML: {what}",
            "mend it there; a text with a colon or a quote in it goes into quotes",
            path,
            error.problem_mark.line + 2,
        )
    found = re.search(r"line (\d+)", str(error))
    if isinstance(error, tomllib.TOMLDecodeError):
        line = int(found[1]) + 1 if found else None
        return Problem(f"the front matter is not TOML: {error}", "mend it there", path, line)
    if isinstance(error, json.JSONDecodeError):
        return Problem(
            f"the front matter is not JSON: {error.msg}", "mend it there", path, error.lineno
        )
    return Problem(
        f"the front matter cannot be read: {error}", "write one field to a line", path, 1
    )
