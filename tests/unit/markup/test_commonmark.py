"""What authors of CommonMark write, and the structure it must give."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, dialect, render

LINKS = Links(LinkIndex("https://example.org/"), "a.md", "https://example.org/a/")


def html(markdown: str) -> str:
    """Return the HTML of `markdown` without insignificant line ends."""
    made = render(markdown, LINKS, dialect("commonmark")).html
    return made.replace(">\n", ">").replace("\n<", "<")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\n- b\n- c", "<p>a</p><ul><li>b</li><li>c</li></ul>"),
        ("a\n1. b", "<p>a</p><ol><li>b</li></ol>"),
        ("In\n2024. it", "<p>In\n2024. it</p>"),
        ("1) a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n  - b\n    - c", "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li></ul>"),
        ("1. a\n   - b\n2. c", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("- a\n\n  b\n- c", "<ul><li><p>a</p><p>b</p></li><li><p>c</p></li></ul>"),
        ("- a\n1. b", "<ul><li>a</li></ul><ol><li>b</li></ol>"),
        ("* * *", "<hr>"),
        ("- [x] a\n- [ ] b", "<ul><li>☑ a</li><li>☐ b</li></ul>"),
    ],
)
def test_lists_need_no_blank_line_and_no_four_columns(markdown: str, expected: str) -> None:
    """Lists interrupt a paragraph, nest by their text's column, and keep their numbers."""
    assert html(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\n```py\nb\n```\nc", '<p>a</p><pre><code class="language-py">b</code></pre><p>c</p>'),
        ("~~~\n```\n~~~", "<pre><code>```</code></pre>"),
        ("```\na\n\n\nb\n```", "<pre><code>a\n\n\nb</code></pre>"),
        (
            "- a\n\n  ```\n  b\n    c\n  ```",
            "<ul><li><p>a</p><pre><code>b\n  c</code></pre></li></ul>",
        ),
        ("> ```\n> a\n> ```", "<blockquote><pre><code>a</code></pre></blockquote>"),
        ("    a\n\n    b", "<pre><code>a\n\nb</code></pre>"),
        ("```\n- a\n# b\n> c\n| d |\n```", "<pre><code>- a\n# b\n&gt; c\n| d |</code></pre>"),
    ],
)
def test_code_stays_as_it_is_everywhere(markdown: str, expected: str) -> None:
    """Fences interrupt a paragraph and may be in lists and quotes; nothing within them is
    parsed."""
    assert html(markdown) == expected


def test_an_unclosed_fence_runs_to_the_end() -> None:
    """A forgotten fence shows the rest as code, not as markup."""
    assert html("a\n\n```\n# b\n- c").startswith("<p>a</p><pre><code># b\n- c")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## A ##", "<h2>A</h2>"),
        ("## A {#a .b}", "<h2>A</h2>"),
        ("A\n===\nb", "<h1>A</h1><p>b</p>"),
        ("A\n---", "<h2>A</h2>"),
        ("#news today", "<p>#news today</p>"),
        ("a\n# B", "<p>a</p><h1>B</h1>"),
        ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        ("> a\n\n> b", "<blockquote><p>a</p></blockquote><blockquote><p>b</p></blockquote>"),
        ("> a\n>\n> b", "<blockquote><p>a</p><p>b</p></blockquote>"),
        ("> - a\n> - b", "<blockquote><ul><li>a</li><li>b</li></ul></blockquote>"),
        ("a\n***\nb", "<p>a</p><hr><p>b</p>"),
        ("T\n: D", "<dl><dt>T</dt><dd>D</dd></dl>"),
        ("T\n: D\n\nU\n: E", "<dl><dt>T</dt><dd>D</dd><dt>U</dt><dd>E</dd></dl>"),
    ],
)
def test_headings_quotes_rules_and_definitions(markdown: str, expected: str) -> None:
    """As in CommonMark, with definition lists as in Hugo and kramdown."""
    assert html(markdown) == expected


@pytest.mark.parametrize(
    "markdown",
    [
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a | b\n--|--\n1 | 2",
        "- x\n\n  | a | b |\n  |---|---|\n  | 1 | 2 |",
        "x\n| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_tables_anywhere(markdown: str) -> None:
    """Alone, in lists and after a paragraph, with outer pipes or without."""
    made = html(markdown)
    assert "<thead><tr><th>a</th><th>b</th></tr></thead>" in made
    assert "<tbody><tr><td>1</td><td>2</td></tr></tbody>" in made


def test_cells_keep_pipes_and_alignment() -> None:
    """An escaped pipe is text, and a column keeps its alignment."""
    made = html("| a\\|b | c |\n|---|--:|\n| 1 | 2 |")
    assert "<th>a|b</th>" in made
    assert '<td style="text-align:right">2</td>' in made


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("<div>\n\n**a**\n\n</div>", "<div><p><strong>a</strong></p></div>"),
        ("<div>\n**a**\n</div>", "<div>**a**</div>"),
        (
            "<details><summary>S</summary>\n\n- a\n\n</details>",
            "<details><summary>S</summary><ul><li>a</li></ul></details>",
        ),
        ("<span>*a*</span>", "<p><span><em>a</em></span></p>"),
        ("<!-- a\n\nb -->\n\nc", "<p>c</p>"),
        ("a <!-- b --> c", "<p>a  c</p>"),
        ("&copy; &#20013; &amp;", "<p>© 中 &amp;</p>"),
    ],
)
def test_raw_html_ends_at_a_blank_line(markdown: str, expected: str) -> None:
    """Markdown between blank lines within it is parsed, as in every CommonMark generator."""
    assert html(markdown) == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**重点：**后", "<strong>重点：</strong>后"),
        ("他说**“好”**。", "他说<strong>“好”</strong>。"),
        ("snake_case_word", "snake_case_word"),
        ("***a** b*", "<em><strong>a</strong> b</em>"),
        ("~~a~~ b~c 10~20~30", "<del>a</del> b~c 10~20~30"),
        ("他说~~删除。~~接着写", "他说<del>删除。</del>接着写"),
        ("前~~“引文”~~后", "前<del>“引文”</del>后"),
        ("**~~a~~**", "<strong><del>a</del></strong>"),
        ("~~ a ~~ ~~b ~~c ~~", "~~ a ~~ ~~b ~~c ~~"),
        ("a ~~~b~~~", "a ~~~b~~~"),
        ("~~https://a.org/~~", '<del><a href="https://a.org/">https://a.org/</a></del>'),
        ("https://a.org/__b__.py", '<a href="https://a.org/__b__.py">https://a.org/__b__.py</a>'),
        ("www.a.org", '<a href="https://www.a.org">www.a.org</a>'),
        ("约10~20元，30~40元", "约10~20元，30~40元"),
        ("H~2~O ~a~", "H~2~O <del>a</del>"),
        ("https://a.org/~~b/c~~d", '<a href="https://a.org/~~b/c~~d">https://a.org/~~b/c~~d</a>'),
        ("**a ~~b** c~~", "<strong>a ~~b</strong> c~~"),
        ("`` a`b ``", "<code>a`b</code>"),
        ("`<b>&amp;`", "<code>&lt;b&gt;&amp;amp;</code>"),
        ("\\*a\\*", "*a*"),
        ("a  \nb", "a<br>b"),
        ("a\\\nb", "a<br>b"),
        ("中文\n换行", "中文换行"),
        ("**中**\n文", "<strong>中</strong>文"),
        ("한국\n어", "한국\n어"),
    ],
)
def test_inline_markup(markdown: str, expected: str) -> None:
    """Emphasis beside Chinese, code, strikethrough, escapes and line breaks."""
    assert html(markdown) == f"<p>{expected}</p>"


@pytest.mark.parametrize(
    ("markdown", "href", "words"),
    [
        ('[a](/u "t")', "https://example.org/u", "a"),
        ("[a](<b c>)", "https://example.org/a/b%20c", "a"),
        ("[a](/b_(c))", "https://example.org/b_(c)", "a"),
        ("[a][B  c]\n\n[b C]: /u", "https://example.org/u", "a"),
        ("[`a`]\n\n[`a`]: /u", "https://example.org/u", "<code>a</code>"),
        ("[a]\n\n[a]: /u\n[a]: /v", "https://example.org/u", "a"),
        ("<https://e.org/?a=1&b>", "https://e.org/?a=1&amp;b", "https://e.org/?a=1&amp;b"),
        ("见https://e.org/中，然", "https://e.org/", "https://e.org/"),
        ("(https://e.org/b_(c))", "https://e.org/b_(c)", "https://e.org/b_(c)"),
        ("(see https://e.org/b.)", "https://e.org/b", "https://e.org/b"),
        ("https://e.org/a_b_c.", "https://e.org/a_b_c", "https://e.org/a_b_c"),
        ("[https://e.org](/u)", "https://example.org/u", "https://e.org"),
        ("mail me@e.org.", "mailto:me@e.org", "me@e.org"),
        ('<a href="/u">https://e.org</a>', "https://example.org/u", "https://e.org"),
        ('<a href="/u">me@e.org</a>', "https://example.org/u", "me@e.org"),
        ("<a href='/v'></a>https://e.org", "https://e.org", "https://e.org"),
    ],
)
def test_every_way_to_write_a_link(markdown: str, href: str, words: str) -> None:
    """Inline, by reference, in angle brackets and bare; never a link within a link."""
    assert f'<a href="{href}">{words}</a>' in html(markdown).replace(' title="t"', "")


def test_a_bare_address_in_code_is_code() -> None:
    """A URL in code is not a link."""
    assert "<a" not in html("`https://e.org me@e.org`\n\n    https://e.org")


def test_footnotes_have_paragraphs_and_back_links() -> None:
    """A footnote may have several paragraphs; reference and footnote link to each other."""
    made = html("a[^1] b[^1]\n\n[^1]: c\n\n    d\n\ne")
    assert "<p>c</p><p>d" in made
    assert made.count('#fn:1">1</a></sup>') == 2
    assert "#fnref:1" in made
    assert "<p>e</p>" in made


@pytest.mark.parametrize(
    "markdown", ["- a\n" * 2_000, "> a\n" * 2_000, "a\n\n" * 2_000, "# a\n" * 2_000]
)
def test_long_articles_are_fast(markdown: str) -> None:
    """Thousands of items, quoted lines, paragraphs or headings take seconds at most."""
    started = time.perf_counter()
    html(markdown)
    assert time.perf_counter() - started < 10


WORDS = st.text(alphabet="abcdefghij", min_size=1, max_size=6)


@given(st.recursive(WORDS, lambda items: st.lists(items, min_size=1, max_size=3), max_leaves=8))
def test_a_list_keeps_its_items_and_their_depth(tree: object) -> None:
    """However lists are nested, every item appears at the depth it was written."""
    lines: list[str] = []
    depths: list[int] = []

    def write(node: object, depth: int) -> None:
        for child in node if isinstance(node, list) else [node]:
            if isinstance(child, str):
                lines.append(f"{'  ' * depth}- {child}")
                depths.append(depth)
            else:
                lines.append(f"{'  ' * depth}- nested")
                depths.append(depth)
                write(child, depth + 1)

    write(tree, 0)
    made = html("\n".join(lines))
    found, depth = [], -1
    for part in made.replace("<", "\n<").split("\n"):
        depth += part.startswith("<ul>")
        depth -= part.startswith("</ul>")
        if part.startswith("<li>"):
            found.append(depth)
    assert found == depths
