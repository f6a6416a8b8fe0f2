"""Permalinks from a pattern and the path of a file."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadsheet.articles import fields, permalinks
from broadsheet.articles.permalinks import FilePlace, permalink, tidy_path
from broadsheet.articles.styles import STYLES
from newsroom import MOMENT


def made(pattern: str, path: str, slug: str = "", title: str = "T", **given: object) -> str:
    place = FilePlace.of(path)
    date = given.get("date", MOMENT)
    assert isinstance(date, datetime)
    lowercase = bool(given.get("lowercase", True))
    return permalink(pattern, place, slug=slug, title=title, date=date, lowercase=lowercase)


@pytest.mark.parametrize(
    ("path", "stem", "slug", "folder", "section"),
    [
        ("a.md", "a", "a", "", ""),
        ("posts/a.md", "a", "a", "posts", "posts"),
        ("posts/deep/a.md", "a", "a", "posts/deep", "posts"),
        ("posts/a/index.md", "a", "a", "posts", "posts"),
        ("a/index.md", "a", "a", "", ""),
        ("index.md", "index", "index", "", ""),
        ("2025-06-19-a.md", "2025-06-19-a", "a", "", ""),
        ("2025-06-19-a/index.md", "2025-06-19-a", "a", "", ""),
        ("posts/a.b.md", "a.b", "a.b", "posts", "posts"),
    ],
)
def test_the_path_gives_slug_and_date(
    path: str, stem: str, slug: str, folder: str, section: str
) -> None:
    """A bundle's folder is used in place of its file, and a date prefix is not part of the slug."""
    place = FilePlace.of(path)
    assert (place.stem, place.slug, place.folder, place.section) == (stem, slug, folder, section)


@pytest.mark.parametrize(
    ("pattern", "address_"),
    [
        ("/posts/{slug}/", "posts/my-post/"),
        ("/{year}/{month}/{day}/{slug}.html", "2025/06/30/my-post.html"),
        ("/{section}/{filename}", "news/2025-06-19-my-post"),
        ("/{path}/", "news/tech/2025-06-19-my-post/"),
        ("/{title}/", "t-and-%E4%B8%AD/"),
        ("{slug_or_filename}/", "2025-06-19-my-post/"),
        ("/{sections[1:]}/{slug}/", "tech/my-post/"),
        ("/{sections[0]}/{slug}/", "news/my-post/"),
        ("/{sections[-1]}/{slug}/", "tech/my-post/"),
        ("/{sections[:-1]}/{slug}/", "news/my-post/"),
        ("/{sections[2]}/{slug}/", "my-post/"),
    ],
)
def test_each_token_is_filled_in(pattern: str, address_: str) -> None:
    """Every token that docs and messages name is supported."""
    path = "news/tech/2025-06-19-My post.md"
    assert made(pattern, path, title="T and 中") == address_


def test_a_slug_takes_the_place_of_the_name() -> None:
    """The front matter's slug replaces the file name, except in {filename}."""
    assert made("/{slug}/{slug_or_filename}/{path}/{filename}/", "n/f.md", "s") == "s/s/n/s/f/"


@pytest.mark.parametrize(
    ("style", "name", "slug"),
    [
        # By pelican.utils.slugify 4.12 with its defaults.
        ("pelican", "读书｜穷查理宝典", "du-shu-qiong-cha-li-bao-dian"),
        ("pelican", "用 Travis CI 免费构建", "yong-travis-ci-mian-fei-gou-jian"),
        ("pelican", "什么是 Ω-3：Über Œuvre", "shi-yao-shi-o-3uber-oeuvre"),
        ("pelican", "Привет, 한국", "privet-hangug"),
        ("pelican", "uipath ノート（二）つづき", "uipath-no-toer-tsuduki"),
        # By the slug crate, which spells each character by itself with deunicode.
        ("zola", "什么技术", "shen-me-ji-shu"),
        ("zola", "Über_uns 中文", "uber-uns-zhong-wen"),
        ("nikola", "C++ 中文", "c++-zhong-wen"),
        # By slugize of hexo-util.
        ("hexo", "Über Łódź，が「中文」& C++ 2.0!", "uber-lodz，が「中文」-c-2-0"),
        ("quartz", "a & b? 100% #1", "a--and--b-100-percent-1"),
    ],
)
def test_names_in_latin_letters(style: str, name: str, slug: str) -> None:
    """Pelican, Nikola and Zola spell Chinese by its pronunciation; Hexo keeps it."""
    made_ = permalink(
        "/{slug_or_title}/" if style in {"hexo", "pelican"} else "/{path}/",
        FilePlace.of("x.md" if style in {"hexo", "pelican"} else f"{name}.md"),
        slug="",
        title=name,
        date=MOMENT,
        lowercase=True,
        style=STYLES[style],
    )
    assert unquote(made_) == f"{slug}/"


def test_case_is_kept_on_request() -> None:
    """Jekyll and Astro keep the case of file names."""
    assert made("/{slug}/", "My-Post.md", lowercase=False) == "My-Post/"
    assert made("/{slug}/", "My-Post.md") == "my-post/"


# The output of Hugo 0.168 for files with these names: by default, with `disablePathToLower`, and by
# :filename. Those for a slug in the front matter follow.
NAMES = [
    ("Hello, World! (2)", "hello-world-2", "Hello-World-2", "hello-world-2"),
    ("apos'trophe", "apostrophe", "apostrophe", "apostrophe"),
    ("C++ & you", "c++--you", "C++-you", "c-you"),
    ("a - b", "a---b", "a-b", "a-b"),
    ("a--b", "a--b", "a--b", "a--b"),
    ("-lead", "-lead", "-lead", "-lead"),
    ("trail-", "trail-", "trail-", "trail-"),
    ("x  y", "x--y", "x-y", "x-y"),
    ("a.b_c~d@e", "a.b_c~d@e", "a.b_c~d@e", "a.b_c~d@e"),
    ("全角　空格，“标题”…", "全角-空格标题", "全角-空格标题", "全角-空格标题"),
    ("e\u0301te\u0301", "été", "été", "été"),
]
SLUGS = [("C++ & a - b", "c++-a-b", "c-a-b"), ("b/c", "b/c", "b/c"), ("UPPER", "upper", "upper")]


def hugo_s(pattern: str, file: str, slug: str = "", title: str = "T", lower: bool = True) -> str:
    place, given = FilePlace.of(file), {"slug": slug, "title": title, "date": MOMENT}
    return unquote(permalink(pattern, place, **given, lowercase=lower, style=STYLES["hugo"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "by_default", "with_case", "by_token"), NAMES)
def test_punctuation_is_removed_as_in_hugo(
    name: str, by_default: str, with_case: str, by_token: str
) -> None:
    """Paths and tokens differ; a bundle's folder is treated like a file name."""
    for file in (f"{name}/x.md", f"{name}/x/index.md"):
        assert hugo_s("/{path}/", file) == f"{by_default}/x/"
    for file in (f"{name}.md", f"{name}/index.md"):
        assert hugo_s("/{path}/", file) == f"{by_default}/"
        assert hugo_s("/{path}/", file, lower=False) == f"{with_case}/"
        assert hugo_s("/{slug_or_filename}/", file) == f"{by_token}/"


@pytest.mark.parametrize(("slug", "by_default", "by_token"), SLUGS)
def test_punctuation_in_slugs_is_removed_as_in_hugo(
    slug: str, by_default: str, by_token: str
) -> None:
    """A slash in a slug separates; in a title it does not."""
    assert hugo_s("/{path}/", "a.md", slug) == f"{by_default}/"
    assert hugo_s("/{slug}/", "a.md", slug) == f"{by_token}/"
    assert hugo_s("/{title}/", "a.md", title="b/c: d+e") == "b-c-d-e/"


@pytest.mark.parametrize(
    ("path", "with_slash"),
    [("x/z", "x/z/"), ("x/z/", "x/z/"), ("x/z.html", "x/z.html"), ("a.b/c", "a.b/c/"), ("", "")],
)
def test_an_explicit_address_gets_a_final_slash(path: str, with_slash: str) -> None:
    """Unless it names a file, as in Hugo and Zola."""
    assert permalinks.closed_path(path, "unless it names a file") == with_slash
    assert permalinks.closed_path(with_slash, "unless it names a file") == with_slash


def test_unicode_normalisation_does_not_matter() -> None:
    """A file name from a Mac (NFD) gets the same address as its NFC form."""
    assert made("/{slug}/", "cafe\u0301.md") == made("/{slug}/", "caf\u00e9.md") == "caf%C3%A9/"


_TEXTS = st.text(max_size=30) | st.text("./\\%25eEfF?#: \n\0", max_size=30)
_WRITTEN = _TEXTS.map(fields.text)  # as it comes from the front matter


@given(_WRITTEN, _WRITTEN, st.sampled_from(["/posts/{slug}/", "/{title}/{slug}", "/{path}.html"]))
@example("../../x", "%2e%2e/%2e%2e", "/{title}/{slug}")
@example("..%2f..", "..\\..", "/{title}/{slug}")
def test_no_text_leads_off_the_site(slug: str, title: str, pattern: str) -> None:
    """Whatever the front matter contains, a browser resolves the address below the site's."""
    base = "https://example.org/blog/"
    url = base + made(pattern, "a.md", slug, title)
    assert urljoin(base, unquote(url)).startswith(base) or urlsplit(url).path.startswith("/blog/")
    path = urlsplit(url).path
    assert not {".", ".."} & set(unquote(path).replace("\\", "/").split("/"))
    assert url.isascii()
    assert not set(url) & set(" \n\\")


@given(_WRITTEN)
def test_tidying_is_idempotent(path: str) -> None:
    """A tidy path stays as it is."""
    once = tidy_path(path)
    assert tidy_path(once) == once
    assert not once.startswith("/")


@given(st.text("ab-_~/.%?# \u4e2d", max_size=12))
def test_the_shortcut_for_tidy_paths_is_right(path: str) -> None:
    """A path that is taken as it is equals the result of tidying it."""
    assert tidy_path(path) == tidy_path(f"./{path}")  # which is never taken as it is
