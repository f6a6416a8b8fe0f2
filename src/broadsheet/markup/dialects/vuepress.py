"""VuePress and VitePress (https://vuepress.vuejs.org/guide/markdown.html, https://vitepress.dev/guide/markdown)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "containers", "emoji"}),
    templates="none",
    note="footnote",
    note_ref="footnote-ref",
)
