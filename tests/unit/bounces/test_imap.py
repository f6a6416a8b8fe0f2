"""Returned mail in an IMAP mailbox, on a real IMAP server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from broadsheet.bounces.imap import is_imap_url
from imap_server import PASSWORD, PROGRAM, USER, Dovecot, dovecot
from newsroom import Newsroom
from returned import mail

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.skipif(PROGRAM is None, reason="needs Dovecot (dovecot-imapd)"),
]
LETTER = b"From: ann@example.com\r\nSubject: Hello\r\n\r\nA letter.\r\n"
CONFIG = '[digests.weekly]\ntitle = "W"\n'


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as found:
        yield found


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> str:
    """Return the name of a mailbox of this test, with a space and a quote in it."""
    return f'Bounces "{abs(hash(request.node.name))}"'


@pytest.fixture
def project(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    monkeypatch.setenv("BROADSHEET_IMAP_PASSWORD", PASSWORD)
    newsroom.configure(CONFIG)
    newsroom.run("subscribers", "add", "reader@example.com")
    return newsroom


def url(server: Dovecot, mailbox: str, scheme: str = "imap", host: str = "127.0.0.1") -> str:
    port = server.tls if scheme == "imaps" else server.plain
    name = mailbox.replace(" ", "%20").replace('"', "%22")
    return f"{scheme}://{USER.replace('@', '%40')}@{host}:{port}/{name}"


def status(newsroom: Newsroom) -> str:
    listed = newsroom.run("subscribers", "show", "reader@example.com", "--json").out
    return str(json.loads(listed)["status"])


def test_reports_are_processed_and_marked_as_seen(
    server: Dovecot, folder: str, project: Newsroom
) -> None:
    """Other mail is left as it is, and nothing is processed twice."""
    mails = [mail("postfix-unknown-user"), LETTER, mail("vacation")]
    server.deliver(*(each.replace(b"\n", b"\r\n") for each in mails), mailbox=folder)
    address = url(server, folder.replace('"', ""))
    assert project.run("bounces", address).code == 1  # there is no such mailbox
    ran = project.run("bounces", url(server, folder))
    assert ran.code == 0, ran.err
    assert "ended: reader@example.com" in ran.out
    assert server.unseen(folder) == 2
    assert "0 reports" in project.run("bounces", url(server, folder)).out


def test_a_dry_run_marks_nothing(server: Dovecot, folder: str, project: Newsroom) -> None:
    """Neither the mailbox nor the database changes."""
    server.deliver(mail("postfix-unknown-user"), mailbox=folder)
    assert "ended" in project.run("bounces", "--dry-run", url(server, folder)).out
    assert server.unseen(folder) == 1
    assert "ended" in project.run("bounces", url(server, folder)).out


def test_the_certificate_is_checked(
    server: Dovecot, folder: str, project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By imaps from the start, to a name in the certificate; the password is not sent otherwise."""
    server.deliver(mail("postfix-unknown-user"), mailbox=folder)
    ran = project.run("bounces", url(server, folder, "imaps", "localhost"))
    assert (ran.code, "certificate is not valid" in ran.err) == (1, True)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    assert project.run("bounces", url(server, folder, "imaps", "localhost")).code == 0


@pytest.mark.long
def test_a_refused_login_shows_no_credentials(
    server: Dovecot, folder: str, project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which variables to check."""
    monkeypatch.setenv("BROADSHEET_IMAP_PASSWORD", "not the password")
    ran = project.run("bounces", url(server, folder))
    assert ran.code == 1
    assert "BROADSHEET_IMAP_PASSWORD" in ran.err
    assert "not the password" not in ran.err
    monkeypatch.setenv("BROADSHEET_IMAP_TOKEN", "an oauth token")
    ran = project.run("bounces", url(server, folder))
    assert (ran.code, "an oauth token" in ran.err) == (1, False)


@pytest.mark.parametrize(
    "address",
    [
        "imaps://",
        "imaps://mail.example.org",
        "imaps://user:password@mail.example.org/INBOX",
        "imaps://user@mail.example.org:port/INBOX",
        "imaps://[user@mail.example.org/",
    ],
)
def test_an_unusable_url_is_a_usage_error(address: str, project: Newsroom) -> None:
    """A password in the URL would be in the process list."""
    assert is_imap_url(address)
    ran = project.run("bounces", address)
    assert ran.code == 2
    assert "imaps://USER@HOST" in ran.err


def test_a_server_that_does_not_answer_is_named(project: Newsroom) -> None:
    """It is not the config that is wrong, so the exit code is 1."""
    ran = project.run("bounces", "imap://user@127.0.0.1:1/INBOX")
    assert (ran.code, "127.0.0.1" in ran.err) == (1, True)


@pytest.mark.long
def test_an_oauth_token_is_used_instead_of_a_password(
    server: Dovecot, folder: str, project: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gmail and Microsoft accept nothing else (XOAUTH2)."""
    server.deliver(mail("postfix-unknown-user"), mailbox=folder)
    monkeypatch.setenv("BROADSHEET_IMAP_PASSWORD", "")
    monkeypatch.setenv("BROADSHEET_IMAP_TOKEN", PASSWORD)
    ran = project.run("bounces", url(server, folder))
    assert (ran.code, "ended" in ran.out) == (0, True)
