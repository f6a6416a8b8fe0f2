"""Destinations: headers, order, a new one in one file, missing libraries, a user's repository."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from unittest.mock import patch

import boto3
import pytest

from broadsheet.publish import announcements
from broadsheet.registry import DESTINATIONS
from newsroom import NOW, TESTS, Newsroom, contents
from publish_targets import ME, git_target, run_git, s3_target

MANIFEST = ".broadsheet-published.json"


def built(newsroom: Newsroom, to: str, more: str = "") -> Newsroom:
    """The newsroom with an old article, a new one and an issue, to be published to `to`."""
    newsroom.configure(f'[digests.weekly]\ntitle = "W"\n[publish]\nto = "{to}"\n{more}')
    newsroom.article("old.md", date="2024-01-01")
    for number in range(25):
        newsroom.article(f"a{number:02}.md", categories=["开源"], date="2025-06-25")
    assert newsroom.run("digest").code == 0
    newsroom.build()
    return newsroom


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_objects_have_their_type_and_caching(
    newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feeds have the media types of their specifications; archives may be cached for longer; a
    change of the config changes the headers of files whose content is the same."""
    with s3_target(tmp_path) as target:
        for name, value in target.environment.items():
            monkeypatch.setenv(name, value)
        built(newsroom, target.address)
        assert newsroom.run("publish").code == 0
        client = boto3.client("s3")
        bucket = target.address.split("/")[2]

        def headers(path: str) -> tuple[str, str]:
            found = client.head_object(Bucket=bucket, Key=f"feeds/{path}")
            return found["ContentType"], found["CacheControl"]

        issue = next(path for path in newsroom.published() if path.endswith("message.eml"))
        archive = "archive/2024-01/atom.xml"
        short, long = "public, max-age=600", "public, max-age=86400"
        assert headers("atom.xml") == ("application/atom+xml; charset=utf-8", short)
        assert headers("topics/开源/rss.xml") == ("application/rss+xml; charset=utf-8", short)
        assert headers("feed.json") == ("application/feed+json", short)
        assert headers(archive) == ("application/atom+xml; charset=utf-8", long)
        assert headers("index.html") == ("text/html; charset=utf-8", short)
        assert headers("feed.css") == ("text/css; charset=utf-8", short)
        assert headers("feeds.opml") == ("text/x-opml; charset=utf-8", short)
        assert headers(issue) == ("message/rfc822", short)
        assert headers(issue.replace("message.eml", "issue.json")) == ("application/json", short)
        newsroom.configure(
            f'[digests.weekly]\ntitle = "W"\n[publish]\nto = "{target.address}"\n'
            "archive_max_age = 5\n"
        )
        copied = json.loads(newsroom.run("publish", "--json").out)["copied"]
        assert copied
        assert all(path.startswith("archive/") for path in copied)
        assert headers(archive)[1] == "public, max-age=5"


def test_a_file_comes_after_those_that_it_names(newsroom: Newsroom) -> None:
    """No feed is copied before the archive, the stylesheet or the issue that it names."""
    built(newsroom, "public")
    paths = json.loads(newsroom.run("publish", "--json").out)["copied"]
    files = newsroom.published()
    assert {*paths} == files.keys() - {".broadsheet.json"}
    base = "https://example.org/feeds/"
    named = re.compile(rb'(?:rel="(?:prev-archive|stylesheet)"|<id>|<\?xml-stylesheet).*?"?'
                       rb"(https://example.org/feeds/[^\"<]+)")  # fmt: skip
    pairs = [
        (paths.index(path), paths.index(target))
        for path in paths
        if path.endswith(".xml")
        for url in named.findall(files[path])
        if (target := url.decode().removeprefix(base)) in paths and target != path
    ]
    assert len(pairs) > 5
    assert all(first > second for first, second in pairs)
    assert {*paths[-2:]} <= {"index.html", "feeds.opml", "digests/weekly/index.html"}


HOOK = """
from pathlib import Path

from broadsheet.publish.announcements import Announcement, on_published


@on_published
def note(published):
    urls = map(published.url, published.written)
    Path(published.environment["NOTE"]).write_text("\\n".join(urls))
    yield Announcement("the note", published.written)
"""


def test_a_new_file_is_a_hook(
    newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with a function `@on_published` is called with what was published."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "noting.py").write_text(HOOK)
    more = [*announcements.__path__, str(tmp_path / "more")]
    monkeypatch.setattr(announcements, "__path__", more)
    monkeypatch.setenv("NOTE", str(tmp_path / "note"))
    announcements.hooks.cache_clear()
    built(newsroom, "public")
    ran = newsroom.run_apart("publish")  # the new hook stays in that process
    assert re.search(r"the note: notified of \d+ changes", ran.out)
    assert (
        "https://example.org/feeds/topics/%E5%BC%80%E6%BA%90/atom.xml"
        in (tmp_path / "note").read_text().splitlines()
    )


def test_a_package_of_fsspec_is_named(newsroom: Newsroom) -> None:
    """A scheme that fsspec knows and has no package for is a mistake that the message can solve."""
    built(newsroom, "gs://b/x")
    ran = newsroom.run("publish")
    assert (ran.code, ran.err) == (
        2, "gs://b/x: Please install gcsfs to access Google Storage; then run again\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "library"), [("s3://b/x", "s3fs"), ("sftp://h/x", "sshfs"), ("gs://b/x", "fsspec")]
)
def test_a_missing_library_is_named(newsroom: Newsroom, address: str, library: str) -> None:
    """The message says which one, and the extra that brings it."""
    built(newsroom, address)
    with patch.dict(sys.modules, {library: None}):
        ran = newsroom.run("publish")
    assert ran.code == 2
    assert ran.err == (
        f"{address} needs {library}, which is not installed; "
        'install Broadsheet with it: pip install "broadsheet[publish]"\n'
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "broadsheet.toml: publish.to: is missing; add it, for example"),
        ('to = ""', "broadsheet.toml:9: publish.to: it is empty; write a folder or a URL"),
        (
            'to = "feeds"',
            "broadsheet.toml:9: publish.to: this is in the feeds folder itself; write",
        ),
        ('to = "foo://x"', "broadsheet.toml:9: publish.to: unknown destination 'foo://x'; write"),
        ('to = "s3://"', "broadsheet.toml:9: publish.to: no bucket; write s3://bucket/path"),
        ('to = "git:x"', "broadsheet.toml:9: publish.to: invalid branch 'git:x'; write git:"),
        ('to = "git:o#b:../x"', "broadsheet.toml:9: publish.to: invalid branch"),
        ('to = "git:--upload-pack=x#b"', "broadsheet.toml:9: publish.to: invalid branch"),
        ('to = "sftp://u:p@h/x"', "broadsheet.toml:9: publish.to: a password does not belong"),
        ('to = "git:https://u:p@h/x#b"', "broadsheet.toml:9: publish.to: a password does not"),
        ('webhooks = ["x"]', "broadsheet.toml:9: publish.webhooks: invalid URL 'x'"),
    ],
)
def test_a_mistake_in_the_config_has_its_line(newsroom: Newsroom, line: str, message: str) -> None:
    """The message says where it is and what to write instead."""
    newsroom.build()
    newsroom.configure(f"[publish]\n{line}\n" if line else "")
    ran = newsroom.run("publish")
    assert ran.code == 2
    assert ran.err.startswith(message)


def test_what_a_manifest_names_elsewhere_stays(newsroom: Newsroom) -> None:
    """A manifest that someone else has changed cannot make a run delete files elsewhere."""
    built(newsroom, "public/feeds")
    assert newsroom.run("publish").code == 0
    public = newsroom.folder / "public"
    (public / "precious.txt").write_text("x")
    manifest = json.loads((public / "feeds" / MANIFEST).read_text())
    manifest["files"] |= {"../precious.txt": "", str(public / "precious.txt"): ""}
    (public / "feeds" / MANIFEST).write_text(json.dumps(manifest))
    assert newsroom.run("publish").code == 0
    assert (public / "precious.txt").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": []}', '{"run": "", "files": {}}'])
def test_a_damaged_manifest_stops_the_run(newsroom: Newsroom, text: str) -> None:
    """Nothing is copied, and the message says what to do."""
    built(newsroom, "public")
    newsroom.write(f"public/{MANIFEST}", text)
    ran = newsroom.run("publish")
    assert ran.code == 1
    assert ran.err == (
        f"{MANIFEST}: it is damaged; "
        "delete that file at the destination, and publish with --adopt\n"
    )
    assert contents(newsroom.folder / "public").keys() == {MANIFEST}


def test_an_interrupted_build_is_not_published(newsroom: Newsroom) -> None:
    """A file that the manifest names and is not there, or a draft, shows that one was killed."""
    built(newsroom, "public")
    newsroom.write("feeds/.broadsheet.json", "{}")
    assert "there is nothing to publish; run `broadsheet build`" in newsroom.run("publish").err
    newsroom.build("--adopt")
    (newsroom.folder / "feeds/topics/开源/rss.xml").unlink()
    assert "a build was interrupted (topics/开源/rss.xml); run" in newsroom.run("publish").err
    newsroom.build()
    newsroom.write("feeds/.atom.xml.broadsheet-tmp", "x")
    assert "a build was interrupted (.atom.xml.broadsheet-tmp)" in newsroom.run("publish").err
    newsroom.build()
    assert newsroom.run("publish").code == 0


def test_the_users_repository_is_not_touched(newsroom: Newsroom, tmp_path: Path) -> None:
    """A run from a repository pushes to its remote, and leaves its files, index and branches."""
    folder = str(newsroom.folder)
    (tmp_path / "elsewhere").mkdir()
    with git_target(tmp_path / "elsewhere"):
        remote = tmp_path / "elsewhere/remote.git"
        built(newsroom, "git:origin#gh-pages:feeds")
        run_git("init", "--quiet", "--initial-branch=main", folder)
        run_git("-C", folder, "remote", "add", "origin", str(remote))
        run_git("-C", folder, "add", "content")
        run_git("-C", folder, *ME, "commit", "--quiet", "-m", "articles")
        newsroom.article("a00.md", "Changed.")

        def state() -> tuple[bytes, ...]:
            asked = (
                ("status", "--porcelain"),
                ("show-ref", "--heads"),
                ("ls-files", "-s"),
                ("stash", "list"),
            )
            return tuple(run_git("-C", folder, *each) for each in asked)

        before = state()
        assert newsroom.run("publish").code == 0
        assert " 0 files copied" in newsroom.run("publish").out
        assert state() == before
        log = run_git("-C", str(remote), "log", "--format=%s|%cI", "gh-pages").decode().splitlines()
        assert [line.partition("|")[0] for line in log] == ["Publish feeds and digests", "site"]
        assert log[0].endswith("|2025-06-30T01:00:00+00:00"), NOW
        assert run_git("-C", str(remote), "cat-file", "blob", "gh-pages:index.html") == b"the site"


def test_a_refused_push_has_the_servers_words(newsroom: Newsroom, tmp_path: Path) -> None:
    """The message has what the server says, and nothing is left behind."""
    (tmp_path / "elsewhere").mkdir()
    with git_target(tmp_path / "elsewhere") as target:
        hook = tmp_path / "elsewhere/remote.git/hooks/update"
        hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
        hook.chmod(0o755)
        built(newsroom, target.address)
        ran = newsroom.run("publish")
        assert ran.code == 1
        assert ran.err.startswith(f"{target.address}: remote: protected branch / ")
        assert target.files() == {}


def test_a_new_branch_is_made(newsroom: Newsroom, tmp_path: Path) -> None:
    """A branch that does not exist begins with what is published, at its root."""
    (tmp_path / "elsewhere").mkdir()
    with git_target(tmp_path / "elsewhere") as target:
        built(newsroom, target.address.replace("gh-pages:feeds", "pages/new"))
        assert newsroom.run("publish").code == 0
        bare = str(tmp_path / "elsewhere/remote.git")
        listed = run_git("-C", bare, "ls-tree", "-r", "-z", "--name-only", "pages/new")
        paths = {*listed.decode().strip("\0").split("\0")}
        assert paths == newsroom.published().keys() - {".broadsheet.json"} | {MANIFEST}
        assert " 0 files copied" in newsroom.run("publish").out


def test_the_tests_cover_every_destination() -> None:
    """Each destination with a file has a real target in the tests."""
    names = DESTINATIONS.own
    targets = (TESTS / "support/publish_targets.py").read_text()
    assert all(f'"{name}":' in targets for name in names)
