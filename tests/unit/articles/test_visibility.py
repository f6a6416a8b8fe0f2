"""Unlisted articles stay out, in the words of every known generator."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadsheet.articles import front_matter, visibility
from newsroom import Newsroom, article

HIDDEN = [
    "draft: true",  # Hugo, Zola, Astro, Docusaurus, Material for MkDocs, Quarto
    'draft: "yes"',
    "draft: 1",
    "draft: 是",
    "isDraft: true",  # Publish
    "is_draft: True",
    "Draft: TRUE",
    "headless: true",  # Hugo
    "build: {list: never}",
    "build: {list: local}",
    "build: {render: never}",
    "_build: {render: false}",
    "_build: {list: false}",
    "build.list: never",
    "params: {hidden: true}",
    "hiddenFromFeed: true",  # FixIt
    "hiddenFromRss: true",
    "nofeed: true",  # Vitae
    "rss_ignore: true",
    "exclude_from_feeds: true",
    "includeInRss: no",
    "published: false",  # Jekyll, Hexo
    "published: No",
    "published: draft",
    "eleventyExcludeFromCollections: true",  # Eleventy
    "eleventyExcludeFromCollections: [posts]",
    "permalink: false",
    "extra: {draft: true}",  # Zola
    "render: false",
    "unlisted: true",  # Docusaurus, Quartz
    'unlisted: "true"',
    "hidden: true",  # hexo-hide-posts
    "hexo: {hidden: true}",
    "hide: true",  # VuePress, Hexo
    "hide: all",  # Valaxy
    "hide: [feed, search]",
    "exclude: {rss: true}",
    "visible: hide",
    "visible: false",
    "password: hunter2",
    "password: 12345",
    "post_password: x",
    "passwd: x",
    "keys: [e10adc3949ba59abbe56e057f20f883e]",  # VuePress reco
    "isEncrypted: true",
    "encrypt: true",
    "secret: true",
    "article: false",  # VuePress Hope
    "feed: false",
    "feed: {exclude: true}",
    "publish: false",  # Obsidian
    "dg-publish: false",
    "private: true",
    "private: yes",
    "status: draft",  # Pelican, Nikola, WordPress, Ghost
    "Status: hidden",
    "status: Skip",
    "status: private",
    "status: pending",
    "status: Pending Review",
    "status: trash",
    "status: auto-draft",
    "status: scheduled",
    "status: sent",
    "status: archived",
    "status: [draft]",
    "status: 草稿",
    "status: 私密",
    'status: "🚧 WIP"',
    "post_status: future",
    "state: wip",
    "workflow: {state: draft}",
    "visibility: hidden",
    "visibility: members",  # Ghost
    "visibility: [members, paid]",
    "visibility: {list: never}",
    "access: private",
    "access: false",
    "email_only: true",
    "members_only: true",
    "audience: only_paid",  # Substack
    "listed: false",
    "deleted: true",
    "archived: true",
    "unpublish: true",
    "_discoverable: no",  # Lektor
    "routable: false",  # Grav
    "access: {site.login: true}",
    "Published: unchecked",  # Notion
    "Status: Not started",
    "草稿: 是",
    "状态: 私密",
    "密码: 一二三",
    "公开: 否",
    "list: never",
    "tags: [news, draft]",  # Nikola
    "tags: private, news",
    "categories: [草稿]",
    "taxonomies: {tags: [draft]}",
    "deleted_at: 2025-06-01",
    "unpublishOn: 2025-06-01",
    "published: 2025-12-01",
    "embargo_until: 2025-12-01",
]
PUBLIC = [
    "draft: false",
    'draft: "no"',
    "draft: 0",
    "draft:",
    'draft: ""',
    "published: true",
    "published: 2025-06-19",
    "published_at: 2025-06-19",
    "published: 1998",
    "published: Penguin Books, 1998",
    "headless: false",
    "build: {list: always, render: link, publishResources: false}",
    "hiddenFromHomePage: true",  # LoveIt: elsewhere on its site it is listed
    "hiddenInHomeList: true",  # PaperMod
    "searchHidden: true",
    "hiddenFromFeed: false",
    "password:",
    'password: ""',
    "hide: [navigation, toc]",  # Material for MkDocs
    "hide: toc",
    "hideMeta: true",
    "hide_title: true",
    "hide_table_of_contents: true",
    "hideComments: true",
    "ShowToc: false",
    "showDate: false",
    "cover: {hidden: true}",
    "sidebar: {hidden: true}",  # Starlight
    "pagefind: false",
    "sitemap: false",
    "comments: hidden",
    "status: published",
    "status: publish",
    "status: new",  # Material for MkDocs
    "status: deprecated",
    "status: featured",  # Nikola
    "status: evergreen",  # digital gardens
    "status: 已发布",
    "visibility: public",
    "access: open",
    "audience: beginners",
    "state: California",
    "http_status: 404",
    "keys: [C, D minor]",
    "article: the",
    "feed: {title: x}",
    "rss: true",
    "Published: checked",
    "状态: 已发布",
    "type: concept",
    "layout: post",
    "private_key: abc",
    "draft_notes: to do",
    "tags: [drafts of history]",
    "expires: 2099-01-01",
    "dg-publish: true",
    "eleventyExcludeFromCollections: false",
]
UNCLEAR = [
    "status: embargo",
    "status: 5",
    "draft: perhaps",
    "hidden: [a]",
    "hiddenFromFeed: maybe",
    "visibility: friends of friends",
    "published: soon",
    "private: {a: b}",
    "draftForReview: true",
    "hideFromGuests: true",
    "visibleToGuests: false",
    "type: draft",
    "document_status: hidden",
]
ONLY_REPORTED = [
    "noindex: true",
    "robots: noindex, nofollow",
    "seo: {noindex: true}",
    "privateBeta: true",
    'title: "[DRAFT] Figures"',
    'title: "草稿：数字"',
    "scope: private",
]


def source(line: str) -> str:
    given = "" if line.startswith("title:") else "title: A\n"
    return f"---\n{given}date: 2025-06-01\n{line}\n---\n\nText.\n"


def published(newsroom: Newsroom, *lines: str) -> list[str]:
    """Return those of `lines` whose articles a build and a digest publish."""
    newsroom.configure(f'[feeds]\nentries = 1000\n[digests.weekly]\ntitle = "W"\n{CONFIG}')
    for number, line in enumerate(lines):
        newsroom.write(f"content/a{number}.md", source(line))
    newsroom.run("build")
    newsroom.run("digest")
    texts = b"\n".join(newsroom.published().values()).decode()
    return [line for number, line in enumerate(lines) if f"/a{number}/" in texts]


CONFIG = "late_days = 1000\n"


def test_unlisted_articles_are_published_nowhere(newsroom: Newsroom) -> None:
    """They are in no file of the feeds folder, issues included, whichever words say so."""
    assert published(newsroom, *HIDDEN, *UNCLEAR) == []


def test_similar_fields_do_not_hide_an_article(newsroom: Newsroom) -> None:
    """Words about parts of a page, other lists, labels and content keep nothing out."""
    assert published(newsroom, *PUBLIC, *ONLY_REPORTED) == [*PUBLIC, *ONLY_REPORTED]


@pytest.mark.parametrize("fence", ["+++", "json"])
def test_the_format_of_front_matter_does_not_matter(fence: str, newsroom: Newsroom) -> None:
    """TOML and JSON have more types of values."""
    toml = "+++\ntitle='A'\ndate=2025-06-01\n{}\n+++\n"
    json_ = '{{"title": "A", "date": "2025-06-01", {}}}\n'
    form, lines = (
        (toml, ["draft = true", "draft = 1", "[build]\nlist = 'never'", "[extra]\nhidden = true"])
        if fence == "+++"
        else (json_, ['"draft": true', '"status": "private"', '"hexo": {"hidden": true}'])
    )
    for number, line in enumerate(lines):
        newsroom.write(f"content/a{number}.md", form.format(line))
    newsroom.article("shown.md")
    texts = b"\n".join(newsroom.build().values())
    assert b"/posts/shown/" in texts
    assert b"/posts/a" not in texts


@pytest.mark.parametrize(
    "path",
    [
        "_drafts/a.md",
        "posts/_drafts/a.md",
        "posts/_drafts/deep/a.md",
        "_drafts/a/index.md",
        "_Drafts/2025-06-01-a.md",
        "drafts/a.md",
        "posts/drafts/2025/a.md",
        "Drafts/a.md",
        "草稿/a.md",
        "unpublished/a.md",
        "private/a.md",
        ".trash/a.md",
        "_a.md",
        "posts/_a.md",
        "a.draft.md",
    ],
)
def test_a_draft_folder_or_name_keeps_a_file_out(newsroom: Newsroom, path: str) -> None:
    """The names that Jekyll, Hexo, Astro, Nuxt and Obsidian use, at any depth."""
    newsroom.article(path)
    newsroom.article("shown.md")
    texts = b"\n".join(newsroom.build().values())
    assert b"/shown/" in texts
    assert b"/a/" not in texts
    assert b"_a/" not in texts


@pytest.mark.parametrize(
    "path", ["draft/index.md", "posts/drafts.md", "drafty/a.md", "posts/private/index.md", "a_b.md"]
)
def test_an_article_may_be_named_like_a_draft(newsroom: Newsroom, path: str) -> None:
    """The folder of a bundle is the article's own name."""
    newsroom.article(path, title="Shown")
    assert b"Shown" in newsroom.build()["atom.xml"]


def test_a_configured_drafts_folder_is_read_except_jekylls() -> None:
    """A configured folder is meant to be read; from Jekyll's `_drafts` nothing is ever
    published."""
    assert visibility.in_path("drafts/a.md", "drafts") == ""
    assert visibility.in_path("_drafts/a.md", "_drafts") == "it is in a folder `_drafts`"


_PLAIN_NAMES = ["draft", "is_draft", "unlisted", "hidden_from_feed", "exclude-from-rss", "private"]


@given(
    name=st.sampled_from(_PLAIN_NAMES),
    spell=st.sampled_from([str, str.upper, str.title, lambda t: t.replace("_", ""), "_{}".format]),
    value=st.sampled_from(["true", "True", '"true"', "'yes'", "on", "1", "Y", "是", " true "]),
    group=st.sampled_from(["", "extra", "hexo", "params", "_build", "metadata"]),
)
def test_spelling_and_place_of_a_field_do_not_matter(
    name: str,
    spell: object,
    value: str,
    group: str,
) -> None:
    """Neither case, separators nor quotes matter, nor a group that is about the whole article."""
    written = spell(name)  # type: ignore[operator]
    line = f"{group}: {{{written}: {value}}}" if group else f"{written}: {value}"
    assert article(source(line)).hidden


@given(st.sampled_from(HIDDEN), st.sampled_from(PUBLIC), st.booleans())
def test_no_other_field_publishes_an_unlisted_article(out: str, shown: str, first: bool) -> None:
    """Whatever else the front matter says, before or after it."""
    if out.partition(":")[0] == shown.partition(":")[0]:
        return
    lines = (out, shown) if first else (shown, out)
    made = article(source("\n".join(lines)))
    dates = (made.publish, made.expires)
    assert made.hidden or any(dates)


@example({".": False})
@given(
    st.dictionaries(
        st.text(max_size=12),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=12),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=9), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=6,
    )
)
def test_any_front_matter_can_be_judged(fields: dict[str, object]) -> None:
    """Fields of any name and form are handled without an error, and always alike."""
    assert visibility.stated_visibility(fields, {}) == visibility.stated_visibility(fields, {})


@pytest.mark.parametrize("line", UNCLEAR)
def test_an_unknown_statement_is_an_error_with_its_line(newsroom: Newsroom, line: str) -> None:
    """`build` leaves the article out and says so; `check` names rule, line and remedy."""
    newsroom.write("content/a.md", source(line))
    newsroom.article("b.md")
    built = newsroom.run("build")
    assert built.code == 1
    assert "content/a.md:4: " in built.err
    assert "so the article is left out; write `draft: true`, or list the value" in built.err
    ran = newsroom.run("check", "--json")
    found = [each for each in json.loads(ran.out) if each["path"] == "content/a.md"]
    assert ("visibility", "error", 4) in {(e["rule"], e["severity"], e["line"]) for e in found}
    verdict = newsroom.run("explain", "content/a.md").out
    assert "so the article is left out" in verdict


@pytest.mark.parametrize("line", ONLY_REPORTED)
def test_an_ambiguous_field_is_a_warning(newsroom: Newsroom, line: str) -> None:
    """The article is published, and `check` asks whether that is intended."""
    newsroom.write("content/a.md", source(line))
    ran = newsroom.run("check", "--json")
    found = [each for each in json.loads(ran.out) if each["rule"] == "visibility"]
    assert [each["severity"] for each in found] == ["warning"]
    assert found[0]["line"] == (3 if line.startswith("title") else 4)


@pytest.mark.parametrize("line", [*HIDDEN, *PUBLIC])
def test_known_fields_are_not_reported(line: str) -> None:
    """Neither fields that hide an article nor others, unless they are an ambiguous label."""
    parts = front_matter.split(source(line), "a.md")
    assert parts
    doubts = visibility.stated_visibility(parts[0].given, {}).doubts
    assert [each.why for each in doubts] == (["label"] if line.startswith("tags: private") else [])


def test_the_config_can_say_what_a_value_means(newsroom: Newsroom) -> None:
    """`articles.public` publishes articles with the values it lists, and no others."""
    newsroom.configure(
        '[articles.public]\nstatus = ["On Hold"]\n"extra.hidden" = ["*"]\ntags = ["private"]\n'
    )
    for number, line in enumerate(
        [
            *("status: on-hold", "extra: {hidden: true}", "tags: [a, private]", "tags: private, a"),
            *("extra: {draft: true}", "status: private", "tags: [private, draft]"),
        ]
    ):
        newsroom.write(f"content/a{number}.md", source(line))
    atom = newsroom.build()["atom.xml"].decode()
    assert [number for number in range(7) if f"/a{number}/" in atom] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("draft: true", "it is a draft"),
        ("Status: Private", "it says `Status: Private`"),
        ("build: {list: never}", "it says `build.list: never`"),
        ("password: hunter2", "it has `password`"),
        ("secret: hunter2", "unknown visibility `secret: …`, so the article is left out"),
    ],
)
def test_explain_says_what_keeps_an_article_out(
    newsroom: Newsroom, line: str, verdict: str
) -> None:
    """In the author's own words, except for a password."""
    newsroom.write("content/a.md", source(line))
    ran = newsroom.run("explain", "content/a.md")
    assert ran.out.startswith(f"content/a.md: in no feed: {verdict}\n")
    assert "hunter2" not in ran.out


def test_an_article_that_becomes_private_leaves_the_feeds_at_the_next_build(
    newsroom: Newsroom,
) -> None:
    """An edit of the front matter is treated as more than an edit of the text."""
    newsroom.write("content/a.md", source("status: published"))
    newsroom.article("b.md")
    assert b"/posts/a/" in newsroom.build()["atom.xml"]
    newsroom.write("content/a.md", source("status: private"))
    assert b"/posts/a/" not in newsroom.build()["atom.xml"]
    newsroom.write("content/a.md", source("status: perhaps"))
    assert newsroom.run("build").code == 1
    assert b"/posts/a/" not in newsroom.published()["atom.xml"]


def test_an_address_may_contain_a_word_of_the_tables() -> None:
    """Of addresses only `false` counts, which tells Eleventy to write no page."""
    assert not article(source("permalink: draft")).hidden
    assert not article(source("url: /private/")).hidden


def test_a_page_without_a_date_may_be_unlisted(newsroom: Newsroom) -> None:
    """An unpublished page does not lack a date yet."""
    newsroom.article("b.md")
    newsroom.write("content/a.md", "---\ntitle: A\nstatus: draft\n---\n")
    assert "no-date" not in newsroom.run("check").out


@pytest.mark.parametrize(
    ("cascade", "hidden"),
    [
        ("draft: true", True),
        ("{build: {list: never}}", True),
        ("{params: {hidden: true}}", True),
        ("[{target: {path: /posts/deep/**}, draft: true}]", True),
        ("[{_target: {path: '{/posts/deep/*}'}, unlisted: true}]", True),
        ("[{target: {kind: page}, private: true}]", True),
        ("{status: embargo}", True),
        ("{draft: false}", False),
        ("{params: {toc: true}}", False),
        ("[{target: {path: /other/**}, draft: true}]", False),
        ("[{target: {kind: section}, draft: true}]", False),
    ],
)
def test_hugos_cascade_hides_the_articles_below_it(
    newsroom: Newsroom, cascade: str, hidden: bool
) -> None:
    """A section page applies to its articles at any depth, and a change of it takes effect at
    once."""
    newsroom.article("posts/deep/a.md")
    newsroom.article("beside/b.md")
    assert b"/posts/a/" in newsroom.build()["atom.xml"]
    written = f"\n  {cascade}" if cascade[0] not in "{[" else f" {cascade}"
    newsroom.write("content/posts/_index.md", f"---\ntitle: Posts\ncascade:{written}\n---\n")
    atom = newsroom.build()["atom.xml"]
    assert (b"/posts/a/" not in atom) is hidden
    assert b"/posts/b/" in atom
    newsroom.article("posts/deep/a.md", "Edited.\n")
    assert (b"Edited" not in newsroom.build()["atom.xml"]) is hidden
    verdict = newsroom.run("explain", "content/posts/deep/a.md").out
    assert ("(cascade of content/posts/_index.md)" in verdict) is hidden
