"""Postmark (https://postmarkapp.com/developer/webhooks/webhooks-overview).

Postmark does not sign requests but sends the user and password of the URL (HTTP Basic, RFC 7617).
BROADSHEET_HOOK_POSTMARK is `USER:PASSWORD`, and the URL of the webhook
`https://USER:PASSWORD@news.example.org/hooks/postmark`.
"""

from __future__ import annotations

import base64
import hmac
from functools import partial
from typing import Final

import msgspec

from broadsheet.bounces.report import RecipientReport, Report
from broadsheet.bounces.webhooks import HookRequest, UnsignedHookError, Webhook
from broadsheet.bounces.webhooks._events import (
    decoded,
    failure,
    invalid_secret,
    kind_of,
    recipient,
    report,
)

_SHORTEST: Final = 16  # characters of the password
# Types of bounces that are no failures: automatic answers, and what the publisher did.
_NO_FAILURES: Final = frozenset(
    {
        *("AutoResponder", "AddressChange", "ChallengeVerification", "Subscribe", "OpenRelayTest"),
        *("ManuallyDeactivated", "Unconfirmed", "InboundError", "TemplateRenderingFailed"),
    }
)
_COMPLAINTS: Final = frozenset(["SpamComplaint"])
_OPT_OUTS: Final = frozenset(["Unsubscribe"])


class PostmarkEvent(msgspec.Struct, frozen=True, rename="pascal"):
    """An event: a bounce, a complaint, or a change of Postmark's own list."""

    id: int | None = msgspec.field(name="ID", default=None)
    message_id: str = msgspec.field(name="MessageID", default="")
    type: str = ""
    details: str | None = None
    email: str = ""
    bounced_at: str | None = None
    recipient: str = ""
    changed_at: str | None = None
    suppress_sending: bool = False
    suppression_reason: str | None = None


def webhook(secret: str) -> Webhook:
    """Return the webhook. Raises UsageError."""
    user, _, password = secret.partition(":")
    if not user or len(password) < _SHORTEST:
        todo = f"write USER:PASSWORD, with a password of {_SHORTEST} characters or more"
        raise invalid_secret("postmark", "has no user, or too short a password", todo)
    return partial(_interpret, base64.b64encode(secret.encode()))


def _interpret(credentials: bytes, request: HookRequest) -> list[Report]:
    """Return the bounce, complaint or opt-out. credentials: user and password, as they are sent."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), credentials):
        raise UnsignedHookError("user or password is wrong")
    kind = kind_of(request.body, "RecordType")
    if kind not in {"Bounce", "SpamComplaint", "SubscriptionChange"}:
        return []
    event = decoded(request.body, PostmarkEvent)
    found = _about(kind, event)
    id_ = str(event.id) if event.id is not None else f"{event.message_id} {event.changed_at}"
    at = event.bounced_at or event.changed_at
    return [report(f"postmark {id_}", at, [found])] if found else []


def _about(kind: str, event: PostmarkEvent) -> RecipientReport | None:
    words = event.details or ""
    match kind:
        case "SubscriptionChange":
            # The bounces and complaints that it also reports have events of their own.
            left = event.suppress_sending and event.suppression_reason == "ManualSuppression"
            return recipient("unsubscribe", event.recipient) if left else None
        case "SpamComplaint":
            return recipient("complaint", event.email, words)
        case "Bounce" if event.type in _COMPLAINTS:
            return recipient("complaint", event.email, words)
        case "Bounce" if event.type in _OPT_OUTS:
            return recipient("unsubscribe", event.email, words)
        case "Bounce" if event.type not in _NO_FAILURES:
            return failure(event.email, words)
    return None
