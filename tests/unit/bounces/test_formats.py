"""The content of delivery reports, complaints and unsubscribe mails."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import (
    MAX_MAIL_BYTES,
    NotAReport,
    RecipientReport,
    Report,
    UnsubscribeRequest,
)
from laws import long
from returned import LETTERS, NAMES, mail, read


def findings(name: str) -> list[tuple[str, str, str]]:
    """Return kind, first address and status of each recipient."""
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
            "zoho",
            [
                ("permanent", "gone@example.com", "5.1.1"),
                ("temporary", "full@example.net", "5.2.2"),
                ("temporary", "quiet@example.edu", ""),
            ],
        ),
        ("zoho-delayed", [("nothing", "slow@example.com", "")]),
        (
            "gmx",
            [
                ("permanent", "gone@example.com", "5.1.1"),
                ("temporary", "full@example.net", "5.2.2"),
            ],
        ),
        ("gmx-expired", [("temporary", "slow@example.com", "")]),
        (
            "opensmtpd",
            [
                ("temporary", "full@example.net", "5.2.2"),
                ("permanent", "gone@example.com", "5.1.1"),
                ("temporary", "typo@exmaple.com", ""),
            ],
        ),
        (
            "dma",
            [("permanent", "gone@example.com", "5.1.1")],
        ),
        ("opensmtpd-delayed", [("nothing", "slow@example.com", "")]),
        (
            "yahoo-old",
            [
                ("permanent", "gone@example.com", "5.1.1"),
                ("temporary", "full@example.net", "5.2.2"),
                ("temporary", "barred@example.edu", ""),
                ("temporary", "slow@example.edu", ""),
            ],
        ),
        ("workmail", [("permanent", "gone@example.com", "5.1.1")]),
        (
            "ses-notice",
            [
                ("permanent", "gone@example.com", "5.1.1"),
                ("temporary", "full@example.net", "5.2.2"),
            ],
        ),
        ("ses-complaint-notice", [("complaint", "angry@example.com", "")]),
        ("ses-delivery-notice", [("nothing", "")]),
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
def test_reports_of_common_servers(name: str, expected: list[tuple[str, str, str]]) -> None:
    """Each names the recipient and says whether the failure is permanent."""
    assert findings(name) == expected


def test_line_ends_and_the_from_line_do_not_matter() -> None:
    """CRLF, LF, CR and the line that a pipe puts before the mail make no difference."""
    for name in NAMES:
        if name in LETTERS:
            continue
        plain = mail(name)
        crlf = plain.replace(b"\n", b"\r\n")
        piped = b"From MAILER-DAEMON Mon Jun 23 00:00:07 2025\n" + plain
        assert read(plain) == read(crlf) == read(piped) == read(piped.replace(b"\n", b"\r"))


def test_a_report_says_when_to_whom_and_about_which_mail() -> None:
    """So the subscriber can be found, and the report is recognised when it is read again."""
    report = read(mail("exim"))
    assert report.id == "<E1uTXyz-0004Ab-2C@mail.example.org>"
    assert report.date == datetime(2025, 6, 23, 0, 0, 9, tzinfo=UTC)
    assert report.sent_to == ("bounces+17@example.org",)
    assert report.returned_header("message-id") == "<weekly.2025-06-23.3@example.org>"
    assert report.returned_header("Message-ID") == report.returned_header("message-id")
    assert report.returned_header("x-none") == ""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LETTERS])
def test_the_returned_mail_is_identified_by_its_message_id(name: str) -> None:
    """Complete, headers only, or pasted below the text: its headers are found."""
    assert read(mail(name)).returned_header("message-id").startswith("<weekly.2025-06-23.")


def test_folded_headers_of_the_returned_mail_are_unfolded() -> None:
    """List-Unsubscribe takes two lines, and its second address is the subscriber's own."""
    found = read(mail("postfix-unknown-user")).returned_header("List-Unsubscribe")
    assert found.endswith(", <https://news.example.org/unsubscribe?t=TOKEN>")


GONE = "550 5.1.1 <{0}>... User unknown"
FULL = "552 5.2.2 <{0}>... Mailbox full"
MANY = """Return-Path: <>
From: Mail Delivery System <Mailer-Daemon@mail.example.org>
To: bounces@example.org
X-Failed-Recipients: {0}
Subject: Mail delivery failed: returning message to sender

The following address(es) failed:

{1}
"""


@pytest.mark.parametrize("colon", ["", ":"])
@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("people", [["joann", "ann"], ["ann", "ann-marie", "ann.lee", "lee"]])
def test_the_reply_about_each_recipient_is_its_own(
    people: list[str], folded: bool, colon: str
) -> None:
    """One address can be the end of another, and be in the reply on a line of its own."""
    named = [f"{who}@example.com" for who in people]
    replies = dict(zip(named, [GONE, FULL] * 2, strict=False))
    fold = "\n    {0}:" if folded else "{0}:"
    after = f"  {{0}}{colon}\n    SMTP error after RCPT TO:{fold}\n    "
    for order in (named, named[::-1]):
        text = "\n".join((after + replies[who]).format(who) for who in order)
        report = read(MANY.format(", ".join(named), text).encode())
        found = {each.addresses[0]: (each.kind, each.status) for each in report.recipients}
        wanted = {GONE: ("permanent", "5.1.1"), FULL: ("temporary", "5.2.2")}
        assert found == {who: wanted[reply] for who, reply in replies.items()}


@pytest.mark.parametrize("text", ["无法发送到{0}的邮箱\n{1}", "发送失败:{0}\n{1}", "<{0}>：{1}"])
def test_a_reply_is_found_without_a_space_around_the_address(text: str) -> None:
    """Chinese and Japanese have none."""
    who = "gone@example.com"
    report = MANY.format(f"{who}, b@example.net", text.format(who, "550 5.1.1 User unknown"))
    kinds = {each.addresses[0]: each.kind for each in read(report.encode()).recipients}
    assert kinds == {who: "permanent", "b@example.net": "temporary"}


@pytest.mark.parametrize("charset", ["iso-2022-jp", "utf-8", "shift_jis", "iso-2022-kr", "gb2312"])
def test_text_is_decoded_whatever_its_charset(charset: str) -> None:
    """In 7 bits, the characters of East Asia look like signs, such as those of an address."""
    korean = "메일을 보낼 수 없습니다 " * 9
    text = korean if charset.endswith("kr") else "次の宛先へ送信できませんでした。" * 9
    text = "以下的收件人无法送达" * 9 if charset.startswith("gb") else text
    head = f"""Return-Path: <>
From: Postmaster@mobile.example.jp
To: bounces@example.org
Subject: Mail System Error - Returned Mail
Content-Type: text/plain; charset={charset.upper()}

"""
    body = f"{text}\n    Recipient: <gone@mobile.example.jp>\n".encode(charset)
    found = read(head.encode() + body).recipients
    assert [each.addresses for each in found] == [("gone@mobile.example.jp",)]


def test_an_xtext_encoded_address_is_decoded_too() -> None:
    """Some servers pass on the plus sign as SMTP encodes it (RFC 3461, section 4)."""
    first = read(mail("exchange-online")).recipients[0]
    assert first.addresses == ("late+2Bnews@example.com", "late+news@example.com")


def test_the_sender_of_the_returned_mail_is_a_recipient_address() -> None:
    """If reports go to a separate mailbox, the token is only there."""
    assert "bounces+17-3-abcdefghij@example.org" in read(mail("gateway")).sent_to
    verp = b"Original-Mail-From: <bounces+17-3-abcdefghij@example.org>"
    complaint = mail("complaint").replace(b"Original-Mail-From: <bounces@example.org>", verp)
    assert "bounces+17-3-abcdefghij@example.org" in read(complaint).sent_to


def test_an_automatic_reply_is_not_a_report() -> None:
    """Readers on holiday stay subscribed, whatever codes and addresses the text contains."""
    with pytest.raises(
        NotAReport, match="not a delivery report, a complaint or an unsubscribe mail"
    ):
        read(mail("vacation"))


@pytest.mark.parametrize(
    "subject", ["Auto: Re: {0}", "Re: {0}", "Antwort: {0}", "{0} (Auto-Reply)"]
)
@pytest.mark.parametrize("issue", ["Delivery failed: strikes", "The Weekly: bounce back"])
def test_an_answer_of_a_person_is_not_a_report(subject: str, issue: str) -> None:
    """Neither the subject of our issue makes it one, nor our mail, to another address of theirs."""
    answer = f"""Return-Path: <>
From: Ann Reader <ann.reader@work.example.com>
To: news@example.org
Subject: {subject.format(issue)}
Auto-Submitted: auto-replied (vacation)

I am away; mail to me is not delivered, and returned mail is not read.

From: The Weekly <news@example.org>
Date: Mon, 23 Jun 2025 08:00:00 +0000
To: ann@example.com
Subject: {issue}
"""
    with pytest.raises(NotAReport):
        read(answer.encode())


@pytest.mark.parametrize(
    ("subject", "text", "kind"),
    [
        ("Warning: {0} - User unknown!", "{0} - no such user here.", "temporary"),
        ("Returned mail", "{0}\nWe are still unable to deliver it.", "temporary"),
        ("Returned mail", "{0}\nDo this without delay: check the address.", "temporary"),
        ("Delivery Status Notification (Delay)", "{0}", "nothing"),
        ("Warning: could not send message for 4 hours", "{0}\nstill undelivered", "nothing"),
        ("Mail delivery warning", "{0}\nhas been postponed due to a full mailbox", "nothing"),
        ("Undeliverable: news", "THIS IS A WARNING MESSAGE ONLY.\n{0}", "nothing"),
    ],
)
def test_only_a_report_that_says_so_is_about_a_delay(subject: str, text: str, kind: str) -> None:
    """Not every warning is: some mail systems call a failure so."""
    who = "slow@example.com"
    head = f"Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: {subject.format(who)}\n\n"
    found = read((head + text.format(who)).encode()).recipients
    assert [(each.kind, each.addresses) for each in found] == [(kind, (who,))]


@pytest.mark.parametrize(
    ("command", "words", "kind"),
    [
        ("RCPT TO", "550 User unknown", "permanent"),
        ("MAIL FROM", "550 5.1.1 User unknown", "temporary"),
        ("DATA", "550 User unknown", "temporary"),
        ("final DATA", "550 User unknown", "temporary"),
        ("RCPT TO", "550 5.7.1 Spam", "temporary"),
    ],
)
def test_the_command_that_was_refused_counts_in_reports_of_dma(
    command: str, words: str, kind: str
) -> None:
    """The same words are about the reader only in reply to RCPT TO."""
    report = mail("dma").decode().replace("RCPT TO", command)
    report = report.replace("550 5.1.1 <gone@example.com>: User Unknown", words)
    assert [each.kind for each in read(report.encode()).recipients] == [kind]


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus"])
def test_feedback_other_than_a_complaint_ends_no_subscription(kind: str) -> None:
    """RFC 5965, 7.3 and RFC 6591: a vote for the mail, and reports on signatures and viruses."""
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
def test_only_failures_of_the_address_end_it(status: str, words: str, kind: str) -> None:
    """If a filter dislikes one issue, the failure counts, but readers at that provider stay."""
    old = mail("postfix-unknown-user").partition(b"Status: 5.1.1")
    data = old[0] + f"Status: {status}".encode() + old[2]
    start, _, rest = data.partition(b"Diagnostic-Code: ")
    end = rest[rest.index(b"\n\n") :]
    data = start + f"Diagnostic-Code: smtp; {words}".encode() + end
    assert [f.kind for f in read(data).recipients] == [kind]


def test_the_server_reply_is_one_short_printable_line() -> None:
    """It is shown on terminals: no escapes, no line ends, limited length."""
    nasty = b"550 5.1.1 \x1b[2J\x07" + b"no " * 500
    data = mail("postfix-unknown-user").replace(b"550 5.1.1 <reader@example.com>:", nasty)
    (finding,) = read(data).recipients
    assert finding.words.isprintable()
    assert len(finding.words) <= 300


def test_a_report_without_message_id_is_identified_by_its_content() -> None:
    """qmail writes no Message-ID; the same mail is still recognised, and another one is
    different."""
    first = read(mail("qmail"))
    assert first.id.startswith("sha256:")
    assert read(mail("qmail")).id == first.id
    assert read(mail("qmail").replace(b"24861", b"24862")).id != first.id


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
def test_unreadable_mail_has_a_reason(data: bytes, why: str) -> None:
    """It is left where it is, and the publisher is told why."""
    with pytest.raises(NotAReport, match=why):
        read(data)


def nested(levels: int) -> bytes:
    """Return a multipart in a multipart in a ..."""
    heads = (
        f"Content-Type: multipart/report; boundary=b{level}\n\n--b{level}\n"
        for level in range(levels)
    )
    return "".join(heads).encode()


DAEMON = b"From: MAILER-DAEMON\nSubject: failure notice\n\n"


def reporting(recipients: int, text: str = "", fields: str = "") -> bytes:
    """Return a delivery status notification about many recipients."""
    head = "Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: text/plain\n\n"
    about = "Final-Recipient: rfc822;a{0}@b.example\nAction: failed\nStatus: 5.1.1\n{1}\n"
    groups = "".join(about.format(number, fields) for number in range(recipients))
    return f"{head}{text}\n--x\nContent-Type: message/delivery-status\n\n{groups}".encode()


@pytest.mark.parametrize(
    "data",
    [
        nested(20),
        reporting(20_000, "a1@b.example: 550 x\n" * 15_000),
        reporting(
            99,
            "".join(f">>> RCPT TO\n<<< 550 5.1.1 {number}\n" for number in range(3_000)),
            "Diagnostic-Code: smtp; 550 5.1.1 unknown user\n",
        ),
        b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\ny\n" * 700_000,
        DAEMON
        + b'{"notificationType": "Bounce", "bounce": {"bouncedRecipients": ['
        + b",".join([b'{"emailAddress": "a@b.example"}'] * 100_000)
        + b"]}}",
        b"Content-Type: message/rfc822\n\n" * 5_000,
        b"To: " + b"(" * 200_000 + b"\nX-Failed-Recipients: " + b'"' * 200_000 + b"\n\n",
        b"X-Failed-Recipients: " + b"a@b.example," * 100_000 + b"\n\n" + b"a@b.example\n" * 50_000,
        b"X: y\n" * 50_000,
        b"Hi. This is the " + b"\n\n<a@b.example>:\n550 no" * 100_000,
        b"Content-Type: message/delivery-status\n\nFinal-Recipient: " + b"a" * 4_000_000,
        b"Date: " + b"9" * 10_000 + b"\n\nHi. This is the \n\n<a@b.example>:\n550 no",
        b"Content-Type: text/plain\n\n" + b"-" * 4_000_000,
        b"Content-Type: multipart/report" + b";" * 65_000 + b"\n\nx",
        b"Content-Type: multipart/report" + b";" * 4_900_000 + b"\n\nx",
        b"Content-Type: multipart/report;\n" + b" a=b;\n" * 400_000 + b"\n\nx",
        DAEMON + b"a" * 4_000_000,
        DAEMON + b"a@" * 2_000_000,
        DAEMON + b"<" * 4_000_000,
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
        *long(
            nested(5_000),
            b"Content-Type: multipart/report; boundary=" + b"b" * 100_000 + b"\n\n--b\n" * 100_000,
            b"\n" * 1_000_000,
            b"Content-Type: message/delivery-status\n\n" + b"Action: failed\n\n" * 20_000,
            b"".join(
                b"Content-Type: multipart/report; boundary=b%d" % n
                + b";" * 900
                + b"\n\n--b%d\n" % n
                for n in range(5_000)
            ),
            DAEMON + b"To: x\n \n" * 100_000,
            DAEMON + b"To: x\nAb:\n\n" * 100_000,
        ),
    ],
    ids=lambda data: f"{len(data)} bytes of {data[:24]!r}",
)
def test_hostile_mails_cost_little(data: bytes) -> None:
    """Mails made to exhaust a parser are read, or left, quickly, and raise nothing else."""
    start = time.process_time()
    with suppress(NotAReport):
        checked(read_mail(data))
    assert time.process_time() - start < 5


def checked(report: Report | UnsubscribeRequest) -> None:
    """Check what must hold for everything that is read."""
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
    """Bytes removed, inserted or changed anywhere in a real report raise nothing else."""
    whole = mail(name)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(whole)))
        end = min(len(whole), start + data.draw(st.integers(0, 60)))
        whole = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    with suppress(NotAReport):
        checked(read_mail(whole))


PLAIN = ["zoho", "gmx", "opensmtpd", "yahoo-old", "workmail", "dma"]
REPLIES = [
    ("550 5.1.1", "User Unknown", "permanent"),
    ("550 5.7.1", "Rejected as spam, user unknown", "temporary"),
    ("552 5.2.2", "Mailbox Full", "temporary"),
    ("421 4.3.2", "Try again later", "temporary"),
    ("550 5.4.4", "Invalid domain", "temporary"),
]


@pytest.mark.parametrize(("code", "words", "kind"), REPLIES)
@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_text_report_is_judged_by_the_reply_in_it(
    name: str, code: str, words: str, kind: str
) -> None:
    """The server's codes and words decide, not the label that the mail system puts before them."""
    reply, status = code.split()
    report = mail(name).decode()
    report = report.replace("gon=\ne@", "gone@").replace("<gone=\n@", "<gone@")
    report = report.replace("550 5.1.1 <gone", f"{code} <gone").replace(
        "\n5.1.1 <", f"\n{status} <"
    )
    report = report.replace("ERROR_CODE :550, ERROR_CODE :5.1.1", f"{reply}, {status}")
    report = report.replace(f"{reply}, {status}", f"ERROR_CODE :{reply}, ERROR_CODE :{status}")
    report = report.replace("User Unknown", words).replace("Status: 5.1.1", f"Status: {status}")
    found = {f.addresses[0]: f for f in read(report.encode()).recipients}
    assert found["gone@example.com"].kind == kind
    assert found["gone@example.com"].status == status


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_text_report_by_a_person_has_no_effect(name: str) -> None:
    """Anyone can quote such a text; without a mail system as its sender it is a letter."""
    quoted = mail(name).decode().replace("Return-Path: <>", "Return-Path: <ann@example.com>")
    lines = [
        "From: Ann <ann@example.com>" if line.lower().startswith("from: mail") else line
        for line in quoted.replace("X-Mailer: Amazon WorkMail\n", "").splitlines()
    ]
    text = "\n".join(lines).replace("Subject: ", "Subject: Re: your mail: ", 1)
    with suppress(NotAReport):
        assert all(f.kind != "permanent" for f in read(text.encode()).recipients)


def test_the_report_in_a_notice_of_ses_is_that_of_its_webhook() -> None:
    """A mail and a webhook about the same bounce have the same id, so it counts once."""
    assert read(mail("ses-notice")).id.startswith("01010157e48fa03f-c7e948fe")
    assert read(mail("ses-notice")).sent_to == ("news@example.org",)


def test_a_pasted_header_names_no_recipients() -> None:
    """Neither the id of the returned mail nor its sender is someone who did not get it."""
    named = {address for f in read(mail("zoho")).recipients for address in f.addresses}
    assert named == {"gone@example.com", "full@example.net", "quiet@example.edu"}
    free = mail("zoho").replace(b"This message was created automatically", b"Sorry. It was written")
    assert "weekly.2025-06-23.7@zoho.example.com" not in str(read(free).recipients)
