"""The services whose exports are recognised, one entry each: what their columns say about consent.

Headings and words are in the form of `consent.plain`. Where the column names are from: Ghost,
listmonk and Sendy: their own exporters; Substack, Mailchimp and beehiiv: the sample files of
Ghost's migration tools; Buttondown (SubscriberType), Kit, MailerLite, Campaign Monitor and Constant
Contact: the states in their API references; Klaviyo, Shopify and HubSpot: their help pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from broadsheet.delivery.consent import Kind
from broadsheet.delivery.subscribers import Status


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its export.

    marks: sets of headings; a file with all of one set is an export of it. states: the headings of
    columns that hold consent. words: further values of them. harmless: headings that look as if
    they held consent, and do not. files: beginnings of file names, where each state has a file of
    its own. note: what its export does not tell, and what to do.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    states: Mapping[str, Kind] = field(default_factory=dict)
    words: Mapping[str, Status] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()
    files: Mapping[str, Status] = field(default_factory=dict)
    note: str = ""


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(_set(each) for each in sets)


def _set(headings: str) -> frozenset[str]:
    return frozenset(each.strip() for each in headings.split(","))


SERVICES: Final = (
    Service(
        "Broadsheet",
        _marks("address, topics, digests, status, since, cause"),
        states={"status": "status"},
    ),
    Service(
        "Ghost",
        _marks("subscribed to emails, complimentary plan"),
        states={"subscribed to emails": "opted-in", "deleted at": "opted-out"},
    ),
    Service(
        "Substack",
        _marks("email, email disabled", "email, active subscription, expiry"),
        states={"email disabled": "opted-out"},
        harmless=_set("active subscription, subscription type, type, plan, prefer digests"),
    ),
    Service(
        "Buttondown",
        _marks(
            "subscriber type", "email address, type, creation date", "email, type, creation date"
        ),
        states={
            "subscriber type": "status",
            "type": "status",
            "unsubscription date": "opted-out",
            "undeliverability date": "bounced",
        },
        words={
            "regular": "active",
            "premium": "active",
            "gifted": "active",
            "trialed": "active",
            "churning": "active",
            "churned": "active",
            "past due": "active",
            "paused": "active",
            "upcoming": "active",
            "unpaid": "pending",
        },
        harmless=_set(
            "unsubscription reason, undeliverability reason, subscription date, churn date,"
            " commenting disabled, subscriber import id, stripe subscription, bounce date,"
            " bounce reason, gift subscription message, gift subscription end date"
        ),
    ),
    Service(
        "Mailchimp",
        _marks("member rating, optin time", "leid, euid", "unsub time, leid", "clean time, leid"),
        states={"unsub time": "opted-out", "clean time": "bounced"},
        harmless=_set(
            "optin time, optin ip, confirm time, confirm ip, unsub campaign title,"
            " unsub campaign id, unsub reason, unsub reason other, clean campaign title,"
            " clean campaign id"
        ),
        files={
            "unsubscribed": "unsubscribed",
            "cleaned": "bounced",
            "nonsubscribed": "pending",
            "sms only": "pending",
        },
    ),
    Service(
        "listmonk",
        _marks("uuid, attributes, status", "uuid, attribs, status"),
        states={"status": "status"},
        note="listmonk's export does not say who left a single list; for each list, export the"
        " subscribers that unsubscribed too, and import them with --as unsubscribed",
    ),
    Service(
        "Kit",
        _marks("first name, email address, state", "first name, email, state, created at"),
        states={"state": "status"},
        words={"inactive": "pending", "cold": "active"},
    ),
    Service(
        "beehiiv",
        _marks("email, status, tier", "email, status, subscription tier"),
        states={"status": "status", "unsubscribed at": "opted-out"},
        words={"inactive": "unsubscribed"},
        harmless=_set("subscription tier, subscription date (substack)"),
    ),
    Service(
        "MailerLite",
        _marks("subscriber, sent, opens, clicks", "subscriber, name, last name"),
        states={
            "status": "status",
            "unsubscribed": "opted-out",
            "unsubscribed at": "opted-out",
            "unsubscribe time": "opted-out",
        },
        harmless=_set(
            "opted in at, optin ip, opt in ip, confirmation time, confirmation ip, signup ip"
        ),
    ),
    Service(
        "Sendy",
        _marks("joined, last activity, added via, status"),
        states={"status": "status"},
        harmless=_set("opt in method, signed up from, gdpr"),
    ),
    Service(
        "Campaign Monitor",
        _marks("email address, date, state", "email address, date subscribed, state"),
        states={"state": "status"},
        harmless=_set("date subscribed, consent to track"),
    ),
    Service(
        "Constant Contact",
        _marks("email status, email permission status"),
        states={"email status": "status", "email permission status": "status"},
        words={
            "explicit": "active",
            "implied": "active",
            "express": "active",
            "not set": "pending",
            "awaiting for confirmation": "pending",
            "temp hold": "pending",
            "no permissions set": "pending",
        },
    ),
    Service(
        "Klaviyo",
        _marks("email marketing consent"),
        states={"email marketing consent": "status"},
        harmless=_set(
            "email marketing consent timestamp, sms marketing consent,"
            " sms marketing consent timestamp"
        ),
    ),
    Service(
        "Shopify",
        _marks("accepts email marketing"),
        states={"accepts email marketing": "opted-in"},
        harmless=_set("accepts sms marketing, state, province code, tax exempt"),
    ),
    Service(
        "HubSpot",
        _marks("unsubscribed from all email", "portal unsubscribe, portal bounce"),
        states={
            "unsubscribed from all email": "opted-out",
            "portal unsubscribe": "opted-out",
            "portal bounce": "bounced",
            "global bounce": "bounced",
            "portal spam report": "complained",
        },
        harmless=_set("lead status, marketing contact status, lifecycle stage"),
    ),
)


def recognised(headings: Iterable[str]) -> Service | None:
    """The service that a file with these headings comes from; None if that is not clear."""
    there = frozenset(headings)
    return next(
        (each for each in SERVICES if any(marks <= there for marks in each.marks)),
        None,
    )
