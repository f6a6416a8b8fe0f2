"""Texts in the reader's language: each language is a file, and missing texts are English."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from broadsheet import i18n
from broadsheet.i18n import Words, languages

FOLDER = Path(i18n.__file__).parent


def _texts(language: str) -> dict[str, object]:
    groups = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return {
        f"{group}.{name}": text for group, each in groups.items() for name, text in each.items()
    }


@pytest.mark.parametrize("language", languages())
def test_a_language_translates_texts_that_exist(language: str) -> None:
    """Every text of a language exists in English, with the same placeholders."""
    english = _texts("en")
    for name, text in _texts(language).items():
        assert name in english
        wanted = set(re.findall(r"{\w+}", str(english[name])))
        assert set(re.findall(r"{\w+}", str(text))) <= wanted, name


@pytest.mark.parametrize("language", [*languages(), "zh-TW", "nl", "xx-unknown"])
def test_every_text_is_there_in_every_language(language: str) -> None:
    """A language without a file, or without a text, shows English."""
    values = dict.fromkeys(re.findall(r"{(\w+)}", str(_texts("en"))), "x")
    values.pop("count")
    for name in _texts("en"):
        assert isinstance(Words(language)(name, 1, **values), str)


def test_a_new_file_is_a_new_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with a single text is enough: the others are English."""
    copy = tmp_path / "i18n"
    shutil.copytree(FOLDER, copy)
    (copy / "nl.toml").write_text('[mail]\nunsubscribe = "Afmelden"\n', "utf-8")
    spec = spec_from_file_location("copied_i18n", copy / "__init__.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "copied_i18n", module)
    spec.loader.exec_module(module)
    assert module.Words("nl")("mail.unsubscribe") == "Afmelden"
    assert module.Words("nl")("mail.preferences") == Words("en")("mail.preferences")
