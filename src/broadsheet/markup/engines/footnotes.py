"""Footnotes of comrak: those that it would lose, and the anchors that the site gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape, unescape
from typing import Final
from urllib.parse import unquote

from broadsheet.markup.dialects import Dialect

NOTE: Final = re.compile(r"\[\^([^\[\]\s]{1,999})\](:?)")
"""A reference to a footnote, or the start of its definition: the label, and a colon for these."""
_SECTION = '<section data-sourcepos="'
_REFERENCE = re.compile(
    r'<sup data-sourcepos="[^"]*" class="footnote-ref">'
    r'<a href="#fn-([^"]*)" id="fnref-([^"]*)" data-footnote-ref>(\d+)'
)
_BACK = re.compile(
    r'<a href="#fnref-([^"]*)" class="footnote-backref" data-footnote-backref'
    r' data-footnote-backref-idx="[^"]*" aria-label="[^"]*">'
    r'↩(?:<sup class="footnote-ref">(\d+)</sup>)?</a>'
)


def unused_notes(found: Iterable[tuple[str, str]]) -> str:
    """Return references to the footnotes that nothing refers to; "" for none.

    comrak leaves these out; their text would be lost. found: what NOTE finds in the text.
    """
    used = {label for label, colon in found if not colon}
    unused = dict.fromkeys(label for label, colon in found if colon and label not in used)
    return "".join(f"[^{label}]" for label in unused)


def with_site_anchors(html: str, dialect: Dialect) -> str:
    """Return `html` with a line above the notes, and with the anchors of the dialect in the links
    to notes and back; each of these has the attribute `data-footnote`.

    A link back to a reference that is not in `html` is left out.
    """
    text, section, notes = html.rpartition(_SECTION)
    if not section:
        return html
    backs: dict[str, str] = {}  # the engine's name of a reference -> the site's anchor

    def refer(link: re.Match[str]) -> str:
        name, own, number = link.groups()
        nth = own[len(name) + 1 :] or "1"
        label = name if name.isalnum() else escape(unquote(unescape(name)))
        values = {"label": label, "number": number, "nth": nth, "again": int(nth) - 1}
        backs[own] = (dialect.note_ref if nth == "1" else dialect.note_again).format_map(values)
        return f'<sup><a href="#{dialect.note.format_map(values)}" data-footnote>{number}'

    def lead_back(link: re.Match[str]) -> str:
        name, nth = link.groups()
        if name not in backs:
            return ""
        mark = f"↩\ufe0e<sup>{nth}</sup>" if nth else "↩\ufe0e"  # as text, not as an emoji
        return f'<a href="#{backs[name]}" data-footnote>{mark}</a>'

    text, notes = _REFERENCE.sub(refer, text), _REFERENCE.sub(refer, notes)
    return f"{text}<hr>\n{section}{_BACK.sub(lead_back, notes)}"
