"""What delivery reports and complaints say, and what follows for the subscribers."""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.bounces.mailboxes import split_mbox
from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import (
    MAX_MAIL_BYTES,
    NotAReport,
    RecipientReport,
    Report,
    UnsubscribeRequest,
)
from broadsheet.delivery import subscribers
from broadsheet.delivery.database import Database, open_database
from broadsheet.delivery.returned_mail import BouncePolicy, apply_report
from broadsheet.delivery.subscribers import Subscriber
from broadsheet.delivery.tokens import Tokens
from newsroom import MOMENT, Newsroom, Ran, contents
from returned import REPORTS, WISH, failing, mail, wishing

NAMES = sorted(path.stem for path in REPORTS.glob("*.eml"))
LETTERS = {"vacation", "unsubscribe"}  # that are no reports


def split(data: bytes) -> list[bytes]:
    """The mails of an mbox, or the one mail."""
    return list(split_mbox(io.BytesIO(data)))


def read(data: bytes) -> Report:
    """What a report says."""
    found = read_mail(data)
    assert isinstance(found, Report)
    return found


def findings(name: str) -> list[tuple[str, str, str]]:
    """The kind, the first address and the status of each recipient."""
    return [(f.kind, *f.addresses[:1], f.status) for f in read(mail(name)).recipients]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("postfix-unknown-user", [("permanent", "reader@example.com", "5.1.1")]),
        ("postfix-expired", [("temporary", "reader@example.net", "4.4.1")]),
        ("postfix-delayed", [("nothing", "reader@example.net", "4.4.1")]),
        ("exim", [("permanent", "gone@example.com", "5.1.1")]),
        (
            "exim-old",
            [
                ("permanent", "first@example.com", ""),
                ("temporary", "second@example.com", "4.2.2"),
            ],
        ),
        ("exchange", [("permanent", "Old.Colleague@example.com", "5.1.10")]),
        ("gmail-full", [("temporary", "reader@example.edu", "5.2.2")]),
        ("gmail-blocked", [("temporary", "reader@example.edu", "5.7.26")]),
        (
            "qmail",
            [
                ("permanent", "nobody@example.com", "5.1.1"),
                ("temporary", "busy@example.net", "4.3.0"),
                ("permanent", "refused@example.net", ""),
            ],
        ),
        ("gmail-unknown", [("permanent", "nobody@example.com", "5.1.1")]),
        (
            "sendmail",
            [
                ("permanent", "gone@example.edu", "5.1.1"),
                ("temporary", "slow@example.edu", "4.4.7"),
                ("nothing", "passed@example.edu", "2.6.0"),
            ],
        ),
        (
            "exchange-online",
            [
                ("temporary", "late+2Bnews@example.com", "5.4.300"),
                ("permanent", "denied@example.com", "5.4.1"),
            ],
        ),
        (
            "qq",
            [
                ("permanent", "nobody@qq.example", "5.0.0"),
                ("temporary", "busy@qq.example", "5.0.0"),
            ],
        ),
        (
            "netease",
            [
                ("permanent", "nobody@163.example", "5.0.0"),
                ("temporary", "picky@163.example", "5.0.0"),
            ],
        ),
        ("gateway", [("permanent", "reader@example.net", "5.1.1")]),
        ("smtputf8", [("permanent", "读者@example.cn", "5.1.1")]),
        ("complaint", [("complaint", "angry@example.com", "")]),
        ("complaint-hidden", [("complaint", "angry@example.com", "")]),
    ],
)
def test_the_reports_of_the_servers_that_are_met(
    name: str, expected: list[tuple[str, str, str]]
) -> None:
    """Each says who is meant and whether it is for good."""
    assert findings(name) == expected


def test_every_sample_is_the_same_with_either_line_end_and_from_a_pipe() -> None:
    """CRLF, LF and the line that a pipe puts before the mail make no difference."""
    for name in NAMES:
        if name in LETTERS:
            continue
        plain = mail(name)
        crlf = plain.replace(b"\n", b"\r\n")
        piped = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n" + plain
        assert read(plain) == read(crlf) == read(piped)


def test_a_report_says_when_to_whom_and_about_which_mail() -> None:
    """So the subscriber can be found, and the report is known when it comes again."""
    report = read(mail("exim"))
    assert report.id == "<E1uTXyz-0004Ab-2C@mail.example.org>"
    assert report.date == datetime(2025, 6, 23, 0, 0, 9, tzinfo=UTC)
    assert report.sent_to == ("bounces+17@example.org",)
    assert report.returned_header("message-id") == "<weekly.2025-06-23.3@example.org>"
    assert report.returned_header("Message-ID") == report.returned_header("message-id")
    assert report.returned_header("x-none") == ""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LETTERS])
def test_the_mail_that_came_back_is_known_by_its_message_id(name: str) -> None:
    """Whole, headers only, or pasted below the text: its headers are found."""
    assert read(mail(name)).returned_header("message-id").startswith("<weekly.2025-06-23.")


def test_a_folded_header_of_the_mail_that_came_back_is_whole() -> None:
    """List-Unsubscribe takes two lines, and its second address is the subscriber's own."""
    found = read(mail("postfix-unknown-user")).returned_header("List-Unsubscribe")
    assert found.endswith(", <https://news.example.org/unsubscribe?t=TOKEN>")


def test_an_address_is_told_as_it_stands_and_as_it_is_meant() -> None:
    """Some pass on the plus sign as SMTP encodes it (RFC 3461, section 4)."""
    first = read(mail("exchange-online")).recipients[0]
    assert first.addresses == ("late+2Bnews@example.com", "late+news@example.com")


def test_the_sender_of_the_mail_that_came_back_counts_as_an_address_it_was_sent_to() -> None:
    """Where reports go to a mailbox of their own, the mark stands only there."""
    assert "bounces+17-3-abcdefghij@example.org" in read(mail("gateway")).sent_to
    verp = b"Original-Mail-From: <bounces+17-3-abcdefghij@example.org>"
    complaint = mail("complaint").replace(b"Original-Mail-From: <bounces@example.org>", verp)
    assert "bounces+17-3-abcdefghij@example.org" in read(complaint).sent_to


def test_an_automatic_answer_is_no_report() -> None:
    """Someone on holiday stays subscribed, whatever codes and addresses the text holds."""
    with pytest.raises(
        NotAReport, match="not a delivery report, a complaint or an unsubscribe mail"
    ):
        read(mail("vacation"))


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_what_is_no_wish_to_leave_ends_no_one(kind: str) -> None:
    """RFC 5965, 7.3 and RFC 6591: a vote for the mail, and a report on signatures."""
    data = mail("complaint").replace(b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode())
    assert [f.kind for f in read(data).recipients] == ["nothing"]


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.1", "550 no such user", "permanent"),
        ("5.1.1", "550 no", "temporary"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", "permanent"),
        ("5.5.0", "550 mailbox unavailable", "permanent"),
        ("5.2.1", "550 account disabled", "temporary"),
        ("5.2.2", "552 full", "temporary"),
        ("5.3.4", "552 too big", "temporary"),
        ("5.3.2", "550 system not accepting messages", "temporary"),
        ("5.1.8", "550 the sender's domain does not exist", "temporary"),
        ("5.4.6", "554 routing loop", "temporary"),
        ("5.4.7", "554 delivery expired", "temporary"),
        ("5.4.310", "550 the domain does not exist", "temporary"),
        ("5.5.3", "550 too many recipients", "temporary"),
        ("5.7.17", "550 mailbox owner has changed", "permanent"),
        ("5.0.0", "550 RP:TRC the IP has no reputation", "temporary"),
        ("5.0.0", "552 Quota exceeded", "temporary"),
        ("5.0.0", "550 Invalid User", "permanent"),
        ("5.6.0", "554 odd content", "temporary"),
        ("5.7.1", "550 your IP is on a list", "temporary"),
        ("5.0.0", "550 5.7.1 your IP is on a list", "temporary"),
        ("5.0.0", "550 5.1.1 no such user", "permanent"),
        ("4.2.2", "452 full", "temporary"),
        ("4.0.0", "550 5.1.1 no such user", "temporary"),
        ("", "550 no such user", "permanent"),
        ("", "451 later", "temporary"),
        ("", "who knows", "temporary"),
        ("2.0.0", "250 ok", "nothing"),
        ("5.1.1 (bad destination mailbox address)", "550 no such user", "permanent"),
    ],
)
def test_only_what_is_about_the_address_ends_it(status: str, words: str, kind: str) -> None:
    """One issue that a filter dislikes must not end everyone at that provider; it counts."""
    old = mail("postfix-unknown-user").partition(b"Status: 5.1.1")
    data = old[0] + f"Status: {status}".encode() + old[2]
    start, _, rest = data.partition(b"Diagnostic-Code: ")
    end = rest[rest.index(b"\n\n") :]
    data = start + f"Diagnostic-Code: smtp; {words}".encode() + end
    assert [f.kind for f in read(data).recipients] == [kind]


def test_what_the_server_said_is_one_short_printable_line() -> None:
    """It is shown on terminals: no escapes, no line ends, no end."""
    nasty = b"550 5.1.1 \x1b[2J\x07" + b"no " * 500
    data = mail("postfix-unknown-user").replace(b"550 5.1.1 <reader@example.com>:", nasty)
    (finding,) = read(data).recipients
    assert finding.words.isprintable()
    assert len(finding.words) <= 300


def test_a_report_without_message_id_is_known_by_its_content() -> None:
    """qmail writes none; the same mail is still the same report, and another is not."""
    first = read(mail("qmail"))
    assert first.id.startswith("sha256:")
    assert read(mail("qmail")).id == first.id
    assert read(mail("qmail").replace(b"24861", b"24862")).id != first.id


def test_an_mbox_is_many_mails_and_a_mail_is_one() -> None:
    """RFC 4155; a paragraph that begins with From does not part a mail."""
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    both = line + mail("exim") + b"\n" + line + mail("qmail") + b"\n"
    assert [read(each).id for each in split(both)] == [
        read(mail("exim")).id,
        read(mail("qmail") + b"\n").id,
    ]
    letter = mail("exim") + b"\n\nFrom here on it is a letter.\n"
    assert split(letter) == [letter]
    assert len(split(line + letter)) == 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a delivery report"),
        (b"\0\xff\xfe", "not a delivery report"),
        (b"x" * (MAX_MAIL_BYTES + 1), "larger than"),
        (mail("complaint").replace(b"Feedback-Type: abuse\n", b""), "without a Feedback-Type"),
        (
            mail("exim").replace(
                b"Action: failed\n",
                b"Action: failed\nFinal-Recipient: rfc822;a@b.example\n\n" * 200,
            ),
            "more than 100 recipients",
        ),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, why: str) -> None:
    """It is left where it lies, and the publisher hears the reason."""
    with pytest.raises(NotAReport, match=why):
        read(data)


def nested(levels: int) -> bytes:
    """A multipart in a multipart in a ..."""
    heads = (
        f"Content-Type: multipart/report; boundary=b{level}\n\n--b{level}\n"
        for level in range(levels)
    )
    return "".join(heads).encode()


DAEMON = b"From: MAILER-DAEMON\nSubject: failure notice\n\n"


@pytest.mark.parametrize(
    "data",
    [
        nested(20),
        nested(5_000),
        b"Content-Type: message/rfc822\n\n" * 5_000,
        b"Content-Type: multipart/report; boundary=" + b"b" * 100_000 + b"\n\n--b\n" * 100_000,
        b"To: " + b"(" * 200_000 + b"\nX-Failed-Recipients: " + b'"' * 200_000 + b"\n\n",
        b"X-Failed-Recipients: " + b"a@b.example," * 100_000 + b"\n\n" + b"a@b.example\n" * 50_000,
        b"\n" * 1_000_000,
        b"X: y\n" * 50_000,
        b"Hi. This is the " + b"\n\n<a@b.example>:\n550 no" * 100_000,
        b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 20_000,
        b"Content-Type: message/delivery-status\n\nFinal-Recipient: " + b"a" * 4_000_000,
        b"Date: " + b"9" * 10_000 + b"\n\nHi. This is the \n\n<a@b.example>:\n550 no",
        b"Content-Type: text/plain\n\n" + b"-" * 4_000_000,
        b"Content-Type: multipart/report" + b";" * 65_000 + b"\n\nx",
        b"Content-Type: multipart/report" + b";" * 4_900_000 + b"\n\nx",
        b"Content-Type: multipart/report;\n" + b" a=b;\n" * 400_000 + b"\n\nx",
        b"".join(
            b"Content-Type: multipart/report; boundary=b%d" % n + b";" * 900 + b"\n\n--b%d\n" % n
            for n in range(5_000)
        ),
        DAEMON + b"a" * 4_000_000,
        DAEMON + b"a@" * 2_000_000,
        DAEMON + b"<" * 4_000_000,
        DAEMON + b"To: x\n \n" * 100_000,
        DAEMON + b"To: x\nAb:\n\n" * 100_000,
        DAEMON + b"Message not delivered to the following addresses\n" + b"aaaa" * 1_000_000,
        DAEMON + b"Final-Recipient: rfc822;a@b.example\n\n" * 30_000,
        b"X-Failed-Recipients: a@b.example\n" + DAEMON + b"a@b.example\n" + b"550 user " * 500_000,
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
        + b"550 user 550 user\n" * 20_000
        + b"\n--x\nContent-Type: message/delivery-status\n\n"
        + b"".join(
            b"Final-Recipient: rfc822;a%d@b.example\nAction: failed\nStatus: 5.1.1\n" % n
            + b"Diagnostic-Code: smtp;550 "
            + b"user address mailbox x " * 100
            + b"\n\n"
            for n in range(99)
        ),
    ],
    ids=lambda data: f"{len(data)} bytes of {data[:24]!r}",
)
def test_malice_costs_little_and_raises_nothing_else(data: bytes) -> None:
    """Mails that are made to exhaust a parser are read, or left, in a moment."""
    start = time.process_time()
    with suppress(NotAReport):
        checked(read_mail(data))
    assert time.process_time() - start < 5


def checked(report: Report | UnsubscribeRequest) -> None:
    """What must hold of all that is read."""
    assert report.id
    if isinstance(report, UnsubscribeRequest):
        assert report.subject.isprintable()
        return
    assert report.recipients
    assert report.date is None or report.date.tzinfo
    for finding in report.recipients:
        assert isinstance(finding, RecipientReport)
        assert finding.words.isprintable()
        assert all("@" in address and " " not in address for address in finding.addresses)
        ("".join(finding.addresses) + finding.words + report.id).encode()


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_report_or_are_left(data: bytes) -> None:
    """Nothing but NotAReport is ever raised."""
    with suppress(NotAReport):
        checked(read_mail(data))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_damaged_reports_are_read_or_left(name: str, data: st.DataObject) -> None:
    """Bytes cut out, put in or changed anywhere in a real report raise nothing else."""
    whole = mail(name)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole)))
        end = min(len(whole), start + data.draw(st.integers(0, 60)))
        whole = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    with suppress(NotAReport):
        checked(read_mail(whole))


@settings(deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
def test_an_mbox_holds_what_was_put_in(names: list[str]) -> None:
    """Splitting is the reverse of joining."""
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    whole = b"\n".join(line + mail(name) for name in names)
    assert [each.rstrip() for each in split(whole)] == [
        (line + mail(name)).rstrip() for name in names
    ]


# What follows for the subscribers

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
        """Runs `broadsheet bounces args` with `given` on standard input."""
        with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given))):
            return self.newsroom.run("bounces", *args)

    def outcomes(self, data: bytes, *args: str) -> list[str]:
        """What became of each finding in a mail."""
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
def test_what_may_pass_counts_once(desk: Desk, status: str, reply: str) -> None:
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


def test_temporary_failures_end_an_address_when_there_are_too_many_in_time(desk: Desk) -> None:
    """So many within so many days; those of long ago do not count."""
    desk.subscriber()
    outcomes = [desk.outcomes(failing(n), "--times", "3")[0] for n in range(3)]
    assert outcomes == ["counted", "counted", "ended"]
    assert desk.status() == "bounced"
    assert desk.find().cause.startswith("3 temporary failures in 35 days; the last: ")


def test_the_count_begins_anew_with_who_comes_back(desk: Desk) -> None:
    """The failures that ended the address before are not held against it."""
    desk.subscriber()
    for number in range(2):
        desk.outcomes(failing(number), "--times", "2")
    assert desk.status() == "bounced"
    desk.set_status("active", MOMENT - timedelta(days=3))
    later = (f"Sat, 28 Jun 2025 0{number}:00:00 +0000" for number in (1, 2))
    outcomes = [desk.outcomes(failing(n, date=d), "--times", "2") for n, d in enumerate(later, 5)]
    assert outcomes == [["counted"], ["ended"]]


def test_failures_far_apart_end_no_one(desk: Desk) -> None:
    """A mailbox that is full once a quarter is not gone."""
    desk.subscriber()
    for month in range(1, 7):
        report = failing(month, "5.2.2", MONTHS[month - 1])
        assert desk.outcomes(report, "--times", "2", "--days", "20") == ["counted"]
    assert desk.status() == "active"


MONTHS = [f"01 {month} 2025 08:00:00 +0000" for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun")]


def test_a_complaint_ends_the_address_and_says_more_than_a_bounce(desk: Desk) -> None:
    """Whoever calls our mail a nuisance is not asked again."""
    desk.subscriber("angry@example.com")
    assert desk.outcomes(mail("complaint")) == ["ended"]
    assert desk.status("angry@example.com") == "complained"
    assert desk.outcomes(mail("complaint-hidden")) == ["gone"]
    desk.subscriber("reader@example.com", status="unsubscribed")
    assert desk.outcomes(failing(1, "5.1.1")) == ["gone"]
    assert desk.status() == "unsubscribed"


def test_a_mark_of_ours_goes_before_the_address_that_the_report_names(desk: Desk) -> None:
    """The subscriber's mail may be passed on to an address that we never heard of."""
    who = desk.subscriber("alias@example.net")
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    assert desk.outcomes(report, "--proven") == ["ended"]
    assert desk.status("alias@example.net") == "bounced"


def test_the_link_in_the_mail_that_came_back_is_a_mark_too(desk: Desk) -> None:
    """Where the sender's address is the same for all."""
    who = desk.subscriber("alias@example.net")
    mark = f"unsubscribe/{TOKENS.unsubscribe(who.id, 'weekly')}".encode()
    report = mail("postfix-unknown-user").replace(b"unsubscribe?t=TOKEN", mark)
    assert desk.outcomes(report, "--proven") == ["ended"]
    assert desk.status("alias@example.net") == "bounced"


def test_a_mark_that_we_did_not_make_is_none(desk: Desk) -> None:
    """The address must do then, and with --proven nothing does."""
    who = desk.subscriber()
    other = Tokens("another secret of sixteen").bounce(who.id, 7)
    report = mail("postfix-unknown-user").replace(b"To: bounces@", f"To: b+{other}@".encode())
    assert desk.outcomes(report, "--proven") == ["unproven"]
    assert desk.status() == "active"
    assert desk.outcomes(report) == ["ended"]


def test_an_alias_that_reached_someone_is_no_failure(desk: Desk) -> None:
    """One mail of ours, passed on to two: one had it, so the subscriber stays."""
    who = desk.subscriber("team@example.net")
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    second = b"Final-Recipient: rfc822; b@example.com\nAction: delivered\nStatus: 2.0.0\n\n"
    report = report.replace(b"Final-Recipient", second + b"Final-Recipient", 1)
    assert desk.outcomes(report) == ["nothing"]
    assert desk.status("team@example.net") == "active"


def test_what_was_reported_before_someone_came_back_is_over(desk: Desk) -> None:
    """An old report that turns up late ends no one who has confirmed anew since."""
    desk.subscriber(status="bounced")
    desk.set_status("active", MOMENT)
    assert desk.outcomes(failing(1, "5.1.1")) == ["old"]
    late = failing(2, "5.1.1", "Mon, 30 Jun 2025 09:00:00 +0800")
    assert desk.outcomes(late) == ["ended"]


def test_strangers_and_delays_change_nothing(desk: Desk) -> None:
    """A report on no subscriber, and one that says: still trying."""
    desk.subscriber("reader@example.net")
    assert desk.outcomes(mail("exchange")) == ["unknown"]
    assert desk.outcomes(mail("postfix-delayed")) == ["nothing"]
    assert desk.changes("reader@example.net") == 1


def test_a_maildir_keeps_what_cannot_be_read_and_files_the_rest(desk: Desk) -> None:
    """Done is seen, in cur/; the rest waits for a person in new/; a second run changes nothing."""
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
    """Each mail of an mbox is one; a file that holds no report is said, and exits 1."""
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


def test_what_is_no_mail_at_all_is_a_mistake_of_use(desk: Desk) -> None:
    """Exit 2, with a reason."""
    missing = desk.take(str(desk.newsroom.folder / "nothing"))
    assert missing.code == 2
    assert "cannot be read" in missing.err
    folder = desk.take(str(desk.newsroom.folder))
    assert folder.code == 2
    assert "not a maildir" in folder.err


def test_as_data_each_finding_has_its_outcome(desk: Desk) -> None:
    """--json names the address, the status, the words and what became of them."""
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
def test_only_different_reports_count_in_any_order(reports: list[tuple[int, str]]) -> None:
    """However often and in whatever order the same ones come, the count is of the different."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database("sqlite:///laws.db", Path(folder))
        with database.writing() as connection:
            subscribers.add(connection, "reader@example.com", cause="test", now=MOMENT)
            for number, status in reports:
                report = read(failing(number, status))
                apply_report(connection, report, None, BouncePolicy(failures=99), MOMENT)
            found = subscribers.find(connection, "reader@example.com")
        database.close()
    assert found is not None
    assert found.bounces == len({number for number, _ in reports})


# Readers who leave by mail


def test_who_leaves_by_mail_has_left(desk: Desk) -> None:
    """The mark in the subject says who and from where; whoever sent it, and once only."""
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
    """Folded, encoded, in any case of letters."""
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
        ((b"MIME-Version", b"Auto-Submitted: auto-replied\nMIME-Version"), "automatic answer"),
        ((b"MIME-Version", b"X-Autoreply: yes\nMIME-Version"), "automatic answer"),
        ((b"unsubscribe MARK", b"hello MARK"), "an unsubscribe mail"),
    ],
)
def test_without_a_mark_of_ours_nobody_leaves(
    desk: Desk, change: tuple[bytes, bytes], why: str
) -> None:
    """A stranger's mail ends no one's subscription; it is left, and a person hears of it."""
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


def test_a_mail_made_by_a_program_for_the_reader_counts(desk: Desk) -> None:
    """Providers write it themselves (RFC 3834: generated, and no answer)."""
    who = desk.subscriber()
    data = wishing(TOKENS.unsubscribe(who.id, "")).replace(
        b"MIME-Version", b"Auto-Submitted: auto-generated\nPrecedence: bulk\nMIME-Version"
    )
    assert desk.outcomes(data) == ["left"]


def test_a_mail_from_before_a_reader_came_back_is_over(desk: Desk) -> None:
    """By the time at which our own server took it: a sender's clock may be years off."""
    who = desk.subscriber(status="unsubscribed")
    desk.set_status("active", datetime(2025, 6, 24, 12, 0, tzinfo=UTC))
    mark = TOKENS.unsubscribe(who.id, "")
    assert desk.outcomes(wishing(mark)) == ["old"]
    wrong = wishing(mark).replace(b"Date: Mon, 23 Jun 2025", b"Date: Fri, 23 Jun 2000")
    later = wrong.replace(b"Tue, 24 Jun 2025 09:00:04", b"Wed, 25 Jun 2025 09:00:04")
    assert desk.outcomes(later) == ["left"]


def test_without_the_secret_a_wish_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays where it is, and the run says what is missing."""
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


def test_a_wish_from_before_a_rotation_is_granted(
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


def test_a_wish_in_a_dry_run_changes_nothing(desk: Desk) -> None:
    """It says what it would do."""
    who = desk.subscriber()
    data = wishing(TOKENS.unsubscribe(who.id, ""))
    assert desk.outcomes(data, "--dry-run") == ["left"]
    assert desk.status() == "active"


# Who may say that an address is gone


def test_with_marks_in_every_mail_a_stranger_s_report_ends_no_one(desk: Desk) -> None:
    """delivery.verp: what carries no mark of ours was not caused by a mail of ours."""
    desk.newsroom.configure("[delivery]\nverp = true")
    who = desk.subscriber()
    report = mail("postfix-unknown-user")
    assert desk.outcomes(report) == ["unproven"]
    assert desk.status() == "active"
    assert desk.outcomes(mail("complaint").replace(b"angry@", b"reader@")) == ["unproven"]
    assert desk.outcomes(report, "--no-proven", "--dry-run") == ["ended"]
    verp = f"bounces+{TOKENS.bounce(who.id, 7)}@example.org".encode()
    assert desk.outcomes(report.replace(b"To: bounces@example.org", b"To: " + verp)) == ["ended"]


def test_a_reader_s_own_mark_ends_no_one_else(desk: Desk) -> None:
    """A mark speaks for its own subscriber, whatever other addresses the report names."""
    ann = desk.subscriber("ann@example.net")
    desk.subscriber()
    verp = f"bounces+{TOKENS.bounce(ann.id, 7)}@example.org".encode()
    report = mail("postfix-unknown-user").replace(b"To: bounces@example.org", b"To: " + verp)
    assert desk.outcomes(report) == ["ended"]
    assert (desk.status(), desk.status("ann@example.net")) == ("active", "bounced")


# Where the mail lies


def test_a_mail_that_a_mail_program_has_moved_is_taken_too(desk: Desk) -> None:
    """A look into the mailbox moves it to cur/; what was seen or thrown away stays as it is."""
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


def test_a_mail_that_may_not_be_read_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are taken; it stays, and the exit code is 1."""
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


def test_an_mbox_larger_than_a_mail_may_be_is_read_bit_by_bit(desk: Desk) -> None:
    """A mail that is too large is left; those around it are taken."""
    desk.subscriber()
    line = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n"
    huge = b"Subject: big\n\n" + b"x" * 70 + b"\n" * 3 + b"y" * (MAX_MAIL_BYTES + 9) + b"\n"
    mbox = line + failing(1) + b"\n" + line + huge + b"\n" + line + failing(2) + b"\n"
    file = desk.newsroom.write("mbox", mbox)
    ran = desk.take(str(file))
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "2 reports: 2 counted")
    assert f"{file}, mail 2: left where it is: it is larger than 5 MB" in ran.err


def test_an_address_with_nul_is_no_address(desk: Desk) -> None:
    """No database looks for it."""
    data = mail("postfix-unknown-user").replace(b"reader@example.com", b"rea\0der@example.com")
    assert [a for f in read(data).recipients for a in f.addresses] == ["der@example.com"]
    assert desk.outcomes(data) == ["unknown"]
