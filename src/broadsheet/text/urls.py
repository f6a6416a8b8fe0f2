"""URLs as RFC 3986 writes them: encoded exactly once, and joined as browsers join them."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

# What may stand unencoded in a path, query or fragment (RFC 3986, section 3.3), and "%", which
# `_encode_part` has made sure begins an escape.
_SAFE = "/%:@!$&'()*+,;=~-._"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# An address of the web that stays as it is: nothing to drop, to join or to encode.
_PART = r"[{0}]*(?:%[0-9A-Fa-f]{{2}}[{0}]*)*"
WHOLE_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/{})?(?:\?(?=[^#]){})?(?:#(?=.){})?".format(
        _PART.format(r"\w:@!$&'()*+,=~./-"), *[_PART.format(r"\w:@!$&'()*+,=~./?-")] * 2
    ),
    re.ASCII,
)
_PLAIN = re.compile(r"(?!//)[\w@!$&'()*+,;=~./-]*", re.ASCII)  # a path, likewise


def encode(address: str) -> str:
    """`address` as an RFC 3986 URI: what needs an escape gets one, what has one keeps it."""
    return address if is_encoded(address) else encode_parts(address)


def is_encoded(address: str) -> bool:
    """Whether it is easily seen that `encode_parts` would leave `address` as it is."""
    return bool(WHOLE_URL.fullmatch(address) or _PLAIN.fullmatch(address))


def encode_parts(address: str) -> str:
    """`encode`, part by part."""
    try:
        parts = urlsplit(address)
        return urlunsplit(
            (
                parts.scheme,
                _encode_authority(parts.netloc),
                _encode_part(parts.path),
                _encode_part(parts.query, "?"),
                _encode_part(parts.fragment, "?"),
            )
        )
    except ValueError:  # such as a bracketed host that is no IPv6 address
        return _encode_part(address, "?#")


def join(base: str, reference: str) -> str:
    """`reference` as seen from `base`. What is no address, such as `//[a`, is none afterwards."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return "https:" + reference if reference.startswith("//") else reference


def _encode_part(text: str, also_safe: str = "") -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_SAFE + also_safe, errors="replace")


def _encode_authority(authority: str) -> str:
    """A host, which may have a port after it and a user before it."""
    if authority.isascii():
        return quote(authority, safe="@:[]%!$&'()*+,;=~-._")
    user, mark, place = authority.rpartition("@")
    host, colon, port = place.partition(":")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        host = quote(host, safe="")
    return _encode_part(user) + mark + host + colon + quote(port, safe="")
