"""HTML that is safe to hand to any reader: an allow-list, by nh3 (ammonia).

Nothing that is kept runs, sends, or changes the look of the page around it. Ids are removed too: on
a page with several articles they could collide, and a link within the article leads to the same
place on the web (docs/decisions/0003-links-within-an-article.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

import nh3

from broadsheet.markup.tree import Node, keep_line_ends, tag_names

_EVERYWHERE = {"lang", "dir", "title"}
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "hreflang"},
    "audio": {"src", "controls", "preload", "loop"},
    "blockquote": {"cite"},
    "code": {"class"},
    "col": {"span"},
    "colgroup": {"span"},
    "data": {"value"},
    "del": {"cite", "datetime"},
    "details": {"open"},
    "img": {"src", "srcset", "sizes", "alt", "width", "height"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "q": {"cite"},
    "source": {"src", "srcset", "sizes", "type", "media"},
    "td": {"colspan", "rowspan", "style"},
    "th": {"colspan", "rowspan", "scope", "abbr", "style"},
    "time": {"datetime"},
    "track": {"src", "kind", "srclang", "label"},
    "video": {"src", "poster", "controls", "width", "height", "preload", "loop", "muted"},
}
_PLAIN_TAGS = """
    abbr article aside b bdi big br caption center cite dd dfn div dl dt em figcaption figure
    footer h1 h2 h3 h4 h5 h6 header hr i kbd main mark p picture pre rp rt ruby s samp section
    small span strike strong sub summary sup table tbody tfoot thead tr tt u ul var wbr
"""
TAGS: Final = frozenset(_ATTRIBUTES) | frozenset(_PLAIN_TAGS.split())
"""The elements that are kept."""
DROPPED_WITH_CONTENT: Final = frozenset({"script", "style", "template", "svg", "math", "title"})
"""The elements that are removed with their content; others not in TAGS leave theirs."""

DEEPEST: Final = 250
"""The depth of nested elements. Deeper ones are removed; their text stays."""
_MOST_ATTRIBUTES = 100  # of one tag; Lexbor's time grows with the square of their number

_LOADED = {"src", "poster"}
_ADDRESSES = ("href", "cite", "src", "poster")
_HAS_ADDRESS = "[href],[src],[srcset],[cite],[poster]"
LOADED_SCHEMES: Final = frozenset({"http", "https"})
"""The schemes of images and other files."""
_OTHER_SCHEMES = """
    bitcoin ethereum ftp ftps gemini geo gopher irc ircs lightning magnet mailto matrix news nntp
    obsidian rsync sip sips skype sms spotify tel tg urn webcal xmpp zotero
"""
SCHEMES: Final = LOADED_SCHEMES | frozenset(_OTHER_SCHEMES.split())
"""The schemes of links that are kept."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# An image that is embedded in the article loads nothing, and would be lost otherwise. SVG could
# contain scripts.
_INLINE_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=%]+\Z")
_CANDIDATE_END = re.compile(r",\s+|,(?=[^\s,]+\s+[\d.]+[wx])")

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_VOID = "area base br col embed hr img input link meta source track wbr"
# The next one ends these, so many in a row are siblings.
_OFTEN_LEFT_OPEN = "p li dt dd tr td th tbody thead tfoot option"
_SELF_ENDING = frozenset(f"{_VOID} {_OFTEN_LEFT_OPEN}".split())
_MOST_PASSES = 5
# Their content is not HTML, or not text.
_RAW = {"iframe", "noembed", "noframes", "noscript", "plaintext", "textarea", "xmp"}
_HANDLED = TAGS | DROPPED_WITH_CONTENT | _RAW | {"body", "head", "html", "input", "image"}
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9-]*")

_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags=set(DROPPED_WITH_CONTENT),
    attributes={**_ATTRIBUTES, "*": _EVERYWHERE},
    filter_style_properties={"text-align"},
    url_schemes=set(SCHEMES) | {"data"},
    # All are absolute by then, but for what the two parsers read differently.
    url_relative="deny",
    strip_comments=True,
    link_rel=None,
)


def bounded(html: str) -> str:
    """Return `html` without tags that are deeper than DEEPEST or have too many attributes.

    The time of HTML parsers grows with the square of both.
    """
    start_tags = html.count("<") - html.count("</")
    return "".join(_bounded(html)) if start_tags > DEEPEST or len(html) > 50_000 else html


def _bounded(html: str) -> Iterator[str]:
    depth = end = 0
    for tag in _TAG.finditer(html):
        nests = tag[2].lower() not in _SELF_ENDING
        depth += 1 if nests and not tag[1] else 0
        if (nests and depth > DEEPEST) or tag[3].count("=") > _MOST_ATTRIBUTES:
            yield html[end : tag.start()]
            end = tag.end()
        depth -= 1 if nests and tag[1] and depth else 0
    yield html[end:]


def make_absolute(body: Node, resolve: Callable[[str], str]) -> None:
    """Make every URL below `body` absolute, and remove those that are not allowed."""
    for node in {node.mem_id: node for node in body.css(_HAS_ADDRESS)}.values():
        given = node.attributes
        for name in _ADDRESSES:
            if name not in given:
                continue
            address = _address(node, name, given[name] or "", resolve)
            if address is None:
                del node.attrs[name]
            elif address != given[name]:
                node.attrs[name] = address
        if "srcset" in given:
            node.attrs["srcset"] = _srcset(given["srcset"] or "", resolve)


def unwrap_unknown(body: Node, tags: Collection[str]) -> None:
    """Remove the tags of elements below `body` that no reader knows, such as `<int>` in a text.

    The allow-list would do so too, but it drops an element with its content where the name is one
    of SVG or MathML outside of them: `vector`, `int`, `set`, `text`. tags: those in `body`.
    """
    names = [name for name in tags if name not in _HANDLED and _PLAIN_NAME.fullmatch(name)]
    for node in body.css(",".join(names)) if names else ():
        if not _is_foreign(node):
            node.unwrap()


def _is_foreign(node: Node) -> bool:
    above = node.parent
    while above is not None and above.tag not in {"svg", "math"}:
        above = above.parent
    return above is not None


def clean(html: str, *, is_ours: bool = False) -> str:
    """Return `html` by the allow-list; its addresses are absolute already.

    is_ours: whether an engine wrote every tag. Where an element goes, those around it may be read
    in another way, such as a link within a link. So HTML in which that can happen is cleaned again
    until it stays as it is.
    """
    cleaned = _clean(html)
    if is_ours:
        return cleaned
    names = tag_names(html)
    if names <= TAGS and "table" not in names and not _has_link_in_link(cleaned):
        return cleaned
    for _ in range(_MOST_PASSES):
        html, cleaned = cleaned, _clean(cleaned)
        if html == cleaned:
            break
    return cleaned


def _clean(html: str) -> str:
    return keep_line_ends(_CLEANER.clean(html))


def _has_link_in_link(html: str) -> bool:
    """Whether a link may begin where one is open."""
    return any(part.count("<a ") + part.count("<a>") > 1 for part in html.split("</a>"))


def _address(node: Node, name: str, value: str, resolve: Callable[[str], str]) -> str | None:
    """Return the absolute URL, or None if it is not allowed."""
    if node.tag == "img" and name == "src" and _INLINE_IMAGE.match(value):
        return value
    address = resolve(value)
    scheme = _SCHEME.match(address)
    allowed = LOADED_SCHEMES if name in _LOADED else SCHEMES
    return address if scheme and scheme[1].lower() in allowed else None


def _srcset(value: str, resolve: Callable[[str], str]) -> str:
    """Return a list of image candidates (HTML Standard, 4.8.4.2.1) with each URL resolved."""
    candidates = (part.split() for part in _CANDIDATE_END.split(value.strip()))
    resolved = ((resolve(parts[0].strip(",")), parts[1:]) for parts in candidates if parts)
    return ", ".join(
        " ".join((address.replace(",", "%2C"), *descriptor))
        for address, descriptor in resolved
        if address.startswith(("http:", "https:"))
    )
