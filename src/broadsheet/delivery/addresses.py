"""Email addresses: which are valid, and which are the same (RFC 5321, 5891)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from broadsheet.errors import BroadsheetError, Problem

_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"(?=.{{1,64}}$){_ATEXT}(?:\.{_ATEXT})*", re.ASCII)  # RFC 5322, 3.2.3
_MAX_CHARS: Final = 254  # RFC 5321, 4.5.3.1.3


class AddressError(BroadsheetError):
    """A text is not a valid email address."""


def checked_address(text: str) -> str:
    """Return `text` as mail is sent to it: ASCII, its domain in lower case and IDNA form.

    The DNS is not queried. Raises AddressError.
    """
    address = text.strip()
    local, at, domain = address.rpartition("@")
    # email-validator takes 65 µs, more than the rest of a line; domains repeat within a list.
    if at and _LOCAL.fullmatch(local):
        valid = _valid_domain(domain)
        if valid is not None and len(local) + 1 + len(valid) <= _MAX_CHARS:
            return f"{local}@{valid}"
    found = _validated(address)
    if found is None:
        what = f"{address[:80]!r} is not a valid email address: {_reason(address)}"
        raise AddressError(Problem(what, "correct it"))
    return found


def address_key(text: str) -> str:
    """Return what all spellings of an address have in common; some text for an invalid one.

    The part before the @ may be case-sensitive (RFC 5321, section 2.4), but no mail service gives
    `Ann@` and `ann@` to two people, and no one wants an issue twice.
    """
    if text.isascii():  # only IDNA changes more than the case
        return text.strip().casefold()
    try:
        return checked_address(text).casefold()
    except AddressError:
        return text.strip().casefold()


@lru_cache(maxsize=100_000)
def _valid_domain(domain: str) -> str | None:
    """Return the domain in the form that mail is sent to; None if it is not valid."""
    found = _validated(f"a@{domain}")
    return None if found is None else found.removeprefix("a@")


def _validated(address: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return found.ascii_email or found.normalized


def _reason(address: str) -> str:
    """Return what is wrong with an invalid address."""
    local, at, domain = address.rpartition("@")
    if not at:
        return "it has no @"
    if not local or not domain:
        return f"there is nothing {'after' if local else 'before'} the @"
    if re.search(r"[\s,;<>]", address):
        return "it contains a space or punctuation that separates addresses"
    if not local.isascii():
        return "the part before the @ has characters outside ASCII, which few mail servers accept"
    if not _LOCAL.fullmatch(local):
        return f"{local[:40]!r} is not valid before the @"
    if _valid_domain(domain) is None:
        return f"{domain[:40]!r} is not a domain that receives mail"
    return f"it is longer than {_MAX_CHARS} characters"
