"""broadsheet init: the file it writes is a config, and a build with it works."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from broadsheet import config
from broadsheet.settings import Settings
from conftest import Newsroom, contents

SAMPLES = Path(__file__).parent / "sites"
NAMES = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())
ARTICLE = "---\ntitle: 一\ndate: 2025-06-20\n---\n\nText.\n"


def _settings(newsroom: Newsroom) -> Settings:
    return config.load(newsroom.folder / "broadsheet.toml", "broadsheet.toml")


@pytest.mark.parametrize("name", NAMES)
def test_a_site_with_init_and_build_has_feeds(tmp_path: Path, name: str) -> None:
    """The config is valid, says where each value comes from, and finds articles put in place."""
    shutil.copytree(SAMPLES / name, tmp_path, dirs_exist_ok=True)
    newsroom = Newsroom(tmp_path)
    ran = newsroom.run("init")
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


def test_an_empty_folder_gets_a_config_to_fill_in(tmp_path: Path) -> None:
    """Title from the folder, a placeholder for the address, and words about what to look at."""
    newsroom = Newsroom(tmp_path / '我的 "blog"')
    newsroom.folder.mkdir()
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert "publication.url: write the address of your site instead of example.org" in ran.out
    settings = _settings(newsroom)
    assert settings.publication.title == '我的 "blog"'
    assert settings.publication.url == "https://example.org/"
    assert settings.articles.folders == ("content",)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("content/posts/a.md", "content/posts"),
        ("posts/a.md", "posts"),
        ("_posts/2025-01-01-a.markdown", "_posts"),
        ("essays/deep/a.md", "essays"),
        ("a.md", "."),
    ],
)
def test_the_folder_that_holds_articles_is_found(tmp_path: Path, path: str, folder: str) -> None:
    """Without a generator's config, init looks where the Markdown is."""
    newsroom = Newsroom(tmp_path)
    newsroom.write(path, ARTICLE)
    assert newsroom.run("init").code == 0
    assert _settings(newsroom).articles.folders == (folder,)
    assert newsroom.run("build").code == 0


def test_a_config_is_never_overwritten(tmp_path: Path) -> None:
    """A second init, and one under the name of a file that is there, changes nothing: exit 2."""
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
    assert newsroom.run("--config", "other.toml", "init").code == 0
    assert list(contents(tmp_path)) == ["other.toml"]
    newsroom.write("content/a.md", ARTICLE)
    assert newsroom.run("build", "--config", "other.toml").code == 0


def test_init_can_be_quiet(tmp_path: Path) -> None:
    """With --quiet it writes the same and says nothing."""
    loud, quiet = Newsroom(tmp_path / "a" / "blog"), Newsroom(tmp_path / "b" / "blog")
    for newsroom in (loud, quiet):
        newsroom.folder.mkdir(parents=True)
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
def test_what_cannot_be_taken_over_does_not_spoil_the_rest(
    tmp_path: Path, name: str, text: str
) -> None:
    """A generator's config that is broken or strange gives a valid config all the same."""
    newsroom = Newsroom(tmp_path)
    newsroom.write(name, text)
    ran = newsroom.run("init")
    assert (ran.code, ran.err) == (0, "")
    assert _settings(newsroom).publication.url


def test_templates_are_a_start_that_extends_ours(newsroom: Newsroom) -> None:
    """`init --templates` changes nothing that anyone sees, and replaces no template."""
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
    assert "stays as it is" in again.out
    assert set(contents(newsroom.folder / "email_templates").values()) == {b"mine"}
    assert newsroom.run("init", "--templates", "--quiet").out == ""
