"""The intended differences from the generators, each by name and with its reason.

A sample that is listed here and no longer differs fails its test, so that the list stays true.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Accepted(NamedTuple):
    """Samples that a generator reads otherwise, and why we do not.

    samples: name of a generator -> file names of samples, without their ending.
    """

    name: str
    samples: dict[str, str]
    reason: str


DIFFERENCES: Final = (
    Accepted(
        "chinese-emphasis",
        {
            "hugo": "inline-emphasis-chinese-punctuation",
            "eleventy": "inline-emphasis-chinese-punctuation",
            "astro": "inline-emphasis-chinese-punctuation",
        },
        "CommonMark leaves asterisks beside Chinese punctuation; the author meant emphasis",
    ),
    Accepted(
        "bare-urls-are-links",
        {
            "eleventy": "links-bare links-bare-end links-bare-parentheses links-bare-www "
            "links-bare-mail links-bare-chinese links-bare-tilde links-bare-bold "
            "blocks-table-chinese",
            "jekyll": "links-bare links-bare-end links-bare-parentheses links-bare-www "
            "links-bare-mail links-bare-chinese links-bare-tilde links-bare-bold "
            "blocks-table-chinese",
            "pelican": "links-bare links-bare-end links-bare-parentheses links-bare-www "
            "links-bare-mail links-bare-chinese links-bare-tilde links-bare-bold "
            "blocks-table-chinese",
            "mkdocs": "links-bare links-bare-end links-bare-parentheses links-bare-www "
            "links-bare-mail links-bare-chinese links-bare-tilde links-bare-bold "
            "blocks-table-chinese",
        },
        "the site shows the address as text; readers of a feed or a mail can follow it",
    ),
    Accepted(
        "bare-urls-are-whole",
        {
            "eleventy": "links-bare-underscores",
            "jekyll": "links-bare-underscores",
        },
        "as above; marks within an address are part of it, and no emphasis",
    ),
    Accepted(
        "bare-urls-end-at-chinese",
        {
            "hugo": "links-bare-chinese blocks-table-chinese",
            "astro": "links-bare-chinese",
        },
        "GFM takes the Chinese after an address to be part of it, goldmark links none "
        "after Chinese",
    ),
    Accepted(
        "bare-urls-end",
        {
            "hugo": "links-bare-end links-bare-mail links-bare-underscores links-bare-tilde",
            "astro": "links-bare-tilde links-bare-www",
        },
        "where an address ends beside quotes and marks, libraries differ; ours take the "
        "whole one; `www.` leads to https",
    ),
    Accepted(
        "tildes-between-numbers",
        {
            "hugo": "inline-tilde-range inline-tilde-chinese inline-subscript",
            "astro": "inline-tilde-range inline-tilde-chinese inline-subscript",
        },
        "`10~20 and 30~40` are ranges, `H~2~O` is a subscript; neither is struck out",
    ),
    Accepted(
        "alerts-have-titles",
        {
            "hugo": "inline-alert inline-alert-more",
            "eleventy": "inline-alert inline-alert-more",
            "jekyll": "inline-alert inline-alert-more",
            "astro": "inline-alert inline-alert-more",
        },
        "sites that write alerts have a theme or plugin for them; a mark would be left in the text",
    ),
    Accepted(
        "admonitions-are-quotes",
        {
            "mkdocs": "blocks-admonition blocks-admonition-plain",
        },
        "the classes that set them apart on the site mean nothing in a feed",
    ),
    Accepted(
        "containers-of-plugins",
        {
            "eleventy": "inline-container",
            "astro": "inline-container",
        },
        "Starlight and markdown-it-container read them; without either nobody writes them",
    ),
    Accepted(
        "attributes-of-plugins",
        {
            "hugo": "blocks-block-attributes-hugo blocks-paragraph-attributes-hugo "
            "links-image-attributes",
            "astro": "blocks-heading-attributes-astro",
        },
        "a setting or a plugin reads them; without it they would be marks left over on "
        "the site too",
    ),
    Accepted(
        "tasks",
        {
            "eleventy": "lists-tasks",
        },
        "a plugin reads them; ☐ is what `[ ]` means",
    ),
    Accepted(
        "notes-without-references",
        {
            "hugo": "inline-note-unused",
            "eleventy": "inline-note-unused",
            "jekyll": "inline-note-unused",
            "astro": "inline-note-unused",
        },
        "the text of a footnote is never lost",
    ),
    Accepted(
        "formulas-stay-as-typed",
        {
            "jekyll": "inline-math-block inline-math-inline-double",
        },
        "the site writes them for a script, which feeds do not run",
    ),
    Accepted(
        "guesses-of-typographers",
        {
            "hugo": "inline-quotes-single inline-quotes-nested inline-quotes-inches "
            "inline-dashes-more inline-quotes-chinese",
            "jekyll": "inline-dashes-more inline-guillemets inline-quotes-chinese",
            "astro": "inline-dashes-more inline-guillemets inline-ellipsis inline-quotes-chinese",
        },
        "which way a quote points after a digit, within another and beside Chinese, and "
        "what four dots or dashes become: libraries guess differently",
    ),
    Accepted(
        "dashes-of-smartypants",
        {
            "astro": "inline-dashes",
        },
        "retext-smartypants makes an em dash of `--`, all others an en dash",
    ),
    Accepted(
        "escaped-quotes-stay-straight",
        {
            "astro": "inline-escapes-more",
        },
        "retext sees the text after escapes are gone",
    ),
    Accepted(
        "fences-that-kramdown-misses",
        {
            "jekyll": "code-fence-title code-fence-lines code-fence-unclosed",
        },
        "kramdown shows code with an info string of more words, or without an end, as text",
    ),
    Accepted(
        "code-in-lists-of-kramdown",
        {
            "jekyll": "code-fence-in-list code-fence-in-nested-list",
        },
        "kramdown keeps the spaces by which the code is further in than the text of the item",
    ),
    Accepted(
        "numbers-as-typed",
        {
            "jekyll": "lists-numbers-from-three lists-broken-by-text",
            "pelican": "lists-broken-by-text",
            "mkdocs": "lists-broken-by-text",
        },
        "a list that goes on after a paragraph goes on counting, as the author wrote it",
    ),
    Accepted(
        "headings-of-one-line",
        {
            "jekyll": "blocks-setext-long",
        },
        "kramdown reads no underlined heading of two lines, and shows the underline",
    ),
    Accepted(
        "emphasis-of-kramdown",
        {
            "jekyll": "inline-emphasis inline-emphasis-beside-punctuation",
        },
        "kramdown nests `***a***` the other way, which nobody sees, and closes emphasis "
        "between a letter and a quotation mark",
    ),
    Accepted(
        "alternative-text",
        {
            "jekyll": "links-image",
        },
        "kramdown keeps the marks of emphasis in the alternative text of an image",
    ),
    Accepted(
        "no-table-of-contents",
        {
            "jekyll": "blocks-table-of-contents",
        },
        "a feed or a mail has no headings to jump to (docs/decisions/0003)",
    ),
    Accepted(
        "several-terms",
        {
            "eleventy": "lists-definition-many-terms",
        },
        "markdown-it-deflist shows the colon",
    ),
    Accepted(
        "fences-in-lists-and-quotes",
        {
            "pelican": "code-fence-in-list code-fence-in-nested-list code-fence-in-quote",
        },
        "Python-Markdown's fences work at the margin only; pymdown-extensions reads these",
    ),
    Accepted(
        "components-are-unwrapped",
        {
            "astro": "mdx-import mdx-inline-component mdx-nested",
        },
        "a component is a template of the site; what is in it is the article's",
    ),
    Accepted(
        "captions",
        {
            "hugo": "templates-figure",
        },
        "Hugo puts a paragraph into the caption; nobody sees it",
    ),
)


def reason(generator: str, sample: str) -> str | None:
    """Return why `sample` may differ from `generator`; None where it may not."""
    for each in DIFFERENCES:
        if sample in each.samples.get(generator, "").split():
            return f"{each.name}: {each.reason}"
    return None
