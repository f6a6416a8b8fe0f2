"""The first run: `demo`, and `init` in a folder of articles."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest

from laws import long
from newsroom import MOMENT, Newsroom, contents


@pytest.mark.parametrize("hours", [0, 59, 118, *long(*range(9, 7 * 24, 11))])
def test_the_demo_has_an_issue_of_each_digest_on_any_day(tmp_path: Path, hours: int) -> None:
    """Both languages; a later article waits; `check` finds no error."""
    now = (MOMENT + timedelta(hours=hours)).isoformat()
    site = Newsroom(tmp_path / "shop")
    ran = Newsroom(tmp_path).run("demo", "shop", "--no-serve", now=now)
    assert (ran.code, ran.err) == (0, "")
    feed = json.loads(site.published()["feed.json"])
    assert {each.get("language") for each in feed["items"]} == {"en", "zh-CN"}
    assert "A second oven" not in str(feed)
    issues = [path for path in site.published() if path.endswith("/issue.json")]
    assert sorted(path.split("/")[1] for path in issues) == ["weekly", "zhoubao"]
    assert contents(site.folder / "previews")
    found = json.loads(site.run("check", "--json", now=now).out)
    assert [each for each in found if each["severity"] == "error"] == []


def test_the_demo_overwrites_nothing(tmp_path: Path) -> None:
    """A folder with something in it is refused, an empty one is used."""
    home = Newsroom(tmp_path)
    (tmp_path / "empty").mkdir()
    assert home.run("demo", "empty", "--no-serve").code == 0
    before = contents(tmp_path)
    ran = home.run("demo", "empty", "--no-serve")
    assert (ran.code, ran.out) == (2, "")
    assert "exists already; name another folder" in ran.err
    assert contents(tmp_path) == before


@contextmanager
def served(folder: Path, *, extra: bool) -> Iterator[str]:
    """Yield the address that `demo` prints; Ctrl-C ends it."""
    hidden = "" if extra else "sys.modules.update(dict.fromkeys(['starlette', 'uvicorn']));"
    program = f"import sys; {hidden}from broadsheet.cli import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "demo", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"},
    )
    try:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        yield next(found[0] for line in lines if (found := re.match(r"http://\S+", line)))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in {0, 130}
    finally:
        process.kill()
        process.communicate()


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("extra", [True, *long(False)])
def test_the_demo_is_served_with_and_without_the_extra(tmp_path: Path, extra: bool) -> None:
    """The page of the mails answers at the address that is printed."""
    with served(tmp_path, extra=extra) as address, urlopen(address, timeout=30) as page:
        assert b"This week at the corner" in page.read()


def test_init_makes_a_project_of_a_folder_in_one_go(newsroom: Newsroom) -> None:
    """With an address and a digest; then `build` and `preview` work."""
    newsroom.article("a.md")
    (newsroom.folder / "broadsheet.toml").unlink()
    ran = newsroom.run(
        "init", "--url", "https://me.example", "--title", "Mine", "--digest", "weekly"
    )
    assert ran.code == 0
    assert "CNAME" not in ran.out
    assert ran.out.endswith("\nNext: broadsheet build, then broadsheet preview --open\n")
    assert newsroom.run("build").code == 0
    assert "shows 1 issue" in newsroom.run("preview").out
    assert b"<title>Mine</title>" in newsroom.published()["atom.xml"]


@pytest.mark.parametrize("url", ["me example", "ftp://me.example/", "https://me.example/?a"])
def test_init_refuses_an_invalid_url(newsroom: Newsroom, url: str) -> None:
    """Nothing is written."""
    (newsroom.folder / "broadsheet.toml").unlink()
    ran = newsroom.run("init", "--url", url)
    assert (ran.code, ran.out) == (2, "")
    assert "invalid value for --url: " in ran.err
    assert not (newsroom.folder / "broadsheet.toml").exists()


def test_preview_without_a_digest_says_how_to_add_one(newsroom: Newsroom) -> None:
    """The lines that it prints are a config."""
    newsroom.article("a.md", date="2025-06-26")
    told = newsroom.run("preview").out.partition("such as:\n")[2]
    newsroom.configure(told)
    assert "shows 1 issue" in newsroom.run("preview").out


@pytest.mark.parametrize("digest", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize(
    "date", ["2024-02-29", *long("2025-04-05 07:59", "2025-04-05T23:59:59+14:00")]
)
def test_preview_of_an_old_site_shows_an_issue(newsroom: Newsroom, digest: str, date: str) -> None:
    """That which the newest article would have been in; the message says as of which day."""
    newsroom.article("a.md", title="The newest", date=date)
    newsroom.article("older.md", date="2019-01-01")
    (newsroom.folder / "broadsheet.toml").unlink()
    assert newsroom.run("init", "--url", "https://me.example/", "--digest", digest).code == 0
    first, second = newsroom.run("preview").out.splitlines()
    assert first == "previews/index.html shows 1 issue"
    assert second.startswith("No article is new enough for the next issue; the preview is as of 20")
    (mail,) = newsroom.folder.glob(f"previews/{digest}/*/email.txt")
    assert "The newest" in mail.read_text("utf-8")


def test_init_asks_for_nothing_that_was_given(newsroom: Newsroom) -> None:
    """The remark that a generator's config has no URL goes with `--url`."""
    newsroom.article("a.md")
    (newsroom.folder / "broadsheet.toml").unlink()
    newsroom.write("_config.yml", "title: A\n")
    newsroom.write("_posts/2025-06-20-a.md", "---\ntitle: A\n---\nText.\n")
    assert "publication.url: not found" in newsroom.run("init").err
    assert "publication.url" not in newsroom.run("init", "--url", "https://me.example/").out
