"""Find the mail server's credentials in its replies.

Some servers repeat what they were sent: in clear, in Base64, in parts, in the reply to AUTH or to a
later command. So the text of replies to AUTH is never kept (smtp.py), and any other reply that
contains a part of the user name or the password, in any common encoding, is withheld.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

_READABLE: Final = 5  # consecutive characters that reveal a password
_ENCODED: Final = 6  # the same for an encoded one: fewer occur by chance
_SHORTEST: Final = 3  # characters of a form that is searched for

_ENHANCED: Final = re.compile(r"\s*[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_ESCAPE: Final = re.compile(r"(?:%|=|\\x|\\u00|U\+00)([0-9A-Fa-f]{2})")


class Traces:
    """The traces that credentials leave in a text. user, password: "" for none."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._seen = lru_cache(maxsize=512)(self._look)  # most replies repeat
        name, secret = as_bytes(user), as_bytes(password)
        encoded = [*_encoded(secret), *_encoded(name)]
        if password:
            encoded.append(base64.b64encode(b"\0%b\0%b" % (name, secret)).decode())
        sizes = ((_READABLE, _readable(password)), (_ENCODED, encoded))
        forms = [(size, _letters(form)) for size, some in sizes for form in some]
        self._pieces = {
            size: frozenset(_pieces([form for of, form in forms if of == size], size))
            for size in (_READABLE, _ENCODED)
        }
        self._short = {form for size, form in forms if _SHORTEST <= len(form) < size}

    def found(self, lines: Iterable[str], said: Iterable[str] = ()) -> bool:
        """Whether the `lines` of a reply contain a part of the credentials.

        said: what was sent in commands, such as the sender; the server may repeat that.
        """
        user = self._user.casefold()
        is_secret = bool(user) and not any(user in each.casefold() for each in said)
        return self._seen(tuple(lines), is_secret)

    def _look(self, lines: tuple[str, ...], user_is_secret: bool) -> bool:
        text = "\n".join(_ENHANCED.sub("", line, count=1) for line in lines)
        return any(
            self._has_piece(_letters(each)) or (user_is_secret and self._names_user(each))
            for each in _decoded(text)
        )

    def _has_piece(self, text: str) -> bool:
        return any(form in text for form in self._short) or any(
            text[i : i + size] in pieces
            for size, pieces in self._pieces.items()
            for i in range(len(text) - size + 1)
        )

    def _names_user(self, text: str) -> bool:
        name = re.escape(self._user)
        return re.search(rf"(?<![\w.+-]){name}(?![\w-])", text, re.IGNORECASE) is not None


@lru_cache(maxsize=4)
def traces(user: str, password: str) -> Traces:
    """Return the traces of these credentials, computed once."""
    return Traces(user, password)


def as_bytes(text: str) -> bytes:
    """Return the bytes of an environment variable, which need not be UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _letters(text: str) -> str:
    """Return the letters and digits of `text` in lower case, without spaces and quotes."""
    return "".join(filter(str.isalnum, text.casefold()))


def _pieces(forms: Iterable[str], size: int) -> Iterator[str]:
    """Yield every substring of `forms` with `size` characters."""
    for form in forms:
        yield from (form[i : i + size] for i in range(len(form) - size + 1))


def _readable(secret: str) -> Iterator[str]:
    """Yield the forms of `secret` that a person could read."""
    yield secret
    yield secret[::-1]
    yield as_bytes(secret).decode("latin-1")  # as `_decoded` returns escaped UTF-8


def _encoded(secret: bytes, depth: int = 2) -> Iterator[str]:
    """Yield `secret` in hexadecimal, Base32 and Base64 (of Base64), at any offset of a text."""
    yield secret.hex()
    for shift in range(5):
        yield _inner(base64.b32encode(b"\0" * shift + secret).decode(), shift, len(secret), 5)
    for shift in range(3):
        made = base64.b64encode(b"\0" * shift + secret).decode()
        inner = _inner(made, shift, len(secret), 6)
        yield inner
        if depth > 1:
            yield from _encoded(inner.encode(), depth - 1)


def _inner(encoded: str, shift: int, length: int, bits: int) -> str:
    """Return the characters of `encoded` that depend only on `length` bytes after `shift` others.

    bits: per character.
    """
    return encoded[-(-shift * 8 // bits) : (shift + length) * 8 // bits]


def _decoded(text: str) -> Iterator[str]:
    """Yield `text`, and its form with escaped characters decoded once and twice."""
    yield text
    for _ in range(2):
        plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), html.unescape(text))
        if plain == text:
            return
        yield plain
        text = plain
