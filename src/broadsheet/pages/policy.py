"""The Content-Security-Policy (level 3) of pages that Broadsheet writes or serves.

It is a second line of defence: articles are sanitised before. The templates of `pages` and of the
web version of an issue contain theirs; here are those of a mail opened as a page and of the live
preview.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

_PAGE: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; "
    "base-uri 'none'; form-action 'none'"
)
_META: Final = '<meta http-equiv="Content-Security-Policy" content="{policy}">'
_ANY_META: Final = re.compile(
    r"\n?<meta\s[^>]*http-equiv=[\"']?content-security-policy\b[^>]*>", re.IGNORECASE
)
# Everything that may precede the content of the head; each part is optional.
_TOP: Final = re.compile(
    r"\A(?:\s|<!--.*?-->|<!doctype[^>]*>|<html\b[^>]*>)*(?:<head\b[^>]*>)?",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE: Final = "https: http: data:"

OF_A_MAIL: Final = _META.format(policy=_PAGE.format(images=_ANYWHERE))
"""The element that allows a mail in a browser only its own styles and images."""

_ON_DISK: Final = _META.format(policy=_PAGE.format(images=f"'self' file: {_ANYWHERE}"))


def guarded(html: str) -> str:
    """Return a whole document with the policy of a mail at the top of its head."""
    return _with(OF_A_MAIL, html)


def unguarded(html: str) -> str:
    """Return the document without the policy of `guarded`: the mail as sent."""
    return html.replace(f"\n{OF_A_MAIL}", "", 1)


def previewed(html: str) -> str:
    """Return `html` with a policy, instead of its own, that also allows images on disk."""
    return _with(_ON_DISK, _ANY_META.sub("", html, count=1))


def _with(meta: str, html: str) -> str:
    top = _TOP.match(html)
    end = top.end() if top else 0
    return f"{html[:end]}\n{meta}{html[end:]}"


def of_script(text: str) -> str:
    """Return the source expression that allows exactly the script, or the style, `text`."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
