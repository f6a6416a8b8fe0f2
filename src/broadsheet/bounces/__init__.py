"""Returned mail, and what a server's reply means.

Delivery status notifications (RFC 3464; RFC 6533 for international mail), abuse reports (RFC 5965),
the older reports of qmail and Exim, reports in no standard form, and unsubscribe
mails (RFC 2369): the bytes of a mail in, values out. Anyone may send such a mail, so nothing in it
is trusted to be well formed; any other mail raises `Unread` and nothing else. Who the subscriber
is, and what follows, is decided elsewhere. `verdict` holds the rules for replies, which
`delivery` uses too.
"""

from broadsheet.bounces.mbox import mails
from broadsheet.bounces.reading import LARGEST, read
from broadsheet.bounces.report import Finding, Kind, Report, Unread, Wish

__all__ = ["LARGEST", "Finding", "Kind", "Report", "Unread", "Wish", "mails", "read"]
