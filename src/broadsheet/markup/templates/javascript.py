"""Find where JavaScript in MDX ends, and the text that a plain expression gives."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A string or comment, a bracket, or the end. What nothing closes ends with its line or the text.
# Atomic groups, (?>x*), since Python before 3.11.5 matches the possessive x*+ wrongly.
_TOKEN = re.compile(
    r'"(?>(?:\\.|[^"\\\n])*)"?'
    r"|(?<!\w)'(?>(?:\\.|[^'\\\n])*)'?"
    r"|`(?>(?:\\.|[^`\\])*)`?"
    r"|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?"
    r"|(?<![:\w])//[^\n]*"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])|(?P<blank>\n(?=[ \t]*(?:\n|\Z)))|\Z",
    re.DOTALL,
)
_STRING = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'|`((?:\\.|[^`\\$])*)`", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FILE = re.compile(r"(?:require|useBaseUrl|withBase)\(\s*[\"']([^\"']*)[\"']\s*\)(?:\.default)?")
_COMMENT = re.compile(r"/\*(?>(?:[^*]|\*(?!/))*)\*/")
_LONGEST = 100_000  # characters of an expression or a statement
_NOTHING = {"", "true", "false", "null", "undefined"}


class JavaScript:
    """Reads the JavaScript in a text.

    Searches that find no end may read only so much in all, so that the time taken is
    proportional to the length of the text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._patience = len(text) // 4 + _LONGEST  # characters

    def end_of_braces(self, start: int) -> int:
        """Return where the braces that open at `start` end; 0 if nowhere."""
        return self._end(start, "close")

    def end_of_statements(self, start: int) -> int:
        """Return where an `import` or `export` ends: at a blank line outside brackets."""
        blank = self._text.find("\n\n", start)
        return self._end(start, "blank") or (blank + 1 if blank >= 0 else len(self._text))

    def _end(self, start: int, mark: str) -> int:
        """Return the end of the first `mark` outside brackets; 0 if there is none."""
        at, depth, limit = start, 0, min(len(self._text), start + _LONGEST)
        while self._patience > 0 and (token := _TOKEN.search(self._text, at, limit)):
            at = token.end()
            depth += bool(token["open"]) - bool(token["close"])
            if depth <= 0 and (token[mark] or (mark == "blank" and at == len(self._text))):
                return at
            if at == limit:
                break
        self._patience -= limit - start
        return 0


def value(code: str, names: Mapping[str, object], site: str) -> str | None:
    """Return the text that the expression `code` gives; None if unknown.

    names: what is known by a name. site: the address of the site, for `useBaseUrl`.
    """
    code = _COMMENT.sub("", code).strip()
    if code in _NOTHING:
        return ""
    if found := _STRING.fullmatch(code):
        text = found[1] or found[2] or found[3] or ""
        return _ESCAPED.sub(lambda each: "\n" if each[1] == "n" else each[1], text)
    if found := _FILE.fullmatch(code):
        path = found[1].removeprefix("@site/static")
        return path if code.startswith("require") else site + path.lstrip("/")
    if code.replace(".", "", 1).isdigit():
        return code
    known = names.get(code.replace("?.", "."))
    return known if isinstance(known, str) else None
