"""Formats of returned mail: each is a module, and needs no other change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet.bounces import formats
from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import NotAReport, RecipientReport, Report

FORMAT = '''
"""The reports of a server that names the recipient in a field."""

from broadsheet.bounces.report import RecipientReport

ORDER = 5


def interpret(mail):
    address = mail.field("X-Not-Delivered-To")
    return [RecipientReport("temporary", (address,))] if address else []
'''
MAIL = b"From: a@b.example\nX-Not-Delivered-To: reader@example.com\nSubject: Sorry\n\nSorry.\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules are formats too."""
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    formats.formats.cache_clear()
    yield tmp_path
    formats.formats.cache_clear()
    sys.modules.pop(f"{formats.__name__}.field_of_recipient", None)


def test_a_new_module_is_a_format(folder: Path) -> None:
    """It is found because it is in the folder."""
    with pytest.raises(NotAReport):
        read_mail(MAIL)
    (folder / "field_of_recipient.py").write_text(FORMAT)
    formats.formats.cache_clear()
    found = read_mail(MAIL)
    assert isinstance(found, Report)
    assert found.recipients == (RecipientReport("temporary", ("reader@example.com",)),)


def test_each_format_has_its_own_place_in_the_order() -> None:
    """So the order does not depend on the names of the modules."""
    orders = [sys.modules[interpret.__module__].ORDER for interpret in formats.formats()]
    assert orders == sorted(set(orders))
