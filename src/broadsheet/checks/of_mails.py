"""Rules on the issues that come next, as mails: what mail clients would do badly with.

What is known of mail clients comes from caniemail.com.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from broadsheet.checks.material import Material
from broadsheet.checks.rule import Slight, rule
from broadsheet.digests.remarks import ABOUT
from broadsheet.errors import Problem

_STYLES = re.compile(r"<style\b[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(r"\sstyle=\"([^\"]*)\"", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?!\[if).*?-->", re.DOTALL)
_TABLE = "lay it out with a table"
_VALUE = "write the value"
_UNSUPPORTED = (
    (r"@import\b", "@import", "write the rules out"),
    (r"@font-face\b", "@font-face", "name fonts that people have"),
    (r"@supports\b", "@supports", "write what works without it"),
    (r"display\s*:\s*(?:inline-)?grid\b", "a grid", _TABLE),
    (r"display\s*:\s*(?:inline-)?flex\b", "flex", _TABLE),
    (r"position\s*:\s*(?:absolute|fixed|sticky)\b", "position", _TABLE),
    (r"(?<![\w-])float\s*:\s*(?:left|right)\b", "float", _TABLE),
    (r"\bvar\s*\(", "var()", _VALUE),
    (r"\bcalc\s*\(", "calc()", _VALUE),
    (r"\burl\s*\(", "url()", "use an <img>"),
)
"""A pattern of CSS, what it is called, and what to do instead."""


def _mail_rule(name: str) -> None:
    severity, about = ABOUT[name]

    @rule(name, severity, about)
    def look(material: Material) -> Iterator[Problem | Slight]:
        for path, letter in material.letters.items():
            for remark in letter.mail.remarks:
                if remark.rule == name:
                    problem = Problem(remark.what, path=path)
                    yield Slight(problem) if remark.severity == "warning" else problem


for _name in ABOUT:
    _mail_rule(_name)


@rule(
    "mail-css",
    "warning",
    "CSS that Gmail or Outlook do not know is left out, and with it what it was for.",
)
def mail_css(material: Material) -> Iterator[Problem]:
    for path, letter in material.letters.items():
        html = _COMMENT.sub("", letter.html)
        css = "\n".join((*_STYLES.findall(html), *_INLINE.findall(html)))
        for pattern, name, todo in _UNSUPPORTED:
            if re.search(pattern, css, re.IGNORECASE):
                what = f"its CSS has {name}, which Gmail or Outlook leave out"
                yield Problem(what, f"{todo}, in your template", path)
