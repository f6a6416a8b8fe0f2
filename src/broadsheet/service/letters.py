"""The two letters that the service writes: the one that asks to confirm, and the one that need not.

Both are answers to whoever filled in the form; both look alike from outside, so that nobody learns
from a form who is on the list. Plain text: nothing is loaded, and the link can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from broadsheet.digests.sender import Sender
from broadsheet.i18n import Words
from broadsheet.model.publication import Publication

_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one address. message: RFC 5322, ASCII, CRLF."""

    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes letters of `publication` that come from `sender`."""

    publication: Publication
    sender: Sender

    def confirm(self, recipient: str, link: str, days: int, language: str, now: datetime) -> Letter:
        """Asks to follow `link`, which works for so many days."""
        words = Words(language or self.publication.language)
        end = words(
            "service.mail_confirm_end", days=words("service.days", days), publication=self._title
        )
        return self._letter(recipient, words, "mail_confirm", link, end, now)

    def known(self, recipient: str, link: str, language: str, now: datetime) -> Letter:
        """Says that this address gets mail already, and where that can be changed."""
        words = Words(language or self.publication.language)
        end = words("service.mail_known_end", publication=self._title)
        return self._letter(recipient, words, "mail_known", link, end, now)

    @property
    def _title(self) -> str:
        return " ".join(self.publication.title.split())

    def _letter(
        self, recipient: str, words: Words, kind: str, link: str, end: str, now: datetime
    ) -> Letter:
        mail = EmailMessage(policy=_POLICY)
        mail["Date"] = format_datetime(now)
        mail["From"] = Address(self.sender.name, addr_spec=self.sender.address)
        mail["To"] = Address(addr_spec=recipient)
        mail["Subject"] = words(f"service.{kind}_subject", publication=self._title)
        mail["Message-ID"] = make_msgid(domain=self.sender.domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers, please
        mail["Content-Language"] = str(words.locale.language)
        body = words(f"service.{kind}", publication=self._title)
        signed = f"-- \n{self._title}\n{self.publication.url}\n"
        mail.set_content(f"{body}\n\n{link}\n\n{end}\n\n{signed}", cte="quoted-printable")
        return Letter(recipient, mail.as_bytes())
