"""What each dialect parses, and what it leaves as text."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import get_args

import pytest

from broadsheet.markup import Asset, LinkIndex, Links, TooComplex, dialect, render
from broadsheet.markup.dialects import EXTENSIONS
from broadsheet.markup.rewrites.cells import rewrite_cells
from broadsheet.model.settings import ArticleSettings, DialectName, MarkdownExtension, PlaceSettings

LINK_INDEX = LinkIndex(
    "https://example.org/",
    pages={"notes/Other Page.md": "https://example.org/other/"},
    beside={"notes/cat.png": Asset("notes/cat.png", "https://example.org/cat.png", 3)},
)
LINKS = Links(LINK_INDEX, "notes/a.md", "https://example.org/a/")
DIALECTS = DialectName.known()
COMMONMARK = [name for name in DIALECTS if dialect(name).engine == "commonmark"]
PYTHON_MARKDOWN = [name for name in DIALECTS if dialect(name).engine == "python-markdown"]


def html(markdown: str, name: str, language: str = "en") -> str:
    """Return the HTML of `markdown` without insignificant line ends."""
    made = render(markdown, LINKS, dialect(name), language=language).html
    return made.replace(">\n", ">").replace("\n<", "<").replace("\n", " ")


def test_the_config_knows_every_dialect_and_extension() -> None:
    """Files and config have the same names."""
    assert set(EXTENSIONS) == set(get_args(MarkdownExtension))
    assert all(dialect(name).extensions <= EXTENSIONS.keys() for name in DIALECTS)


def test_the_dialect_of_a_file_is_that_of_its_innermost_folder() -> None:
    """Extensions apply to all dialects."""
    settings = ArticleSettings(
        markdown="hugo",
        within={
            "content/old": PlaceSettings(markdown="pelican"),
            "content/old/new": PlaceSettings(markdown="zola"),
        },
        markdown_extensions={"emoji": True, "smart": False},
    )
    assert settings.dialect_of("content/a.md") == "hugo +emoji -smart"
    assert settings.dialect_of("content/old/a.md") == "pelican +emoji -smart"
    assert settings.dialect_of("content/old/new/a.md") == "zola +emoji -smart"
    assert settings.dialect_of("content/old/a.html") == "html +emoji -smart"
    assert settings.dialect_of("content/older/a.md") == "hugo +emoji -smart"
    extensions = dialect("hugo").extensions
    assert dialect("hugo +emoji -smart").extensions == extensions - {"smart"} | {"emoji"}


@pytest.mark.parametrize("name", COMMONMARK)
@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("```js{1,3}\na\n```", '<pre><code class="language-js">a</code></pre>'),
        ('```jsx title="a b" x\n# a\n```', '<pre><code class="language-jsx"># a</code></pre>'),
        ("```toml ,name=x.toml\na\n```", '<pre><code class="language-toml">a</code></pre>'),
        ("a\n- b\n  - c", "<p>a</p><ul><li>b<ul><li>c</li></ul></li></ul>"),
        ("> a  \n> b\\\n> c", "<blockquote><p>a<br>b<br>c</p></blockquote>"),
        ("\\$ \\@ \\<b\\> \\:", "<p>$ @ &lt;b&gt; :</p>"),
        ("他说**“重点”**的~~旧。~~新", "<p>他说<strong>“重点”</strong>的<del>旧。</del>新</p>"),
        ("10~20 and 30~40", "<p>10~20 and 30~40</p>"),
        ("花了$5和$10", "<p>花了$5和$10</p>"),
        ("- [x] a", "<ul><li>☑ a</li></ul>"),
    ],
)
def test_every_commonmark_dialect_reads_this_alike(name: str, markdown: str, expected: str) -> None:
    """Fences with any info string, lists, hard breaks, escapes, Chinese emphasis, prices."""
    assert html(markdown, name) == expected


@pytest.mark.parametrize(
    ("extension", "markdown", "expected"),
    [
        ("abbreviations", "HTML\n\n*[HTML]: H", '<p><abbr title="H">HTML</abbr></p>'),
        (
            "alerts",
            "> [!NOTE]\n> a",
            "<blockquote><p><strong>Note</strong></p><p>a</p></blockquote>",
        ),
        ("alerts", "> [!tip]- *T*\n> a", "<p><strong><em>T</em></strong></p><p>a</p>"),
        ("attributes", "## A {#b .c}", "<h2>A</h2>"),
        ("attributes", "![](cat.png){width=30 .x}", 'alt="" width="30"'),
        ("attributes", "a\n{.lead}", "<p>a</p>"),
        ("attributes", '## A <Badge text="b" /> {#c}', "<h2>A </h2>"),
        ("attributes", "# A <my-tag></my-tag> {#c}", "<h1>A </h1>"),
        ("attributes", "**a**{#b} *c*{.d}", "<p><strong>a</strong> <em>c</em></p>"),
        ("comments", "a %%*b* `c`%% d", "<p>a  d</p>"),
        ("comments", "a\n\n%%\nb\n\n```\nc\n```\n%%\n\nd", "<p>a</p><p>d</p>"),
        ("comments", "> a\n>\n> %%b\n>\n> c%%", "<blockquote><p>a</p></blockquote>"),
        ("containers", "+alerts :::tip[T]\na\n:::\nb", "</p><p>a</p></blockquote><p>b</p>"),
        ("containers", ":::tabs\na\n:::", "<p>a</p>"),
        (
            "containers",
            ":::tip Use `a`\nb[^1]\n\n[^1]: c\n\n    d\n:::",
            "<p><strong>Use <code>a</code></strong></p><p>b<sup>",
        ),
        (
            "containers",
            "::::tip\n:::danger\na\n:::\n::::",
            "Tip</strong></p><blockquote><p><strong>Caution</strong></p><p>a</p></blockquote>",
        ),
        ("containers", "- a\n\n  ::: details\n  b\n  :::", "<p>a</p><blockquote><p>b</p>"),
        ("emoji", ":tada:", "<p>🎉</p>"),
        ("kramdown", "## A\n{: #b}\n\n* TOC\n{:toc}\n\nb\n{: .c}", "<h2>A</h2> <p>b</p>"),
        ("kramdown", "<br>\n*a* b", "<p><br><em>a</em> b</p>"),
        ("kramdown", "<span class='b'>\n*a*\n</span>", "<p><span><em>a</em></span></p>"),
        (
            "kramdown",
            "[a] [b]\n\n[a]: https://e.org/c)\n[b]: https://e.org/d",
            '<a href="https://e.org/c)">a</a> <a href="https://e.org/d">b</a>',
        ),
        ("kramdown", '<div markdown="1">\n*a*\n</div>', "<p><em>a</em></p>"),
        ("kramdown", "![](cat.png){: width='3'}", 'alt="" width="3"'),
        ("kramdown", "[a](/b c.png) [d](/e 'f')", '<a href="https://example.org/b%20c.png">a</a>'),
        ("kramdown", "<div>\n<pre>a\n\n*b*</pre>\n</div>", "<pre>a  *b*</pre>"),
        ("kramdown", "| a |\n|---|\n| `b | c` |", "<td><code>b | c</code></td>"),
        ("mark", "==a==", "<p><mark>a</mark></p>"),
        ("math", "$_a_$ and $*b*$", "<p>$_a_$ and $*b*$</p>"),
        ("math", "$$\n\\{a\\} *b* *c*\n$$", "<p>$$ \\{a\\} *b* *c* $$</p>"),
        ("math-blocks", "$$*a* \\\\ b$$ $5*6*", "<p>$$*a* \\\\ b$$ $5<em>6</em></p>"),
        ("smart", '"a" -- b...', "<p>“a” – b…</p>"),
        ("toc", "a\n\n[[TOC]]\n\nb", "<p>a</p><p>b</p>"),
        ("wikilinks", "[[Other Page]]", '<a href="https://example.org/other/">Other Page</a>'),
        ("wikilinks", "[[Other Page#A b|c]]", '<a href="https://example.org/other/#a-b">c</a>'),
        ("wikilinks", "a *b* ^c-1\n\n- d ^e", "<p>a <em>b</em></p><ul><li>d</li></ul>"),
        ("wikilinks", "> a\n\n^b\n\nc", "<blockquote><p>a</p></blockquote><p>c</p>"),
        (
            "wikilinks",
            "![[cat.png|30]]",
            '<img src="https://example.org/cat.png" width="30" alt="">',
        ),
    ],
)
def test_extensions_can_be_switched(extension: str, markdown: str, expected: str) -> None:
    """Each can be added to a dialect, and removed from it."""
    also, _, rest = markdown.partition(" ") if markdown.startswith("+") else ("", "", markdown)
    assert expected in html(rest, f"commonmark +{extension} {also}")
    off = " ".join(f"-{name}" for name in EXTENSIONS)
    assert expected not in html(rest, f"commonmark {off}")


@pytest.mark.parametrize("name", [*COMMONMARK, *PYTHON_MARKDOWN])
def test_every_dialect_reads_chinese_emphasis_and_bare_urls(name: str) -> None:
    """Both engines, whatever follows directly."""
    made = html("**“重点”**的 见https://e.org/中文，me@e.org。", name)
    assert "<strong>“重点”</strong>的" in made
    assert '<a href="https://e.org/">https://e.org/</a>中文' in made
    assert '<a href="mailto:me@e.org">me@e.org</a>。' in made


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("!!! tip\n    a", "<blockquote><p><strong>Tip</strong></p><p>a</p></blockquote>"),
        ('??? note "T"\n    a', "<details><summary>T</summary><p>a</p></details>"),
        ("- a\n\n    ```\n    b\n    ```", "<ul><li><p>a</p><pre><code>b</code></pre></li></ul>"),
        ("~~a~~ b~2~", "<p><del>a</del> b~2~</p>"),
        ("a\n- b", "<p>a - b</p>"),
        ("*[H]: L\n\nH", '<p><abbr title="L">H</abbr></p>'),
    ],
)
def test_python_markdown_is_read_as_the_library_reads_it(markdown: str, expected: str) -> None:
    """With its own extensions and those of pymdown-extensions."""
    assert html(markdown, "python-markdown") == expected


def test_an_escape_in_an_address_is_resolved() -> None:
    """Python-Markdown itself leaves its marks for it, which are control characters."""
    made = html(r"<mailto:a\_b@e.org>", "python-markdown")
    assert made == '<p><a href="mailto:a_b@e.org">a_b@e.org</a></p>'


@pytest.mark.parametrize(
    "text", ["5%% or 6%% of it", "a %% b", "a %%\n\n%% b", "https://e.org/%%a%%", "%% a"]
)
def test_text_that_looks_like_a_comment_is_kept(text: str) -> None:
    """Unpaired marks, and percentages."""
    assert "%%" in html(text, "obsidian")
    assert "<code>%%a%%</code>" in html("`%%a%%`", "obsidian")


def test_an_alert_is_named_in_the_language_of_the_article() -> None:
    """If it has no title of its own."""
    assert "<strong>警告</strong>" in html("> [!WARNING]\n> 当心", "github", "zh-CN")
    assert "<strong>Careful now</strong>" in html("> [!careful-now]\n> a", "github", "zh-CN")


def test_an_element_of_the_author_is_not_an_alert() -> None:
    """Even beside a container, and with the class that one has."""
    made = html('<div class="note">\n\na\n\n</div>\n\n:::tabs\nb\n:::', "commonmark")
    assert made == "<div><p>a</p></div><p>b</p>"


@pytest.mark.parametrize(("name", "anchor"), [("jekyll", "fn:a"), ("github", "user-content-fn-a")])
def test_a_footnote_leads_to_its_anchor_on_the_site(name: str, anchor: str) -> None:
    """Generators name these anchors differently (decision 0003)."""
    made = html("a[^a]\n\n[^a]: b", name)
    assert f'href="https://example.org/a/#{anchor}"' in made
    assert "↩\ufe0e" in made


def test_a_footnote_that_nothing_refers_to_is_kept() -> None:
    """Below the others, without a back link; the directive that asks for it leaves no trace."""
    made = html("a[^1]\n\n[^1]: b\n[^unused]: c\n", "commonmark")
    assert "<li><p>c </p></li></ol></section>" in made
    assert made.startswith("<p>a<sup>")
    assert "unused" not in made
    assert "\ue001" not in made
    assert html("```\na\n\n[^1]: b", "commonmark") == "<pre><code>a  [^1]: b</code></pre>"
    alone = html("a\n\n[^1]: b\n[^2]: c", "commonmark")
    assert alone.startswith("<p>a</p><hr><section><ol><li><p>b </p></li>")


@pytest.mark.long
@pytest.mark.parametrize(
    "unit",
    [
        *("[", "![", "> a\n", "*a ", "_a_ ", "`a", "``a` ", "~a~ ", "<b>", "</b>", "<div>\n\n"),
        *("<p>x", "<ul><li>", "|a", "&amp;", "<", "https://e.org/a_b_ ", "a@b.org ", "$a", "$$a "),
        *("[^1] ", "[^a]: x\n\n", "- a\n", "# a {#b}\n\n", "{a=b} ", "![a](b){width=1} "),
        *(
            "a\n{: .b}\n\n",
            ":::note\n",
            ":::note\na\n:::\n",
            "> [!NOTE]\n> a\n\n",
            "[[a]] ",
            "![[a.png]] ",
            "%% ",
            "a %%\n\n",
            "*[a]: b\n",
        ),
        *("<!--", "<!--more-->\n\n", "^[a]", "a\n: b\n\n", "中\n", "字 [a](b) *c* ", "[a]: b\n"),
        *(
            '<div markdown="1">\na\n</div>\n',
            "<input type=checkbox>",
            "<p a=1 ",
            "<svg>",
            "<a href=x>",
        ),
    ],
)
def test_no_commonmark_takes_long(unit: str) -> None:
    """Fifty kilobytes of any construct take well under a second of CPU time."""
    everything = dialect("jekyll " + " ".join(f"+{name}" for name in EXTENSIONS))
    body = unit * (50_000 // len(unit.encode()))
    started = time.process_time()
    with suppress(TooComplex):
        render(body, LINKS, everything)
    assert time.process_time() - started < 5  # on a busy machine; a quadratic one takes minutes


def test_thousands_of_unused_footnotes_take_no_longer() -> None:
    """Each has a label of its own, so each has a reference that is added and removed."""
    started = time.process_time()
    render("".join(f"[^{n}]: note\n\n" for n in range(10_000)), LINKS, dialect("commonmark"))
    assert time.process_time() - started < 4  # quadratic, it took 12


@pytest.mark.parametrize("unit", ["[^", "^[", "a|\n-|\n", "- ```\n", "{::comment}", ":::note\n"])
def test_nothing_is_looked_for_from_each_of_its_marks(unit: str) -> None:
    """What has no end costs no more, however often it begins."""
    started = time.process_time()
    with suppress(TooComplex):
        render(unit * (150_000 // len(unit)), LINKS, dialect("jekyll +inline-notes +containers"))
    assert time.process_time() - started < 8  # quadratic, they take 12 to 300


@pytest.mark.parametrize(
    ("markdown", "what"),
    [
        (">" * 200 + "a", "nested too deeply"),
        ("|a" * 2_000 + "\n" + "|-" * 2_000 + "\n" + "|b\n" * 2_000, "table is too large"),
    ],
)
def test_superlinear_input_is_refused(markdown: str, what: str) -> None:
    """The engine cannot be interrupted."""
    with pytest.raises(TooComplex, match=what) as raised:
        html(markdown, "commonmark")
    assert raised.value.fix


@pytest.mark.parametrize("name", [n for n in COMMONMARK if "containers" in dialect(n).extensions])
@pytest.mark.parametrize(
    ("first", "title"),
    [
        ("::: tip Note: read: this", "Note: read: this"),
        (":::tip[A: *b*]", "A: <em>b</em>"),
        ("> ::: tip A :: b", "A :: b"),
        (":::tip[A: [b](https://a.example)]", 'A: <a href="https://a.example">b</a>'),
        (":::tip [b](https://a.example) c", '<a href="https://a.example">b</a> c'),
        (":::tip[A]{#x}", "A"),
        ('::: {.callout-tip title="A: b" collapse="true"}', "A: b"),
        ("::: {#x .callout-tip}", "Tip"),
    ],
)
def test_a_container_may_have_a_colon_in_its_title(name: str, first: str, title: str) -> None:
    """Also in attributes, and in a quote."""
    quote = "> " if first.startswith(">") else ""
    made = html(f"{first}\n{quote}Text.\n{quote}:::\n\nAfter.\n", name)
    assert f"<blockquote><p><strong>{title}</strong></p><p>Text.</p></blockquote>" in made
    assert made.endswith("<p>After.</p>")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("```{python}\nprint(1)\n```", '<pre><code class="language-python">print(1)</code></pre>'),
        ("```{r a, warning=FALSE}\nx\n```", '<pre><code class="language-r">x</code></pre>'),
        (
            "````{r}\n#| label: a\n#| cap: b\nx\n````",
            '<pre><code class="language-r">x</code></pre>',
        ),
        ("~~~{ojs}\n//| panel: input\nx\n~~~", '<pre><code class="language-ojs">x</code></pre>'),
        ("```{r setup, include=FALSE}\nx\n```", ""),
        ("```{r, echo = F}\nx\n```", ""),
        ("```{python}\n#| echo: false\nx\n```", ""),
        ("```{r}\n#| include: false\n\nx\n```", ""),
        ("```{r}\n#| label: only\n```", ""),
        ("```{.python}\n#| echo: false\n```", "<pre><code>#| echo: false</code></pre>"),
    ],
)
def test_code_cells_of_quarto(cell: str, shown: str) -> None:
    """Code is shown without its options, unless it is hidden; text around it stays, on its line."""
    assert html(f"Before.\n\n{cell}\n\nAfter.\n", "quarto") == (
        f"<p>Before.</p>{shown}<p>After.</p>"
    )
    assert rewrite_cells(cell).count("\n") == cell.count("\n")
