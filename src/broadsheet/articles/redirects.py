"""Paths of a site that its host redirects or proxies, so that a link to one leads somewhere.

Formats: docs.netlify.com/manage/routing/redirects (`netlify.toml`, and `_redirects`, which
Cloudflare and GitLab read too) and vercel.com/docs/routing/redirects (`vercel.json`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import takewhile
from urllib.parse import unquote

_ERROR = re.compile(r"4\d\d!?")  # a status: the path leads to an error page
_PART = re.compile(
    r":\w+\((?:[^()]|\([^()]*\))*\)[*+?]?|:\w+[*+]|\((?:[^()]|\([^()]*\))*\)|(\*)|(:\w+\??)"
)


def redirected_paths(files: Mapping[str, str], base: str) -> Callable[[str], bool]:
    """Return a function that tells whether the host redirects a path of the site.

    The path is decoded and has no slash at its start. A rule for every path, such as one for the
    page of a 404, says nothing about any. files: name -> text of the files that hosts read; one
    that cannot be read has no rules. base: `publication.url`.
    """
    sources = (source for name, text in files.items() for source in _sources(name, text))
    inner = (source.removeprefix(base.rstrip("/")) for source in sources)
    patterns = [_pattern(source.strip("/")) for source in inner if source.startswith("/")]
    every = re.compile("|".join(filter(None, patterns)) or r"(?!)")
    return lambda path: every.fullmatch(path.rstrip("/")) is not None


def _sources(name: str, text: str) -> Iterable[str]:
    """Return the paths, or patterns of paths, that a file redirects."""
    if name.endswith("_redirects"):
        return _of_lines(text)
    key = "from" if name.endswith(".toml") else "source"
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        given = tomllib.loads(text) if key == "from" else json.loads(text)
        rules = [*given.get("redirects", ()), *given.get("rewrites", ())]
        return [str(rule[key]) for rule in rules if _leads(str(rule.get("status"))) and key in rule]
    return ()


def _of_lines(text: str) -> Iterator[str]:
    """Yield the first word of each rule: FROM [NAME=VALUE ...] TO [STATUS] [CONDITION ...]."""
    for line in text.splitlines():
        words = [*takewhile(lambda word: not word.startswith("#"), line.split())]
        if len(words) > 1 and all(map(_leads, words[2:])):
            yield words[0]


def _leads(status: str) -> bool:
    return not _ERROR.fullmatch(status)


def _pattern(source: str) -> str:
    """Return a regular expression for the paths that `source` means; "" if it means every path.

    Of a regular expression in parentheses, only that it stands for something is understood.
    """
    places = [*_PART.finditer(source)]
    starts = [0, *(place.end() for place in places)]
    ends = [*(place.start() for place in places), len(source)]
    plain = [unquote(source[start:end]) for start, end in zip(starts, ends, strict=True)]
    if not re.search(r"\w", "".join(plain)):
        return ""
    parts = ["[^/]+" if place[2] else ".*" for place in places]
    pattern = "".join(
        f"{re.escape(text)}{part}" for text, part in zip(plain, [*parts, ""], strict=True)
    )
    return re.sub(r"/\.\*\Z", "(?:/.*)?", pattern)
