"""What the elements of MDX become: HTML, or a picture, link or title for a component."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from msgspec import Struct

from broadsheet.markup.templates import named

VOID = re.compile(r"area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr")
INLINE = re.compile(
    r"a|abbr|b|bdi|bdo|br|button|cite|code|del|dfn|em|font|i|img|input|ins|kbd|label|mark|q|s|samp"
    r"|small|span|strong|sub|sup|time|u|var|wbr"
)
PLAIN_BLOCKS = frozenset({"article", "center", "div", "header", "main", "p", "section"})
_PICTURES = re.compile(r"image|img|picture|figure|photo|screenshot|zoom", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_TITLES = ("label", "title", "summary", "heading", "header")
_TEXTS = ("text", "label", "title", "name", "children", "value")


class Element(Struct, frozen=True):
    """A start or end tag. given: its attributes with their values; None for an unknown value.

    start, end: offsets. is_empty: whether it has no end tag.
    """

    name: str
    given: Mapping[str, str | None]
    start: int
    end: int
    is_empty: bool

    @property
    def known(self) -> dict[str, str]:
        """The attributes with known values."""
        return {name: text for name, text in self.given.items() if text is not None}

    def first(self, *names: str) -> str:
        """Return the first of these attributes that has text."""
        return next((text for name in names if (text := self.given.get(name))), "")


def html(element: Element) -> str:
    """Return the start tag of an element of HTML, without styles and scripts."""
    found = []
    for name, text in element.known.items():
        if name and name != "style" and ":" not in name and not name.startswith("on"):
            known = {"className": "class", "htmlFor": "for"}.get(name, name.lower())
            found.append(f' {known}="{escape(text)}"')
    return f"<{element.name}{''.join(found)}>"


def component(element: Element) -> tuple[str, str] | None:
    """Return what replaces the start and end tag of a component; None if nothing is known."""
    name, source = element.name.lower(), element.given.get("src")
    if source and (is_picture(element) or named.is_picture(source)):
        return _picture(element.known), ""
    if name in named.EMBEDS:
        return named.meaning(name, element.known) or "", ""
    if address := element.first("href", "to"):
        return _link(element, address)
    if element.is_empty and (words := element.first(*_TEXTS)):
        return shown(words), ""
    return None


def is_picture(element: Element) -> bool:
    """Whether a component is named like one that shows a picture."""
    return bool(_PICTURES.search(element.name))


def title(element: Element) -> str:
    """Return the title that a component shows above its content, in bold; "" for none."""
    text = element.first(*_TITLES)
    return f"**{shown(text)}**" if text else ""


def shown(text: str) -> str:
    """Return `text` on one line, escaped so that it is not read as Markdown."""
    text = _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", text)
    return re.sub(r"[^\S\n]*\n\s*", " ", text)


def _picture(given: Mapping[str, str]) -> str:
    if given.get("caption"):
        return named.figure(given)
    wanted = {"src": given["src"], "alt": given.get("alt", "")}
    wanted |= {name: given[name] for name in ("width", "height") if given.get(name)}
    return "<img" + "".join(f' {name}="{escape(text)}"' for name, text in wanted.items()) + ">"


def _link(element: Element, address: str) -> tuple[str, str]:
    opening = f'<a href="{escape(address)}">'
    if not element.is_empty:
        return opening, "</a>"
    words = shown(element.first(*_TITLES, *_TEXTS) or address)
    about = shown(element.first("description"))
    return f"{opening}{words}</a> {about}".rstrip(), ""
