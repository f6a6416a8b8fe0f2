"""Resolve the templates in articles, without running anything or reading any file.

Liquid (Jekyll, Eleventy), shortcodes of Hugo and Zola, and MDX. Whatever cannot be resolved is
removed if it is a tag, what is between tags stays, and `check` reports it. Braces that belong to
no tag are text. The time taken is proportional to the length of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from broadsheet.markup.links import Links
from broadsheet.markup.templates.edits import Expanded, Unknown
from broadsheet.markup.templates.resolve import Resolver
from broadsheet.markup.templates.tags import Language

__all__ = ["Expanded", "Language", "Unknown", "expand"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


def expand(
    body: str,
    links: Links,
    *,
    mdx: bool,
    shortcodes: Mapping[str, str],
    language: Language = "any",
    values: Mapping[str, object] = _NOTHING,
) -> Expanded:
    """Resolve the templates in `body`, the Markdown of the article that `links` belongs to.

    mdx: whether it is MDX, which has no other tags. shortcodes: templates of the config, by name.
    language: whose tags it has. values: what is known of the article and the site, such as
    `{"page": {"title": "A"}, "site": {"title": "B"}}`; in MDX, `page` is `frontmatter`.
    """
    if mdx:
        from broadsheet.markup.templates.mdx import Unwrapper

        return Unwrapper(body, links, values, shortcodes).expanded()
    if "{" not in body or not any(mark in body for mark in ("{{", "{%", "{#")):
        return Expanded(body, (), int)
    return Resolver(body, links, values, shortcodes, language).expanded()
