"""Email addresses: which are valid, and which are the same."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.delivery.addresses import AddressError, address_key, checked_address

LOCALS = st.text("aZ9.+_-!'é @\"", max_size=6) | st.sampled_from(["x" * 64, "x" * 65])
DOMAINS = st.sampled_from(
    [
        "b.org",
        "B.ORG",
        "x.test",
        "localhost",
        "b",
        "bücher.de",
        "-b.org",
        "b_c.org",
        "[192.0.2.1]",
        "b.org.",
        "例子.cn",
        "xn--bcher-kva.de",
        "XN--Fsqu00a.XN--P1AI",
    ]
) | st.text("ab.-", max_size=6)


@given(LOCALS, DOMAINS)
def test_the_shortcut_agrees_with_the_library(local: str, domain: str) -> None:
    """An address is valid, and normalised, as by email-validator."""
    address = f"{local}@{domain}"
    try:
        found = validate_email(address.strip(), check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        with pytest.raises(AddressError):
            checked_address(address)
    else:
        assert checked_address(address) == found.ascii_email
        assert address_key(address) == found.ascii_email.casefold()


@pytest.mark.parametrize(
    ("given_", "sent"),
    [
        ("  ann@Example.ORG ", "ann@example.org"),
        ("Ann@bücher.example.org", "Ann@xn--bcher-kva.example.org"),
        ("a.b+c@例子.cn", "a.b+c@xn--fsqu00a.cn"),
    ],
)
def test_addresses_are_normalised(given_: str, sent: str) -> None:
    """The domain in lower case and IDNA form, the rest as given."""
    assert checked_address(given_) == sent
    assert address_key(given_) == address_key(sent.upper())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has no @"),
        ("ann", "it has no @"),
        ("ann@", "there is nothing after the @"),
        ("@x.org", "there is nothing before the @"),
        ("a b@x.org", "it contains a space or"),
        ("a@x.org, b@x.org", "it contains a space or"),
        ("张@x.org", "characters outside ASCII"),
        (".a@x.org", "'.a' is not valid before the @"),
        ("a@x", "'x' is not a domain that receives mail"),
        ("a@-x.org", "'-x.org' is not a domain"),
        ("a" * 60 + "@" + "b.c" * 64 + ".org", "it is longer than 254 characters"),
    ],
)
def test_an_invalid_address_is_refused_with_the_reason(text: str, why: str) -> None:
    """The message names the address, in our own words."""
    with pytest.raises(AddressError) as raised:
        checked_address(text)
    assert str(raised.value).startswith(f"{text[:80]!r} is not a valid email address: ")
    assert why in str(raised.value)
