"""Imports: repeatable, in short transactions, and no one who opted out comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, subscribers
from broadsheet.delivery.lists.importing import BATCH_LINES
from laws import long
from newsroom import MOMENT, Newsroom
from processes import until
from subscriber_lists import DIGEST, import_file, states, table


@pytest.mark.parametrize(
    ("first", "second", "status", "problems"),
    [
        ("active", "unsubscribed", "unsubscribed", 0),
        ("unsubscribed", "active", "unsubscribed", 0),
        ("pending", "bounced", "bounced", 0),
        ("active", "active", "active", 1),
        ("bounced", "complained", "bounced", 1),
    ],
)
def test_an_opt_out_in_one_of_two_lines_counts(
    desk: Newsroom, first: str, second: str, status: str, problems: int
) -> None:
    """In either order: the address may be on two lists of the other service."""
    text = f"email,status\nann@x.org,{first}\nbob@x.org,active\nANN@X.org,{second}\n"
    ran = import_file(desk, text)
    assert ran.err.count("\n") == ran.code == problems
    found = {name.casefold(): state for name, state in states(desk).items()}
    assert found == {"ann": status, "bob": "active"}


@pytest.mark.parametrize("known", ["", "active", *long("pending", "unsubscribed")])
@pytest.mark.parametrize(
    ("lines", "added"),
    [
        (("active", "unsubscribed"), {"unsubscribed": 1}),
        (("unsubscribed", "active"), {"unsubscribed": 1}),
        (("pending", "active", "bounced"), {"bounced": 1}),
        (("active", "complained", "active"), {"complained": 1}),
    ],
)
def test_an_opt_out_in_any_line_counts(
    desk: Newsroom, lines: Sequence[str], added: dict[str, int], known: str
) -> None:
    """Between two batches, too; and the dry run counts what the import does."""
    if known:
        import_file(desk, f"email,status\nann@x.org,{known}\n")
    others = [f"r{i}@x.org,active" for i in range(BATCH_LINES)]
    rows = [row for status in lines for row in (f"ann@x.org,{status}", *others[: BATCH_LINES // 2])]
    rows += others[BATCH_LINES // 2 :]
    text = table("email,status", *dict.fromkeys(rows))
    foreseen = json.loads(import_file(desk, text, "--dry-run", "--json").out)
    done = json.loads(import_file(desk, text, "--json").out)
    assert foreseen == done
    assert done["states"] == {"active": BATCH_LINES, **({} if known else added)}
    shown = json.loads(desk.run("subscribers", "show", "ann@x.org", "--json").out)
    became = [change["after"] for change in shown["changes"] if change["what"] == "status"]
    assert set(became) <= {known, *added}


def test_an_opt_out_is_never_lost_with_the_rest_of_its_line(desk: Newsroom) -> None:
    """A bad cell is reported; the address is unsubscribed all the same."""
    import_file(desk, "email\nann@x.org\nbob@x.org\n")
    text = "email,language,name,status\nann@x.org,??,Ann,unsubscribed\nbob@x.org,,B\0,bounced\n"
    ran = import_file(desk, text)
    assert ran.code == 1
    assert [line.partition(": ")[0] for line in ran.err.splitlines()] == [
        "list.csv:2",
        "list.csv:3",
    ]
    assert states(desk) == {"ann": "unsubscribed", "bob": "bounced"}


def test_our_own_export_is_understood(desk: Newsroom, tmp_path: Path) -> None:
    """Whatever the topics and people are called."""
    desk.run("subscribers", "add", "a@x.org", "--name", "unsubscribed", "--topic", "no")
    exported = desk.run("subscribers", "export").out
    (tmp_path / "other").mkdir()
    other = Newsroom.open(tmp_path / "other", DIGEST)
    assert other.run("subscribers", "import", str(other.write("all.csv", exported))).code == 0
    assert other.run("subscribers", "export").out == exported


def _long_list(desk: Newsroom, lines: int) -> Path:
    rows = (f"reader{i}@example{i % 997}.org,Reader {i},active" for i in range(lines))
    return desk.write("long.csv", table("email,name,status", *rows))


def _begin(desk: Newsroom, path: Path) -> subprocess.Popen[bytes]:
    """Start an import in a process of its own."""
    command = [sys.executable, "-m", "broadsheet", "-C", str(desk.folder), "subscribers", "import"]
    return subprocess.Popen([*command, str(path)], stdout=subprocess.DEVNULL)


def _count(db: database.Database) -> int:
    with db.reading() as connection:
        return sum(subscribers.counts(connection).values())


def _waits(desk: Newsroom, lines: int) -> list[float]:
    """Return how long an unsubscribe waits after each batch of an import of `lines`."""
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    with db.writing() as connection:
        reader = subscribers.add(connection, "ann@x.org", cause="t", now=MOMENT)
    running = _begin(desk, _long_list(desk, lines))
    waits: list[float] = []
    there = 1
    while running.poll() is None:
        before = there
        until(lambda: running.poll() is not None or _count(db) > before)  # noqa: B023
        there = _count(db)
        begun = time.perf_counter()
        with db.writing() as connection:
            subscribers.leave(connection, reader.id, "weekly", ("weekly",), cause="t", now=MOMENT)
        if there < lines:  # in the middle of the import
            waits.append(time.perf_counter() - begun)
        with db.writing() as connection:
            gone = subscribers.get(connection, reader.id)
            assert gone is not None
            subscribers.set_status(connection, gone, "active", cause="t", now=MOMENT)
    assert running.returncode == 0
    assert _count(db) == lines + 1
    db.close()
    return waits


def test_no_one_waits_long_for_an_import(desk: Newsroom) -> None:
    """One-click unsubscribes are handled between the batches of an import."""
    waits = _waits(desk, 12_000)
    assert len(waits) > 3
    assert max(waits) < 1


@pytest.mark.long
def test_no_one_waits_long_for_a_long_import(desk: Newsroom) -> None:
    """Half a million lines."""
    waits = _waits(desk, 500_000)
    assert len(waits) > 100
    assert max(waits) < 1


def test_an_import_that_is_killed_leaves_whole_batches(desk: Newsroom) -> None:
    """Everyone who was added has a recorded change; the next import completes the list."""
    path = _long_list(desk, 12_000)
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    running = _begin(desk, path)
    until(lambda: _count(db) > 0)
    running.kill()
    running.wait()
    there = _count(db)
    with db.reading() as connection:
        told = connection.execute(sql.select(sql.func.count()).select_from(database.changes))
        assert told.scalar_one() == there
    assert 0 < there < 12_000
    assert there % BATCH_LINES == 0
    ran = desk.run("subscribers", "import", str(path))
    assert ran.out.startswith(f"{12_000 - there:,} added, 0 changed, {there:,} unchanged")
    db.close()


def test_a_long_list_is_changed_in_batches_too(desk: Newsroom) -> None:
    """Names and opt-outs of existing subscribers; each change is recorded once, with its cause."""
    path = _long_list(desk, 2 * BATCH_LINES + 1)
    assert desk.run("subscribers", "import", str(path)).code == 0
    text = path.read_text().replace("Reader 7,active", "Ann,unsubscribed")
    ran = import_file(desk, text.replace("Reader", "Dear reader"))
    assert ran.out.startswith("0 added, 2,001 changed, 0 unchanged")
    db = database.open_database("sqlite:///broadsheet.db", desk.folder)
    with db.reading() as connection:
        one = subscribers.find(connection, "reader7@example7.org")
        assert one is not None
        assert (one.name, one.status) == ("Ann", "unsubscribed")
        assert [
            (c.what, c.before, c.after, c.cause) for c in subscribers.history(connection, one)
        ] == [
            ("status", "", "active", "import of long.csv"),
            ("name", "Reader 7", "Ann", "import of list.csv"),
            ("status", "active", "unsubscribed", "import of list.csv: status unsubscribed"),
        ]
        counts = subscribers.counts(connection)
        assert (counts["active"], counts["unsubscribed"]) == (2 * BATCH_LINES, 1)
    db.close()
