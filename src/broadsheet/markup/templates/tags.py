"""Find the tags of Liquid, Nunjucks, Hugo and Zola in a text.

No tag contains the opening of another, apart from `{{ }}` in the arguments of Liquid. So each
search ends at the next opening, and the time taken is proportional to the length of the text.

Sources: shopify.github.io/liquid, mozilla.github.io/nunjucks, gohugo.io/shortcodes,
getzola.org/documentation/content/shortcodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.markup.code import Walk

Language = Literal["any", "liquid", "hugo", "zola", "none"]
"""Whose tags a text may have. `any`: unknown, so what only looks like a tag is text, and tags in
code stay. `liquid`: Jekyll and Eleventy, which resolve tags in code, too."""

Kind = Literal["shortcode", "block", "tag", "output", "text", "comment"]


class Tag(Struct, frozen=True):
    """A tag with its place.

    kind: `shortcode` (Hugo's, and Zola's `{{ name() }}`), `block` (Zola's `{% name() %}`), `tag`
    and `output` of Liquid, `text` (an escaped tag), `comment`.
    rest: what follows the name; of a text, what is shown.
    start, end: offsets, with the white space it takes away; at: where the tag itself begins.
    closing: whether it ends what a tag of that name began.
    """

    kind: Kind
    name: str
    rest: str
    start: int
    end: int
    at: int
    closing: bool = False


# Atomic groups, (?>x*), since Python before 3.11.5 matches the possessive x*+ wrongly.
_MARK = r"\{[{%#]"
_STRING = r'"(?>(?:\\.|[^"\\{]|\{(?![{%]))*)"|`[^`]*`'
_CALL = rf"(?P<name>[A-Za-z_][\w:]*)\((?P<rest>(?>(?:{_STRING}|'[^'\n]*'|[^\"'`{{}}()])*))\)\s*-?"
_HUGO = re.compile(
    r"\{\{[<%]\s*(?P<close>/?)\s*(?P<name>[\w./-]+)"
    rf"(?P<rest>(?>(?:{_STRING}|[^\"`{{}}%>]|[%>](?!\}}\}}))*))[%>]\}}\}}",
    re.DOTALL,
)
_ZOLA = re.compile(rf"\{{\{{-?\s*{_CALL}\}}\}}", re.DOTALL)
_ZOLA_BLOCK = re.compile(rf"\{{%-?\s*{_CALL}%\}}", re.DOTALL)
_ZOLA_END = re.compile(r"\{%-?\s*(?P<close>end)\s*-?%\}")
_LIQUID = re.compile(
    r"\{%-?\s*(?P<close>/|end)?(?P<name>\w+)"
    r"(?P<rest>(?>(?:[^{%]|\{(?![%{])|\{\{[^{}]*\}\}|%(?!\}))*))%\}"
)
_OUTPUT = re.compile(r"\{\{-?(?![<%])(?P<rest>(?>(?:[^{}]|\{(?!\{)|\}(?!\}))*))\}\}")
_COMMENT = re.compile(r"\{#-?\s(?P<rest>(?>(?:[^#{]|\{(?!#)|#(?!\}))*))#\}")
_ESCAPED = re.compile(
    r"(?P<open>\{\{[<%]?|\{%)\s?/\*(?P<shown>(?>(?:[^*{]|\*(?!/)|\{(?!\{))*))\*/(?P<shut>[>%]?\}\}|%\})"
)
_SPACE = re.compile(r"\s*")

_Syntax = tuple[tuple[Kind, re.Pattern[str]], ...]
_OF_HUGO: _Syntax = (("text", _ESCAPED), ("shortcode", _HUGO))
_OF_ZOLA: _Syntax = (
    *(("text", _ESCAPED), ("shortcode", _ZOLA), ("block", _ZOLA_BLOCK)),
    ("block", _ZOLA_END),
)
_OF_LIQUID: _Syntax = (("tag", _LIQUID), ("output", _OUTPUT), ("comment", _COMMENT))
_SYNTAX: dict[Language, _Syntax] = {
    "any": (*_OF_HUGO, *_OF_ZOLA, *_OF_LIQUID),
    "hugo": _OF_HUGO,
    "zola": _OF_ZOLA,
    "liquid": _OF_LIQUID,
    "none": (),
}


def tags(text: str, language: Language) -> Iterator[Tag]:
    """Yield the tags in `text`, in order; none overlaps another."""
    walk, at = Walk(text, _MARK, code=language != "liquid"), 0
    while found := walk.next(at):
        start, end, kind = found
        if kind != "mark":
            if language in {"any", "hugo", "zola"}:
                yield from (_from_match("text", it) for it in _ESCAPED.finditer(text, start, end))
        elif tag := _tag(text, start, language):
            tag = _trimmed(tag, text, at)
            yield tag
            end = tag.end
        else:
            end = start + 1
        at = end


def _tag(text: str, at: int, language: Language) -> Tag | None:
    """Return the tag that begins at `at`."""
    if text[at - 1 : at] == "$":
        return None  # `${{ ... }}` of GitHub Actions
    for kind, pattern in _SYNTAX[language]:
        if found := pattern.match(text, at):
            return _from_match(kind, found)
    return None


def _from_match(kind: Kind, found: re.Match[str]) -> Tag:
    groups = found.groupdict(default="")
    if kind == "text":
        shown = groups["open"] + groups["shown"] + groups["shut"]
        return Tag(kind, "", shown, *found.span(), found.start())
    name, rest = groups.get("name", "end"), groups.get("rest", "")
    rest = rest.rstrip("/ \n\t") if kind == "shortcode" else rest
    closing = bool(groups.get("close"))
    return Tag(kind, name, rest.strip(), *found.span(), found.start(), closing)


def _trimmed(tag: Tag, text: str, after: int) -> Tag:
    """Return a tag of Liquid with the white space that its `{%-` and `-%}` take away."""
    if tag.kind in {"shortcode", "block", "text"}:
        return tag
    start, end = tag.start, tag.end
    if text[end - 3] == "-" and (found := _SPACE.match(text, end)):
        end = found.end()
    if text[start + 2] == "-":
        start = after + len(text[after:start].rstrip())
    return replace(tag, start=start, end=end, rest=tag.rest.removesuffix("-").rstrip())
