"""The time to render grows with the size of a text, whatever it repeats (the long form)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from broadsheet.markup import LinkIndex, Links, TooComplex, dialect, render

pytestmark = [pytest.mark.nightly, pytest.mark.measuring]

_SMALL: Final = 100_000  # bytes
_LARGE: Final = 1_000_000
_MOST: Final = 20  # times as long for ten times as much, since caches and page faults cost too
_LINKS: Final = Links(LinkIndex("https://example.org/"), "content/a.md", "https://example.org/a/")

_NUMBERED: Final[dict[str, Callable[[int], str]]] = {
    "references": lambda n: f"[t{n}][l{n}]\n\n[l{n}]: https://e.org/{n}\n\n",
    "notes": lambda n: f"a[^{n}]\n\n[^{n}]: note\n\n",
    "unused notes": lambda n: f"[^{n}]: note\n\n",
    "abbreviations": lambda n: f"*[A{n}]: meaning\n\nA{n} word\n\n",
    "backticks": lambda n: "`" * (n % 50 + 1) + "a ",
    "nested lists": lambda n: " " * (2 * (n % 100)) + "- a\n",
    "nested quotes": lambda n: ">" * (n % 99) + " a\n\n",
}
# fmt: off
_REPEATED: Final = (
    "一段普通的文字，with words in it.\n\n", "一行文字\n", "字", "word ", "## 标题 text\n\n",
    "## Title {#x .y}\n\n", "- item\n", "1. item\n", "- a\n  - b\n    - c\n", "- a\n\n  b\n\n",
    "> quote\n\n", "> a\nb\n\n", "> > a\n\n", "```py\ncode\n```\n\n", "```\n", "~~~\n",
    "    code\n\n", "| a | b |\n| - | - |\n| 1 | 2 |\n\n", "|", "|a\n", "*强调*文字 ",
    "**强调**，文字 ",
    "*a ", "**a ", "_a ", "*a _b ** c __ ", "*", "***a ", "`a` ", "`a``",
    "[text](https://e.org/a) ", "[a](", "[", "[a] ", "]", "[a][b] ", "![alt](a.png) ", "![a",
    "<https://e.org/> ", "https://e.org/a ", "https://", "www.a.b ", "a@b.org ", "a@",
    "<b>x</b> ", "<div>\n\n", "<div>a</div>\n\n", "<span>", "<a href=\"", "<", "<!-- a -->",
    "<!--", "<![CDATA[", "<?", "&amp; ", "&", "&#1234;", "a[^1] ", "[^", "^[a] ",
    "term\n: meaning\n\n", "::: tip\na\n:::\n\n", "::: tip\n", "> [!NOTE]\n> a\n\n", "$a_b$ ",
    "$$\na\n$$\n\n", "$ ", "$", ":tada: ", ":", "==a== ", "~a~ ", "~~a ", "- [ ] a\n", "---\n\n",
    "a\n---\n", "[[Page]] ", "[[", "![[a.png]] ", "%%a%% ", "%%", "a\n{: .x}\n\n", "{: ",
    "[[toc]]\n\n", "{{ site.baseurl }} ", "{{ ", "{% raw %}a{% endraw %} ", "{% raw %} ", "{% ",
    "{{< figure src=\"a.png\" >}}\n\n", "{{< note >}}\na\n{{< /note >}}\n\n", "{{< note >}}\n",
    "<details><summary>a</summary>\n\nb\n\n</details>\n\n",
    "<div markdown=\"1\">\n\na\n\n</div>\n\n", "<Tabs>\n\na\n\n</Tabs>\n\n", "<A b={c} />\n\n",
    "{/* a */}\n\n", "{/*", "import A from 'a'\n\n", "{", "{a}", "\\*", "\\", "a\r\n", "\ta\n",
    " ", "\n", "\u00a0", "a\u0301", "\"a\" ", "说\"好\"了", "a -- b ", "... ", "\"", "a  \nb\\\n",
    "<svg><path/></svg>", "<style>a</style>", "<script>a", "<pre>\na\n</pre>\n", "<sub>a</sub>",
    "<iframe src=\"https://e.org\"></iframe>\n\n", "<input type=checkbox>", "*a **b ",
    "[a [b](c) ", "![[", "[a](b \"c\") ", "<td>", "<li>", "</p>", "<b>", "<a href=x>",
    "<i><b><u>", "://", "=\"http", "<a href=\"#fnref-\" class=\"footnote-backref\"",
    "<a href=\"#fnref-\" class=\"footnote-backref\" data-footnote-backref ",
)
# fmt: on


@pytest.mark.parametrize("name", ["commonmark", "jekyll", "obsidian", "docusaurus", "astro"])
@pytest.mark.parametrize("unit", _REPEATED)
def test_repeating_a_text_takes_time_in_proportion(unit: str, name: str) -> None:
    """A quadratic construct would take a hundred times as long for ten times as much."""
    _check(lambda _: unit, name)


@pytest.mark.parametrize("unit", _NUMBERED.values(), ids=_NUMBERED.keys())
def test_so_does_what_differs_each_time(unit: Callable[[int], str]) -> None:
    """Labels and depths, each of which the engine has to remember."""
    _check(unit, "jekyll")


def _check(unit: Callable[[int], str], name: str) -> None:
    small, large = _seconds(unit, _SMALL, name), _seconds(unit, _LARGE, name)
    assert large < max(_MOST * small, 2.0)


def _seconds(unit: Callable[[int], str], size: int, name: str) -> float:
    parts, length = list[str](), 0
    while length < size:
        parts.append(unit(len(parts)))
        length += len(parts[-1].encode())
    started = time.process_time()
    with suppress(TooComplex):
        render("".join(parts), _LINKS, dialect(name))
    return time.process_time() - started
