"""Email addresses: what is valid, and which spellings are the same (RFC 5321, 5891)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from broadsheet.errors import BroadsheetError, Problem

_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"(?=.{{1,64}}$){_ATEXT}(?:\.{_ATEXT})*", re.ASCII)  # RFC 5322, 3.2.3
_LONGEST: Final = 254  # RFC 5321, 4.5.3.1.3


class AddressError(BroadsheetError):
    """A text that is not a valid email address."""


def checked_address(text: str) -> str:
    """Return `text` as mail is sent to it: ASCII, its domain in lower case and IDNA form.

    DNS is not consulted. Raises AddressError.
    """
    address = text.strip()
    local, at, domain = address.rpartition("@")
    # Almost every address of a long list is plain, and of a domain that it has seen before.
    if at and _LOCAL.fullmatch(local):
        known = _plain_domain(domain)
        if known is not None and len(local) + 1 + len(known) <= _LONGEST:
            return f"{local}@{known}"
    return _validated(address)


def address_key(text: str) -> str:
    """What all spellings of an address have in common.

    The part before the at sign may tell case apart (RFC 5321, section 2.4), but no mail service
    gives `Ann@` and `ann@` to two people, and nobody wants an issue twice.
    """
    if text.isascii():  # only IDNA changes more than the case
        return text.strip().casefold()
    try:
        return checked_address(text).casefold()
    except AddressError:
        return text.strip().casefold()


@lru_cache(maxsize=100_000)
def _plain_domain(domain: str) -> str | None:
    """The domain in the form that mail is sent to; None if it is not valid."""
    try:
        return _validated(f"a@{domain}").removeprefix("a@")
    except AddressError:
        return None


def _validated(address: str) -> str:
    # Only where addresses come in; it takes a moment to import.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(
            Problem(f"{address[:80]!r} is not a valid email address: {_why(error)}", "correct it")
        ) from None
    return found.ascii_email or found.normalized


def _why(error: Exception) -> str:
    return str(error).rstrip(".")
