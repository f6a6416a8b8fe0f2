"""Straight quotes right after Chinese or Japanese, for which typographers look at spaces in vain.

`说"好"了` stays straight, as in goldmark, and after punctuation a quote begins: `说："好"`. The
library would make closing quotes of all four.
"""

from __future__ import annotations

import re

from broadsheet.markup.templates import outside_code

# A title or an attribute may end in such a text, too; what follows its end has one of <>=()[].
_QUOTED = re.compile(
    r"(?P<before>[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef])\"(?P<text>[^\"\n<>=()\[\]]{1,200})\""
)
_PUNCTUATION = re.compile(r"[\u3000-\u3004\u3008-\u3020\uff00-\uff0f\uff1a-\uff20]")


def rewrite(text: str) -> str:
    """Return `text` with such quotes as they shall be shown."""
    if not _QUOTED.search(text):
        return text
    parts: list[str] = []
    end = 0
    for start, stop in outside_code(text):
        parts += [text[end:start], _QUOTED.sub(_decided, text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _decided(found: re.Match[str]) -> str:
    opening, closing = ("“", "”") if _PUNCTUATION.match(found["before"]) else ("&quot;", "&quot;")
    return f"{found['before']}{opening}{found['text']}{closing}"
