"""Shortcodes of Hugo and Zola, tags of Liquid (Jekyll, Eleventy): what they mean, where that is
plain; the others go.

A generator runs a template for each; Broadsheet has none of them. What stands between a pair of
unknown tags is the author's text and stays. `check` names every tag that goes. In code, all but
an escaped shortcode stays as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from html import escape

from broadsheet.markup.links import INTERNAL

_POINT = re.compile(r"^[ \t>]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|`+|\{[{%]", re.MULTILINE)
_TICKS = re.compile(r"`+")
# Each alternative begins with a character of its own, so that there is one way to read a text.
# (No possessive quantifiers: Python 3.11.2 gets them wrong.)
_ARGUMENTS = r"(?:[^\"`{}%>]|\"(?:\\.|[^\"\\])*\"|`[^`]*`|\{(?![{%])|\}|[%>](?!\}))*"
_SHORTCODE = re.compile(rf"\{{\{{([<%])\s*(/?)\s*([\w./-]+)({_ARGUMENTS})[>%]\}}\}}")
_LIQUID = re.compile(rf"\{{%-?[ \t]*(/?)(\w+)({_ARGUMENTS})%\}}")
_CALL = re.compile(r"\{\{-?\s*([\w:]+)\(([^{}]*)\)\s*-?\}\}")
_ESCAPED = re.compile(r"\{\{([<%])/\*((?:[^*{]|\*(?!/)|\{(?!\{))*)\*/([>%])\}\}")
_SITE = re.compile(
    r"(?:\{\{-?\s*site\.(?:url|baseurl)\s*-?\}\}){1,2}(/?)|"
    r"\{\{-?\s*(?:\"/?([^\"{}]*)\"|'/?([^'{}]*)')\s*\|\s*"
    r"(?:relative_url|absolute_url|url|prepend:\s*site\.baseurl)\s*-?\}\}"
)
_ARGUMENT = re.compile(
    r"(?:([\w-]+)\s*[=:]\s*)?(?:\"((?:\\.|[^\"\\])*)\"|'([^'\n]*)'|`([^`]*)`|([^\s\"',`]+))"
)
_MARKED_UP = re.compile(r"[\[*_`]")

_Arguments = dict[str, str]


def expand(markdown: str, site: str) -> str:
    """`markdown` with its tags as what they mean, as their content, or gone.

    site: the address of the web site, ending in a slash.
    """
    return _Walk(markdown, site).run() if _has_tags(markdown) else markdown


def unknown_shortcodes(markdown: str) -> list[tuple[str, int]]:
    """Name and place of each tag in `markdown` that goes, for its meaning is not known here."""
    walk = _Walk(markdown, "/")
    if _has_tags(markdown):
        walk.run()
    return walk.unknown


def _has_tags(markdown: str) -> bool:
    return "{{" in markdown or "{%" in markdown


class _Walk:
    """One walk over a text, from tag to tag."""

    def __init__(self, text: str, site: str) -> None:
        self._text = text
        self._site = site
        self._at = 0
        self._done: list[str] = []
        self._absent: set[str] = set()  # pairs whose end does not come any more
        self._ticks: dict[int, list[int]] = {}  # length of a run of backticks -> places
        for run in _TICKS.finditer(text):
            self._ticks.setdefault(len(run[0]), []).append(run.start())
        self._paragraph_end = 0
        self.unknown: list[tuple[str, int]] = []

    def run(self) -> str:
        while point := _POINT.search(self._text, self._at):
            self._keep(point.start())
            if point["fence"]:
                self._keep(self._end_of_fence(point))
            elif point[0][0] == "`":
                self._keep(self._end_of_code(point))
            elif not self._tag(point[0]):
                self._keep(point.end())
        self._keep(len(self._text))
        return "".join(self._done)

    def _keep(self, end: int) -> None:
        """What is left before `end` stays, but for escapes."""
        part = self._text[self._at : end]
        self._done.append(_ESCAPED.sub(r"{{\1\2\3}}", part) if "/*" in part else part)
        self._at = end

    def _put(self, text: str, end: int) -> None:
        self._done.append(text)
        self._at = end

    def _end_of_fence(self, opening: re.Match[str]) -> int:
        mark = opening["fence"]
        end = re.compile(rf"^[ \t>]*{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        found = end.search(self._text, opening.end())
        return found.end() if found else len(self._text)

    def _end_of_code(self, ticks: re.Match[str]) -> int:
        """Where the code that `ticks` open ends, or where they end themselves."""
        start = ticks.end()
        if start > self._paragraph_end:
            blank = self._text.find("\n\n", start)
            self._paragraph_end = len(self._text) if blank < 0 else blank
        places = self._ticks.get(len(ticks[0]), [])
        following = bisect_left(places, start)
        if following < len(places) and places[following] < self._paragraph_end:
            return places[following] + len(ticks[0])
        return start

    def _tag(self, opening: str) -> bool:
        """Whether a tag begins here; if so, it is done with."""
        text, at = self._text, self._at
        if escaped := _ESCAPED.match(text, at):
            self._put(f"{{{{{escaped[1]}{escaped[2]}{escaped[3]}}}}}", escaped.end())
        elif found := _SHORTCODE.match(text, at):
            self._named(found, found[3], found[4].rstrip("/ \n\t"), closing=bool(found[2]))
        elif opening == "{%" and (found := _LIQUID.match(text, at)):
            closing = bool(found[1]) or found[2].startswith("end")
            self._named(found, found[2], found[3].rstrip("- \n\t"), closing=closing)
        elif found := _CALL.match(text, at):
            self._named(found, found[1], found[2], closing=False)
        elif found := _SITE.match(text, at):
            self._put(self._site + (found[2] or found[3] or ""), found.end())
        else:
            return False
        return True

    def _named(self, tag: re.Match[str], name: str, rest: str, *, closing: bool) -> None:
        if closing:
            self._put("\n\n</details>\n\n" if name == "details" else "", tag.end())
        elif name in {"highlight", "raw", "comment"} and (end := self._end_of_pair(tag, name)):
            self._pair(name, rest, tag.end(), end)
        elif name in _KNOWN:
            self._put(_KNOWN[name](_arguments(rest)), tag.end())
        else:
            self.unknown.append((name, tag.start()))
            self._put("", tag.end())

    def _end_of_pair(self, tag: re.Match[str], name: str) -> re.Match[str] | None:
        """The tag that closes `tag`, if any does."""
        if name in self._absent:
            return None
        end = re.compile(rf"\{{(?:\{{[<%]\s*/|%-?)\s*(?:end)?{name}\s*(?:[>%]\}}|-?%)\}}")
        found = end.search(self._text, tag.end())
        if found is None:
            self._absent.add(name)
        return found

    def _pair(self, name: str, rest: str, start: int, end: re.Match[str]) -> None:
        inner = self._text[start : end.start()]
        if name == "highlight":
            longest = max(map(len, re.findall("`+", inner)), default=0)
            fence = "`" * max(longest + 1, 3)
            language = (rest.split() or [""])[0].strip("\"'")
            inner = f"\n{fence}{language}\n{inner.strip(chr(10))}\n{fence}\n"
        self._put("" if name == "comment" else inner, end.end())


def _arguments(text: str) -> _Arguments:
    """Named arguments by name, others by their position: "0", "1", ..."""
    found = _ARGUMENT.findall(text)
    return {
        name or str(i): double.replace('\\"', '"') or single or raw or bare
        for i, (name, double, single, raw, bare) in enumerate(found)
    }


def _first(given: _Arguments, *names: str) -> str:
    return next((given[name] for name in ("0", *names) if name in given), "")


def _figure(given: _Arguments) -> str:
    source, caption = given.get("src", ""), given.get("caption", "")
    image = f'<img src="{escape(source)}" alt="{escape(given.get("alt", caption))}">'
    if "link" in given:
        image = f'<a href="{escape(given["link"])}">{image}</a>'
    title = f"<strong>{escape(given['title'])}</strong> " if "title" in given else ""
    # Between blank lines it is read as Markdown.
    caption = f"\n\n{caption}\n\n" if _MARKED_UP.search(caption) else escape(caption)
    words = f"<figcaption>{title}{caption}</figcaption>" if title or caption else ""
    return f"<figure>{image}{words}</figure>"


def _details(given: _Arguments) -> str:
    return f"<details><summary>{escape(_first(given, 'summary'))}</summary>\n\n"


def _page(given: _Arguments) -> str:
    """A link to another article, by the name of its file."""
    path = _first(given, "path").replace(" ", "%20")
    return path if path.startswith("#") else INTERNAL + path.lstrip("/")


def _address(pattern: str, *names: str) -> Callable[[_Arguments], str]:
    def link(given: _Arguments) -> str:
        values = [given.get(name, given.get(str(i), "")) for i, name in enumerate(names)]
        return f"<{pattern.format(*values)}>" if all(values) else ""

    return link


_KNOWN: dict[str, Callable[[_Arguments], str]] = {
    "details": _details,
    "figure": _figure,
    "gist": _address("https://gist.github.com/{}/{}", "user", "id"),
    "instagram": _address("https://www.instagram.com/p/{}/", "id"),
    "link": _page,
    "post_url": _page,
    "ref": _page,
    "relref": _page,
    "tweet": _address("https://x.com/{}/status/{}", "user", "id"),
    "vimeo": _address("https://vimeo.com/{}", "id"),
    "x": _address("https://x.com/{}/status/{}", "user", "id"),
    "youtube": _address("https://www.youtube.com/watch?v={}", "id"),
}
