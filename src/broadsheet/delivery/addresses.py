"""Mail addresses of subscribers: what is one, and which spellings are the same (RFC 5321, 5891)."""

from __future__ import annotations

from broadsheet.errors import BroadsheetError, Problem


class AddressError(BroadsheetError):
    """A text is no mail address that mail can be sent to."""


def checked_address(text: str) -> str:
    """`text` as mail is sent to it: ASCII, its domain in lower case and IDNA form.

    Nothing is asked of DNS. Raises AddressError.
    """
    # Only where addresses come in; it takes a moment to import.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(
            Problem(f"{text.strip()[:80]!r} is no mail address: {_why(error)}", "correct it")
        ) from None
    return found.ascii_email or found.normalized


def address_key(text: str) -> str:
    """What all spellings of an address have in common.

    The part before the at sign may tell case apart (RFC 5321, section 2.4), but no mail service
    gives `Ann@` and `ann@` to two people, and nobody wants an issue twice.
    """
    try:
        return checked_address(text).casefold()
    except AddressError:
        return text.strip().casefold()


def _why(error: Exception) -> str:
    return str(error).rstrip(".")
