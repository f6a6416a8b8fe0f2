"""Character references for punctuation that the engine would read as Markdown, outside code.

A reference is the same character in text and in HTML (CommonMark 0.31, 6.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from broadsheet.markup.code import outside_code


class Replacement(NamedTuple):
    """Replaces what `pattern` finds.

    extension: the extension of a dialect that asks for it; "" for every dialect.
    hint: whether the rule may change a text; quick to ask.
    in_text, in_elements: whether it applies to text, and to elements such as `<pre>`.
    """

    extension: str
    hint: Callable[[str], object]
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]
    in_text: bool = True
    in_elements: bool = False


def escape_marks(text: str, extensions: Iterable[str]) -> str:
    """Apply the rules that `extensions` ask for to `text`."""
    wanted = {"", *extensions}
    rules = [each for each in RULES if each.extension in wanted and each.hint(text)]
    if not rules:
        return text
    parts, end = [], 0
    for start, stop in outside_code(text):
        code, prose = text[end:start], text[start:stop]
        for rule in rules:
            prose = rule.pattern.sub(rule.replace, prose) if rule.in_text else prose
            if rule.in_elements and code.startswith("<"):
                code = rule.pattern.sub(rule.replace, code)
        parts += [code, prose]
        end = stop
    return "".join([*parts, text[end:]])


def escaped(text: str, marks: re.Pattern[str]) -> str:
    """Return `text` with a character reference for each of the `marks`."""
    return marks.sub(lambda mark: f"&#{ord(mark[0])};", text)


# What kramdown does not read as Markdown: HTML elements with raw content, and `{::nomarkdown}`
# (https://kramdown.gettalong.org/syntax.html).
_RAW_STARTS = ("<code", "<kbd", "<samp", "<var", "{::nomarkdown}")
_RAW = re.compile(
    r"(?P<start><(?P<tag>code|kbd|samp|var)\b[^<>]*>|\{::nomarkdown\})"
    r"(?P<text>(?:[^<{\n]|\n(?![ \t]*\n)|\{(?!:)|<(?!/?(?:code|kbd|samp|var)\b)){1,2000})"
    r"(?P<end></(?P=tag)\b|\{:/(?:nomarkdown)?\})"
)
_RAW_MARKS = re.compile(r"[*_~`\[\]\\^!]")


def _may_have_raw(text: str) -> bool:
    return any(start in text for start in _RAW_STARTS)


# A blank line ends a block of HTML in CommonMark, also within `<pre>`.
_BLANK_IN_PRE = re.compile(r"\n[ \t]*(?=\n)")
# kramdown takes spaces in URLs: `![](a b.png)`.
_IN_URL = r"[^()<>\[\]\s\"']"
_WITH_SPACES = re.compile(
    rf"\]\((?P<url>{_IN_URL}+(?:[ ]+(?:{_IN_URL}|\({_IN_URL}{{0,100}}\))+)+)\)"
)
# A tag alone on its line begins a block of HTML in CommonMark (4.6, 7), in kramdown only one that
# stands for a block.
_ALONE = re.compile(
    r"</?(?:a|abbr|b|br|cite|code|del|em|font|i|img|ins|kbd|mark|q|s|samp|small|span|strong|su[bp]|u)"
    r"(?=[\s/>])[^<>\n]*>(?=[ \t]*(?:\n|\Z))",
    re.IGNORECASE,
)
# CommonMark reads no definition whose URL has a parenthesis too many (4.7), and none right below.
_UNBALANCED = re.compile(
    r"^ {0,3}\[[^\[\]\n^]{1,200}\]:[ \t]+(?P<url>[^\s<>]*[()][^\s<>]*)", re.MULTILINE
)


def _with_angles(found: re.Match[str]) -> str:
    url = found["url"]
    balanced = url.count("(") == url.count(")")
    return found[0] if balanced else f"{found[0].removesuffix(url)}<{url}>"


def _with_escapes(found: re.Match[str]) -> str:
    return f"]({found['url'].replace(' ', '%20')})"


def _raw(found: re.Match[str]) -> str:
    return found["start"] + escaped(found["text"], _RAW_MARKS) + found["end"]


# Formulas. A dollar begins one if no space follows it, and ends one if no space precedes it and no
# digit follows it (Pandoc, `tex_math_dollars`), so that prices are not formulas.
# A search is fast if what it looks for begins with a character, so a look back follows it.
_BLOCK = r"\$(?<![\\$]\$)\$(?:[^$]|\$(?!\$)){1,20000}?\$\$"
_INLINE = r"\$(?<![\\$]\$)(?![\s$\d])(?:\\.|[^\\$\n`]){1,1000}?(?<!\s)\$(?![\d$])"
FORMULA = re.compile(rf"{_BLOCK}|{_INLINE}")
_BLOCK_FORMULA = re.compile(_BLOCK)
_BLANK_LINE = re.compile(r"\n[ \t>]*\n")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def _formula(found: re.Match[str]) -> str:
    return found[0] if _BLANK_LINE.search(found[0]) else escaped(found[0], _PUNCTUATION)


# Straight quotes right after Chinese or Japanese. `说"好"了` stays straight, as in goldmark, and
# after punctuation a quote begins: `说："好"`. The library would make closing quotes of all four.
# A title or an attribute may end in such a text, too; one of <>=()[] follows its end.
_QUOTED = re.compile(
    r"(?P<before>[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef])\"(?P<text>[^\"\n<>=()\[\]]{1,200})\""
)
_WIDE_PUNCTUATION = re.compile(r"[\u3000-\u3004\u3008-\u3020\uff00-\uff0f\uff1a-\uff20]")


def _may_have_quotes(text: str) -> bool:
    return not text.isascii() and any(part[-1:] > "\u2e7f" for part in text.split('"')[:-1])


def _quoted(found: re.Match[str]) -> str:
    begins = _WIDE_PUNCTUATION.match(found["before"])
    opening, closing = ("“", "”") if begins else ("&quot;", "&quot;")
    return f"{found['before']}{opening}{found['text']}{closing}"


# Bare URLs, in which marks are not emphasis: `https://e.org/__init__.py`. An underscore between
# letters is none.
_BEFORE = r"(?<![\w@/.:=\"'<-]{0})(?<!\]\({0})"
_URL = re.compile(
    rf"(?:h{_BEFORE.format('h')}ttps?://|w{_BEFORE.format('w')}ww\.)[\w.:/?#@!$&'()*+,;=%~-]+",
    re.ASCII,
)
_DEFINITION = re.compile(r"(?:^|\n)[ >]{0,9}\[[^\]\n]+\]:[ \t]*\Z")
_EMPHASIS = re.compile(r"[*_~]")
# These begin with a character, as above, and are not the URL of a link.
_OUTSIDE = (
    f"(?<!{re.escape(mark)}http{s}://)" for mark in ("](", "[", "<", '"') for s in ("", "s")
)
_BARE_URL = re.compile(f"://{''.join(_OUTSIDE)}")
_BARE_HOST = re.compile(r"www\.(?<!://www\.)")


def _may_have_urls(text: str) -> bool:
    """Whether there may be a URL outside a link."""
    return bool(_BARE_URL.search(text) or _BARE_HOST.search(text))


def _url(found: re.Match[str]) -> str:
    if _DEFINITION.search(found.string[max(found.start() - 200, 0) : found.start()]):
        return found[0]
    url = found[0].rstrip("*_~.,;:!?)")  # marks at its end belong to the text around it
    return escaped(url, _EMPHASIS) + found[0][len(url) :]


# The engine reads no container with a colon in its first line.
_CONTAINER = re.compile(r"^[ \t>]*:{3,}[ \t]*[^\s:][^\n]*", re.MULTILINE)
_COLON = re.compile(":")


def _container(found: re.Match[str]) -> str:
    line = found[0].lstrip(" \t>:")
    return found[0].removesuffix(line) + escaped(line, _COLON)


RULES = (
    Replacement("containers", lambda text: ":::" in text, _CONTAINER, _container),
    Replacement("kramdown", _may_have_raw, _RAW, _raw, in_elements=True),
    Replacement(
        *("kramdown", lambda text: "<pre" in text, _BLANK_IN_PRE, lambda _: "\n<!-- -->"),
        in_text=False,
        in_elements=True,
    ),
    Replacement("kramdown", _ALONE.search, _ALONE, lambda tag: f"{tag[0]}<!-- -->"),
    Replacement("kramdown", _UNBALANCED.search, _UNBALANCED, _with_angles),
    Replacement("kramdown", _WITH_SPACES.search, _WITH_SPACES, _with_escapes),
    Replacement("math", FORMULA.search, FORMULA, _formula),
    Replacement("math-blocks", _BLOCK_FORMULA.search, _BLOCK_FORMULA, _formula),
    Replacement("smart", _may_have_quotes, _QUOTED, _quoted),
    Replacement("", _may_have_urls, _URL, _url),
)
