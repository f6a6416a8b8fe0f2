"""The user's own catalogues: a language of their own, in everything that is written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from broadsheet import i18n
from broadsheet.errors import ConfigError
from broadsheet.i18n import Words
from broadsheet.storage.catalogues import read_catalogue
from newsroom import CONFIG, Newsroom

TEMPLATE = Path(i18n.__file__).with_name("broadsheet.pot")
DIGEST = '[digests.weekly]\ntitle = "Veckan"\n'
SWEDISH = CONFIG.replace('"zh-CN"', '"sv"') + 'catalogues = ["texts/sv.po"]\n'


def _catalogue(share: float = 1.0, **texts: str) -> str:
    """A Swedish catalogue of a share of the texts: each is the English one after "sv:"."""
    with TEMPLATE.open("rb") as file:
        found = read_po(file, locale="sv")
    messages = [each for each in found if each.id]
    for each in messages[: round(len(messages) * share)]:
        if isinstance(each.id, str):
            each.string = texts.get(each.id, f"sv:{each.id}")
        else:
            each.string = ("sv:en:{count}", "sv:flera:{count}")
    made = BytesIO()
    write_po(made, found)
    return made.getvalue().decode()


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A Swedish publication with an article and a whole catalogue."""
    newsroom.configure(DIGEST, SWEDISH)
    newsroom.write("texts/sv.po", _catalogue())
    newsroom.article("a.md", date="2025-06-26T12:00:00+08:00", language="sv")
    return newsroom


def test_a_catalogue_adds_a_language(project: Newsroom) -> None:
    """Mail, pages and feeds are in it and say so; `check` has nothing against it."""
    assert project.run("digest").code == 0
    assert project.run("build").code == 0
    mail = project.published()["digests/weekly/2025-06-30/email.html"].decode()
    assert '<html lang="sv"' in mail
    assert "sv:Unsubscribe" in mail
    assert "30 juni 2025" in mail
    assert "sv:en:1" in mail
    page = project.published()["index.html"].decode()
    assert '<html lang="sv"' in page
    assert "sv:Everything" in page
    assert "no-translation" not in project.run("check").out


def test_an_edited_catalogue_is_seen(project: Newsroom) -> None:
    """The next build has its texts, and one after which nothing changed does nothing."""
    project.run("build")
    assert "0 files written" in project.run("build").out
    project.write("texts/sv.po", _catalogue(Everything="Allt"))
    assert "0 files written" not in project.run("build").out
    assert "Allt" in project.published()["index.html"].decode()


@pytest.mark.parametrize(("share", "language"), [(0.1, "en"), (0.9, "sv")])
def test_a_part_of_the_texts(project: Newsroom, share: float, language: str) -> None:
    """The pages declare the language of most of their texts, and `check` counts the others."""
    project.write("texts/sv.po", _catalogue(share))
    project.run("build")
    page = project.published()["index.html"].decode()
    assert f'<html lang="{language}"' in page
    out = project.run("check").out
    assert "no-translation" in out
    assert "texts without a translation into 'sv'" in out


def test_words_of_the_config_come_before_those_of_a_catalogue(project: Newsroom) -> None:
    """Also where the catalogue is of a language that Broadsheet has."""
    project.write("texts/de.po", 'msgid "Feeds"\nmsgstr "F"\n\nmsgid "Topics"\nmsgstr "T"\n')
    own = '[publication.texts.de]\n"Feeds" = "Kanäle"\n'
    config = CONFIG.replace('"zh-CN"', '"de"') + 'catalogues = ["texts/de.po"]\n'
    project.configure(own + DIGEST, config)
    project.run("digest")
    project.run("build")
    mail = project.published()["digests/weekly/2025-06-30/email.html"].decode()
    assert "Kanäle" in mail
    assert "Abbestellen" in mail


def test_plural_forms_and_contexts_of_a_catalogue(tmp_path: Path) -> None:
    """Forms are taken by the language's own rule; separators have a context."""
    head = (
        'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : '
        'n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"\n\n'
    )
    days = (
        'msgid "{count} day"\nmsgid_plural "{count} days"\nmsgstr[0] "{count} день"\n'
        'msgstr[1] "{count} дні"\nmsgstr[2] "{count} днів"\n\n'
    )
    names = 'msgctxt "between names"\nmsgid ", "\nmsgstr " / "\n'
    (tmp_path / "uk.po").write_text(head + days + names, encoding="utf-8")
    language, texts = read_catalogue(tmp_path, "uk.po")
    words = Words("uk", {language: texts})
    found = [words.plural("{count} day", "{count} days", number) for number in (1, 3, 5, 11, 21)]
    assert found == ["1 день", "3 дні", "5 днів", "11 днів", "21 день"]
    assert words.names(["А", "Б"]) == "А / Б"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sv.po", None, "texts/sv.po: it cannot be read"),
        ("sv.po", 'msgid "a', "texts/sv.po:1: it is not a catalogue here"),
        ("sv.po", 'msgid "{count} day"\nmsgstr "{n}"\n', "texts/sv.po:1: '{n}' has other"),
        ("swedish1.po", 'msgid "a"\nmsgstr "b"\n', "texts/swedish1.po: its name is not that of"),
    ],
)
def test_what_is_wrong_with_a_catalogue(
    newsroom: Newsroom, name: str, text: str | None, message: str
) -> None:
    """It is an error of the config, with file and line."""
    newsroom.configure("", SWEDISH.replace("sv.po", name))
    if text is not None:
        newsroom.write(f"texts/{name}", text)
    ran = newsroom.run("build")
    assert ran.code == 2
    assert ran.err.startswith(message)
    with pytest.raises(ConfigError):
        read_catalogue(newsroom.folder, f"texts/{name}")
