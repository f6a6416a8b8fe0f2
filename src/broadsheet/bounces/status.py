"""Delivery status notifications: their second part (RFC 3464, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from typing import Final

from broadsheet.bounces.parts import (
    MOST_RECIPIENTS,
    REPLY,
    WORDS,
    decoded_header,
    field,
    first_text,
    groups,
    one_line,
    paragraph_on,
    typed,
)
from broadsheet.bounces.report import Finding, Unread
from broadsheet.bounces.stages import replies_in, stage_in_text
from broadsheet.bounces.verdict import gives_a_reason, status_of, verdict

_PARTS: Final = frozenset(["message/delivery-status", "message/global-delivery-status"])


def told(parts: Sequence[Message]) -> list[Finding]:
    """The findings, one per recipient; empty without such a part. Raises Unread."""
    text = first_text(parts)
    found: list[Finding] = []
    for part in parts:
        if part.get_content_type() in _PARTS:
            for fields in groups(part):
                found.extend(recipient(fields, text))
    if len(found) > MOST_RECIPIENTS:
        raise Unread(f"it names more than {MOST_RECIPIENTS} recipients")
    return found


def recipient(fields: Message, text: str) -> list[Finding]:
    """The finding in the fields of one recipient; none in those of the whole report.

    text: the part of the report for people. It has the server's reply where the fields have none.
    """
    named = (*typed(fields, "Original-Recipient"), *typed(fields, "Final-Recipient"))
    action = field(fields, "Action").partition(" ")[0].lower()
    if not named and not action:
        return []
    program, words = _said(fields)
    written = field(fields, "Status")
    if not words and "(" in written:  # a comment (RFC 3464, section 2.3.4)
        words = one_line(written, REPLY)
    if not words and action == "failed":
        told_of = (paragraph_on(text, each) for each in named)
        words = next(filter(gives_a_reason, told_of), "")
    means = verdict(action, written, words, stage_in_text(text, words))
    if means == "permanent" and (program == "x-unix" or _is_a_relays_guess(text)):
        means = "temporary"
    addresses = tuple(dict.fromkeys(named))
    return [Finding(means, addresses, status_of(written, words), words[:WORDS])]


def _said(fields: Message) -> tuple[str, str]:
    """Who said what: `smtp`, or `x-unix` for a program at the recipient's; and the words."""
    kind, semicolon, said = field(fields, "Diagnostic-Code").partition(";")
    words = decoded_header(said if semicolon else kind, REPLY)
    return kind.strip().lower() if semicolon else "", words


def _is_a_relays_guess(text: str) -> bool:
    """Whether `text` quotes the recipient's server, and it never said that the mailbox is gone."""
    replies = replies_in(text)
    meant = (verdict("failed", "", one_line(reply, REPLY), "recipient") for reply in replies)
    return bool(replies) and "permanent" not in meant
