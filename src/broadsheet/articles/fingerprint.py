"""The fingerprint of a body, equal for two files with the same text.

It ignores what a rename, an editor or a checkout changes by itself: front matter, line ends,
trailing white space, empty lines around the text, and the Unicode form (NFC, UAX #15).
"""

from __future__ import annotations

import re
from hashlib import sha256

from broadsheet.text.characters import composed

_WORD = re.compile(r"[^\W_]")
_WORD_AT_START = re.compile(r"[\s#*>]*[^\W_]")  # as nearly all bodies have


def fingerprint(body: str) -> str:
    """SHA-256 of a Markdown body in hexadecimal; "" if it has no letter or digit.

    Bodies without text are alike by chance, so they must not be compared.
    """
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    text = "\n".join(map(str.rstrip, composed(body).split("\n"))).strip("\ufeff\n")
    if not _WORD_AT_START.match(text) and not _WORD.search(_without_comments(text)):
        return ""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _without_comments(text: str) -> str:
    """`text` without HTML comments, of which an empty template may consist."""
    first, *rest = text.split("<!--")  # a pattern would take quadratic time
    return first + "".join(part.partition("-->")[2] for part in rest)
