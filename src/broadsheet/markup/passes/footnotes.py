"""Footnotes: their place below the text, and the anchors that the site gives them."""

from __future__ import annotations

from urllib.parse import unquote

from broadsheet.markup.dialects import Dialect
from broadsheet.markup.engines.commonmark import UNUSED_NOTES
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element

_NOTE, _REFERENCE = "#fn-", "#fnref-"  # prefixes of comrak's anchors
_AS_TEXT = "↩\ufe0e"  # with the variation selector for text, not emoji


def anchor_footnotes(body: Node, context: Context) -> None:
    """Draw a line above the notes, and give their links the anchors of the site."""
    if "footnote" not in context.html:
        return
    for section in body.css("section[data-footnotes]"):
        section.insert_before(element(section, "hr"), move=True)
        _remove_added_references(section)
    references, backs = body.css("a[data-footnote-ref]"), body.css("a.footnote-backref")
    anchors: dict[str, str] = {}  # those of the engine -> those of the site
    for link in references:
        anchors |= _anchors(link, context.dialect)
    for link in (*references, *backs):
        if (anchor := anchors.get(link.attributes["href"] or "")) is not None:
            link.attrs["href"] = anchor
    for back in backs:
        if (arrow := back.first_child) is not None and arrow.text_content == "↩":
            arrow.replace_with(_AS_TEXT)


def _anchors(reference: Node, dialect: Dialect) -> dict[str, str]:
    """Return the anchors of `reference` and of its note: the engine's -> the site's."""
    given = reference.attributes
    note, own = given["href"] or "", "#" + (given["id"] or "")
    name = note.removeprefix(_NOTE)
    nth = own.removeprefix(_REFERENCE + name).removeprefix("-") or "1"
    values = {"label": unquote(name), "number": reference.text(), "nth": nth}
    site_reference = dialect.note_ref if nth == "1" else dialect.note_again
    return {
        note: "#" + dialect.note.format(**values),
        own: "#" + site_reference.format(**values, again=int(nth) - 1),
    }


def _remove_added_references(section: Node) -> None:
    """Remove the paragraph that refers to unused notes, and the links that lead back to it."""
    line = section.prev  # the one above the notes
    added = line.prev if line is not None else None
    while added is not None and not added.is_element_node:
        added = added.prev
    if added is None or not added.text(deep=True).startswith(UNUSED_NOTES):
        return
    for reference in added.css("a[data-footnote-ref]"):
        for back in section.css(f'a[href="#{reference.attrs["id"]}"]'):
            back.decompose()
    added.decompose()
