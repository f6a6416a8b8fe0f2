"""HTML that is safe to hand to any reader: an allow-list of elements, attributes and schemes.

Nothing that is kept runs, sends, or changes the look of the page around it. Ids are removed too: on
a page with several articles they could collide, and a link within the article leads to the same
place on the web (docs/decisions/0003-links-within-an-article.md).

Why that is enough (docs/decisions/0024-sanitising-in-the-tree.md): the serialiser escapes `<` and
`&` in text and `"` in attributes, and no element of the list changes how a parser reads what
follows: none has raw text, and none is of SVG or MathML. So every parser finds the tags that the
list has let through, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from broadsheet.markup import tree
from broadsheet.markup.tree import Node

Resolve = Callable[[str], str]
_Rule = Callable[[str, Resolve], str | None]  # the value that an attribute keeps; None for none
_Rules = Mapping[str, _Rule]

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
_ALIGNMENT = re.compile(
    r"(?:\A|;)\s*text-align\s*:\s*(left|right|center|justify|start|end)\s*(?:;|\Z)"
)
_LANGUAGE = re.compile(r"(?:^|\s)(?:language-|lang-)([\w+#.-]+)")


def _as_given(value: str, _: Resolve) -> str:
    return value


def _link(value: str, resolve: Resolve, schemes: frozenset[str] = SCHEMES) -> str | None:
    """Return the absolute URL, or None if its scheme is not allowed."""
    address = resolve(value)
    if address.startswith(("https://", "http://")):  # most are
        return address
    scheme = _SCHEME.match(address)
    return address if scheme and scheme[1].lower() in schemes else None


def _file(value: str, resolve: Resolve) -> str | None:
    return _link(value, resolve, LOADED_SCHEMES)


def _image(value: str, resolve: Resolve) -> str | None:
    return value if _INLINE_IMAGE.match(value) else _file(value, resolve)


def _srcset(value: str, resolve: Resolve) -> str:
    """Return a list of image candidates (HTML Standard, 4.8.4.2.1) with each URL resolved."""
    candidates = (part.split() for part in _CANDIDATE_END.split(value.strip()))
    resolved = ((resolve(parts[0].strip(",")), parts[1:]) for parts in candidates if parts)
    return ", ".join(
        " ".join((address.replace(",", "%2C"), *descriptor))
        for address, descriptor in resolved
        if address.startswith(("http:", "https:"))
    )


def _style(value: str, _: Resolve) -> str | None:
    found = _ALIGNMENT.search(value.lower())
    return f"text-align:{found[1]}" if found else None


def _language(value: str, _: Resolve) -> str | None:
    """Return the class of `code` that names its language; the others mean nothing in a feed."""
    found = _LANGUAGE.search(value)
    return f"language-{found[1]}" if found else None


def _rules(given: str = "", **others: _Rule) -> _Rules:
    return {**dict.fromkeys(f"lang dir title {given}".split(), _as_given), **others}


_ATTRIBUTES: dict[str, _Rules] = {
    "a": _rules("hreflang", href=_link),
    "audio": _rules("controls preload loop", src=_file),
    "blockquote": _rules(cite=_link),
    "code": {**_rules(), "class": _language},
    "col": _rules("span"),
    "colgroup": _rules("span"),
    "data": _rules("value"),
    "del": _rules("datetime", cite=_link),
    "details": _rules("open"),
    "img": _rules("sizes alt width height", src=_image, srcset=_srcset),
    "ins": _rules("datetime", cite=_link),
    "li": _rules("value"),
    "ol": _rules("start reversed type"),
    "q": _rules(cite=_link),
    "source": _rules("sizes type media", src=_file, srcset=_srcset),
    "td": _rules("colspan rowspan", style=_style),
    "th": _rules("colspan rowspan scope abbr", style=_style),
    "time": _rules("datetime"),
    "track": _rules("kind srclang label", src=_file),
    "video": _rules("controls width height preload loop muted", src=_file, poster=_file),
}
_PLAIN_TAGS = """
    abbr article aside b bdi big br caption center cite dd dfn div dl dt em figcaption figure
    footer h1 h2 h3 h4 h5 h6 header hr i kbd main mark p picture pre rp rt ruby s samp section
    small span strike strong sub summary sup table tbody tfoot thead tr tt u ul var wbr
"""
ALLOWED: Final = {**dict.fromkeys(_PLAIN_TAGS.split(), _rules()), **_ATTRIBUTES}
"""Element -> attribute -> the rule for its value."""
TAGS: Final = frozenset(ALLOWED)
"""The elements that are kept."""
DROPPED_WITH_CONTENT: Final = frozenset({"script", "style", "template", "svg", "math", "title"})
"""The elements that are removed with their content; others not in TAGS leave theirs."""

DEEPEST: Final = 250
"""The depth of nested elements. Deeper ones are removed; their text stays."""
_MOST_ATTRIBUTES = 100  # of one tag; Lexbor's time grows with the square of their number

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_VOID = "area base br col embed hr img input link meta source track wbr"
# The next one ends these, so many in a row are siblings.
_OFTEN_LEFT_OPEN = "p li dt dd tr td th tbody thead tfoot option"
_SELF_ENDING = frozenset(f"{_VOID} {_OFTEN_LEFT_OPEN}".split())
_MOST_PASSES = 5


def bounded(html: str) -> str:
    """Return `html` without tags that are deeper than DEEPEST or have too many attributes.

    The time of HTML parsers grows with the square of both.
    """
    is_flat = html.count("<") <= DEEPEST or html.count("<") - html.count("</") <= DEEPEST
    return html if is_flat and len(html) <= 50_000 else "".join(_bounded(html))


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


def sanitised(body: Node, resolve: Resolve, *, is_ours: bool = False) -> str:
    """Return the HTML of `body`, by the allow-list, with every URL resolved.

    resolve: returns the absolute URL of a reference. is_ours: whether an engine wrote every tag.
    Where an element goes, those around it may be read in another way, such as a link within a
    link. So HTML in which that can happen is read and written again until it stays as it is.
    """
    if not is_ours:
        tree.remove_comments(body)
    _keep_allowed(body, resolve)
    html = tree.to_html(body)
    for _ in range(0 if is_ours else _MOST_PASSES):
        body, before = tree.parse(html), html
        _keep_allowed(body, str)
        html = tree.to_html(body)
        if html == before:
            break
    return html


def _keep_allowed(body: Node, resolve: Resolve) -> None:
    for node in [*body.traverse()][1:]:  # the first is `body`
        rules = ALLOWED.get(node.tag or "")
        if rules is not None:
            if given := node.attributes:
                _keep_attributes(node, given, rules, resolve)
        elif node.tag in DROPPED_WITH_CONTENT:
            node.decompose()
        else:
            node.unwrap(delete_empty=True)


def _keep_attributes(
    node: Node, given: Mapping[str, str | None], rules: _Rules, resolve: Resolve
) -> None:
    for name, value in given.items():
        rule = rules.get(name)
        kept = rule(value or "", resolve) if rule else None
        if kept is None:
            del node.attrs[name]
        elif kept != (value or ""):
            node.attrs[name] = kept
