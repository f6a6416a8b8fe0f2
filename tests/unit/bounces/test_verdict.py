"""The meaning of server replies: which end an address, and which only count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import NotAReport, RecipientReport, Report
from broadsheet.bounces.stages import Stage, stage_in, stage_in_text
from broadsheet.bounces.verdict import is_gone, verdict

# Replies to RCPT of servers and providers that mean that the mailbox does not exist.
GONE = [
    # Postfix, Exim, Sendmail, qmail, and servers without codes of their own
    "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in local recipient table",
    "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in relay recipient table",
    "550 5.1.1 <spam@policy.example>: Recipient address rejected: User unknown",
    "550 <a@example.com>... User unknown",
    "550 Unknown user",
    "550 No Such User Here",
    "550 unknown user account",
    "550 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
    "511 sorry, no mailbox here by that name (#5.1.1)",
    "550 Recipient unknown",
    "550 Unknown recipient a@example.com",
    "550 mailbox a@example.com not found",
    "550 Local User a@example.com not found.",
    "550 not a valid mailbox",
    "550 message to <a@example.com> rejected: account unknown",
    "551 not our customer",
    "550 5.1.6 Recipient no longer on server: a@example.com",
    "550 5.1.3 Invalid address",
    "550 5.2.0 user unknown",
    "550 5.7.17 The mailbox owner has changed since 2024",
    # Google
    (
        "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 "
        "double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. "
        "Learn more at 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser 98e67ed59e1d1-3159df"
    ),
    # Microsoft
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    "550 5.4.1 Recipient address rejected: Access denied. [DB5EUR01FT050.eop-EUR01.example.com]",
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [BN8.example.com]",
    "550 5.0.350 Remote server returned an error -> 550 5.1.1 User unknown",
    "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 5.1.1 no",
    # Yahoo, iCloud
    "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]",
    "550 5.1.1 <a@icloud.com>: user does not exist",
    "550 5.1.1 unknown or illegal alias: a@me.com",
    # QQ, 163.com and other Coremail, Aliyun, in English and Chinese
    "550 Mailbox not found. http://service.mail.example/cgi-bin/help?subtype=1&&id=20022",
    "550 The recipient may contain a non-existent account, please check the recipient address.",
    "550 User not found: a@163.com",
    "550 Invalid User: a@163.com",
    "550 RC:LD The email account that you tried to reach does no exists.",
    "553 5.1.1 Mailbox not found",
    "554 RCPT (a@example.cn) dosn't exist",
    "550 该用户不存在",
    "550 收件人邮箱不存在",
    "550 5.1.1 账号不存在",
    # others
    "550 ユーザが存在しません",
    "550 Empfänger unbekannt",
    "550 5.1.1 Benutzer existiert nicht",
    "550 Utilisateur inconnu",
    "550 El usuario no existe",
    "550 Usuário inexistente",
    "550 Пользователь не существует",
    # a gateway around the server's own reply
    "5.1.0 - Unknown address error 550-'5.1.1 <a@example.jp>... User Unknown' (attempts: 0)",
]

# Replies about anything else, from the same servers and others.
PASSING = [
    # full, too large, too often
    "552 5.2.2 Over quota",
    "522 5.2.0 Delivery failed: Over quota",
    "550 Mailbox is full",
    "550 5.1.1 user's mailbox full",
    "552-5.2.2 The recipient's inbox is out of storage space. 552 5.2.2 https://support.google.com",
    (
        "550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
        "additional messages from being delivered."
    ),
    "550 5.2.1 The user you are trying to contact is receiving mail too quickly",
    "550 5.2.0 STOREDRV.Deliver.Exception:QuotaExceededException",
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients",
    "550 5.5.3 Too many recipients",
    "550 5.3.4 Message too big",
    "550 邮箱已满",
    "552 收件人空间不足",
    "550 发信频率过高",
    "550 Ip frequency limited [content]. http://service.mail.example/",
    "5.1.0 - Unknown address error 550-'5.2.2 <a@example.jp>... Mailbox Full' (attempts: 0)",
    # expired, routes, the DNS
    "550 5.4.316 Message expired, connection refused(Socket error code 10061)",
    "550 5.4.312 Message expired, DNS query failed(ServerFailure)",
    "550 5.4.300 Message expired -> 421 4.4.2 Connection dropped",
    "550 5.4.310 DNS domain x does not exist [Message=InfoDomainNonexistent]",
    "550 5.0.350 Remote server returned an error -> 554 5.4.0 Connection timed out",
    "550 5.0.350 Remote server returned an error -> 552 5.2.2 Mailbox full",
    "5.4.7 - Delivery expired (message too old) 'timeout'",
    "550 5.4.6 Hop count exceeded",
    "550 5.4.4 [internal] domain lookup failed",
    "550 5.1.2 <a@x.invalid>: Recipient address rejected: Domain not found",
    "556 5.1.10 Recipient address rejected: Domain x.example does not accept mail (nullMX)",
    "550 5.1.10 the domain has a null MX",
    "550 Host unknown",
    "550 no such domain",
    "550 域名不存在",
    # policy, spam, reputation
    "550 5.7.1 IP address blacklisted by recipient",
    "550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is blacklisted using SPAMHAUS-XBL",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "554 Email rejected because 192.0.2.1 is listed by zen.spamhaus.org",
    "550-5.7.1 [192.0.2.1 12] Our system has detected that this is likely unsolicited mail.",
    "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
    "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.",
    "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
    "550 5.7.1 [CS01] Message rejected due to local policy.",
    "554 5.7.9 Message not accepted for policy reasons.",
    "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred",
    (
        "550 Requested action not taken: mailbox unavailable For explanation visit "
        "https://postmaster.example/error-messages?ip=192.0.2.1&c=hi"
    ),
    "550 5.1.1 Recipient rejected: spam detected",
    "550 Mail content denied. http://service.mail.example/",
    "550 Mailbox unavailable or access denied",
    "554 DT:SPM 163 smtp5,D9GowAD3x,please see http://mail.163.example/help/",
    "550 RP:TRC mx",
    "550 WM:BLI User not found",
    "554 邮件被判定为垃圾邮件，拒收",
    "550 5.1.1 Amazon SES did not send the message: the address is on the suppression list",
    "605 Not delivering to previously bounced address",
    "554 Transaction failed",
    "550 Message rejected",
    "550 Administrative prohibition",
    # the sender: SPF, DKIM, DMARC, the sender, relaying
    "550 5.1.0 192.0.2.222 is not allowed to send from <b.example> per its SPF Record",
    "550 domain [b.example] mismatches client ip 192.0.2.225.",
    "550 5.7.26 Unauthenticated email from example.org is not accepted due to its DMARC policy.",
    "550 5.7.515 Access denied, sending domain does not meet the required authentication level.",
    "550 5.7.25 The IP address has no PTR record",
    "550 5.1.8 Access denied, bad outbound sender",
    "550 5.1.7 Bad sender address",
    "550 5.1.8 <n@example.org>: Sender address rejected: Domain not found",
    "550 sender address does not exist",
    "550 Unroutable sender address",
    "550 Verification failed for <n@c.example>: no such user here",
    "550 请求被拒绝：发件人不存在",
    "554 5.7.1 <a@example.com>: Relay access denied",
    "530 5.7.57 Client not authenticated to send mail",
    # for the moment, and the server itself
    "451 4.3.0 no such user, for the moment",
    "550 5.1.1 user unknown, try again later",
    "550 greylisted, please try again",
    "554 Service currently unavailable",
    "550 5.3.0 local delivery failed: could not open the mailbox of this user",
    "503 Improper sequence of commands",
    "504 Command parameter not implemented",
    # the mailbox exists, but is disabled
    "550 5.2.1 The email account that you tried to reach is disabled.",
    "550 5.2.1 <a@example.com>... User Unknown",
    "550 5.1.1 <a@icloud.com>: inactive email address",
    "550 User suspended",
    "554 30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30).",
]

# What relays put into the Status field around such a reply.
RELAYS = ["", "5.0.0", "5.1.1", "5.1.0", "5.2.0", "5.4.0", "5.5.0", "5.3.0"]


@pytest.mark.parametrize("reply", GONE)
def test_an_unknown_mailbox_ends_the_address(reply: str) -> None:
    """By the server's own code, or by its words if the code says nothing."""
    assert verdict("failed", "", reply, "recipient") == "permanent"


@pytest.mark.parametrize("reply", PASSING)
def test_every_other_failure_only_counts(reply: str) -> None:
    """The server's own code and words decide; the relay's 5.1.1 around them does not."""
    for status in RELAYS:
        for stage in ("", "recipient", "data", "session"):
            assert verdict("failed", status, reply, stage) == "temporary", (status, stage)


@given(st.sampled_from(GONE + PASSING), st.sampled_from(["", *RELAYS]))
def test_replies_before_rcpt_end_no_address(reply: str, status: str) -> None:
    """Replies to greeting, EHLO, AUTH and MAIL FROM are about us, whatever they say."""
    assert verdict("failed", status, reply, "session") == "temporary"


@given(
    st.integers(3, 7), st.integers(0, 999), st.sampled_from(["User unknown", "no such user", ""])
)
def test_codes_not_about_a_mailbox_never_end_an_address(
    subject: int, detail: int, words: str
) -> None:
    """RFC 3463: systems, routes, protocols, content, policy, whatever a provider uses the codes
    for."""
    code = f"5.{subject}.{detail}"
    if code in {"5.3.0", "5.5.0", "5.7.17", "5.7.18"}:
        return
    assert verdict("failed", code, f"550 {code} {words}", "recipient") == "temporary"
    assert verdict("failed", code, "", "") == "temporary"


@given(st.integers(0, 999), st.integers(0, 999))
def test_mailbox_codes_end_an_address_only_if_unambiguous(subject: int, detail: int) -> None:
    """Without text, only codes that can mean nothing else."""
    code = f"5.{subject}.{detail}"
    expected = code in {"5.1.1", "5.1.3", "5.1.6", "5.7.17", "5.7.18"}
    assert (verdict("failed", code, "") == "permanent") == expected


@given(st.integers(0, 9), st.integers(0, 999), st.sampled_from(GONE))
def test_class_4_is_always_temporary(subject: int, detail: int, reply: str) -> None:
    """If the Status field has class 4, the words do not matter."""
    assert verdict("failed", f"4.{subject}.{detail}", reply) == "temporary"


@pytest.mark.parametrize("reply", ["550 Unknown user a@example.jp", "550 : User unknown"])
def test_a_late_user_unknown_may_be_a_filter(reply: str) -> None:
    """Mobile carriers say so after the data about mail that they reject; they never reject RCPT."""
    assert verdict("failed", "5.2.0", reply, "recipient") == "permanent"
    assert verdict("failed", "5.2.0", reply, "data") == "temporary"
    assert verdict("failed", "5.2.0", reply) == "temporary"


def test_an_unknown_reply_only_counts() -> None:
    """Ending an address takes a reason."""
    for words in ("550 no", "550", "", "who knows", "554 5.0.0", "550 Nyet", "550 \ufffd\ufffd"):
        assert verdict("failed", "5.0.0", words, "recipient") == "temporary"
        assert verdict("failed", "", words, "recipient") == "temporary"
    assert verdict("failed", "5.1.1", "550 go away", "recipient") == "temporary"


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_reports_that_are_not_failures_are_ignored(action: str) -> None:
    """RFC 3464, section 2.3.3."""
    assert verdict(action, "5.1.1", "550 5.1.1 no such user") == "nothing"


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("host mx.example.com refused to talk to me: 554 no", "session"),
        ("SMTP error from remote mail server after initial connection: 554", "session"),
        ("SMTP error from remote mail server after MAIL FROM:<a@b.example>: 550", "session"),
        ("550 5.1.1 no such user (in reply to MAIL FROM command)", "session"),
        ("Connected to 192.0.2.1 but sender was rejected. Remote host said: 550", "session"),
        ("Connected to 192.0.2.1 but greeting failed.", "session"),
        ("SMTP error from remote mail server after RCPT TO:<a@b.example>: 550", "recipient"),
        ("192.0.2.1 does not like recipient. Remote host said: 550", "recipient"),
        ("550 no (in reply to end of DATA command)", "data"),
        ("192.0.2.1 failed after I sent the message. Remote host said: 550", "data"),
        ("550 no", ""),
    ],
)
def test_the_smtp_stage_is_found_in_reports(words: str, stage: Stage) -> None:
    """In the words of Postfix, Exim and qmail."""
    assert stage_in(words) == stage


@pytest.mark.parametrize(
    ("transcript", "stage"),
    [
        (">>> RCPT To:<a@b.example>\n<<< 550 User unknown", "recipient"),
        (">>> MAIL From:<n@c.example>\n<<< 550 User unknown", "session"),
        ("... while talking to mx.b.example.:\n<<< 550 User unknown\n>>> QUIT", "session"),
        (">>> DATA\n<<< 550 User unknown\n554 5.0.0 Service unavailable", "data"),
        # pipelined: the reply to RCPT, then the one to DATA
        (">>> DATA\n<<< 550 User unknown\n550 5.1.1 a\n<<< 503 Need RCPT (recipient)", "recipient"),
        (">>> RCPT To:<a@b.example>\n<<< 250 fine\n550 User unknown", ""),
        ("<a@b.example>: host mx said: 550 User\n unknown (in reply to DATA command)", "data"),
        ("mx refused to talk to me: 550 User unknown", "session"),
        (
            "server after RCPT TO:<a@b.example>:\n host mx [192.0.2.1]: 550 User unknown",
            "recipient",
        ),
    ],
)
def test_the_smtp_stage_is_found_in_transcripts(transcript: str, stage: Stage) -> None:
    """In the text part of a report, if its fields have the bare reply."""
    assert stage_in_text(f"It failed.\n\n{transcript}\n", "550 User unknown") == stage


@pytest.mark.parametrize("reply", [each for each in GONE + PASSING if each[:3].isdigit()])
def test_deliver_and_bounces_judge_alike(reply: str) -> None:
    """The same reply to RCPT, received by `deliver` or reported to `bounces` by Postfix."""
    gone = is_gone(int(reply[:3]), reply[4:], "recipient")
    (finding,) = findings(postfix(reply))
    assert (finding.kind == "permanent") == gone


# Reports around these replies


def postfix(reply: str, status: str = "5.0.0", command: str = "RCPT TO") -> str:
    """Return a report of Postfix."""
    text = (
        f"<a@b.example>: host mx.b.example[192.0.2.1] said:\n    {reply} (in reply to {command}\n"
    )
    return dsn(f"{text}    command)", status, reply)


def sendmail(reply: str, status: str = "5.1.1", command: str = "RCPT To:<a@b.example>") -> str:
    """Return a report of Sendmail, whose own line follows the server's."""
    text = (
        "   ----- Transcript of session follows -----\n... while talking to mx.b.example.:\n"
        f">>> {command}\n<<< {reply}\n550 5.1.1 <a@b.example>... User unknown"
    )
    return dsn(text, status, reply)


def dsn(text: str, status: str, reply: str) -> str:
    """Return a delivery status notification (RFC 3464)."""
    diagnostic = f"Diagnostic-Code: smtp; {reply}\n" if reply else ""
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@c.example\nTo: n@c.example\n"
        "Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b1\n\n"
        f"--b1\nContent-Type: text/plain; charset=utf-8\n\n{text}\n\n"
        "--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; c.example\n\n"
        f"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: {status}\n{diagnostic}\n"
        "--b1\nContent-Type: text/rfc822-headers\n\nFrom: n@c.example\nTo: a@b.example\n"
        "Subject: The Weekly\nMessage-ID: <weekly.2025-06-23.1@c.example>\n\n--b1--\n"
    )


def plain(
    text: str, sender: str = "MAILER-DAEMON@b.example", subject: str = "failure notice"
) -> str:
    """Return a report in plain text."""
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: n@c.example\nSubject: {subject}\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    )


def findings(mail: str | bytes) -> tuple[RecipientReport, ...]:
    """Return the findings for each recipient of a report."""
    found = read_mail(mail.encode() if isinstance(mail, str) else mail)
    assert isinstance(found, Report)
    return found.recipients


def kinds(mail: str | bytes) -> list[str]:
    """Return the kind of each finding."""
    return [finding.kind for finding in findings(mail)]


@pytest.mark.parametrize(
    "reply", [each for each in GONE if len(each) < 200 and "5.4.1" not in each]
)
def test_reports_of_unknown_mailboxes_end_the_address(reply: str) -> None:
    """Whichever server reports it."""
    assert kinds(postfix(reply)) == kinds(sendmail(reply)) == ["permanent"]


@pytest.mark.parametrize("reply", PASSING)
def test_reports_of_other_failures_only_count(reply: str) -> None:
    """Whichever server reports it, and whatever its summary says."""
    for status in RELAYS:
        assert kinds(postfix(reply, status)) == kinds(sendmail(reply, status)) == ["temporary"]
    assert kinds(dsn(f"<a@b.example>: {reply}", "5.1.1", "")) == ["temporary"]


WRAPPERS = [
    "5.1.0 - Unknown address error {}-'{}' (delivery attempts: 0)",
    "550 5.1.1 <a@b.example>: host mx.b.example[192.0.2.1] said: {} {}",
    "550 5.1.1 <a@b.example>... User unknown ({} {})",
    "550 5.0.350 Remote server returned an error -> {} {}",
    "host mx.b.example said: {} {} (in reply to RCPT TO command)",
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_relay_around_the_server_s_reply_adds_nothing(wrapper: str) -> None:
    """Its own 5.1.1 and "unknown" are not the server's, in whichever order they come."""
    replies = [each for each in PASSING if each[:3].isdigit()]
    replies += ["550 Message refused", "554 no", "550 5.0.0 go away"]
    for reply in replies:
        whole = wrapper.format(reply[:3], reply[4:])
        assert verdict("failed", "5.1.1", whole) == "temporary", whole
    for reply in ("550 5.1.1 User unknown", "550 5.1.1 <a@b.example>: does not exist"):
        assert verdict("failed", "5.0.0", wrapper.format(reply[:3], reply[4:])) == "permanent"


@given(st.sampled_from(GONE))
def test_refusals_of_the_sender_or_the_session_count(reply: str) -> None:
    """As Postfix, Sendmail and Exim report them."""
    assert kinds(postfix(reply, command="MAIL FROM")) == ["temporary"]
    assert kinds(sendmail(reply, command="MAIL From:<n@c.example>")) == ["temporary"]
    assert kinds(sendmail(reply, command="EHLO c.example")) == ["temporary"]
    text = "  a@b.example\n    SMTP error from remote mail server after MAIL FROM:<n@c.example>:\n"
    exim = plain(f"{text}    host mx.b.example [192.0.2.1]: {reply}")
    exim = exim.replace("To: n@", "X-Failed-Recipients: a@b.example\nTo: n@")
    assert kinds(exim) == ["temporary"]


def test_a_relay_that_makes_up_its_own_5_1_1_is_not_believed() -> None:
    """Its fields say "User unknown", and the transcript has the server's real reply."""
    summed_up = "550 5.1.1 <a@b.example>... User unknown"
    for said in ("550 5.7.1 blocked", "552 5.2.2 full", "554 no thanks"):
        text = f"... while talking to mx:\n>>> RCPT To:<a@b.example>\n<<< {said}\n{summed_up}"
        assert kinds(dsn(text, "5.1.1", summed_up)) == ["temporary"]
    text = f"... while talking to mx:\n>>> RCPT To:<a@b.example>\n<<< {summed_up}\n"
    assert kinds(dsn(text, "5.1.1", summed_up)) == ["permanent"]


def test_a_failing_delivery_program_only_counts() -> None:
    """The mailbox exists (Diagnostic-Code: x-unix)."""
    mail = dsn("It failed.", "5.1.1", "procmail: no such user: user unknown")
    assert kinds(mail.replace("smtp; procmail", "x-unix; procmail")) == ["temporary"]


def test_a_reply_in_another_charset_is_understood() -> None:
    """Providers in China write GBK, declared in some part, also where the header says 5.1.1."""
    mail = dsn("退信", "5.1.1", "550 5.1.1 邮箱已满").replace("charset=utf-8", "charset=gbk")
    assert kinds(mail.encode("gbk")) == ["temporary"]
    encoded = "=?gb18030?B?NTUwIDUuMS4xINPKz+TS0cL6?="  # the same, as an encoded word
    assert kinds(dsn("x", "5.1.1", encoded)) == ["temporary"]
    assert kinds(dsn("退信", "5.0.0", "550 该用户不存在")) == ["permanent"]


# Reports in no standard form

COPY = "Received: from c.example by x\nFrom: n@c.example\nTo: a@b.example\nSubject: The Weekly\n"
FREEFORM = {
    "a transcript": plain(
        "   ----- Transcript of session follows -----\n421 b.example... Deferred\n\n"
        f"   ----- Unsent message follows -----\n{COPY}",
        subject="Returned mail: Cannot send message for 4 days",
    ),
    "an indented copy": plain(
        "We could not deliver your message.\n\n" + "".join(f"    {x}\n" for x in COPY.splitlines())
    ),
    "an address": plain("This could not be delivered: a@b.example.", subject="Delivery failure"),
    "html": plain("<p>Delivery to &lt;a@b.example&gt; failed<p>").replace(
        "text/plain", "text/html"
    ),
    "Chinese": plain(
        "很抱歉，您发给 <a@b.example> 的邮件无法送达。", "postmaster@qq.example", "系统退信"
    ),
    "a returned mail": (
        "Return-Path: <>\nFrom: no-reply@b.example\nTo: n@c.example\nSubject: Mail\n"
        "Content-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: text/plain\n\n"
        "Your mail could not be delivered: the mailbox is full.\n"
        f"--b1\nContent-Type: message/rfc822\n\n{COPY}\nHello.\n--b1--\n"
    ),
    "fields in the text": plain(
        "An error occurred.\n\nReporting-MTA: dns; b.example\n\nAction: failed\n"
        "Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp; 554 4.4.7 expired\n"
        "Status: 4.4.7\n"
    ),
}


@pytest.mark.parametrize("mail", FREEFORM.values(), ids=FREEFORM)
def test_a_nonstandard_report_counts_for_the_named_address(mail: str) -> None:
    """The address is found by flufl.bounce or in the returned mail; such a report never ends it."""
    assert [(f.kind, f.addresses) for f in findings(mail)] == [("temporary", ("a@b.example",))]


def test_each_recipient_of_a_report_has_its_own_reply() -> None:
    """One address per line, without blank lines between, if the fields have no replies."""
    mail = dsn("a@b.example: 550 5.1.1 no such user\nc@b.example: 552 5.2.2 full", "5.0.0", "")
    second = "Final-Recipient: rfc822; c@b.example\nAction: failed\nStatus: 5.0.0\n\n--b1\nContent"
    mail = mail.replace("--b1\nContent-Type: text/rfc822", f"{second}-Type: text/rfc822")
    assert kinds(mail) == ["permanent", "temporary"]


@pytest.mark.parametrize(
    "text",
    ["Warning: your message to a@b.example is delayed.", "a@b.example: we are still trying to"],
)
def test_a_delay_is_ignored(text: str) -> None:
    """The other server is still trying."""
    assert kinds(plain(f"{text} deliver it.\n\n{COPY}", subject="Delivery status")) == ["nothing"]


@pytest.mark.parametrize(
    "mail",
    [
        plain("I am away. For help write to a@b.example.", "Ann <a@b.example>", "Away until May"),
        plain("Back on Monday.\n\n" + COPY, "a@b.example", "Automatic reply: The Weekly"),
        plain("Back on Monday.\n\n" + COPY, "postmaster@b.example", "自动回复: The Weekly"),
        plain("Your mail has arrived.", "a@b.example", "Read: The Weekly"),
        plain(
            "Delivery failed for x@y.example, what now?", "a@b.example", "Re: The Weekly"
        ).replace("Return-Path: <>", "Return-Path: <a@b.example>"),
    ],
)
def test_mail_from_people_is_not_a_report(mail: str) -> None:
    """Holidays, receipts and questions count for no address."""
    with pytest.raises(NotAReport):
        read_mail(mail.encode())


def test_outlooks_form_of_complaint_is_recognised() -> None:
    """The mail itself comes back, and a header names the reader."""
    mail = (
        "From: staff@hotmail.com\nTo: n@c.example\nSubject: complaint about message from 192.0.2.1"
        "\n"
        "Content-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: message/rfc822\n\n"
        f"X-HmXmrOriginalRecipient: <a@b.example>\n{COPY}\nHello.\n--b1--\n"
    )
    assert [(f.kind, f.addresses) for f in findings(mail)] == [("complaint", ("a@b.example",))]
