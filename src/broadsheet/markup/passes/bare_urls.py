"""URLs and e-mail addresses in the text become links (GFM 6.9), also with Chinese right after.

The library's own autolinks include the Chinese text after a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element, replace_text, text_nodes

_URL = re.compile(
    r"(?<![\w@/.=\"'-])(?:https?://|www\.)[\w.~:/?#@!$&'()*+,;=%\[\]-]*[\w/~=%&+#)-]",
    re.ASCII | re.IGNORECASE,
)
_MAIL = re.compile(
    r"(?<![\w@/.=\"'+-])[\w.+-]{1,64}@"
    r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,8}\.[a-z]{2,}(?![\w@-])",
    re.ASCII | re.IGNORECASE,
)
# Both begin with a text, for which a search is fast.
_LINKED_URL = re.compile(r"=\"http[^\"]*\">http")  # the text of a link is often its URL
_HOST = re.compile(r"www\.(?<!://www\.)")
_EMPHASIS = frozenset({"em", "strong", "del"})
_OUTSIDE = frozenset({"a", "code", "kbd", "pre", "samp", "script", "style", "textarea", "title"})


def link_bare_urls(body: Node, context: Context) -> None:
    """Link every URL and e-mail address in the text outside links and code."""
    if not _may_be_in(context.html):
        return
    for node in text_nodes(body, _may_have_one, _OUTSIDE):
        text = node.text_content or ""
        found = [each for each in _addresses(text) if not _goes_on(node, text, each)]
        replace_text(node, _links(node, found))


def _may_be_in(html: str) -> bool:
    """Whether there may be an address outside links."""
    if "@" in html or _HOST.search(html):
        return True
    return html.count("://") > html.count('="http') + len(_LINKED_URL.findall(html))


def _may_have_one(text: str) -> bool:
    return "://" in text or "@" in text or "www." in text


def _goes_on(node: Node, text: str, found: tuple[int, str, str]) -> bool:
    """Whether marks that were read as emphasis cut the address short: `https://e.org/__a__.py`."""
    start, address, _ = found
    after = node.next
    return start + len(address) == len(text) and after is not None and after.tag in _EMPHASIS


def _addresses(text: str) -> list[tuple[int, str, str]]:
    """Return the offset of each address in `text`, the address, and its link target."""
    found = []
    for url in _URL.finditer(text):
        address = _trimmed(url[0])
        href = address if "://" in address else f"https://{address}"
        found.append((url.start(), address, href))
    found += [(mail.start(), mail[0], f"mailto:{mail[0]}") for mail in _MAIL.finditer(text)]
    return sorted(found)


def _trimmed(url: str) -> str:
    """Return `url` without a closing parenthesis that was not opened in it, and what comes before
    that."""
    end, unopened = len(url), url.count(")") - url.count("(")
    while url[end - 1] == ")" and unopened > 0:
        unopened -= 1
        end = len(url[: end - 1].rstrip(".,:;!?'*"))
    return url[:end]


def _links(node: Node, found: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, int, Node]]:
    end = 0
    for start, address, href in found:
        if start >= end:  # else it is inside the previous one
            end = start + len(address)
            yield start, end, element(node, "a", address, href=href)
