"""The policy of every page that Broadsheet writes or serves (Content-Security-Policy, level 3).

It is the second lock: what an article says is clean before it stands in a page. The templates of
`pages` and the web version of an issue have theirs written out; here is what is put into a mail
that is opened as a page, and what the live preview sends.
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
# What may stand before the content of the head; any of it may be missing.
_TOP: Final = re.compile(
    r"\A(?:\s|<!--.*?-->|<!doctype[^>]*>|<html\b[^>]*>)*(?:<head\b[^>]*>)?",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE: Final = "https: http: data:"

OF_A_MAIL: Final = _META.format(policy=_PAGE.format(images=_ANYWHERE))
"""The element that forbids a mail, opened in a browser, all but its own styles and images."""

_ON_DISK: Final = _META.format(policy=_PAGE.format(images=f"'self' file: {_ANYWHERE}"))


def guarded(html: str) -> str:
    """`html`, a whole document, with the policy of a mail at the top of its head."""
    return _with(OF_A_MAIL, html)


def unguarded(html: str) -> str:
    """What `guarded` was given: the mail as it is sent."""
    return html.replace(f"\n{OF_A_MAIL}", "", 1)


def previewed(html: str) -> str:
    """`html` with a policy in the place of its own that takes images from the disk too."""
    return _with(_ON_DISK, _ANY_META.sub("", html, count=1))


def _with(meta: str, html: str) -> str:
    top = _TOP.match(html)
    end = top.end() if top else 0
    return f"{html[:end]}\n{meta}{html[end:]}"


def of_script(text: str) -> str:
    """The source expression that allows the script `text`, to the letter, and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
