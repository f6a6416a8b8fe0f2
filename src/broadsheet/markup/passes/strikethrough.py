"""Text between single tildes: struck out around words (GFM 6.5), kept in `10~20 and 30~40`.

The engine writes it as `sub` with a position, which an author's own `<sub>` does not have.
"""

from __future__ import annotations

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, rename


def strike_out(body: Node, context: Context) -> None:
    """Turn struck-out text into `del`, and other tildes back into text."""
    counts = "single-tildes" in context.dialect.extensions
    for struck in body.css("sub[data-sourcepos]" if context.positions else "sub"):
        if not counts or _ends_in_a_word(struck.prev, -1) or _ends_in_a_word(struck.next, 0):
            struck.insert_before("~")
            struck.insert_after("~")
            struck.unwrap()
        else:
            rename(struck, "del")


def _ends_in_a_word(neighbour: Node | None, place: int) -> bool:
    """Whether the text node `neighbour` has a letter or digit at `place`, 0 or -1."""
    text = neighbour.text_content if neighbour is not None else None
    return text[place].isalnum() if text else False
