"""Notices of Amazon SES by mail: the subscription of a mail address to an SNS topic.

They are not signed, unlike those of a webhook: anyone could have written them.
"""

from __future__ import annotations

from json import JSONDecodeError, JSONDecoder
from typing import Any

import msgspec

from broadsheet.bounces.mail import ReturnedMail
from broadsheet.bounces.report import Report
from broadsheet.bounces.ses_events import ses_report

ORDER = 25

_EVENTS = ("notificationType", "eventType")
_BREAK = "!\n "  # Sendmail's in lines that are too long (RFC 5321 allows 998 bytes)


def interpret(mail: ReturnedMail) -> Report | None:
    """Return the report in a notice, empty for a delivery; None if the mail is not a notice.

    A text for people follows the JSON. With "raw message delivery" off, it is within the JSON of
    SNS.
    """
    notice = _json(mail.first_text)
    if isinstance(inner := notice.get("Message"), str):
        notice = _json(inner)
    if not any(isinstance(notice.get(name), str) for name in _EVENTS):
        return None
    return ses_report(msgspec.json.encode(notice).decode(), mail.id)


def _json(text: str) -> dict[str, Any]:
    """Return the JSON object at the start of `text`; {} if there is none."""
    start = text.lstrip().replace(_BREAK, "")
    if not start.startswith("{"):
        return {}
    try:
        found = JSONDecoder().raw_decode(start)[0]
    except (JSONDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
