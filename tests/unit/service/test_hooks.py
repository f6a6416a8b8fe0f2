"""Webhooks: signed reports have the effect of the same report by mail, and no others have any."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

import hooks
from broadsheet.bounces.webhooks import HookRequest, UnsignedHookError, webhooks
from broadsheet.delivery import subscribers
from broadsheet.errors import UsageError
from broadsheet.service.fetching import fetched
from newsroom import Newsroom
from reader_service import CONFIG, Office, office, served

NAMES = sorted(hooks.SECRETS)
UNKNOWN = ("550 5.1.1", "The email account that you tried to reach does not exist.")
FETCHED: list[str] = []


def fetch(url: str) -> bytes:
    """Serve the certificate of our own authority in the place of Amazon's."""
    FETCHED.append(url)
    return hooks.certificate() if url == hooks.CERTIFICATE_URL else b"ok"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    FETCHED.clear()
    with office(tmp_path, environment=hooks.ENVIRONMENT, fetch=fetch) as found:
        yield found


def post(desk: Office, name: str, request: tuple[dict[str, str], bytes]) -> int:
    headers, body = request
    return desk.web.post(f"/hooks/{name}", headers=headers, content=body).status_code


@pytest.mark.parametrize("name", NAMES)
def test_a_mailbox_that_does_not_exist_ends_the_address(desk: Office, name: str) -> None:
    """The recipient's server says so, by code and words; a repetition changes nothing."""
    who = desk.subscriber()
    request = hooks.SIGNED[name](hooks.failed(name, *UNKNOWN))
    assert post(desk, name, request) == 200
    assert desk.status() == "bounced"
    assert "does not exist" in desk.who().cause
    assert post(desk, name, request) == 200
    with desk.database.reading() as connection:
        assert len(subscribers.history(connection, who)) == 2  # added, bounced


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("552 5.2.2", "The mailbox is over its quota"),
        ("554 5.7.1", "Message rejected as spam"),
        ("550 5.7.26", "This mail is unauthenticated"),
        ("550 5.4.310", "DNS domain does not exist"),
        ("550 5.1.1", "not delivered: on a suppression list"),
        ("421 4.7.0", "Try again later"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_any_other_failure_is_counted(desk: Office, name: str, code: str, words: str) -> None:
    """The rules for reports by mail hold, whatever the provider calls a hard bounce."""
    desk.subscriber()
    assert post(desk, name, hooks.SIGNED[name](hooks.failed(name, code, words))) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_complaint_ends_the_address(desk: Office, name: str) -> None:
    """A complaint ends an address at once, whatever the policy for bounces."""
    desk.subscriber()
    assert post(desk, name, hooks.SIGNED[name](hooks.COMPLAINTS[name])) == 200
    assert desk.status() == "complained"


@pytest.mark.parametrize("name", sorted(hooks.OPT_OUTS))
def test_an_opt_out_at_the_provider_is_one_here(desk: Office, name: str) -> None:
    """No one who opted out through the provider's own link is mailed again."""
    desk.subscriber()
    assert post(desk, name, hooks.SIGNED[name](hooks.OPT_OUTS[name])) == 200
    assert desk.status() == "unsubscribed"


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("ses", {"eventType": "Delivery", "mail": {}, "delivery": {"recipients": ["a@b.example"]}}),
        ("postmark", {"RecordType": "Delivery", "Recipient": "ann@example.com"}),
        ("postmark", {"RecordType": "Bounce", "Type": "AutoResponder", "Email": "ann@example.com"}),
        (
            "postmark",
            hooks.OPT_OUTS["postmark"] | {"SuppressSending": False, "SuppressionReason": None},
        ),
        ("mailgun", {"event": "opened", "recipient": "ann@example.com", "timestamp": 1.5}),
        (
            "mailgun",
            {**hooks.failed("mailgun", "450 4.2.0", "Greylisted"), "severity": "temporary"},
        ),
        ("sendgrid", {"event": "deferred", "email": "ann@example.com", "attempt": "1"}),
        ("resend", {"type": "email.delivery_delayed", "data": {"to": ["ann@example.com"]}}),
        # Kinds of events that do not exist yet
        ("ses", {"eventType": "News", "mail": {}, "news": [1]}),
        ("postmark", {"RecordType": "News", "ID": "x", "Email": None, "BouncedAt": 1}),
        ("postmark", {"RecordType": {"News": 1}}),
        ("mailgun", {"event": "news", "recipient": None, "timestamp": "now", "severity": 1}),
        ("sendgrid", {"event": "news", "email": ["ann@example.com"], "timestamp": "now"}),
        ("sendgrid", {"event": None}),
        ("resend", {"type": "contact.updated", "created_at": 1, "data": ["ann@example.com"]}),
        # Nothing was sent, for a reason that is not the reader
        *(
            ("sendgrid", {"event": "dropped", "email": "ann@example.com", "reason": reason})
            for reason in (
                "Recipient List over Package Quota",
                "Invalid SMTPAPI header",
                "Spam Content (if Spam Checker app is enabled)",
                None,
            )
        ),
        ("resend", {"type": "email.failed", "data": {"to": ["ann@example.com"], "failed": {}}}),
        (
            "ses",
            {
                **hooks.COMPLAINTS["ses"],
                "complaint": {
                    "complainedRecipients": [{"emailAddress": "ann@example.com"}],
                    "complaintFeedbackType": "virus",
                },
            },
        ),
        ("ses", {"eventType": "Reject", "mail": {}, "reject": {"reason": "Bad content"}}),
    ],
)
def test_other_events_change_nothing(desk: Office, name: str, event: dict[str, Any]) -> None:
    """Deliveries, delays, automatic answers and what is new are no failures of the reader."""
    desk.subscriber()
    assert post(desk, name, hooks.SIGNED[name](event)) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 0)


@pytest.mark.parametrize("reason", ["General", None])
def test_an_automatic_answer_that_ses_calls_a_bounce_is_none(
    desk: Office, reason: str | None
) -> None:
    """A transient bounce without the fields of a report is what SES makes of a vacation notice."""
    desk.subscriber()
    event = hooks.failed("ses", *UNKNOWN)
    event["bounce"] |= {"bounceType": "Transient", "bounceSubType": reason}
    event["bounce"]["bouncedRecipients"] = [{"emailAddress": "ann@example.com"}]
    assert post(desk, "ses", hooks.ses(event)) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 0)


@pytest.mark.parametrize("reason", ["MailboxFull", "MessageTooLarge", "ContentRejected"])
def test_a_transient_bounce_with_a_reason_of_ses_is_counted(desk: Office, reason: str) -> None:
    """The subtype says that it is a failure, even without the fields of a report."""
    desk.subscriber()
    event = hooks.failed("ses", *UNKNOWN)
    event["bounce"] |= {"bounceType": "Transient", "bounceSubType": reason}
    event["bounce"]["bouncedRecipients"] = [{"emailAddress": "ann@example.com"}]
    assert post(desk, "ses", hooks.ses(event)) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 1)


@pytest.mark.parametrize(
    ("name", "event"),
    [
        *(
            ("sendgrid", {"event": "dropped", "email": "ann@example.com", "reason": reason})
            for reason in ("Bounced Address", "Unsubscribed Address", "Spam Reporting Address")
        ),
        (
            "mailgun",
            {
                **hooks.failed("mailgun", "605", "Not delivering to previously bounced address"),
                "reason": "suppress-bounce",
            },
        ),
        (
            "resend",
            {
                "type": "email.suppressed",
                "created_at": "2025-06-30T00:59:50.000Z",
                "data": {
                    "to": ["ann@example.com"],
                    "suppressed": {"type": "OnAccountSuppressionList"},
                },
            },
        ),
        (
            "postmark",
            hooks.failed("postmark", "406", "You tried to send to inactive recipients")
            | {"Type": "SMTPApiError", "TypeCode": 100007},
        ),
        (
            "ses",
            hooks.failed(
                "ses", "550 5.1.1", "Amazon SES did not send to an address on the suppression list"
            ),
        ),
    ],
)
def test_an_address_that_the_provider_suppresses_is_counted(
    desk: Office, name: str, event: dict[str, Any]
) -> None:
    """Nothing is sent to it again, so it ends in time, and not at once."""
    desk.subscriber()
    assert post(desk, name, hooks.SIGNED[name](event)) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 1)


@pytest.mark.parametrize(
    ("type_", "message", "expected"),
    [
        ("Permanent", "smtp; 550 5.1.1 No such user here", ("bounced", 0)),
        ("Permanent", "The recipient's provider sent a general bounce message.", ("active", 1)),
        ("Permanent", "The address is on the suppression list.", ("active", 1)),
        ("Temporary", "smtp; 550 5.1.1 No such user here", ("active", 1)),
        ("Transient", "smtp; 550 5.1.1 No such user here", ("active", 1)),
        ("Undetermined", "", ("active", 1)),
    ],
)
def test_the_message_of_resend_is_judged_without_a_diagnostic_code(
    desk: Office, type_: str, message: str, expected: tuple[str, int]
) -> None:
    """It has the server's reply, or Resend's own words."""
    desk.subscriber()
    event = hooks.failed("resend", *UNKNOWN)
    event["data"]["bounce"] = {"type": type_, "subType": "General", "message": message}
    assert post(desk, "resend", hooks.resend(event)) == 200
    assert (desk.status(), desk.who().bounces) == expected


def test_the_first_notification_of_ses_is_a_sentence(desk: Office) -> None:
    """It says that SES can use the topic; any other text that is published there is ignored too."""
    for text in ("Successfully validated SNS topic for Amazon SES event publishing.", ""):
        message = hooks.sns({"Type": "Notification", "Message": text})
        assert post(desk, "ses", ({}, json.dumps(message).encode())) == 200


def test_an_unknown_event_in_a_batch_hides_no_failure(desk: Office) -> None:
    """SendGrid sends events of all kinds together; those without an id count one by one."""
    desk.subscriber()
    failure = hooks.failed("sendgrid", "552 5.2.2", "Mailbox full")
    del failure["sg_event_id"]
    events = [{"event": "news", "email": None}, failure, failure | {"timestamp": 1751245191}]
    assert post(desk, "sendgrid", hooks.sendgrid(*events)) == 200
    assert (desk.status(), desk.who().bounces) == ("active", 2)


@pytest.mark.parametrize(
    "wrong", [{"event": "bounce", "email": 1}, {"event": "bounce", "timestamp": "now"}, [], "x", 1]
)
def test_an_unreadable_event_in_a_batch_hides_no_failure(
    desk: Office, caplog: pytest.LogCaptureFixture, wrong: Any
) -> None:
    """The others count, and the log has it; SendGrid would repeat a refused batch for a day."""
    desk.subscriber()
    events = [wrong, hooks.failed("sendgrid", *UNKNOWN), wrong]
    assert post(desk, "sendgrid", hooks.sendgrid(*events)) == 200
    assert desk.status() == "bounced"
    assert caplog.text.count("an event cannot be read") == 2


def test_the_token_in_the_returned_header_identifies_the_reader(desk: Office) -> None:
    """SES passes on the header of the mail; its token counts, not the address that failed."""
    who = desk.subscriber()
    event = hooks.failed("ses", *UNKNOWN, address="forwarded@elsewhere.example")
    link = f"<https://news.example.org/unsubscribe/{desk.mark(who, 'weekly')}>"
    event["mail"]["headers"] = [{"name": "List-Unsubscribe", "value": link}]
    assert post(desk, "ses", hooks.ses(event)) == 200
    assert desk.status() == "bounced"


def test_a_batch_is_processed_as_a_whole(desk: Office) -> None:
    """SendGrid sends many events in a request."""
    for number in range(250):
        desk.subscriber(f"r{number}@example.com")
    event = hooks.failed("sendgrid", *UNKNOWN)
    events = [
        event | {"email": f"r{number}@example.com", "sg_event_id": f"e{number}"}
        for number in range(250)
    ]
    assert post(desk, "sendgrid", hooks.sendgrid(*events)) == 200
    assert {desk.status(f"r{number}@example.com") for number in range(250)} == {"bounced"}


@pytest.mark.parametrize("name", NAMES)
def test_an_altered_request_is_refused(desk: Office, name: str) -> None:
    """Neither another body, nor another signature, nor none at all has an effect."""
    desk.subscriber()
    desk.subscriber("ben@example.com")
    headers, body = hooks.SIGNED[name](hooks.failed(name, *UNKNOWN, address="ben@example.com"))
    assert post(desk, name, (headers, body)) == 200
    other = body.replace(b"ben@example.com", b"ann@example.com")
    signature = {key: value[:-8] + "AAAAAAA=" for key, value in headers.items()}
    requests = [({}, body)] if name not in {"ses", "mailgun"} else []
    requests += [(headers, other)] if name != "postmark" else []
    requests += [(signature, body)] if name not in {"ses", "mailgun"} else []
    for request in requests:
        assert post(desk, name, request) in {400, 401}
    assert requests
    assert desk.status() == "active"


def test_a_signature_of_mailgun_counts_for_one_event_only(desk: Office) -> None:
    """Mailgun's signature does not cover the event, so it must not be used for another."""
    desk.subscriber()
    desk.subscriber("ben@example.com")
    event = hooks.failed("mailgun", *UNKNOWN, address="ben@example.com")
    assert post(desk, "mailgun", hooks.mailgun(event)) == 200
    assert post(desk, "mailgun", hooks.mailgun(event)) == 200  # it repeats a request
    assert post(desk, "mailgun", hooks.mailgun(hooks.failed("mailgun", *UNKNOWN))) == 401
    assert desk.status() == "active"


@pytest.mark.parametrize(
    ("name", "age"), [("mailgun", timedelta(hours=13)), ("resend", timedelta(minutes=6))]
)
def test_an_old_signature_is_refused(desk: Office, name: str, age: timedelta) -> None:
    """A recorded request cannot be used later."""
    desk.subscriber()
    event = hooks.failed(name, *UNKNOWN)
    for at in (hooks.NOW - age, hooks.NOW + age):
        request = hooks.SIGNED[name](event, at=at)  # type: ignore[operator]
        assert post(desk, name, request) == 401
    assert desk.status() == "active"


def test_a_subaccount_of_mailgun_is_signed_by_its_parent(desk: Office) -> None:
    """`parent-signature` is by the key of the main account."""
    desk.subscriber()
    _, body = hooks.mailgun(hooks.failed("mailgun", *UNKNOWN))
    payload = json.loads(body)
    payload["signature"]["parent-signature"] = payload["signature"]["signature"]
    payload["signature"]["signature"] = "0" * 64
    assert post(desk, "mailgun", ({}, json.dumps(payload).encode())) == 200
    assert desk.status() == "bounced"


# Amazon SNS


def confirmation(**fields: str) -> bytes:
    message = {"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe."}
    message |= {"Token": "2336412f", "SubscribeURL": hooks.CONFIRM_URL, **fields}
    return json.dumps(hooks.sns(message)).encode()


def test_a_subscription_to_our_topic_is_confirmed(desk: Office) -> None:
    """The URL is fetched once the signature was checked."""
    assert post(desk, "ses", ({}, confirmation())) == 200
    assert FETCHED == [hooks.CERTIFICATE_URL, hooks.CONFIRM_URL]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com.evil.example/",
        "https://sns.eu-west-1.amazonaws.com@evil.example/",
        "https://evil.example\\@sns.eu-west-1.amazonaws.com/",
        "https://sns.eu-west-1.amazonaws.com:22/",
        "https://s3.eu-west-1.amazonaws.com/bucket/key.pem",
        "https://sns.us-east-1.amazonaws.com/key.pem",
        "https://[sns.eu-west-1.amazonaws.com/",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_the_sns_host_of_the_region_is_asked(desk: Office, url: str) -> None:
    """Neither a certificate nor a confirmation is fetched from anywhere else."""
    assert post(desk, "ses", ({}, confirmation(SubscribeURL=url))) == 400
    assert post(desk, "ses", ({}, confirmation(SigningCertURL=url))) == 401
    assert {*FETCHED} <= {hooks.CERTIFICATE_URL}


def test_a_topic_that_is_not_ours_is_refused(desk: Office) -> None:
    """Amazon signs the messages of everyone's topics; only those of the environment count."""
    other = confirmation(TopicArn=hooks.TOPIC.replace("bounces", "mine"))
    assert post(desk, "ses", ({}, other)) == 401
    assert not FETCHED


def test_both_versions_of_the_signature_are_read(desk: Office) -> None:
    """SHA1 is still what new topics use; the certificate is fetched once."""
    desk.subscriber()
    event = json.dumps(hooks.failed("ses", *UNKNOWN))
    for version in ("1", "2"):
        message = hooks.sns({"Type": "Notification", "Message": event}, version)
        assert post(desk, "ses", ({}, json.dumps(message).encode())) == 200
    assert desk.status() == "bounced"
    assert FETCHED == [hooks.CERTIFICATE_URL]


@pytest.mark.parametrize(
    "certificate",
    [hooks.certificate(hooks.NOW - timedelta(days=1)), b"<html>no certificate</html>", b""],
)
def test_a_bad_certificate_is_refused(certificate: bytes) -> None:
    """An expired certificate, and what is none, prove nothing."""
    hook = webhooks({"BROADSHEET_HOOK_SES": hooks.TOPIC})["ses"]
    _, body = hooks.ses(hooks.failed("ses", *UNKNOWN))
    with pytest.raises(UnsignedHookError):
        hook(HookRequest({}, body, hooks.NOW, lambda _: certificate))


@pytest.fixture
def https_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on loopback whose certificate is trusted; /redirect leads elsewhere on it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/redirect" else 200)
            self.send_header("Location", "/key.pem?a=b")
            self.end_headers()
            self.wfile.write(self.path.encode() + b" " * 100_000)

        def log_message(self, *_: object) -> None:
            return

    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    request += f" -addext subjectAltName=DNS:localhost -out {files[0]} -keyout {files[1]}"
    subprocess.run(["openssl", *request.split()], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.enable_socket
def test_a_document_is_fetched_without_redirects(
    https_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of it, over a connection whose certificate is checked."""
    found = fetched(f"https://{https_server}/key.pem?a=b")
    assert found.startswith(b"/key.pem?a=b ")
    assert len(found) == 65_536
    with pytest.raises(OSError, match="answers 302"):
        fetched(f"https://{https_server}/redirect")
    with pytest.raises(OSError, match=r"mismatch|doesn't match|not valid"):
        fetched(f"https://127.0.0.1:{https_server.partition(':')[2]}/key.pem")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OSError, match="certificate"):
        fetched(f"https://{https_server}/key.pem")


def test_if_the_certificate_is_unreachable_amazon_tries_again(tmp_path: Path) -> None:
    """Without the certificate the answer is 503, and nothing is lost."""

    def unreachable(_: str) -> bytes:
        raise TimeoutError

    with office(tmp_path, environment=hooks.ENVIRONMENT, fetch=unreachable) as desk:
        desk.subscriber()
        assert post(desk, "ses", hooks.ses(hooks.failed("ses", *UNKNOWN))) == 503
        assert desk.status() == "active"


# The service


@pytest.mark.parametrize("body", [b"", b"[", b"\xff\xfe", b"{}", b"[]", b"null", b"[" * 100_000])
@pytest.mark.parametrize("name", NAMES)
def test_nonsense_is_answered_with_an_error(desk: Office, name: str, body: bytes) -> None:
    """A request that no provider sends is answered with 400 or 401, and logs no traceback."""
    assert post(desk, name, ({}, body)) in {400, 401}


def test_too_large_a_request_is_refused(desk: Office) -> None:
    """No more than a megabyte is read."""
    assert post(desk, "sendgrid", ({}, b"x" * 1_100_000)) == 413


def test_many_unsigned_requests_are_not_logged(desk: Office) -> None:
    """A stranger cannot fill the log."""
    answers = [post(desk, "resend", ({}, b"{}")) for _ in range(40)]
    assert (answers[0], answers[-1]) == (401, 429)


def test_without_a_secret_there_is_no_webhook(tmp_path: Path) -> None:
    """Only providers whose secret is set are served, and only by POST."""
    secret = {"BROADSHEET_HOOK_RESEND": hooks.SECRETS["resend"]}
    with office(tmp_path, environment=secret) as desk:
        assert post(desk, "mailgun", hooks.mailgun(hooks.failed("mailgun", *UNKNOWN))) == 404
        assert desk.web.get("/hooks/resend").status_code == 405
        assert post(desk, "resend", hooks.resend(hooks.failed("resend", *UNKNOWN))) == 200


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("ses", "arn:aws:s3:::bucket"),
        ("ses", "true"),
        ("postmark", "hunter2"),
        ("postmark", "user:short"),
        ("sendgrid", "not base64!"),
        ("sendgrid", base64.b64encode(b"no key").decode()),
        ("resend", "re_api_key"),
        ("resend", "whsec_!"),
    ],
)
def test_a_secret_that_cannot_be_right_is_named(name: str, secret: str) -> None:
    """The error names the variable and never its value."""
    with pytest.raises(UsageError) as caught:
        webhooks({f"BROADSHEET_HOOK_{name.upper()}": secret})
    assert f"BROADSHEET_HOOK_{name.upper()}" in str(caught.value)
    assert secret not in str(caught.value)


@pytest.mark.enable_socket
def test_the_command_serves_the_webhooks_of_its_environment(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`broadsheet serve` takes the secrets from the environment."""
    monkeypatch.setenv("BROADSHEET_HOOK_SENDGRID", hooks.SECRETS["sendgrid"])
    newsroom.configure(CONFIG % 1)
    newsroom.run("subscribers", "add", "ann@example.com")
    headers, body = hooks.sendgrid(hooks.failed("sendgrid", *UNKNOWN))
    with served(newsroom) as (port, process):
        url = f"http://127.0.0.1:{port}/hooks/sendgrid"
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            assert answer.status == 200
        with pytest.raises(HTTPError, match="401"):
            urllib.request.urlopen(urllib.request.Request(url, body))
        # In chunks too, as HTTP allows, and larger than any form.
        padded = hooks.failed("sendgrid", *UNKNOWN) | {"email": "x@example.com"}
        headers, body = hooks.sendgrid(*[padded] * 500)
        assert len(body) > 100_000
        client = HTTPConnection("127.0.0.1", port)
        parts = (body[at : at + 8_192] for at in range(0, len(body), 8_192))
        client.request("POST", "/hooks/sendgrid", parts, headers, encode_chunked=True)
        assert client.getresponse().status == 200
        client.close()
        process.terminate()
        assert process.stderr is not None
        assert "ann@example.com" not in process.stderr.read().decode()
    listed = newsroom.run("subscribers", "list", "--json").out
    assert '"bounced"' in listed
