"""VuePress and VitePress (https://vuepress.vuejs.org/guide/markdown.html, https://vitepress.dev/guide/markdown)."""

from __future__ import annotations

from broadsheet.markup.dialects import Dialect

DIALECT = Dialect(
    "commonmark",
    frozenset({"alerts", "attributes", "containers", "emoji", "inline-notes", "toc"}),
    templates="none",
    note="footnote{number}",
    note_ref="footnote-ref{number}",
    note_again="footnote-ref{number}:{again}",
)
