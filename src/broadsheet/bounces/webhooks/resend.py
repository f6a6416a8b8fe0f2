"""Resend (https://resend.com/docs/webhooks), signed as https://www.standardwebhooks.com/ specifies.

BROADSHEET_HOOK_RESEND is the signing secret of the webhook, `whsec_...`.
"""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from broadsheet.bounces.mail import addresses
from broadsheet.bounces.report import RecipientReport, Report
from broadsheet.bounces.webhooks import HookRequest, UnsignedHookError, Webhook
from broadsheet.bounces.webhooks._events import (
    decoded,
    failure,
    invalid_secret,
    recipient,
    report,
)

_VALID_S: Final = 300  # each attempt is signed anew
_PREFIX: Final = "whsec_"


class ResendBounce(msgspec.Struct, frozen=True, rename="camel"):
    """diagnostic_code: the replies of the server."""

    message: str | None = None
    type: str | None = None
    diagnostic_code: list[str] | str | None = None


class ResendMail(msgspec.Struct, frozen=True):
    """The mail that an event is about."""

    to: list[str] | str = []
    bounce: ResendBounce = ResendBounce()


class ResendEvent(msgspec.Struct, frozen=True):
    """An event."""

    type: str = ""
    created_at: str | None = None
    data: ResendMail = ResendMail()


def webhook(secret: str) -> Webhook:
    """Return the webhook. Raises UsageError."""
    with suppress(ValueError):
        if key := base64.b64decode(secret.removeprefix(_PREFIX), validate=True):
            return partial(_interpret, key)
    raise invalid_secret("resend", "is not a signing secret", f"copy it from Resend: {_PREFIX}...")


def _interpret(key: bytes, request: HookRequest) -> list[Report]:
    """Return the bounce or complaint."""
    id_ = _verified_id(key, request)
    event = decoded(request.body, ResendEvent)
    to = event.data.to
    people = addresses([to] if isinstance(to, str) else to)
    found = [each for each in (_about(event, address) for address in people) if each]
    return [report(f"resend {id_}", event.created_at, found)] if found else []


def _verified_id(key: bytes, request: HookRequest) -> str:
    """Return the id of the event, which its repetitions share. Raises UnsignedHookError."""
    id_, at, given = (
        request.headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature")
    )
    signed = hmac.digest(key, f"{id_}.{at}.".encode() + request.body, "sha256")
    own = b"v1," + base64.b64encode(signed)
    if not any(hmac.compare_digest(own, each.encode()) for each in given.split()):
        raise UnsignedHookError("the signature is not valid")
    if not at.isdigit() or abs(request.now.timestamp() - int(at)) > _VALID_S:
        raise UnsignedHookError("the signature is too old, or the clock of this machine wrong")
    return id_


def _about(event: ResendEvent, address: str) -> RecipientReport | None:
    match event.type:
        case "email.complained":
            return recipient("complaint", address)
        case "email.bounced":
            bounce = event.data.bounce
            replies = bounce.diagnostic_code or []
            reply = " ".join([replies] if isinstance(replies, str) else replies)
            if not reply or bounce.type == "Transient":
                return recipient("temporary", address, reply or bounce.message or "")
            return failure(address, reply)
        case "email.suppressed":
            return recipient("temporary", address, "not sent: on Resend's suppression list")
    return None
