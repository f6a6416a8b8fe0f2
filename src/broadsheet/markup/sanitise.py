"""HTML that is safe to hand to any reader: an allow-list, by nh3 (ammonia).

One walk does all that depends on a tag's attributes: what is not allowed goes, every address
becomes absolute, and `id` goes too. An id could only collide with another article's in a page
that shows several (all have a `fn:1`), and nothing needs it: a link within the article leads to
the same place on the web (docs/decisions/0003-links-within-an-article.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3

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
    "td": {"colspan", "rowspan", "headers", "style"},
    "th": {"colspan", "rowspan", "headers", "scope", "abbr", "style"},
    "time": {"datetime"},
    "track": {"src", "kind", "srclang", "label"},
    "video": {"src", "poster", "controls", "width", "height", "preload", "loop", "muted"},
}
_PLAIN_TAGS = """
    abbr article aside b bdi big br caption center cite dd dfn div dl dt em figcaption figure
    footer h1 h2 h3 h4 h5 h6 header hr i kbd main mark p picture pre rp rt ruby s samp section
    small span strike strong sub summary sup table tbody tfoot thead tr tt u ul var wbr
"""
_TAGS = set(_ATTRIBUTES) | set(_PLAIN_TAGS.split())
_DROPPED_WITH_CONTENT = {"script", "style", "template", "noscript", "svg", "math", "title"}
_ADDRESSES = {"href", "src", "poster", "cite"}
_SCHEMES = {"http", "https", "mailto", "tel", "xmpp", "magnet", "geo"}
_LANGUAGE_CLASS = re.compile(r"language-[\w+#.-]+")

_IFRAME = re.compile(r"<iframe\b([^>]*)>.*?</iframe\s*>", re.DOTALL | re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_CHECKBOX = re.compile(r"<input\b[^>]*type=.?checkbox[^>]*>", re.IGNORECASE)


def sanitise(html: str, resolve: Callable[[str], str]) -> str:
    """`html` by the allow-list, with every address in it made absolute by `resolve`.

    What a reader would lose altogether is kept in a plainer form: an embedded frame becomes a
    link to it, a task's check box a character.
    """

    def attribute(_tag: str, name: str, value: str) -> str | None:
        if name in _ADDRESSES:
            return resolve(value)
        if name == "srcset":
            return _srcset(value, resolve)
        if name == "class":
            return found[0] if (found := _LANGUAGE_CLASS.search(value)) else None
        return value

    return nh3.clean(
        _CHECKBOX.sub(_as_character, _IFRAME.sub(_as_link, html)),
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={**_ATTRIBUTES, "*": _EVERYWHERE},
        attribute_filter=attribute,
        url_schemes=_SCHEMES,
        filter_style_properties={"text-align"},
        strip_comments=True,
        link_rel=None,
    )


def _srcset(value: str, resolve: Callable[[str], str]) -> str:
    """A list of image candidates (HTML, 4.8.4.2.1), each address resolved."""
    candidates = (part.split() for part in re.split(r",\s+|,(?=\S+\s+[\d.]+[wx])", value.strip()))
    return ", ".join(
        " ".join((resolve(parts[0].strip(",")).replace(",", "%2C"), *parts[1:]))
        for parts in candidates
        if parts
    )


def _as_link(frame: re.Match[str]) -> str:
    source = _SRC.search(frame[1])
    return f'<p><a href="{source[1]}">{source[1]}</a></p>' if source else ""


def _as_character(box: re.Match[str]) -> str:
    return "☑ " if "checked" in box[0].lower() else "☐ "
