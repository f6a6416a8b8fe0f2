"""From one source text to one article, whichever generator it was written for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles import NotAnArticle
from broadsheet.errors import ArticleError
from broadsheet.model.publication import BaseUrl, Person
from broadsheet.model.values import Permalink
from newsroom import article, dated

HUGO = """---
title: "A"
date: 2025-06-19T07:20:04+08:00
lastmod: 2025-06-20
draft: false
main_topics: [大模型, 开源]
tags: [模型]
featured_image: images/a.png
summary: S
---
Text.
"""
HUGO_TOML = """+++
title = "A"
date = 2025-06-19T07:20:04+08:00
lastmod = 2025-06-20
categories = ["大模型", "开源"]
tags = "模型"
images = ["images/a.png", "b.png"]
description = "S"
+++
Text.
"""
HUGO_JSON = """{
 "title": "A", "date": "2025-06-19T07:20:04+08:00", "lastmod": "2025-06-20",
 "categories": ["大模型", "开源"], "tags": ["模型"],
 "cover": {"image": "images/a.png", "alt": "Alt"}, "summary": "S"
}
Text.
"""
JEKYLL = """---
layout: post
title: A
date: 2025-06-19 07:20:04 +0800
last_modified_at: 2025-06-20
categories: 大模型, 开源
tags: 模型
image: {path: images/a.png, alt: Alt}
excerpt: S
published: true
---
Text.
"""
ELEVENTY = """---
title: A
date: 2025-06-19T07:20:04+08:00
modified: 2025-06-20
topics: [大模型, 开源]
tags:
  - 模型
thumbnail: images/a.png
description: S
---
Text.
"""
ASTRO = """---
title: 'A'
pubDatetime: 2025-06-19T07:20:04+08:00
modDatetime: 2025-06-20
category: 大模型、开源
tags: ["模型"]
heroImage: images/a.png
description: 'S'
---
Text.
"""
ZOLA = """+++
title = "A"
date = 2025-06-19T07:20:04+08:00
updated = 2025-06-20
description = "S"
[taxonomies]
categories = ["大模型", "开源"]
tags = ["模型"]
[extra]
x = 1
+++
Text.
"""


@pytest.mark.parametrize("text", [HUGO, HUGO_TOML, HUGO_JSON, JEKYLL, ELEVENTY, ASTRO, ZOLA])
def test_articles_of_every_generator_say_the_same(text: str) -> None:
    """Every generator's field names are known without configuration."""
    made = article(text, timezone=ZoneInfo("Asia/Shanghai"))
    assert made.title == "A"
    assert made.date.isoformat() == "2025-06-19T07:20:04+08:00"
    assert made.updated.isoformat() == "2025-06-20T00:00:00+08:00"
    assert made.topics == ("大模型", "开源")
    assert made.tags == ("模型",)
    assert made.summary == "S"
    assert made.body == "Text."
    assert made.image == ("" if text is ZOLA else "images/a.png")
    assert made.image_alt in {"", "Alt"}
    assert not made.hidden


@pytest.mark.parametrize(
    ("given", "people"),
    [
        ({"author": "Ann"}, (Person("Ann"),)),
        ({"author": "Ann <ann@example.org>"}, (Person("Ann", "ann@example.org"),)),
        ({"author": "<ann@example.org>"}, (Person("ann@example.org", "ann@example.org"),)),
        ({"authors": ["Ann", "Bob"]}, (Person("Ann"), Person("Bob"))),
        ({"authors": ["Ann", "Ann", ""]}, (Person("Ann"),)),
        (
            {"author": {"name": "Ann", "email": "ann@example.org", "url": "https://ann.example/"}},
            (Person("Ann", "ann@example.org", "https://ann.example/"),),
        ),
        ({"authors": [{"name": "Ann", "twitter": ["x"]}, "Bob"]}, (Person("Ann"), Person("Bob"))),
        ({"author": "", "authors": ["Bob"]}, (Person("Bob"),)),
        ({"author": {"twitter": "x"}}, (Person("Desk", "desk@example.org"),)),
        ({}, (Person("Desk", "desk@example.org"),)),
    ],
)
def test_authors_are_text_list_or_mapping(
    given: dict[str, object], people: tuple[Person, ...]
) -> None:
    """Authors come in any form in use; without one, the publication's is used."""
    assert article(dated(**given), author=Person("Desk", "desk@example.org")).authors == people


@pytest.mark.parametrize(
    ("given", "image", "alt"),
    [
        ({"image": "a.png"}, "a.png", ""),
        ({"images": ["a.png", "b.png"]}, "a.png", ""),
        ({"images": []}, "", ""),
        ({"cover": {"src": "a.png", "alt": "Alt"}}, "a.png", "Alt"),
        ({"image": {"url": "a.png"}, "image_alt": "Alt"}, "a.png", "Alt"),
        ({"images": [{"src": "a.png", "alt": "Alt"}]}, "a.png", "Alt"),
        ({"image": "", "thumbnail": "t.png"}, "t.png", ""),
        ({"featured_image": "f.png", "image": "i.png"}, "f.png", ""),
    ],
)
def test_the_image_is_found(given: dict[str, object], image: str, alt: str) -> None:
    """The featured image is a string, a mapping or the first of a list, under any of its names."""
    made = article(dated(**given))
    assert (made.image, made.image_alt) == (image, alt)


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ("x", ("x",)),
        ("x, y，z、w;v", ("x", "y", "z", "w", "v")),
        (["x, y", "z"], ("x, y", "z")),
        (["x", "x", "", None, 2025, True], ("x", "2025", "true")),
        (None, ()),
        ("", ()),
    ],
)
def test_a_list_may_be_one_text(given: object, tags: tuple[str, ...]) -> None:
    """A list may be a string with commas; each item occurs once and is text."""
    assert article(dated(tags=given)).tags == tags


@pytest.mark.parametrize("field", ["title", "summary", "slug", "id"])
def test_one_text_may_be_a_list_of_one(field: str) -> None:
    """As exports of WordPress write the fields of plugins; several texts are an error."""
    listed, plain = article(dated(**{field: ["one"]})), article(dated(**{field: "one"}))
    said = [(each.title, each.url, each.id, each.summary) for each in (listed, plain)]
    assert said[0] == said[1]
    assert any("one" in each for each in said[0])
    with pytest.raises(ArticleError, match="expected text, not a list"):
        article(dated(**{field: ["one", "two"]}))


def test_a_title_may_look_like_anything() -> None:
    """Titles that PyYAML reads as number, boolean or date stay as written."""
    for title in ("2025", "yes", "2025-01-01", "1.10", "null and void"):
        assert article(f"---\ntitle: {title}\ndate: 2025-06-19\n---\n").title == title


def test_published_is_a_switch_or_a_date() -> None:
    """Jekyll's `published: true` is not a date; that of others is."""
    text = "---\ntitle: A\npublished: {}\n---\n"
    assert article(text.format("2025-06-19")).date == datetime(2025, 6, 19, tzinfo=UTC)
    assert article(text.format("yes"), "content/2025-06-18-a.md").date.day == 18
    with pytest.raises(NotAnArticle):
        article(text.format("true"))


def test_the_order_of_sources_for_the_date() -> None:
    """Front matter before file name before permalink; publishDate if there is no date."""
    zone = ZoneInfo("Asia/Shanghai")
    place = "content/2025-06-18-a.md"
    assert article("---\ntitle: A\ndate: 2025-06-19\n---\n", place).date.day == 19
    assert article("---\ntitle: A\n---\n", place, timezone=zone).date.isoformat() == (
        "2025-06-18T00:00:00+08:00"
    )
    assert article("---\ntitle: A\nurl: /2025/06/17/a/\n---\n").date.day == 17
    assert article("---\ntitle: A\npublishDate: 2025-06-16\n---\n").date.day == 16


def test_updated_is_never_before_the_date() -> None:
    """A lastmod of midnight on the same day, or an outdated one, does not precede the date."""
    made = article(dated(lastmod="2025-06-19"), timezone=ZoneInfo("Asia/Shanghai"))
    assert made.updated == made.date


def test_publish_and_expiry_are_read() -> None:
    """publishDate and expiryDate are separate moments."""
    made = article(dated(publishDate="2025-07-01T00:00:00Z", expiryDate="2025-08-01T00:00:00Z"))
    assert made.publish == datetime(2025, 7, 1, tzinfo=UTC)
    assert made.expires == datetime(2025, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "path", "why"),
    [
        ("# Text\n", "content/a.md", "no front matter"),
        ("---\ntitle: A\n---\n", "content/a.md", "no date"),
        ("---\nlayout: x\n---\n", "content/index.md", "no date"),
        (dated(), "content/_index.md", "section page"),
        (dated(), "content/posts/_index.zh-cn.md", "section page"),
    ],
)
def test_pages_are_not_articles(text: str, path: str, why: str) -> None:
    """A section page, a text without front matter, one without a date: each with its reason."""
    with pytest.raises(NotAnArticle, match=why):
        article(text, path)


def test_all_errors_of_a_file_are_reported() -> None:
    """Each with its line, its field, and what to write."""
    text = "---\ntitle: A\ndate: 06/07/2025\nlastmod: soon\ndraft: perhaps\ntags: {a: b}\n---\n"
    with pytest.raises(ArticleError) as refused:
        article(text.replace("06/07/2025", "2025-06-19"))
    assert [(p.path, p.line, p.key or p.what) for p in refused.value.problems] == [
        ("content/a.md", 4, "lastmod"),
        ("content/a.md", 5, "unknown visibility `draft: perhaps`, so the article is left out"),
        ("content/a.md", 6, "tags"),
    ]
    assert all(problem.todo for problem in refused.value.problems)
    with pytest.raises(ArticleError, match=r"content/a\.md:3: date: .* two dates; write one like"):
        article(text)


def test_an_article_has_a_title() -> None:
    """Feeds require a title; the message says what to write."""
    with pytest.raises(ArticleError, match=r'content/a\.md:1: title: is missing; write `title: "'):
        article("---\ndate: 2025-06-19\n---\n")


def test_the_url_is_under_the_site_and_the_id_under_its_base() -> None:
    """The id is the permalink under id_base, so that moving to another domain changes no id."""
    base = {"id_base": BaseUrl("https://old.example/")}
    old = article(dated(), url=BaseUrl("https://old.example/"))
    new = article(
        dated(), url=BaseUrl("https://new.example/"), **{"given_" + k: v for k, v in base.items()}
    )
    assert old.id == new.id == "https://old.example/posts/a/"
    assert new.url == "https://new.example/posts/a/"


def test_a_change_of_title_or_file_name_changes_no_id() -> None:
    """With an explicit slug, id or url, an article keeps its id whatever else changes."""
    for given in ({"slug": "s"}, {"id": "s"}, {"url": "/s/"}, {"permalink": "/s/"}, {"path": "s"}):
        one = article(dated(**given), "content/one.md")
        other = article(dated(**{**given, "title": "B", "tags": "x"}), "content/two/other.md")
        assert one.id == other.id
    assert article(dated()).id == article(dated(title="B")).id


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        ("https://example.org/?p=7", "https://example.org/?p=7"),
        ("https://example.org/中", "https://example.org/%E4%B8%AD"),
        ("tag:example.org,2025:中", "tag:example.org,2025:中"),
        (
            "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
            "urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6",
        ),
        ("Note: this", "Note:%20this"),
        (42, "https://old.example/42"),
        ("http://[x", "http://%5Bx"),
        ("//[x", "https://old.example/%5Bx"),
    ],
)
def test_an_explicit_id_is_kept(given: object, id_: str) -> None:
    """An earlier feed's id is kept; one that is not an id goes under id_base."""
    made = article(dated(id=given), given_id_base=BaseUrl("https://old.example/"))
    assert made.id == id_


@pytest.mark.parametrize(
    ("rules", "day", "asked", "file"),
    [
        ("plain", "18", "x", "x.html"),
        ("hugo", "19", "x/", "x.html"),
        ("zola", "18", "x/", "x.html/"),
    ],
)
def test_addresses_follow_the_rules_of_the_site(
    rules: str, day: str, asked: str, file: str
) -> None:
    """Which time zone decides the day, and whether an explicit address ends with a slash."""
    given = {"permalink": Permalink("/{day}/{slug}/"), "addresses": rules}
    made = article(dated(date="2025-06-19T07:20:04+08:00"), timezone=ZoneInfo("UTC"), **given)
    assert made.url == made.id == f"https://example.org/{day}/a/"
    assert article(dated(url="/x"), **given).url == f"https://example.org/{asked}"
    assert article(dated(path="/x.html"), **given).url == f"https://example.org/{file}"
    assert article(dated(url="https://o.org/x"), **given).url == "https://o.org/x"


def test_ids_may_have_a_pattern_of_their_own() -> None:
    """If an earlier feed's ids were not the addresses, `articles.id` makes them."""
    made = article(dated(), permalink=Permalink("/{year}/{slug}/"), id=Permalink("/node/{slug}"))
    assert made.url == "https://example.org/2025/a/"
    assert made.id == "https://example.org/node/a"


@pytest.mark.parametrize(
    ("asked", "url"),
    [
        ("/x/", "https://example.org/blog/x/"),
        ("x.html", "https://example.org/blog/x.html"),
        ("https://elsewhere.example/中/", "https://elsewhere.example/%E4%B8%AD/"),
        ("../../x", "https://example.org/blog/x"),
        ("/../x/%2e%2e/%2E%2E/y", "https://example.org/blog/x/y"),
        ("..%2f..%5c../x", "https://example.org/blog/x"),
        ("../?p=7#x", "https://example.org/blog/?p=7#x"),
        ("..#x", "https://example.org/blog/#x"),
        ("//elsewhere.example/x", "https://example.org/blog/elsewhere.example/x"),
        ("javascript:alert(1)", "https://example.org/blog/javascript:alert(1)"),
        ("\\\\elsewhere\\x", "https://example.org/blog/%5C%5Celsewhere%5Cx"),
        ("x\0y\nz", "https://example.org/blog/xy%20z"),
        ("/", "https://example.org/blog/"),
        ("{{ page.fileSlug }}/", "https://example.org/blog/posts/a/"),
        ("x" * 300, "https://example.org/blog/" + "x" * 300),
    ],
)
def test_an_explicit_address_stays_on_the_site(asked: str, url: str) -> None:
    """`url` and `permalink` are used as they are, but never lead above the site or off it."""
    for name in ("url", "permalink", "path"):
        assert article(dated(**{name: asked}), url=BaseUrl("https://example.org/blog/")).url == url


@pytest.mark.parametrize("asked", ["http://[x", "https:///x", "http:x"])
def test_an_invalid_url_is_an_error(asked: str) -> None:
    """It is reported with its line."""
    with pytest.raises(ArticleError, match=r"content/a\.md:4: url: invalid URL"):
        article(dated(url=asked))


@pytest.mark.parametrize(
    "slug",
    ["../../x", "/x", "\\x", "..\\..\\x", "x\0y", "a\nb", "x" * 300, "%2e%2e", "..", "?#", "文"],
)
def test_a_hostile_slug_stays_under_the_permalink(slug: str) -> None:
    """Whatever the slug, the address is below the pattern's folder."""
    made = article(dated(slug=slug))
    assert made.url.startswith("https://example.org/posts/")
    assert ".." not in made.url.split("/")
    assert not set(made.url) & set("\\\0\n ?#")


def test_mdx_is_recognised_by_its_suffix() -> None:
    """Astro's .mdx files are Markdown with more in it."""
    assert article(dated(), "content/a.mdx").is_mdx
    assert not article(dated()).is_mdx


def test_the_body_has_nothing_that_xml_forbids() -> None:
    """A control character in the body would make every feed with it invalid."""
    assert article(dated() + "\n\x0b\ufffeMore").body == "Text.\n\nMore"


@pytest.mark.parametrize("value", [{"a": "b"}, [{"a": "b"}], [["a", {"b": "c"}]]])
@pytest.mark.parametrize("field", ["category", "categories"])
def test_jekyll_categories_that_are_mappings_are_an_error(field: str, value: object) -> None:
    """A mapping among the categories, which the address has too, is reported with its line."""
    text = dated(**{field: value})
    with pytest.raises(ArticleError, match=r"a\.md:4: .*mapping"):
        article(text, addresses="jekyll", permalink=Permalink("/{categories}/{title}/"))
