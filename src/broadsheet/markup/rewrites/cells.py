"""Quarto's code cells (https://quarto.org/docs/computations/execution-options.html).

Options are taken out, and so are cells that are not shown. What a cell prints only Quarto knows.
"""

from __future__ import annotations

import re

CELL = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*\{(?P<name>\w+)(?P<options>[^}\n]*)\}[^\n]*\n"
    r"(?P<code>(?:.*\n){0,1000}?)(?P=indent)(?P=fence)[ \t]*$",
    re.MULTILINE,
)
"""A code block that is run, with the options in its first line."""
_OPTION = re.compile(r"^[ \t]*(?:#|//|--|%%)\|[^\n]*$", re.MULTILINE)
_HIDDEN = re.compile(r"\b(?:echo|include)\s*[:=]\s*(?:false|F)\b", re.IGNORECASE)


def rewrite_cells(text: str) -> str:
    """Return `text` with the code of its cells as plain code blocks, and as many lines."""
    return CELL.sub(_rewritten, text) if "{" in text else text


def _rewritten(cell: re.Match[str]) -> str:
    options = cell["options"] + "\n".join(_OPTION.findall(cell["code"]))
    shown = _OPTION.sub("", cell["code"]).strip("\n")
    if not shown or _HIDDEN.search(options):
        return "\n" * cell[0].count("\n")
    fence = cell["indent"] + cell["fence"]
    above = "\n" * (cell[0].count("\n") - shown.count("\n") - 2)
    return f"{above}{fence}{cell['name']}\n{shown}\n{fence}"
