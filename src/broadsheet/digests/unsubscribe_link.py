"""The rule that every mail shows an unsubscribe link, in its HTML and in its plain text.

It applies to the finished mail, whichever template made it. A link counts only if it is visible:
not in a comment, not hidden by CSS (visible.py), and with text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from lxml import etree
from lxml import html as lxml_html

from broadsheet.digests.sender import url_pattern
from broadsheet.digests.visible import CssVisibility
from broadsheet.errors import Problem

_KEEP_HTML: Final = (
    'keep <a href="{{ issue.opt_out.unsubscribe }}"> in digest.html.j2, with text in it, where '
    "nothing hides it"
)
_KEEP_TEXT: Final = "keep {{ issue.opt_out.unsubscribe }} in digest.txt.j2"


def unsubscribe_problems(html: str, text: str, ways: Collection[str]) -> tuple[Problem, ...]:
    """Return the problems of a mail without visible unsubscribe links; () if it has them.

    html, text: its bodies. ways: the URLs by which its reader unsubscribes, of which each body must
    show one. (RFC 2369 and RFC 8058 ask for headers too; digests.message has them.)
    """
    wanted = [way for way in ways if way]
    if not wanted:
        return (
            Problem(
                "readers of this mail cannot unsubscribe",
                "set delivery.service_url, or delivery.sender to an address that someone reads",
            ),
        )
    found: list[Problem] = []
    if what := _wrong_in_html(html, wanted):
        found.append(Problem(what, _KEEP_HTML))
    if not any(re.search(url_pattern(way), text) for way in wanted):
        found.append(Problem("the plain text part has no unsubscribe link", _KEEP_TEXT))
    return tuple(found)


def _wrong_in_html(html: str, ways: Collection[str]) -> str:
    """What is wrong with the links of `html`; "" if a visible link leads to one of `ways`."""
    what = "the HTML part shows no unsubscribe link"
    tree = _tree(html)
    links = [] if tree is None else [a for a in tree.iter("a") if _leads_to(a, ways)]
    if not links:
        written = any(way in html for way in ways)
        return f"{what}: the address is in a comment, or not in a link" if written else what
    for queries in (False, True):
        visibility = CssVisibility(tree, queries=queries)
        reasons = [visibility.hidden_by(link) for link in links]
        if "" not in reasons:
            return f"{what}: the link is not visible ({reasons[0]})"
    return ""


def _tree(html: str) -> Any:
    try:
        return lxml_html.document_fromstring(html)
    except etree.ParserError:  # an empty document
        return None


def _leads_to(link: Any, ways: Collection[str]) -> bool:
    return (link.get("href") or "").strip() in ways
