"""The only styles that are kept: the alignment of cells, the language of code."""

from __future__ import annotations

import re

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node

_LANGUAGE = re.compile(r"(?:^|\s)(?:language-|lang-)([\w+#.-]+)")


def keep_styles(body: Node, context: Context) -> None:
    """Write alignment as a style (the attribute is obsolete); keep only the language class."""
    for cell in body.css("td[align],th[align]") if "align=" in context.html else ():
        cell.attrs["style"] = f"text-align:{(cell.attributes['align'] or '').lower()}"
    has_classes = context.html.count("<code") > context.html.count("<code>")
    for code in body.css("code[class]") if has_classes else ():
        found = _LANGUAGE.search(code.attributes["class"] or "")
        if found:
            code.attrs["class"] = f"language-{found[1]}"
        else:
            del code.attrs["class"]
