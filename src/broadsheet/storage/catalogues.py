"""Read the user's own catalogues (gettext, `.po`), as the config has such texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import c2py
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from broadsheet.errors import ConfigError, Problem
from broadsheet.i18n import CONTEXT
from broadsheet.model.publication import Language
from broadsheet.storage import folders

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog, Message

_NUMBERS: Final = (*range(201), 1_000_000)  # they have every plural form of every language


def read_catalogue(root: Path, path: str) -> tuple[str, dict[str, str | dict[str, str]]]:
    """Return the language of a catalogue, and its texts as in `publication.texts`.

    path: relative to `root`. Raises ConfigError.
    """
    try:
        language = Language(Path(path).stem)
    except ValueError as error:
        what, todo = "its name is not that of a language", "rename it, for example to sv.po"
        raise ConfigError(Problem(what, todo, path)) from error
    found = _parsed(root, path, language)
    messages = [each for each in found if each.id and all(_forms(each.string)) and not each.fuzzy]
    if problems := tuple(_problems(messages, path)):
        raise ConfigError(*problems)
    return language, {_key(each): _text(each, found) for each in messages}


def _parsed(root: Path, path: str, language: str) -> Catalog:
    from babel.messages.pofile import PoFileError, read_po

    try:
        data = folders.content(root / path)
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
        todo = "correct publication.catalogues, or restore the file"
        raise ConfigError(Problem(what, todo, path)) from error
    try:
        return read_po(BytesIO(data), locale=language.replace("-", "_"), abort_invalid=True)
    except PoFileError as error:
        problem = Problem("it is not a catalogue here", "correct it", path, error.lineno + 1)
        raise ConfigError(problem) from error
    except (ValueError, LookupError) as error:  # such as an unknown encoding
        raise ConfigError(Problem(f"it cannot be read: {error}", "correct it", path)) from error


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def _key(message: Message) -> str:
    english = _forms(message.id)[-1]
    return f"{message.context}{CONTEXT}{english}" if message.context else english


def _text(message: Message, catalogue: Catalog) -> str | dict[str, str]:
    """Return the translation, or its forms by plural category (CLDR)."""
    forms = _forms(message.string)
    if not message.pluralizable:
        return forms[0]
    form_of, found = c2py(catalogue.plural_expr), {"other": forms[-1]}
    if catalogue.locale:
        for number in _NUMBERS:
            found[catalogue.locale.plural_form(number)] = forms[form_of(number)]
    return found


def _problems(messages: list[Message], path: str) -> Iterator[Problem]:
    for each in messages:
        known = placeholders("".join(_forms(each.id)))
        for text in _forms(each.string):
            if not placeholders(text) <= known:
                todo = f"write those of the English text: {' '.join(sorted(known)) or 'none'}"
                yield Problem(f"{text!r} has other placeholders", todo, path, each.lineno)


def placeholders(text: str) -> set[str]:
    """Return what is in braces, and stray braces."""
    return set(re.findall(r"{\w+}|[{}]", text))
