"""Feeds that would disappear stay for a while and say where to go."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

import feed_rules
from broadsheet.feeds.endings import document
from broadsheet.feeds.retired import Retired, by_feed, told
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.model.settings import FeedFormat
from laws import law
from newsroom import CONFIG, Newsroom, live, stamps

START = datetime(2025, 6, 20, tzinfo=UTC)
FILES = ("atom.xml", "rss.xml", "feed.json")
BOTH = '[feeds]\nby = ["topics", "tags"]\n'
SITE = "https://example.org/feeds/"
RULES = {"atom": feed_rules.atom, "rss": feed_rules.rss, "json": feed_rules.json_feed}


def day(number: int) -> str:
    """Return the `now` so many days after the first build."""
    return (START + timedelta(days=number)).isoformat()


@pytest.fixture(scope="module")
def first_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three articles with a topic and a tag, and one with none, published on day
    0."""
    newsroom = Newsroom.open(tmp_path_factory.mktemp("first"), BOTH)
    for number in range(3):
        newsroom.article(f"a{number}.md", date=f"2025-06-1{number}", categories=["AI"], tags=["x"])
    newsroom.article("other.md", date="2025-06-01")
    newsroom.build(now=day(0))
    return newsroom.folder


@pytest.fixture
def built(first_build: Path, tmp_path: Path) -> Newsroom:
    """Return a copy of that project."""
    return Newsroom(Path(shutil.copytree(first_build, tmp_path / "project")))


def entries(newsroom: Newsroom, path: str) -> list[Any]:
    """Return the entries of a feed in the feeds folder, as a reader parses them; newest first."""
    data = newsroom.published()[path]
    if path.endswith("json"):
        return [dict(each, link=each["url"]) for each in json.loads(data)["items"]]
    feed = feedparser.parse(data)
    assert not feed.bozo
    return list(feed.entries)


def leads_to(newsroom: Newsroom, path: str) -> str:
    """Return the target of the last entry of a feed that has ended, below the feeds folder."""
    first = entries(newsroom, path)[0]
    assert first["title"] == "此订阅源已停止更新"
    assert "#ended-" in first["id"]
    assert first["link"] == SITE + "index.html"
    lines = str(first.get("summary")).split()
    return lines[-1].removeprefix(SITE)


def retopic(newsroom: Newsroom, *numbers: int, **fields: object) -> None:
    for number in numbers:
        newsroom.article(f"a{number}.md", date=f"2025-06-1{number}", **fields)


# When a feed ends


@pytest.mark.parametrize("name", FILES)
def test_the_feed_of_a_renamed_topic_leads_to_the_new_one(built: Newsroom, name: str) -> None:
    """In every format, with its former entries, and in the publication's language."""
    before = entries(built, f"topics/ai/{name}")
    retopic(built, 0, 1, 2, categories=["Machines"], tags=["x"])
    ran = built.run("build", now=day(1))
    assert ran.code == 0
    assert "feeds/topics/ai/: this feed has ended; it stays until 2025-09-19" in ran.err
    assert leads_to(built, f"topics/ai/{name}") == f"topics/machines/{name}"
    after = entries(built, f"topics/ai/{name}")
    assert [each["id"] for each in after[1:]] == [each["id"] for each in before]


def rename(newsroom: Newsroom) -> None:
    retopic(newsroom, 0, 1, 2, categories=["Machines"], tags=["y"])


def alias(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH + '[topics.aliases]\n"智能" = ["ai"]\n')


def merge(newsroom: Newsroom) -> None:
    newsroom.article("other.md", date="2025-06-01", categories=["Machines"], tags=["y"])
    newsroom.build(now=day(0))
    rename(newsroom)


def split(newsroom: Newsroom) -> None:
    retopic(newsroom, 0, 1, categories=["B", "C"])
    retopic(newsroom, 2, categories=["C"])


def scatter(newsroom: Newsroom) -> None:
    for number in range(3):
        retopic(newsroom, number, categories=[f"T{number}"], tags=[f"t{number}"])


def last_one(newsroom: Newsroom) -> None:
    retopic(newsroom, 0, 1, 2)


def renamed_with_its_addresses(newsroom: Newsroom) -> None:
    for number in range(3):
        (newsroom.folder / f"content/a{number}.md").unlink()
        fields = {"date": f"2025-06-1{number}", "categories": ["Machines"], "tags": ["y"]}
        newsroom.article(f"m{number}.md", title=f"a{number}", **fields)


def no_tags(newsroom: Newsroom) -> None:
    newsroom.configure('[feeds]\nby = ["topics"]\n')


def only_atom(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH + 'formats = ["atom"]\n')


def only_json_and_renamed(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH + 'formats = ["json"]\n')
    rename(newsroom)


CHANGES: list[tuple[Callable[[Newsroom], None], dict[str, str]]] = [
    (rename, {"topics/ai/rss.xml": "topics/machines/rss.xml", "tags/x/rss.xml": "tags/y/rss.xml"}),
    (alias, {"topics/ai/atom.xml": "topics/%E6%99%BA%E8%83%BD/atom.xml"}),
    (merge, {"topics/ai/atom.xml": "topics/machines/atom.xml"}),
    (split, {"topics/ai/atom.xml": "topics/c/atom.xml", "tags/x/atom.xml": "atom.xml"}),
    (scatter, {"topics/ai/feed.json": "feed.json", "tags/x/rss.xml": "rss.xml"}),
    (last_one, {"topics/ai/atom.xml": "atom.xml", "tags/x/rss.xml": "rss.xml"}),
    (renamed_with_its_addresses, {"topics/ai/atom.xml": "topics/machines/atom.xml"}),
    (no_tags, {"tags/x/atom.xml": "atom.xml"}),
    (only_atom, {"rss.xml": "atom.xml", "topics/ai/feed.json": "topics/ai/atom.xml"}),
    (only_json_and_renamed, {"topics/ai/rss.xml": "topics/machines/feed.json"}),
]


@pytest.mark.parametrize(
    ("change", "where"), CHANGES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_feed_that_would_disappear_leads_on(
    built: Newsroom, change: Callable[[Newsroom], None], where: dict[str, str]
) -> None:
    """`check` reports it before, `build` when it happens; no page lists it; afterwards `check` has
    no finding."""
    change(built)
    checked = built.run("check", now=day(1))
    before = set(built.published())
    ran = built.run("build", now=day(1))
    assert ran.code == 0
    after = built.published()
    for path, to in where.items():
        assert leads_to(built, path) == to
        shown = path if path in {"rss.xml", "feed.json"} else path.rpartition("/")[0] + "/"
        if "/" in path and path.rpartition("/")[0] == to.rpartition("/")[0]:
            shown = path.rpartition("/")[2]
        assert f"feeds/{shown}: feed-ends: " in checked.out
        assert f"feeds/{shown}: this feed has ended" in ran.err
        assert f"{SITE}{path}".encode() not in after["index.html"] + after["feeds.opml"]
    assert {path for path in before if path.endswith(FILES) and "archive/" not in path} <= {*after}
    assert "feed-ends" not in built.run("check", now=day(2)).out
    kept = stamps(built.folder / "feeds")
    assert built.run("build", now=day(30)).err == ""
    assert stamps(built.folder / "feeds") == kept


@pytest.mark.parametrize("name", FILES)
def test_an_ended_feed_stays_for_90_days(built: Newsroom, name: str) -> None:
    """Untouched meanwhile, with the cache or without, and whatever else is edited."""
    path = f"topics/ai/{name}"
    rename(built)
    ended = built.build(now=day(1))[path]
    for number in (2, 50, 90):
        retopic(built, 0, categories=["Machines"], tags=["y"], summary=f"Edited {number}.")
        assert built.build(now=day(number))[path] == ended
    for file in (built.folder / ".broadsheet").iterdir():
        file.unlink()
    before = stamps(built.folder / "feeds")
    assert built.build(now=day(90))[path] == ended
    assert stamps(built.folder / "feeds") == before
    gone = built.build(now=day(91))
    assert not any(each.startswith("topics/ai/") for each in gone)
    assert b"retired" not in gone[".broadsheet.json"]
    assert not (built.folder / "feeds/topics/ai").exists()


@pytest.mark.parametrize(
    ("moved", "to"),
    [
        ({"topics/ai/": "tags/y/"}, "{SITE}tags/y/{name}"),
        ({"topics/ai/": "https://b.example/f.xml"}, "https://b.example/f.xml"),
        ({"topics/ai/{name}": "tags/y/rss.xml", "topics/ai/": "tags/y/"}, "{SITE}tags/y/rss.xml"),
    ],
)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("late", [False, True])
def test_the_config_says_where_a_feed_continues(
    built: Newsroom, moved: dict[str, str], to: str, name: str, late: bool
) -> None:
    """A feed or a document of it; also if it is said after the feed has ended."""
    rename(built)
    if late:
        built.build(now=day(1))
    pairs = ", ".join(f'"{old}" = "{new}"' for old, new in moved.items()).replace("{name}", name)
    built.configure(f"{BOTH}moved = {{ {pairs} }}\n")
    built.build(now=day(2))
    expected = to.format(SITE=SITE, name=name)
    first = entries(built, f"topics/ai/{name}")[0]
    text = first["content_html"] if name.endswith("json") else first["content"][0]["value"]
    assert f'<a href="{expected}">{expected}</a>' in text
    if name == FILES[0]:  # which stands for all formats there
        assert expected.replace(SITE, "feeds/") in built.run("status", now=day(2)).out


def test_a_topic_that_returns_has_its_feed_again(built: Newsroom) -> None:
    """As if it had never ended; the next end starts a new period."""
    first = live(built.published())
    rename(built)
    built.build(now=day(1))
    retopic(built, 0, 1, 2, categories=["AI"], tags=["x"])
    back = built.build(now=day(40))
    assert live(back).items() >= first.items()
    assert json.loads(back[".broadsheet.json"])["retired"].keys() == {
        *(f"topics/machines/{name}" for name in FILES),
        *(f"tags/y/{name}" for name in FILES),
    }
    rename(built)
    built.build(now=day(50))
    assert "#ended-2025-08-09" in entries(built, "topics/ai/atom.xml")[0]["id"]
    assert len(entries(built, "topics/ai/atom.xml")) == 4
    assert "topics/ai/atom.xml" in built.build(now=day(139))


@pytest.mark.parametrize("name", FILES)
def test_withdrawn_articles_are_in_no_ended_feed(built: Newsroom, name: str) -> None:
    """Neither when the feed ends nor later: drafts, expired or deleted articles."""
    retopic(built, 0, categories=["AI"], draft=True)
    rename_others = {"categories": ["Machines"], "tags": ["y"]}
    retopic(built, 1, 2, **rename_others)
    built.build(now=day(1))
    titles = [each["title"] for each in entries(built, f"topics/ai/{name}")]
    assert titles[1:] == ["a2", "a1"]
    (built.folder / "content/a2.md").unlink()
    retopic(built, 1, **rename_others, expiryDate=day(3))
    built.build(now=day(2))
    assert [each["title"] for each in entries(built, f"topics/ai/{name}")][1:] == ["a1"]
    built.build(now=day(4))
    assert len(entries(built, f"topics/ai/{name}")) == 1


@pytest.mark.parametrize("renamed", [True, False])
def test_the_feed_of_a_digest_that_is_renamed_or_removed(
    newsroom: Newsroom, *, renamed: bool
) -> None:
    """It leads to the new digest, or to the main feed; its issues stay, in it and on the web."""
    newsroom.article("a.md", date="2025-06-25")
    weekly = '[digests.weekly]\ntitle = "W"\n'
    newsroom.configure(weekly + '[digests.english]\ntitle = "E"\nlanguages = ["en"]\n')
    newsroom.article("c.md", date="2025-06-25", language="en")
    assert newsroom.run("digest", now=day(10)).code == 0
    newsroom.build(now=day(10))
    issues = [path for path in newsroom.published() if path.endswith("issue.json")]
    assert len(issues) == 2
    other = '[digests.english]\ntitle = "E"\nlanguages = ["en"]\n'
    newsroom.configure(
        other + ('[digests.daily]\ntitle = "D"\nrenamed_from = ["weekly"]\n' if renamed else "")
    )
    newsroom.article("b.md", date=day(11))
    assert newsroom.run("digest", now=day(17)).code == 0
    newsroom.build(now=day(17))
    for name in FILES:
        to = f"digests/daily/{name}" if renamed else name
        assert leads_to(newsroom, f"digests/weekly/{name}") == to
        assert len(entries(newsroom, f"digests/weekly/{name}")) == 2
    after = newsroom.build(now=day(108))
    assert set(issues) <= set(after)
    assert "digests/weekly/atom.xml" not in after
    assert "digests/weekly/index.html" in after


def test_retired_feeds_can_be_switched_off(built: Newsroom) -> None:
    """With 0 days a feed is removed at once, also one that has ended before; a message still says
    so."""
    rename(built)
    built.build(now=day(1))
    built.configure(BOTH + "keep_retired_days = 0\n")
    assert "topics/ai/atom.xml" not in built.build(now=day(2))
    retopic(built, 0, 1, 2, categories=["Third"], tags=["y"])
    assert "the next build will remove it" in built.run("check", now=day(3)).out
    ran = built.run("build", now=day(3))
    assert "feeds/topics/machines/: this feed has ended; it is removed" in ran.err
    assert not (built.folder / "feeds/topics/machines").exists()


def test_archives_are_removed_at_once(newsroom: Newsroom) -> None:
    """The main feed links to them; without that link no one requests them."""
    newsroom.configure("[feeds]\nentries = 1\n")
    for month in range(1, 6):
        newsroom.article(f"a{month}.md", date=f"2025-0{month}-01")
    assert "archive/2025-01/atom.xml" in newsroom.build(now=day(0))
    newsroom.configure('[feeds]\nentries = 1\narchive = "none"\n')
    after = newsroom.build(now=day(1))
    assert not any(path.startswith("archive/") for path in after)
    assert b"retired" not in after[".broadsheet.json"]


@pytest.mark.parametrize("lost", [None, b"", b"<feed", b"{}", b"[]", b"\xff\0", b'{"items": 3}'])
@pytest.mark.parametrize("name", FILES)
def test_a_feed_that_was_lost_or_broken_still_says_where_to_go(
    built: Newsroom, name: str, lost: bytes | None
) -> None:
    """The manifest knows that it was published."""
    file = built.folder / f"feeds/topics/ai/{name}"
    file.unlink()
    if lost is not None:
        file.write_bytes(lost)
    alias(built)
    built.build(now=day(1))
    assert leads_to(built, f"topics/ai/{name}") == f"topics/%E6%99%BA%E8%83%BD/{name}"
    assert built.build(now=day(2))[f"topics/ai/{name}"] == file.read_bytes()


@pytest.mark.parametrize(
    "told_",
    [3, {}, {"since": 3, "to": "x"}, {"since": "2025-06-21T00:00:00", "to": "x"}, {"to": "x"}],
)
def test_an_invalid_record_is_replaced(built: Newsroom, told_: object) -> None:
    """The period starts again, and nothing fails."""
    rename(built)
    built.build(now=day(1))
    manifest = built.folder / "feeds/.broadsheet.json"
    data = json.loads(manifest.read_bytes())
    data["retired"]["topics/ai/atom.xml"] = told_
    manifest.write_text(json.dumps(data))
    after = built.build(now=day(2))
    assert json.loads(after[".broadsheet.json"])["retired"]["topics/ai/atom.xml"] == {
        "since": "2025-06-22T00:00:00Z",
        "to": "topics/machines/atom.xml",
    }


def test_the_offset_of_now_does_not_matter(built: Newsroom, tmp_path: Path) -> None:
    """The same moment gives the same bytes, however it is written."""
    rename(built)
    shutil.copytree(built.folder, tmp_path / "copy")
    once = built.build(now="2025-06-21T00:30:00.5+00:00")
    again = Newsroom(tmp_path / "copy").build(now="2025-06-21T08:30:00.5+08:00")
    assert again == once
    assert b'"2025-06-21T00:30:00Z"' in once[".broadsheet.json"]


def test_status_lists_ended_feeds_separately(built: Newsroom) -> None:
    """Until when they stay, and where they lead; everything counts as up to date."""
    rename(built)
    built.build(now=day(1))
    ran = built.run("status", "--json", now=day(2))
    found = json.loads(ran.out)
    assert [each["path"] for each in found["retired"]] == ["feeds/tags/x/", "feeds/topics/ai/"]
    assert found["retired"][1]["to"] == "feeds/topics/machines/atom.xml"
    assert found["out_of_date"] == 0
    assert "feeds/topics/ai/" not in [each["path"] for each in found["feeds"]]
    assert "ended: feeds/topics/ai/ stays until 2025-09-19" in built.run("status", now=day(2)).out
    assert "topics/ai" not in built.run("explain", "content/a1.md", "-v", now=day(2)).out


@pytest.mark.parametrize("language", ["en", "zh-CN", "fr"])
@pytest.mark.parametrize(
    ("format_", "name"), [("atom", FILES[0]), ("rss", FILES[1]), ("json", FILES[2])]
)
def test_a_feed_that_has_ended_is_valid(
    newsroom: Newsroom, format_: FeedFormat, name: str, language: str
) -> None:
    """With entries or without, and the same when it is made again."""
    newsroom.configure("", CONFIG.replace("zh-CN", language))
    newsroom.article("a.md", "A & <b>b</b>\n", title="A & B", categories=["AI"])
    content = newsroom.build()[f"topics/ai/{name}"]
    publication = Publication(
        title="A & <B>", url=BaseUrl("https://example.org/"), language=Language(language)
    )
    retired = Retired(START, "topics/b & c/atom.xml")
    for before in (content, None):
        public = {"https://example.org/posts/a/"}
        after = document(before, f"topics/ai/{name}", retired, publication, public.__contains__)
        assert (
            document(after, f"topics/ai/{name}", retired, publication, public.__contains__) == after
        )
        assert len(told(after, format_)) == (2 if before else 1)
        assert RULES[format_](after) == []
    assert told(content, format_) < told(
        document(content, f"topics/ai/{name}", retired, publication, public.__contains__), format_
    )


def test_a_format_that_ends_everywhere_is_reported_once() -> None:
    """A feed by its folder, a format by its file."""
    moment = Retired(START, "")
    found = by_feed(
        {
            "rss.xml": Retired(START, "atom.xml"),
            "topics/a/rss.xml": Retired(START, "topics/a/atom.xml"),
            "topics/b/atom.xml": Retired(START, "atom.xml"),
            "topics/b/rss.xml": moment,
        }
    )
    assert found.keys() == {"rss.xml", "topics/b/"}
    assert found["topics/b/"].to == "atom.xml"


_STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # which article
        st.lists(st.sampled_from("ABC"), max_size=2, unique=True),
        st.sampled_from([BOTH, BOTH + 'formats = ["atom", "rss"]\n', "[feeds]\nby = []\n"]),
        st.integers(0, 60),  # days
    ),
    min_size=2,
    max_size=6,
)


@law(4)
@given(_STEPS)
def test_no_feed_disappears_silently(steps: list[tuple[int, list[str], str, int]]) -> None:
    """Whatever happens: a published feed is live, or says for 90 days that it has ended."""
    with tempfile.TemporaryDirectory() as name:
        newsroom, since = Newsroom.open(Path(name)), {}
        now, before = 0, {}
        for which, topics, config, days in steps:
            now += days
            newsroom.configure(config)
            newsroom.article(f"{which}.md", date="2025-06-01", categories=topics, tags=topics[:1])
            after = newsroom.build(now=day(now))
            there = live(after)
            for path in {*before, *since}:
                if not path.endswith(FILES):
                    continue
                if path in there:
                    since.pop(path, None)
                elif now < since.setdefault(path, now) + 90:
                    assert "#ended-" in entries(newsroom, path)[0]["id"]
                else:
                    assert path not in after
                    del since[path]
            for file in (newsroom.folder / ".broadsheet").iterdir():
                file.unlink()
            kept = stamps(newsroom.folder / "feeds")
            assert newsroom.build(now=day(now)) == after
            assert stamps(newsroom.folder / "feeds") == kept
            before = there


@pytest.mark.parametrize("name", FILES)
def test_an_article_with_an_error_ends_no_feed(built: Newsroom, name: str) -> None:
    """Its feeds stay as they were until it is corrected; a feed of other articles still ends."""
    newsroom = built
    newsroom.article("lone.md", date="2025-06-19", categories=["Lone"])
    newsroom.article("gone.md", date="2025-06-19", categories=["Gone"])
    before = newsroom.build(now=day(0))
    broken = newsroom.write("content/lone.md", "---\ntitle: [\n---\n")
    newsroom.article("gone.md", date="2025-06-19", draft=True)
    for number in (1, 2):
        ran = newsroom.run("build", now=day(number))
        assert ran.code == 1
        assert newsroom.published()[f"topics/lone/{name}"] == before[f"topics/lone/{name}"]
        assert len(entries(newsroom, f"topics/gone/{name}")) == 1
    assert "lone" not in ran.err.replace("content/lone.md", "").replace(": lone\n", "")
    found = json.loads(newsroom.run("status", "--json", now=day(3)).out)
    assert found["out_of_date"] == 0
    broken.unlink()
    assert "feeds/topics/lone/: this feed has ended" in newsroom.run("build", now=day(4)).err
