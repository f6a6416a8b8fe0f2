"""Hostile and broken input, through the real commands: each names the bad file and continues.

Whatever an article, a file name or a folder contains: no traceback, no hang, no file outside the
output folder, and a good article beside it is published.
"""

from __future__ import annotations

import email
import json
import os
import shutil
import subprocess
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from broadsheet.articles import Article, Source, parsing
from broadsheet.articles.parsing import parse
from hostile import BROKEN, DEEP, HEAD, ODD, PLACES, Bad, text
from laws import long
from newsroom import Newsroom, Ran, contents, no_privileges, stamps

CONFIG = """
[feeds]
by = ["topics", "tags"]
[digests.weekly]
title = "Weekly"
[delivery]
sender = "News <news@example.org>"
"""
PUBLICATION = '[publication]\ntitle = "News"\nurl = "https://example.org/"\n'
BAD = "content/bad.md"
SECONDS = 10  # that one article may take


TRAPS = [Bad(f"deep {name}", text(f"{HEAD}\n{body}\n")) for name, body in DEEP.items()]


def _links(newsroom: Newsroom) -> None:
    content = newsroom.folder / "content"
    (content / "loop").symlink_to(content, target_is_directory=True)
    (content / "self").symlink_to("self")
    (content / "nowhere.md").symlink_to("gone.md")
    (content / "one").symlink_to("two")
    (content / "two").symlink_to("one")
    (content / "self.md").symlink_to("self.md")


def _special_files(newsroom: Newsroom) -> None:
    os.mkfifo(newsroom.folder / "content/pipe.md")
    (newsroom.folder / "content/folder.md").mkdir()
    (newsroom.folder / "content/device.md").symlink_to("/dev/zero")


def _two_topics(newsroom: Newsroom) -> None:
    newsroom.article("bad.md", main_topics=["Café", "C#", "C++", "a b", "ＡＩ"], date="2025-06-27")
    topics = [unicodedata.normalize("NFD", "CAFÉ"), "C", "c+", "A-B", "ai"]
    newsroom.article("other.md", main_topics=topics, date="2025-06-27")


def _names_alike(newsroom: Newsroom) -> None:
    newsroom.article("Name.md", date="2025-06-27", id="one")
    newsroom.article("name.md", date="2025-06-27", id="two")
    newsroom.article(unicodedata.normalize("NFC", "é.md"), date="2025-06-27", id="three")
    newsroom.article(unicodedata.normalize("NFD", "é.md"), date="2025-06-27", id="four")


def _odd_files(newsroom: Newsroom) -> None:
    for name in (
        "a b.md",
        "-rf.md",
        "$(id).md",
        "a'b\"c.md",
        "%2e%2e.md",
        "con.md",
        "..md",
        "{{x}}.md",
    ):
        newsroom.article(name, date="2025-06-27", title=name)
    newsroom.write("content/deep/" + "d/" * 60 + "a.md", HEAD)
    newsroom.write("content/" + "n" * 240 + ".md", HEAD)


FILES = [
    Bad("loops of links", _links),
    Bad("pipes and devices", _special_files),
    Bad("two topics alike", _two_topics),
    Bad("two files alike", _names_alike),
    Bad("odd file names", _odd_files),
]
ALL = [*BROKEN, *ODD, *TRAPS, *PLACES, *FILES]
SLOW = {
    *("lists", "brackets", "closed brackets", "images", "links", "labels", "growing ticks"),
    *("fences", "open tags", "tags in tags", "quotes in tags", "declarations", "footnotes"),
    *("definition lists", "a table of rows", "underlines", "backslashes", "blank lines"),
    *("quotes in lines", "lists in a line", "stars and underscores", "entities", "abbreviations"),
    *("shortcodes with text", "numbers", "frames", "questions", "task lists", "comments"),
}
"""What takes seconds, or the limit of what an article may take."""
TOGETHER = {
    "broken": BROKEN,
    "odd": [odd for odd in ODD if len(odd.data) < 50_000],  # type: ignore[arg-type]
    "deep": [trap for trap in TRAPS if trap.name.removeprefix("deep ") not in SLOW],
    "places": [place for place in PLACES if not place.name.startswith("name id:")],
}
COMMANDS = (
    ("check",),
    ("check", "--json"),
    ("explain", BAD),
    ("preview",),
    ("digest",),
    ("build",),
    ("status",),
)
TWO = (("check",), ("build",))


def project(folder: Path, bad: Bad) -> Newsroom:
    """A project in its own folder, with a good article and `bad` beside it."""
    newsroom = Newsroom.open(folder, CONFIG)
    newsroom.article("good.md", "A good text.\n", title="Good", date="2025-06-26", summary="Good.")
    if isinstance(bad.data, bytes):
        newsroom.write(BAD, bad.data)
    else:
        bad.data(newsroom)
    return newsroom


def outside(newsroom: Newsroom) -> dict[str, tuple[int, int]]:
    """Return everything around the project, which no command may touch."""
    ours = ("project/feeds", "project/previews", "project/.broadsheet")
    around = stamps(newsroom.folder.parent)
    return {
        path: stamp
        for path, stamp in around.items()
        if not path.startswith(ours) and path != "project"
    }


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Fail if the block takes more CPU time than this, or hangs.

    The limit by the clock is higher, since other tests run at the same time.
    """
    began, worked = time.monotonic(), time.process_time()
    yield
    assert time.process_time() - worked < seconds
    assert time.monotonic() - began < 5 * seconds


def ran_well(ran: Ran, command: tuple[str, ...]) -> None:
    """The command finished, and its output is readable."""
    assert "Traceback" not in ran.out + ran.err
    assert "should not have happened" not in ran.err, f"{command}: {ran.err}"
    assert "\x00" not in ran.out + ran.err
    assert ran.code in {0, 1} or (command[0] == "explain" and ran.code == 2)


@pytest.mark.nightly
@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_bad_input_does_no_harm(tmp_path: Path, bad: Bad) -> None:
    """No traceback, no hang, nothing outside; the good article is published, the bad one named."""
    newsroom = project(tmp_path / "project", bad)
    said = all_commands(newsroom, SECONDS, TWO if bad in TRAPS else COMMANDS)
    if bad.named:
        assert said["build"].code == said["check"].code == 1
        assert BAD in said["build"].err
        assert f"\n{BAD}" in said["check"].out.partition("warnings:")[0]
        assert len(said["build"].err) < 1_000
    assert newsroom.run("build").code == said["build"].code


@pytest.mark.parametrize("kind", ["broken", "odd", "places", *long("deep")])
def test_many_bad_files_do_no_more_harm_than_one(tmp_path: Path, kind: str) -> None:
    """With all files of a kind in one project, one run names each and publishes the rest."""
    newsroom = project(tmp_path / "project", Bad("nothing", b""))
    for number, bad in enumerate(TOGETHER[kind]):
        assert isinstance(bad.data, bytes)
        # Each has an id of its own, since duplicate ids are errors.
        own = (
            bad.data
            if bad.named
            else bad.data.replace(b"title: Bad", b"title: Bad\nid: %d" % number)
        )
        newsroom.write(f"content/{number:03}.md", own)
    said = all_commands(newsroom, 60, TWO)
    for number, bad in enumerate(TOGETHER[kind]):
        assert (f"content/{number:03}.md" in said["build"].err) >= bad.named, bad.name


@pytest.mark.parametrize("bad", FILES, ids=lambda bad: bad.name)
def test_odd_files_do_no_harm(tmp_path: Path, bad: Bad) -> None:
    """Links in circles, pipes, and names that are alike or look like options."""
    all_commands(project(tmp_path / "project", bad), SECONDS)


def all_commands(
    newsroom: Newsroom, seconds: float, commands: tuple[tuple[str, ...], ...] = COMMANDS
) -> dict[str, Ran]:
    """Return the output of each command, and check that none does harm and the good article is
    published."""
    before = outside(newsroom)
    said: dict[str, Ran] = {}
    for command in commands:
        with time_limit(seconds):
            ran = newsroom.run(*command)
        ran_well(ran, command)
        said[" ".join(command)] = ran
    assert outside(newsroom) == before
    check_published(newsroom)
    return said


def check_published(newsroom: Newsroom) -> None:
    """The good article is in every feed and mail; every file can be parsed and is listed."""
    published = newsroom.published()
    (good,) = [
        item
        for item in json.loads(published["feed.json"])["items"]
        if item["id"] == "https://example.org/posts/good/"
    ]
    assert (good["title"], good["summary"]) == ("Good", "Good.")
    for path, data in published.items():
        if path.endswith((".xml", ".opml")):
            etree.fromstring(data)
        elif path.endswith(".json"):
            json.loads(data.decode("utf-8"))
        elif path.endswith(".eml"):
            check_message(data)
        for part in path.split("/"):
            assert len(part.encode()) <= 255
            assert part == ".broadsheet.json" or not part.startswith(".")
            assert not part.endswith((" ", "."))
    folded = [unicodedata.normalize("NFC", path).casefold() for path in published]
    assert len(set(folded)) == len(folded)
    assert b"A good text." in published["atom.xml"]


def check_message(data: bytes) -> None:
    """A message has the required headers, each once, and no other."""
    message = email.message_from_bytes(data, policy=policy.default)
    assert set(message) <= {
        *("Subject", "From", "To", "Date", "Message-ID", "MIME-Version", "Content-Type"),
        *("List-Unsubscribe", "List-ID", "List-Archive", "Archived-At", "Content-Language"),
    }, message.keys()  # fmt: skip
    assert len(message.keys()) == len(set(message.keys()))
    assert message.defects == []


@pytest.mark.parametrize(
    "title",
    ["A\r\nBcc: evil@example.org", "A\nSubject: other", "A\r\n\r\n<script>", "=?utf-8?q?a?=\n b"],
)
def test_a_line_break_in_a_field_adds_no_header(newsroom: Newsroom, title: str) -> None:
    """A title, author, topic or summary with CR or LF is one line everywhere."""
    newsroom.configure(CONFIG)
    newsroom.article(
        "a.md", title=title, summary=title, author=title, main_topics=[title], date="2025-06-26"
    )
    assert newsroom.run("digest").code == 0
    assert newsroom.run("build").code == 0
    for path, data in newsroom.published().items():
        if path.endswith(".eml"):
            check_message(data)
            head = data.partition(b"\r\n\r\n")[0].lower()
            assert b"\r\nbcc:" not in head
            assert head.count(b"\r\nsubject:") + head.startswith(b"subject:") == 1


TEMPLATES = ("{{ 7*7 }}", "{% raw %}", "{# gone #}", "${7*7}", "<%= 7*7 %>", "#{7*7}",
             "{{ issue.__class__ }}", "{{ ''.__class__.__mro__ }}", "%(title)s", "{title}",
             "{0.__class__}", "$title", "\\1\\g<0>")  # fmt: skip


def test_a_template_in_front_matter_is_text(newsroom: Newsroom) -> None:
    """Feeds, mails and pages show it as written, and nothing expands it."""
    newsroom.configure(CONFIG)
    for number, template in enumerate(TEMPLATES):
        fields = dict.fromkeys(("title", "summary", "author", "image_alt"), template)
        image = "https://example.org/a.png"
        topics = [template.replace(",", " ")]
        newsroom.article(
            f"{number}.md", main_topics=topics, image=image, date="2025-06-26", **fields
        )
    for command in ("digest", "preview", "build"):
        ran = newsroom.run(command)
        assert (ran.code, ran.err) == (0, "")
    published = newsroom.published()
    items = json.loads(published["feed.json"])["items"]
    for name in ("title", "summary"):
        assert {item[name] for item in items} == set(TEMPLATES)
    mail = published["digests/weekly/2025-06-30/message.eml"]
    plain = email.message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert plain is not None
    words = " ".join(plain.get_content().split())
    assert all(template in words for template in TEMPLATES)
    everything = b"".join((*published.values(), *contents(newsroom.folder / "previews").values()))
    for filled in (b"<class", b"&lt;class", b">49<", b"built-in method"):
        assert filled not in everything


def test_a_template_in_a_body_is_never_run(newsroom: Newsroom) -> None:
    """Jinja, Liquid and Go templates are text, or removed if unknown, and then reported."""
    newsroom.configure(CONFIG)
    body = "{{ 7*7 }} `{{ 7*7 }}` {{ config }} {% import os %} {{ ''.__class__ }} ${7*7}\n"
    newsroom.article("a.md", body, date="2025-06-26")
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    html = json.loads(newsroom.published()["feed.json"])["items"][0]["content_html"]
    assert "49" not in html
    assert "<class" not in html
    assert "<code>{{ 7*7 }}</code>" in html
    assert "shortcode: " in newsroom.run("check").out


def test_active_and_hidden_content_is_removed(newsroom: Newsroom) -> None:
    """Scripts, handlers, styles, frames, objects and tracking of any kind reach no feed or mail."""
    body = """
<script src="https://evil.example/a.js"></script><script>alert(1)</script>
<style>@import url(https://evil.example/a.css); body { display: none }</style>
<link rel="stylesheet" href="https://evil.example/b.css">
<p style="position:fixed;background:url(https://evil.example/c.png)" onclick="alert(1)">Kept.</p>
<p hidden>Seen.</p>

<object data="https://evil.example/d"></object><embed src="https://evil.example/e">
<form action="https://evil.example/f"><input name="a"><button>Go</button></form>
<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=https://evil.example">
<video src="javascript:alert(1)" autoplay></video><svg onload="alert(1)"></svg>

[script](javascript:alert(1)) [data](data:text/html,x) ![svg](data:image/svg+xml;base64,AA==)
"""
    newsroom.configure(CONFIG)
    newsroom.article("a.md", body, date="2025-06-26")
    assert newsroom.run("digest").code == 0
    newsroom.build()
    html = json.loads(newsroom.published()["feed.json"])["items"][0]["content_html"]
    assert "Kept." in html
    assert "Seen." in html
    for gone in ("script:", "alert(1)", "style", "evil.example", "hidden", "data:", "<form", "on"):
        assert gone not in html.replace("script</a>", "").replace("<section", "")
    found = newsroom.run("check", "--all").out
    for named in (
        "<script>",
        "onclick",
        "<object>",
        "<embed>",
        "<form>",
        "<svg>",
    ):
        assert named in found
    assert "link-scheme" in found


def test_an_unexpected_error_in_rendering_costs_one_article(newsroom: Newsroom) -> None:
    """If a library fails on a text, the article is named and left out like any invalid one."""
    newsroom.configure(CONFIG)
    newsroom.article("good.md", date="2025-06-25")
    newsroom.article("bad.md", "<a href='&#" + "1" * 5_000 + ";'>x</a>\n", date="2025-06-26")
    for command in ("build", "digest", "check", "preview"):
        ran = newsroom.run(command)
        ran_well(ran, (command,))
        assert BAD in ran.out + ran.err
        assert len(ran.err) < 1_000
    assert len(json.loads(newsroom.published()["feed.json"])["items"]) == 1


def test_an_unexpected_error_in_parsing_costs_one_article(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised while one file is read, the others are published."""
    newsroom.article("good.md", date="2025-06-25")
    newsroom.article("bad.md", date="2025-06-26")

    def stumbling(source: Source, *others: Any, **more: Any) -> Article:
        if source.path == BAD:
            raise KeyError("tag")
        return parse(source, *others, **more)

    monkeypatch.setattr(parsing, "parse", stumbling)
    ran = newsroom.run("build")
    assert ran.code == 1
    assert f"{BAD}: it cannot be read, because of an unexpected error (KeyError: 'tag')" in ran.err
    assert len(json.loads(newsroom.published()["feed.json"])["items"]) == 1


@pytest.mark.parametrize("trap", ["lists in a line", "numbers"])
def test_a_bad_article_changes_no_other(newsroom: Newsroom, trap: str) -> None:
    """Reading one article leaves no state that affects the next."""
    body = "Text, `code` and *stress*.\n\n- one\n- two\n"
    newsroom.article("a.md", body, date="2025-06-25")
    alone = json.loads(newsroom.build()["feed.json"])["items"]
    shutil.rmtree(newsroom.folder / ".broadsheet")
    newsroom.write(BAD, f"{HEAD}\n{DEEP[trap]}\n")
    assert newsroom.run("build").code == 1
    assert json.loads(newsroom.published()["feed.json"])["items"] == alone


def test_dropping_out_of_a_feed_is_reported(newsroom: Newsroom) -> None:
    """An editor who breaks an article learns that it is no longer in the feed."""
    newsroom.configure(CONFIG)
    newsroom.article("good.md", date="2025-06-25")
    newsroom.article("bad.md", date="2025-06-26")
    newsroom.build()
    newsroom.write(BAD, b"---\ntitle: Bad\ndate: soon\n---\n")
    ran = newsroom.run("build")
    assert ran.code == 1
    assert f"{BAD}:3: " in ran.err
    assert "drop" in ran.err or "was in" in ran.err or "no longer in" in ran.err


def test_strict_writes_nothing_at_all(newsroom: Newsroom) -> None:
    """With one bad article, the feeds keep their bytes and modification times."""
    newsroom.configure(CONFIG)
    newsroom.article("good.md", date="2025-06-25")
    newsroom.build()
    before = stamps(newsroom.folder / "feeds")
    newsroom.article("new.md", date="2025-06-26")
    newsroom.write(BAD, b"---\ntitle: Bad\ndate: soon\n---\n")
    ran = newsroom.run("build", "--strict")
    assert ran.code == 1
    assert f"{BAD}:3: " in ran.err
    assert stamps(newsroom.folder / "feeds") == before


def test_an_undecodable_file_name_is_one_bad_file(newsroom: Newsroom) -> None:
    """A file name that is not UTF-8 is named, and the others are published."""
    newsroom.configure(CONFIG)
    newsroom.article("good.md", date="2025-06-25")
    try:
        Path(os.fsdecode(os.fsencode(newsroom.folder) + b"/content/caf\xe9.md")).write_text(HEAD)
    except OSError:
        pytest.skip("this disk has no such names")
    ran = newsroom.run("build")
    assert ran.code == 1
    assert "content/caf\\xe9.md: its name has bytes" in ran.err
    assert len(json.loads(newsroom.published()["feed.json"])["items"]) == 1


def test_an_unreadable_article_is_named() -> None:
    """An article without read permission: the others are published, exit 1."""
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder, CONFIG)
        newsroom.article("good.md", date="2025-06-25")
        newsroom.article("bad.md", date="2025-06-26").chmod(0)
        for command in ("build", "digest", "preview", "check", "status"):
            ran = newsroom.run(command)
            ran_well(ran, (command,))
        ran = newsroom.run("build")
        assert (ran.code, f"{BAD}: it cannot be read" in ran.err) == (1, True)
        assert len(json.loads(newsroom.published()["feed.json"])["items"]) == 1


def test_a_folder_without_search_permission_changes_nothing() -> None:
    """Its names can be listed, but the files not read: the feeds stay as they were, with a
    message."""
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder, CONFIG)
        newsroom.article("good.md", date="2025-06-25")
        published = newsroom.build()
        (folder / "content").chmod(0o444)
        for command in ("build", "digest", "preview", "check", "status"):
            ran = newsroom.run(command)
            ran_well(ran, (command,))
            assert ran.code == 1
            assert "content: " in ran.out + ran.err
        assert newsroom.published() == published


def test_a_link_to_an_unreadable_file_is_one_bad_file() -> None:
    """It is named, and the others are published."""
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder, CONFIG)
        newsroom.article("good.md", date="2025-06-25")
        newsroom.write("closed/a.md", HEAD)
        (folder / "content/link.md").symlink_to("../closed/a.md")
        (folder / "closed").chmod(0)
        ran = newsroom.run("build")
        assert (ran.code, "content/link.md: it cannot be read" in ran.err) == (1, True)
        assert len(json.loads(newsroom.published()["feed.json"])["items"]) == 1


HOSTILE_CONFIGS = {
    "no UTF-8": b'[publication]\ntitle = "caf\xe9"\n',
    "UTF-16": "[publication]\n".encode("utf-16"),
    "NUL": b"\0" * 100,
    "deep": b"a = " + b"[" * 5_000,
    "deep tables": b"[" + b"a." * 5_000 + b"a]\n",
    "a huge number": b"[feeds]\nentries = 1" + b"0" * 5_000 + b"\n",
    "wrong everywhere": b"publication = 1\nfeeds = []\narticles = ''\ndigests = 2\n",
}


@pytest.mark.parametrize("name", HOSTILE_CONFIGS)
def test_a_hostile_config_has_a_clear_message(tmp_path: Path, name: str) -> None:
    """Exit 2 (or 1), a message with the file's name, no traceback, nothing written."""
    newsroom = Newsroom.open(tmp_path / "a/b/project")
    newsroom.article("good.md")
    newsroom.write("broadsheet.toml", HOSTILE_CONFIGS[name])
    before = outside(newsroom)
    for command in ("build", "digest", "check", "status", "preview"):
        with time_limit(SECONDS):
            ran = newsroom.run(command)
        assert ran.code in {1, 2}
        assert "should not have happened" not in ran.err
        assert "broadsheet.toml" in ran.err + ran.out
    assert outside(newsroom) == before


@pytest.mark.parametrize("key", ["icon", "logo"])
def test_an_unparsable_url_stops_nothing(newsroom: Newsroom, key: str) -> None:
    """`http://[::1` cannot be parsed; the feeds are made all the same."""
    newsroom.write("broadsheet.toml", f'{PUBLICATION}{key} = "http://[::1"\n')
    newsroom.article("good.md", date="2025-06-25")
    newsroom.build()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size; the test is skipped if mounting is not allowed."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount:
        pytest.skip("there is no mount on this machine")
    folder.mkdir()
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"no disk may be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, str(folder)], check=True)


def test_a_full_disk_leaves_each_file_old_or_new(tmp_path: Path) -> None:
    """The message says so, what was published is complete, and with space the next run repairs
    everything."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        newsroom = Newsroom.open(tmp_path, CONFIG)
        (newsroom.folder / "feeds").symlink_to(disk, target_is_directory=True)
        for number in range(8):
            newsroom.article(f"{number}.md", f"Old {number}. " * 500, date="2025-06-26")
        newsroom.build()
        old = newsroom.published()
        for number in range(8):
            newsroom.article(f"{number}.md", f"New {number}. " * 500, date="2025-06-26")
        shutil.copytree(newsroom.folder / "content", tmp_path / "elsewhere/content")
        new = Newsroom.open(tmp_path / "elsewhere", CONFIG).build()
        full = False
        for room in range(0, 400_000, 20_000):
            filler = disk / "filler"
            filler.write_bytes(bytes(max(shutil.disk_usage(disk).free - room, 0)))
            ran = newsroom.run("build")
            filler.unlink()
            left = newsroom.published()
            for path, data in left.items():
                assert data in (old.get(path), new.get(path)) or path == ".broadsheet.json", path
            assert old.keys() <= left.keys()
            json.loads(left[".broadsheet.json"])
            if ran.code == 0:
                break
            full = True
            assert ran.code == 1
            assert "No space left on device" in ran.err
            assert "run again" in ran.err
        assert full
        assert newsroom.run("build").code == 0
        assert newsroom.published() == new


def test_a_full_disk_under_the_state_folder(tmp_path: Path) -> None:
    """Without space for the cache the feeds are made without it, and are the same, or a message
    says why not."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        newsroom = Newsroom.open(tmp_path, CONFIG)
        (newsroom.folder / ".broadsheet").symlink_to(disk, target_is_directory=True)
        for number in range(60):
            newsroom.article(f"{number}.md", f"Text {number}. " * 200, date="2025-06-26")
        published = newsroom.build()
        shutil.copytree(newsroom.folder / "content", tmp_path / "elsewhere/content")
        assert Newsroom.open(tmp_path / "elsewhere", CONFIG).build() == published


def test_a_clock_set_back_withdraws_no_issue(newsroom: Newsroom) -> None:
    """Issues stay; articles that are now in the future leave the feeds and return later."""
    newsroom.configure(CONFIG)
    newsroom.article("a.md", date="2025-06-12")
    newsroom.article("b.md", date="2025-06-26")
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    whole = newsroom.published()
    issue = "digests/weekly/2025-06-30/"
    for back in ("2025-06-20T09:00:00+08:00", "1970-01-01T00:00:00+00:00"):
        for command in ("digest", "build", "status", "check", "preview"):
            ran_well(newsroom.run(command, now=back), (command,))
        left = newsroom.published()
        assert {p: d for p, d in left.items() if p.startswith(issue)} == {
            p: d for p, d in whole.items() if p.startswith(issue)
        }
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    assert newsroom.published() == whole


def test_concurrent_runs_make_what_one_makes(tmp_path: Path) -> None:
    """If two cron jobs and an editor collide, each run succeeds, and nothing is made twice."""
    newsroom = Newsroom.open(tmp_path, CONFIG)
    for number in range(30):
        newsroom.article(f"{number}.md", date="2025-06-26", main_topics=[f"T{number % 5}"])
    commands = ["build", "digest", "check", "build", "digest", "preview"]
    ends = [newsroom.start(command) for command in commands]
    ran = [end() for end in ends]
    assert {each.code for each in ran} == {0}, ran
    alone = Newsroom.open(tmp_path / "alone", CONFIG)
    shutil.copytree(tmp_path / "content", alone.folder / "content", dirs_exist_ok=True)
    for command in ("digest", "build"):
        assert alone.run(command).code == 0
    assert newsroom.run("build").code == 0
    assert newsroom.published() == alone.published()


PLACES_OF_PIPES = (
    *("broadsheet.toml", "feeds/feed.json", ".broadsheet/memo.sqlite3"),
    *("feeds/.broadsheet.json", "feeds/index.html", "email_templates/digest.html.j2"),
    *("feeds/digests/weekly/2025-06-30/issue.json", ".broadsheet/clock", ".broadsheet/lock"),
)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("place", [*PLACES_OF_PIPES[:3], *long(*PLACES_OF_PIPES[3:])])
def test_a_pipe_in_place_of_a_file_does_not_block(newsroom: Newsroom, place: str) -> None:
    """It is reported, or replaced if it is in the place of an output file."""
    newsroom.configure(CONFIG)
    newsroom.article("good.md", date="2025-06-25")
    for command in ("digest", "build"):
        assert newsroom.run(command).code == 0
    pipe = newsroom.folder / place
    pipe.parent.mkdir(exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    for command in ("check", "status", "preview", "digest", "build"):
        ran = newsroom.run_apart(command)
        assert ran.code in {0, 1, 2}
        assert "should not have happened" not in ran.err


def test_init_does_not_read_a_huge_config(newsroom: Newsroom) -> None:
    """No site has one, and parsing it as YAML would take minutes."""
    (newsroom.folder / "broadsheet.toml").unlink()
    newsroom.write("hugo.yaml", "title: Ours\n" + "a: b\n" * 500_000)
    with time_limit(2):
        assert newsroom.run("init", "--url", "https://a.example/").code == 0
    assert "Ours" not in (newsroom.folder / "broadsheet.toml").read_text("utf-8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_init_ignores_a_pipe(tmp_path: Path) -> None:
    """A generator's config is read only if it is a regular file."""
    os.mkfifo(tmp_path / "hugo.toml")
    (tmp_path / "content").mkdir()
    assert Newsroom(tmp_path).run_apart("init", "--url", "https://a.example/").code == 0
