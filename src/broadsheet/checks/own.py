"""The severities of rules that an article or a page sets for itself, in its front matter.

`check_off: [no-summary]` switches rules off; `checks: {no-summary: error}` gives each a severity.
"""

from __future__ import annotations

from collections.abc import Mapping

from broadsheet.articles import fields, front_matter
from broadsheet.articles.fields import fold
from broadsheet.errors import ArticleError

SEVERITIES = ("error", "warn", "off")
_NAMED = "check"
_HEAD = 20_000  # characters; nothing further down names a rule
_ALIKE = {"warning": "warn", "false": "off", "no": "off"}


def severities(text: str) -> Mapping[str, str]:
    """Return rule -> what the source `text` sets it to: one of SEVERITIES, or an invalid value."""
    if _NAMED not in text[:_HEAD].lower():
        return {}
    try:
        parts = front_matter.split(text, "")
    except ArticleError:
        return {}
    return _severities(parts[0].fields) if parts else {}


def _severities(given: Mapping[str, object]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in fields.UNCHECKED:
        value = given.get(fold(name))
        if isinstance(value, str | list):
            found |= dict.fromkeys(map(str, fields.texts(_plain(value))), "off")
    for name in fields.CHECKS:
        value = given.get(fold(name))
        if isinstance(value, dict):
            found |= {str(rule): _severity(each) for rule, each in value.items()}
    return found


def _plain(value: str | list[object]) -> object:
    """Return `value` without anything that is not text, since it cannot name a rule."""
    return value if isinstance(value, str) else [each for each in value if isinstance(each, str)]


def _severity(value: object) -> str:
    word = str(value).strip().casefold()
    return _ALIKE.get(word, word)
