"""Delivery status notifications: a part of type message/delivery-status (RFC 3464, 6533)."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from functools import lru_cache
from itertools import islice

from broadsheet.bounces.mail import (
    MAX_RECIPIENTS,
    MAX_REPLY_CHARS,
    MAX_SHOWN_CHARS,
    ReturnedMail,
    decoded_header,
    field_value,
    paragraph_about,
    printable_line,
    typed_addresses,
)
from broadsheet.bounces.report import NotAReport, RecipientReport
from broadsheet.bounces.stages import replies_in, stage_in_text
from broadsheet.bounces.verdict import gives_a_reason, status_code, verdict

ORDER = 10


def interpret(mail: ReturnedMail) -> list[RecipientReport]:
    """Return one report for each recipient; [] without such a part. Raises NotAReport."""
    groups = mail.field_groups("message/delivery-status", "message/global-delivery-status")
    found = list(islice(recipient_reports(groups, mail.first_text), MAX_RECIPIENTS + 1))
    if len(found) > MAX_RECIPIENTS:
        raise NotAReport(f"it names more than {MAX_RECIPIENTS} recipients")
    return found


def recipient_reports(groups: Iterable[Message], text: str) -> Iterable[RecipientReport]:
    """Return the report in each group of fields that is about a recipient.

    text: the explanation for people. It has the server's reply if the fields do not.
    """
    for fields in groups:
        named = [
            address
            for name in ("Original-Recipient", "Final-Recipient")
            for address in typed_addresses(fields, name)
        ]
        action = field_value(fields, "Action").partition(" ")[0].lower()
        if named or action:
            yield _recipient_report(fields, tuple(dict.fromkeys(named)), action, text)


def _recipient_report(
    fields: Message, named: tuple[str, ...], action: str, text: str
) -> RecipientReport:
    program, words = _diagnostic(fields)
    written = field_value(fields, "Status")
    if not words and "(" in written:  # a comment (RFC 3464, section 2.3.4)
        words = printable_line(written, MAX_REPLY_CHARS)
    if not words and action == "failed":
        paragraphs = (paragraph_about(text, each) for each in named)
        words = next(filter(gives_a_reason, paragraphs), "")
    kind = verdict(action, written, words, stage_in_text(text, words))
    if kind == "permanent" and (program == "x-unix" or _is_guess_of_relay(text)):
        kind = "temporary"
    return RecipientReport(kind, named, status_code(written, words), words[:MAX_SHOWN_CHARS])


def _diagnostic(fields: Message) -> tuple[str, str]:
    """Return the type of Diagnostic-Code (`smtp`; `x-unix` for a local program) and its text."""
    kind, semicolon, text = field_value(fields, "Diagnostic-Code").partition(";")
    words = decoded_header(text if semicolon else kind, MAX_REPLY_CHARS)
    return kind.strip().lower() if semicolon else "", words


@lru_cache(maxsize=1)  # it is the same for all recipients of a report
def _is_guess_of_relay(text: str) -> bool:
    """Whether `text` quotes the recipient's server, which never said that the mailbox is gone."""
    replies = [printable_line(reply, MAX_REPLY_CHARS) for reply in replies_in(text)]
    verdicts = {verdict("failed", "", reply, "recipient") for reply in replies}
    return bool(verdicts) and "permanent" not in verdicts
