"""Footnotes of comrak: those that it would lose, and the anchors that the site gives them."""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import unquote

from broadsheet.markup.dialects import Dialect

_NOTE = re.compile(r"\[\^([^\[\]\s]{1,999})\](:?)")
_REFERENCE = re.compile(r'<a href="#fn-([^"]*)" id="fnref-([^"]*)" data-footnote-ref>(\d+)')
_BACK = re.compile(r'<a href="#fnref-([^"]*)" class="footnote-backref"[^<>]*>↩')


def unused_notes(text: str) -> str:
    """Return references to the footnotes of `text` that nothing refers to; "" for none.

    comrak leaves out a footnote that nothing refers to; its text would be lost.
    """
    if "[^" not in text:
        return ""
    found = _NOTE.findall(text)
    used = {label for label, colon in found if not colon}
    unused = dict.fromkeys(label for label, colon in found if colon and label not in used)
    return "".join(f"[^{label}]" for label in unused)


def with_site_anchors(html: str, dialect: Dialect) -> str:
    """Return `html` with a line above the notes, and with the anchors of the dialect in the links
    to notes and back; each of these has the attribute `data-footnote`."""
    if "data-footnote-ref" not in html:
        return html
    backs: dict[str, str] = {}  # the engine's name of a reference -> the site's anchor

    def refer(link: re.Match[str]) -> str:
        name, own, number = link.groups()
        nth = own[len(name) + 1 :] or "1"
        label = name if name.isalnum() else escape(unquote(unescape(name)))
        values = {"label": label, "number": number, "nth": nth, "again": int(nth) - 1}
        backs[own] = (dialect.note_ref if nth == "1" else dialect.note_again).format(**values)
        return f'<a href="#{dialect.note.format(**values)}" data-footnote>{number}'

    html = _REFERENCE.sub(refer, html)
    # With the variation selector for text, not for emoji.
    html = _BACK.sub(
        lambda link: f'<a href="#{backs.get(link[1], link[1])}" data-footnote>↩\ufe0e', html
    )
    before, section, notes = html.replace(' class="footnote-ref"', "").rpartition("<section")
    return f"{before}<hr>\n{section}{notes}"
