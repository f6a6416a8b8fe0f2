"""The data about a person can be shown, and erased: from every table, and for good."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from broadsheet.delivery import database, subscribers
from broadsheet.delivery.database import Database, metadata
from broadsheet.delivery.erasures import erased_addresses
from broadsheet.delivery.issues import Begun, begin
from broadsheet.delivery.personal_data import address_pattern, erase, personal_data
from broadsheet.delivery.subscribers import ErasedError, Preferences
from broadsheet.delivery.tokens import Tokens
from broadsheet.errors import DeliveryError
from broadsheet.service.store import LiveDatabase, SubscriberStore
from deliveries import SECRET, Post, at
from laws import long
from newsroom import MOMENT, contents
from postgresql import OnPostgres, on_postgres
from processes import exit_code, fork

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

ANN = "reader000000@example.org"


@pytest.fixture(params=["sqlite", *long("postgresql")])
def office(office: Post, request: pytest.FixtureRequest) -> Post:
    """A newsroom that delivers, from either database."""
    if request.param == "sqlite":
        return office
    return on_postgres(office, request.getfixturevalue("postgres"))


REFUSED = (
    f"{ANN} was erased on 2025-06-30; only if they asked to be subscribed again, run: "
    "subscribers add --again\n"
)


def run(office: Post, *args: str) -> Any:
    """Run `broadsheet subscribers args`."""
    return office.newsroom.run("subscribers", *args)


def everything(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table."""
    with db.reading() as connection:
        return {
            table.name: [
                dict(row)
                for row in connection.execute(sql.select(table).order_by(*table.c[:1])).mappings()
            ]
            for table in metadata.sorted_tables
        }


def holds(office: Post, text: str) -> bool:
    """Whether `text` is in any row, or in any byte of any file of the project."""
    db = office.open()
    rows = repr(everything(db))
    db.close()
    files = contents(office.newsroom.folder)
    bytes_ = b"".join(data for path, data in files.items() if not path.startswith("server/"))
    return text.casefold() in rows.casefold() or text.casefold().encode() in bytes_.lower()


def busy(office: Post) -> None:
    """Give ann@ a history of every kind, and others a mention of her."""
    office.subscribe(3)
    office.server.order(rcpt={ANN: f"450 4.2.1 <{ANN}> is full"})
    assert office.deliver().code == 0
    db = office.open()
    with db.writing() as connection:
        ann = subscribers.find(connection, ANN)
        bob = subscribers.find(connection, "reader000001@example.org")
        assert ann
        assert bob
        subscribers.change(connection, ann, cause="form", now=MOMENT, name="Ann Unique")
        subscribers.count_bounce(connection, ann, cause=f"for {ANN.upper()}", now=MOMENT)
        subscribers.count_bounce(connection, bob, cause=f"forwarded to <{ANN}>", now=MOMENT)
    db.close()


def test_all_personal_data_is_shown(office: Post) -> None:
    """Every row of every table that belongs to the person, and mentions in other rows."""
    busy(office)
    ran = run(office, "show", ANN.upper(), "--json")
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    db = office.open()
    rows = everything(db)
    db.close()
    (person,) = (row for row in rows["subscribers"] if row["address"] == ANN)
    given = {name: json.loads(person[name]) for name in ("topics", "digests")}
    assert {name: shown[name] for name in person} == {**person, **given}
    for name in ("changes", "deliveries"):
        own = [row for row in rows[name] if row["subscriber"] == person["id"]]
        assert [row["id"] for row in shown[name]] == [row["id"] for row in own]
        for told, row in zip(shown[name], own, strict=True):
            assert row.items() - {("subscriber", person["id"])} <= told.items()
    (delivery,) = shown["deliveries"]
    assert (delivery["digest"], delivery["key"]) == ("weekly", "2025-06-30")
    assert ANN in delivery["reply"]
    assert shown["consent"] == {
        "at": shown["changes"][0]["at"],
        "status": "active",
        "cause": "test",
    }
    assert [each["text"] for each in shown["mentions"]] == [f"forwarded to <{ANN}>"]
    (link,) = shown["links"]
    mark = Tokens(SECRET).read_unsubscribe(link["unsubscribe"].rpartition("/")[2])
    assert mark is not None
    assert (mark.subscriber, mark.digest) == (person["id"], "weekly")


def test_the_text_shows_the_same_as_the_json(office: Post) -> None:
    """Every value of the JSON is in the text, in the words of the database."""
    busy(office)
    text = run(office, "show", ANN).out
    for part in (
        ANN, "Ann Unique", "weekly", "2025-06-30 09:00:00", "cause: test", "4.2.1", "retry",
        "forwarded to", "changes", "deliveries", "mentions", "links", "what: bounces",
    ):  # fmt: skip
        assert part in text
    ids = json.loads(run(office, "show", ANN, "--json").out)["deliveries"]
    assert ids[0]["message_id"] in text


def test_the_message_id_that_is_shown_is_the_one_that_was_sent(office: Post) -> None:
    """So it can be found in mail logs and mailboxes."""
    office.subscribe(1)
    office.deliver()
    (sent,) = office.server.taken()
    (row,) = json.loads(run(office, "show", ANN, "--json").out)["deliveries"]
    assert row["message_id"] == sent["id"]


@pytest.mark.parametrize("command", ["show", "erase"])
def test_unknown_addresses_are_not_found(office: Post, command: str) -> None:
    """And nothing is recorded about a misspelt address."""
    ran = run(office, command, "nobody@example.org")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "nobody@example.org is not on the list; check the spelling\n"
    assert not holds(office, "nobody")
    db = office.open()
    assert everything(db)["erasures"] == []
    db.close()


def test_a_dry_run_erases_nothing(office: Post) -> None:
    """It says what would be erased."""
    busy(office)
    before = run(office, "show", ANN, "--json").out
    ran = run(office, "erase", ANN, "--dry-run")
    assert ran.code == 0
    assert ran.out == (
        f"{ANN} would be erased: 4 rows removed, 1 row of the ledger kept without a name, "
        "1 mention in other rows replaced\n"
    )
    assert run(office, "show", ANN, "--json").out == before
    ran = run(office, "erase", ANN)
    assert ran.out.startswith(f"{ANN} erased: 4 rows removed, 1 row of the ledger kept")


def test_an_erasure_has_json(office: Post) -> None:
    """The dry run prints what the erasure then does; problems are in it and on stderr."""
    busy(office)
    told = {
        "address": ANN,
        "rows": {"changes": 3, "subscribers": 1},
        "kept": 1,
        "mentions": 1,
        "published": [],
        "before": False,
        "clean": True,
    }
    unknown = "nobody@example.org is not on the list; check the spelling"
    for more in (["--dry-run"], []):
        ran = run(office, "erase", "--json", ANN, "nobody@example.org", *more)
        assert json.loads(ran.out) == {"erased": [told], "problems": [unknown]}
        assert (ran.code, ran.err) == (1, f"{unknown}\n")
    for more in (["--dry-run"], []):
        ran = run(office, "erase", "--json", ANN, *more)
        (again,) = json.loads(ran.out)["erased"]
        assert (ran.code, again["rows"], again["before"]) == (0, {}, True)


def test_nothing_is_left_of_an_erased_person(office: Post) -> None:
    """In no table and no file, not even in unused pages; others stay as they were."""
    busy(office)
    db = office.open()
    before = everything(db)
    assert run(office, "erase", ANN.upper()).code == 0
    after = everything(db)
    db.close()
    assert not holds(office, ANN)
    assert not holds(office, "Ann Unique")
    assert len(after["subscribers"]) == len(before["subscribers"]) - 1
    assert after["subscribers"] == before["subscribers"][1:]
    assert [row["cause"] for row in after["changes"]][-1] == "forwarded to <(erased)>"
    (mine,) = (row for row in after["deliveries"] if row["subscriber"] is None)
    assert (mine["state"], mine["reply"], mine["first_at"]) == ("skipped", "(erased)", None)
    assert after["issues"] == before["issues"]


def test_the_counts_of_the_ledger_remain_true(office: Post) -> None:
    """For sent, failed and waiting mails; the rows are still listed."""
    addresses = office.subscribe(6)
    office.server.order(rcpt={addresses[0]: "554 5.7.1 no", addresses[1]: "450 4.2.1 full"})
    assert office.deliver().code == 1
    for address in (*addresses[:2], addresses[5]):
        assert run(office, "erase", address).code == 0
    found = json.loads(office.newsroom.run("status", "--json").out)
    (told,) = found["deliveries"]
    counts = {name: told[name] for name in ("total", "sent", "failed", "skipped", "retry")}
    assert counts == {"total": 6, "sent": 4, "failed": 1, "skipped": 1, "retry": 0}
    assert len(found["ledger"]) == 6
    assert sum(row["address"] == "" and row["subscriber"] is None for row in found["ledger"]) == 3
    office.server.order()
    assert office.deliver("--only", "failed").code == 0
    assert office.deliver(now=at(days=1)).code == 0
    (told,) = json.loads(office.newsroom.run("status", "--json").out)["deliveries"]
    assert told["done"]
    assert (told["total"], told["sent"], told["failed"], told["skipped"]) == (6, 4, 1, 1)
    assert set(office.received()) == set(addresses[2:])


def test_no_import_add_or_form_brings_an_erased_address_back(office: Post) -> None:
    """However it is spelled; the others in the file are added."""
    office.subscribe(2)
    assert run(office, "erase", ANN).code == 0
    lines = f"address,status\n{ANN.upper()},active\n {ANN} ,unsubscribed\nnew@example.org,active\n"
    path = office.newsroom.write("readers.csv", lines)
    ran = run(office, "import", str(path))
    assert "1 added" in ran.out
    assert "skipped: the address was erased" in ran.out
    assert json.loads(run(office, "import", str(path), "--json").out)["erased"] >= 1
    ran = run(office, "add", ANN)
    assert ran.code == 1
    assert ran.err == REFUSED
    db = office.open()
    desk = SubscriberStore(LiveDatabase(db), Tokens(SECRET), ("weekly",), lambda: datetime.now(UTC))
    assert desk.ask(ANN, Preferences()) is None
    assert not desk.knows(ANN)
    with pytest.raises(ErasedError), db.writing() as connection:
        subscribers.add(connection, ANN, cause="t", now=MOMENT, status="pending")
    db.close()
    path.unlink()
    assert not holds(office, ANN)


def test_an_erased_address_gets_no_test_copy(office: Post) -> None:
    """In any spelling; others get one, and so do people who were added again."""
    office.subscribe(2)
    assert run(office, "erase", ANN).code == 0
    spellings = (ANN, f" {ANN} ", ANN.replace("example.org", "EXAMPLE.ORG"))
    for to, args in product(spellings, ((), ("--dry-run",))):
        ran = office.deliver("--to", to, *args)
        assert (ran.code, ran.out, ran.err) == (1, "", REFUSED)
    assert office.received() == {}
    assert office.deliver("--to", "me@example.org").code == 0
    assert run(office, "add", ANN, "--again").code == 0
    assert office.deliver("--to", spellings[2]).code == 0


def test_an_address_that_opted_out_gets_no_test_copy(office: Post) -> None:
    """A test copy is mail, too."""
    office.subscribe(2)
    assert run(office, "remove", ANN).code == 0
    ran = office.deliver("--to", ANN)
    assert ran.code == 1
    assert f"{ANN} unsubscribed on 2025-06-30; no test copy was sent" in ran.err
    assert office.received() == {}


def test_erased_people_can_come_back(office: Post) -> None:
    """With --again, which forgets the hash; then they are subscribers like any other."""
    office.subscribe(1)
    run(office, "erase", ANN)
    ran = run(office, "show", ANN)
    assert (ran.code, ran.out) == (
        0,
        f"{ANN} was erased on 2025-06-30; only a keyed hash of it is kept\n",
    )
    assert "erased" in json.loads(run(office, "show", ANN, "--json").out)
    assert run(office, "add", ANN, "--again").code == 0
    db = office.open()
    assert everything(db)["erasures"] == []
    db.close()
    assert json.loads(run(office, "show", ANN, "--json").out)["status"] == "active"
    assert run(office, "erase", ANN).code == 0
    ran = run(office, "erase", ANN)
    assert (ran.code, ran.out) == (0, f"{ANN} is erased already\n")


def test_the_hash_is_keyed_and_outlives_a_rotation(
    office: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is in this database: no secret of the environment is needed to check it."""
    office.subscribe(1)
    run(office, "erase", ANN)
    for secret in ("another secret, after a rotation", ""):
        monkeypatch.setenv("BROADSHEET_SECRET", secret)
        assert run(office, "add", ANN).code == 1
    db = office.open()
    rows = everything(db)
    (row,), (key,) = rows["erasures"], rows["keys"]
    assert len(row["hash"]) == len(key["value"]) == 64
    with db.reading() as connection:
        many = [f"x{number}@example.org" for number in range(1200)]
        assert erased_addresses(connection, [*many, ANN.upper(), ANN]) == {ANN.upper(), ANN}
        assert erased_addresses(connection, []) == frozenset()
    with db.writing() as connection:  # another database has another key
        connection.execute(sql.update(database.keys).values(value="00" * 32))
        assert not erased_addresses(connection, [ANN])
    db.close()


def test_nothing_is_sent_to_an_erased_person(office: Post) -> None:
    """During a delivery, waiting mails are not sent, and mails in flight are waited for."""
    addresses = office.subscribe(80)
    office.server.order(delay=0.05)
    child = office.begin()
    office.server.wait_for(10)
    gone = [*addresses[8:20], *addresses[66:]]
    db = office.open()
    erased_when: dict[str, bool] = {}
    for address in gone:
        made = erase(db, address, lambda: MOMENT)
        assert made is not None
        assert made.clean
        erased_when[address] = address in office.received()
    db.close()
    assert office.end(child) == 0
    received = office.received()
    for address in gone:
        assert (address in received) == erased_when[address], "it was sent after the erasure"
    assert set(addresses) - set(gone) <= set(received)
    assert max(received.values()) == 1
    states = office.states() if isinstance(office, OnPostgres) else None
    (told,) = json.loads(office.newsroom.run("status", "--json").out)["deliveries"]
    assert told["total"] == 80 == told["sent"] + told["skipped"]
    assert told["sent"] == len(received)
    assert states in (None, +Counter(sent=told["sent"], skipped=told["skipped"]))
    assert told["done"]


def _claimed(db: Database) -> list[str]:
    with db.reading() as connection:
        query = (
            sql.select(database.subscribers.c.address)
            .join(
                database.deliveries, database.deliveries.c.subscriber == database.subscribers.c.id
            )
            .where(database.deliveries.c.state == "claimed")
        )
        return list(connection.execute(query).scalars())


@pytest.mark.long
def test_an_erasure_waits_for_mails_of_a_stopped_run(office: Post) -> None:
    """It may still be sent. Once the run is killed it cannot, and the next erasure is complete; on
    a server, once its lease has ended."""
    office.subscribe(60)
    office.server.order(delay=0.05)
    child = office.begin()
    office.server.wait_for(5)
    office.pause(child)
    db = office.open()
    held = _claimed(db)
    assert held
    with pytest.raises(DeliveryError, match=r"a run of `deliver` has been sending a mail to"):
        erase(db, held[0], lambda: MOMENT, timeout_s=0.3)
    with db.reading() as connection:
        found = subscribers.find(connection, held[0])
        assert found is not None
        assert found.status == "unsubscribed"
    office.kill(child)
    office.end(child)
    later = MOMENT + timedelta(days=1) if isinstance(office, OnPostgres) else MOMENT
    assert erase(db, held[0], lambda: later, timeout_s=5)
    before = office.received()[held[0]]
    db.close()
    office.server.order()
    assert office.deliver(now=at(days=1)).code == 0
    assert office.received()[held[0]] == before
    (told,) = json.loads(office.newsroom.run("status", "--json").out)["deliveries"]
    assert told["total"] == 60 == told["sent"] + told["skipped"]


def test_an_erasure_that_is_killed_is_completed_by_the_next(office: Post) -> None:
    """It is one transaction: all is done, or nothing is."""
    busy(office)

    def killed() -> None:
        db = office.open()
        sql.event.listen(db.engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
        erase(db, ANN, lambda: MOMENT)

    assert exit_code(fork(killed)) == -signal.SIGKILL
    assert run(office, "show", ANN).code == 0
    assert run(office, "erase", ANN).code == 0
    assert not holds(office, ANN)


def test_every_table_is_either_about_a_person_or_known_not_to_be() -> None:
    """A new table about people gets a column `subscriber`, and is then covered."""
    personal = {table.name for table in metadata.sorted_tables if "subscriber" in table.c}
    others = {table.name for table in metadata.sorted_tables} - personal
    assert personal == {"changes", "deliveries"}
    assert others == {
        "subscribers",
        "issues",
        "senders",
        "pace",
        "queue_schema",
        "erasures",
        "keys",
        "reminders",
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("<ann@example.org>", True), ("to ANN@Example.ORG.", True), ("ann@example.org", True),
        ("rfc822;ann@example.org", True), ("bounce-ann=example.org@relay.net", False),
        ("SRS0+x ann=example.org@relay", True), ("?to=ann%40example.org&x", True),
        ("joann@example.org", False), ("jo.ann@example.org", False), ("x+ann@example.org", False),
        ("ann@example.org.au", False), ("ann@example.organic", False), ("ann@example-org", False),
    ],
)  # fmt: skip
def test_an_address_is_found_in_a_text(text: str, named: bool) -> None:
    """In any case and as servers write it, but not as a part of another address."""
    assert bool(address_pattern("ann@example.org").search(text)) == named


def test_an_address_within_another_is_no_trace(tmp_path: Path) -> None:
    """The other person stays, and the erasure is complete."""
    db = database.open_database("sqlite:///a.db", tmp_path)
    with db.writing() as connection:
        for address in ("ann@example.org", "joann@example.org", "ann@bücher.example.org"):
            subscribers.add(connection, address, cause=f"asked by {address}", now=MOMENT)
    for address in ("ann@example.org", "ann@BÜCHER.example.org"):
        made = erase(db, address, lambda: MOMENT)
        assert made is not None
        assert made.clean
    with db.reading() as connection:
        (left,) = subscribers.everyone(connection)
        assert left.address == "joann@example.org"
        assert personal_data(connection, "ann@example.org") is None
    db.close()


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_published_mentions_stay(tmp_path: Path, encoding: str) -> None:
    """An article may name the address; the erasure says in which issue, and is complete."""
    db = database.open_database("sqlite:///a.db", tmp_path)
    mail = EmailMessage()
    mail["Message-ID"] = "<issue@example.org>"
    mail.set_content(f"写信给 {ANN}。", cte=encoding)
    with db.writing() as connection:
        subscribers.add(connection, ANN, cause="t", now=MOMENT)
        begin(connection, Begun(0, "weekly", "2025-06-30", MOMENT, MOMENT, mail.as_bytes(), "{}"))
    with db.reading() as connection:
        found = personal_data(connection, ANN)
        assert found is not None
        assert found.sections["published"] == [{"issue": "weekly/2025-06-30"}]
    before = everything(db)["issues"]
    for again in (False, True):
        made = erase(db, ANN, lambda: MOMENT)
        assert made is not None
        assert (made.published, made.clean, made.before) == (("weekly/2025-06-30",), True, again)
    assert everything(db)["issues"] == before
    db.close()


def test_an_open_read_transaction_delays_the_cleaning(tmp_path: Path) -> None:
    """The result says so, and the next erasure completes it."""
    db = database.open_database("sqlite:///a.db", tmp_path)
    other = database.open_database("sqlite:///a.db", tmp_path)
    with db.writing() as connection:
        subscribers.add(connection, ANN, cause="t", now=MOMENT)
    with other.reading() as connection:
        assert subscribers.find(connection, ANN) is not None
        made = erase(db, ANN, lambda: MOMENT, timeout_s=0.2)
    assert made is not None
    assert not made.clean
    made = erase(db, ANN, lambda: MOMENT)
    assert made is not None
    assert (made.before, made.clean) == (True, True)
    for each in (db, other):
        each.close()


def test_no_trace_is_left_after_much_has_changed(tmp_path: Path) -> None:
    """Rows that grew and moved leave copies in SQLite's pages, whatever it overwrites."""
    dice = random.Random(1)
    db = database.open_database("sqlite:///a.db", tmp_path)
    with db.writing() as connection:
        for number in dice.sample(range(100_000), 300):
            address = f"reader{number}@example.org"
            subscribers.add(connection, address, cause="c " * dice.randint(1, 50), now=MOMENT)
        people = list(subscribers.everyone(connection))
        for one in dice.sample(people, 200):
            name = "N" * dice.randint(0, 200)
            subscribers.change(connection, one, cause=one.address * 3, now=MOMENT, name=name)
    for one in dice.sample(people, 15):
        made = erase(db, one.address, lambda: MOMENT)
        assert made is not None
        assert made.clean
        assert not any(one.address.encode() in data for data in contents(tmp_path).values())
    db.close()


def test_remnants_of_an_older_program_are_overwritten(tmp_path: Path) -> None:
    """Deleted pages included; the file is checked, not trusted."""
    db = database.open_database("sqlite:///a.db", tmp_path)
    with db.engine.connect() as connection:
        driver = connection.connection.cursor()
        driver.execute("PRAGMA secure_delete = OFF")
        driver.execute("CREATE TABLE old (text)")
        driver.executemany("INSERT INTO old VALUES (?)", [(f"{ANN} " * 50,)] * 200)
        driver.execute("DROP TABLE old")
        driver.close()
    with db.writing() as connection:
        subscribers.add(connection, ANN, cause="t", now=MOMENT)
    made = erase(db, ANN, lambda: MOMENT)
    assert made is not None
    assert made.clean
    assert not any(ANN.encode() in data for data in contents(tmp_path).values())
    db.close()
