"""Mailgun (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/).

BROADSHEET_HOOK_MAILGUN is the "HTTP webhook signing key". The signature does not cover the event,
only a time and a random token: so a token counts for one body only, and not for long.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Final

import msgspec

from broadsheet.bounces.report import RecipientReport, Report
from broadsheet.bounces.webhooks import HookRequest, UnsignedHookError
from broadsheet.bounces.webhooks._events import decoded, failure, kind_of, recipient, report

_VALID_S: Final = 12 * 3600  # Mailgun repeats a request for eight hours
_MAX_TOKENS: Final = 50_000


class MailgunSignature(msgspec.Struct, frozen=True, rename="kebab"):
    """parent_signature: by the key of the account that a subaccount belongs to."""

    timestamp: str | int
    token: str
    signature: str
    parent_signature: str | None = None


class MailgunStatus(msgspec.Struct, frozen=True, rename="kebab"):
    """The reply of the server, or of Mailgun. code: of SMTP, or Mailgun's own above 599."""

    code: int | None = None
    message: str | None = None
    description: str | None = None
    enhanced_code: str | None = None


class MailgunEvent(msgspec.Struct, frozen=True, rename="kebab"):
    """An event."""

    severity: str = ""
    id: str = ""
    recipient: str = ""
    timestamp: float | None = None
    delivery_status: MailgunStatus = MailgunStatus()


class MailgunPayload(msgspec.Struct, frozen=True, rename="kebab"):
    """The body of a request."""

    signature: MailgunSignature
    event_data: msgspec.Raw


def webhook(secret: str) -> MailgunWebhook:
    """Return the webhook."""
    return MailgunWebhook(secret.encode())


@dataclass(frozen=True, slots=True)
class MailgunWebhook:
    """key: signs the requests."""

    key: bytes = field(repr=False)
    _seen: OrderedDict[str, bytes] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __call__(self, request: HookRequest) -> list[Report]:
        """Return the failure, complaint or opt-out."""
        payload = decoded(request.body, MailgunPayload)
        self._verify(payload.signature, sha256(request.body).digest(), request.now)
        kind = kind_of(payload.event_data, "event")
        if kind not in {"complained", "unsubscribed", "failed"}:
            return []
        event = decoded(payload.event_data, MailgunEvent)
        found = _about(kind, event)
        id_ = event.id or payload.signature.token
        return [report(f"mailgun {id_}", event.timestamp, [found])] if found else []

    def _verify(self, given: MailgunSignature, body: bytes, now: datetime) -> None:
        signed = f"{given.timestamp}{given.token}".encode()
        own = hmac.digest(self.key, signed, "sha256").hex().encode()
        written = (given.signature, given.parent_signature or "")
        if not any(hmac.compare_digest(own, each.encode()) for each in written):
            raise UnsignedHookError("the signature is not valid")
        if not str(given.timestamp).isdigit() or (
            abs(now.timestamp() - int(given.timestamp)) > _VALID_S
        ):
            raise UnsignedHookError("the signature is too old")
        with self._lock:
            first = self._seen.setdefault(given.token, body)
            if len(self._seen) > _MAX_TOKENS:
                self._seen.popitem(last=False)
        if first != body:
            raise UnsignedHookError("the signature belongs to another event")


def _about(kind: str, event: MailgunEvent) -> RecipientReport | None:
    match kind:
        case "complained":
            return recipient("complaint", event.recipient)
        case "unsubscribed":
            return recipient("unsubscribe", event.recipient)
        case "failed" if event.severity != "temporary":  # after that, Mailgun tries again
            status = event.delivery_status
            reply = f"{status.code or ''} {status.message or status.description or ''}"
            return failure(event.recipient, reply, status.enhanced_code or "")
    return None
