"""An entry that is serialised once is the same in each document that contains it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from broadsheet.articles.entries import Entry, Image
from broadsheet.articles.topics import Topic
from broadsheet.cli.options import Options
from broadsheet.feeds.channel import Channel
from broadsheet.feeds.formats import atom_feed, documents, feed_format, rss_feed
from broadsheet.model.publication import Person
from broadsheet.pipeline.build_plan import plan_build
from broadsheet.pipeline.project import open_project
from broadsheet.pipeline.published_entries import published_entries
from newsroom import NOW, Newsroom

WHEN = datetime(2025, 6, 19, 7, 20, 4, tzinfo=UTC)
HEAD = Channel(
    format="atom",
    id="https://example.org/feeds/",
    title="AI & 前沿 ]]>",
    description="<b>x</b> & y",
    language="zh-CN",
    updated=WHEN,
    self_url="https://example.org/feeds/atom.xml",
    home="https://example.org/",
    stylesheet="https://example.org/feeds/feed.css",
    icon="",
    logo="",
    rights="© x",
    hub="https://hub.example/",
    older="https://example.org/feeds/archive/2025-05/atom.xml",
    current=None,
    authors=(Person("编辑部", "a@example.org"),),
)
TEXTS = st.sampled_from(
    ["", "一句话。", "a & b < c", "</entry>\n </item>", "  x\n\n y ", '"\\n"', "[]"]
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    number = draw(st.integers(0, 4))
    image = Image("https://example.org/i.png", draw(TEXTS), "image/png", 3, None, 9)
    return Entry(
        id=f"https://example.org/{number}/",
        url=f"https://example.org/{number}/",
        title=draw(TEXTS) or "T",
        published=WHEN,
        updated=WHEN,
        authors=(Person("Ann"),),
        topics=(Topic("大模型", "大模型"),),
        tags=(Topic("x y", "x-y"),),
        schemes="https://example.org/feeds/",
        language="en",
        summary=draw(TEXTS),
        content=draw(TEXTS),
        image=draw(st.sampled_from([None, image])),
    )


def _document(head: Channel, entries: list[Entry]) -> bytes:
    items = [[feed_format(head.format).item(each)] for each in entries]
    return b"".join(piece for (piece,) in documents([head], items))


@given(st.lists(entries(), max_size=4, unique_by=lambda entry: entry.id), st.booleans())
@pytest.mark.parametrize("format_", ["atom", "rss"])
def test_a_document_is_what_feedgen_would_write(
    format_: str, held: list[Entry], archive: bool
) -> None:
    """Byte for byte, in every document that an entry is in."""
    head = replace(HEAD, format=format_, current="https://example.org/a" if archive else None)  # type: ignore[arg-type]
    for some in (held, held[1:], held[::-1], []):
        whole = {"atom": atom_feed, "rss": rss_feed}[format_].written(head, some)
        first, _, rest = _document(head, some).partition(b"<?xml-stylesheet")
        assert first + rest.partition(b"\n")[2] == whole


@given(st.lists(entries(), max_size=4, unique_by=lambda entry: entry.id))
def test_a_json_document_is_laid_out_as_one(held: list[Entry]) -> None:
    """As if the standard library had written it as a whole."""
    head = replace(HEAD, format="json")
    for some in (held, held[1:], []):
        made = _document(head, some)
        whole = json.dumps(json.loads(made), ensure_ascii=False, indent=1) + "\n"
        assert made.decode() == whole
        assert len(json.loads(made)["items"]) == len(some)


def test_archives_can_be_in_one_format(newsroom: Newsroom) -> None:
    """Only that format links to archives; the others are unchanged, and no link is dead."""
    for number in range(30):
        newsroom.article(f"a{number}.md", date=f"2025-0{1 + number // 10}-19T07:20:04+08:00")
    newsroom.configure("[feeds]\nentries = 5\n")
    every = newsroom.build()
    newsroom.configure('[feeds]\nentries = 5\narchive_formats = ["atom"]\n')
    made = newsroom.build()
    archives = {path for path in every if path.startswith("archive/")}
    assert {path for path in made if path.startswith("archive/")} == {
        path for path in archives if path.endswith("atom.xml")
    }
    assert made["atom.xml"] == every["atom.xml"]
    assert b"prev-archive" in every["rss.xml"]
    assert b"prev-archive" not in made["rss.xml"]
    assert "next_url" in json.loads(every["feed.json"])
    assert "next_url" not in json.loads(made["feed.json"])
    assert made["index.html"].count(b"archive/") < every["index.html"].count(b"archive/")
    project = open_project(Options(newsroom.folder, now=NOW))
    for _ in range(2):  # then from what is stored
        found = project.run(lambda memo: published_entries(plan_build(project, memo), ()))
        assert len(found) == 30
        assert all(each.title and each.text for each in found)
