"""What Hugo leaves of names in addresses: punctuation goes, spaces become hyphens.

By what Hugo 0.168 makes of files with such names; most of it is said by `Sanitize` in its
common/paths. A path of its own making and a token of a pattern are not treated alike.
"""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[A-Za-z0-9./_~@-]*")
_KEPT = frozenset("./_#~@+-")


def path(text: str, *, lowercase: bool) -> str:
    """Folders and file name, or the slug, in an address that follows the folders.

    lowercase: whether the address is, as by default; each space of a file's name is then a hyphen
    of its own.
    """
    return _sanitised(text.replace(" ", "-") if lowercase else text)


def name(text: str) -> str:
    """A slug, or a file name or folder that a token of a pattern stands for."""
    return _sanitised(text.replace("+", " "))


def title(text: str) -> str:
    """A title that a token stands for: a slash in it divides nothing."""
    return name(text.replace("/", "-"))


def _sanitised(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    kept: list[str] = []
    gap = False
    for char in text:
        if _is_kept(char):
            kept += ["-", char] if gap and char != "-" else [char]
            gap = False
        elif char.isspace() and kept and kept[-1] != "-":
            gap = True
    return "".join(kept)


def _is_kept(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind[0] in "LM" or kind == "Nd" or char in _KEPT
