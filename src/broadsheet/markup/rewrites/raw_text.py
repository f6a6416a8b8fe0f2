"""What kramdown does not read as Markdown: `<code>*a*</code>`, `{::nomarkdown}`; and its `^`.

Of https://kramdown.gettalong.org/syntax.html: HTML elements with raw content, extensions, and the
end-of-block marker, which keeps two lists apart.
"""

from __future__ import annotations

import re

from broadsheet.markup.templates import outside_code

_RAW = re.compile(
    r"(?P<start><(?P<tag>code|kbd|samp|var)\b[^<>]*>|\{::nomarkdown\})"
    r"(?P<text>(?:[^<{\n]|\n(?![ \t]*\n)|\{(?!:)|<(?!/?(?:code|kbd|samp|var)\b)){1,2000})"
    r"(?P<end></(?P=tag)\b|\{:/(?:nomarkdown)?\})"
)
_MARKS = re.compile(r"[*_~`\[\]\\^!]")
_END_OF_BLOCK = re.compile(r"^\^[ \t]*$", re.MULTILINE)


def rewrite(text: str) -> str:
    """Return `text` with the marks in such places as character references."""
    if "^" in text:
        text = _END_OF_BLOCK.sub("<!-- -->", text)
    if not _RAW.search(text):
        return text
    parts: list[str] = []
    end = 0
    for start, stop in outside_code(text):
        code = text[end:start]
        parts += [_RAW.sub(_kept, code) if code.startswith("<") else code]
        parts += [_RAW.sub(_kept, text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])


def _kept(found: re.Match[str]) -> str:
    kept = _MARKS.sub(lambda mark: f"&#{ord(mark[0])};", found["text"])
    return found["start"] + kept + found["end"]
