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
    kind_of,
    recipient,
    report,
)

_VALID_S: Final = 300  # each attempt is signed anew
_PREFIX: Final = "whsec_"
_TEMPORARY: Final = frozenset({"Transient", "Temporary"})


class ResendBounce(msgspec.Struct, frozen=True, rename="camel"):
    """diagnostic_code: the replies of the server. message: those, or Resend's own words."""

    message: str | None = None
    type: str | None = None
    diagnostic_code: list[str] | str | None = None


class ResendMail(msgspec.Struct, frozen=True):
    """The mail that an event is about."""

    to: list[str] | str = []
    bounce: ResendBounce = ResendBounce()


class ResendEvent(msgspec.Struct, frozen=True):
    """An event."""

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
    kind = kind_of(request.body, "type")
    if kind not in {"email.complained", "email.bounced", "email.suppressed"}:
        return []
    event = decoded(request.body, ResendEvent)
    to = event.data.to
    people = addresses([to] if isinstance(to, str) else to)
    found = [_about(kind, event.data.bounce, address) for address in people]
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


def _about(kind: str, bounce: ResendBounce, address: str) -> RecipientReport:
    if kind == "email.complained":
        return recipient("complaint", address)
    if kind == "email.suppressed":
        return recipient("temporary", address, "not sent: on Resend's suppression list")
    replies = bounce.diagnostic_code or bounce.message or ""
    reply = replies if isinstance(replies, str) else " ".join(replies)
    if bounce.type in _TEMPORARY:
        return recipient("temporary", address, reply)
    return failure(address, reply)
