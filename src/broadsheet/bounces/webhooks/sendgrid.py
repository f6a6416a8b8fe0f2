"""Twilio SendGrid: the signed Event Webhook.

BROADSHEET_HOOK_SENDGRID is the "verification key" of its settings: a public key, in Base64. Source:
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from functools import partial

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from broadsheet.bounces.report import RecipientReport, Report
from broadsheet.bounces.webhooks import (
    HookRequest,
    MalformedHookError,
    UnsignedHookError,
    Webhook,
)
from broadsheet.bounces.webhooks._events import (
    decoded,
    failure,
    invalid_secret,
    kind_of,
    recipient,
    report,
)

log = logging.getLogger("broadsheet.service")

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_KINDS = frozenset({"spamreport", "unsubscribe", "group_unsubscribe", "bounce", "dropped"})
# Why SendGrid sent nothing to an address. Other reasons, such as "Recipient List over Package
# Quota" or "Spam Content", are about the sender, and would end every address in time.
_ADDRESS_DROPPED = frozenset(
    {"unsubscribed address", "bounced address", "spam reporting address", "invalid"}
)


class SendGridEvent(msgspec.Struct, frozen=True):
    """An event. reason: the server's reply, or why SendGrid dropped the mail."""

    email: str = ""
    sg_event_id: str = ""
    timestamp: float | None = None
    reason: str | None = None
    status: str | None = None


def webhook(secret: str) -> Webhook:
    """Return the webhook. Raises UsageError."""
    try:
        key = load_der_public_key(base64.b64decode(secret, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise invalid_secret("sendgrid", "is not a public key", "copy it from SendGrid's settings")
    return partial(_interpret, key)


def _interpret(key: EllipticCurvePublicKey, request: HookRequest) -> list[Report]:
    """Return the failures, complaints and opt-outs in a list of events."""
    signed = request.headers.get(_TIMESTAMP, "").encode() + request.body
    try:
        signature = base64.b64decode(request.headers.get(_SIGNATURE, ""))
        key.verify(signature, signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise UnsignedHookError("the signature is not valid") from error
    return [*_reports(decoded(request.body, list[msgspec.Raw]))]


def _reports(events: list[msgspec.Raw]) -> Iterator[Report]:
    """Yield what the events report, without one that cannot be read: SendGrid sends many."""
    for each in events:
        try:
            kind = kind_of(each, "event")
            event = decoded(each, SendGridEvent) if kind in _KINDS else SendGridEvent()
        except MalformedHookError as error:
            log.warning("webhook sendgrid: an event cannot be read: %s", error)
            continue
        if about := _about(kind, event):
            id_ = event.sg_event_id or f"{event.timestamp} {event.email}"
            yield report(f"sendgrid {id_}", event.timestamp, [about])


def _about(kind: str, event: SendGridEvent) -> RecipientReport | None:
    match kind:
        case "spamreport":
            return recipient("complaint", event.email)
        case "unsubscribe" | "group_unsubscribe":
            return recipient("unsubscribe", event.email)
        case "bounce":
            return failure(event.email, event.reason or "", event.status or "")
        case "dropped" if (event.reason or "").lower() in _ADDRESS_DROPPED:
            return recipient("temporary", event.email, event.reason or "")
    return None
