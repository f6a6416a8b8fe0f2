"""Templates in articles: what their tags mean, where that is plain; the others go.

Liquid (Jekyll, Eleventy), shortcodes of Hugo and Zola, and MDX. A generator runs a program for
each; nothing is run here, no file is read, and the time taken is proportional to the length of the
text. One rule holds for what cannot be resolved: it is taken out when it is a tag, what is between
tags stays, and `check` names it. Braces that are nobody's tag stay text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

from broadsheet.markup.links import Links
from broadsheet.markup.templates.code import outside_code
from broadsheet.markup.templates.liquid import Unknown, run
from broadsheet.markup.templates.tags import Language
from broadsheet.markup.templates.values import Scope

__all__ = ["Expanded", "Language", "Unknown", "expand", "outside_code"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Expanded(Struct, frozen=True):
    """A body without its templates.

    text: Markdown. unknown: what could not be resolved, in the order of the body.
    references: what tags refer to -> the address it became; the text holds as long as these do.
    source_line: the 1-based line of the body that a 1-based line of `text` came from.
    is_mdx: whether the body was MDX.
    """

    text: str
    unknown: tuple[Unknown, ...]
    references: dict[str, str]
    source_line: Callable[[int], int]
    is_mdx: bool


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
    `{"page": {"title": "A"}, "site": {"title": "B"}}`; of MDX, `page` is `frontmatter`.
    """
    if mdx:
        from broadsheet.markup.templates.mdx import unwrap

        output, unknown, references = unwrap(body, links, shortcodes, values)
    elif "{{" in body or "{%" in body or "{#" in body:
        scope = Scope(links, values, 4 * len(body) + 200_000)
        output, unknown, references = run(body, scope, links, shortcodes, language)
    else:
        return Expanded(body, (), {}, int, mdx)
    return Expanded(output.text, tuple(unknown), references, output.source_line, mdx)
