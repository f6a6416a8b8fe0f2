"""Resolve the tags of Liquid, Hugo and Zola in a text.

A tag that cannot be resolved is removed and reported, and what is between tags stays. Two things
go: the body of a loop, which is a template rather than text, and all branches of a condition but
the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial

from msgspec.structs import replace

from broadsheet.markup.links import Links
from broadsheet.markup.templates import named
from broadsheet.markup.templates.edits import Editor, Expanded
from broadsheet.markup.templates.tags import Language, Tag, tags
from broadsheet.markup.templates.values import Variables

_ASSIGN = re.compile(r"([\w-]+)\s*=\s*(.*)", re.DOTALL)
_VARIABLE = re.compile(r"([A-Za-z_][\w-]*)([.\[|\s]|\Z)")
_ROOTS = {"site", "page", "layout", "include", "jekyll", "paginator", "theme", "forloop"}
"""Variables of Liquid; if the language is unknown, other braces may be anything."""
_WHOLE = {"raw", "verbatim", "comment", "for"}
_BRANCHES = {"else", "elsif", "elif", "elseif", "when"}
_CONDITIONS = {"if", "unless", "case", "for"}  # a loop may have an `else`, too
_CONTROL = {"if", "unless", "case", "capture", "for"} | _BRANCHES
_INCLUDES = {"include", "include_relative", "include_cached", "render", "partial", "component"}
_REFERENCES = {"link", "post_url", "ref", "relref"}
_CODE = {"highlight", "codeblock", "code"}
_LANGUAGE = re.compile(r"^lang(?:uage)?[:=]")
_TICKS = re.compile(r"`+")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}\n?")
_WEB = re.compile(r"https?://\S+")


class Resolver(Editor):
    """Resolves the tags of one text.

    templates: those of the config, by name.
    """

    def __init__(
        self,
        text: str,
        links: Links,
        values: Mapping[str, object],
        templates: Mapping[str, str],
        language: Language,
    ) -> None:
        super().__init__(text)
        self.scope = Variables(links, values)
        self._links, self._templates, self._language = links, templates, language
        self._target = cache(partial(named.target, links))
        self._room = 4 * len(text) + 200_000  # characters that variables may still add
        self._tags = [*tags(text, language)]
        self._ends = _pairs(self._tags)
        self._others = _other_branches(self._tags)
        self._closings: dict[int, str] = {}  # end of an opening tag's pair -> what it becomes

    def expanded(self) -> Expanded:
        """Return the text with every tag resolved."""
        for index, tag in enumerate(self._tags):
            if tag.start >= self.end:
                self._resolve(index, tag)
        found = super().expanded()
        return replace(found, text=self.scope.joined(found.text))

    def _resolve(self, index: int, tag: Tag) -> None:
        if tag.kind == "output":
            self._print(tag)
        elif tag.kind in {"text", "comment"}:
            self._put(tag, tag.rest if tag.kind == "text" else "")
        elif tag.closing:
            self._put(tag, self._closings.get(index, ""))
        elif tag.kind == "tag":
            self._statement(index, tag)
        else:
            self._named(index, tag, tag.name, named.arguments(tag.rest))

    def _put(self, tag: Tag, text: str = "") -> None:
        self.replace(tag.start, tag.end, text)

    def _print(self, tag: Tag) -> None:
        if self._language != "liquid" and not self._is_liquid(tag.rest):
            return
        value = self.scope.evaluate(tag.rest)
        self._room -= len(value or "")
        if value is None or self._room < 0:
            self.report(tag.rest.partition("|")[0] or "{{ }}", tag.at)
        self._put(tag, value if value and self._room >= 0 else "")

    def _is_liquid(self, expression: str) -> bool:
        """Return whether `{{ expression }}` is Liquid, if the language is unknown."""
        if expression[:1] in {'"', "'"}:
            return "|" in expression and self.scope.evaluate(expression) is not None
        root = _VARIABLE.match(expression)
        if not root:
            return False
        return (root[1] in _ROOTS and root[2] == ".") or root[1] in self.scope.variables

    def _statement(self, index: int, tag: Tag) -> None:
        end = self._ends.get(index)
        if tag.name in {"assign", "set"} and (found := _ASSIGN.fullmatch(tag.rest)):
            self.scope.variables[found[1]] = self.scope.evaluate(found[2])
            self._put(tag)
        elif tag.name in _WHOLE and end is not None:
            self._whole(tag, end)
        elif index in self._others:
            self.replace(tag.start, self._tags[self._others[index]].start, "")
        elif tag.name in _CONTROL:
            if tag.name not in _BRANCHES:
                self.report(f"{tag.name} {tag.rest}", tag.at)
            self._put(tag)
        elif tag.name in _REFERENCES:
            self._reference(tag, tag.rest)
        elif tag.name in _INCLUDES:
            self._include(index, tag)
        else:
            self._named(index, tag, tag.name, named.arguments(tag.rest))

    def _whole(self, tag: Tag, end: int) -> None:
        """Replace a pair of tags whose content is not Liquid, or is removed."""
        content = self.text[tag.end : self._tags[end].start]
        if tag.name == "for":
            self.report(f"for {tag.rest}", tag.at)
        text = content if tag.name in {"raw", "verbatim"} else ""
        self.replace(tag.start, self._tags[end].end, text)

    def _include(self, index: int, tag: Tag) -> None:
        file, _, rest = re.sub(r"\s+", " ", tag.rest, count=1).partition(" ")
        file = file.strip("\"',")
        name = file.rpartition("/")[2]
        name = name if name in self._templates else name.partition(".")[0]
        self._named(index, tag, name, named.arguments(rest), f"{tag.name} {file}")

    def _named(
        self, index: int, tag: Tag, name: str, given: Mapping[str, str], shown: str = ""
    ) -> None:
        """Replace a named tag; report one that is unknown as `shown`."""
        end = self._ends.get(index)
        if name in self._templates:
            self._around(tag, end, *named.from_template(self._templates[name], given))
        elif name in _REFERENCES:
            self._reference(tag, given.get("path", given.get("0", "")))
        elif name in _CODE and end is not None:
            self._code(tag, self._tags[end])
        elif (text := named.meaning(name, given)) is not None:
            self._around(tag, end, text, named.CLOSINGS.get(name, ""))
        else:
            self.report(shown or name, tag.at, can_define=True)
            self._put(tag)

    def _around(self, tag: Tag, end: int | None, before: str, after: str) -> None:
        """Put text before and after the content of a tag, if it has any."""
        if end is None:
            self._put(tag, before + after)
            return
        # Content on lines of its own is Markdown, which takes a blank line after HTML.
        is_block = after and before[-1:] != "\n" and self.text.startswith("\n", tag.end)
        apart = "\n" if is_block else ""
        self._put(tag, before + apart)
        self._closings[end] = apart + after

    def _code(self, tag: Tag, closing: Tag) -> None:
        """Put what is between two tags as a fenced block, in the list or quote they are in."""
        content = _RAW.sub("", self.text[tag.end : closing.start].strip("\n")).rstrip()
        fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(content)), 3)
        language = _LANGUAGE.sub("", next(iter(tag.rest.split()), "")).strip("\"'")
        begin = self.text.rfind("\n", max(tag.start - 200, 0), tag.start) + 1
        line = self.text[begin : tag.start]
        before, lead = ("\n", "") if line.strip(" \t>") else ("", line)
        self.replace(
            tag.start, closing.end, f"{before}{fence}{language}\n{content}\n{lead}{fence}\n"
        )

    def _reference(self, tag: Tag, path: str) -> None:
        """Put the address of the article or file that a tag names."""
        if web := _WEB.search(path):  # Hexo's `{% link text address %}`
            self._put(tag, f"[{path[: web.start()].strip() or web[0]}]({web[0]})")
            return
        path = path.strip("\"' ")
        address, is_found = self._target(path)
        if not is_found:
            self.report(f"{tag.name} {path}", tag.at)
        self._put(tag, address)


def _pairs(found: Sequence[Tag]) -> dict[int, int]:
    """Return the index of an opening tag -> that of the tag that closes it."""
    ends: dict[int, int] = {}
    open_: dict[str, list[int]] = {}
    for index, tag in enumerate(found):
        name = "" if tag.kind == "block" else tag.name
        if not tag.closing and not (name == "raw" and open_.get(name)):
            open_.setdefault(name, []).append(index)
        elif tag.closing and open_.get(name):
            ends[open_[name].pop()] = index
    return ends


def _other_branches(found: Sequence[Tag]) -> dict[int, int]:
    """Return the index of the second branch of a condition -> that of the tag that ends it."""
    others: dict[int, int] = {}
    open_: list[list[int]] = []  # of each condition, the index of its tag and of its branches
    for index, tag in enumerate(found):
        if tag.name in _BRANCHES and open_:
            open_[-1].append(index)
        elif tag.name in _CONDITIONS and not tag.closing:
            open_.append([index])
        elif tag.name in _CONDITIONS and open_:
            opening, *branches = open_.pop()
            second = 1 if found[opening].name == "case" else 0
            if found[opening].name != "for" and len(branches) > second:
                others[branches[second]] = index
    return others
