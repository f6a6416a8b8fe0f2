"""The effect of returned mail on subscribers, and the command that reads it."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.bounces.report import (
    MAX_MAIL_BYTES,
)
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database, open_database
from broadsheet.delivery.returned_mail import BouncePolicy, ReturnedMailProcessor
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.delivery.tokens import Tokens
from newsroom import MOMENT, Newsroom, Ran, contents
from returned import WISH, failing, mail, read, wishing

SECRET = "a secret of more than sixteen characters"
TOKENS = Tokens(SECRET)


@dataclass
class Desk:
    """A project with subscribers, and its bounce command."""

    newsroom: Newsroom
    database: Database

    def subscriber(self, address: str = "reader@example.com", **fields: object) -> Subscriber:
        with self.database.writing() as connection:
            return subscribers.add(
                connection,
                address,
                cause="test",
                now=MOMENT,
                **fields,  # type: ignore[arg-type]
            )

    def find(self, address: str = "reader@example.com") -> Subscriber:
        with self.database.reading() as connection:
            found = subscribers.find(connection, address)
        assert found is not None
        return found

    def status(self, address: str = "reader@example.com") -> str:
        return self.find(address).status

    def changes(self, address: str = "reader@example.com") -> int:
        found = self.find(address)
        with self.database.reading() as connection:
            return len(subscribers.history(connection, found))

    def set_status(self, status: subscribers.Status, when: datetime) -> None:
        with self.database.writing() as connection:
            found = subscribers.find(connection, "reader@example.com")
            assert found is not None
            subscribers.set_status(connection, found, status, cause="test", now=when)

    def take(self, *args: str, given: bytes = b"") -> Ran:
        """Run `broadsheet bounces args` with `given` on standard input."""
        with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given))):
            return self.newsroom.run("bounces", *args)

    def outcomes(self, data: bytes, *args: str) -> list[str]:
        """Return the outcome of each finding in a mail."""
        ran = self.take("-", "--json", *args, given=data)
        assert ran.code == 0, ran.err
        return [result["outcome"] for result in json.loads(ran.out)["results"]]


@pytest.fixture
def desk(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A project with an empty database."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    database = open_database("sqlite:///broadsheet.db", newsroom.folder)
    yield Desk(newsroom, database)
    database.close()


# Status and Diagnostic-Code of reports that ended an address, and must only count.
PASSING = [
    ("5.4.316", "550 5.4.316 Message expired, connection refused(Socket error code 10061)"),
    ("5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail at a rate that"),
    ("5.1.1", "550 5.7.1 IP address blacklisted by recipient"),
    ("5.2.0", "522 5.2.0 Delivery failed: Over quota"),
    (
        "5.1.0",
        "550 5.1.0 192.0.2.222 is not allowed to send from <b.example> per its SPF Record",
    ),
    (
        "5.4.310",
        "550 5.4.310 DNS domain x does not exist [Message=InfoDomainNonexistent]",
    ),
    ("5.0.0", "554 Service currently unavailable"),
    ("5.5.0", "550 domain [b.example] mismatches client ip 192.0.2.225."),
    ("5.0.0", "554 Transaction failed"),
    ("5.0.350", "550 5.0.350 Remote server returned an error -> 554 5.4.0 Connection timed out"),
    ("5.1.1", "552 5.2.2 Over quota"),
]


@pytest.mark.parametrize(("status", "reply"), PASSING)
def test_a_temporary_failure_counts_once(desk: Desk, status: str, reply: str) -> None:
    """Quota, rate, expired, SPF, policy and connection: the reader stays, and the report counts."""
    desk.subscriber("kijitora@example.net")
    report = (
        "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@mta.b.example>\n"
        "To: b@b.example\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <a@b.example>\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;"
        ' boundary="b1"\n\n--b1\nContent-Type: text/plain\n\nNot delivered.\n\n'
        "--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mta.b.example\n\n"
        "Final-Recipient: rfc822; kijitora@example.net\nAction: failed\n"
        f"Status: {status}\nDiagnostic-Code: smtp; {reply}\n\n--b1--\n"
    ).encode()
    assert desk.outcomes(report) == ["counted"]
    assert desk.outcomes(report) == ["again"]
    assert (desk.status("kijitora@example.net"), desk.find("kijitora@example.net").bounces) == (
        "active",
        1,
    )


def test_a_permanent_failure_ends_the_address(desk: Desk) -> None:
    """With the server's own words as the cause; others stay."""
    desk.subscriber()
    desk.subscriber("other@example.com")
    ran = desk.take("-", given=mail("postfix-unknown-user"))
    assert ran.code == 0, ran.err
    assert "ended: reader@example.com (5.1.1 550 5.1.1" in ran.out
    assert desk.status() == "bounced"
    assert "User unknown" in desk.find().cause
    assert desk.status("other@example.com") == "active"


def test_the_same_report_twice_counts_once(desk: Desk) -> None:
    """From the queue, from a backup, or from two mailboxes."""
    desk.subscriber()
    assert desk.outcomes(failing(1)) == ["counted"]
    before = desk.changes()
    assert desk.outcomes(failing(1)) == ["again"]
    assert desk.outcomes(failing(1)) == ["again"]
    assert desk.changes() == before
    assert desk.find().bounces == 1


def test_many_temporary_failures_end_the_address(desk: Desk) -> None:
    """So many within so many days; older ones do not count."""
    desk.subscriber()
    outcomes = [desk.outcomes(failing(n), "--times", "3")[0] for n in range(3)]
    assert outcomes == ["counted", "counted", "ended"]
    assert desk.status() == "bounced"
    assert desk.find().cause.startswith("3 temporary failures in 35 days; the last: ")


def test_returning_subscribers_start_at_zero(desk: Desk) -> None:
    """Failures before the address ended no longer count."""
    desk.subscriber()
    for number in range(2):
        desk.outcomes(failing(number), "--times", "2")
    assert desk.status() == "bounced"
    desk.set_status("active", MOMENT - timedelta(days=3))
    later = (f"Sat, 28 Jun 2025 0{number}:00:00 +0000" for number in (1, 2))
    outcomes = [desk.outcomes(failing(n, date=d), "--times", "2") for n, d in enumerate(later, 5)]
    assert outcomes == [["counted"], ["ended"]]


def test_failures_far_apart_end_no_one(desk: Desk) -> None:
    """A mailbox that is full once a quarter still exists."""
    desk.subscriber()
    for month in range(1, 7):
        report = failing(month, "5.2.2", MONTHS[month - 1])
        assert desk.outcomes(report, "--times", "2", "--days", "20") == ["counted"]
    assert desk.status() == "active"


MONTHS = [f"01 {month} 2025 08:00:00 +0000" for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun")]


def test_a_complaint_ends_the_address_and_says_more_than_a_bounce(desk: Desk) -> None:
    """People who report our mail as spam are not asked again."""
    desk.subscriber("angry@example.com")
    assert desk.outcomes(mail("complaint")) == ["ended"]
    assert desk.status("angry@example.com") == "complained"
    assert desk.outcomes(mail("complaint-hidden")) == ["gone"]
    desk.subscriber("reader@example.com", status="unsubscribed")
    assert desk.outcomes(failing(1, "5.1.1")) == ["gone"]
    assert desk.status() == "unsubscribed"


def test_our_token_takes_precedence_over_the_reported_address(desk: Desk) -> None:
    """The mail may have been forwarded to an address that we do not know."""
    who = desk.subscriber("alias@example.net")
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    assert desk.outcomes(report, "--proven") == ["ended"]
    assert desk.status("alias@example.net") == "bounced"


def test_the_link_in_the_returned_mail_is_a_token_too(desk: Desk) -> None:
    """If the sender's address is the same for all."""
    who = desk.subscriber("alias@example.net")
    mark = f"unsubscribe/{TOKENS.unsubscribe(who.id, 'weekly')}".encode()
    report = mail("postfix-unknown-user").replace(b"unsubscribe?t=TOKEN", mark)
    assert desk.outcomes(report, "--proven") == ["ended"]
    assert desk.status("alias@example.net") == "bounced"


def test_a_forged_token_is_ignored(desk: Desk) -> None:
    """The address decides then, and with --proven nothing does."""
    who = desk.subscriber()
    other = Tokens("another secret of sixteen").bounce(who.id, 7)
    report = mail("postfix-unknown-user").replace(b"To: bounces@", f"To: b+{other}@".encode())
    assert desk.outcomes(report, "--proven") == ["unproven"]
    assert desk.status() == "active"
    assert desk.outcomes(report) == ["ended"]


def test_a_partly_delivered_alias_is_not_a_failure(desk: Desk) -> None:
    """If one of two addresses behind an alias got the mail, the subscriber stays."""
    who = desk.subscriber("team@example.net")
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    second = b"Final-Recipient: rfc822; b@example.com\nAction: delivered\nStatus: 2.0.0\n\n"
    report = report.replace(b"Final-Recipient", second + b"Final-Recipient", 1)
    assert desk.outcomes(report) == ["nothing"]
    assert desk.status("team@example.net") == "active"


def test_reports_from_before_a_return_are_ignored(desk: Desk) -> None:
    """A late report does not end a subscription that has been confirmed again since."""
    desk.subscriber(status="bounced")
    desk.set_status("active", MOMENT)
    assert desk.outcomes(failing(1, "5.1.1")) == ["old"]
    late = failing(2, "5.1.1", "Mon, 30 Jun 2025 09:00:00 +0800")
    assert desk.outcomes(late) == ["ended"]


def test_strangers_and_delays_change_nothing(desk: Desk) -> None:
    """A report about an unknown address, and one that says: still trying."""
    desk.subscriber("reader@example.net")
    assert desk.outcomes(mail("exchange")) == ["unknown"]
    assert desk.outcomes(mail("postfix-delayed")) == ["nothing"]
    assert desk.changes("reader@example.net") == 1


def test_a_maildir_keeps_what_cannot_be_read_and_files_the_rest(desk: Desk) -> None:
    """Processed mail is marked seen in cur/; the rest waits in new/; a second run changes
    nothing."""
    desk.subscriber()
    desk.subscriber("gone@example.com")
    room = desk.newsroom
    for folder in ("new", "cur", "tmp"):
        (room.folder / "returned" / folder).mkdir(parents=True)
    room.write("returned/new/1750636807.M1.host", mail("postfix-unknown-user"))
    room.write("returned/new/1750636808.M2.host,S=99:2,", mail("exim"))
    room.write("returned/new/1750636809.M3.host", mail("vacation"))
    room.write("returned/new/1750636810.M4.host", b"\0\xff" * 99)
    ran = desk.take(str(room.folder / "returned"))
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "2 reports: 2 ended"
    assert "new/1750636809.M3.host: left where it is: it is not a delivery report" in ran.err
    assert sorted(contents(room.folder / "returned")) == [
        "cur/1750636807.M1.host:2,S",
        "cur/1750636808.M2.host,S=99:2,S",
        "new/1750636809.M3.host",
        "new/1750636810.M4.host",
    ]
    assert (desk.status(), desk.status("gone@example.com")) == ("bounced", "bounced")
    again = desk.take(str(room.folder / "returned"))
    assert (again.code, again.out) == (0, "0 reports\n")
    assert desk.take(str(room.folder / "returned"), "--quiet").out == ""


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    """Neither the subscribers nor the maildir."""
    desk.subscriber()
    room = desk.newsroom
    room.write("returned/new/1.M1.host", mail("postfix-unknown-user"))
    ran = desk.take(str(room.folder / "returned"), "--dry-run")
    assert "ended: reader@example.com" in ran.out
    assert desk.status() == "active"
    assert list(contents(room.folder / "returned")) == ["new/1.M1.host"]


def test_an_mbox_and_a_single_mail_from_a_file(desk: Desk) -> None:
    """Each mail of an mbox is read; a file without a report is reported, with exit code 1."""
    desk.subscriber()
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    both = line + failing(1) + b"\n" + line + mail("vacation") + b"\n" + line + failing(2)
    file = desk.newsroom.write("mbox", both)
    ran = desk.take(str(file))
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "2 reports: 2 counted"
    assert f"{file}, mail 2: left where it is" in ran.err
    other = desk.take(str(desk.newsroom.write("letter.eml", mail("vacation"))))
    assert other.code == 1
    assert "left where it is" in other.err


def test_input_that_is_not_mail_is_a_usage_error(desk: Desk) -> None:
    """Exit 2, with a reason and no tally."""
    missing = desk.take(str(desk.newsroom.folder / "nothing"))
    assert (missing.code, missing.out) == (2, "")
    assert "cannot be read" in missing.err
    folder = desk.take(str(desk.newsroom.folder))
    assert (folder.code, folder.out) == (2, "")
    assert "not a maildir" in folder.err


def test_as_data_each_finding_has_its_outcome(desk: Desk) -> None:
    """--json has address, status, text and outcome of each."""
    who = desk.subscriber()
    ran = desk.take("-", "--json", given=failing(1))
    assert json.loads(ran.out) == {
        "reports": 1,
        "results": [
            {
                "mail": "standard input",
                "outcome": "counted",
                "kind": "temporary",
                "address": "reader@example.com",
                "subscriber": who.id,
                "status": "4.4.1",
                "words": "451 <reader@example.com>: Recipient address rejected: User unknown",
                "count": 1,
            }
        ],
        "left": [],
    }


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["4.4.1", "5.7.1"])), max_size=8))
def test_only_distinct_reports_count(reports: list[tuple[int, str]]) -> None:
    """However often and in whatever order the same ones arrive."""
    policy = BouncePolicy(failures=99)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database("sqlite:///laws.db", Path(folder))
        processor = ReturnedMailProcessor(database, None, policy, (), {}, MOMENT)
        with database.writing() as connection:
            subscribers.add(connection, "reader@example.com", cause="test", now=MOMENT)
            for number, status in reports:
                processor.apply_report(connection, read(failing(number, status)))
            found = subscribers.find(connection, "reader@example.com")
            connection.rollback()
        database.close()
    assert found is not None
    assert found.bounces == len({number for number, _ in reports})


# Unsubscribing by mail


def test_unsubscribing_by_mail_works(desk: Desk) -> None:
    """The token in the subject identifies reader and digest; the sender does not matter."""
    desk.newsroom.configure(TWO_DIGESTS)
    who = desk.subscriber("someone.else@example.net")
    mark = TOKENS.unsubscribe(who.id, "weekly")
    assert desk.outcomes(wishing(mark)) == ["left"]
    found = desk.find("someone.else@example.net")
    assert (found.status, found.digests) == ("active", ("english",))
    assert desk.outcomes(wishing(mark)) == ["again"]
    other = TOKENS.unsubscribe(who.id, "english")
    assert desk.outcomes(wishing(other, name="CAF2")) == ["left"]
    assert desk.status("someone.else@example.net") == "unsubscribed"
    assert desk.find("someone.else@example.net").cause == "by mail [report <CAF2@mail.example.com>]"
    assert desk.outcomes(wishing(mark, name="CAF3")) == ["gone"]


TWO_DIGESTS = """
[digests.weekly]
title = "Weekly"
[digests.english]
title = "English"
"""


@pytest.mark.parametrize(
    "subject",
    [
        "unsubscribe {}",
        "UNSUBSCRIBE\n  {}",
        "unsubscribe%20{}",
        "=?utf-8?Q?unsubscribe_{}?=",
    ],
)
def test_the_subject_is_read_as_programs_write_it(desk: Desk, subject: str) -> None:
    """Folded, encoded, in any case."""
    who = desk.subscriber()
    assert desk.outcomes(wishing(TOKENS.unsubscribe(who.id, ""), subject)) == ["left"]
    assert desk.status() == "unsubscribed"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b"unsubscribe MARK", b"unsubscribe"), "only by its sender, reader@example.com"),
        ((b"unsubscribe MARK", b"Re: unsubscribe MARK"), "only by its sender"),
        ((b"unsubscribe MARK", "退订".encode()), "only by its sender"),
        ((b"MARK", b"FORGED"), "with a token that is not ours"),
        ((b"MARK", b"BOUNCE"), "only by its sender"),
        ((b"MARK", b"CONFIRM"), "with a token that is not ours"),
        ((b"unsubscribe MARK", b"Automatic reply: unsubscribe MARK"), "an unsubscribe mail"),
        ((b"unsubscribe MARK", b"hello MARK"), "an unsubscribe mail"),
    ],
)
def test_without_a_token_of_ours_no_one_is_unsubscribed(
    desk: Desk, change: tuple[bytes, bytes], why: str
) -> None:
    """Other mail ends no subscription; it is left for a person to read."""
    who = desk.subscriber()
    good = TOKENS.unsubscribe(who.id, "")
    marks = {
        b"FORGED": Tokens("another secret of sixteen").unsubscribe(who.id, ""),
        b"BOUNCE": TOKENS.bounce(who.id, 1),
        b"CONFIRM": TOKENS.confirm(who.id),
        b"MARK": good,
    }
    data = WISH.replace(*change)
    for name, mark in marks.items():
        data = data.replace(name, mark.encode())
    ran = desk.take("-", given=data)
    assert ran.code == 1
    assert why in ran.err
    assert desk.status() == "active"
    assert desk.changes() == 1


@pytest.mark.parametrize(
    "fields",
    [
        b"Auto-Submitted: auto-generated\nPrecedence: bulk\n",
        b"Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n",
        b"X-Autoreply: yes\n",
    ],
)
def test_an_unsubscribe_mail_counts_however_it_is_marked(desk: Desk, fields: bytes) -> None:
    """A program wrote it for the reader: Apple Mail marks it as an automatic answer."""
    who = desk.subscriber()
    data = wishing(TOKENS.unsubscribe(who.id, "")).replace(
        b"MIME-Version", fields + b"MIME-Version"
    )
    assert desk.outcomes(data) == ["left"]


def test_an_unsubscribe_mail_from_before_a_return_is_ignored(desk: Desk) -> None:
    """By the time at which our own server received it: a sender's clock may be years off."""
    who = desk.subscriber(status="unsubscribed")
    desk.set_status("active", datetime(2025, 6, 24, 12, 0, tzinfo=UTC))
    mark = TOKENS.unsubscribe(who.id, "")
    assert desk.outcomes(wishing(mark)) == ["old"]
    wrong = wishing(mark).replace(b"Date: Mon, 23 Jun 2025", b"Date: Fri, 23 Jun 2000")
    later = wrong.replace(b"Tue, 24 Jun 2025 09:00:04", b"Wed, 25 Jun 2025 09:00:04")
    assert desk.outcomes(later) == ["left"]


def test_without_the_secret_unsubscribe_mails_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay where they are, and the run says what is missing."""
    who = desk.subscriber()
    data = wishing(TOKENS.unsubscribe(who.id, ""))
    desk.newsroom.write("returned/new/1.M1.host", data)
    monkeypatch.delenv("BROADSHEET_SECRET")
    ran = desk.take(str(desk.newsroom.folder / "returned"))
    assert "set BROADSHEET_SECRET" in ran.err
    assert desk.status() == "active"
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    ran = desk.take(str(desk.newsroom.folder / "returned"))
    assert ran.out == "left: reader@example.com (by mail, from all digests)\n1 report: 1 left\n"
    assert list(contents(desk.newsroom.folder / "returned")) == ["cur/1.M1.host:2,S"]


def test_an_unsubscribe_mail_from_before_a_rotation_works(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the secret that signed it is listed as an old one."""
    data = wishing(TOKENS.unsubscribe(desk.subscriber().id, ""))
    monkeypatch.setenv("BROADSHEET_SECRET", "the secret after the rotation")
    assert "with a token that is not ours" in desk.take("-", given=data).err
    assert desk.status() == "active"
    monkeypatch.setenv("BROADSHEET_OLD_SECRETS", f"a secret of long ago, {SECRET}")
    assert desk.outcomes(data) == ["left"]
    assert desk.status() == "unsubscribed"


def test_an_unsubscribe_mail_in_a_dry_run_changes_nothing(desk: Desk) -> None:
    """The run says what it would do."""
    who = desk.subscriber()
    data = wishing(TOKENS.unsubscribe(who.id, ""))
    assert desk.outcomes(data, "--dry-run") == ["left"]
    assert desk.status() == "active"


# Who may say that an address is gone


def test_with_verp_reports_without_a_token_end_no_one(desk: Desk) -> None:
    """delivery.verp: a report without our token was not caused by our mail."""
    desk.newsroom.configure("[delivery]\nverp = true")
    who = desk.subscriber()
    report = mail("postfix-unknown-user")
    assert desk.outcomes(report) == ["unproven"]
    assert desk.status() == "active"
    assert desk.outcomes(mail("complaint").replace(b"angry@", b"reader@")) == ["unproven"]
    assert desk.outcomes(report, "--no-proven", "--dry-run") == ["ended"]
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    assert desk.outcomes(report.replace(b"To: bounces@example.org", b"To: " + verp)) == ["ended"]


def test_a_token_ends_only_its_own_subscriber(desk: Desk) -> None:
    """A token applies to its own subscriber, whatever other addresses the report names."""
    ann = desk.subscriber("ann@example.net")
    desk.subscriber()
    verp = f"bounces+{TOKENS.bounce(ann.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    assert desk.outcomes(report) == ["ended"]
    assert (desk.status(), desk.status("ann@example.net")) == ("active", "bounced")


# Mailboxes


def test_mail_moved_by_a_mail_program_is_read(desk: Desk) -> None:
    """Opening the mailbox moves mail to cur/; seen or deleted mail stays as it is."""
    desk.subscriber()
    room = desk.newsroom
    for number, flags in enumerate(["2,", "2,F", "2,S", "2,T", "2,RS"]):
        room.write(f"returned/cur/{number}.M1.host:{flags}", failing(number))
    (room.folder / "returned/new").mkdir()
    ran = desk.take(str(room.folder / "returned"))
    assert ran.out.splitlines()[-1] == "2 reports: 2 counted"
    assert sorted(contents(room.folder / "returned")) == [
        "cur/0.M1.host:2,S",
        "cur/1.M1.host:2,FS",
        "cur/2.M1.host:2,S",
        "cur/3.M1.host:2,T",
        "cur/4.M1.host:2,RS",
    ]


def test_an_unreadable_mail_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are processed; it stays, and the exit code is 1."""
    desk.subscriber()
    room = desk.newsroom
    room.write("returned/new/1.M1.host", failing(1))
    room.write("returned/new/2.M2.host", failing(2))
    whole = Path.open

    def refusing(path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "1.M1.host":
            raise PermissionError(13, "Permission denied")
        return whole(path, *args, **kwargs)  # type: ignore[call-overload]

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refusing)  # root may read everything
        ran = desk.take(str(room.folder / "returned"))
    assert ran.code == 1
    assert "new/1.M1.host: it cannot be read: Permission denied; it stays" in ran.err
    assert sorted(contents(room.folder / "returned")) == ["cur/2.M2.host:2,S", "new/1.M1.host"]


def test_a_large_mbox_is_read_piece_by_piece(desk: Desk) -> None:
    """A mail that is too large is left; those around it are processed."""
    desk.subscriber()
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    huge = b"Subject: big\n\n" + b"x" * 70 + b"\n" * 3 + b"y" * (MAX_MAIL_BYTES + 9) + b"\n"
    mbox = line + failing(1) + b"\n" + line + huge + b"\n" + line + failing(2) + b"\n"
    file = desk.newsroom.write("mbox", mbox)
    ran = desk.take(str(file))
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "2 reports: 2 counted")
    assert f"{file}, mail 2: left where it is: it is larger than 5 MB" in ran.err


def test_an_address_with_nul_is_ignored(desk: Desk) -> None:
    """No database is asked for it."""
    data = mail("postfix-unknown-user").replace(b"reader@example.com", b"rea\0der@example.com")
    assert [a for f in read(data).recipients for a in f.addresses] == ["der@example.com"]
    assert desk.outcomes(data) == ["unknown"]
