"""Subscribers: import, export, changes; no one who left comes back."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery import database, subscribers
from broadsheet.delivery.lists.exporting import exported_lines
from broadsheet.delivery.lists.reading import open_list
from broadsheet.delivery.subscribers import Preferences, Subscriber
from broadsheet.errors import Problem
from newsroom import MOMENT, Newsroom

DIGEST = '[digests.weekly]\ntitle = "周报"\n'
NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="\ufffd"),
    min_size=1,
)


@pytest.fixture
def desk(newsroom: Newsroom) -> Newsroom:
    """A newsroom with one digest."""
    newsroom.configure(DIGEST)
    return newsroom


def _list(desk: Newsroom, *args: str) -> list[dict[str, object]]:
    ran = desk.run("subscribers", "list", "--json", *args)
    assert ran.code == 0, ran.err
    found: list[dict[str, object]] = json.loads(ran.out)
    return found


def test_an_import_is_repeatable_and_names_bad_lines(desk: Newsroom) -> None:
    """Good lines are imported once, bad lines are reported by number, and the exit code is 1."""
    path = desk.write(
        "readers.csv",
        "name,email\nAnn,ann@example.org\nBob,bob at example.org\n\n"
        'Carl,carl@example.org\nAnn again,ANN@example.org\n"Eve\nTwo",eve@example.org\nX,x@\n',
    )
    ran = desk.run("subscribers", "import", str(path))
    assert ran.code == 1
    assert ran.out.splitlines()[0] == "3 added, 0 changed, 0 unchanged, 3 bad lines"
    lines = ran.err.splitlines()
    assert lines[0].startswith("readers.csv:3: 'bob at example.org' is not a valid email address")
    assert lines[1].startswith("readers.csv:6: ANN@example.org is already in line 2")
    assert lines[2].startswith("readers.csv:9: 'x@' is not a valid email address")
    assert [each["address"] for each in _list(desk)] == [
        "ann@example.org",
        "carl@example.org",
        "eve@example.org",
    ]
    again = desk.run("subscribers", "import", str(path))
    assert again.out.startswith("0 added, 0 changed, 3 unchanged")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffEmail Address,First Name,Last Name\nann@example.org,Ann,Lee\n",
        "姓名;邮箱\nAnn Lee;ann@example.org\n",
        "E-Mail\tFull_Name\r\nann@example.org\tAnn Lee\r\n",
        'digests,"name","address"\n,"Ann Lee",ann@example.org',
    ],
)
def test_the_usual_files_are_read(desk: Newsroom, text: str) -> None:
    """Any order, common headings, commas, semicolons or tabs, a byte-order mark."""
    path = desk.write("readers.csv", text)
    ran = desk.run("subscribers", "import", str(path))
    assert ran.code == 0, ran.err
    (found,) = _list(desk)
    assert (found["address"], found["name"]) == ("ann@example.org", "Ann Lee")


def test_a_file_of_addresses_alone_is_read(desk: Newsroom) -> None:
    """Without headings; the first line is an address too."""
    path = desk.write("readers.csv", "ann@example.org\nbob@example.org\n")
    assert desk.run("subscribers", "import", str(path)).code == 0
    assert len(_list(desk)) == 2


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"name,place\nAnn,here\n", "readers.csv:1: no column is called address or email"),
        (b"PK\x03\x04", "readers.csv: this is a ZIP archive or an Excel workbook"),
    ],
)
def test_an_unusable_file_changes_nothing(desk: Newsroom, data: bytes, what: str) -> None:
    """It is a usage error with a clear message."""
    ran = desk.run("subscribers", "import", str(desk.write("readers.csv", data)))
    assert ran.code == 2
    assert ran.err.startswith(what)
    assert _list(desk) == []


def test_unsubscribed_readers_are_not_revived(desk: Newsroom) -> None:
    """Neither by an import nor by `add`, unless the publisher says that they asked for it."""
    desk.run("subscribers", "add", "ann@example.org")
    desk.run("subscribers", "remove", "Ann@Example.org")
    path = desk.write("readers.csv", "address,status\nann@example.org,active\n")
    ran = desk.run("subscribers", "import", str(path))
    assert ran.code == 0
    assert (
        "1 had left before and are not subscribed again: ann@example.org (unsubscribed 2025-06-30)"
        in ran.out
    )
    ran = desk.run("subscribers", "add", "ann@example.org")
    assert ran.code == 1
    assert "ann@example.org has been unsubscribed since 2025-06-30" in ran.err
    assert _list(desk)[0]["status"] == "unsubscribed"
    assert desk.run("subscribers", "add", "ann@example.org", "--again").code == 0
    assert _list(desk)[0]["status"] == "active"


def test_an_import_can_unsubscribe(desk: Newsroom) -> None:
    """A list from elsewhere has its own opt-outs, in that service's words."""
    desk.run("subscribers", "add", "ann@example.org")
    text = "email,status\nann@example.org,Unsubscribed\nbob@example.org,cleaned\nc@x.org,odd\n"
    ran = desk.run("subscribers", "import", str(desk.write("readers.csv", text)))
    assert "readers.csv:4: 'odd' in column 'status' is not a known status" in ran.err
    assert [each["status"] for each in _list(desk)] == ["unsubscribed", "bounced"]


def test_a_missing_column_changes_nothing(desk: Newsroom) -> None:
    """Topics that a reader chose stay if a file has only addresses."""
    desk.run("subscribers", "add", "ann@example.org", "--topic", "开源", "--name", "Ann")
    desk.run("subscribers", "import", str(desk.write("readers.csv", "address\nann@example.org\n")))
    (found,) = _list(desk)
    assert (found["topics"], found["name"]) == (["开源"], "Ann")


def test_every_change_is_kept_with_its_cause(desk: Newsroom) -> None:
    """The table of changes only grows."""
    desk.run("subscribers", "add", "ann@example.org")
    desk.run("subscribers", "add", "ann@example.org", "--language", "en")
    desk.run("subscribers", "remove", "ann@example.org")
    with sqlite3.connect(desk.folder / "broadsheet.db") as connection:
        found = connection.execute("SELECT what, before, after, cause FROM changes").fetchall()
    connection.close()
    assert found == [
        ("status", "", "active", "added by the publisher"),
        ("language", "", "en", "added by the publisher"),
        ("status", "active", "unsubscribed", "removed by the publisher"),
    ]


def test_an_export_round_trips(desk: Newsroom, tmp_path: Path) -> None:
    """Into an empty list, with every field, and with text that looks like a formula."""
    desk.run("subscribers", "add", "ann@example.org", "--name", '=HYPERLINK("x")', "--topic", "a;b")
    desk.run("subscribers", "add", "bob@example.org", "--topic", "x, y", "--topic", "开源")
    desk.run("subscribers", "add", "eve@example.org", "--digest", "weekly", "--name", "'-O'")
    desk.run("subscribers", "remove", "bob@example.org")
    before = _list(desk)
    ran = desk.run("subscribers", "export")
    assert "'=HYPERLINK" in ran.out
    other = (
        Newsroom.open(tmp_path / "other", DIGEST) if (tmp_path / "other").mkdir() is None else desk
    )
    other.run("subscribers", "import", str(other.write("all.csv", ran.out)))
    assert _list(other) == before
    assert other.run("subscribers", "export").out == ran.out


@given(NAMES, st.lists(NAMES, max_size=4), st.lists(NAMES, max_size=2))
def test_any_name_and_topic_round_trips(name: str, topics: list[str], digests: list[str]) -> None:
    """Whatever characters they consist of."""
    wanted = tuple(dict.fromkeys(topic.strip() for topic in topics if topic.strip()))
    listed = tuple(dict.fromkeys(digest.strip() for digest in digests if digest.strip()))
    one = Subscriber(1, "a@b.org", name, "", wanted, listed, "active", MOMENT, "because")
    text = "".join(exported_lines([one]))
    (found,) = open_list(text.encode(), "x").subscribers()
    assert not isinstance(found, Problem)
    assert found.preferences == Preferences(name=name, language="", topics=wanted, digests=listed)


def test_the_export_is_plain_csv(desk: Newsroom) -> None:
    """Other programs can read it."""
    desk.run("subscribers", "add", "ann@example.org", "--name", 'Ann, "the" reader')
    (row,) = csv.DictReader(io.StringIO(desk.run("subscribers", "export").out))
    assert row["name"] == 'Ann, "the" reader'


def test_a_dry_run_of_an_import_changes_nothing(desk: Newsroom) -> None:
    """It says what would change."""
    path = desk.write("readers.csv", "address\nann@example.org\n")
    ran = desk.run("subscribers", "import", str(path), "--dry-run")
    assert ran.out.startswith("1 would be added")
    assert _list(desk) == []


def test_bounces_are_counted_until_the_status_changes(tmp_path: Path) -> None:
    """Temporary failures add up; a new status resets the count."""
    db = database.open_database("sqlite:///a.db", tmp_path)
    with db.writing() as connection:
        one = subscribers.add(connection, "a@b.org", cause="t", now=MOMENT)
        assert subscribers.count_bounce(connection, one, cause="full", now=MOMENT) == 1
        again = subscribers.find(connection, "A@B.org")
        assert again is not None
        assert subscribers.count_bounce(connection, again, cause="full", now=MOMENT) == 2
        subscribers.set_status(connection, again, "bounced", cause="full", now=MOMENT)
        ended = subscribers.get(connection, one.id)
        assert ended is not None
        assert (ended.bounces, ended.gone) == (0, True)
        assert not subscribers.set_status(connection, again, "active", cause="stale", now=MOMENT)
        assert len(subscribers.history(connection, one)) == 4
    db.close()


def _asks(desk: Newsroom, *addresses: str) -> None:
    """Ask for mail on the site, without confirming it yet."""
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    with db.writing() as connection:
        for address in addresses:
            subscribers.add(connection, address, cause="form", now=MOMENT, status="pending")
    db.close()


def test_readers_listed_by_the_publisher_need_not_confirm(desk: Newsroom) -> None:
    """By import or one by one; the cause is recorded, and --again is not needed."""
    _asks(desk, "ann@example.org", "bob@example.org", "cleo@example.org")
    path = desk.write("readers.csv", "address,name\nann@example.org,Ann\n")
    assert desk.run("subscribers", "import", str(path)).out.startswith("0 added, 1 changed")
    assert desk.run("subscribers", "add", "BOB@example.org").code == 0
    found = {one["address"]: (one["status"], one["cause"]) for one in _list(desk)}
    assert found == {
        "ann@example.org": ("active", "import of readers.csv"),
        "bob@example.org": ("active", "added by the publisher"),
        "cleo@example.org": ("pending", "form"),
    }


def test_an_own_export_confirms_no_one(desk: Newsroom) -> None:
    """An exported pending subscriber is pending when imported."""
    _asks(desk, "ann@example.org")
    path = desk.write("readers.csv", desk.run("subscribers", "export").out)
    assert desk.run("subscribers", "import", str(path)).out.startswith("0 added, 0 changed, 1 un")
    assert _list(desk)[0]["status"] == "pending"
