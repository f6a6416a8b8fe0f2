"""Articles as readers get them: laws that hold for every text, and one real article."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, TooComplex, dialect, render
from broadsheet.text.characters import forbidden
from newsroom import ROOT
from safe_html import assert_harmless, sanitise

SEED = ROOT / "seeds/2025-06-19-ai-talent-war.md"
ARTICLE = "https://example.org/posts/talent/"
LINKS = Links(LinkIndex("https://example.org/"), "seeds/a.md", ARTICLE)


def body() -> str:
    return SEED.read_text(encoding="utf-8").split("\n---\n", 1)[1]


ENGINES = ["commonmark", "python-markdown"]


def html(markdown: str, name: str = "commonmark", *, mdx: bool = False) -> str:
    return render(markdown, LINKS, dialect(name), mdx=mdx).html


def test_a_real_article_is_complete() -> None:
    """Its quote, headings, emphasis, footnotes and sources are all there, and Chinese is
    unchanged."""
    made = render(body(), LINKS, dialect("commonmark"))
    assert made.html.startswith("<blockquote>\n<p>近日，")
    assert made.html.count("<h3>") == 3
    assert "高达<strong>1亿美元</strong>的" in made.html
    assert made.html.count("</li>") == 5
    assert 'href="https://www.bbc.co.uk/news/articles/c8730088e5do"' in made.html
    assert made.excerpt.startswith("在一场日益白热化的")
    assert made.excerpt.endswith("。")


def test_a_footnote_links_to_the_article_on_the_web() -> None:
    """No id is left; references and back links point to the article's own URL (decision 0003)."""
    made = html("a[^n] [b](#part)\n\n## Part {#part}\n\n[^n]: c")
    assert " id=" not in made
    for fragment in ("fn:n", "fnref:n", "part"):
        assert f'href="{ARTICLE}#{fragment}"' in made


def test_an_article_is_the_same_after_any_other() -> None:
    """Nothing of one article affects the next: footnotes, link definitions, abbreviations."""
    alone = html(body())
    html("a[^1] [x]\n\n[^1]: b\n\n[x]: /y\n\n*[AI]: c")
    assert html(body()) == alone
    assert html("[x] AI") == "<p>[x] AI</p>"


def test_an_article_is_the_same_in_any_process() -> None:
    """The bytes do not depend on the hash seed or on what the process did before."""
    program = (
        "import sys; from broadsheet.markup import LinkIndex, Links, dialect, render;"
        f"links = Links(LinkIndex('https://example.org/'), 'seeds/a.md', {ARTICLE!r});"
        "text = sys.stdin.buffer.read().decode();"
        "sys.stdout.buffer.write(render(text, links, dialect('commonmark')).html.encode())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=body().encode(),
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert made == {html(body()).encode()}


def test_mdx_imports_are_removed() -> None:
    """The code lines of an MDX file are not text, and its excerpt mark is recognised."""
    text = "import A from 'a'\nexport const b = 1\n\nFirst.\n\n{/* more */}\n\nSecond."
    made = render(text, LINKS, dialect("commonmark"), mdx=True)
    assert made.html == "<p>First.</p>\n<p>Second.</p>"
    assert made.excerpt == "First."


def test_text_nested_too_deeply_is_an_error() -> None:
    """It raises the documented error of `render`, with a readable message."""
    with pytest.raises(TooComplex, match="nested too deeply"):
        html(">" * 5_000 + "a")


MARKS = st.sampled_from(
    [*"*_`~[]()<>!#-+|:\\\"'&;={}^\n ", "\n\n", "    ", "a", "中", "。", "1. ", "- ", "> ", "```",
     "[^1]", "[^1]: ", "<div>", "</div>", "<!--", "-->", "http://", "x.org", "&amp;", "{{< ", ">}}",
     "{% ", "%}", "<a href=x>", "![", "](", "| a |", "|---|", "\t", "\x00", "\u2028", "😀"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@example("[^1]: 1. <div><div><div>[^1]\n\n<a href=x>")
@example("\ufdd0\U0001fffe\U0010ffff&#xfdd0;")
@given(st.lists(MARKS, max_size=40).map("".join) | st.text(max_size=80))
def test_any_text_has_a_rendition(text: str) -> None:
    """It is well-formed, harmless and stable, has no relative URL, and no character that XML
    forbids."""
    made = render(text, LINKS, dialect("commonmark"))
    assert_harmless(made.html)
    assert forbidden(made.html + made.excerpt) == []
    assert sanitise(made.html, lambda address: address) == made.html
    assert "\n" not in made.excerpt


@pytest.mark.parametrize(
    "text",
    [
        "a[^1]\n\n[^1]: [^2]: Two.\n\n[^3]: Three.\n",
        "a[^1] b[^2]\n\n[^1]: One.\n\n    [^2]: Two.\n\n    [^3]: [^4]: Three.\n",
    ],
)
def test_a_footnote_within_a_footnote_is_not_lost(text: str) -> None:
    """Each is below the text once, wherever it was defined, and breaks nothing."""
    made = html(text)
    for word in ("One.", "Two.", "Three."):
        assert made.count(word) == text.count(word)
