"""VuePress and VitePress: https://vuepress.vuejs.org/guide/markdown.html,
https://vitepress.dev/guide/markdown.
"""

from __future__ import annotations

from broadsheet.markup.dialects import anchors, by_commonmark

DIALECT = by_commonmark(
    "alerts attributes containers emoji inline-notes toc",
    templates="none",
    **anchors("footnote{number}", "footnote-ref{number}", "footnote-ref{number}:{again}"),
)
