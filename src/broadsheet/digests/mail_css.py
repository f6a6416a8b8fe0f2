"""CSS that Gmail or Outlook do not know, by what caniemail.com says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STYLES = re.compile(r"<style\b[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(r"\sstyle=\"([^\"]*)\"", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?!\[if).*?-->", re.DOTALL)
_TABLE = "lay it out with a table"
_VALUE = "write the value"
_UNSUPPORTED = tuple(
    (re.compile(pattern, re.IGNORECASE), name, todo)
    for pattern, name, todo in (
        (r"@import\b", "@import", "write the rules out"),
        (r"@font-face\b", "@font-face", "name fonts that people have"),
        (r"@supports\b", "@supports", "write what works without it"),
        (r"display\s*:\s*(?:inline-)?grid\b", "a grid", _TABLE),
        (r"display\s*:\s*(?:inline-)?flex\b", "flex", _TABLE),
        (r"position\s*:\s*(?:absolute|fixed|sticky)\b", "position", _TABLE),
        (r"(?<![\w-])float\s*:\s*(?:left|right)\b", "float", _TABLE),
        (r"\bvar\s*\(", "var()", _VALUE),
        (r"\bcalc\s*\(", "calc()", _VALUE),
        (r"\burl\s*\(", "url()", "use an <img>"),
    )
)
"""A pattern of CSS, what it is called, and what to do instead."""


def unsupported(html: str) -> Iterator[tuple[str, str]]:
    """What the CSS of a finished mail has that is left out, and what to do instead of each."""
    markup = _COMMENT.sub("", html)
    css = "\n".join((*_STYLES.findall(markup), *_INLINE.findall(markup)))
    for pattern, name, todo in _UNSUPPORTED:
        if pattern.search(css):
            yield name, todo
