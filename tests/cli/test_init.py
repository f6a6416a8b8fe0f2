"""`broadsheet init`: the file it writes is a valid config that `build` works with."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from broadsheet.model.settings import Settings
from broadsheet.storage import config
from newsroom import TESTS, Newsroom, contents

SAMPLES = TESTS / "sites"
URL = "https://a.example/"
NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())
ARTICLE = "---\ntitle: 一\ndate: 2025-06-20\n---\n\nText.\n"


def _settings(newsroom: Newsroom) -> Settings:
    return config.load(newsroom.folder / "broadsheet.toml", "broadsheet.toml")


@pytest.mark.parametrize("name", NAMES)
def test_a_site_with_init_and_build_has_feeds(tmp_path: Path, name: str) -> None:
    """The config is valid, gives the source of each value, and finds the articles."""
    shutil.copytree(SAMPLES / name, tmp_path, dirs_exist_ok=True)
    newsroom = Newsroom(tmp_path)
    ran = newsroom.run("init")
    while missing := re.match("the articles folder '(.+)' does not exist here", ran.err):
        assert ran.code == 2
        assert not (tmp_path / "broadsheet.toml").exists()
        (tmp_path / missing[1]).mkdir(parents=True)
        ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("broadsheet.toml is written.\n")
    assert "site. From its config:\n" in ran.out
    if "publication.url = " not in ran.out:
        _write_url(newsroom)
    settings = _settings(newsroom)
    for folder in settings.articles.folders:
        newsroom.write(f"{folder}/2025-06-20-one.md", ARTICLE)
    built = newsroom.run("build")
    assert built.code == 0, built.err
    feed = (tmp_path / settings.feeds.folder / "atom.xml").read_text(encoding="utf-8")
    assert feed.count("</entry>") == len(
        {folder.strip("/") for folder in settings.articles.folders}
    )
    assert settings.publication.url in feed


def _write_url(newsroom: Newsroom) -> None:
    """Fill in the key that `init` left out."""
    path = newsroom.folder / "broadsheet.toml"
    text = path.read_text("utf-8")
    assert re.search('^# url = ".*" +# required', text, re.MULTILINE)
    path.write_text(re.sub("(?m)^# url = .*", f'url = "{URL}"', text), "utf-8")


def test_without_a_url_the_config_has_none(tmp_path: Path) -> None:
    """`init` makes no URL up and says so; until it is set, every command says what to write."""
    newsroom = Newsroom(tmp_path / '我的 "blog"')
    newsroom.write("content/a.md", ARTICLE)
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert "publication.url: not found; write the URL of the web site into the config" in ran.out
    assert ran.out.endswith(
        "Next: write publication.url into broadsheet.toml, then broadsheet build\n"
    )
    for command in ("build", "digest", "status", "check"):
        refused = newsroom.run(command)
        assert refused.code == 2
        said = refused.out + refused.err
        assert re.search(r"broadsheet\.toml:\d+: ", said)
        assert 'publication.url: is missing; add it, for example url = "https://www.' in said
    assert not (newsroom.folder / "feeds").exists()
    _write_url(newsroom)
    settings = _settings(newsroom)
    assert settings.publication.title == '我的 "blog"'
    assert settings.articles.folders == ("content",)
    assert newsroom.run("build").code == 0


@pytest.mark.parametrize("url", ["http://localhost:4000", "http://127.0.0.1:1313/", "/"])
def test_a_localhost_url_is_not_taken(tmp_path: Path, url: str) -> None:
    """A generator's URL for its own preview does not become part of ids."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("hugo.toml", f'title = "A"\nbaseURL = "{url}"\n')
    newsroom.write("content/a.md", ARTICLE)
    ran = newsroom.run("init")
    assert ran.code == 0
    assert "publication.url: hugo.toml: baseURL says" in ran.out
    assert newsroom.run("build").code == 2
    _write_url(newsroom)
    assert newsroom.run("build").code == 0


def test_example_org_is_a_url_like_any_other(tmp_path: Path) -> None:
    """A URL written by hand is used as it is, as in the demo."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("hugo.toml", 'title = "A"\nbaseURL = "https://example.org/"\n')
    newsroom.write("content/a.md", ARTICLE)
    assert newsroom.run("init").code == 0
    assert newsroom.run("build").code == 0
    assert b"https://example.org/a/" in newsroom.published()["atom.xml"]


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ({}, "content"),
        ({"notes.txt": ""}, "content"),
        ({"feeds/old.md": ARTICLE}, "content"),
        ({"previews/old.md": ARTICLE}, "content"),
        ({"hugo.toml": 'baseURL = "https://a.example/"\ncontentDir = "texts"\n'}, "texts"),
        ({"_config.yml": "title: A\nurl: https://a.example\n"}, "_posts"),
        ({"config.toml": 'base_url = "https://a.example"\ntitle = "A"\n'}, "content"),
    ],
)
def test_without_a_folder_of_articles_there_is_no_config(
    tmp_path: Path, files: dict[str, str], folder: str
) -> None:
    """`init` fails if the folder is missing: exit 2, and nothing is written."""
    newsroom = Newsroom(tmp_path)
    for path, text in files.items():
        newsroom.write(path, text)
    ran = newsroom.run("init")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"the articles folder {folder!r} does not exist here")
    assert ran.err.endswith("; create it, or run `broadsheet init` in the folder of the web site\n")
    assert contents(tmp_path).keys() == files.keys()
    (tmp_path / folder).mkdir()
    assert newsroom.run("init").code == 0


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("content/posts/a.md", "content"),
        ("posts/a.md", "posts"),
        ("_posts/2025-01-01-a.markdown", "_posts"),
        ("essays/deep/a.md", "essays"),
        ("a.md", "."),
    ],
)
def test_the_articles_folder_is_found(tmp_path: Path, path: str, folder: str) -> None:
    """Without a generator's config, `init` looks for Markdown files."""
    newsroom = Newsroom(tmp_path)
    newsroom.write(path, ARTICLE)
    assert newsroom.run("init").code == 0
    _write_url(newsroom)
    assert _settings(newsroom).articles.folders == (folder,)
    assert newsroom.run("build").code == 0


def test_a_config_is_never_overwritten(tmp_path: Path) -> None:
    """`init` does not replace an existing file: exit 2."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("broadsheet.toml", "mine")
    for args in (["init"], ["--config", "broadsheet.toml", "init"]):
        ran = newsroom.run(*args)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            "broadsheet.toml: there is a config already; edit it, or delete it first\n"
        )
    assert contents(tmp_path) == {"broadsheet.toml": b"mine"}


def test_the_config_may_have_another_name(tmp_path: Path) -> None:
    """With --config the file is written there, and nowhere else."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("content/a.md", ARTICLE)
    assert newsroom.run("--config", "other.toml", "init").code == 0
    assert set(contents(tmp_path)) == {"other.toml", "content/a.md"}
    text = (tmp_path / "other.toml").read_text("utf-8")
    newsroom.write("other.toml", re.sub("(?m)^# url = .*", f'url = "{URL}"', text))
    assert newsroom.run("build", "--config", "other.toml").code == 0


def test_a_config_in_a_folder_is_for_that_folder(tmp_path: Path) -> None:
    """Articles are searched for beside the config, where a build looks too."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("site/posts/a.md", ARTICLE)
    newsroom.write("content/b.md", ARTICLE)
    assert newsroom.run("--config", "site/broadsheet.toml", "init").code == 0
    text = (tmp_path / "site/broadsheet.toml").read_text("utf-8")
    assert 'folders = ["posts"]' in text


def test_init_can_be_quiet(tmp_path: Path) -> None:
    """With --quiet it writes the same and prints nothing."""
    loud, quiet = Newsroom(tmp_path / "a" / "blog"), Newsroom(tmp_path / "b" / "blog")
    for newsroom in (loud, quiet):
        newsroom.write("content/a.md", ARTICLE)
    assert loud.run("init").out
    ran = quiet.run("init", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert contents(loud.folder) == contents(quiet.folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hugo.toml", "not = [toml"),
        ("_config.yml", "a: b: c"),
        ("hugo.toml", 'title = "A"\nbaseURL = "not an address"\n'),
        ("hugo.toml", 'title = "A"\nlanguageCode = "klingon!"\ntimeZone = "Mars/Base"\n'),
        ("_config.yml", "title: A\nurl: ''\ntimezone: 7\n"),
    ],
)
def test_an_unusable_generator_config_does_no_harm(tmp_path: Path, name: str, text: str) -> None:
    """A broken or unusual generator config still gives a valid config."""
    newsroom = Newsroom(tmp_path)
    newsroom.write(name, text)
    newsroom.write("content/a.md", ARTICLE)
    newsroom.write("_posts/2025-06-20-a.md", ARTICLE)
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert "publication.url: " in ran.out
    _write_url(newsroom)
    assert newsroom.run("build").code == 0


def test_init_templates_extend_the_bundled_ones(newsroom: Newsroom) -> None:
    """`init --templates` changes no output, and replaces no template."""
    newsroom.configure('\n[digests.weekly]\ntitle = "周报"\n')
    newsroom.article("a.md", date="2025-06-26")
    assert newsroom.run("digest").code == 0
    before = newsroom.published()["digests/weekly/2025-06-30/email.html"]
    shutil.rmtree(newsroom.folder / "feeds")
    ran = newsroom.run("init", "--templates")
    assert (ran.code, ran.err) == (0, "")
    written = contents(newsroom.folder / "email_templates")
    assert written
    made = newsroom.run("digest")
    assert (made.code, made.err) == (0, "")
    after = newsroom.published()["digests/weekly/2025-06-30/email.html"]
    assert after.split() == before.split()
    for path in written:
        newsroom.write(f"email_templates/{path}", "mine")
    again = newsroom.run("init", "--templates")
    assert again.code == 0
    assert "was not changed" in again.out
    assert set(contents(newsroom.folder / "email_templates").values()) == {b"mine"}
    assert newsroom.run("init", "--templates", "--quiet").out == ""


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"news/a.md": ARTICLE, "news/b.md": "Text.\n"}, ["1 dated file in news (1)"]),
        ({"news/a.md": "---\ndate: 2025-06-20\n---\nHi.\n"}, ["without a title: news (1)"]),
        (
            {"hugo.toml": "", "content/a.md": ARTICLE, "notes/b.md": ARTICLE},
            ["1 dated file in content (1)", "not included: 1 dated file in notes (1)"],
        ),
        ({"content/a.md": "Text.\n"}, ["Articles: 0 dated files", "without a date"]),
        ({"c/a.md": ARTICLE, "c/b.rst": "x"}, ["not read: 1 file (.rst) in c (1)", "is a guess"]),
        (
            {"docusaurus.config.js": "export default {}", "posts/a.md": ARTICLE},
            ["1 dated file in posts (1)"],
        ),
        (
            {".eleventy.js": "", "a/x.md": ARTICLE, "b/y.md": ARTICLE},
            ["2 dated files in a (1), b (1)"],
        ),
        (
            {"astro.config.mjs": "", "src/content/tips/x.md": ARTICLE},
            ["1 dated file in src/content/tips (1)"],
        ),
    ],
)
def test_init_counts_what_it_found(tmp_path: Path, files: dict[str, str], said: list[str]) -> None:
    """It ends with the articles that a build will find and those it will not; the build works."""
    newsroom = Newsroom(tmp_path)
    for path, text in files.items():
        newsroom.write(path, text)
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert all(each in ran.out for each in said)
    _write_url(newsroom)
    assert newsroom.run("build").code == 0


def test_init_compares_addresses_with_the_built_site(tmp_path: Path) -> None:
    """An article whose page has another address is named, with the key to set; setting it helps."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("hugo.toml", 'title = "A"\nbaseURL = "https://a.example/"\n')
    for name in ("a", "b"):
        newsroom.write(f"content/news/{name}.md", ARTICLE)
    newsroom.write("public/index.html", "")
    newsroom.write("public/news/a/index.html", "")
    newsroom.write("public/n/b/index.html", "")
    ran = newsroom.run("init")
    assert "Addresses: 1 of 2 are those in public\n" in ran.out
    assert "content/news/b.md: its address is /news/b/, and in public it is /n/b/" in ran.out
    assert 'set permalink = "/n/{filename}/" in [articles.in."content/news"]' in ran.out
    assert "site-address" in newsroom.run("check").out


@pytest.mark.parametrize(
    ("text", "url"),
    [("Blog.example.net\n", "https://blog.example.net/"), ("no domain", None), ("a/b.c", None)],
)
def test_the_domain_of_github_pages_is_the_url(tmp_path: Path, text: str, url: str | None) -> None:
    """If the generator's config has no URL, the CNAME file gives it."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("_config.yml", "title: A\n")
    newsroom.write("_posts/2025-06-20-a.md", ARTICLE)
    newsroom.write("CNAME", text)
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    if url is None:
        assert "write publication.url into broadsheet.toml, then" in ran.out
    else:
        assert "was taken from the file CNAME" in ran.out
        assert _settings(newsroom).publication.url == url


def written(newsroom: Newsroom) -> dict[str, Any]:
    """Return the config that `init` writes."""
    ran = newsroom.run("init")
    assert ran.code == 0, ran.err
    config: dict[str, Any] = tomllib.loads((newsroom.folder / "broadsheet.toml").read_text("utf-8"))
    return config


def test_a_site_in_several_languages_gets_a_feed_for_each(tmp_path: Path) -> None:
    """The main feed has the language of the publication, so no article is in two of them."""
    newsroom = Newsroom(tmp_path)
    newsroom.write(
        "hugo.toml",
        'baseURL = "https://h.example/"\ntitle = "H"\ndefaultContentLanguage = "en"\n'
        "[languages.en]\nweight = 1\n[languages.zh-cn]\nweight = 2\n[languages.fr]\n",
    )
    for name in ("a.md", "a.zh-cn.md", "b.md"):
        newsroom.write(f"content/{name}", f"---\ntitle: {name}\ndate: 2025-01-02\n---\nText.\n")
    feeds = written(newsroom)["feeds"]
    assert feeds["main"] == {"languages": ["en"]}
    assert feeds["zh-cn"]["languages"] == ["zh-CN"]
    assert "fr" not in feeds, "no article is in French"
    assert newsroom.run("build").code == 0
    titles = {}
    for path in ("", "zh-cn/"):
        feed = json.loads((tmp_path / f"feeds/{path}feed.json").read_text("utf-8"))
        titles[path] = {item["title"] for item in feed["items"]}
    assert titles == {"": {"a.md", "b.md"}, "zh-cn/": {"a.zh-cn.md"}}


def test_folders_that_are_named_by_languages_hold_translations(tmp_path: Path) -> None:
    """Without a generator, a file of the same name in each keeps an address of its own."""
    newsroom = Newsroom(tmp_path)
    for name in ("en", "zh"):
        newsroom.write(f"texts/{name}/blog/a.md", "---\ntitle: A\ndate: 2025-01-02\n---\nText.\n")
    config = written(newsroom)
    assert config["articles"]["permalink"] == "/{path}/"
    assert config["articles"]["in"] == {f"texts/{n}": {"language": n} for n in ("en", "zh")}
    assert config["feeds"]["main"] == {"languages": ["en"]}


def test_folders_with_other_names_are_no_languages(tmp_path: Path) -> None:
    """Two letters may also be a subject."""
    newsroom = Newsroom(tmp_path)
    for name in ("js", "go"):
        newsroom.write(f"texts/{name}/a.md", "---\ntitle: A\ndate: 2025-01-02\n---\nText.\n")
    assert "in" not in written(newsroom)["articles"]


@pytest.mark.parametrize(("chinese", "is_split"), [(1, False), (5, True)])
def test_languages_in_front_matter(tmp_path: Path, chinese: int, is_split: bool) -> None:
    """One article in another language stays with the others; many get a feed."""
    newsroom = Newsroom(tmp_path)
    for number in range(20):
        language = "zh-CN" if number < chinese else "en"
        head = f"title: T{number}\ndate: 2025-01-02\nlang: {language}\n"
        newsroom.write(f"posts/{number}.md", f"---\n{head}---\nText.\n")
    assert bool(written(newsroom)["feeds"]["main"]) == is_split
