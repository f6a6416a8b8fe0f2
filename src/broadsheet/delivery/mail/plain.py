"""Mails of Broadsheet itself, such as confirmations and reminders.

They are plain text: nothing is loaded, and links are visible.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final

from broadsheet.digests.message import header_fields
from broadsheet.digests.sender import Sender
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication

if TYPE_CHECKING:  # cryptography takes time to import
    from broadsheet.delivery.mail.dkim import Signer

_POLICY: Final = SMTP.clone(cte_type="7bit")


def plain_mail(
    publication: Publication,
    sender: Sender,
    recipient: str,
    words: Words,
    subject: str,
    paragraphs: Iterable[str],
    now: datetime,
    message_id: str = "",
) -> bytes:
    """Return a mail in the language of `words` (RFC 5322, ASCII, CRLF).

    message_id: without brackets; a random one by default.
    """
    title = " ".join(publication.title.split())
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = format_datetime(now)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{message_id}>" if message_id else make_msgid(domain=sender.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation replies
    mail["Content-Language"] = words.language
    signature = f"-- \n{title}\n{publication.url}\n"
    mail.set_content("\n\n".join((*paragraphs, signature)), cte="quoted-printable")
    return mail.as_bytes()


def signed(message: bytes, signer: Signer | None) -> bytes:
    """Return `message` with a DKIM signature; unchanged without a signer."""
    if signer is None:
        return message
    return signer.header(header_fields(message), message.partition(b"\r\n\r\n")[2]) + message
