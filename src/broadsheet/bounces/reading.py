"""Read one returned mail: bytes in, a report or an unsubscribe request out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_string
from typing import Final

from broadsheet.bounces.formats import formats
from broadsheet.bounces.mail import MAX_FIELD_CHARS, ReturnedMail, addresses, parsed_date
from broadsheet.bounces.report import MAX_MAIL_BYTES, NotAReport, Report, UnsubscribeRequest

_SENT_TO: Final = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
# The time that the standard library takes grows with the square of the number of parameters.
_LONG_FIELD: Final = re.compile(
    r"^(?:Content|MIME|Auto)-[\w-]{1,40}:.*(?:\n[ \t].*)*", re.MULTILINE | re.IGNORECASE
)
_MAX_PARAMETERS: Final = 20
_MAX_BOUNDARIES: Final = 5_000
_CHINESE_CHARSET: Final = re.compile(rb"gb(?:k|2312|18030)", re.IGNORECASE)


def read_mail(data: bytes) -> Report | UnsubscribeRequest:
    """Return what a mail says. Raises NotAReport, and nothing else."""
    if len(data) > MAX_MAIL_BYTES:
        raise NotAReport(f"it is larger than {MAX_MAIL_BYTES // 1_000_000} MB")
    try:
        # Parse text: the parser for bytes loses addresses that are not ASCII.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if data.startswith(b"From "):  # the line before each mail in an mbox, or from a pipe
            data = data.partition(b"\n")[2]
        text = _decoded(data)
        if text.count("\n--") > _MAX_BOUNDARIES:
            raise NotAReport("it has too many parts")
        text = _LONG_FIELD.sub(
            lambda field: ";".join(field[0][:MAX_FIELD_CHARS].split(";")[:_MAX_PARAMETERS]), text
        )
        return _parsed(ReturnedMail(message_from_string(text), text))
    except NotAReport:
        raise
    except (Exception, RecursionError) as error:  # the parser is not made for hostile mail
        raise NotAReport(f"it is malformed ({type(error).__name__})") from error


def _parsed(mail: ReturnedMail) -> Report | UnsubscribeRequest:
    for interpret in formats():
        found = interpret(mail)
        if isinstance(found, UnsubscribeRequest | Report):
            return found
        if found:
            date, sent_to = parsed_date(mail.field("Date")), dict.fromkeys(_sent_to(mail))
            return Report(mail.id, date, tuple(sent_to), mail.returned_fields, tuple(found))
    raise NotAReport("it is not a delivery report, a complaint or an unsubscribe mail")


def _sent_to(mail: ReturnedMail) -> Iterator[str]:
    yield from mail.addresses_in(*_SENT_TO)
    for fields in mail.field_groups("message/feedback-report"):  # RFC 5965, section 3.2
        yield from addresses(fields.get_all("Original-Mail-From", []))
    yield from addresses(value for name, value in mail.returned_fields if name == "return-path")


def _decoded(data: bytes) -> str:
    """Decode as UTF-8; reports of providers in China quote replies in GBK, declared or not."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        chinese = _CHINESE_CHARSET.search(data[:MAX_FIELD_CHARS])
        return data.decode("gb18030" if chinese else "utf-8", "replace")
