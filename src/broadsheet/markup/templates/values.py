"""Values of Liquid and Nunjucks: texts, variables, and the filters that articles use.

Sources: shopify.github.io/liquid, jekyllrb.com/docs/liquid/filters, 11ty.dev/docs/filters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote_plus, urljoin

from broadsheet.markup.links import Links
from broadsheet.text.urls import encode

_TERM = re.compile(r"\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<path>[\w.-]+))\s*")
_FILTER = re.compile(
    r"\|\s*(?P<name>\w+)\s*(?::(?P<given>(?>(?:[^|\"']|\"[^\"]*\"|'[^']*')*)))?\s*"
)
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")
_LONGEST = 10_000  # characters of a value


class Variables:
    """The variables of one article.

    links: its place and its site. values: what else is known, such as `{"page": {"title": "A"}}`.
    """

    def __init__(self, links: Links, values: Mapping[str, object]) -> None:
        self._site = links.link_index.site.rstrip("/")
        origin = urljoin(self._site, "/").rstrip("/")
        page = {"url": links.url.removeprefix(self._site), "path": links.source}
        site = {"url": origin, "baseurl": self._site}
        known: dict[str, dict[str, object]] = {"page": {**page}, "site": {**site}}
        for name, given in values.items():
            known[name] = {**(given if isinstance(given, Mapping) else {}), **known.get(name, {})}
        self.variables: dict[str, object] = {**known}
        folder = re.escape(self._site.removeprefix(origin))
        self._roots = re.compile(rf"{re.escape(origin)}(?:{folder})?/?(?=https?://)")

    def joined(self, text: str) -> str:
        """Return `text` without addresses of the site right before a whole address.

        Every address here is absolute, so `{{ site.url }}{{ site.baseurl }}` has two.
        """
        return self._roots.sub("", text)

    def evaluate(self, text: str) -> str | None:
        """Return the value of an expression with filters; None if unknown."""
        step = _TERM.match(text)
        value = self._term(step) if step else None
        while step and value is not None and step.end() < len(text):
            step = _FILTER.match(text, step.end())
            value = self._filtered(value, step) if step else None
        return value if value is None or len(value) <= _LONGEST else None

    def _term(self, found: re.Match[str]) -> str | None:
        if found["path"] is None:
            return found["double"] or found["single"] or ""
        value: object = self.variables
        for key in found["path"].split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return (
            found["path"] if found["path"].isdigit() else value if isinstance(value, str) else None
        )

    def _filtered(self, value: str, step: re.Match[str]) -> str | None:
        if step["name"] in {"relative_url", "absolute_url", "url"}:
            whole = _WHOLE.match(value)
            return value if whole else encode(f"{self._site}/{value.lstrip('/')}")
        count, function = _FILTERS.get(step["name"], (0, None))
        given = [self._term(each) for each in _TERM.finditer(step["given"] or "")]
        if function is None or None in given or len(given) != count:
            return None
        return function(value, *given)


_FILTERS: dict[str, tuple[int, Callable[..., str]]] = {
    "append": (1, lambda text, more: text + more),
    "escape": (0, escape),
    "prepend": (1, lambda text, more: more + text),
    "replace": (2, lambda text, old, new: text.replace(old, new) if old else text),
    "safe": (0, str),
    "slugify": (0, lambda text: re.sub(r"[\W_]+", "-", text.lower()).strip("-")),
    "upcase": (0, str.upper),
    "url_encode": (0, quote_plus),
    "urlencode": (0, quote_plus),
}
"""Filters by name: how many arguments they take, and what they do."""
