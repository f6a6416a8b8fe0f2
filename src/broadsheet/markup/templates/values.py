"""Expressions and filters of Liquid, as far as articles use them, without reading anything.

Sources: shopify.github.io/liquid (filters, operators, truthiness), jekyllrb.com/docs/liquid,
11ty.dev/docs/filters. A value that is not known here is `UNKNOWN`, unlike one that is known to be
absent (None).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Final
from urllib.parse import quote, quote_plus, urlsplit

from broadsheet.markup.links import Links, encode

Value = object


class _Unknown:
    """The value of what cannot be known here."""

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown()
LONGEST = 10_000
"""The most characters of a text that a filter or `capture` makes, and items of a list."""


class Address(str):
    """An absolute address under the site."""

    __slots__ = ()


class _Origin(str):
    """`site.url`: the address of the site without its path."""

    __slots__ = ()


class Base(str):
    """`site.baseurl`: the path of the site."""

    __slots__ = ()


_TOKEN = re.compile(
    r"\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<range>\(\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*\))"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?![\w-])|(?P<path>[A-Za-z_][\w-]*(?:\??\.[\w-]+|\[[^\[\]]*\])*\??)"
    r"|(?P<mark>==|!=|<>|<=|>=|[|:,<>=]))"
)
_INDEX = re.compile(r"\.?([\w-]+)|\[\s*(?:\"([^\"]*)\"|'([^']*)'|(-?\d+))\s*\]")
_WORDS = {"true": True, "false": False, "nil": None, "null": None, "none": None}
_LONGEST_EXPRESSION = 5_000  # characters


class Scope:
    """The variables of one article.

    links: its place and its site. values: what is known of it beyond these, such as
    `{"page": {"title": "A"}}`. work: how many characters filters may make in all.
    """

    def __init__(self, links: Links, values: Mapping[str, object], work: int) -> None:
        parts = urlsplit(links.library.site)
        self.origin = _Origin(f"{parts.scheme}://{parts.netloc}")
        self.base = Base(parts.path.rstrip("/"))
        self.site = links.library.site.rstrip("/")
        self.work = work
        inner = links.url.removeprefix(self.site) if links.url.startswith(self.site) else ""
        page = {"url": inner or UNKNOWN, "path": links.source}
        site = {"url": self.origin, "baseurl": self.base}
        self.variables: dict[str, Value] = {**values}
        self._merge("page", page)
        self._merge("site", site)

    def _merge(self, name: str, known: Mapping[str, Value]) -> None:
        given = self.variables.get(name)
        self.variables[name] = {**(given if isinstance(given, Mapping) else {}), **known}

    def spend(self, characters: int) -> bool:
        """Whether so many characters more may be made; no text may take long or grow large."""
        self.work -= characters
        return self.work >= 0

    def look_up(self, path: str) -> Value:
        """The value of a variable such as `page.title` or `names[0]`."""
        if path in _WORDS:
            return _WORDS[path]
        keys = [a or b or c or d for a, b, c, d in _INDEX.findall(path)]
        if not keys or keys[0] not in self.variables:
            return UNKNOWN
        value = self.variables[keys[0]]
        for key in keys[1:]:
            value = _item(value, key)
        return value


def _item(value: Value, key: str) -> Value:
    if isinstance(value, Mapping):
        return value.get(key, UNKNOWN)
    if isinstance(value, list):
        if key in {"first", "last"}:
            return value[0 if key == "first" else -1] if value else None
        if key == "size":
            return len(value)
        if re.fullmatch(r"-?\d{1,6}", key):
            return value[int(key)] if -len(value) <= int(key) < len(value) else None
    if isinstance(value, str) and key == "size":
        return len(value)
    return UNKNOWN


def tokens(text: str) -> list[re.Match[str]] | None:
    """The tokens of an expression; None if it is not one, or is too long."""
    text = text.strip()
    if len(text) > _LONGEST_EXPRESSION:
        return None
    found, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return None
        found.append(token)
        at = token.end()
    return found


def evaluate(text: str, scope: Scope) -> Value:
    """The value of `text`, an expression with filters."""
    parts = tokens(text)
    if not parts:
        return UNKNOWN
    steps = _split(parts, "|")
    if len(steps[0]) != 1:
        return UNKNOWN
    value = _value(steps[0][0], scope)
    for step in steps[1:]:
        value = _filtered(value, step, scope)
    return value


def filters_of(text: str) -> list[str]:
    """The names of the filters in an expression."""
    return [step[0]["path"] or "" for step in _split(tokens(text) or [], "|")[1:] if step]


def _split(parts: list[re.Match[str]], mark: str) -> list[list[re.Match[str]]]:
    found: list[list[re.Match[str]]] = [[]]
    for part in parts:
        if part["mark"] == mark:
            found.append([])
        else:
            found[-1].append(part)
    return found


def _value(token: re.Match[str], scope: Scope) -> Value:
    if token["double"] is not None or token["single"] is not None:
        return token["double"] if token["double"] is not None else token["single"]
    if token["number"]:
        return float(token["number"]) if "." in token["number"] else int(token["number"][:15])
    if token["range"]:
        first, last = int(token[4][:9]), int(token[5][:9])
        return list(range(first, min(last + 1, first + LONGEST)))
    return scope.look_up(token["path"]) if token["path"] else UNKNOWN


def _filtered(value: Value, step: list[re.Match[str]], scope: Scope) -> Value:
    if not step or not (name := step[0]["path"]):
        return UNKNOWN
    arguments = [
        _value(each[0], scope) for each in _split(step[2:], ",") if len(each) == 1
    ]  # named ones such as `class: "x"` have three tokens, and are left out
    if name in _URL_FILTERS:
        return _address(value, scope)
    if name in {"prepend", "append"} and arguments:
        return _joined(name, value, arguments[0], scope)
    if name == "default" and arguments:
        return arguments[0] if value is UNKNOWN or value in (None, False, "") else value
    if name not in _FILTERS or value is UNKNOWN or UNKNOWN in arguments:
        return UNKNOWN
    return _apply(_FILTERS[name], value, arguments, scope)


def _apply(
    function: Callable[..., Value], value: Value, arguments: list[Value], scope: Scope
) -> Value:
    try:
        result = function(value, *arguments[:3])
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return UNKNOWN
    size = sum(len(text_of(each)) + 1 for each in result) if isinstance(result, list) else None
    size = len(text_of(result)) if size is None else size
    return result if size <= LONGEST and scope.spend(size) else UNKNOWN


def _address(value: Value, scope: Scope) -> Value:
    """`relative_url`, `absolute_url` and Eleventy's `url`: both as an absolute address."""
    if not isinstance(value, str) or isinstance(value, Address):
        return value if isinstance(value, Address) else UNKNOWN
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", value):
        return value
    if value.startswith("#"):
        return value
    return Address(encode(f"{scope.site}/{value.lstrip('/')}")) if scope.spend(len(value)) else ""


def _joined(name: str, value: Value, other: Value, scope: Scope) -> Value:
    first, second = (other, value) if name == "prepend" else (value, other)
    if isinstance(second, Address) and isinstance(first, _Origin | Base):
        return second
    if isinstance(first, Base) and isinstance(second, str):
        return _address(second, scope) if second else first
    if first is UNKNOWN or second is UNKNOWN:
        return UNKNOWN
    kind = Address if isinstance(first, Address) else str
    return _apply(lambda a, b: kind(text_of(a) + text_of(b)), first, [second], scope)


def text_of(value: Value) -> str:
    """`value` as Liquid prints it."""
    if value is None or value is UNKNOWN:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "".join(map(text_of, value[:LONGEST]))
    return value if isinstance(value, str) else str(value)


def _replace(text: Value, old: Value, new: Value = "") -> str:
    whole, one, other = text_of(text), text_of(old), text_of(new)
    if (whole.count(one) + 1) * (len(other) + 1) > 10 * LONGEST:
        raise ValueError
    return whole.replace(one, other)


def _slugify(text: Value, *_: Value) -> str:
    return re.sub(r"[\W_]+", "-", text_of(text).lower()).strip("-")


def _truncated(text: Value, length: Value = 50, end: Value = "...") -> str:
    whole, limit = text_of(text), int(text_of(length))
    return (
        whole if len(whole) <= limit else whole[: max(limit - len(text_of(end)), 0)] + text_of(end)
    )


def _split_text(text: Value, by: Value) -> list[Value]:
    whole, mark = text_of(text), text_of(by)
    return [*(whole.split(mark) if mark else whole)] if whole else []


def _sliced(value: Value, start: Value, length: Value = 1) -> Value:
    whole = value if isinstance(value, list) else text_of(value)
    first = int(text_of(start))
    first += len(whole) if first < 0 else 0
    return whole[max(first, 0) : max(first, 0) + int(text_of(length))]


def _number(value: Value) -> int | float:
    text = text_of(value)[:15]
    return float(text) if "." in text else int(text or 0)


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(function: Callable[[str], str]) -> Callable[..., Value]:
    return lambda value, *_: function(text_of(value))


_TAG = re.compile(r"<[^<>]*>")
_URL_FILTERS = {"relative_url", "absolute_url", "url"}
_FILTERS: dict[str, Callable[..., Value]] = {
    "capitalize": _text(lambda text: text[:1].upper() + text[1:].lower()),
    "cgi_escape": _text(quote_plus),
    "concat": lambda value, other: _list(value) + _list(other),
    "divided_by": lambda a, b: _number(a) // _number(b),
    "downcase": _text(str.lower),
    "escape": _text(escape),
    "escape_once": _text(lambda text: re.sub(r"&(?!#?\w+;)", "&amp;", text)),
    "first": lambda value: _item(_list(value), "first"),
    "join": lambda value, by=" ": text_of(by).join(map(text_of, _list(value))),
    "jsonify": lambda value: str(value) if isinstance(value, int) else f'"{text_of(value)}"',
    "last": lambda value: _item(_list(value), "last"),
    "lstrip": _text(str.lstrip),
    "markdownify": _text(str),
    "minus": lambda a, b: _number(a) - _number(b),
    "newline_to_br": _text(lambda text: text.replace("\n", "<br />\n")),
    "plus": lambda a, b: _number(a) + _number(b),
    "remove": _replace,
    "remove_first": lambda value, old: text_of(value).replace(text_of(old), "", 1),
    "replace": _replace,
    "replace_first": lambda value, old, new: text_of(value).replace(text_of(old), text_of(new), 1),
    "reverse": lambda value: _list(value)[::-1],
    "rstrip": _text(str.rstrip),
    "safe": _text(str),
    "size": lambda value: len(value) if isinstance(value, list) else len(text_of(value)),
    "slice": _sliced,
    "slug": _slugify,
    "slugify": _slugify,
    "sort": lambda value: sorted(_list(value), key=text_of),
    "split": _split_text,
    "strip": _text(str.strip),
    "strip_html": _text(lambda text: _TAG.sub("", text)),
    "strip_newlines": _text(lambda text: text.replace("\n", "")),
    "times": lambda a, b: _number(a) * _number(b),
    "truncate": _truncated,
    "uniq": lambda value: [*dict.fromkeys(_list(value))],
    "upcase": _text(str.upper),
    "uri_escape": _text(lambda text: quote(text, safe="/:?#[]@!$&'()*+,;=%~-._")),
    "url_encode": _text(quote_plus),
    "urlencode": _text(quote_plus),
    "xml_escape": _text(escape),
}
KNOWN_FILTERS = _URL_FILTERS | {"prepend", "append", "default"} | _FILTERS.keys()


def holds(text: str, scope: Scope) -> bool | None:
    """Whether a condition holds; None if that is not known. The last `and` or `or` binds first."""
    parts = tokens(text)
    if not parts:
        return None
    result: bool | None = None
    start, words = len(parts), [part["path"] for part in parts]
    for at in reversed(range(-1, len(parts))):
        if at >= 0 and words[at] not in {"and", "or"}:
            continue
        one = _comparison(parts[at + 1 : start], scope)
        if start == len(parts):
            result = one
        else:
            result = _both(one, result) if words[start] == "and" else _either(one, result)
        start = at
    return result


def _both(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _either(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False


def _comparison(parts: list[re.Match[str]], scope: Scope) -> bool | None:
    values = [_value(part, scope) for part in parts]
    if len(parts) == 1:
        return None if values[0] is UNKNOWN else values[0] not in (None, False)
    if len(parts) != 3 or UNKNOWN in (values[0], values[2]):
        return None
    return compare(values[0], parts[1]["mark"] or parts[1]["path"] or "", values[2])


def compare(one: Value, operator: str, other: Value) -> bool | None:
    """Whether two values compare so; None for an operator that is not known."""
    if operator == "contains":
        inside = map(text_of, one) if isinstance(one, list) else text_of(one)
        return text_of(other) in inside
    if operator in {"==", "!=", "<>"}:
        return (one == other) is (operator == "==")
    try:
        return _ORDERS[operator](_number(one), _number(other))
    except (KeyError, ValueError):
        return None


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
