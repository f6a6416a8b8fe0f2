"""MDX (mdxjs.com/docs/what-is-mdx) as Markdown: what its components and expressions show.

`import` and `export` go, and so do comments; a picture is found through its import; the tags of
components go, and their content stays Markdown. Of expressions, texts, numbers and constants are
shown; the others go, and are named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Final

from msgspec import Struct

from broadsheet.markup.links import Links
from broadsheet.markup.templates import shortcodes
from broadsheet.markup.templates.code import Walk
from broadsheet.markup.templates.liquid import Unknown
from broadsheet.markup.templates.output import Output

_MARK = r"(?P<mark>\\?\{|<(?=[A-Za-z/>])|^(?:import|export)\b)"
_IMPORT = (
    r"import\s+(?:type\s+)?(?:[\"']|\*\s+as\s|\{|[\w$]+\s*(?:,|from\b))|"
    r"export\s+(?:const|let|var|function|class|default|async|type|interface|\{|\*)"
)
_MODULE = re.compile(_IMPORT)
_IMPORTED = re.compile(
    r"^import\s+([\w$]+)\s*(?:,\s*\{[^{}]*\}\s*)?from\s*[\"']([^\"'\n]+)[\"']", re.MULTILINE
)
_CONSTANT = re.compile(
    r"^(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*=\s*"
    r"(\"[^\"\n]*\"|'[^'\n]*'|`[^`$\\]*`|-?\d+(?:\.\d+)?)\s*;?[ \t]*$",
    re.MULTILINE,
)
# Steps through JavaScript. What begins a text that does not end is a character like any other.
_STEP = re.compile(
    r"[^{}()\[\]\"'`/\n]+|(?<![:\w])//[^\n]*|(?P<mark>[{}()\[\]`\n\"']|/\*)|.", re.DOTALL
)
_WHOLE = {
    '"': re.compile(r"\"(?:\\.|[^\"\\\n])*\""),
    "'": re.compile(r"'(?:\\.|[^'\\\n])*'"),
    "/*": re.compile(r"/\*(?:[^*]|\*(?!/))*\*/"),
}
_TEMPLATE_STEP = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))+|(?P<mark>`|\$\{)", re.DOTALL)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w.:-]*)?(?=[\s/>])\s*")
_ATTRIBUTE = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_$@][\w$:.@-]*)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<brace>\{)))?|(?P<spread>\{)|(?P<end>/?>))"
)
_JS_COMMENTS = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|(?<![:\"'`\w/])//[^\n]*")
_MORE = re.compile(r"\{/\*\s*(?:more|truncate)\s*\*/\}", re.IGNORECASE)
_HEADING_ID = re.compile(r"\{(?:/\*\s*)?(#[\w.:-]+)\s*(?:\*/)?\}")
_STRING = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'")
_TEMPLATE = re.compile(r"`((?:\\.|[^`\\])*)`", re.DOTALL)
_INSERTED = re.compile(r"\$\{([^{}]*)\}")
_PATH = re.compile(r"[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)*")
_CALL = re.compile(
    r"(?:require|useBaseUrl|withBase|import)\(\s*([\"'])([^\"']*)\1\s*\)(?:\.default)?"
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_NOTHING = {"", "true", "false", "null", "undefined"}
_ESCAPES = {"n": "\n", "t": "\t", "r": ""}
_VOID = {
    *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source"),
    *("track", "wbr"),
}
_INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "br", "button", "cite", "code", "del", "dfn", "em", "font"),
    *("i", "img", "input", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span"),
    *("strong", "sub", "sup", "time", "u", "var", "wbr"),
}
_MARKED_UP = re.compile(r"[*_`\[~]")
_PICTURES = re.compile(r"image|img|picture|figure|photo|screenshot|zoom", re.IGNORECASE)
_TITLES = ("label", "title", "summary", "heading", "header")
_TEXTS = ("text", "label", "title", "name", "children", "value")
_MOST_COMMENTS = 50  # in an expression
_LONGEST = 100_000  # characters of a tag or an expression


class _Lost:
    """The value of an expression that is not known."""


_LOST: Final = _Lost()


class _Frame(Struct):
    """An element that is open.

    base: the characters of white space that its content is indented by in the output.
    shift: how many are taken from its lines; None until its first line.
    closing: what its end becomes.
    """

    name: str
    base: int
    closing: str
    shift: int | None = None


class _Tag(Struct, frozen=True):
    """A start or end tag. given: attributes with their values as text, where these are known."""

    name: str
    given: Mapping[str, str | _Lost]
    start: int
    end: int
    empty: bool


def unwrap(
    text: str, links: Links, templates: Mapping[str, str], values: Mapping[str, object]
) -> tuple[Output, list[Unknown], dict[str, str]]:
    """Turn MDX into Markdown; `templates` are those of the config, by the name of a component."""
    unwrapper = _Unwrapper(text, links, templates, values)
    unwrapper.run()
    return unwrapper.output, unwrapper.unknown, unwrapper.references


class _Unwrapper:
    def __init__(
        self, text: str, links: Links, templates: Mapping[str, str], values: Mapping[str, object]
    ) -> None:
        self.output = Output(text)
        self.unknown: list[Unknown] = []
        self.references: dict[str, str] = {}
        self._text, self._templates, self._site = text, templates, links.library.site
        self._constants: dict[str, object] = {
            **{name: _unquoted(value) for name, value in _CONSTANT.findall(text)},
            **{name: _imported(path) for name, path in _IMPORTED.findall(text)},
            **dict.fromkeys(("frontmatter", "frontMatter"), values.get("page", {})),
        }
        self._frames: list[_Frame] = []
        self._open: dict[str, int] = {}  # how many elements of a name are open
        self._at = 0
        self._unclosed: dict[str, int] = {}  # up to where a quote or comment mark ends nothing
        self._patience = len(text) // 4 + 100_000  # steps taken in vain

    def run(self) -> None:
        """Go from mark to mark."""
        walk, at = Walk(self._text, _MARK, mdx=True), 0
        while point := walk.next(at):
            start, at, mark = point
            if mark and start >= self._at:
                at = max(self._mark(start, self._text[start]), at)
        self._keep(len(self._text))

    def _mark(self, start: int, mark: str) -> int:
        """Do what is at a mark; the end of it, or 0 if it is text."""
        if mark == "{":
            return self._expression(start)
        if mark == "<":
            return self._element(start)
        return self._module(start) if mark != "\\" else 0

    # Lines

    def _keep(self, end: int) -> None:
        """Keep the text up to `end`, less the indentation by the elements around it."""
        at = self._at
        if not self._frames:
            self.output.keep(at, end)
            at = end
        while at < end:
            line = self._text.find("\n", at, end) + 1 or end
            begins = not at or self._text[at - 1] == "\n"
            self.output.keep(at + self._surplus(at) if begins else at, line)
            at = line
        self._at = max(end, self._at)

    def _surplus(self, at: int) -> int:
        """How many characters the line at `at` is indented by elements around it."""
        if not self._frames:
            return 0
        frame, white = self._frames[-1], _indent(self._text, at)
        if self._text[at + white : at + white + 1] in {"", "\n"}:
            return 0
        if self._text.startswith("</", at + white):
            return max(white - frame.base, 0)
        if frame.shift is None:
            frame.shift = max(white - frame.base, 0)
        return min(white, frame.shift)

    def _replace(self, end: int, start: int, text: str) -> None:
        self._keep(start)
        self.output.put(text, start)
        self._at = end

    def _tell(self, name: str, at: int) -> None:
        self.unknown.append(Unknown(" ".join(name.split())[:80], self.output.line_at(at)))

    # Imports and exports

    def _module(self, start: int) -> int:
        line = self._text.rfind("\n", 0, max(start - 1, 0)) + 1
        follows = self._at == start or not self._text[line:start].strip()
        if not follows or not _MODULE.match(self._text, start):
            return 0
        end = self._end_of_module(start)
        self._replace(end, start, "")
        return end

    def _end_of_module(self, start: int) -> int:
        """Statements end at a blank line outside brackets."""
        at, open_, steps = start, [""], 0
        while open_ and steps < self._patience and (step := self._step(at, open_)):
            at, steps = step.end(), steps + 1
            if step[0] == "\n" and len(open_) == 1 and self._is_blank(at):
                return at
        if len(open_) == 1 and at == len(self._text):
            return at
        self._patience -= steps + (at - start) // 64
        blank = self._text.find("\n\n", start)
        return blank + 1 if blank >= 0 else len(self._text)

    def _is_blank(self, at: int) -> bool:
        return self._text[at + _indent(self._text, at) : at + _indent(self._text, at) + 1] == "\n"

    # JavaScript

    def _step(self, at: int, open_: list[str]) -> re.Match[str] | None:
        """Read on at `at`; None at the end. open_: the brackets and templates around it."""
        steps = _TEMPLATE_STEP if open_[-1:] == ["`"] else _STEP
        found = steps.match(self._text, at)
        mark = found["mark"] if found else ""
        if mark in _WHOLE:
            return self._whole(mark, at) or found
        ends = mark == "`" and open_[-1:] == ["`"]
        if ends or (open_ and mark and mark in ")]}"):
            open_.pop()
        elif mark and mark in "`([{${":
            open_.append(mark)
        return found

    def _whole(self, mark: str, at: int) -> re.Match[str] | None:
        """The string or comment that begins at `at`, unless the same has been tried in vain."""
        if at < self._unclosed.get(mark, 0):
            return None
        found = _WHOLE[mark].match(self._text, at)
        if not found:
            line = self._text.find("\n", at)
            self._unclosed[mark] = len(self._text) if line < 0 or mark == "/*" else line
        return found

    def _end_of_braces(self, start: int) -> int:
        """Where the expression that begins with the brace at `start` ends; 0 if it does not."""
        at, open_, steps = start + 1, ["{"], 0
        while steps < self._patience and at - start < _LONGEST:
            step = self._step(at, open_)
            if not step:
                break
            at, steps = step.end(), steps + 1
            if not open_:
                return at
        self._patience -= steps + (at - start) // 64
        return 0

    def _expression(self, start: int) -> int:
        if found := _MORE.match(self._text, start):
            self._replace(found.end(), start, "<!--more-->")
        elif found := _HEADING_ID.match(self._text, start):
            self._replace(found.end(), start, f"{{{found[1]}}}")
        elif self._of_directive(start):
            return 0
        elif end := self._end_of_braces(start):
            code = self._text[start + 1 : end - 1]
            value = self._value(code)
            if isinstance(value, _Lost):
                self._tell(f"{{{code.strip()}}}", start)
            self._replace(end, start, "" if isinstance(value, _Lost) else self._shown(value))
        else:
            self._replace(start + 1, start, "&#123;")
        return self._at

    def _of_directive(self, start: int) -> bool:
        """Whether the brace at `start` begins the attributes of a `:::name[title]{...}`."""
        line = self._text.rfind("\n", max(start - 200, 0), start) + 1
        return self._text[line:start].lstrip().startswith("::")

    def _shown(self, value: str) -> str:
        """A text that no Markdown is read in."""
        in_code = bool(self._open.get("pre"))
        value = _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", value)
        return value.replace("\n", "&#10;") if in_code else re.sub(r"\s*\n\s*", " ", value)

    def _value(self, code: str) -> str | _Lost:
        """The text that an expression gives."""
        code = code.strip()
        if code.count("/*") > _MOST_COMMENTS:
            return _LOST
        if "/*" in code or "//" in code:
            code = (_JS_COMMENTS.sub("", code) if code[0] == "/" else code).strip()
        if code in _NOTHING:
            return ""
        if (found := _STRING.fullmatch(code)) or (found := _NUMBER.fullmatch(code)):
            return _unquoted(code)
        if found := _TEMPLATE.fullmatch(code):
            return self._inserted(found[1])
        if found := _CALL.fullmatch(code):
            path = _imported(found[2])
            return self._site + path.lstrip("/") if code.startswith(("use", "with")) else path
        return self._constant(code) if _PATH.fullmatch(code) else _LOST

    def _inserted(self, template: str) -> str | _Lost:
        parts = _INSERTED.split(template)
        values = [self._value(part) if n % 2 else part for n, part in enumerate(parts)]
        texts = [value for value in values if isinstance(value, str)]
        if len(texts) < len(values) or "${" in "".join(texts):
            return _LOST
        return _unescaped("".join(texts))

    def _constant(self, path: str) -> str | _Lost:
        value: object = self._constants
        for key in re.split(r"\??\.", path):
            if isinstance(value, str):
                return value if key in {"src", "default"} else _LOST
            value = value.get(key, _LOST) if isinstance(value, Mapping) else _LOST
        return str(value) if isinstance(value, str | int | float) else _LOST

    # Elements

    def _element(self, start: int) -> int:
        tag = self._tag(start)
        if tag is None:
            return 0
        if self._text[start + 1] == "/":
            self._end_tag(tag)
            return self._at
        if tag.name in self._templates:
            self._of_config(tag)
        elif tag.name[:1].islower():
            self._html(tag, tag.name)
        else:
            self._component(tag)
        return self._at

    def _tag(self, start: int) -> _Tag | None:
        found = _TAG.match(self._text, start)
        if not found:
            return None
        given: dict[str, str | _Lost] = {}
        at, steps = found.end(), 0
        while steps < self._patience and at - start < _LONGEST:
            attribute = _ATTRIBUTE.match(self._text, at)
            if not attribute:
                break
            at, steps = attribute.end(), steps + 1
            if attribute["end"]:
                empty = attribute["end"] == "/>" or (found["name"] or "") in _VOID
                return _Tag(found["name"] or "", given, start, at, empty)
            value: str | _Lost = attribute["double"] or attribute["single"] or ""
            if attribute["brace"] or attribute["spread"]:
                end = self._end_of_braces(at - 1)
                if not end:
                    break
                value, at = self._value(self._text[at : end - 1]), end
            if attribute["name"]:
                given[attribute["name"]] = value
        self._patience -= steps + (at - start) // 64
        return None

    def _html(self, tag: _Tag, name: str) -> None:
        attributes = "".join(self._attributes(tag))
        inline = name in _INLINE
        apart = not inline and self._begins_line(tag) and not tag.empty
        if apart and not self._ends_line(tag):
            line = self._text.find("\n", tag.end)
            apart = bool(_MARKED_UP.search(self._text, tag.end, line if line >= 0 else 2**31))
        self._replace(tag.end, tag.start, f"<{name}{attributes}>" + "\n\n" * apart)
        if not tag.empty:
            self._push(tag, ("\n\n" if apart else "") + f"</{name}>")

    def _attributes(self, tag: _Tag) -> list[str]:
        found = []
        for name, value in tag.given.items():
            if isinstance(value, _Lost):
                if name in {"src", "href"}:
                    self._tell(f"<{tag.name} {name}>", tag.start)
            elif name != "style" and ":" not in name and not name.startswith("on"):
                known = {"className": "class", "htmlFor": "for"}.get(name, name.lower())
                found.append(f' {known}="{escape(value)}"')
        return found

    def _begins_line(self, tag: _Tag) -> bool:
        line = self._text.rfind("\n", max(tag.start - 1_000, 0), tag.start) + 1
        return not self._text[line : tag.start].strip()

    def _ends_line(self, tag: _Tag) -> bool:
        after = tag.end + _indent(self._text, tag.end)
        return self._text[after : after + 1] in {"", "\n"}

    def _push(self, tag: _Tag, closing: str) -> None:
        line = self._text.rfind("\n", max(tag.start - 1_000, 0), tag.start) + 1
        base = _indent(self._text, line)
        base -= min(base, self._frames[-1].shift or 0) if self._frames else 0
        self._frames.append(_Frame(tag.name, base, closing))
        self._open[tag.name] = self._open.get(tag.name, 0) + 1

    def _end_tag(self, tag: _Tag) -> None:
        """Close the innermost element of that name, and those in it that nothing closes."""
        closing = ""
        self._keep(tag.start)
        if self._open.get(tag.name):
            while True:
                frame = self._frames.pop()
                self._open[frame.name] -= 1
                closing += frame.closing
                if frame.name == tag.name:
                    break
        self._replace(tag.end, tag.start, closing)

    def _of_config(self, tag: _Tag) -> None:
        given = {name: value for name, value in tag.given.items() if isinstance(value, str)}
        before, after = shortcodes.from_template(self._templates[tag.name], given)
        apart = "\n\n" if self._ends_line(tag) and not tag.empty else ""
        self._replace(tag.end, tag.start, before + (after if tag.empty else apart))
        if not tag.empty:
            self._push(tag, apart + after)

    def _component(self, tag: _Tag) -> None:
        given = {name: value for name, value in tag.given.items() if isinstance(value, str)}
        text = self._meaning(tag, given)
        if text is not None:
            self._replace(tag.end, tag.start, text)
            if not tag.empty:
                self._push(tag, "")
        elif address := given.get("href", given.get("to")):
            self._link(tag, address, given)
        elif tag.empty:
            words = next((given[name] for name in _TEXTS if given.get(name)), "")
            if not words:
                self._tell(f"<{tag.name}>", tag.start)
            self._replace(tag.end, tag.start, self._shown(words))
        else:
            title = next((given[name] for name in _TITLES if given.get(name)), "")
            self._replace(tag.end, tag.start, self._heading(tag, title) if title else "")
            self._push(tag, "")

    def _meaning(self, tag: _Tag, given: Mapping[str, str]) -> str | None:
        """The picture or video that a component shows."""
        source = given.get("src", "")
        if _PICTURES.search(tag.name) and tag.given.get("src") is _LOST:
            self._tell(f"<{tag.name} src>", tag.start)
            return ""
        if source and (_PICTURES.search(tag.name) or shortcodes.is_picture(source)):
            return self._picture(given)
        name = tag.name.lower()
        return shortcodes.meaning(name, given) if name in shortcodes.EMBEDS else None

    def _picture(self, given: Mapping[str, str]) -> str:
        sizes = {name: given[name] for name in ("width", "height") if given.get(name)}
        if given.get("caption"):
            return shortcodes.figure(given)
        wanted = {"src": given["src"], "alt": given.get("alt", ""), **sizes}
        return "<img" + "".join(f' {name}="{escape(text)}"' for name, text in wanted.items()) + ">"

    def _link(self, tag: _Tag, address: str, given: Mapping[str, str]) -> None:
        opening = f'<a href="{escape(address)}">'
        words = next((given[name] for name in (*_TITLES, *_TEXTS) if given.get(name)), "")
        if tag.empty:
            about = f" {self._shown(given['description'])}" if given.get("description") else ""
            shown = self._shown(words or address)
            self._replace(tag.end, tag.start, f"{opening}{shown}</a>{about}")
        else:
            self._replace(tag.end, tag.start, opening)
            self._push(tag, "</a>")

    def _heading(self, tag: _Tag, title: str) -> str:
        """The title of a component, as a paragraph where the component is one."""
        self._keep(tag.start)
        bold = f"**{self._shown(title)}**"
        if not self._begins_line(tag):
            return f"{bold} "
        tail = self.output.tail()
        return f"\n{tail if not tail.strip() else ''}{bold}\n\n"


def _indent(text: str, at: int) -> int:
    """How many characters of white space are at `at`."""
    end = at
    while end < len(text) and text[end] in " \t":
        end += 1
    return end - at


def _imported(path: str) -> str:
    """A path that a module is imported from, as an article's link would write it."""
    return re.sub(r"\A@site/static/", "/", path)


def _unquoted(code: str) -> str:
    quoted = code[:1] in {'"', "'", "`"}
    return _unescaped(code[1:-1]) if quoted else code


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)
