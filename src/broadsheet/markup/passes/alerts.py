"""Alerts, callouts and admonitions become block quotes under a title.

GitHub's `> [!NOTE]` (https://docs.github.com/en/get-started/writing-on-github), Obsidian's callouts
with titles of their own, containers from `:::tip Title` to `:::`, which the engine writes as `div`
(Docusaurus, https://docusaurus.io/docs/markdown-features/admonitions, VuePress, Starlight, Quarto),
and the `div.admonition` that Python-Markdown writes.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

from broadsheet.i18n import Words
from broadsheet.markup.engines import commonmark
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, children, element, rename

ALERT: Final = "data-alert"
"""The attribute of a block quote that was an alert; its value is the kind, such as `note`."""
_MARK = re.compile(r"\[!([A-Za-z][\w-]*)(?:\|[^\]\n]*)?\][+-]?[ \t]*")
_INFO = re.compile(
    r"(?P<name>[A-Za-z][\w-]*)[ \t]*(?:\[(?P<title>.*)\](?=[ \t]*(?:\{[^}]*\})?[ \t]*\Z))?"
    r"[ \t]*(?:\{[^}]*\})?[ \t]*(?P<rest>.*)"
)
_CALLOUT = re.compile(r"\{[^}]*?\.callout-([\w-]+)(?:[^}]*?\btitle=\"([^\"]*)\")?[^}]*\}")  # Quarto
_CONTAINERS = """
    note tip info important warning caution danger success question example quote details hint error
    attention abstract todo
"""
_ALERTS = frozenset(_CONTAINERS.split())

# What other kinds are called; any other name is shown as it is.
_OTHER_NAMES = {
    "attention": "warning",
    "danger": "caution",
    "error": "caution",
    "hint": "tip",
    "info": "note",
}


def open_containers(body: Node, context: Context) -> None:
    """Turn containers into alerts; keep only the content of those with other names."""
    for box in body.css("div[data-sourcepos]") if context.positions else ():
        found = _INFO.match(_CALLOUT.sub(r"\1[\2]", box.attributes.get("class") or ""))
        name = found["name"].lower() if found else ""
        if not found or name not in _ALERTS:
            box.unwrap(delete_empty=True)
            continue
        quote = rename(box, "blockquote")
        quote.attrs[ALERT] = name
        words = (found["title"] or found["rest"] or "").strip()
        if words or name != "details":
            _put_title(quote, commonmark.inline(words) or escape(_name(name, context.language)))


def _put_title(quote: Node, html: str) -> None:
    paragraph = element(quote, "p")
    paragraph.inner_html = f"<strong>{html}</strong>"
    if quote.first_child is None:
        quote.insert_child(paragraph, move=True)
    else:
        quote.first_child.insert_before(paragraph, move=True)


def title_alerts(body: Node, context: Context) -> None:
    """Give every alert its title in bold, and mark its block quote as one."""
    for quote in body.css("blockquote") if "[!" in context.html else ():
        first = next((each for each in children(quote) if each.is_element_node), None)
        if first is not None and first.tag == "p":
            _title(quote, first, context.language)
    for box in body.css("div.admonition") if "admonition" in context.html else ():
        _admonition(box)


def _title(quote: Node, first: Node, language: str) -> None:
    start = first.first_child
    found = _MARK.match(start.text_content or "") if start is not None else None
    if start is None or found is None:
        return
    kind = found[1].lower()
    start.replace_with((start.text_content or "")[found.end() :])
    title = element(quote, "strong")
    _move_first_line(first, title)
    paragraph = element(quote, "p")
    if not title.text(deep=True).strip():
        title.insert_child(_name(kind, language))
    paragraph.insert_child(title, move=True)
    first.insert_before(paragraph, move=True)
    if not (first.inner_html or "").strip():
        first.decompose()
    quote.attrs[ALERT] = kind


def _move_first_line(paragraph: Node, title: Node) -> None:
    """Move the first line of `paragraph` into `title`."""
    for child in children(paragraph):
        if child.tag == "br":
            child.decompose()
            return
        text = child.text_content if child.is_text_node else None
        if text is not None and "\n" in text:
            line, _, rest = text.partition("\n")
            title.insert_child(line.rstrip())
            child.replace_with(rest)
            return
        title.insert_child(child, move=True)


def _admonition(box: Node) -> None:
    """Turn Python-Markdown's `div` into a block quote; its classes give the kind."""
    classes = (box.attributes.get("class") or "").split()
    kind = next((each for each in classes if each != "admonition"), "note")
    for title in box.css("p.admonition-title"):
        title.inner_html = f"<strong>{title.inner_html or ''}</strong>"
    rename(box, "blockquote").attrs[ALERT] = kind


def _name(kind: str, language: str) -> str:
    """Return the default title of a kind of alert, in `language`."""
    words = Words(language)
    names = {
        "note": words("Note"),
        "tip": words("Tip"),
        "important": words("Important"),
        "warning": words("Warning"),
        "caution": words("Caution"),
    }
    return names.get(_OTHER_NAMES.get(kind, kind)) or kind.replace("-", " ").capitalize()
