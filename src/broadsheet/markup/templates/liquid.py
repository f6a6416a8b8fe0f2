"""Runs the tags of a text: branches, loops and variables of Liquid, and named tags of all kinds.

What cannot be resolved is taken out when it is a tag, and what is between tags stays; each is
named with its line. Of a condition that is not known the first branch stays; the body of a loop
over what is not known goes, since it is a template for each item and no text. Nothing is read but
the text, and what loops and filters can make is bounded by the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from broadsheet.markup.links import Links
from broadsheet.markup.templates import shortcodes
from broadsheet.markup.templates.output import Output, after_space
from broadsheet.markup.templates.tags import Language, Tag, tags
from broadsheet.markup.templates.values import (
    KNOWN_FILTERS,
    LONGEST,
    UNKNOWN,
    Address,
    Base,
    Scope,
    Value,
    compare,
    evaluate,
    filters_of,
    holds,
    text_of,
)

_ASSIGN = re.compile(r"([\w-]+)\s*=\s*(.*)", re.DOTALL)
_FOR = re.compile(r"([\w-]+)\s+in\s+(\(.*?\)|[^\s]+)\s*(.*)", re.DOTALL)
_ROOT = re.compile(r"[\"']|([A-Za-z_][\w-]*)([.\[|\s]|\Z)")
_BLOCKS = {"if", "unless", "case", "for", "capture"}
_BRANCHES = {"else", "elsif", "elif", "elseif", "when"}
_TEMPLATE_ROOTS = {"site", "page", "layout", "include", "jekyll", "paginator", "theme", "forloop"}
"""Variables of Liquid; where the language is not known, other braces are somebody else's."""
_INCLUDES = {"include", "include_relative", "include_cached", "render", "partial", "component"}
_REFERENCES = {"link", "post_url", "ref", "relref"}
_CODE = {"highlight", "codeblock"}
_TICKS = re.compile(r"`+")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}\n?")
_OUTPUT = re.compile(r"\{\{([^{}]*)\}\}")
_WEB = re.compile(r"https?://\S+")
_LEAD = re.compile(r"[ \t>]*\Z")


class Unknown(Struct, frozen=True):
    """A tag that could not be resolved.

    name: as it is written, such as `chart`, `include toc.html` or `site.repository`.
    line: its 1-based line in the body.
    """

    name: str
    line: int


class _Loop(Struct):
    """A loop that runs: what over, and where its body begins."""

    variable: str
    items: list[Value]
    start: int
    index: int = 0


class _Blocks:
    """Which tags belong together, by their numbers.

    ends: opening tag -> closing tag; starts: the other way round. branches: opening tag -> its
    `else`, `elsif` and `when`; owners: each of these -> its opening tag.
    """

    def __init__(self, found: Sequence[Tag]) -> None:
        self.ends: dict[int, int] = {}
        self.branches: dict[int, list[int]] = {}
        self.owners: dict[int, int] = {}
        self._tags = found
        self._open: dict[str, list[int]] = {}  # by name, those that are not closed yet
        self._control: list[int] = []  # control blocks, which nest in each other
        for number, tag in enumerate(found):
            self._add(number, tag)
        self.starts = {end: start for start, end in self.ends.items()}

    def _add(self, number: int, tag: Tag) -> None:
        name = "block" if tag.kind == "block" else tag.name
        if tag.closing:
            self._close(number, name.removeprefix("end") if tag.kind == "tag" else name)
        elif tag.kind == "tag" and name in _BRANCHES:
            if self._control:
                self.owners[number] = self._control[-1]
                self.branches[self._control[-1]].append(number)
        elif tag.kind in {"tag", "block", "shortcode"}:
            self._open.setdefault(name, []).append(number)
            if tag.kind == "tag" and name in _BLOCKS:
                self._control.append(number)
                self.branches[number] = []

    def _close(self, number: int, name: str) -> None:
        if not self._open.get(name):
            return
        start = self._open[name].pop()
        self.ends[start] = number
        if name in _BLOCKS and self._tags[start].kind == "tag":
            while (inner := self._control.pop()) != start:  # those that nothing closes
                self._open[self._tags[inner].name].pop()


def run(
    text: str,
    scope: Scope,
    links: Links,
    templates: Mapping[str, str],
    language: Language,
) -> tuple[Output, list[Unknown], dict[str, str]]:
    """Resolve the tags of `text`; `templates` are those of the config, by name."""
    machine = _Machine(text, scope, links, templates, language)
    machine.run()
    return machine.output, machine.unknown, machine.references


class _Machine:
    def __init__(
        self,
        text: str,
        scope: Scope,
        links: Links,
        templates: Mapping[str, str],
        language: Language,
    ) -> None:
        self.output = Output(text)
        self.unknown: list[Unknown] = []
        self.references: dict[str, str] = {}
        self._text, self._scope, self._links = text, scope, links
        self._templates, self._language = templates, language
        self._tags = [*tags(text, language)]
        self._blocks = _Blocks(self._tags)
        self._after: dict[int, str] = {}  # closing tag -> what it becomes
        self._captures: list[Output] = []
        self._loops: list[_Loop] = []
        self._at = self._next = 0

    def run(self) -> None:
        """Go from tag to tag; a branch or a loop sets where it goes on."""
        while self._next < len(self._tags):
            number = self._next
            tag = self._tags[number]
            self._keep(tag)
            self._next, self._at = number + 1, tag.end
            self._do(number, tag)
            if tag.trims[1]:
                self._at = after_space(self._text, self._at)
        self.output.keep(self._at, len(self._text))

    def _keep(self, tag: Tag) -> None:
        self.output.keep(self._at, tag.start)
        if tag.trims[0]:
            self.output.trim()

    def _do(self, number: int, tag: Tag) -> None:
        if tag.kind == "text":
            self.output.put(tag.rest or self._text[slice(*tag.inner)], tag.start)
        elif tag.kind == "output":
            self._print(tag)
        elif tag.kind == "tag":
            self._statement(number, tag)
        elif tag.kind != "comment":
            self._named(number, tag, tag.name, shortcodes.arguments(tag.rest))

    def _go_to(self, number: int) -> None:
        """Go on after tag `number`."""
        self._next, self._at = number + 1, self._tags[number].end

    def _tell(self, name: str, tag: Tag) -> None:
        found = Unknown(" ".join(name.split())[:80], self.output.line_at(tag.start))
        if not self.unknown or self.unknown[-1] != found:
            self.unknown.append(found)

    # Outputs

    def _print(self, tag: Tag) -> None:
        if not self._is_template(tag.rest):
            self.output.keep(tag.start, tag.end)
            return
        value = evaluate(tag.rest, self._scope)
        if value is UNKNOWN or not self._scope.spend(len(text_of(value))):
            self._tell(tag.rest.partition("|")[0].strip() or "{{ }}", tag)
        elif tag.rest == "site.baseurl":
            root = str(value) if self.output.follows_root else self._scope.site
            self.output.put_root(root, tag.start)
        elif tag.rest == "site.url":
            self.output.put_root(str(value), tag.start)
        elif isinstance(value, Address):
            self.output.put_address(self._asset(value), tag.start)
        elif isinstance(value, Base):
            self.output.put(self._scope.site, tag.start)
        else:
            self.output.put(text_of(value), tag.start)

    def _asset(self, address: Address) -> str:
        """An address, or that of the file on disk that it names."""
        path = address.removeprefix(self._scope.site)
        asset = self._links.asset(path) if path != address else None
        if asset:
            self.references[path] = asset.url
        return asset.url if asset else address

    def _is_template(self, rest: str) -> bool:
        """Whether what is between braces is Liquid, and not somebody else's."""
        if self._language == "liquid":
            return True
        root = _ROOT.match(rest)
        if not root:
            return False
        if not root[1]:
            return any(name in KNOWN_FILTERS for name in filters_of(rest))
        return (root[1] in _TEMPLATE_ROOTS and root[2] == ".") or root[1] in self._scope.variables

    # Statements

    def _statement(self, number: int, tag: Tag) -> None:
        name = tag.name
        if number in self._blocks.branches:
            self._open_block(number, tag)
        elif number in self._blocks.owners:
            self._end_block(self._blocks.owners[number])
        elif tag.closing and self._blocks.starts.get(number) in self._blocks.branches:
            self._end_block(self._blocks.starts[number])
        elif name in {"assign", "set"} and (found := _ASSIGN.fullmatch(tag.rest)):
            self._scope.variables[found[1]] = evaluate(found[2], self._scope)
        elif name in _CODE and tag.inner[1]:
            self._code(tag)
        elif name in _REFERENCES and not tag.closing:
            self._reference(tag.rest, shortcodes.arguments(tag.rest), tag)
        elif name in _INCLUDES and not tag.closing:
            self._include(number, tag)
        else:
            self._named(number, tag, name.removeprefix("end"), self._arguments(tag.rest))

    def _open_block(self, number: int, tag: Tag) -> None:
        if number not in self._blocks.ends:
            self._tell(f"{tag.name} {tag.rest}", tag)
        elif tag.name == "for":
            self._for(number, tag)
        elif tag.name == "capture":
            self._captures.append(self.output)
            self.output = Output(self._text)
        elif tag.name == "case" or self._holds(tag) is False:
            self._go_to(self._branch(number, tag.rest))

    def _end_block(self, start: int) -> None:
        """Go on after block `start`, one of whose parts ends here; a loop may run again."""
        tag, end = self._tags[start], self._blocks.ends.get(start)
        if end is None:
            return
        if tag.name == "for" and self._loops and self._loops[-1].start == start:
            self._loop()
            return
        if tag.name == "capture":
            value, self.output = self.output.text, self._captures.pop()
            known = len(value) <= LONGEST and self._scope.spend(len(value))
            self._scope.variables[tag.rest.strip("\"' ")] = value if known else UNKNOWN
        self._go_to(end)

    def _holds(self, tag: Tag) -> bool | None:
        """Whether the branch that `tag` begins is taken; None, which is told, if not known."""
        condition = tag.name == "else" or holds(tag.rest, self._scope)
        if condition is None:
            self._tell(f"{tag.name} {tag.rest}", tag)
            return None
        return not condition if tag.name == "unless" else condition

    def _branch(self, number: int, subject: str) -> int:
        """The first of the branches of block `number` that is taken, or its end."""
        for branch in self._blocks.branches[number]:
            tag = self._tags[branch]
            taken = self._when(tag, subject) if tag.name == "when" else self._holds(tag)
            if taken is not False:
                return branch
        return self._blocks.ends[number]

    def _when(self, tag: Tag, subject: str) -> bool | None:
        value = evaluate(subject, self._scope)
        wanted = [evaluate(each, self._scope) for each in re.split(r",|\bor\b", tag.rest)]
        if value is UNKNOWN or UNKNOWN in wanted:
            self._tell(f"case {subject}", tag)
            return None
        return any(compare(value, "==", each) for each in wanted)

    def _for(self, number: int, tag: Tag) -> None:
        found = _FOR.fullmatch(tag.rest)
        items = evaluate(found[2], self._scope) if found else UNKNOWN
        if not found or not isinstance(items, list):
            self._tell(f"for {tag.rest}", tag)
            self._go_to(self._blocks.ends[number])
            return
        if limit := re.search(r"\blimit\s*:\s*(\d{1,6})", found[3]):
            items = items[: int(limit[1])]
        self._loops.append(_Loop(found[1], items, number))
        self._loop()

    def _loop(self) -> None:
        """Begin the next round of the innermost loop, or go on after it."""
        loop = self._loops[-1]
        end = self._blocks.ends[loop.start]
        size = self._tags[end].start - self._tags[loop.start].end + 50 * (end - loop.start)
        if loop.index < len(loop.items) and self._scope.spend(size):
            self._scope.variables[loop.variable] = loop.items[loop.index]
            loop.index += 1
            first, last = loop.index == 1, loop.index == len(loop.items)
            forloop = {"index": loop.index, "index0": loop.index - 1, "first": first, "last": last}
            self._scope.variables["forloop"] = {**forloop, "length": len(loop.items)}
            self._go_to(loop.start)
            return
        if loop.index < len(loop.items):
            self._tell("for", self._tags[loop.start])
        self._loops.pop()
        empty = [n for n in self._blocks.branches[loop.start] if not loop.items]
        self._go_to(empty[0] if empty else end)

    # Named tags

    def _code(self, tag: Tag) -> None:
        """Make a fenced block of `highlight`, in the list or quote that it is in."""
        inner = self._text[slice(*tag.inner)].strip("\n")
        raw = _RAW.sub("", inner)
        inner = raw if raw.count("{%") < inner.count("{%") else inner
        fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(inner)), 3)
        language = next(iter(tag.rest.split()), "").removeprefix("lang:").strip("\"'")
        lead = _LEAD.search(self.output.tail())
        start = lead[0] if lead and lead[0] == self.output.tail() else ""
        before = "" if self.output.tail() == start else "\n"
        text = f"{before}{fence}{language}\n{inner.rstrip()}\n{start}{fence}\n"
        self.output.put(text, tag.start)

    def _arguments(self, rest: str) -> dict[str, str]:
        """The arguments of a tag, with the variables in them as their values."""
        given = shortcodes.arguments(rest)
        for key, value in [*given.items()]:
            root = re.match(r"[\w-]+", value)
            if "{{" in value:
                given[key] = _OUTPUT.sub(lambda found: self._value(found[1]), value)
            elif not key.isdigit() and root and root[0] in self._scope.variables:
                known = evaluate(value, self._scope)
                given[key] = value if known is UNKNOWN else text_of(known)
        return given

    def _value(self, expression: str) -> str:
        return text_of(evaluate(expression, self._scope))

    def _include(self, number: int, tag: Tag) -> None:
        words = tag.rest.split(maxsplit=1)
        file = words[0].strip("\"',") if words else ""
        given = self._arguments(words[1] if len(words) > 1 else "")
        name = file.rpartition("/")[2]
        stem = name.partition(".")[0]
        self._named(number, tag, name if name in self._templates else stem, given)
        if self.unknown and self.unknown[-1].name == stem:
            self.unknown[-1] = Unknown(f"{tag.name} {file}"[:80], self.unknown[-1].line)

    def _named(self, number: int, tag: Tag, name: str, given: dict[str, str]) -> None:
        """Put what a named tag means; nothing for one that is not known."""
        if tag.closing:
            start = self._blocks.starts.get(number)
            name = self._tags[start].name if start is not None else name
            self.output.put(self._after.pop(number, shortcodes.CLOSINGS.get(name, "")), tag.start)
            return
        if name in self._templates:
            self._of_config(number, tag, name, given)
        elif name in _REFERENCES:
            self._reference(given.get("path", given.get("0", "")), given, tag)
        elif tag.kind == "shortcode" and name in _CODE and number in self._blocks.ends:
            self._code_between(number, tag)
        elif (text := shortcodes.meaning(name, given)) is not None:
            self.output.put(text, tag.start)
        else:
            self._tell(name, tag)

    def _of_config(self, number: int, tag: Tag, name: str, given: dict[str, str]) -> None:
        """Put what a template of the config makes of a tag, around its content if it has any."""
        before, after = shortcodes.from_template(self._templates[name], given)
        end = self._blocks.ends.get(number)
        if end is None:
            self.output.put(before + after, tag.start)
            return
        # Content on lines of its own is Markdown, which HTML must leave a blank line for.
        apart = "\n" if self._text[tag.end : tag.end + 1] == "\n" else ""
        self.output.put(before + apart, tag.start)
        self._after[end] = apart + after

    def _code_between(self, number: int, tag: Tag) -> None:
        end = self._blocks.ends[number]
        inner = (tag.end, self._tags[end].start)
        self._code(Tag("tag", tag.name, tag.rest, tag.start, self._tags[end].end, inner=inner))
        self._go_to(end)

    def _reference(self, path: str, given: dict[str, str], tag: Tag) -> None:
        """Put the address of the article or file that a tag names."""
        if web := _WEB.search(path):  # Hexo's `{% link text address %}`
            self.output.put(f"[{path[: web.start()].strip() or web[0]}]({web[0]})", tag.start)
            return
        path = given.get("path", given.get("0", path)) if tag.kind != "tag" else path.strip("\"' ")
        reference, address, found = shortcodes.target(self._links, path)
        if reference:
            self.references[reference] = self._links.resolve(reference)
        if not found:
            self._tell(f"{tag.name} {path}", tag)
        self.output.put_address(address, tag.start)
