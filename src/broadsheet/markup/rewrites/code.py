"""Which lines of Markdown are fenced code (CommonMark 0.31, 4.5)."""

from __future__ import annotations

import re

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})")


def is_code(lines: list[str]) -> list[bool]:
    """Return for each of `lines` whether it is part of a fenced code block, fences included."""
    found: list[bool] = []
    mark = ""
    for line in lines:
        fence = _FENCE.match(line)
        if mark:
            found.append(True)
            if fence and fence[1].startswith(mark) and not line[fence.end() :].strip():
                mark = ""
        else:
            found.append(bool(fence))
            mark = fence[1] if fence else ""
    return found
