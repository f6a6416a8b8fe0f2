"""Dialects of Markdown: for each site generator, an engine and its extensions."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.markup.templates.tags import Language

Engine = Literal["commonmark", "html", "python-markdown"]

EXTENSIONS: Final = {
    "abbreviations": "`*[HTML]: HyperText` defines an abbreviation",
    "alerts": "`> [!NOTE]` begins an alert or callout",
    "attributes": "`## Title {#id}` and `![](a.png){width=300}`",
    "comments": "`%%text%%` is a comment, which readers do not see",
    "containers": "`:::tip` to `:::` is an aside",
    "definitions": "`: meaning` below a term is a definition list",
    "emoji": "`:tada:` is an emoji",
    "indented-text": "four spaces do not begin a code block",
    "inline-notes": "`^[text]` is a footnote",
    "kramdown": '`{: .class}`, `{:toc}` and `markdown="1"`, as kramdown has them',
    "mark": "`==text==` is highlighted",
    "math": "`$a_b$` and `$$` are formulas, kept from being read as Markdown",
    "math-blocks": "only `$$` is a formula",
    "single-tildes": "`~text~` is struck out, as `~~text~~` is",
    "smart": "straight quotes, `--` and `...` become typographic ones",
    "toc": "`[[toc]]` is a table of contents, and taken out",
    "wikilinks": "`[[Page]]`, `[[Page|text]]` and `![[image.png]]`",
}
"""What `articles.markdown_extensions` can switch on or off in a CommonMark dialect."""


class Dialect(Struct, frozen=True):
    """A dialect that articles are written in.

    engine: the library that reads them. extensions: names of EXTENSIONS; for `commonmark` only.
    templates: whose template tags articles may have. mdx: whether `.md` files are MDX too.
    note, note_ref, note_again: the anchors on the site of a footnote, of the first reference to it,
    and of the others, with `{label}` and `{number}` of the footnote, and for the second reference
    a 2 as `{nth}` and a 1 as `{again}`.
    """

    engine: Engine
    extensions: frozenset[str] = frozenset()
    templates: Language = "any"
    mdx: bool = False
    note: str = "fn:{label}"
    note_ref: str = "fnref:{label}"
    note_again: str = "fnref:{label}"


_GITHUB = (
    "user-content-fn-{label}",
    "user-content-fnref-{label}",
    "user-content-fnref-{label}-{nth}",
)
_GOLDMARK = ("fn:{number}", "fnref:{number}", "fnref{again}:{number}")
_KRAMDOWN = ("fn:{label}", "fnref:{label}", "fnref:{label}:{again}")
_MARKDOWN_IT = ("fn{number}", "fnref{number}", "fnref{number}:{again}")
_PULLDOWN = ("fn-{label}", "fr-{label}-1", "fr-{label}-{nth}")
_VUEPRESS = ("footnote{number}", "footnote-ref{number}", "footnote-ref{number}:{again}")


def _commonmark(
    extensions: str,
    templates: Language = "any",
    anchors: tuple[str, str, str] = ("fn:{label}", "fnref:{label}", "fnref:{label}"),
    *,
    mdx: bool = False,
) -> Dialect:
    return Dialect("commonmark", frozenset(extensions.split()), templates, mdx, *anchors)


_PYTHON_MARKDOWN = Dialect("python-markdown", frozenset({"alerts"}))

DIALECTS: Final = {
    # remark, and Starlight (https://docs.astro.build/en/guides/markdown-content,
    # https://starlight.astro.build/guides/authoring-content)
    "astro": _commonmark("alerts attributes containers single-tildes smart", "none", _GITHUB),
    # For plain folders (https://spec.commonmark.org, https://github.github.com/gfm)
    "commonmark": _commonmark(
        "alerts attributes containers definitions inline-notes math single-tildes"
    ),
    # https://docusaurus.io/docs/markdown-features
    "docusaurus": _commonmark(
        "alerts attributes containers emoji math single-tildes", "none", _GITHUB, mdx=True
    ),
    # markdown-it (https://www.11ty.dev/docs/languages/markdown)
    "eleventy": _commonmark(
        "alerts attributes containers definitions indented-text inline-notes",
        *("liquid", _MARKDOWN_IT),
    ),
    # https://docs.github.com/en/get-started/writing-on-github
    "github": _commonmark("alerts emoji math single-tildes", anchors=_GITHUB),
    # `.html` articles of Hugo, Jekyll and Eleventy
    "html": Dialect("html"),
    # goldmark with its defaults (https://gohugo.io/configuration/markup)
    "hugo": _commonmark("alerts attributes definitions single-tildes smart", "hugo", _GOLDMARK),
    # kramdown (https://kramdown.gettalong.org/syntax.html)
    "jekyll": _commonmark(
        "abbreviations alerts attributes definitions kramdown math-blocks smart",
        *("liquid", _KRAMDOWN),
    ),
    # https://www.mkdocs.org/user-guide/writing-your-docs
    "mkdocs": _PYTHON_MARKDOWN,
    # https://help.obsidian.md/syntax, https://help.obsidian.md/obsidian-flavored-markdown
    "obsidian": _commonmark("alerts comments inline-notes mark math wikilinks", "none"),
    # https://docs.getpelican.com/en/latest/content.html
    "pelican": _PYTHON_MARKDOWN,
    # https://python-markdown.github.io
    "python-markdown": _PYTHON_MARKDOWN,
    # https://vuepress.vuejs.org/guide/markdown.html, https://vitepress.dev/guide/markdown
    "vuepress": _commonmark(
        "alerts attributes containers emoji inline-notes toc", "none", _VUEPRESS
    ),
    # pulldown-cmark with its defaults (https://www.getzola.org/documentation/content/overview)
    "zola": _commonmark("alerts attributes definitions single-tildes", "zola", _PULLDOWN),
}
"""The dialects by name, as `articles.markdown` takes it, in alphabetical order."""


@cache
def dialect(name: str) -> Dialect:
    """Return the dialect for a name and its changes, such as `hugo +emoji -smart`."""
    name, *changes = name.split()
    found = DIALECTS[name]
    added = {each[1:] for each in changes if each.startswith("+")}
    removed = {each[1:] for each in changes if each.startswith("-")}
    return replace(found, extensions=(found.extensions | added) - removed)
