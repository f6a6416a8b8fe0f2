"""What `broadsheet init` takes over from the config of another generator."""

from __future__ import annotations

import re
from fnmatch import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.importers import GeneratedSite, Taken, config_files, recognise
from broadsheet.model.publication import BaseUrl, Language
from broadsheet.model.values import Permalink
from newsroom import TESTS

SAMPLES = TESTS / "sites"


def sample(name: str, *folders: str) -> GeneratedSite:
    """Return a sample site of tests/sites as recognised, with `folders` added."""
    root = SAMPLES / name
    paths = (path for path in root.rglob("*") if path.is_file())
    files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}
    return found(files, *folders)


def found(files: dict[str, str], *folders: str) -> GeneratedSite:
    site = recognise(files, {*folders})
    assert site is not None
    return site


def values(site: GeneratedSite) -> dict[str, object]:
    return {taken.key: taken.value for taken in site.taken}


def sources(site: GeneratedSite) -> dict[str, str]:
    return {taken.key: taken.source for taken in site.taken}


def remarks_on(site: GeneratedSite, key: str) -> str:
    return "\n".join(str(remark) for remark in site.remarks if remark.key == key)


def hugo(config: str, *folders: str) -> GeneratedSite:
    return found({"hugo.toml": f'baseURL = "https://a.blog/"\ntitle = "A"\n{config}'}, *folders)


def jekyll(config: str, *folders: str, **files: str) -> GeneratedSite:
    text = f"url: https://a.blog\ntitle: A\n{config}"
    return found({"_config.yml": text, **files}, "_posts", *folders)


def astro(config: str, *folders: str) -> GeneratedSite:
    text = f"export default defineConfig({{ {config} }})"
    return found({"astro.config.mjs": text}, "src/content/blog", *folders)


def eleventy(config: str, *folders: str, **files: str) -> GeneratedSite:
    return found({"eleventy.config.js": config, **files}, *folders)


# Whole sites


def test_hugo_with_permalinks_by_section() -> None:
    """Hugo's oldest form gives title, base path, author and the pattern of the posts."""
    site = sample("hugo-flat", "content", "content/posts", "content/recipes", "static", "media")
    assert site.generator == "Hugo"
    assert values(site) == {
        "publication.title": "Notes from the Harbour",
        "publication.url": "https://harbour.notes.blog/log/",
        "publication.language": "en-US",
        "publication.timezone": "Europe/Amsterdam",
        "publication.author": {"name": "Ann Lee", "email": "ann@harbour.example"},
        "articles.folders": ["content"],
        "articles.permalink": "/{path}/",
        "articles.addresses": "hugo",
        "articles.in": {
            "content/posts": {"permalink": "/{year}/{month}/{slug_or_filename}/"},
            "content/recipes": {"permalink": "/food/{title}/"},
        },
        "articles.assets": ["static", "media", "content"],
        "articles.markdown": "hugo",
    }
    assert sources(site)["publication.author"] == "config.toml: author"
    assert "config.toml: permalinks.posts" in sources(site)["articles.in"]


def test_hugo_with_permalinks_by_kind_of_page() -> None:
    """Hugo's later form is read too, and each section has its own pattern."""
    site = sample("hugo-paged", "content", "content/blog", "content/docs", "static")
    assert values(site) == {
        "publication.title": "2025",
        "publication.url": "https://harbour.dev/",
        "publication.language": "de-DE",
        "publication.author": {"name": "Bernd Maier", "email": "bernd@harbour.dev"},
        "articles.folders": ["content"],
        "articles.permalink": "/{path}/",
        "articles.lowercase": False,
        "articles.addresses": "hugo",
        "articles.in": {
            "content/blog": {"permalink": "/artikel/{year}/{slug_or_title}/"},
            "content/docs": {"permalink": "/handbuch/{sections}/{filename}/"},
        },
        "articles.assets": ["static", "content"],
        "articles.markdown": "hugo",
    }


def test_hugo_with_a_folder_of_configs_in_two_languages() -> None:
    """The default language's own values win, and each language has its folder and prefix."""
    folders = ("content", "content/zh-cn", "content/zh-cn/posts", "content/en", "assets")
    site = sample("hugo-folder", *folders)
    assert values(site) == {
        "publication.title": "AI 前沿",
        "publication.url": "https://frontier.cn/",
        "publication.language": "zh-CN",
        "publication.timezone": "Asia/Shanghai",
        "publication.author": {"name": "林悦"},
        "articles.folders": ["content/zh-cn", "content/en"],
        "articles.permalink": "/{path}/",
        "articles.addresses": "hugo",
        "articles.in": {
            "content/zh-cn": {"language": "zh-CN", "prefix": "/zh-cn/"},
            "content/en": {"language": "en", "prefix": "/en/"},
            "content/zh-cn/posts": {"permalink": "/{sections}/{slug_or_filename}/"},
        },
        "articles.assets": ["assets", "content/zh-cn", "content/en"],
        "articles.markdown": "hugo",
    }
    assert sources(site)["publication.title"] == "config/_default/languages.toml: zh-cn.title"


def test_jekyll_with_a_minimal_config() -> None:
    """Jekyll's defaults fill the gaps, and the rest gets remarks."""
    site = sample("jekyll-minimal", "_posts", "assets")
    assert values(site) == {
        "publication.title": "Field Notes",
        "publication.url": "https://field.notes.blog/",
        "articles.folders": ["_posts"],
        "articles.permalink": "/{categories}/{year}/{month}/{day}/{slug}.html",
        "articles.lowercase": False,
        "articles.addresses": "jekyll",
        "articles.title_from": ["filename"],
        "articles.assets": ["."],
        "articles.markdown": "jekyll",
    }
    assert "machine" in remarks_on(site, "publication.timezone")
    assert '"/{categories}/{year}/{month}/{day}/{slug}"' in remarks_on(site, "articles.id")


def test_jekyll_with_everything() -> None:
    """baseurl is part of the address, and the ids are those of jekyll-feed."""
    site = sample("jekyll-full", "collections", "collections/_posts")
    assert values(site) == {
        "publication.title": "Slow Letters",
        "publication.url": "https://slowletters.blog/letters/",
        "publication.language": "en-GB",
        "publication.timezone": "Europe/London",
        "publication.author": {"name": "Mary Shaw", "email": "mary@slowletters.blog"},
        "articles.folders": ["collections/_posts"],
        "articles.permalink": "/{categories}/{year}/{month}/{day}/{slug}.html",
        "articles.id": "/{categories}/{year}/{month}/{day}/{slug}",
        "articles.lowercase": False,
        "articles.addresses": "jekyll",
        "articles.title_from": ["filename"],
        "articles.assets": ["."],
        "articles.markdown": "jekyll",
    }
    assert sources(site)["publication.url"] == "_config.yml: url + baseurl"


def test_eleventy_base_blog() -> None:
    """The feed plugin's options and the copied folder are read from literals in the code."""
    site = sample("eleventy-base-blog", "content", "content/blog", "content/feed", "public")
    assert site.generator == "Eleventy"
    assert values(site) == {
        "publication.title": 'Ada’s "Machine" Notes',
        "publication.url": "https://machine.notes/",
        "publication.language": "en",
        "publication.author": {"name": "Ada Byron"},
        "articles.folders": ["content/blog"],
        "articles.permalink": "/blog/{path}/",
        "articles.lowercase": False,
        "articles.addresses": "eleventy",
        "articles.assets": ["public", "content/blog"],
        "articles.markdown": "eleventy",
    }
    assert sources(site)["publication.title"] == "eleventy.config.js: metadata.title"


def test_eleventy_with_data_files() -> None:
    """Site data and the posts' own data file are read, and a renamed folder gets a remark."""
    site = sample("eleventy-data", "src", "src/posts", "src/images")
    assert values(site) == {
        "publication.title": "Journal",
        "publication.url": "https://quiet.press/journal/",
        "publication.language": "fr",
        "publication.author": {"name": "Léa Martin"},
        "articles.folders": ["src/posts"],
        "articles.permalink": "/{year}/{slug}/",
        "articles.lowercase": False,
        "articles.addresses": "eleventy",
        "articles.assets": ["src", "src/posts"],
        "articles.markdown": "eleventy",
    }
    assert '"src/fonts/files"' in remarks_on(site, "articles.assets")


def test_astro_blog_template() -> None:
    """The address is site plus base, and the permalink is reported as a guess to compare."""
    site = sample("astro-blog", "src", "src/content/blog", "src/pages/blog", "public")
    assert values(site) == {
        "publication.title": "Astro Blog",
        "publication.url": "https://ann.dev/writing/",
        "publication.language": "pt-BR",
        "articles.folders": ["src/content/blog"],
        "articles.permalink": "/blog/{path}",
        "articles.addresses": "astro",
        "articles.assets": ["public", "src/content/blog"],
        "articles.markdown": "astro",
    }
    assert sources(site)["publication.url"] == "astro.config.mjs: site + base"
    assert "compare" in remarks_on(site, "articles.permalink")


def test_astro_with_constants() -> None:
    """A constant is resolved, and the page's folder gives the route."""
    site = sample("astro-paper", "src/data/blog", "src/pages/posts", "public")
    assert values(site) == {
        "publication.title": "AstroPaper",
        "publication.url": "https://paper.press/",
        "publication.language": "en",
        "publication.timezone": "Asia/Bangkok",
        "publication.author": {"name": "Sat Naing"},
        "articles.folders": ["src/data/blog"],
        "articles.permalink": "/posts/{path}/",
        "articles.addresses": "astro",
        "articles.assets": ["public", "src/data/blog"],
        "articles.markdown": "astro",
    }


def test_zola() -> None:
    """base_url distinguishes Zola's config.toml from Hugo's."""
    site = sample("zola", "content", "content/blog", "static")
    assert site.generator == "Zola"
    assert values(site) == {
        "publication.title": "Ferris Writes",
        "publication.url": "https://ferris.blog/",
        "publication.language": "en",
        "publication.author": {"name": "Ferris", "email": "ferris@ferris.blog"},
        "articles.folders": ["content"],
        "articles.permalink": "/{path}/",
        "articles.addresses": "zola",
        "articles.assets": ["static", "content"],
        "articles.markdown": "zola",
    }


# Which generator


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"package.json": '{"homepage": "https://a.blog"}'},
        {"Gemfile": 'gem "jekyll-feed"'},
        {"config.toml": 'name = "something else"'},
        {"config.yaml": "server: {port: 80}"},
        {"config.toml": "not [toml"},
        {"src/consts.ts": "export const SITE_TITLE = 'A'"},
    ],
)
def test_no_known_generator(files: dict[str, str]) -> None:
    """Without a known generator's config there is no site."""
    assert recognise(files, ["content", "_posts"]) is None


def test_two_generators() -> None:
    """If two generators have a config, one is used and the other is named."""
    files = {"hugo.toml": 'title = "New"', "_config.yml": "title: Old"}
    site = found(files, "_posts")
    assert (site.generator, values(site)["publication.title"]) == ("Hugo", "New")
    assert any("Jekyll" in remark.what for remark in site.remarks)


def test_every_sample_file_is_a_candidate() -> None:
    """Every file that the readers know is a candidate, once."""
    files = {
        path.relative_to(root).as_posix()
        for root in SAMPLES.iterdir()
        for path in root.rglob("*")
        if path.is_file()
    }
    globs = [re.sub(r"\{\w+\}", "*", each) for each in config_files()]
    assert all(any(fnmatch(file, each) for each in globs) for file in files)
    assert len(set(config_files())) == len(config_files())


# What cannot be read


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("hugo.toml", 'title = "A"\n\nbaseURL = oops\n', "hugo.toml:3: "),
        ("hugo.toml", 'title = "A', "hugo.toml:1: "),
        ("hugo.yaml", "title: A\nmenu: [a\nb: c: d\n", "hugo.yaml:3: "),
        ("hugo.json", '{\n  "title": "A",\n}', "hugo.json:"),
        ("hugo.yaml", "- a\n- list\n", "hugo.yaml:1: "),
        ("_config.yml", "title: A\ndate: 2024-13-45\n", "_config.yml:1: "),
        ("_config.yml", "title: A\nurl: \x07\n", "_config.yml:2: "),
        ("_config.yml", "title: !ruby/object:Evil {}\n", "_config.yml:1: "),
        ("zola.toml", "[a]\n[a]\n", "zola.toml:2: "),
        ("config.toml", "baseURL = \n", "config.toml:1: "),
        ("config.toml", "base_url = \n", "config.toml:1: "),
        ("hugo.json", "[" * 100_000, "hugo.json:1: "),
    ],
)
def test_unparsable_config(file: str, text: str, place: str) -> None:
    """A config that cannot be parsed is a remark with its file and line, never a traceback."""
    site = found({file: text})
    assert str(site.remarks[0]).startswith(place)
    assert "\n" not in str(site.remarks[0])
    assert remarks_on(site, "publication.title")
    assert remarks_on(site, "publication.url")
    assert site.taken == (), "a default would stand for what was not read"


def test_unparsable_data_file() -> None:
    """One invalid data file does not prevent reading the others."""
    data = {
        "_data/metadata.json": "{",
        "_data/site.json": '{"title": "A"}',
        "posts/posts.json": "[",
    }
    site = eleventy("", "posts", **data)
    assert values(site)["publication.title"] == "A"
    assert "articles.permalink" not in values(site)
    assert [remark.path for remark in site.remarks[:2]] == [
        "_data/metadata.json",
        "posts/posts.json",
    ]


def test_a_yaml_bomb_is_harmless() -> None:
    """A small file whose aliases expand without end costs nothing."""
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    keys = "".join(f"{key}: *a29\n" for key in ("title", "url", "baseurl", "author", "permalink"))
    text = "\n".join(["a0: &a0 [x]", *levels, keys])
    assert remarks_on(found({"_config.yml": text}), "publication.title")


@settings(deadline=None)  # the first YAML of a run is slow
@given(
    st.sampled_from(config_files()),
    st.text() | st.text(alphabet="{}[]()'\"`:,;=\\/\n ab.u$"),
    st.sampled_from(
        ["", "export default defineConfig({ site: ", "title = ", "title: ", '{"title":']
    ),
)
def test_no_text_raises(file: str, text: str, start: str) -> None:
    """Whatever a candidate contains, what is taken can be written."""
    site = recognise({file: start + text}, ["posts", "content/blog"])
    for taken in site.taken if site else ():
        assert "\x00" not in str(taken.value)
        str(taken.value).encode()


# Title, address, language, time zone, author


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("https://a.blog", "https://a.blog/"),
        ("https://a.blog/x//y", "https://a.blog/x/y/"),
        ("http://a.blog:8080/", "http://a.blog:8080/"),
        ("https://例子.中国/博客", "https://例子.中国/博客/"),
    ],
)
def test_address(said: str, taken: str) -> None:
    """An address is absolute, ends with a slash, and is valid in broadsheet.toml."""
    site = found({"hugo.toml": f'baseURL = "{said}"'})
    assert values(site)["publication.url"] == taken == BaseUrl(taken)


@pytest.mark.parametrize(
    "said",
    ["/", "//a.blog/", "a.blog", "ftp://a.blog", "https://u:p@a.blog/", "https://a.blog/?x",
     "https:", "https://a.blog:x/", "https://[a/", "https://a b/"],
)  # fmt: skip
def test_bad_address(said: str) -> None:
    """Anything but a plain absolute address is quoted in a remark, not taken."""
    site = found({"hugo.toml": f'baseURL = "{said}"'})
    assert "publication.url" not in values(site)
    assert f'baseURL says "{said}"' in remarks_on(site, "publication.url")


def test_placeholder_address() -> None:
    """The address that a generator's template has is taken, with the advice to change it."""
    site = found({"hugo.toml": 'baseURL = "https://example.org/"'})
    assert values(site)["publication.url"] == "https://example.org/"
    assert "placeholder" in remarks_on(site, "publication.url")


@pytest.mark.parametrize("baseurl", ["", "/", '""'])
def test_empty_base_path(baseurl: str) -> None:
    """An empty base path changes nothing and is not named as a source."""
    site = jekyll(f"baseurl: {baseurl}")
    assert values(site)["publication.url"] == "https://a.blog/"
    assert sources(site)["publication.url"] == "_config.yml: url"


def test_unwritable_title() -> None:
    """A lone surrogate or a control character is refused, not written."""
    site = found({"hugo.json": '{"title": "A\\u0000", "baseURL": "https://a.blog"}'})
    assert "publication.title" not in values(site)
    assert "characters" in remarks_on(site, "publication.title")


def test_bad_base_path() -> None:
    """An invalid base path gets a remark, and the rest of the address is kept."""
    site = jekyll("baseurl: https://b.blog/x")
    assert values(site)["publication.url"] == "https://a.blog/"
    assert "baseurl" in remarks_on(site, "publication.url")


@pytest.mark.parametrize(
    ("said", "taken"),
    [("zh-cn", "zh-CN"), ("en_US", "en-US"), ("ZH-HANS-cn", "zh-Hans-CN"), ("es-419", "es-419")],
)
def test_language(said: str, taken: str) -> None:
    """Language tags get the case that BCP 47 recommends, and are valid in broadsheet.toml."""
    assert values(jekyll(f"lang: {said}"))["publication.language"] == taken == Language(taken)


def test_bad_language() -> None:
    """An invalid language tag is not taken."""
    site = jekyll("lang: English (UK)")
    assert "publication.language" not in values(site)
    assert "English (UK)" in remarks_on(site, "publication.language")


@pytest.mark.parametrize(
    "zone", ["Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT+8", "UTC"]
)
def test_timezone(zone: str) -> None:
    """Names of the time zone database are taken as they are."""
    assert values(jekyll(f"timezone: {zone}"))["publication.timezone"] == zone


@pytest.mark.parametrize("zone", ["'+08:00'", "CST8", "Central European Time", "8"])
def test_bad_timezone(zone: str) -> None:
    """An offset or an abbreviation is not a time zone."""
    site = jekyll(f"timezone: {zone}")
    assert "publication.timezone" not in values(site)
    assert "Europe/Paris" in remarks_on(site, "publication.timezone")


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("Ann Lee", {"name": "Ann Lee"}),
        ("{name: Ann, email: ann@a.blog}", {"name": "Ann", "email": "ann@a.blog"}),
        ("{name: Ann, email: none}", {"name": "Ann"}),
        ("[Ann, Bob]", {"name": "Ann"}),
        ("Ann <ann@a.blog>", {"name": "Ann", "email": "ann@a.blog"}),
    ],
)
def test_author(said: str, taken: dict[str, str]) -> None:
    """An author is a name, or a mapping or list that has one."""
    assert values(jekyll(f"author: {said}"))["publication.author"] == taken


def test_nameless_author() -> None:
    """An author without a name is not taken."""
    assert "has no name" in remarks_on(jekyll("author: {twitter: ann}"), "publication.author")


# Hugo's addresses


@pytest.mark.parametrize(
    ("config", "taken"),
    [
        ("[permalinks]\nposts = '/:section/:title'", "/{section}/{title}/"),
        ("[permalinks]\nposts = '/:filename.html'", "/{filename}.html"),
        ("[permalinks]\nposts = ':sections/:slug'", "/{sections}/{slug_or_title}/"),
        ("[permalinks.page]\nposts = '/:year/:contentbasename'", "/{year}/{filename}/"),
        ("[permalinks]\nposts = '/p/:title/'\nnews = '/n/:title/'", "/p/{title}/"),
        ("uglyURLs = true\n[permalinks]\nposts = '/:year/:slugorfilename/'",
         "/{year}/{slug_or_filename}.html"),
        ("[uglyURLs]\nposts = true", "/{path}.html"),
        ("[permalinks.term]\nposts = '/t/:slug/'", None),
        ("[permalinks]\ndocs = '/d/:title/'", None),
        ("[permalinks]\nposts = '/:year/:month/'", None),
        ("[permalinks]\nposts = '/:sections[1:]/:slug/'", "/{sections[1:]}/{slug_or_title}/"),
        ("[permalinks]\nposts = '/:sections[:last]/:slug'", "/{sections[:-1]}/{slug_or_title}/"),
        (
            """
            [[permalinks]]
            pattern = '/n/:slugorfilename/'
            target = { kind = 'page', path = '/{posts,posts/**}' }
            """,
            "/n/{slug_or_filename}/",
        ),
    ],
)  # fmt: skip
def test_hugo_permalinks_of_sections(config: str, taken: str | None) -> None:
    """Each section's pattern is converted to a valid one; the others keep Hugo's default."""
    found = values(hugo(config, "content", "content/posts"))
    assert found["articles.folders"] == ["content"]
    assert found["articles.permalink"] == (
        "/{path}.html" if "s = true" in config[:15] else "/{path}/"
    )
    places = found.get("articles.in", {})
    assert isinstance(places, dict)
    assert places.get("content/posts", {}).get("permalink") == taken
    assert "content/news" not in places, "there is no such folder"


@pytest.mark.parametrize(
    ("pages", "pattern"),
    [
        (["[...slug].astro"], "/{path}/"),
        (["writing/[slug].astro", "tags/[tag].astro", "[...page].astro"], "/writing/{path}/"),
        (["a/[...id]/index.astro"], "/a/{path}/"),
        (["[year]/[month]/[day]/[slug].astro"], "/{year}/{month}/{day}/{slug}/"),
        (["[year]/[slug]/index.astro"], "/{year}/{slug}/"),
        (["a/[slug].astro", "b/[slug].astro"], "/posts/{path}/"),
        (["[lang]/[slug].astro"], "/posts/{path}/"),
        (["projects/[slug].astro"], "/projects/{path}/"),
        ([], "/posts/{path}/"),
    ],
)
def test_a_page_of_astro_gives_the_addresses(pages: list[str], pattern: str) -> None:
    """If it is the only one that makes pages of the collection."""
    code = "---\nconst all = await getCollection('posts', ({ data }) => !data.draft);\n---\n"
    files = {f"src/pages/{page}": code for page in pages}
    other = {"src/pages/x/[slug].astro": code.replace("posts", "projects")}
    site = found({"astro.config.mjs": "", **files, **other}, "src/content/posts")
    assert values(site)["articles.permalink"] == pattern


@pytest.mark.parametrize("token", [":monthname", ":yearday", ":sections[a]", ":2006", ":path"])
def test_unsupported_hugo_token(token: str) -> None:
    """A token without an equivalent is named, and no pattern is taken."""
    site = hugo(f"[permalinks]\nposts = '/{token}/:slug/'", "content/posts")
    assert "articles.in" not in values(site)
    assert f"no token here means {token};" in remarks_on(site, "articles.permalink")


def test_hugo_pattern_with_a_fixed_address() -> None:
    """A pattern that gives two articles one address is not taken."""
    site = hugo("[permalinks]\nposts = '/:year/:month/'", "content/posts")
    assert "articles.in" not in values(site)
    assert "one URL" in remarks_on(site, "articles.in")


def test_hugo_dates_in_file_names() -> None:
    """If Hugo strips dates from file names, the address has none."""
    site = hugo("[frontmatter]\ndate = [':filename', ':default']")
    assert values(site)["articles.permalink"] == "/{folders}/{slug}/"


@pytest.mark.parametrize(
    ("config", "taken"),
    [
        ("", {"*.en": {"language": "en"}, "*.zh-cn": {"language": "zh-CN", "prefix": "/zh-cn/"}}),
        (
            "[languages.cn]\nlocale = 'zh-CN'",
            {
                "*.en": {"language": "en"},
                "*.zh-cn": {"language": "zh-CN", "prefix": "/zh-cn/"},
                "*.cn": {"language": "zh-CN", "prefix": "/cn/"},
            },
        ),
        (
            "[languages.zh]\ncontentDir = 'content/zh'",
            {
                "*.en": {"language": "en"},
                "*.zh-cn": {"language": "zh-CN", "prefix": "/zh-cn/"},
                "content/zh": {"language": "zh", "prefix": "/zh/"},
            },
        ),
    ],
)
def test_hugo_translations(config: str, taken: dict[str, object]) -> None:
    """Each language has its tag and prefix, by file name or by folder; the default has none."""
    languages = "[languages.en]\nweight = 1\n[languages.zh-cn]\nweight = 2\n"
    found = values(hugo(languages + config, "content", "content/zh"))
    assert found["articles.in"] == taken
    folders = ["content/zh", "content"] if "content/zh" in taken else ["content"]
    assert found["articles.folders"] == folders


def test_hugo_keys_have_no_case() -> None:
    """baseurl is baseURL, and the source names the key as the file spells it."""
    site = found({"hugo.yaml": "baseurl: https://a.blog/\nTITLE: A\n"})
    assert sources(site)["publication.url"] == "hugo.yaml: baseurl"
    assert values(site)["publication.title"] == "A"


def test_hugo_content_outside_the_project() -> None:
    """A content folder outside the project is refused; Hugo's default is used instead."""
    site = hugo("contentDir = '../texts'")
    assert values(site)["articles.folders"] == ["content"]
    assert '"../texts"' in remarks_on(site, "articles.folders")


def test_hugo_with_one_bad_file_of_several() -> None:
    """The other files are used, except for the address that the invalid one might set."""
    files = {"hugo.toml": "title = 'A'", "config/_default/permalinks.toml": "posts = ?"}
    assert values(found(files)) == {"publication.title": "A"}


def mount(source: str, target: str, more: str = "") -> str:
    return f"[[module.mounts]]\nsource = '{source}'\ntarget = '{target}'\n{more}\n"


def test_hugo_with_mounted_folders() -> None:
    """They replace Hugo's own folders, with their place and language; a missing one is named."""
    mounts = (
        mount("src/content", "content")
        + mount("notes", "content/log/notes")
        + mount("zh", "content", "lang = 'zh'")
        + mount("../shared", "content")
        + mount("src/static", "static")
        + mount("node_modules/a/b.js", "assets/b.js")
    )
    permalinks = "[permalinks]\nposts = '/p/:slug/'\n"
    places = ("src/content", "src/content/posts", "src/static", "notes", "zh", "content")
    site = hugo(permalinks + mounts, *places)
    taken = values(site)
    assert taken["articles.folders"] == ["src/content", "notes", "zh"]
    assert taken["articles.in"] == {
        "notes": {"prefix": "/log/notes/"},
        "zh": {"language": "zh", "prefix": "/zh/"},
        "src/content/posts": {"permalink": "/p/{slug_or_title}/"},
    }
    assets = taken["articles.assets"]
    assert isinstance(assets, list)
    assert assets[0] == "src/static"
    assert "../shared" in remarks_on(site, "articles.folders")


def test_hugo_with_the_images_of_its_theme() -> None:
    """A theme has a static folder too."""
    site = hugo("theme = 'paper'", "static", "themes/paper/static")
    assert values(site)["articles.assets"] == ["static", "themes/paper/static", "content"]


def test_hugo_file_of_one_language() -> None:
    """languages.en.toml, as in some themes, is read."""
    files = {
        "config/_default/hugo.toml": "baseURL = 'https://a.blog/'\ndefaultContentLanguage = 'en'",
        "config/_default/languages.en.toml": "title = 'A'\n[params.author]\nname = 'Ann'",
    }
    site = found(files)
    assert values(site)["publication.title"] == "A"
    assert values(site)["publication.author"] == {"name": "Ann"}
    assert values(site)["publication.language"] == "en"


# Jekyll's addresses and ids


@pytest.mark.parametrize(
    ("said", "permalink", "ids"),
    [
        ("date", "/{categories}/{year}/{month}/{day}/{slug}.html",
         "/{categories}/{year}/{month}/{day}/{slug}"),
        ("pretty", "/{categories}/{year}/{month}/{day}/{slug}/",
         "/{categories}/{year}/{month}/{day}/{slug}"),
        ("none", "/{categories}/{slug}.html", "/{categories}/{slug}"),
        ("ordinal", "/{categories}/{year}/{day_of_year}/{slug}.html",
         "/{categories}/{year}/{day_of_year}/{slug}"),
        ("/:i_month/:title/", "/{month_number}/{slug}/", "/{month_number}/{slug}"),
        ("/blog/:title/", "/blog/{slug}/", "/blog/{slug}"),
        ("/:title", "/{slug}", None),
        ("/:year/:title/index.html", "/{year}/{slug}/", "/{year}/{slug}"),
        ("/:year-:month/:slug:output_ext", "/{year}-{month}/{slug}.html", "/{year}-{month}/{slug}"),
        ("/:year_:title/", "/{year}_{slug}/", "/{slug}"),
    ],
)  # fmt: skip
def test_jekyll_permalink(said: str, permalink: str, ids: str | None) -> None:
    """Jekyll's styles and templates are taken, with the ids that jekyll-feed derives from them."""
    taken = values(jekyll(f"plugins: [jekyll-feed]\npermalink: {said}"))
    assert taken["articles.permalink"] == permalink
    assert taken.get("articles.id") == ids


@pytest.mark.parametrize(
    ("said", "token"),
    [("weekdate", ":week"), ("/:short_year/:title/", ":short_year"), ("/:titles/", ":titles")],
)  # fmt: skip
def test_unsupported_jekyll_token(said: str, token: str) -> None:
    """A style with parts without an equivalent is not taken, nor are its ids."""
    site = jekyll(f"plugins: [jekyll-feed]\npermalink: {said}")
    assert not {"articles.permalink", "articles.id"} & values(site).keys()
    assert token in remarks_on(site, "articles.permalink")


def test_jekyll_permalink_of_the_defaults() -> None:
    """A permalink that `defaults` give to posts overrides the site's."""
    scope = "defaults: [{scope: {path: '', type: posts}, values: {permalink: '/p/:slug/'}}]"
    site = jekyll(f"permalink: pretty\n{scope}")
    assert values(site)["articles.permalink"] == "/p/{slug}/"


def test_jekyll_patterns_of_folders_and_collections() -> None:
    """`defaults` for a path, and collections with pages, have patterns of their own."""
    scope = "defaults: [{scope: {path: 'ja/_posts'}, values: {permalink: '/j/:title/'}}]"
    collections = "collections: {notes: {output: true, permalink: '/n/:path/'}, x: {output: false}}"
    folders = ("_posts", "ja", "ja/_posts", "_notes", "_x")
    found = values(jekyll(f"{scope}\n{collections}", *folders))
    assert found["articles.folders"] == ["_posts", "ja/_posts", "_notes"]
    assert found["articles.in"] == {
        "ja/_posts": {"permalink": "/j/{slug}/"},
        "_notes": {"permalink": "/n/{path}/"},
    }


def test_jekyll_needs_no_config() -> None:
    """A folder of posts and one of layouts are a site."""
    assert found({}, "_posts", "_layouts").generator == "Jekyll"


def test_jekyll_feed_in_the_gemfile() -> None:
    """A plugin that only the Gemfile names counts; a commented one does not."""
    assert "articles.id" in values(
        jekyll("", Gemfile='group :jekyll_plugins do\n gem "jekyll-feed"\nend')
    )
    assert "articles.id" not in values(jekyll("", Gemfile='# gem "jekyll-feed"'))


def test_jekyll_source_folder() -> None:
    """`source` moves the posts and the images."""
    taken = values(jekyll("source: ./site/", "site/_posts"))
    assert taken["articles.folders"] == ["site/_posts"]
    assert taken["articles.assets"] == ["site"]


def test_jekyll_posts_of_categories() -> None:
    """Posts below a category's folder are articles too; those in hidden places are not."""
    found = values(jekyll("", "_posts", "news/_posts", "a/b/_posts", "_x/_posts"))
    assert found["articles.folders"] == ["_posts", "a/b/_posts", "news/_posts"]
    assert found["articles.permalink"] == "/{categories}/{year}/{month}/{day}/{slug}.html"


# JavaScript


@pytest.mark.parametrize(
    "site",
    ["SITE.url", "process.env.URL ?? 'https://b.blog'", "`https://${host}`", "'https://' + host",
     "url('https://b.blog')", "new URL('https://b.blog').href", "isDev ? 'a' : 'b'"],
)  # fmt: skip
def test_code_is_not_guessed(site: str) -> None:
    """Only a string literal is an address; code is quoted in a remark."""
    result = astro(f"site: {site}, base: '/x'")
    assert "publication.url" not in values(result)
    assert "code" in remarks_on(result, "publication.url")


@pytest.mark.parametrize(
    "config",
    [
        "'site': `https://a.blog`",
        "output: 'static', site: \"https://a.blog\" as const",
        "integrations: [feed({ site: 'https://b.blog' })], site: 'https://a.blog'",
        "vite: { plugins: [x()], define: { a: () => { return {}; } } }, site: 'https:\\/\\/a.blog'",
        "/* site: 'https://b.blog', */ site: 'https://a.blog' // site: 'https://c.blog'\n",
        "...shared, redirects: { '/a': '/b' }, get base() { return 'x' }, site: 'https://a.blog',",
    ],
)
def test_literals_of_javascript(config: str) -> None:
    """A literal is found at its own level, past code, comments and strings."""
    assert values(astro(config))["publication.url"] == "https://a.blog/"


def test_astro_without_a_folder_of_articles() -> None:
    """Without a known folder nothing is taken, and the remark says what to write."""
    site = found({"astro.config.mjs": "export default {}"}, "src", "src/pages")
    assert "articles.folders" not in values(site)
    assert "src/content/blog" in remarks_on(site, "articles.folders")


def test_astro_pages_as_articles() -> None:
    """Markdown files among the pages have the address of their path."""
    site = found(
        {"astro.config.mjs": "export default { site: 'https://a.blog' }"}, "src/pages/posts"
    )
    assert values(site)["articles.permalink"] == "/posts/{path}/"


def test_astro_files_instead_of_folders() -> None:
    """If Astro may write .html files, the remark says what the permalink would be."""
    assert "{path}.html" in remarks_on(astro("build: { format: 'file' }"), "articles.permalink")


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("addPassthroughCopy('images')", [".", "posts"]),
        ("addPassthroughCopy({ 'public': '/' })", ["public", "posts"]),
        ("addPassthroughCopy({ './assets/img': 'img' })", ["assets", "posts"]),
        ("addPassthroughCopy('favicon.ico')", ["posts"]),
        ("addPassthroughCopy('**/*.png')", ["posts"]),
        ("addPassthroughCopy(folder)", ["posts"]),
        ("addPassthroughCopy('../elsewhere')", ["posts"]),
    ],
)
def test_eleventy_copied_folders(code: str, taken: list[str]) -> None:
    """A copied folder is served from the root of the site."""
    assert values(eleventy(f"config.{code};", "posts"))["articles.assets"] == taken


@pytest.mark.parametrize(
    ("permalink", "taken"),
    [
        ('"/{{ page.fileSlug }}/"', "/{slug}/"),
        ('"{{ page.filePathStem }}.html"', "/posts/{path}.html"),
        ('"/{{ title | slugify }}/index.html"', "/{title}/"),
        (
            "\"/{{ page.date | date: '%Y/%m/%d' }}/{{page.fileSlug}}/\"",
            "/{year}/{month}/{day}/{slug}/",
        ),
        ('"/{{ series }}/{{ page.fileSlug }}/"', None),
        ('"/{% if x %}a{% endif %}/{{ page.fileSlug }}/"', None),
        ("false", None),
    ],
)
def test_eleventy_permalink_of_a_folder(permalink: str, taken: str | None) -> None:
    """The data file of the folder gives its addresses if they are plain strings."""
    site = eleventy("", "posts", **{"posts/posts.json": f'{{"permalink": {permalink}}}'})
    assert values(site).get("articles.permalink") == taken
    assert bool(remarks_on(site, "articles.permalink")) == (taken is None)


def test_eleventy_input_folder_by_method() -> None:
    """setInputDirectory determines where addresses begin."""
    site = eleventy('eleventyConfig.setInputDirectory("./src/");', "src", "src/news")
    assert values(site)["articles.permalink"] == "/news/{path}/"


def test_eleventy_homepage() -> None:
    """package.json's homepage is the last resort, and a repository's URL is not used."""
    own = eleventy("", **{"package.json": '{"homepage": "https://a.blog"}'})
    assert values(own)["publication.url"] == "https://a.blog/"
    npm = eleventy("", **{"package.json": '{"homepage": "https://github.com/a/b#readme"}'})
    assert "publication.url" not in values(npm)


def test_eleventy_without_articles() -> None:
    """Several folders of articles, or none, are reported, not guessed."""
    assert "posts" in remarks_on(eleventy(""), "articles.folders")
    assert "blog may hold" in remarks_on(eleventy("", "blog", "posts"), "articles.folders")


# Zola


@pytest.mark.parametrize(
    ("config", "key", "value"),
    [
        ("[slugify]\npaths = 'safe'", "articles.lowercase", False),
        ("[slugify]\npaths = 'on'", "articles.lowercase", None),
        ("", "articles.permalink", "/{path}/"),
    ],
)
def test_zola_settings(config: str, key: str, value: object) -> None:
    """Zola's settings for addresses are respected."""
    assert values(found({"zola.toml": f"title = 'A'\n{config}"}, "content")).get(key) == value


@pytest.mark.parametrize(
    "base", ["a.example", "https://a.example", "http://a.example/", "a.example/"]
)
def test_the_url_of_quartz_may_have_a_scheme(base: str) -> None:
    """Which its documentation says to leave out."""
    config = f'const config = {{ configuration: {{ baseUrl: "{base}" }} }}'
    site = found({"quartz.config.ts": config}, "content")
    assert values(site)["publication.url"] == "https://a.example/"


def test_quartz() -> None:
    """Its title, URL and language, without the folders that it leaves out."""
    config = """
    const config: QuartzConfig = {
      configuration: {
        pageTitle: "My garden", locale: "de-DE", baseUrl: "garden.example.net/notes",
        ignorePatterns: ["private", "templates"], theme: { cdnCaching: true },
      },
      plugins: { transformers: [Plugin.FrontMatter()] },
    }
    """
    site = found({"quartz.config.ts": config}, "content", "content/templates")
    taken = values(site)
    assert taken["publication.title"] == "My garden"
    assert taken["publication.language"] == "de-DE"
    assert taken["articles.exclude"] == ["content/templates"]
    assert (taken["articles.markdown"], taken["articles.addresses"]) == ("obsidian", "quartz")
    assert taken["publication.url"] == "https://garden.example.net/notes/"


def test_starlight() -> None:
    """Its pages are served from the root, and its title is an option of its own."""
    code = """
    const site = "https://s.example.net";
    const star = starlight({ title: "Star", plugins: [a()] });
    export default defineConfig({ site, integrations: [star] });
    """
    taken = values(found({"astro.config.mjs": code}, "src/content/docs"))
    assert taken["publication.url"] == "https://s.example.net/"
    assert taken["publication.title"] == "Star"


def test_eleventy_filter_of_dates() -> None:
    """A filter whose format can be read in the config stands for the parts of a date."""
    code = """
    export default function (config) {
      config.addFilter("path", (at) => {
        const date = new Date(at);
        return DateTime.fromJSDate(date).toFormat("yyyy/MM");
      });
      config.addFilter("other", (at) => DateTime.fromJSDate(at).toFormat("EEE/yyyy"));
    }
    """
    data = '{"permalink": "/blog/{{ page.date | %s }}/{{ page.fileSlug }}/"}'
    for name, pattern in (("path", "/blog/{year}/{month}/{slug}/"), ("other", None)):
        files = {"eleventy.config.js": code, "posts/posts.json": data % name}
        assert values(found(files, "posts")).get("articles.permalink") == pattern


def test_zola_keeps_dates() -> None:
    """If Zola keeps dates in file names, they are part of the URL."""
    config = "base_url = 'https://a.blog'\n[slugify]\npaths_keep_dates = true"
    site = found({"config.toml": config})
    assert values(site)["articles.permalink"] == "/{folders}/{slug_or_filename}/"
    assert not remarks_on(site, "articles.permalink")


# The whole


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_samples_are_fit_for_broadsheet_toml(name: str) -> None:
    """Everything taken has the types of broadsheet.toml, in its order, no key twice."""
    site = sample(name)
    keys = [taken.key for taken in site.taken]
    assert len(set(keys)) == len(keys)
    assert all(isinstance(taken, Taken) and taken.source for taken in site.taken)
    assert keys == sorted(keys, key=lambda key: not key.startswith("publication."))
    for taken in site.taken:
        assert isinstance(taken.value, str | bool | list | dict)
        if taken.key in {"articles.permalink", "articles.id"}:
            Permalink(str(taken.value))


# Generators whose config is a program, or is shared with another generator


@pytest.mark.parametrize(
    ("files", "folders", "taken"),
    [
        (
            {"_config.yml": "title: A\nsource_dir: source\npermalink: :year/:title/\n"},
            ["source/_posts"],
            {"folders": ["source/_posts"], "permalink": "/{year}/{path}/", "addresses": "hexo"},
        ),
        (
            {"_config.yml": "new_post_name: ':year-:month-:day-:title.md'\n"},
            ["source/_posts"],
            {"permalink": "/{year}/{month}/{day}/{folders}/{slug}/"},
        ),
        (
            {
                "pelicanconf.py": "SITEURL = ''\nPATH = 'texts'\nTIMEZONE = 'Asia/Tokyo'\n",
                "publishconf.py": "from pelicanconf import *\nBASE = 'https://'\n"
                "SITEURL = BASE + 'p.blog'\nARTICLE_URL = 'a/{date:%Y}/{date:%b}/{slug}/'\n",
            },
            ["texts", "texts/pages"],
            {
                "folders": ["texts"],
                "permalink": "/a/{year}/{month_name}/{slug_or_title}/",
                "exclude": ["texts/pages"],
                "addresses": "pelican",
            },
        ),
        (
            {"pelicanconf.py": "PATH = 'c'\nSLUGIFY_SOURCE = 'basename'\n"},
            ["c"],
            {"folders": ["c"], "permalink": "/{slug}.html"},
        ),
        (
            {"conf.py": "POSTS = (('posts/*.md', 'blog', 'post.tmpl'), ('n/*.md', 'n', 'x'))\n"},
            ["posts", "n"],
            {
                "folders": ["posts", "n"],
                "permalink": "/blog/{path}/",
                "in": {"n": {"permalink": "/n/{path}/"}},
            },
        ),
        (
            {
                "conf.py": "DEFAULT_LANG = 'en'\nPOSTS = (('posts/*.md', 'p', 'post.tmpl'),)\n"
                "AT = './zh' + '-cn'\n"
                "TRANSLATIONS = {DEFAULT_LANG: '', 'de': './de', 'zh_cn': AT, 'fr': ''}\n"
            },
            ["posts"],
            {
                "permalink": "/p/{path}/",
                "in": {
                    "*.de": {"language": "de", "prefix": "/de/"},
                    "*.zh_cn": {"language": "zh-CN", "prefix": "/zh-cn/"},
                    "*.fr": {"language": "fr", "prefix": "/"},
                },
            },
        ),
        (
            {
                "docusaurus.config.js": "export default { title: 'A', url: 'https://d.blog', "
                "baseUrl: '/x/', presets: [['classic', { blog: { routeBasePath: '/' } }]] };"
            },
            ["blog"],
            {"folders": ["blog"], "permalink": "/{path}", "addresses": "docusaurus"},
        ),
        (
            {
                "docusaurus.config.ts": "export default { title: 'A', "
                "i18n: { defaultLocale: 'de', locales: ['de', 'en', 'pt-BR'] } };"
            },
            [
                *("blog", "i18n/de/docusaurus-plugin-content-blog"),
                *("i18n/pt-BR/docusaurus-plugin-content-blog", "i18n/pt-BR/code"),
            ],
            {
                "folders": ["blog", "i18n/pt-BR/docusaurus-plugin-content-blog"],
                "in": {
                    "i18n/pt-BR/docusaurus-plugin-content-blog": {
                        "language": "pt-BR",
                        "prefix": "/pt-BR/",
                    }
                },
            },
        ),
        (
            {".vitepress/config.ts": "export default defineConfig({ cleanUrls: true })"},
            ["posts"],
            {"folders": ["posts"], "in": {"posts": {"permalink": "/posts/{path}"}}},
        ),
        (
            {
                ".vitepress/config.mts": "export default defineConfig({ base: '/b/', "
                "locales: { root: { lang: 'en' }, de: { lang: 'de-AT' }, fr: { label: 'F' } }, "
                "sitemap: { hostname: 'https://v.blog/b/' } })"
            },
            ["posts", "de", "de/posts", "fr"],
            {
                "folders": ["posts", "de/posts"],
                "in": {
                    "de": {"language": "de-AT"},
                    "posts": {"permalink": "/posts/{path}.html"},
                    "de/posts": {"permalink": "/de/posts/{path}.html"},
                },
            },
        ),
        (
            {"docs/.vuepress/config.js": "module.exports = { title: 'A' }"},
            ["docs", "docs/blog"],
            {
                "folders": ["docs/blog"],
                "permalink": "/{path}.html",
                "in": {"docs/blog": {"permalink": "/blog/{path}.html"}},
            },
        ),
        (
            {"mkdocs.yml": "site_name: A\nplugins: [search, blog]\nx: !!python/name:y.z\n"},
            ["docs/blog/posts"],
            {
                "folders": ["docs/blog/posts"],
                "permalink": "/blog/{year}/{month}/{day}/{slug_or_title}/",
            },
        ),
        (
            {"_quarto.yml": "website: {title: A, site-url: https://q.blog, site-path: /x}\n"},
            ["posts", "posts/a", "talks"],
            {
                "folders": ["posts"],
                "in": {"posts": {"permalink": "/posts/{path}.html"}},
                "addresses": "quarto",
                "exclude": ["**/_*"],
            },
        ),
        (
            {"_quarto.yml": "project: {type: website}\n"},
            [],
            {"folders": ["."], "permalink": "/{path}.html", "in": None},
        ),
        (
            {"mkdocs.yml": "plugins: [{blog: {post_url_format: '{categories}/{file}'}}]\n"},
            ["docs/blog/posts"],
            {"permalink": "/blog/{categories[:1]}/{filename}/", "lowercase": False},
        ),
        (
            {"mkdocs.yml": "site_name: A\nuse_directory_urls: false\n"},
            ["docs"],
            {"folders": ["docs"], "permalink": "/{path}.html"},
        ),
    ],
)
def test_other_generators(
    files: dict[str, str], folders: list[str], taken: dict[str, object]
) -> None:
    """Folders, patterns and places are taken from literals in their configs."""
    given = values(found(files, *folders))
    assert {key: given.get(f"articles.{key}") for key in taken} == taken


def test_a_python_config_that_does_not_parse_is_a_remark() -> None:
    """With its line, and nothing is taken."""
    site = found({"pelicanconf.py": "A = 1\nB = (\n"})
    assert site.taken == ()
    assert (site.remarks[0].path, site.remarks[0].line) == ("pelicanconf.py", 2)
