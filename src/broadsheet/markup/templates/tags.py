"""Finds the tags of template languages in a text: Liquid and Nunjucks, Hugo, Zola.

Sources: shopify.github.io/liquid, mozilla.github.io/nunjucks, gohugo.io/shortcodes,
getzola.org/documentation/content/shortcodes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from broadsheet.markup.templates.code import Walk

Language = Literal["any", "liquid", "hugo", "zola", "none"]
"""Whose tags a text may have. `any`: it is not known, so what only looks like a tag is text, and
code stays as it is. `liquid`: Jekyll and Eleventy, which run their tags in code, too."""

Kind = Literal["shortcode", "block", "tag", "output", "text", "comment"]


class Tag(Struct, frozen=True):
    """A tag, or a pair of tags with what is between them.

    kind: `shortcode` (Hugo's, and Zola's `{{ name() }}`), `block` (Zola's `{% name() %}`), `tag`
    and `output` of Liquid, `text` (an escaped tag or a part that is not to be read as templates),
    `comment`.
    rest: what follows the name; of an output all of it. closing: whether it ends something.
    start, end: its place; inner: that of its content, where nothing is a tag.
    trims: whether white space before it goes, and after it.
    """

    kind: Kind
    name: str
    rest: str
    start: int
    end: int
    closing: bool = False
    inner: tuple[int, int] = (0, 0)
    trims: tuple[bool, bool] = (False, False)


_MARK = r"(?P<mark>\{[{%#])"
_HUGO = re.compile(r"\{\{(?P<mark>[<%])\s*(?P<close>/?)\s*(?P<name>[\w./-]+)")
_CALL = re.compile(r"\{(?P<kind>[{%])-?\s*(?P<name>[A-Za-z_][\w:]*)\(")
_END = re.compile(r"\{%-?\s*end\s*-?%\}")
# How to read on in the arguments, of Hugo and of Zola.
_HUGO_STEP = re.compile(
    r"[^\"`{}%>]+|(?P<open>[\"`])|(?P<end>[%>]\}\})|(?P<no>\{[{%])|.", re.DOTALL
)
_CALL_STEP = re.compile(
    r"[^\"'`{}()]+|(?P<open>[\"'`])|(?P<end>\)\s*-?[}%]\})|(?P<no>[{}()])|.", re.DOTALL
)
_STRING = {
    '"': re.compile(r"\"(?:\\.|[^\"\\\n])*\""),
    "'": re.compile(r"'[^'\n]*'"),
    "`": re.compile(r"`[^`]*`"),
}
# Each alternative begins with a character of its own, so that there is one way to read a text.
_LIQUID = re.compile(
    r"\{%(?P<left>-?)\s*(?P<name>/?\w+)(?P<rest>(?:[^{%]|\{(?![%{])|\{\{[^{}]*\}\}|%(?!\}))*)%\}"
)
_OUTPUT = re.compile(r"\{\{(?P<left>-?)(?P<rest>(?:[^{}]|\{(?!\{)|\}(?!\}))*)\}\}")
_COMMENT = re.compile(r"\{#(?P<left>-?)\s(?:[^#{]|\{(?!#)|#(?!\}))*#\}")
_ESCAPED = re.compile(
    r"(?P<open>\{\{[<%]?|\{%)\s?/\*(?P<inner>(?:[^*{]|\*(?!/)|\{(?!\{))*)\*/(?P<close>[>%]?\}\}|%\})"
)
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}[ \t]*\n?")
_END_RAW = re.compile(r"\n?[ \t]*\{%-?\s*endraw\s*-?%\}")
_ACTIONS = re.compile(
    r"\{\{\s*(?:env|github|hashFiles|inputs|job|jobs|matrix|needs|runner|secrets|steps|strategy|vars)\b"
)
_PAIRS = {"codeblock", "comment", "highlight", "raw", "verbatim"}
_BRACES = re.compile(r"\{*")
_LONGEST = 50_000  # characters of a tag


def tags(text: str, language: Language) -> Iterator[Tag]:
    """Yield the tags in `text`, in its order; none overlaps another."""
    return _Scan(text, language).run()


class _Scan:
    """One walk over a text, from tag to tag."""

    def __init__(self, text: str, language: Language) -> None:
        self._text, self._language = text, language
        self._absent: set[str] = set()  # pairs whose end does not occur any more
        self._patience = len(text) // 4 + 100_000  # steps taken in vain

    def run(self) -> Iterator[Tag]:
        if self._language == "none":
            return
        point = self._points()
        at = 0
        while found := point(at):
            start, at, is_mark = found
            if not is_mark:
                yield from self._in_code(start, at)
            elif tag := self._tag(start):
                yield tag
                at = tag.end
            elif braces := _BRACES.match(self._text, start):
                # Of a run of braces only the last two may begin something else.
                at = max(at - 1, braces.end() - 2, start + 1)

    def _points(self) -> Callable[[int], tuple[int, int, bool] | None]:
        """What finds the next code or opening of a tag; Liquid knows nothing of code."""
        if self._language != "liquid":
            return Walk(self._text, _MARK).next
        mark = re.compile(_MARK)

        def following(at: int) -> tuple[int, int, bool] | None:
            found = mark.search(self._text, at)
            return (found.start(), found.end(), True) if found else None

        return following

    def _in_code(self, start: int, end: int) -> Iterator[Tag]:
        """Yield what code shows in another form: escaped tags, and parts that are marked as raw."""
        at = start
        while (at := self._text.find("{", at, end)) >= 0:
            tag = self._escaped(at, end)
            if not tag and self._language == "any" and (raw := _RAW.match(self._text, at, end)):
                tag = self._raw_in_code(raw, end)
            if tag:
                yield tag
            at = tag.end if tag else at + 1

    def _raw_in_code(self, raw: re.Match[str], end: int) -> Tag | None:
        close = self._text.find("endraw", raw.end(), end)
        found = _END_RAW.search(self._text, raw.end(), end) if close >= 0 else None
        if not found:
            return None
        return Tag("text", "raw", "", raw.start(), found.end(), inner=(raw.end(), found.start()))

    def _tag(self, at: int) -> Tag | None:
        """The tag that begins at `at`."""
        if self._text[at - 1 : at] == "$" and self._is_ours(at):
            return None
        if tag := self._escaped(at, len(self._text)):
            return tag
        language, opening = self._language, self._text[at : at + 3]
        if opening in {"{{<", "{{%"}:
            return self._hugo(at) if language in {"any", "hugo"} else None
        if language in {"any", "zola"} and (tag := self._zola(at)):
            return tag
        return self._liquid(at) if language in {"any", "liquid"} else None

    def _is_ours(self, at: int) -> bool:
        """Whether `${{ ... }}` at `at` is an expression of GitHub Actions, and so text."""
        return self._language != "liquid" or bool(_ACTIONS.match(self._text, at))

    def _escaped(self, at: int, end: int) -> Tag | None:
        """`{{</* name */>}}` of Hugo, `{{/* name() */}}` and `{%/* name() */%}` of Zola."""
        if self._language == "liquid" or "/*" not in self._text[at : at + 6]:
            return None
        found = _ESCAPED.match(self._text, at, end)
        if not found:
            return None
        shown = found["open"] + found["inner"] + found["close"]
        return Tag("text", "", shown, at, found.end())

    def _hugo(self, at: int) -> Tag | None:
        found = _HUGO.match(self._text, at)
        if not found:
            return None
        rest, end = self._arguments(
            _HUGO_STEP, found.end(), ">}}" if found["mark"] == "<" else "%}}"
        )
        if not end:
            return None
        closing = bool(found["close"])
        return Tag("shortcode", found["name"], rest.rstrip("/ \n\t"), at, end, closing)

    def _zola(self, at: int) -> Tag | None:
        found = _CALL.match(self._text, at)
        if not found:
            end = _END.match(self._text, at)
            return Tag("block", "end", "", at, end.end(), closing=True) if end else None
        kind: Kind = "shortcode" if found["kind"] == "{" else "block"
        mark = "}}" if found["kind"] == "{" else "%}"
        rest, after = self._arguments(_CALL_STEP, found.end(), mark)
        return Tag(kind, found["name"], rest, at, after) if after else None

    def _arguments(self, steps: re.Pattern[str], start: int, closing: str) -> tuple[str, int]:
        """The arguments from `start` on, and where their tag ends; 0 if it does not."""
        at, count, limit = start, 0, min(start + _LONGEST, len(self._text))
        while at < limit and count < self._patience:
            count += 1
            step = steps.match(self._text, at, limit)
            if step is None or step["no"]:
                break
            if step["end"] and step["end"].endswith(closing):
                return self._text[start:at], step.end()
            if step["open"]:
                string = _STRING[step["open"]].match(self._text, at, limit)
                if not string:
                    line = self._text.find("\n", at, limit)
                    at = limit if step["open"] == "`" or line < 0 else line
                    break
                step = string
            at = step.end()
        self._patience -= count + (at - start) // 64
        return "", 0

    def _liquid(self, at: int) -> Tag | None:
        opening = self._text[at + 1 : at + 2]
        pattern = {"{": _OUTPUT, "%": _LIQUID, "#": _COMMENT}[opening]
        found = pattern.match(self._text, at, at + _LONGEST)
        if not found:
            return None
        left = bool(found["left"])
        if opening == "#":
            return Tag("comment", "", "", at, found.end(), trims=(left, False))
        rest = found["rest"]
        trims = left, rest.endswith("-")
        rest = rest[: -1 if trims[1] else None].strip()
        if opening == "{":
            return Tag("output", "", rest, at, found.end(), trims=trims)
        name = found["name"].lstrip("/")
        closing = found["name"][0] == "/" or name.startswith("end")
        tag = Tag("tag", name, rest, at, found.end(), closing, trims=trims)
        return self._pair(tag) if name in _PAIRS else tag

    def _pair(self, tag: Tag) -> Tag:
        """`tag` with what is up to its end, if that comes; there nothing is a tag."""
        name = tag.name
        if name in self._absent:
            return tag
        closing = re.compile(rf"\{{%-?\s*end{name}\s*(?P<right>-?)%\}}")
        found = closing.search(self._text, tag.end)
        if found is None:
            self._absent.add(name)
            return tag
        kinds: dict[str, Kind] = {"comment": "comment", "raw": "text", "verbatim": "text"}
        inner, trims = (tag.end, found.start()), (tag.trims[0], bool(found["right"]))
        kind = kinds.get(name, tag.kind)
        return Tag(kind, name, tag.rest, tag.start, found.end(), False, inner, trims)
