"""Dialects of Markdown: the engine and its extensions, templates, and anchors of footnotes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:  # slow to import
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


def by_commonmark(
    extensions: str,
    anchors: tuple[str, str, str] = ("fn:{label}", "fnref:{label}", "fnref:{label}"),
    **differences: Any,
) -> Dialect:
    """Return a dialect read by the CommonMark engine.

    extensions: their names, separated by spaces. anchors: of footnotes, in the order of the fields
    of `Dialect`. differences: its other fields.
    """
    note, note_ref, again = anchors
    return Dialect(
        *("commonmark", frozenset(extensions.split())),
        **{"note": note, "note_ref": note_ref, "note_again": again, **differences},
    )


_GITHUB = (
    *("user-content-fn-{label}", "user-content-fnref-{label}"),
    "user-content-fnref-{label}-{nth}",
)
_PYTHON_MARKDOWN = Dialect("python-markdown", frozenset({"alerts"}))
DIALECTS: Final = {
    # By remark: https://docs.astro.build/en/guides/markdown-content,
    # https://starlight.astro.build/guides/authoring-content
    "astro": by_commonmark(
        "alerts attributes containers single-tildes smart", _GITHUB, templates="none"
    ),
    # Plain folders: https://spec.commonmark.org, with https://github.github.com/gfm
    "commonmark": by_commonmark(
        "alerts attributes containers definitions inline-notes math single-tildes"
    ),
    # https://docusaurus.io/docs/markdown-features
    "docusaurus": by_commonmark(
        "alerts attributes containers emoji math single-tildes",
        _GITHUB,
        templates="none",
        mdx=True,
    ),
    # By markdown-it: https://www.11ty.dev/docs/languages/markdown
    "eleventy": by_commonmark(
        "alerts attributes containers definitions indented-text inline-notes",
        ("fn{number}", "fnref{number}", "fnref{number}:{again}"),
        templates="liquid",
    ),
    # https://docs.github.com/en/get-started/writing-on-github
    "github": by_commonmark("alerts emoji math single-tildes", _GITHUB),
    "html": Dialect("html"),  # `.html` articles of Hugo, Jekyll and Eleventy
    # By goldmark with its defaults: https://gohugo.io/configuration/markup
    "hugo": by_commonmark(
        "alerts attributes definitions single-tildes smart",
        ("fn:{number}", "fnref:{number}", "fnref{again}:{number}"),
        templates="hugo",
    ),
    # By kramdown: https://kramdown.gettalong.org/syntax.html
    "jekyll": by_commonmark(
        "abbreviations alerts attributes definitions kramdown math-blocks smart",
        ("fn:{label}", "fnref:{label}", "fnref:{label}:{again}"),
        templates="liquid",
    ),
    "mkdocs": _PYTHON_MARKDOWN,  # https://www.mkdocs.org/user-guide/writing-your-docs
    # https://help.obsidian.md/obsidian-flavored-markdown
    "obsidian": by_commonmark("alerts comments inline-notes mark math wikilinks", templates="none"),
    "pelican": _PYTHON_MARKDOWN,  # https://docs.getpelican.com/en/latest/content.html
    "python-markdown": _PYTHON_MARKDOWN,  # https://python-markdown.github.io
    # https://vuepress.vuejs.org/guide/markdown.html, https://vitepress.dev/guide/markdown
    "vuepress": by_commonmark(
        "alerts attributes containers emoji inline-notes toc",
        ("footnote{number}", "footnote-ref{number}", "footnote-ref{number}:{again}"),
        templates="none",
    ),
    # By pulldown-cmark: https://www.getzola.org/documentation/content/overview
    "zola": by_commonmark(
        "alerts attributes definitions single-tildes",
        ("fn-{label}", "fr-{label}-1", "fr-{label}-{nth}"),
        templates="zola",
    ),
}
"""The dialects by name, as `articles.markdown` takes them (`model.settings.DialectName`)."""


@cache
def dialect(name: str) -> Dialect:
    """Return the dialect for a name and its changes, such as `hugo +emoji -smart`."""
    name, *changes = name.split()
    found = DIALECTS[name]
    added = {each[1:] for each in changes if each.startswith("+")}
    removed = {each[1:] for each in changes if each.startswith("-")}
    return replace(found, extensions=(found.extensions | added) - removed)
