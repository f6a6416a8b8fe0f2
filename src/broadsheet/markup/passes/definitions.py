"""Several terms with one definition: each line before `: meaning` is a term (PHP Markdown Extra).

As in goldmark and kramdown; the engine takes the lines to be one term.
"""

from __future__ import annotations

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, children, element


def split_terms(body: Node, context: Context) -> None:
    """Split every term that has line ends."""
    for term in body.css("dt[data-sourcepos]" if context.positions else "dt"):
        for child in children(term):
            if child.is_text_node and "\n" in (child.text_content or ""):
                _split(term, child)


def _split(term: Node, text: Node) -> None:
    """Move what comes before the last line end of `text` into terms of their own."""
    *lines, rest = (text.text_content or "").split("\n")
    for number, line in enumerate(lines):
        earlier = element(term, "dt")
        if not number:
            _move_before(text, earlier)
        earlier.insert_child(line)
        term.insert_before(earlier, move=True)
    text.replace_with(rest)


def _move_before(end: Node, target: Node) -> None:
    """Move the siblings before `end` into `target`."""
    before = end.prev
    siblings = []
    while before is not None:
        siblings.append(before)
        before = before.prev
    for each in reversed(siblings):
        target.insert_child(each, move=True)
