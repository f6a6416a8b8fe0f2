"""Constructs that generators read in their own ways, one by one; tests/conformance has the
generators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, dialect, render

URL = "https://example.org/a/"
LINKS = Links(LinkIndex("https://example.org/"), "a.md", URL)


def html(markdown: str, name: str, *, mdx: bool = False) -> str:
    """Return the HTML of `markdown` without insignificant line ends."""
    made = render(markdown, LINKS, dialect(name), mdx=mdx).html
    return made.replace(">\n", ">").replace("\n<", "<").replace(URL, "")


@pytest.mark.parametrize(
    ("name", "note", "first", "second"),
    [
        ("hugo", "#fn:1", "#fnref:1", "#fnref1:1"),
        ("jekyll", "#fn:b", "#fnref:b", "#fnref:b:1"),
        ("eleventy", "#fn1", "#fnref1", "#fnref1:1"),
        ("astro", "#user-content-fn-b", "#user-content-fnref-b", "#user-content-fnref-b-2"),
        ("zola", "#fn-b", "#fr-b-1", "#fr-b-2"),
    ],
)
def test_footnotes_lead_to_the_anchors_of_the_site(
    name: str, note: str, first: str, second: str
) -> None:
    """By label or by number, as the generator writes them, also for a second reference."""
    made = html("a[^b] c[^b]\n\n[^b]: d", name)
    assert made.count(f'<a href="{note}">1</a>') == 2
    assert f'<a href="{first}">↩' in made
    assert f'<a href="{second}">↩' in made


@pytest.mark.parametrize(
    ("markdown", "name", "expected"),
    [
        ("~a~", "hugo", "<p><del>a</del></p>"),
        ("~a~", "eleventy", "<p>~a~</p>"),
        ("~~a~~", "jekyll", "<p><del>a</del></p>"),
        ("T\n: D", "hugo", "<dl><dt>T</dt><dd>D</dd></dl>"),
        ("T\n: D", "astro", "<p>T\n: D</p>"),
        ("T\n*U*\n: D", "jekyll", "<dl><dt>T</dt><dt><em>U</em></dt><dd>D</dd></dl>"),
        ("`T` a\nU\n: D", "hugo", "<dl><dt><code>T</code> a</dt><dt>U</dt><dd>D</dd></dl>"),
        ("a^[b]", "hugo", "<p>a^[b]</p>"),
        ("- a\n^\n- b", "jekyll", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
        ("1. a\n- b\n2. c", "jekyll", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("- a\n 1. b\n- c", "jekyll", "<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>"),
        ("1. a\n   - b\n2. c", "jekyll", "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>"),
        ("1. a\n* * *\nb", "jekyll", "<ol><li>a</li></ol><hr><p>b</p>"),
        ("a <code>b*c*d</code>", "jekyll", "<p>a <code>b*c*d</code></p>"),
        ("a {::nomarkdown}*b*{:/} c", "jekyll", "<p>a *b* c</p>"),
        ('说"好"了', "hugo", '<p>说"好"了</p>'),
        ('说："好"', "hugo", "<p>说：“好”</p>"),
        ('[a](/b "题") "c"', "hugo", None),
    ],
)
def test_a_dialect_reads_what_its_generator_reads(
    markdown: str, name: str, expected: str | None
) -> None:
    """Each construct is markup if the generator supports it, otherwise text."""
    made = html(markdown, name)
    assert made == expected if expected else 'title="题">a</a> “c”' in made


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a\n\n    *b* c\n\td", "<p>a</p><p><em>b</em> c\nd</p>"),
        ("- a\n\n      b", "<ul><li><p>a</p><p>b</p></li></ul>"),
        ("```\n    a\n```", "<pre><code>    a</code></pre>"),
        ("- ```\n      a\n  ```", "<ul><li><pre><code>    a</code></pre></li></ul>"),
    ],
)
@pytest.mark.parametrize(("name", "mdx"), [("eleventy", False), ("astro", True)])
def test_indented_lines_are_text(markdown: str, expected: str, name: str, mdx: bool) -> None:
    """Eleventy and MDX have no indented code."""
    assert html(markdown, name, mdx=mdx) == expected


@pytest.mark.parametrize(
    ("markdown", "text", "block"),
    [
        ("    - a", "<p>- a</p>", "<ul><li>a</li></ul>"),
        ("\t1. a", "<p>1. a</p>", "<ol><li>a</li></ol>"),
        ("a\n\n    # b", "<p>a</p><p># b</p>", "<p>a</p><h1>b</h1>"),
    ],
)
def test_indented_blocks_are_blocks_in_mdx_only(markdown: str, text: str, block: str) -> None:
    """Eleventy disables only indented code; other blocks may not be indented that far."""
    assert html(markdown, "eleventy") == text
    assert html(markdown, "astro", mdx=True) == block


def test_indented_html_is_html() -> None:
    """In Eleventy, HTML that a template indents between blank lines is not code."""
    assert html("<div>\n\n    <p>a</p>\n\n</div>", "eleventy") == "<div><p>a</p></div>"


@pytest.mark.parametrize("name", ["commonmark", "hugo", "jekyll"])
@given(count=st.integers(1, 30), length=st.integers(1, 300))
def test_every_reference_is_resolved(name: str, count: int, length: int) -> None:
    """However often it occurs, and however long the URL beside the text."""
    address = f"https://e.org/{'x' * length}"
    made = html(f'{"[a] [b][a] [A][] " * count}\n\n[a]: <{address}> "Title"', name)
    assert made.count(f'href="{address}"') == 3 * count
    assert "\ue002" not in made


@pytest.mark.parametrize("note", ["", "[^1] [^1]\n\n[^1]: Note\n\n"])
@given(count=st.integers(1, 30), length=st.integers(1, 300))
def test_references_are_resolved_beside_footnotes(note: str, count: int, length: int) -> None:
    """Also if their label looks like that of a footnote."""
    address = f"https://e.org/{'x' * length}"
    made = html(f"{'[a][^b c] ' * count}\n\n{note}[^b c]: <{address}>", "hugo")
    assert made.count(f'href="{address}"') == count


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_a_definition_may_end_the_text(end: str) -> None:
    """Also without a line end, and also beside unclosed code."""
    assert html(f"[a][b]\n\n[b]: <https://e.org/>{end}", "hugo") == (
        '<p><a href="https://e.org/">a</a></p>'
    )
    assert html(f"[b]: /c\n\n[a][b]\n\n```\nd{end}", "hugo").endswith("<pre><code>d</code></pre>")


@pytest.mark.parametrize("tag", ["int", "vector", "set", "text", "matrix", "T", "path", "foo"])
def test_text_after_an_unknown_tag_is_kept(tag: str) -> None:
    """`queue<int> q` in a text: the tag is dropped, as in browsers, and no words with it."""
    assert html(f"a <{tag}> b\n\nc <{tag}> *d* <{tag}>e", "hugo") == (
        "<p>a  b</p><p>c  <em>d</em> e</p>"
    )


def test_a_url_that_emphasis_cuts_short_is_no_link() -> None:
    """A truncated URL would lead somewhere else."""
    made = html("https://e.org/__a__.py and https://e.org/b", "mkdocs")
    assert made.count("<a ") == 1
    assert 'href="https://e.org/b"' in made


def test_the_attributes_of_a_table_are_no_row() -> None:
    """The line after a table belongs to it."""
    assert html("| a |\n|---|\n| b |\n{.c}", "hugo").count("<tr>") == 2
