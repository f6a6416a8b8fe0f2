"""Broadsheet's own texts in the reader's language; dates and plurals by Babel (CLDR).

Each language is a TOML file beside this module, named after it; it is found by being there. A text
that it lacks is in English. A plural is a table of CLDR's categories: `one`, `other`, ...
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import datetime
from functools import cache
from pkgutil import get_data
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Babel takes 10 ms to import, which runs without texts for readers do without
    from babel import Locale

_FALLBACK = "en"


class Words:
    """The texts of one language. language: a BCP 47 tag such as zh-CN."""

    def __init__(self, language: str) -> None:
        self.locale = _locale(language)
        self.direction = direction(language)
        self._texts = _texts(self.locale.language)

    def __call__(self, name: str, count: int | None = None, **values: object) -> str:
        """Return the text called `name`, for `count` things, with `values` put in."""
        text = self._texts[name]
        if isinstance(text, dict):
            text = text.get(self.locale.plural_form(count or 0), text["other"])
        return text.format(count=count, **values)

    def date(self, moment: datetime, form: str = "long") -> str:
        """Return the date of an aware `moment`. form: short, medium or long, as CLDR has them."""
        from babel.dates import format_date

        return format_date(moment, form, locale=self.locale)


def text_of(language: str, name: str, **values: object) -> str:
    """Return a text that has no plural, as `Words` does; it needs no Babel."""
    found = _texts(language.partition("-")[0].lower())[name]
    return str(found).format(**values)


def direction(language: str) -> str:
    """Return the direction in which a language is written: ltr or rtl."""
    found: str = _locale(language).text_direction
    return found


def language_name(tag: str) -> str:
    """Return the name of a language in that language (CLDR); the tag if it has none."""
    from babel import Locale, UnknownLocaleError

    with suppress(UnknownLocaleError, ValueError):
        locale = Locale.parse(tag, sep="-")
        name: str = locale.get_display_name() or tag
        return name[:1].upper() + name[1:]
    return tag


@cache
def languages() -> tuple[str, ...]:
    """Return the languages that have texts, such as `en` and `zh`."""
    from importlib.resources import files  # 10 ms, which few runs need

    names = (file.name for file in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def _locale(language: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        start = language.partition("-")[0]
        return _locale(start) if start != language else Locale.parse(_FALLBACK)


@cache
def _texts(language: str) -> dict[str, str | dict[str, str]]:
    """Return the texts of `language` by name, in English where it has none."""
    english = {} if language == _FALLBACK else _texts(_FALLBACK)
    try:
        file = get_data(__name__, f"{language}.toml") or b""
    except FileNotFoundError:
        return english
    own = {
        f"{group}.{name}": text
        for group, texts in tomllib.loads(file.decode("utf-8")).items()
        for name, text in texts.items()
    }
    return {**english, **own}
