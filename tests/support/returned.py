"""Returned mail."""

from __future__ import annotations

import io

from broadsheet.bounces.mailboxes import split_mbox
from broadsheet.bounces.reading import read_mail
from broadsheet.bounces.report import Report
from newsroom import TESTS

REPORTS = TESTS / "reports"
NAMES = sorted(path.stem for path in REPORTS.glob("*.eml"))
LETTERS = {"vacation", "unsubscribe"}  # these are not reports


def mail(name: str) -> bytes:
    """Return one of the mails in tests/reports/, as the servers of that name write them."""
    return (REPORTS / f"{name}.eml").read_bytes()


def split(data: bytes) -> list[bytes]:
    """Return the mails of an mbox, or the one mail."""
    return list(split_mbox(io.BytesIO(data)))


def read(data: bytes) -> Report:
    """Return the content of a report."""
    found = read_mail(data)
    assert isinstance(found, Report)
    return found


DATE = "Mon, 23 Jun 2025 08:00:07 +0800 (CST)"


def failing(number: int, status: str = "4.4.1", date: str = DATE) -> bytes:
    """Return a report on reader@example.com with a Message-ID of its own."""
    report = mail("postfix-unknown-user")
    report = report.replace(b"Status: 5.1.1", f"Status: {status}".encode())
    report = report.replace(b"550 5.1.1", b"550" if status == "5.1.1" else b"451")
    report = report.replace(DATE.encode(), date.encode())
    return report.replace(b"4F2A81C0A3@", f"{number}@".encode())


WISH = mail("unsubscribe")


def wishing(mark: str, subject: str = "unsubscribe {}", name: str = "CAF1") -> bytes:
    """Return the mail that a mail program sends when a reader unsubscribes."""
    said = b"Subject: " + subject.format(mark).encode()
    return WISH.replace(b"Subject: unsubscribe MARK", said).replace(b"CAF1", name.encode())
