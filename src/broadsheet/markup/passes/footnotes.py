"""Footnotes: their place below the text, and the anchors that the site gives them."""

from __future__ import annotations

from broadsheet.markup.engines.commonmark import UNUSED_NOTES
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element

_NOTE, _REFERENCE = "#fn-", "#fnref-"  # how comrak's anchors begin
_AS_TEXT = "↩\ufe0e"  # with the variation selector that keeps it from being shown as an emoji


def apply(body: Node, context: Context) -> None:
    """Draw a line above the notes, and give their links the anchors of the site."""
    if "footnote" not in context.html:
        return
    for section in body.css("section[data-footnotes]"):
        section.insert_before(element(section, "hr"), move=True)
        _remove_added_references(section)
    for link in body.css("a[data-footnote-ref],a[data-footnote-backref]"):
        anchor = link.attrs["href"] or ""
        if anchor.startswith(_REFERENCE):
            link.attrs["href"] = "#" + context.dialect.note_ref + anchor.removeprefix(_REFERENCE)
        else:
            link.attrs["href"] = "#" + context.dialect.note + anchor.removeprefix(_NOTE)
    for back in body.css("a[data-footnote-backref],a.footnote-backref"):
        if (arrow := back.first_child) is not None and arrow.text_content == "↩":
            arrow.replace_with(_AS_TEXT)


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
