"""What the mail that comes back says: the bytes of a mail in, values out.

Delivery status notifications (RFC 3464; RFC 6533 for international mail), abuse reports (RFC 5965),
the two older forms that are still met (qmail's QSBMF, and Exim's before it spoke MIME), and the
mails by which readers leave (RFC 2369). Anyone may send such a mail, so nothing in it is trusted to
be well formed; what is none of these raises `Unread` and nothing else. Who the subscriber is, and
what follows, is decided elsewhere.
"""

from broadsheet.bounces.mbox import mails
from broadsheet.bounces.reading import LARGEST, read
from broadsheet.bounces.report import Finding, Kind, Report, Unread, Wish

__all__ = ["LARGEST", "Finding", "Kind", "Report", "Unread", "Wish", "mails", "read"]
