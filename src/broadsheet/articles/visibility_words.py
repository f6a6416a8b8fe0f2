"""The words of visibility.toml, as sets and patterns."""

from __future__ import annotations

import re
import tomllib
from pkgutil import get_data
from typing import Any, Final, Literal

from broadsheet.articles.fields import EXPIRES, PUBLISH, names

Kind = Literal[
    "hides", "shows", "status", "secret", "hashes", "labels", "address", "robots", "elsewhere"
]

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (get_data(__package__, "visibility.toml") or b"").decode("utf-8")
)


def _parts() -> dict[str, str]:
    """The parts of field names, each an alternation; one may use those above it."""
    parts: dict[str, str] = {}
    for name, text in _TABLE["parts"].items():
        parts[name] = f"(?:{'|'.join(text.split()).format_map(parts)})"
    return parts


_VALUES: Final = {name: frozenset(text.split()) for name, text in _TABLE["values"].items()}
_PARTS: Final = _parts()

ON, OFF, DRAFT, SHOWING = (_VALUES[name] for name in ("on", "off", "draft", "showing"))
HIDING = DRAFT | _VALUES["hiding"]
LABELS, NOBODY, FOLDERS = (_VALUES[name] for name in ("labels", "nobody", "folders"))

FIELDS: Final[tuple[tuple[Kind, bool, re.Pattern[str]], ...]] = tuple(
    (kind, strict, re.compile(form.format_map(_PARTS)))
    for kind, strict, form in _TABLE["names"]["fields"]
)
"""By folded name: what a field says, and whether a value that is in no table is a doubt."""

GROUPS = re.compile("|".join(_TABLE["names"]["groups"].split()))
OUT = re.compile(f"{_PARTS['out']}(?:from|in|on|for)?")
"""Names whose value, or whose fields, may be the places that an article is kept out of."""

DATED = names(PUBLISH, EXPIRES)
DATE = re.compile(r"\d{4}|\d\D\d")
HASH = re.compile("[0-9a-f]{32,128}", re.IGNORECASE)
NOINDEX = re.compile(r"\b(?:noindex|none)\b", re.IGNORECASE)
IN_TITLE = re.compile(
    r"\W*(?:draft|wip|unpublished|do not publish|草稿)\s*[]:：】)）]", re.IGNORECASE
)
# Names that resemble those above.
LIKE_STATES = re.compile(f"{_PARTS['it_is']}?(?:draft|unlist|unpublish|nonpublic|embargo)\\w+")
LIKE_PRIVATE = re.compile(f"{_PARTS['it_is']}?(?:private|secret|confidential)\\w+")
LIKE_OUT = re.compile(
    r"(?:hide|hidden|exclude|excluded|invisible)(?:from|for(?!m|um)|until|till)\w+"
)
LIKE_IN = re.compile(r"(?:visible|shown|listed)(?:to|for|from|until)\w+")
LIKE_STATUS = re.compile(r"\w*(?:status|state|visibility|access)")
LIKE_LEVEL = re.compile(r"\w*(?:level|scope|stage|phase|mode|group|class)")
CONTENT = names(
    ("title", "subtitle", "name", "summary", "description", "excerpt", "abstract", "slug", "id"),
    ("author", "authors", "series", "keywords", "keyword", "image", "cover", "location", "source"),
    ("date", "lastmod", "updated", "lang", "language", "aliases", "checks", "check_off"),
)
"""Fields whose text is not a statement about visibility, whatever it is."""

JEKYLL = "_drafts"
SUFFIX = re.compile(r"\.(?:draft|drafts|private|unlisted)\.\w+$", re.IGNORECASE)
