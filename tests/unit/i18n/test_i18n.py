"""Texts in the reader's language: each language is a catalogue, and missing ones are English."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from broadsheet import i18n
from broadsheet.i18n import ENGLISH, Words, catalogue, languages

FOLDER = Path(i18n.__file__).parent
ROOT = Path(__file__).parents[3]
TRANSLATED = sorted(set(languages()) - {ENGLISH})
_PLACEHOLDER = re.compile(r"{\w*}")


def _catalogue(file: Path) -> Catalog:
    return read_po(BytesIO(file.read_bytes()), abort_invalid=True)


def _file(language: str) -> Path:
    return FOLDER / f"{language.replace('-', '_')}.po"


def _texts(found: Catalog) -> dict[tuple[str | None, str], Message]:
    """The messages by context and English text."""
    return {(each.context, _forms(each.id)[0]): each for each in found if each.id}


def _forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The texts of the code and the templates, as `make translations` extracts them."""
    file = tmp_path_factory.mktemp("texts") / "broadsheet.pot"
    recipe = (
        (ROOT / "Makefile").read_text().partition("\ntranslations:")[2].partition("\n\tfor ")[0]
    )
    command = recipe.partition("\n\t")[2].replace("$(TEXTS)/broadsheet.pot", str(file))
    command = command.replace("$(BIN)", str(Path(sys.executable).parent))
    subprocess.run(command, shell=True, cwd=ROOT, check=True)
    return _catalogue(file)


def test_the_template_has_every_text_of_the_code(extracted: Catalog) -> None:
    """Translators start from the template; `make translations` makes it."""
    assert set(_texts(_catalogue(FOLDER / "broadsheet.pot"))) == set(_texts(extracted))
    assert len(_texts(extracted)) > 100


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_complete(language: str, extracted: Catalog) -> None:
    """A catalogue translates every text and no other, with the plural forms of its language."""
    found = _catalogue(_file(language))
    assert set(_texts(found)) == set(_texts(extracted))
    assert not found.obsolete
    assert found.plural_forms == f"{get_plural(_file(language).stem)}"
    for text in _texts(found).values():
        assert all(_forms(text.string)), text.id
        assert not text.fuzzy, text.id
        assert len(_forms(text.string)) == (found.num_plurals if text.pluralizable else 1), text.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_agree(language: str) -> None:
    """A translation has the placeholders of the English; a plural form may omit {count}."""
    for text in _texts(_catalogue(_file(language))).values():
        wanted = set(_PLACEHOLDER.findall(_forms(text.id)[-1]))
        for form in _forms(text.string):
            found = set(_PLACEHOLDER.findall(form))
            assert found == wanted or (text.pluralizable and found | {"{count}"} == wanted), text.id
            assert not set("{}") & set(_PLACEHOLDER.sub("", form)), text.id


_NO_SPACE_BEFORE = re.compile(r"(?<![\u00a0:])[:;!?»]|«(?!\u00a0)")
_OF_ENGLISH = re.compile(r"[A-Za-z}] ?['\"]|['\"][A-Za-z{]")
_MISTAKES = {
    "ar": re.compile(r"[\u0600-\u06ff}][,;?]"),
    "de": re.compile(r"(?<!„){digest}“|„{digest}(?!“)|\b(?:du|deine?|dich|dir)\b", re.IGNORECASE),
    "es": re.compile(r"^[^¿]*\?|\b(?:tú|tus?)\b", re.IGNORECASE),
    "fr": _NO_SPACE_BEFORE,
    "it": re.compile(r"\b(?:po|un)'"),
    "ja": re.compile(r"[,;:!?()]|(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])"),
    "ko": re.compile(r"[，。：；？]|(?:은|이|을)/(?:는|가|를)"),
    "zh-Hans": re.compile(r"(?<=[\u4e00-\u9fff}])[,;:!?()]|[訂閱設電郵]"),
    "zh-Hant": re.compile(r"(?<=[\u4e00-\u9fff}])[,;:!?()]|[订阅设电邮]|郵箱|默認|退訂"),
}
"""What a text of a language does not have."""


@pytest.mark.parametrize("language", TRANSLATED)
def test_punctuation_and_address_are_those_of_the_language(language: str) -> None:
    """Full width in Chinese, spaces before French marks, one way to address readers, and so on."""
    mistakes = _MISTAKES.get(language)
    for text in _texts(_catalogue(_file(language))).values():
        for form in _forms(text.string):
            assert not _OF_ENGLISH.search(form), form
            found = mistakes.search(form) if mistakes else None
            assert not found, form


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_are_those_of_the_catalogue(language: str) -> None:
    """Also in a checkout that has changed since it was installed, whose compiled file is old."""
    words = Words(language)
    for (context, english), text in _texts(_catalogue(_file(language))).items():
        if not text.pluralizable and not context and not _PLACEHOLDER.search(english):
            assert words(english) == text.string


def test_an_old_compiled_catalogue_is_not_read(tmp_path: Path) -> None:
    """It is older than its source, as after `git pull`; then the source counts."""
    package = tmp_path / "broadsheet"
    shutil.copytree(FOLDER.parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    source, compiled = (package / f"i18n/de.{ending}" for ending in ("po", "mo"))
    with compiled.open("wb") as old:
        write_mo(old, Catalog("de"))
    source.write_text(source.read_text().replace('"Abbestellen"', '"Tschüss"'))
    script = "from broadsheet.i18n import Words; print(Words('de')('Unsubscribe'))"
    shown = []
    for newer, older in ((source, compiled), (compiled, source)):
        os.utime(older, (1_000_000_000, 1_000_000_000))
        os.utime(newer, (1_000_000_100, 1_000_000_100))
        ran = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        shown.append(ran.stdout.strip())
    assert shown == ["Tschüss", "Unsubscribe"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-sg", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zh-Hans-HK", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant"),
        ("zh-mo", "zh-Hant"),
        ("zh-Hant", "zh-Hant"),
        ("zh-Hant-CN", "zh-Hant"),
        ("de-AT", "de"),
        ("xx-unknown", ""),
        ("zha", ""),
        ("", ""),
    ],
)
def test_the_catalogue_of_a_language(tag: str, expected: str) -> None:
    """A region gets the texts of its language, and Chinese those of its script."""
    assert catalogue(tag) == expected
    assert Words(tag).language == (tag if expected else ENGLISH)


@pytest.mark.parametrize(
    ("language", "date"),
    [
        ("fr-CA", "1er juin 2025"),
        ("it", "1º giugno 2025"),
        ("pt-BR", "1º de junho de 2025"),
        ("es", "1 de junio de 2025"),
        ("de", "1. Juni 2025"),
        ("zh-CN", "2025年6月1日"),
    ],
)
def test_the_first_of_a_month_is_written_as_people_do(language: str, date: str) -> None:
    """Monthly digests come on that day; other days are plain numbers."""
    assert Words(language).date(datetime(2025, 6, 1, tzinfo=UTC)) == date
    assert Words("fr").date(datetime(2025, 6, 11, tzinfo=UTC)) == "11 juin 2025"


def test_a_left_to_right_name_keeps_its_order_in_right_to_left_text() -> None:
    """It is isolated (UAX 9), so that a number beside it does not join it; a URL is not."""
    words = Words("ar")
    assert "\u2068ann@example.org\u2069" in words(
        "We sent an email to {address}. Follow the link in it to confirm your subscription.",
        address="ann@example.org",
    )
    assert words.names(["Ann Lee", "علي"]) == "\u2068Ann Lee\u2069، علي"
    assert "\u2069" not in words("Past issues are here:\n\n{url}", url="https://example.org/")
    assert "\u2068" not in Words("en").names(["Ann Lee", "علي"])


def test_own_texts_come_first() -> None:
    """Those of the tag, else of its catalogue; plurals by category; everything else as shipped."""
    own = {
        "de": {"Unsubscribe": "Tschüss", "{count} days": {"one": "ein Tag", "other": "{count} T."}},
        "zh-Hant": {"Feeds": "來源"},
        "sv": {"Feeds": "Flöden", "{count} days": {"one": "{count} dag", "other": "{count} dagar"}},
    }
    german = Words("de-AT", own)
    assert german("Unsubscribe") == "Tschüss"
    assert german("Past issues") == Words("de")("Past issues")
    days = [german.plural("{count} day", "{count} days", count) for count in (1, 2)]
    assert days == ["ein Tag", "2 T."]
    assert Words("zh-HK", own)("Feeds") == "來源"
    assert Words("zh-CN", own)("Feeds") == Words("zh-CN")("Feeds")
    swedish = Words("sv", own)  # most of its texts are English, and so is what it declares
    assert (swedish.language, swedish("Feeds"), swedish("Topics")) == ("en", "Flöden", "Topics")
    assert swedish.plural("{count} day", "{count} days", 3) == "3 dagar"


def test_a_language_without_texts_is_english() -> None:
    """Texts, dates and direction are all English, and so is the language that they claim."""
    words = Words("xx-unknown")
    assert words("Unsubscribe") == "Unsubscribe"
    assert words.plural("{count} day", "{count} days", 1) == "1 day"
    assert (words.language, words.direction, words.locale.language) == ("en", "ltr", "en")
