"""The record of an issue: what is written is read back, and nothing else passes for a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.digests.issue import Issue, IssuedArticle, Section, parse_record, record_bytes
from broadsheet.errors import RecordError
from newsletters import at

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLACED = st.builds(
    IssuedArticle, id=_TEXT, url=_TEXT, title=_TEXT, sha256=_TEXT, late=st.booleans()
)
_SECTIONS = st.lists(
    st.builds(Section, topic=_TEXT, articles=st.lists(_PLACED, min_size=1, max_size=3).map(tuple)),
    min_size=1,
    max_size=3,
).map(tuple)
_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


def _issue(*topics: str, names: str = "ab") -> Issue:
    placed = tuple(
        IssuedArticle(id=name, url=f"/{name}/", title=name, sha256="0") for name in names
    )
    return Issue(
        digest="weekly",
        key="2025-06-23",
        number=7,
        tick=at("2025-06-23 08:00"),
        since=at("2025-06-16 08:00"),
        sections=tuple(Section(topic, placed) for topic in topics or ("AI",)),
    )


@given(
    issue=st.builds(
        Issue,
        digest=_TEXT,
        key=_TEXT,
        number=st.integers(1, 10_000),
        tick=_MOMENTS,
        since=_MOMENTS,
        sections=_SECTIONS,
    )
)
def test_a_record_round_trips(issue: Issue) -> None:
    """Reading an issue back changes nothing, and writing it again changes no byte."""
    data = record_bytes(issue)
    again = parse_record(data, "issue.json")
    assert again == issue
    assert record_bytes(again) == data


def test_the_record_is_json_for_people() -> None:
    """Key, tick, window and sections, as documented; UTF-8, one field per line."""
    text = record_bytes(_issue("编辑部")).decode()
    data = json.loads(text)
    assert list(data) == ["digest", "key", "number", "tick", "since", "sections"]
    assert data["tick"] == "2025-06-23T08:00:00+08:00"
    assert data["sections"][0]["articles"][0] == {
        "id": "a",
        "url": "/a/",
        "title": "a",
        "sha256": "0",
        "late": False,
    }
    assert "编辑部" in text
    assert text.endswith("}\n")


def test_an_article_under_two_topics_is_one_article() -> None:
    """With `every` an article is in two sections, but once in `articles` and `ids`."""
    issue = _issue("AI", "Chips")
    assert [placed.id for placed in issue.articles] == ["a", "b"]
    assert issue.ids == {"a", "b"}


def _without(name: str) -> bytes:
    data = json.loads(record_bytes(_issue()))
    del data[name]
    return json.dumps(data).encode()


def _with(**changed: object) -> bytes:
    return json.dumps(json.loads(record_bytes(_issue())) | changed).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        record_bytes(_issue())[:-30],  # a disk that was full
        b"\xff\xfe",
        record_bytes(_issue()).replace(b'"a"', b'"\xe4"', 1),
        b"<<<<<<< HEAD\n" + record_bytes(_issue()),  # a merge that was not finished
        *(_without(name) for name in ("digest", "key", "number", "tick", "since", "sections")),
        _with(tick="2025-06-23T08:00:00"),  # without an offset it is not a moment
        _with(since="yesterday"),
        _with(sections=[]),
        _with(sections=[{"topic": "AI", "articles": []}]),
        _with(sections=[{"topic": "AI", "articles": [{"id": "a"}]}]),
        _with(number="7"),
    ],
)
def test_an_invalid_record_is_refused_by_name(data: bytes) -> None:
    """It is an error that names the file and says what to do, never no record."""
    with pytest.raises(RecordError) as refused:
        parse_record(data, "feeds/digests/weekly/2025-06-23/issue.json")
    (problem,) = refused.value.problems
    assert problem.path == "feeds/digests/weekly/2025-06-23/issue.json"
    assert problem.what.startswith("this record of an issue cannot be read: ")
    assert problem.todo.startswith("restore it from Git or a backup")


def test_unknown_fields_in_a_record_are_ignored() -> None:
    """A newer version may have made the issue."""
    assert parse_record(_with(colour="red"), "issue.json") == _issue()
