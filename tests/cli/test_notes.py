"""Editor's notes on the command line: what an editor writes is what readers get."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default

import pytest

from newsroom import Newsroom, contents

CONFIG = """
[digests.weekly]
title = "The Weekly"
language = "en"
reply_to = "desk@example.org"
"""
NOTE = """---
subject: Read one thing
preheader: A word from the desk
lead: a.md
exclude: [c.md]
include: [old.md]
sponsor: {text: Cloud & Co, link: /offer/, image: /ad.png, label: Ad}
reply_to: editor@example.org
---

Dear **reader**, see [this](@/a.md) and ![a chart](/chart.png).

<script>alert(1)</script>
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8"
    "ffff3f0005fe02fea7d8f0a30000000049454e44ae426082"
)
KEY = "2025-06-30"


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A digest with three articles that are due, and one from before its first issue."""
    newsroom.configure(CONFIG)
    for name, day in (("a", 25), ("b", 26), ("c", 27)):
        newsroom.article(f"{name}.md", f"Text of {name}.\n", date=f"2025-06-{day}T12:00:00+08:00")
    newsroom.article("old.md", date="2025-01-01T12:00:00+08:00", digest_summary="Worth reading.")
    newsroom.write("static/chart.png", PNG)
    newsroom.write("static/ad.png", PNG)
    return newsroom


def _issue(newsroom: Newsroom, key: str = KEY) -> dict[str, bytes]:
    return contents(newsroom.folder / f"feeds/digests/weekly/{key}")


def test_a_note_shows_everywhere(project: Newsroom) -> None:
    """In the HTML, the text, the web version, the message and the record, made safe."""
    project.write(f"digests/weekly/{KEY}.md", NOTE)
    ran = project.run("digest")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"feeds/digests/weekly/{KEY}/ made: Read one thing (3 articles)\n"
    made = _issue(project)
    for name in ("email.html", "index.html"):
        html = made[name].decode()
        assert "Dear <strong>reader</strong>" in html
        assert "https://example.org/posts/a/" in html
        assert 'src="https://example.org/chart.png"' in html
        assert "<script>alert" not in html
        assert "Cloud &amp; Co" in html
        assert 'href="https://example.org/offer/"' in html
        assert html.index("Dear") < html.index("Cloud &amp;") < html.index("Text of a.")
        assert "Worth reading." in html
        assert "Late addition" not in html
    text = made["email.txt"].decode()
    assert "Dear reader, see this (https://example.org/posts/a/) and [a chart]." in text
    assert "Ad: Cloud & Co\nhttps://example.org/offer/\n" in text
    message = message_from_bytes(made["message.eml"], policy=default)
    assert (message["Subject"], message["Reply-To"]) == ("Read one thing", "editor@example.org")
    record = json.loads(made["issue.json"])
    assert record["note"]["introduction"].startswith("<p>Dear <strong>")
    assert record["note"]["sponsor"]["width"] == 1
    assert [each["title"] for s in record["sections"] for each in s["articles"]] == [
        "a",
        "b",
        "old",
    ]
    assert "Read one thing" in project.published()["digests/weekly/index.html"].decode()
    assert (
        "Dear <strong>"
        in json.loads(project.published()["digests/weekly/feed.json"])["items"][0]["content_html"]
    )


def test_what_was_excluded_is_next(project: Newsroom) -> None:
    """And the note of an issue that was made changes nothing more."""
    project.write(f"digests/weekly/{KEY}.md", NOTE)
    project.run("digest")
    before = _issue(project)
    project.write(f"digests/weekly/{KEY}.md", NOTE.replace("Read one", "Another"))
    ran = project.run("digest", now="2025-07-07T08:00:00+08:00")
    assert ran.out == "feeds/digests/weekly/2025-07-07/ made: The Weekly: c (1 article)\n"
    assert _issue(project) == before
    message = message_from_bytes(_issue(project, "2025-07-07")["message.eml"], policy=default)
    assert message["Reply-To"] == "desk@example.org"


def test_a_wrong_note_keeps_its_issue_back(project: Newsroom) -> None:
    """Every problem is said with its line; other digests are made; once correct, it is made."""
    project.configure(CONFIG + '[digests.daily]\ntitle = "Daily"\nschedule = "0 8 * * *"\n')
    path = f"digests/weekly/{KEY}.md"
    project.write(path, "---\nsubjct: x\nlead: gone.md\n---\n")
    ran = project.run("digest")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"{path}:2: subjct: unknown key 'subjct'; did you mean 'subject'?",
        f"{path}:3: lead: unknown article 'gone.md'; write its path, such as content/a.md",
    ]
    assert _issue(project) == {}
    assert "editors-note: subjct: unknown key" in project.run("check").out.partition("warnings:")[0]
    found = json.loads(project.run("check", "--json").out)
    assert [each["line"] for each in found if each["rule"] == "editors-note"] == [2, 3]
    assert "unknown key 'subjct'" in project.run("preview").err
    assert "unknown key 'subjct'" in project.run("status").out
    project.write(path, "---\nlead: a.md\n---\n")
    assert project.run("digest").code == 0
    assert list(_issue(project)) != []


def test_a_mistyped_date_keeps_the_issue_back(project: Newsroom) -> None:
    """Otherwise it would go out without its note."""
    project.write("digests/weekly/2025-06-31.md", "Hello.\n")
    ran = project.run("digest")
    assert (ran.code, _issue(project)) == (1, {})
    project.write("digests/weekly/2025-06-29.md", "Hello.\n")
    (project.folder / "digests/weekly/2025-06-31.md").unlink()
    assert f"rename it to {KEY}.md" in project.run("digest").err


def test_the_folder_of_notes_is_never_read_for_articles(project: Newsroom) -> None:
    """Even if the articles folder is the whole project; other folders called digests are."""
    project.configure(CONFIG + '[articles]\nfolders = ["."]\n')
    given = "---\ntitle: T\ndate: 2025-06-26\n---\n"
    project.write("digests/weekly/2025-07-07.md", given)
    project.write("digests/other.md", given)
    project.build()
    feed = project.published()["atom.xml"].decode()
    assert "digests/other" in project.run("explain", "digests/other.md").out
    assert "2025-07-07" not in feed


def test_a_note_to_start_from_is_offered(project: Newsroom) -> None:
    """`init --notes` writes it for the next issue and overwrites none; previews show it."""
    assert "approved: true" in _preview(project)
    ran = project.run("init", "--notes")
    assert (ran.code, ran.out.splitlines()[0]) == (0, f"digests/weekly/{KEY}.md is written")
    again = project.run("init", "--notes")
    assert f"digests/weekly/{KEY}.md exists already" in again.out
    assert "approved: true" not in _preview(project)
    assert project.run("digest").out.endswith("made: The Weekly: c (3 articles)\n")


def _preview(newsroom: Newsroom) -> str:
    newsroom.run("preview")
    return (newsroom.folder / f"previews/weekly/{KEY}/preview.html").read_text("utf-8")


def test_an_article_that_names_an_unknown_digest_is_told(project: Newsroom) -> None:
    """Rule "digest-name", at the line of the field."""
    project.article("d.md", digest=["weekly", "wekly"])
    found = json.loads(project.run("check", "--json").out)
    (told,) = [each for each in found if each["rule"] == "digest-name"]
    assert (told["path"], told["line"]) == ("content/d.md", 4)
    assert "unknown digest 'wekly'" in told["what"]
    project.article("d.md", digest="weekly")
    assert "digest-name" not in project.run("check").out


@pytest.mark.parametrize("value", ["false", "no", "off", False, []])
def test_digest_false_keeps_an_article_out_for_good(project: Newsroom, value: object) -> None:
    """`explain` says why; the feeds have it."""
    project.article("c.md", date="2025-06-27T12:00:00+08:00", digest=value)
    project.run("digest")
    project.run("digest", now="2025-07-07T08:00:00+08:00")
    assert b"/posts/c/" not in b"".join(
        data for name, data in _issue(project).items() if name == "issue.json"
    )
    assert "its front matter says digest: false" in project.run("explain", "content/c.md").out
    assert "/posts/c/" in project.build()["atom.xml"].decode()
