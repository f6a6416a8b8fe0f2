"""Delivery status notifications: what stands in their second part (RFC 3464, section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from typing import Final

from broadsheet.bounces.parts import MOST_RECIPIENTS, field, groups, one_line, typed
from broadsheet.bounces.report import Finding, Unread
from broadsheet.bounces.verdict import status_of, verdict

_PARTS: Final = frozenset(["message/delivery-status", "message/global-delivery-status"])


def told(parts: Iterable[Message]) -> list[Finding]:
    """What is said of each recipient; nothing where there is no such part. Raises Unread."""
    found: list[Finding] = []
    for part in parts:
        if part.get_content_type() in _PARTS:
            for fields in groups(part):
                found.extend(_recipient(fields))
    if len(found) > MOST_RECIPIENTS:
        raise Unread(f"it names more than {MOST_RECIPIENTS} recipients")
    return found


def _recipient(fields: Message) -> list[Finding]:
    """The finding in the fields of one recipient; none in those of the whole report."""
    named = (*typed(fields, "Original-Recipient"), *typed(fields, "Final-Recipient"))
    action = field(fields, "Action").partition(" ")[0].lower()
    if not named and not action:
        return []
    said = field(fields, "Diagnostic-Code").partition(";")
    words = one_line(said[2] or said[0])
    status = status_of(field(fields, "Status"), words)
    return [Finding(verdict(action, status, words), tuple(dict.fromkeys(named)), status, words)]
