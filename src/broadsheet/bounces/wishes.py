"""Mails by which readers leave: what the `mailto:` of List-Unsubscribe makes (RFC 2369, 3.2).

Mail programs and providers write them for the reader. The subject holds the mark, which is all that
counts: anyone can write any sender. Whether the mark is ours is decided elsewhere.
"""

from __future__ import annotations

import re
from email.message import Message

from broadsheet.bounces.parts import addresses, date_of, decoded_header, field, is_automatic_answer
from broadsheet.bounces.report import Unread, Wish

_REPLY = r"\W*(?:(?:re|fwd?|aw|wg|回复|答复|转发)\s*[:：]\s*)*"
_LEAVES = re.compile(_REPLY + "(?:unsubscribe|退订)", re.IGNORECASE)


def wish(mail: Message, id_: str) -> Wish | None:
    """The wish that `mail` tells; None when its subject tells none.

    Raises Unread for an automatic answer. A mail that a program made for the reader
    (`auto-generated`) is none (RFC 3834, section 5).
    """
    subject = decoded_header(field(mail, "Subject"))
    if not _LEAVES.match(subject):
        return None
    submitted = field(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted in {"auto-replied", "auto-notified"} or is_automatic_answer(mail):
        raise Unread("it is an automatic answer")
    sender = next(iter(addresses(mail.get_all("From", []))), "")
    # What our own server wrote goes before what the sender's clock says.
    received = field(mail, "Received").rpartition(";")[2]
    return Wish(id_, date_of(received) or date_of(field(mail, "Date")), subject, sender)
