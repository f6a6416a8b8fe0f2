"""Addresses, languages and fields that differ by folder, translation or generator."""

from __future__ import annotations

import pytest

from broadsheet.articles import Article, Source, titles
from broadsheet.articles.parsing import parse
from broadsheet.errors import ArticleError
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.model.settings import ArticleSettings, PlaceSettings
from broadsheet.model.values import Permalink

SITE = Publication(title="T", url=BaseUrl("https://x.example/"))
PLACES = {
    "content/en": PlaceSettings(permalink=Permalink("/{section}/{year}/{slug}/")),
    "content/notes": PlaceSettings(permalink=Permalink("/n/{slug}/"), language=Language("de")),
    "content/notes/old": PlaceSettings(permalink=Permalink("/o/{slug}/")),
    "**/_posts": PlaceSettings(prefix="/p/"),
    "*.zh-cn": PlaceSettings(prefix="/zh-cn/", language=Language("zh-CN")),
}
HEAD = "---\ntitle: A B\ndate: 2025-01-02\n---\n"


def read(path: str, text: str = HEAD, folder: str = "content", **settings: object) -> Article:
    """Return the article at `path` with these settings."""
    given = {"permalink": Permalink("/{path}/"), **settings}
    return parse(Source(path, folder, text, ""), SITE, ArticleSettings(**given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "address", "language"),
    [
        ("content/a.md", "a/", "en"),
        ("content/en/a.md", "en/2025/a/", "en"),
        ("content/english/a.md", "english/a/", "en"),
        ("content/notes/a.md", "n/a/", "de"),
        ("content/notes/old/a.md", "o/a/", "de"),
        ("content/x/y/_posts/a.md", "p/x/y/_posts/a/", "en"),
        ("content/a.zh-cn.md", "zh-cn/a/", "zh-CN"),
        ("content/a/index.zh-cn.md", "zh-cn/a/", "zh-CN"),
        ("content/notes/a.zh-cn.md", "zh-cn/n/a/", "zh-CN"),
        ("content/a.zh.md", "a.zh/", "en"),
    ],
)
def test_a_folder_or_translation_has_its_own_address_and_language(
    path: str, address: str, language: str
) -> None:
    """The most specific key of articles.in applies to each value; a translation's name wins."""
    article = read(path, within=PLACES)
    assert article.url == f"https://x.example/{address}"
    assert article.id == article.url
    assert article.language == language


@pytest.mark.parametrize(
    ("style", "pattern", "path", "front", "address"),
    [
        ("zola", "/{path}/", "b/2025-01-02-Über C++.md", "", "b/uber-c/"),
        ("zola", "/{path}/", "b/a.md", "path: 2025/01/a-1.9.0\n", "2025/01/a-1.9.0/"),
        ("jekyll", "/{categories}/{slug}.html", "x/_posts/2025-01-02-A, b.md", "", "x/A,-b.html"),
        (
            "jekyll",
            "/{categories}/{slug}/",
            "_posts/2025-01-02-a.md",
            "categories: C d\n",
            "c/d/a/",
        ),
        ("jekyll", "/{categories}/{slug}/", "e/_posts/a.md", "category: C d\n", "e/c%20d/a/"),
        ("hugo", "/{sections}/{slug_or_title}/", "b/c/d.md", "", "b/c/a-b/"),
        ("hugo", "/{slug_or_title}/", "d.md", "slug: s\n", "s/"),
        ("eleventy", "/{path}/", "b/2025-01-02-a b.md", "slug: s\n", "b/2025-01-02-a%20b/"),
        ("astro", "/blog/{path}/", "b/Hello, World.md", "", "blog/b/hello-world/"),
        ("docusaurus", "/blog/{path}", "2025-01-02-a.md", "", "blog/2025/01/02/a"),
        ("docusaurus", "/blog/{path}", "2025-01-02-a/index.md", "", "blog/2025/01/02/a"),
        ("docusaurus", "/blog/{path}", "2025/01/02/a.md", "", "blog/2025/01/02/a"),
        ("docusaurus", "/blog/{path}", "b c/a.md", "", "blog/b%20c/a"),
        ("docusaurus", "/blog/{path}", "b/a.md", "slug: 2025-01-02-s\n", "blog/2025-01-02-s"),
        ("docusaurus", "/blog/{path}", "b/README.md", "", "blog/b/readme"),
        ("pelican", "/{slug_or_title}.html", "x.md", "", "a-b.html"),
        ("vuepress", "/{path}.html", "b/README.md", "slug: s\n", "b/"),
        ("mkdocs", "/{path}.html", "b/index.md", "slug: s\n", "b/index.html"),
        ("mkdocs", "/{path}/", "b/index.md", "", "b/"),
        ("mkdocs", "/{slug_or_title}/", "a.md", "slug: A-B_c\n", "A-B_c/"),
        ("mkdocs", "/{filename}/", "2025-01-02-A_b.md", "", "2025-01-02-A_b/"),
        ("mkdocs", "/{categories[:1]}/{slug_or_title}/", "a.md", "categories: [C, E]\n", "c/a-b/"),
        ("nikola", "/{path}/", "b/A v1.2.md", "", "b/a-v12/"),
        ("nikola", "/{path}.html", "b/a.md", "slug: A-v1.2\n", "b/A-v1.2.html"),
        ("nikola", "/{path}.html", "b c/index.md", "", "b%20c/"),
        ("hexo", "/{year}/{month_number}/{slug}/", "a.md", "slug: s\n", "2025/1/a/"),
        ("hexo", "/{path}/", "b/index.md", "slug: s\n", "b/index/"),
        ("hexo", "/{categories}/{title}/", "a.md", "categories: [C+ d, É]\n", "C-d/E/a-b/"),
        (
            "hexo",
            "/{categories}/{filename}/",
            "2025-01-02-a b.md",
            "",
            "uncategorized/2025-01-02-a%20b/",
        ),
    ],
)
def test_addresses_follow_the_rules_of_the_generator(
    style: str, pattern: str, path: str, front: str, address: str
) -> None:
    """As the generators' documentation says; tests/conformance compares with their output."""
    text = HEAD.replace("---\n", f"---\n{front}", 1)
    settings = {"addresses": style, "permalink": Permalink(pattern), "assets": (".",)}
    lowercase = style not in {"hexo", "jekyll", "mkdocs", "nikola"}
    article = read(path, text, folder=".", **settings, lowercase=lowercase)
    assert article.url == f"https://x.example/{address}"


PELICAN = """Title: T
Date: 2025-01-02 10:00
Tags: a, b
Slug: s
Summary: One
    and two

Text
"""
NIKOLA = """.. title: T
.. slug: s
.. date: 2025-01-02 10:00
.. tags: a, b
.. description: One and two
"""


@pytest.mark.parametrize(
    "text",
    [
        PELICAN,
        PELICAN.lower().replace("title: t", "title: T").replace("one", "One"),
        f"<!--\n{NIKOLA}-->\n\nText\n",
        f"{NIKOLA}\nText\n",
    ],
)
def test_metadata_needs_no_fences(text: str) -> None:
    """Pelican's and Nikola's lines above the text are front matter."""
    article = read("content/x.md", text, permalink=Permalink("/{slug}/"))
    assert (article.title, article.tags, article.summary) == ("T", ("a", "b"), "One and two")
    assert (article.url, str(article.body).lower()) == ("https://x.example/s/", "text")
    assert f"{article.date:%Y-%m-%d %H:%M}" == "2025-01-02 10:00"


@pytest.mark.parametrize("text", ["Note: this.\n\nTitle: x\n", "Dear all,\n", ".. note:\n", "a:\n"])
def test_text_that_only_looks_like_metadata_stays(text: str) -> None:
    """A first line with a colon is front matter only if such lines include a title or date."""
    article = read("content/2025-01-02-a.md", text, title_from=("filename",))
    assert article.body == text.strip()


@pytest.mark.parametrize(
    ("body", "sources", "title"),
    [
        ("# The *first* `one`\n\nx", ("heading", "filename"), "The first one"),
        ("```\n# no\n```\n\n# Yes {#id}", ("heading",), "Yes"),
        ("The title\n=========\n", ("heading",), "The title"),
        ("## Second level\n", ("heading", "filename"), "My Post"),
        ("# H", ("filename",), "My Post"),
        (
            "Just **this**, with [a link](x).\n\nMore",
            ("heading", "text"),
            "Just this, with a link.",
        ),
        ("# 第一期", ("heading",), "第一期"),
    ],
)
def test_a_title_may_come_from_elsewhere(body: str, sources: tuple[str, ...], title: str) -> None:
    """With or without front matter; the date is that of the file name."""
    for head in ("", "---\ntags: [a]\n---\n"):
        article = read("content/2025-01-02-my-post.md", head + body, title_from=sources)
        assert article.title == title


def test_any_field_can_be_mapped() -> None:
    """A configured name, also inside a group, takes precedence over the usual ones."""
    text = "---\ntitle: A\nnewstitle: B\nwhen: 2025-01-02\nparams: {Hero: h.png}\n---\n"
    mapped = {"title": "newstitle", "date": "when", "image": "params.hero"}
    article = read("content/x.md", text, fields=mapped)
    assert (article.title, article.date.day, article.image) == ("B", 2, "h.png")


def test_entities_in_wordpress_titles_are_resolved() -> None:
    """WordPress exports write titles as HTML."""
    assert read("content/x.md", HEAD.replace("A B", "A &amp; B&#8217;s")).title == "A & B’s"


@pytest.mark.parametrize(
    ("pattern", "excluded"),
    [
        ("content/a.md", {"content/a.md"}),
        ("content/b", {"content/b/a.md", "content/b/c/a.md"}),
        ("**/a.md", {"content/a.md", "content/b/a.md", "content/b/c/a.md"}),
        ("content/*.md", {"content/a.md", "content/d.md"}),
        ("content/*/c", {"content/b/c/a.md"}),
    ],
)
def test_files_and_folders_can_be_excluded(pattern: str, excluded: set[str]) -> None:
    """By path or pattern; a star does not match a slash."""
    settings = ArticleSettings(exclude=(pattern,))
    paths = {"content/a.md", "content/d.md", "content/b/a.md", "content/b/c/a.md"}
    assert {path for path in paths if settings.excludes(path)} == excluded


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("# A *title*\n\nText\n", "\n\nText\n"),
        ("A title\n=======\nText", "\n\nText"),
        ("# Another\n\nText", "# Another\n\nText"),
        ("## A title\n\nText", "## A title\n\nText"),
        ("Text\n\n# A title\n", "Text\n\n# A title\n"),
    ],
)
def test_a_heading_that_repeats_the_title_is_removed(body: str, left: str) -> None:
    """Only the first of level one, at the start, since readers show the title above it."""
    assert titles.without_title(body, "A title") == left


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("de", "19. Juni 2025"),
        ("de", "19.06.2025"),
        ("de-AT", "19. Juni 2025"),
        ("fr", "19 juin 2025"),
        ("fr", "19/6/2025"),
        ("es", "19 de junio de 2025"),
        ("pt-BR", "19 de junho de 2025"),
        ("it", "19 giugno 2025"),
        ("ja", "2025年6月19日"),
        ("ru", "19 июня 2025"),
        ("en-GB", "19/06/2025"),
        ("en", "June 19, 2025"),
        ("xx", "2025-06-19"),
    ],
)
def test_dates_may_be_in_the_language_of_the_article(language: str, written: str) -> None:
    """Month names, and the order of day and month if the language or its country has one."""
    text = f'---\ntitle: T\nlanguage: {language}\ndate: "{written}"\n---\n'
    assert f"{read('content/a.md', text).date:%Y-%m-%d}" == "2025-06-19"


@pytest.mark.parametrize(("language", "written"), [("en", "06/07/2025"), ("en-US", "6/7/2025")])
def test_an_ambiguous_date_is_still_refused(language: str, written: str) -> None:
    """In English the order of day and month is a guess."""
    with pytest.raises(ArticleError, match="two dates"):
        read("content/a.md", f"---\ntitle: T\nlang: {language}\ndate: {written}\n---\n")
