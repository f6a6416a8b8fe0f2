"""Broadsheet's own texts in the reader's language: gettext catalogues, and dates by Babel (CLDR).

The English text is in the code and is the msgid. Every other language is a `.po` file beside this
module, named after its locale; it is found by being there. Installing Broadsheet compiles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, cached_property, reduce
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unicodedata import bidirectional

from broadsheet.model.publication import OwnTexts

if TYPE_CHECKING:  # Babel takes 10 ms to import, which most texts do without
    from babel import Locale

ENGLISH: Final = "en"
_FOLDER: Final = Path(__file__).parent
CONTEXT: Final = "\x04"
"""Between the context and the English text, as in a compiled catalogue (gettext)."""
_RIGHT_TO_LEFT: Final = {"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}
_FIRST: Final = {"fr": "1er", "it": "1º", "pt": "1º"}
"""How the first day of a month is written, which CLDR leaves out."""
_CHINESE: Final = {"hans": "zh-Hans", **dict.fromkeys(("hant", "hk", "mo", "tw"), "zh-Hant")}
"""Catalogues of Chinese by script and region; zh-Hans for all others."""


def gettext_noop(text: str) -> str:
    """Return `text`, and mark it as one to translate later."""
    return text


class Words:
    """The texts of one language.

    language: a BCP 47 tag such as zh-TW; afterwards the language of most of the texts, which is
    English if neither a catalogue nor the publication has more of them.
    """

    def __init__(self, language: str, own: OwnTexts | None = None) -> None:
        """own: the publication's own texts, which come first."""
        name = catalogue(language)
        self._own = own_texts(own or {}, language)
        is_known = name or (self._own and 2 * len(untranslated(self._own)) <= len(_every_text()))
        self.language = str(language) if is_known else ENGLISH
        self._own_language = str(language)
        self._texts = _translations(name)
        self._is_ltr = self.language.partition("-")[0] not in _RIGHT_TO_LEFT

    def __call__(self, text: str, /, **values: object) -> str:
        """Return the translation of an English `text`, with `values` put in."""
        found = self._own.get(text)
        return self._filled(found if isinstance(found, str) else self._texts.gettext(text), values)

    def plural(self, one: str, other: str, count: int, /, **values: object) -> str:
        """Return the translation for `count` things. one, other: English singular and plural."""
        found = self._own.get(other) or self._texts.ngettext(one, other, count)
        if isinstance(found, dict):
            category = _locale(self._own_language).plural_form(count)
            found = found.get(category) or found["other"]
        return self._filled(found, {"count": count, **values})

    def names(self, names: Iterable[str]) -> str:
        """Return a list of names."""
        return self.pgettext("between names", ", ").join(map(self._isolated, names))

    def titles(self, titles: Iterable[str]) -> str:
        """Return a list of titles, which may contain commas."""
        return self.pgettext("between titles", "; ").join(map(self._isolated, titles))

    def sentences(self, *sentences: str) -> str:
        """Return a paragraph of those `sentences` that are not empty."""
        pair = str(self._own.get("{sentence} {next}") or self._texts.gettext("{sentence} {next}"))
        found = filter(None, sentences)
        return reduce(
            lambda text, after: pair.format(sentence=text, next=after), found, next(found, "")
        )

    def pgettext(self, context: str, english: str) -> str:
        """Return the translation of a text that has others in other contexts."""
        own = self._own.get(context + CONTEXT + english)
        return str(own or self._texts.pgettext(context, english))

    @cached_property
    def locale(self) -> Locale:
        """The locale of dates."""
        return _locale(self.language)

    @property
    def direction(self) -> str:
        """The direction in which the language is written: ltr or rtl."""
        return direction(self.language)

    def date(self, moment: datetime) -> str:
        """Return the date of an aware `moment` in CLDR's long form, with the first as people write
        it."""
        from babel.dates import format_date

        date = format_date(moment, "long", locale=self.locale)
        first = _FIRST.get(self.locale.language)
        return first + date[1:] if first and date.startswith("1 ") else date

    def _filled(self, text: str, values: Mapping[str, object]) -> str:
        return text.format(**{name: self._isolated(value) for name, value in values.items()})

    def _isolated(self, value: object) -> str:
        """Return `value`, isolated if it has left-to-right text and the language is the other way.

        A number or full stop beside it would join its direction (UAX 9). Not so a URL, to which
        mail programs would add the mark.
        """
        text = str(value)
        if self._is_ltr or text.startswith("http") or "L" not in map(bidirectional, text):
            return text
        return f"\u2068{text}\u2069"


def own_texts(own: OwnTexts, language: str) -> Mapping[str, str | dict[str, str]]:
    """Return the publication's own texts in `language`: of its tag, else of its catalogue."""
    by_tag = {tag.lower(): texts for tag, texts in own.items()}
    tags = (language, catalogue(language), language.partition("-")[0])
    return next((by_tag[tag.lower()] for tag in tags if tag.lower() in by_tag), {})


def untranslated(own: Mapping[str, object]) -> tuple[str, ...]:
    """Return the English texts that the publication's `own_texts` in a language lack."""
    return tuple(text for text in _every_text() if text not in own)


@cache
def _every_text() -> tuple[str, ...]:
    """Return every English text, by which `own_texts` are found."""
    from babel.messages.pofile import read_po

    with Path(__file__).with_name("broadsheet.pot").open("rb") as file:
        found = [each for each in read_po(file) if each.id]
    texts = ((each.context, each.id if isinstance(each.id, str) else each.id[-1]) for each in found)
    return tuple(f"{context}{CONTEXT}{text}" if context else text for context, text in texts)


@cache
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
    """Return the languages that have texts, such as `en` and `zh-Hant`."""
    found = (file.stem.replace("_", "-") for file in _FOLDER.glob("*.po"))
    return tuple(sorted([ENGLISH, *found]))


@cache
def catalogue(language: str) -> str:
    """Return the one of `languages` whose texts serve `language`; "" if none does."""
    known = {tag.lower(): tag for tag in languages()}
    tag = language.replace("_", "-").lower()
    primary, *subtags = tag.split("-")
    if primary == "zh":
        script = next((each for each in subtags if each in _CHINESE), "")
        return _CHINESE.get(script, "zh-Hans")
    regional = (name for lower, name in known.items() if lower.startswith(f"{primary}-"))
    return known.get(tag) or known.get(primary) or next(regional, "")


@cache
def _locale(language: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        start = language.partition("-")[0]
        return _locale(start) if start != language else Locale.parse(ENGLISH)


@cache
def _translations(tag: str) -> NullTranslations:
    """Return the texts of one of `languages`; the English ones for "" too."""
    if tag in {"", ENGLISH}:
        return NullTranslations()
    source = _FOLDER / f"{tag.replace('-', '_')}.po"
    compiled = source.with_suffix(".mo")
    with suppress(FileNotFoundError), compiled.open("rb") as file:
        if compiled.stat().st_mtime >= source.stat().st_mtime:
            return GNUTranslations(file)
    return _compiled(source)  # in a checkout that has changed since it was installed


def _compiled(source: Path) -> GNUTranslations:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    made = BytesIO()
    with source.open("rb") as text:
        write_mo(made, read_po(text))
    made.seek(0)
    return GNUTranslations(made)
