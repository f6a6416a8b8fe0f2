"""HTML that is safe to hand to any reader: an allow-list, by nh3 (ammonia).

Nothing that is kept runs, sends, or changes how the page around it looks. One walk does all that
depends on a tag's attributes: what is not allowed goes, every address becomes absolute, and `id`
goes too. An id could only collide with another article's in a page that shows several (all have a
`fn:1`), and nothing needs it: a link within the article leads to the same place on the web
(docs/decisions/0003-links-within-an-article.md).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Set
from contextvars import ContextVar

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
_TAGS = set(_ATTRIBUTES) | set(_PLAIN_TAGS.split())
_DROPPED_WITH_CONTENT = {"script", "style", "template", "svg", "math", "title"}

_TAKEN_OUT = """
    iframe object embed applet form input button select textarea canvas frame frameset link meta
    base dialog marquee
"""
_KNOWN_DROPPED = _DROPPED_WITH_CONTENT | set(_TAKEN_OUT.split())

_VOID_TAGS = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_VOID_TAGS.split())
# These end by themselves where another begins, so that many of them in a row lie side by side.
_OFTEN_LEFT_OPEN = "p li dt dd tr td th tbody thead tfoot option"
_SELF_ENDING = _VOID | frozenset(_OFTEN_LEFT_OPEN.split())
DEEPEST = 250
"""How many tags may lie within each other. Those within are dropped, their words stay."""

_LOADED = {"src", "srcset", "poster"}
_ADDRESSES = {"href", "cite"} | _LOADED
_WEB = {"http", "https"}
_SCHEMES = _WEB | {"mailto", "tel", "xmpp", "magnet", "geo"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# A picture that is written into the article loads nothing, and without it would be lost. A
# drawing (SVG) could have scripts in it.
_WRITTEN_IN = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=%]+\Z")
_LANGUAGE_CLASS = re.compile(r"(?:^|\s)(language-[\w+#.-]+)")
_ALIGNED = re.compile(r"(?:^|;)\s*text-align\s*:\s*(left|right|center|justify)\b", re.IGNORECASE)

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]*)(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_TAG_NAME = re.compile(r"<([A-Za-z][^\s/<>]*)")
_CHECKBOX = re.compile(r"<input\b[^<>]*type=.?checkbox[^<>]*>", re.IGNORECASE)
_FRAME = re.compile(r"<iframe\b([^<>]*)>", re.IGNORECASE)
# What is shown where scripts do not run, as in every reader: its content stays.
_NO_SCRIPT = re.compile(r"</?noscript\b[^<>]*>", re.IGNORECASE)
_FRAME_END = re.compile(r"</iframe\s*>", re.IGNORECASE)
_VALUE = r"""\s*=\s*(?:"([^"]+)"|'([^']+)'|([^"'\s>]+))"""
_SRC = re.compile(r"\bsrc" + _VALUE, re.IGNORECASE)
_TITLE = re.compile(r"\btitle" + _VALUE, re.IGNORECASE)
_FIRST_OF_PRE = re.compile(r"(<pre\b[^>]*>)\n")
_CANDIDATE_END = re.compile(r",\s+|,(?=[^\s,]+\s+[\d.]+[wx])")
_MOST_PASSES = 5

_Attribute = Callable[[str, str, str], str | None]
_Hook = Callable[["sys.UnraisableHookArgs"], object]


def sanitise(html: str, resolve: Callable[[str], str]) -> str:
    """`html` by the allow-list, with every address in it made absolute by `resolve`.

    What a reader would lose altogether is kept in a plainer form: an embedded frame becomes a
    link to it, a task's check box a character.
    """
    names = _tag_names(html)
    if (plainer := _plainer(html, names)) is not html:
        html, names = plainer, _tag_names(plainer)
    _RESOLVE.set(resolve)
    cleaned = _clean(html, _FIRST)
    if names <= _TAGS and "table" not in names and not _has_link_in_link(cleaned):
        return cleaned
    # A tag that went may have kept two others apart, such as a link in a link, which a link that
    # is left open over many blocks comes to be too; and what stands in a table but in no cell is
    # moved before it. All of that will be read in another way: once more, until what is written
    # is what will be read.
    for _ in range(_MOST_PASSES):
        html, cleaned = cleaned, _clean(cleaned, _AGAIN)
        if html == cleaned:
            break
    return cleaned


def _has_link_in_link(html: str) -> bool:
    """Whether a link may begin where one is open."""
    return any(part.count("<a ") + part.count("<a>") > 1 for part in html.split("</a>"))


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name in _ADDRESSES:
        return _address(tag, name, value, _RESOLVE.get())
    if name == "class":
        return found[1] if (found := _LANGUAGE_CLASS.search(value)) else None
    if name == "style":
        return f"text-align:{found[1].lower()}" if (found := _ALIGNED.search(value)) else None
    return value


def _as_it_is(_tag: str, _name: str, value: str) -> str:
    return value


def _cleaner(attribute: _Attribute) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={**_ATTRIBUTES, "*": _EVERYWHERE},
        attribute_filter=attribute,
        url_schemes=_SCHEMES | {"data"},
        strip_comments=True,
        link_rel=None,
    )


def _clean(html: str, cleaner: nh3.Cleaner) -> str:
    dropped: list[BaseException] = []
    token = _DROPPED.set(dropped)
    try:
        cleaned = cleaner.clean(html)
    finally:
        _DROPPED.reset(token)
    if dropped:
        raise dropped[0]
    # Whoever reads it drops the first line end in a `pre`; this one is meant.
    return _FIRST_OF_PRE.sub(r"\1\n\n", cleaned) if "<pre" in cleaned else cleaned


# What is raised while nh3 asks about an attribute, such as by Ctrl-C, it tells Python's hook for
# what nobody can catch, and goes on without that attribute. Here it is caught after all.
_DROPPED: ContextVar[list[BaseException] | None] = ContextVar("dropped", default=None)


def _told(what: sys.UnraisableHookArgs, otherwise: _Hook = sys.unraisablehook) -> None:
    dropped = _DROPPED.get()
    if dropped is None or what.exc_value is None:
        otherwise(what)
    else:
        dropped.append(what.exc_value)


sys.unraisablehook = _told


# They are made once, since that takes a fifth of the time of an article; so what an article's
# addresses become reaches the first, in whatever thread it is at work, by another way.
_RESOLVE: ContextVar[Callable[[str], str]] = ContextVar("resolve")
_FIRST, _AGAIN = _cleaner(_attribute), _cleaner(_as_it_is)


def _address(tag: str, name: str, value: str, resolve: Callable[[str], str]) -> str | None:
    """An address that any reader may follow, or None."""
    if name == "srcset":
        return _srcset(value, resolve) or None
    if tag == "img" and name == "src" and _WRITTEN_IN.match(value):
        return value
    address = resolve(value)
    if address.startswith(("https://", "http://")):  # as nearly all do
        return address
    scheme = _SCHEME.match(address)
    allowed = _WEB if name in _LOADED else _SCHEMES
    return address if scheme and scheme[1].lower() in allowed else None


def _srcset(value: str, resolve: Callable[[str], str]) -> str:
    """A list of image candidates (HTML, 4.8.4.2.1), each address resolved."""
    candidates = (part.split() for part in _CANDIDATE_END.split(value.strip()))
    resolved = ((resolve(parts[0].strip(",")), parts[1:]) for parts in candidates if parts)
    return ", ".join(
        " ".join((address.replace(",", "%2C"), *descriptor))
        for address, descriptor in resolved
        if address.startswith(("http:", "https:"))
    )


def _tag_names(html: str) -> set[str]:
    return set(map(str.lower, set(_TAG_NAME.findall(html))))


def _plainer(html: str, names: Set[str]) -> str:
    """`html`, which has tags with these names, with frames as links, check boxes as characters, and
    no tag too deep."""
    html = _NO_SCRIPT.sub("", html)
    if "iframe" in names:
        html = "".join(_without_frames(_FRAME_END.split(html)))
    if html.count("<") > DEEPEST:
        html = "".join(_not_too_deep(html))
    return _CHECKBOX.sub(_as_character, html) if "input" in names else html


def _without_frames(parts: list[str]) -> Iterator[str]:
    """`parts` of HTML, each but the last of which ended with the end tag of a frame."""
    for part in parts[:-1]:
        frame = _FRAME.search(part)
        yield part[: frame.start()] + _as_link(frame) if frame else part
    yield _FRAME.sub(_as_link, parts[-1])


def _as_link(frame: re.Match[str]) -> str:
    """A link to what a frame shows; a paragraph of its own where the frame began a line."""
    source, title = _SRC.search(frame[1]), _TITLE.search(frame[1])
    if source is None:
        return ""
    href = next(filter(None, source.groups())).replace('"', "&quot;")
    words = next(filter(None, title.groups())) if title else href
    link = f'<a href="{href}">{words}</a>'
    line = frame.string[frame.string.rfind("\n", 0, frame.start()) + 1 : frame.start()]
    return link if line.strip() else f"<p>{link}</p>"


def _as_character(box: re.Match[str]) -> str:
    return "☑" if "checked" in box[0].lower() else "☐"


def _not_too_deep(html: str) -> Iterator[str]:
    """The parts of `html`, without the tags that lie too deep.

    Deep nesting takes any parser of HTML a time that grows with its square.
    """
    depth = end = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() in _SELF_ENDING:
            continue
        depth += 0 if tag[1] else 1
        if depth > DEEPEST:
            yield html[end : tag.start()]
            end = tag.end()
        depth -= 1 if tag[1] and depth else 0
    yield html[end:]


def dropped_tags(html: str) -> Iterator[tuple[str, int]]:
    """Name and place of each tag in a text that `sanitise` takes out or turns into a link."""
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if not found[1] and name in _KNOWN_DROPPED:
            yield name, found.start()
