"""The page of an article in the built site, and its text there."""

from __future__ import annotations

import pytest

from broadsheet.articles.rendered import NoText, article_html, on_page, page_files, read_page
from broadsheet.model.publication import BaseUrl, Publication
from newsroom import article, dated

BASE = "https://example.org/blog/"
PUBLICATION = Publication(title="A", url=BaseUrl(BASE))


@pytest.mark.parametrize(
    ("url", "pattern", "files"),
    [
        ("posts/a/", "public/", ["public/posts/a/index.html", "public/posts/a.html"]),
        ("posts/a", "./dist", ["dist/posts/a.html", "dist/posts/a/index.html"]),
        ("a.html", "_site/", ["_site/a.html", "_site/a.html.html", "_site/a.html/index.html"]),
        ("", "public", ["public/index.html", "public/.html"]),
        ("%E6%96%87/", "public", ["public/文/index.html", "public/文.html"]),
        ("posts/a/", "out/{path}.htm", ["out/posts/a.htm"]),
        ("posts/a.html", "./out/{path}/page.html", ["out/posts/a/page.html"]),
    ],
)
def test_a_page_is_where_servers_look_for_it(url: str, pattern: str, files: list[str]) -> None:
    """By the address under the publication's; or by the pattern in the config."""
    assert list(page_files(BASE + url, BASE, pattern)) == files


def page(body: str, head: str = "", lang: str = "") -> str:
    return f"<!doctype html><html lang='{lang}'><head>{head}</head><body>{body}</body></html>"


CODE_TABLE = """<table class="lntable"><tbody><tr><td class="lntd"><pre>1</pre></td>
<td class="lntd"><pre><code>x</code></pre></td></tr></tbody></table>"""
FORMULA = """<b class="katex"><i><math><annotation>x^2</annotation></math></i>
<i class="katex-html">x2</i></b>"""
NAV, FOOT = "<nav>menu</nav><header>top</header>", "<footer>foot</footer>"


@pytest.mark.parametrize(
    ("body", "selector"),
    [
        ("<article>{}</article>", ""),
        ("<article><header><h1>T</h1>me</header>{}<footer>tags</footer></article>", ""),
        ("<article>card</article><article><h1> t! </h1>{}</article>", ""),
        ("<article><h2>T</h2><div class='e-content'>{}</div>share</article>", ""),
        ("<article>{{other}}<div class='a post-content b'>{}</div></article>", ""),
        ("<div itemprop='articleBody text'>{}</div>", ""),
        ("<main>{}</main>", ""),
        ("<div class='main'>{}<section class='comments'>x</section></div>", ""),
        ("<article><aside>{}</aside></article>", "aside"),
        ("<div role=main>{}</div>", ""),
        ("<article>other text, and longer</article><div id=x>{}</div>", "#x"),
    ],
)
def test_the_text_is_found(body: str, selector: str) -> None:
    """By the config, an h-entry, names in use, or HTML's elements; without what is around it."""
    text = "<p>One <em>two</em>.</p><h2>Part</h2>"
    html = article_html(page(NAV + body.format(text) + FOOT), selector, "T")
    assert html.strip() == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('<h2 id="x">Part<a class="headerlink" href="#x">¶</a></h2>', '<h2 id="x">Part</h2>'),
        ('<h2 class="anchor">Part<a href="#x">\u200b</a></h2>', '<h2 class="anchor">Part</h2>'),
        ('<h2><a href="#x">Part</a></h2>', '<h2><a href="#x">Part</a></h2>'),
        ('<h2><a href="/y/">Part</a></h2>', '<h2><a href="/y/">Part</a></h2>'),
        (CODE_TABLE, "<pre><code>x</code></pre>"),
        (FORMULA, "<code>x^2</code>"),
        (
            '<img src="data:x" data-src="/a.png"><noscript><img src="/a.png"></noscript>',
            '<img src="/a.png" data-src="/a.png">',
        ),
        ("<button>copy</button><form>x</form><p hidden>y</p><script>z</script>", ""),
        (
            "<blockquote><footer>Ann</footer></blockquote>",
            "<blockquote><footer>Ann</footer></blockquote>",
        ),
    ],
)
def test_only_the_text_is_left(given: str, expected: str) -> None:
    """No links to headings, numbers of lines, controls and doubles; all else stays."""
    assert (
        article_html(page(f"<article><p>x</p>{given}</article>"), "", "T") == f"<p>x</p>{expected}"
    )


@pytest.mark.parametrize(
    ("body", "selector", "why"),
    [
        ("<div>x</div>", "", "it has no <article> or <main>"),
        ("<article>x</article>", ".y", "nothing in it matches '.y'"),
        ("<article>x</article>", "a[", "'a[' is not a CSS selector"),
    ],
)
def test_a_page_without_a_text_is_told(body: str, selector: str, why: str) -> None:
    """With what was looked for."""
    with pytest.raises(NoText, match="^" + why.replace("[", r"\[").replace("<", "<")):
        article_html(page(body), selector, "T")


@pytest.mark.parametrize(
    ("head", "file", "address"),
    [
        ('<link rel="canonical" href="{BASE}posts/a">', "public/posts/a/index.html", "posts/a"),
        ('<link rel="canonical" href="{BASE}">', "public/posts/a/index.html", "posts/a/"),
        ('<link rel="canonical" href="https://b.example/a/">', "public/posts/a.html", "posts/a/"),
        ("", "public/other/文.html", "other/%E6%96%87.html"),
        ('<link rel="canonical" href="{BASE}other/a/">', "public/other/a/index.html", "other/a/"),
        ("", "public/other/a/index.html", "other/a/"),
    ],
)
@pytest.mark.parametrize("id_base", [BASE, "https://old.example/"])
def test_the_address_is_that_of_the_page(head: str, file: str, address: str, id_base: str) -> None:
    """Its canonical URL if that leads to it, and the id follows; one given in the source stays."""
    publication = Publication(title="A", url=BaseUrl(BASE), given_id_base=BaseUrl(id_base))
    given = article(dated(), "content/a.md", url=BaseUrl(BASE), given_id_base=BaseUrl(id_base))
    found = read_page(page("", head.replace("{BASE}", BASE)))
    made = on_page(given, file, found, publication, "public/")
    assert (made.url, made.id, made.rendered) == (BASE + address, id_base + address, file)
    own = article(dated(id="urn:x:1"), "content/a.md", url=BaseUrl(BASE))
    assert on_page(own, file, found, publication, "public/").id == "urn:x:1"


def test_the_image_and_language_are_those_of_the_page() -> None:
    """The image only if the source names one, the language only if it names none."""
    head = '<meta property="og:image" content="/blog/_a/i.x1.webp">'
    found = read_page(page("", head, "de-CH"))
    plain, full = dated(), dated(image="i.png", lang="fr")
    made = [
        on_page(article(text, url=BaseUrl(BASE)), "public/a.html", found, PUBLICATION, "public")
        for text in (plain, full)
    ]
    assert [(each.image, each.language) for each in made] == [
        ("", "de-CH"),
        ("https://example.org/blog/_a/i.x1.webp", "fr"),
    ]


@pytest.mark.parametrize(
    ("html", "shows"),
    [
        ("<title>It’s “One” &amp; more | Site</title>", True),
        ("<h1>its one\n more</h1>", True),
        ('<meta property="og:title" content="It\'s \'One\' &amp; more!">', True),
        ('<title>One</title><p>It\'s "One" & more</p>', False),
    ],
)
def test_a_page_shows_a_title(html: str, shows: bool) -> None:
    """In its headings or metadata, whatever the punctuation."""
    assert read_page(html).shows('It\'s "One" & more') == shows
