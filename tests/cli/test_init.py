"""`broadsheet init`: the file it writes is a valid config that `build` works with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
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
REMOTE = '[remote "origin"]\n\turl = {}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
ME, ME_TOO = "https://me.github.io/", "https://me.gitlab.io/"
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
    if "publication.url: " in ran.err:
        ran = newsroom.run("init", "--url", URL)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("broadsheet.toml is written.\n")
    assert "site. From its config:\n" in ran.out
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


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "publication.url: not found; "),
        ({"_config.yml": "title: A\n"}, "publication.url: not found in the config of Jekyll; "),
        *(
            ({"hugo.toml": f'baseURL = "{url}"\n'}, f'hugo.toml: baseURL says "{url}", which is ')
            for url in ("http://localhost:4000", "http://127.0.0.1:1313/", "/", "not a URL")
        ),
    ],
)
def test_without_a_url_there_is_no_config(
    tmp_path: Path, config: dict[str, str], said: str
) -> None:
    """`init` makes none up, and says how to give it; then the config is one that `build` takes."""
    newsroom = Newsroom(tmp_path / '我的 "blog"')
    for name, text in config.items():
        newsroom.write(name, text)
    newsroom.write("content/_posts/2025-06-20-a.md", ARTICLE)
    ran = newsroom.run("init")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "broadsheet init --url https://www.example.org/\n" in ran.err
    assert not (newsroom.folder / "broadsheet.toml").exists()
    assert newsroom.run("init", "--url", "https://a.example/b").code == 0
    assert _settings(newsroom).publication.url == "https://a.example/b/"
    assert newsroom.run("build").code == 0


@pytest.mark.parametrize(
    ("files", "url"),
    [
        ({"CNAME": "Blog.example.net\n"}, "https://blog.example.net/"),
        ({"static/CNAME": "a.example"}, "https://a.example/"),
        ({"package.json": '{"homepage": "https://a.example/b"}'}, "https://a.example/b/"),
        ({".git/config": REMOTE.format("https://github.com/Me/me.github.io")}, ME),
        ({".git/config": REMOTE.format("git@github.com:Me/Me.github.io.git")}, ME),
        ({".git/config": REMOTE.format("ssh://git@gitlab.com/me/me.gitlab.io/")}, ME_TOO),
        ({"CNAME": "no domain"}, None),
        ({"CNAME": "a/b.c"}, None),
        ({"package.json": '{"homepage": "https://github.com/me/blog#readme"}'}, None),
        ({"package.json": '{"homepage": "."}'}, None),
        ({"package.json": '["homepage"]'}, None),
        ({".git/config": REMOTE.format("https://github.com/me/blog.git")}, None),
    ],
)
def test_files_beside_the_config_may_give_the_url(
    tmp_path: Path, files: dict[str, str], url: str | None
) -> None:
    """If the generator's config has none: GitHub Pages, npm, Git; `init` says which."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("_config.yml", "title: A\n")
    newsroom.write("_posts/2025-06-20-a.md", ARTICLE)
    for name, text in files.items():
        newsroom.write(name, text)
    ran = newsroom.run("init")
    assert ran.code == (2 if url is None else 0)
    if url:
        assert f"publication.url: {url} was taken from " in ran.out
        assert _settings(newsroom).publication.url == url


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
    ran = newsroom.run("init", "--url", URL)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"the articles folder {folder!r} does not exist here")
    assert ran.err.endswith("; create it, or run `broadsheet init` in the folder of the web site\n")
    assert contents(tmp_path).keys() == files.keys()
    (tmp_path / folder).mkdir()
    assert newsroom.run("init", "--url", URL).code == 0


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
    assert newsroom.run("init", "--url", URL).code == 0
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
    assert newsroom.run("--config", "other.toml", "init", "--url", URL).code == 0
    assert set(contents(tmp_path)) == {"other.toml", "content/a.md"}
    assert newsroom.run("build", "--config", "other.toml").code == 0


def test_a_config_in_a_folder_is_for_that_folder(tmp_path: Path) -> None:
    """Articles are searched for beside the config, where a build looks too."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("site/posts/a.md", ARTICLE)
    newsroom.write("content/b.md", ARTICLE)
    assert newsroom.run("--config", "site/broadsheet.toml", "init", "--url", URL).code == 0
    text = (tmp_path / "site/broadsheet.toml").read_text("utf-8")
    assert 'folders = ["posts"]' in text


def test_init_can_be_quiet(tmp_path: Path) -> None:
    """With --quiet it writes the same and prints nothing."""
    loud, quiet = Newsroom(tmp_path / "a" / "blog"), Newsroom(tmp_path / "b" / "blog")
    for newsroom in (loud, quiet):
        newsroom.write("content/a.md", ARTICLE)
    assert loud.run("init", "--url", URL).out
    ran = quiet.run("init", "--quiet", "--url", URL)
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
    ran = newsroom.run("init", "--url", URL)
    assert (ran.code, ran.err) == (0, "")
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
    ran = newsroom.run("init", "--url", URL)
    assert (ran.code, ran.err) == (0, "")
    assert all(each in ran.out for each in said)
    assert newsroom.run("build").code == 0


def _commit(folder: Path, date: str) -> None:
    """Commit everything in `folder`, a repository or not yet one, as of `date`."""
    me = ("-c", "user.name=A", "-c", "user.email=a@a.example")
    for words in (("init", "--quiet"), ("add", "."), (*me, "commit", "--quiet", "-m", "A")):
        environment = {**os.environ, "GIT_AUTHOR_DATE": date}
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("a.example", "https://a.example/"),
        ("例子.中国/blog", "https://例子.中国/blog/"),
        ("http://a.example", "http://a.example/"),
        ("a", ""),
        ("1.2.3.4", ""),
        ("ftp://a.example", ""),
    ],
)
def test_a_domain_is_enough_of_a_url(tmp_path: Path, given: str, url: str) -> None:
    """With https; what is neither a domain nor a URL of the web is a usage error."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("posts/a.md", ARTICLE)
    ran = newsroom.run("init", "--url", given)
    assert ran.code == (0 if url else 2)
    assert not url or _settings(newsroom).publication.url == url


def test_the_language_can_be_given(tmp_path: Path) -> None:
    """As a tag in any case; anything else is a usage error, and no config is written."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("posts/a.md", ARTICLE)
    ran = newsroom.run("init", "--url", URL, "--language", "klingon!")
    assert (ran.code, (tmp_path / "broadsheet.toml").exists()) == (2, False)
    assert "'klingon!' is not a language tag; write one like zh-CN" in ran.err
    assert newsroom.run("init", "--url", URL, "--language", "zh-cn").code == 0
    assert _settings(newsroom).publication.language == "zh-CN"


def test_notes_without_dates_get_those_of_their_commits(tmp_path: Path) -> None:
    """And their headings as titles; files about the repository are no articles."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("unix/zip.md", "# What is in a zip file\n\nText.\n")
    newsroom.write("README.md", "# Notes\n")
    _commit(tmp_path, "2025-06-20T08:00:00+02:00")
    ran = newsroom.run("init", "--url", URL)
    assert "Articles: 1 file in unix (1)\n" in ran.out
    assert "articles.date_from: no file has a date; each gets that of its first commit" in ran.out
    assert newsroom.run("build").code == 0
    (item,) = json.loads(newsroom.published()["feed.json"])["items"]
    assert item["title"] == "What is in a zip file"
    assert item["date_published"] == "2025-06-20T08:00:00+02:00"


@pytest.mark.parametrize(
    ("path", "text"),
    [("posts/a.md", ARTICLE), ("hugo.toml", ""), ("posts/2025-06-01-a.md", "# A\n")],
)
def test_only_a_plain_folder_without_any_date_gets_those_of_commits(
    tmp_path: Path, path: str, text: str
) -> None:
    """Not one with a generator, nor one in which some files have dates: the others are drafts."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("content/b.md", "# B\n")
    newsroom.write(path, text)
    _commit(tmp_path, "2025-06-20T08:00:00+02:00")
    assert "articles.date_from" not in newsroom.run("init", "--url", URL).out


def test_notes_with_a_date_in_their_names_are_articles(tmp_path: Path) -> None:
    """Also without front matter, if no file has any; the first heading is the title."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("2025-06-01-zip-files.md", "# What is in a zip file\n\nText.\n")
    assert "Articles: 1 dated file in . (1)" in newsroom.run("init", "--url", URL).out
    assert newsroom.run("build").code == 0
    (item,) = json.loads(newsroom.published()["feed.json"])["items"]
    assert item["title"] == "What is in a zip file"


def test_articles_may_be_in_a_folder_named_like_an_output(tmp_path: Path) -> None:
    """`public/` is looked into if no other folder has a dated file, and not otherwise."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("public/a/index.md", ARTICLE)
    assert "Articles: 1 dated file in public/a (1)" in newsroom.run("init", "--url", URL).out
    (tmp_path / "broadsheet.toml").unlink()
    newsroom.write("posts/a.md", ARTICLE)
    assert "Articles: 1 dated file in posts (1)" in newsroom.run("init", "--url", URL).out


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


def written(newsroom: Newsroom) -> dict[str, Any]:
    """Return the config that `init` writes."""
    ran = newsroom.run("init", "--url", URL)
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
