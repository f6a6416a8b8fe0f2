"""Unsubscribe mails, as the `mailto:` link in List-Unsubscribe creates them (RFC 2369, 3.2).

Mail programs and providers write them for the reader. Only the token in the subject counts, since
the sender can be forged; `delivery.returned_mail` checks it.
"""

from __future__ import annotations

import re
from typing import Final

from broadsheet.bounces.mail import ReturnedMail, parsed_date
from broadsheet.bounces.report import UnsubscribeRequest

ORDER = 60

_REPLY_PREFIX: Final = r"\W*(?:(?:re|fwd?|aw|wg|回复|答复|转发)\s*[:：]\s*)*"
_SUBJECT: Final = re.compile(_REPLY_PREFIX + "(?:unsubscribe|退订)", re.IGNORECASE)


def interpret(mail: ReturnedMail) -> UnsubscribeRequest | None:
    """Return the request in `mail`; None if its subject is something else.

    Programs write it for the reader, and mark it `auto-generated` or even `auto-replied` (Apple
    Mail; RFC 3834, section 5).
    """
    if not _SUBJECT.match(mail.subject):
        return None
    # The time that our own server wrote is more reliable than the sender's clock.
    received = parsed_date(mail.field("Received").rpartition(";")[2])
    sent_by = next(iter(mail.addresses_in("From")), "")
    date = received or parsed_date(mail.field("Date"))
    return UnsubscribeRequest(mail.id, date, mail.subject, sent_by)
