"""The product's own words in the publication's language; dates and plurals by Babel (CLDR).

One TOML file for each language lies beside this module. A plural is a table of CLDR's
categories: `one`, `other`, ...
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from pkgutil import get_data

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

_FALLBACK = "en"


class Words:
    """The words of one language; `language` is a tag such as zh-CN."""

    def __init__(self, language: str) -> None:
        self.locale = _locale(language)
        self.direction = direction(language)
        self._texts = _texts(self.locale.language)

    def __call__(self, name: str, count: int | None = None, **values: object) -> str:
        """The text called `name`, for `count` things, with `values` put in."""
        text = self._texts[name]
        if isinstance(text, dict):
            text = text.get(self.locale.plural_form(count or 0), text["other"])
        return text.format(count=count, **values)

    def date(self, moment: datetime, form: str = "long") -> str:
        """The date of an aware `moment`, as the language writes it; form: short, medium, long."""
        return format_date(moment, form, locale=self.locale)


def direction(language: str) -> str:
    """In which direction a language is written: ltr or rtl."""
    found: str = _locale(language).text_direction
    return found


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are words in: `en`, `zh`."""
    from importlib.resources import files  # few ask; the words themselves are read without

    names = (file.name for file in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        start = language.partition("-")[0]
        return _locale(start) if start != language else Locale.parse(_FALLBACK)


@cache
def _texts(language: str) -> dict[str, str | dict[str, str]]:
    """The texts of `language`, by name; English where there are none."""
    try:
        file = get_data(__name__, f"{language}.toml") or b""
    except FileNotFoundError:
        return _texts(_FALLBACK)
    return {
        f"{group}.{name}": text
        for group, texts in tomllib.loads(file.decode("utf-8")).items()
        for name, text in texts.items()
    }
