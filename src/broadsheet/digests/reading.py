"""How long an article takes to read."""

from __future__ import annotations

import re

from broadsheet.text.plain import plain

CHARACTERS_A_MINUTE = 400
WORDS_A_MINUTE = 220

_CHARACTERS = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def minutes(html: str) -> int | None:
    """The minutes that the article `html` takes, at least 1; None when it has no words.

    Chinese and Japanese are counted by characters, all else by words.
    """
    text = plain(html)
    rest, runs = _CHARACTERS.subn(" ", text)
    characters = len(text) - len(rest) + runs
    words = len(_WORD.findall(rest))
    if not characters and not words:
        return None
    return max(1, round(characters / CHARACTERS_A_MINUTE + words / WORDS_A_MINUTE))
