"""Read the literals of a JavaScript or TypeScript config; run nothing.

Eleventy's and Astro's configs are programs. Their literals (texts, numbers, lists and objects of
these) are read; any other value is `Code`, which callers report instead of guessing. Nothing here
raises: text that is not JavaScript has no values.

Grammar: ECMA-262, 12 (lexical grammar) and 13.2 (primary expressions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that only running the program could turn into a value."""

    text: str


_SINGLE = r"'((?:[^'\\\n]|\\.)*)'"
_DOUBLE = r'"((?:[^"\\\n]|\\.)*)"'
_TEMPLATE = r"`((?:[^`\\$]|\\.|\$(?!\{))*)`"  # with no ${...} in it
_STRING = re.compile(f"{_SINGLE}|{_DOUBLE}|{_TEMPLATE}", re.DOTALL)
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_QUOTED = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\]|\\.)*`"
_QUOTED_OR_COMMENT = re.compile(f"({_QUOTED})|{_COMMENT}", re.DOTALL)
_PIECE = re.compile(rf"{_QUOTED}|[^'\"`()\[\]{{}},;]+|.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![\w.])")
_TYPED = re.compile(r"(?:as|satisfies)\s+[\w$.<>]+\s*")  # TypeScript
_SPACE = re.compile(r"\s*")
_SPACE_OR_COMMA = re.compile(r"[\s,]*")
_ESCAPE = re.compile(r"\\(?:u\{(\w{1,6})\}|u(\w{4})|x(\w{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "", "\n": ""}
_CONSTANTS: Mapping[str, object] = {"true": True, "false": False, "null": None, "undefined": None}
_GOES_ON = frozenset("+-.?*/%&|=<>([`:")  # after a literal: it was only the start of an expression


def without_comments(text: str) -> str:
    """Return `text` with a blank for each comment; strings stay as they are."""
    return _QUOTED_OR_COMMENT.sub(lambda found: found[1] or " ", text)


def value_after(text: str, opening: str) -> object:
    """Return the value right after the first match of the pattern `opening`; None if no match.

    text: without comments. The value is a str, bool, int, float, None, list, dict or `Code`.
    """
    return next(values_after(text, opening), None)


def values_after(text: str, opening: str) -> Iterator[object]:
    """Yield the value after each match of the pattern `opening`, in order."""
    for found in re.finditer(opening, text):
        try:
            yield _value(text, found.end())[0]
        except RecursionError:  # endless nesting: not a real config
            yield Code(text[found.end() :])


def key(name: str) -> str:
    """Return a pattern of the key `name` of an object, quoted or not, and the colon after it."""
    return rf"(?<![\w.])['\"]?{name}['\"]?\s*:\s*"


def text_after(text: str, name: str) -> str | None:
    """Return the text after the key `name` of an object; None if there is none."""
    value = value_after(text, f"{key(name)}(?=['\"`])")
    return value if isinstance(value, str) else None


def _value(text: str, at: int) -> tuple[object, int]:
    """Return the value that begins at `at`, and where it ends (before the comma or bracket)."""
    at = _skip(text, at, _SPACE)
    value, end = _literal(text, at)
    end = _skip(text, end, _SPACE)
    if isinstance(value, Code) or text[end : end + 1] in _GOES_ON:
        end = _end_of_expression(text, at)
        return Code(text[at:end].strip()), end
    if typed := _TYPED.match(text, end):
        end = typed.end()
    return value, end


def _literal(text: str, at: int) -> tuple[object, int]:
    if text[at : at + 1] == "{":
        return _object(text, at + 1)
    if text[at : at + 1] == "[":
        return _list(text, at + 1)
    if found := _STRING.match(text, at):
        return _string(found), found.end()
    if found := _NUMBER.match(text, at):
        return (float(found[0]) if "." in found[0] else int(found[0])), found.end()
    if (found := _WORD.match(text, at)) and found[0] in _CONSTANTS:
        return _CONSTANTS[found[0]], found.end()
    return Code(""), at


def _list(text: str, at: int) -> tuple[object, int]:
    values: list[object] = []
    while (at := _skip(text, at)) < len(text):
        if text[at] == "]":
            return values, at + 1
        value, end = _value(text, at)
        values.append(value)
        at = max(end, at + 1)
    return Code(""), at


def _object(text: str, at: int) -> tuple[object, int]:
    entries: dict[str, object] = {}
    while (at := _skip(text, at)) < len(text):
        if text[at] == "}":
            return entries, at + 1
        key, after_key = _key(text, at)
        if key is not None and text[after_key : after_key + 1] == ":":
            entries[key], end = _value(text, after_key + 1)
        else:  # a method, a spread, a shorthand or a computed key
            end = _end_of_expression(text, at)
            if key is not None:
                entries[key] = Code(text[at:end].strip())
        at = max(end, at + 1)
    return Code(""), at


def _key(text: str, at: int) -> tuple[str | None, int]:
    """Return the key at `at`, and where the colon after it should be."""
    if found := _STRING.match(text, at):
        return _string(found), _skip(text, found.end(), _SPACE)
    if found := _WORD.match(text, at):
        return found[0], _skip(text, found.end(), _SPACE)
    return None, at


def _end_of_expression(text: str, at: int) -> int:
    """Return where the comma, semicolon or closing bracket is that ends the expression at `at`."""
    depth = 0
    for piece in _PIECE.finditer(text, at):
        if piece[0] in "([{":
            depth += 1
        elif piece[0] in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and piece[0] in ",;"):
            return piece.start()
    return len(text)


def _skip(text: str, at: int, what: re.Pattern[str] = _SPACE_OR_COMMA) -> int:
    found = what.match(text, at)
    return found.end() if found else at


def _string(literal: re.Match[str]) -> str:
    """Return the text of a string literal, with its escapes resolved."""
    plain = _ESCAPE.sub(_character, literal[literal.lastindex or 0])
    # Two \u escapes may be the halves of one character.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[3]
    if digits is None:
        return _ESCAPED.get(escape[4], escape[4])
    try:
        return chr(int(digits, 16))
    except (ValueError, OverflowError):
        return escape[0]
