"""Dialects of Markdown, each in a file that is found by its name: `hugo.py` is `hugo`.

Its `DIALECT` says which engine reads it, with which extensions, and which templates it may have. In
the name of a file, `_` stands for `-`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.registry import DIALECTS

if TYPE_CHECKING:  # slow to import
    from broadsheet.markup.templates.tags import Language

Engine = Literal["commonmark", "html", "python-markdown"]

EXTENSIONS: Final = {
    "abbreviations": "`*[HTML]: HyperText` defines an abbreviation",
    "alerts": "`> [!NOTE]` begins an alert or callout",
    "attributes": "`## Title {#id}` and `![](a.png){width=300}`",
    "cells": "` ```{python} ` is a code cell; its options are left out, and it if it is hidden",
    "comments": "`%%text%%` is a comment, which readers do not see",
    "containers": "`:::tip` to `:::` is an aside",
    "definitions": "`: meaning` below a term is a definition list",
    "emoji": "`:tada:` is an emoji",
    "indented-text": "four spaces do not begin a code block",
    "inline-notes": "`^[text]` is a footnote",
    "kramdown": '`{: .class}`, `{:toc}` and `markdown="1"`, as kramdown has them',
    "mark": "`==text==` is highlighted",
    "math": "`$a_b$` and `$$` are formulas, kept from being read as Markdown",
    "math-blocks": "only `$$` is a formula",
    "single-tildes": "`~text~` is struck out, as `~~text~~` is",
    "smart": "straight quotes, `--` and `...` become typographic ones",
    "toc": "`[[toc]]` is a table of contents, and taken out",
    "wikilinks": "`[[Page]]`, `[[Page|text]]` and `![[image.png]]`",
}
"""What `articles.markdown_extensions` can switch on or off in a CommonMark dialect."""


class Dialect(Struct, frozen=True):
    """A dialect that articles are written in.

    engine: the library that reads them. extensions: names of EXTENSIONS; for `commonmark` only.
    templates: whose template tags articles may have. mdx: whether `.md` files are MDX too.
    note, note_ref, note_again: the anchors on the site of a footnote, of the first reference to it,
    and of the others, with `{label}` and `{number}` of the footnote, and for the second reference
    a 2 as `{nth}` and a 1 as `{again}`.
    """

    engine: Engine
    extensions: frozenset[str] = frozenset()
    templates: Language = "any"
    mdx: bool = False
    note: str = "fn:{label}"
    note_ref: str = "fnref:{label}"
    note_again: str = "fnref:{label}"


def by_commonmark(extensions: str, **differences: Any) -> Dialect:
    """Return a dialect read by the CommonMark engine.

    extensions: their names, separated by spaces. differences: other fields of `Dialect`.
    """
    return Dialect("commonmark", frozenset(extensions.split()), **differences)


def anchors(note: str, note_ref: str, note_again: str) -> dict[str, str]:
    """Return the fields of `Dialect` for the anchors of footnotes."""
    return {"note": note, "note_ref": note_ref, "note_again": note_again}


GITHUB_ANCHORS: Final = anchors(
    "user-content-fn-{label}", "user-content-fnref-{label}", "user-content-fnref-{label}-{nth}"
)
BY_PYTHON_MARKDOWN: Final = Dialect("python-markdown", frozenset({"alerts"}))


@cache
def dialect(name: str) -> Dialect:
    """Return the dialect for a name and its changes, such as `hugo +emoji -smart`."""
    name, *changes = name.split()
    found: Dialect = DIALECTS.load(name).DIALECT
    added = {each[1:] for each in changes if each.startswith("+")}
    removed = {each[1:] for each in changes if each.startswith("-")}
    return replace(found, extensions=(found.extensions | added) - removed)
