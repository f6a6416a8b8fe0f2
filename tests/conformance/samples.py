"""The sample articles: one construct each, many to a file of samples/.

A line `%%% name` begins one; `%%% name | hugo jekyll` is for these generators only, and a name that
ends in `.mdx` is for those that read MDX.
"""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent / "samples"
_START = re.compile(r"^%%% ([\w.-]+)(?: \| ([\w ]+))?\n", re.MULTILINE)
_MDX = "astro"


def samples(generator: str) -> dict[str, str]:
    """Return the articles that `generator` is to read: file name -> body."""
    found: dict[str, str] = {}
    for path in sorted(_FOLDER.glob("*.md")):
        _, *parts = _START.split(path.read_text("utf-8"))
        for name, generators, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            wanted = (generators or (_MDX if name.endswith(".mdx") else generator)).split()
            if generator in wanted:
                file = name if name.endswith(".mdx") else f"{name}.md"
                article = f"{path.stem}-{file}"
                if article in found:
                    raise ValueError(f"{path}: two samples are named {name}")
                found[article] = body.strip("\n")
    return found
