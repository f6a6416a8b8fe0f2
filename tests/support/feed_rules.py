"""A strict validator of feeds, written from the specifications, for the tests.

It shares no code with `broadsheet`. Each function takes a document as it was served and returns
a list of its problems. Sources:

- Atom: RFC 4287; archives: RFC 5005; URIs: RFC 3986; dates: RFC 3339; languages: BCP 47
- RSS 2.0 (rssboard.org/rss-specification) and its Advisory Board's profile (rssboard.org)
- JSON Feed 1.1 (jsonfeed.org/version/1.1); OPML 2.0 (opml.org/spec2); Media RSS
- HTML inside them: valid for a strict HTML parser, with the elements and attributes that the feed
  validation service of the W3C calls safe. What that service only warns of is a finding here too.
"""

from __future__ import annotations

import html
import json
import re
from calendar import day_abbr, month_abbr
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from html.entities import name2codepoint
from typing import Any
from urllib.parse import urlsplit

import feedparser
import html5lib
from babel import Locale
from html5lib.html5parser import ParseError
from lxml import etree

LARGEST = 5_000_000
"""Bytes; the W3C's service reads no more of a document."""

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "fh": "http://purl.org/syndication/history/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xml": "http://www.w3.org/XML/1998/namespace",
}
_PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
_MANY = 1_000_000
_ONE, _MAYBE, _ANY = (1, 1), (0, 1), (0, _MANY)

_MEDIA = {"media:content": _ANY, "media:thumbnail": _ANY}
_MEDIA_TEXTS = {"media:title": _MAYBE, "media:description": _MAYBE, "media:thumbnail": _ANY}
_PERSON = {"atom:name": _ONE, "atom:uri": _MAYBE, "atom:email": _MAYBE}
_ATOM_CHILDREN: dict[str, dict[str, tuple[int, int]]] = {
    "atom:feed": {
        **dict.fromkeys(("atom:id", "atom:title", "atom:updated"), _ONE),
        **dict.fromkeys(("atom:generator", "atom:icon", "atom:logo"), _MAYBE),
        **dict.fromkeys(("atom:rights", "atom:subtitle", "fh:archive", "fh:complete"), _MAYBE),
        **dict.fromkeys(("atom:author", "atom:contributor", "atom:category"), _ANY),
        **dict.fromkeys(("atom:link", "atom:entry"), _ANY),
        "xhtml:div": _MAYBE,
    },
    "atom:entry": {
        **dict.fromkeys(("atom:id", "atom:title", "atom:updated", "atom:published"), _ONE),
        **dict.fromkeys(("atom:summary", "atom:content", "atom:rights", "atom:source"), _MAYBE),
        **dict.fromkeys(("atom:author", "atom:contributor", "atom:category", "atom:link"), _ANY),
        **_MEDIA,
    },
    "atom:author": _PERSON,
    "atom:contributor": _PERSON,
    "media:content": _MEDIA_TEXTS,
}
_RSS_CHILDREN: dict[str, dict[str, tuple[int, int]]] = {
    "rss": {"channel": _ONE},
    "channel": {
        **dict.fromkeys(("title", "link", "description", "language", "lastBuildDate"), _ONE),
        **dict.fromkeys(("copyright", "docs", "generator", "image", "managingEditor"), _MAYBE),
        **dict.fromkeys(("pubDate", "ttl", "webMaster", "fh:archive", "fh:complete"), _MAYBE),
        **dict.fromkeys(("atom:link", "category", "item"), _ANY),
        "xhtml:div": _MAYBE,
    },
    "image": {
        **dict.fromkeys(("url", "title", "link"), _ONE),
        **dict.fromkeys(("width", "height", "description"), _MAYBE),
    },
    "item": {
        **dict.fromkeys(("title", "link", "description", "guid", "pubDate"), _ONE),
        **dict.fromkeys(("author", "comments", "enclosure", "source"), _MAYBE),
        **dict.fromkeys(("content:encoded", "dc:language", "dcterms:modified"), _MAYBE),
        **dict.fromkeys(("category", "dc:creator"), _ANY),
        **_MEDIA,
    },
    "media:content": _MEDIA_TEXTS,
}
_OPML_CHILDREN: dict[str, dict[str, tuple[int, int]]] = {
    "opml": {"head": _ONE, "body": _ONE},
    "head": dict.fromkeys(
        ("title", "dateCreated", "dateModified", "ownerName", "ownerEmail", "ownerId", "docs"),
        _MAYBE,
    ),
    "body": {"outline": (1, _MANY)},
    "outline": {"outline": _ANY},
}
_CONTAINERS = _ATOM_CHILDREN.keys() | _RSS_CHILDREN.keys() | _OPML_CHILDREN.keys()
_EMPTY = {"atom:link", "atom:category", "enclosure", "fh:archive", "fh:complete", "outline"}
_ATTRIBUTES: dict[str, set[str]] = {
    "atom:link": {"rel", "href", "type", "hreflang", "title", "length"},
    "atom:category": {"term", "scheme", "label"},
    "atom:generator": {"uri", "version"},
    "atom:title": {"type"},
    "atom:subtitle": {"type"},
    "atom:summary": {"type"},
    "atom:rights": {"type"},
    "atom:content": {"type", "src"},
    "rss": {"version"},
    "guid": {"isPermaLink"},
    "enclosure": {"url", "length", "type"},
    "category": {"domain"},
    "source": {"url"},
    "media:content": {"url", "fileSize", "type", "medium", "isDefault", "expression", "bitrate",
                      "framerate", "samplingrate", "channels", "duration", "height", "width",
                      "lang"},
    "media:thumbnail": {"url", "height", "width", "time"},
    "media:title": {"type"},
    "media:description": {"type"},
    "opml": {"version"},
    "outline": {"text", "type", "isComment", "isBreakpoint", "created", "category", "xmlUrl",
                "description", "htmlUrl", "language", "title", "version", "url"},
}  # fmt: skip
_RELATIONS = {"alternate", "current", "enclosure", "first", "hub", "last", "license", "next",
              "next-archive", "prev-archive", "previous", "related", "replies", "search", "self",
              "up", "via"}  # fmt: skip
_HISTORY_RELATIONS = {
    "current", "first", "last", "next", "next-archive", "prev-archive", "previous",
}  # fmt: skip


def _words(text: str) -> set[str]:
    return set(text.split())


# The elements that the W3C's service considers safe and that HTML still has.
_SAFE_ELEMENTS = _words(
    "a abbr acronym address area article aside audio b bdi big blockquote br caption center cite "
    "code col colgroup data dd del details dfn dir div dl dt em fieldset figcaption figure footer "
    "font h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd label legend li main map mark menu "
    "meter nav ol p picture pre progress q rp rt ruby s samp section small source span strike "
    "strong sub summary sup table tbody td tfoot th thead time tr track tt u ul var video "
    "wbr"
)
_SAFE_ATTRIBUTES = _words(
    "abbr align alt cite class colspan coords data datetime default dir headers height high href "
    "hreflang id ismap kind label lang loading longdesc loop low max media min muted name open "
    "optimum poster preload rel rev reversed rowspan scope shape sizes span src srclang srcset "
    "start style summary title type usemap valign value width"
)
_SAFE_STYLES = {"background-color", "border", "clear", "color", "direction", "float", "font-family",
                "font-size", "font-style", "font-weight", "height", "line-height", "text-align",
                "text-decoration", "vertical-align", "white-space", "width"}  # fmt: skip
_ADDRESS_ATTRIBUTES = {"href", "src", "poster", "cite", "data", "longdesc", "background", "action"}
_ELEMENT_NAMES = _SAFE_ELEMENTS | _words(
    "body button canvas embed form frame frameset head html iframe input link meta noscript object "
    "option param script select slot style svg template textarea title"
)

_PLANE_ENDS = "".join(chr(p + 0xFFFE) + chr(p + 0xFFFF) for p in range(0x10000, 0x110000, 0x10000))
_UNWELCOME = re.compile(  # C0 except tab and line end, DEL, C1, surrogates, noncharacters, U+FFFD
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff" + _PLANE_ENDS + "]"
)
_TWICE_ENCODED = re.compile("[\xc2\xc3][\x80-\xbf]")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)
_MAIL = re.compile(r"[\w.'+-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_RFC_822 = re.compile(
    r"(?P<weekday>\w{3}), (?P<day>\d\d) (?P<month>\w{3}) (?P<year>\d{4}) "
    r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d ([+-]([01]\d|2[0-3])[03]0|GMT)"
)
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?(-([a-z0-9]{5,8}|\d\w{3}))*(-[a-z]-[\w-]+)?",
    re.IGNORECASE | re.ASCII,
)
_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(//(?P<authority>[^/?#]*))?(?P<path>[^?#]*)"
    r"(\?(?P<query>[^#]*))?(#(?P<fragment>.*))?"
)
_SEGMENTS = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_PATH = re.compile(_SEGMENTS)
_AFTER_PATH = re.compile(_SEGMENTS.replace("@/", "@/?"))
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\]")
_TAG_URI = re.compile(
    r"tag:([a-z0-9._-]+@)?[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:[A-Za-z0-9;/?:@&=+$._!~*'(),%#-]*"
)
_URN = re.compile(r"urn:(?!uuid:)[a-z0-9][a-z0-9-]{1,31}:([\w()+,.:=@;$!*'/~-]|%[0-9A-F]{2})+"
                  r"|urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)  # fmt: skip
_CANDIDATE = re.compile(r"(?P<url>\S*[^\s,])( (\d+w|\d+(\.\d+)?x))?")
_WRITTEN_ADDRESS = re.compile(r"""<(?:a\s+href|img\s[^>]*src)=["']([^"']*)["']""", re.IGNORECASE)
_MARKUP_LIKE = re.compile(r"</(\w+)>")
_ENTITY_LIKE = re.compile(r"&(#?\w+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """rule: its short name. where: an element's path, or a JSON pointer. what: the problem."""

    rule: str
    where: str
    what: str


@dataclass(slots=True)
class _Findings:
    """The findings so far. now: later dates are findings; None: no date is."""

    now: datetime | None = None
    all: list[Finding] = field(default_factory=list)

    def add(self, rule: str, where: str, what: str) -> None:
        self.all.append(Finding(rule, where, what[:200]))

    # -- values that every format has

    def uri(self, where: str, value: str, *, canonical: bool = False) -> None:
        """Check an absolute URI that any parser accepts; canonical: as ids must be compared."""
        found = _URI.fullmatch(value)
        if not found:
            self.add("uri-absolute", where, value)
            return
        scheme = found["scheme"].lower()
        if scheme in {"tag", "urn"}:
            if not (_TAG_URI if scheme == "tag" else _URN).fullmatch(value):
                self.add("uri-syntax", where, value)
            return
        if scheme == "mailto":
            if not _MAIL.fullmatch(found["path"].partition(",")[0]):
                self.add("uri-syntax", where, value)
            return
        if not _PATH.fullmatch(found["path"]) or not all(
            _AFTER_PATH.fullmatch(found[part] or "") for part in ("query", "fragment")
        ):
            self.add("uri-encoding", where, value)
        elif re.search(r"%25[0-9A-Fa-f]{2}", value):
            self.add("uri-encoded-twice", where, value)
        if scheme in {"http", "https"}:
            self._web_host(where, found["authority"] or "", value)
        if canonical:
            self._canonical(where, found, value)

    def _web_host(self, where: str, authority: str, value: str) -> None:
        host = re.sub(r":\d*$", "", authority.rpartition("@")[2])
        if not _HOST.fullmatch(host):
            self.add("uri-host", where, value)

    def _canonical(self, where: str, found: re.Match[str], value: str) -> None:
        """Normalise a URI, so that equal URIs are written equally (RFC 3986, section 6.2.2)."""
        escapes = re.findall(r"%[0-9A-Fa-f]{2}", value)
        authority = found["authority"] or ""
        if (
            any(escape != escape.upper() for escape in escapes)
            or any(re.match(r"[\w.~-]", chr(int(e[1:], 16)), re.ASCII) for e in escapes)
            or found["scheme"] + authority != (found["scheme"] + authority).lower()
            or {".", ".."} & set(found["path"].split("/"))
            or (authority and not found["path"])
            or re.search(r":(80|443)?$", authority)
        ):
            self.add("uri-canonical", where, value)

    def web_address(self, where: str, value: str) -> None:
        """Check a web URL, as images and enclosures need one."""
        self.uri(where, value)
        if not re.match(r"https?://[^/]+/", value):
            self.add("uri-web", where, value)

    def rfc_3339(self, where: str, value: str) -> None:
        if not _RFC_3339.fullmatch(value):
            self.add("date-rfc3339", where, value)
            return
        try:
            self._plausible(where, datetime.fromisoformat(value))
        except ValueError:
            self.add("date-rfc3339", where, value)

    def rfc_822(self, where: str, value: str) -> None:
        found = _RFC_822.fullmatch(value)
        if not found or found["month"] not in list(month_abbr)[1:]:
            self.add("date-rfc822", where, value)
            return
        try:
            day = date(
                int(found["year"]), list(month_abbr).index(found["month"]), int(found["day"])
            )
        except ValueError:
            self.add("date-rfc822", where, value)
            return
        if day_abbr[day.weekday()] != found["weekday"]:
            self.add("date-weekday", where, value)
        self._plausible(where, parsedate_to_datetime(value))

    def _plausible(self, where: str, moment: datetime) -> None:
        if moment.year < 1990:
            self.add("date-implausible", where, moment.isoformat())
        if self.now is not None and moment > self.now:
            self.add("date-future", where, moment.isoformat())

    def language(self, where: str, value: str) -> None:
        known = Locale("en").languages
        if not _LANGUAGE.fullmatch(value) or value.partition("-")[0].lower() not in known:
            self.add("language", where, value)

    def media_type(self, where: str, value: str) -> None:
        if not _MEDIA_TYPE.fullmatch(value):
            self.add("media-type", where, value)

    def mail(self, where: str, value: str) -> None:
        if not _MAIL.fullmatch(value):
            self.add("mail-address", where, value)

    def number(self, where: str, value: str, *, least: int = 0) -> None:
        if not re.fullmatch(r"\d+", value, re.ASCII) or int(value) < least:
            self.add("number", where, value)

    def characters(self, where: str, value: str) -> None:
        if found := _UNWELCOME.search(value):
            self.add("character", where, f"U+{ord(found[0]):04X}")
        if found := _TWICE_ENCODED.search(value):
            self.add("character-encoded-twice", where, repr(found[0]))

    def unique(self, rule: str, where: str, values: Iterable[str]) -> None:
        for value, count in Counter(values).items():
            if count > 1:
                self.add(rule, where, f"{count} times: {value}")

    def plain(self, where: str, value: str) -> None:
        """Plain text must not look like markup."""
        for tag in _MARKUP_LIKE.findall(value):
            if tag.lower() in _ELEMENT_NAMES:
                self.add("text-markup", where, value)
        for name in _ENTITY_LIKE.findall(value):
            if name in name2codepoint or name == "apos" or not name.isalpha():
                self.add("text-markup", where, value)

    # -- HTML

    def html(self, where: str, value: str) -> None:
        """Check HTML content: every parser reads it alike, all of it is safe, each URL absolute."""
        self.characters(where, html.unescape(value))
        for address in _WRITTEN_ADDRESS.findall(value):  # as a reader with a regex would
            self.uri(f"{where} (as written)", html.unescape(address).strip())
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        try:
            tree = parser.parseFragment(value)
        except ParseError as error:
            self.add("html-syntax", where, f"{error}")
            return
        ids = []
        for element in tree.iter():
            if isinstance(element.tag, str) and element.tag != "DOCUMENT_FRAGMENT":
                self._element(f"{where} <{element.tag}>", element)
                ids += [element.get("id")] if element.get("id") is not None else []
        self.unique("html-id", where, ids)

    def _element(self, where: str, element: Any) -> None:
        if element.tag not in _SAFE_ELEMENTS:
            self.add("html-element", where, element.tag)
        if element.tag == "img":
            if not (element.get("src") or element.get("srcset")):
                self.add("html-image", where, "no src")
            if element.get("alt") is None:
                self.add("html-alt", where, element.get("src") or "")
        for name, value in element.attrib.items():
            self._html_attribute(where, name, value)

    def _html_attribute(self, where: str, name: str, value: str) -> None:
        if name not in _SAFE_ATTRIBUTES:
            self.add("html-attribute", where, f'{name}="{value}"')
        elif name in _ADDRESS_ATTRIBUTES:
            self.uri(f"{where} {name}", value)
        elif name == "srcset":
            self._srcset(where, value)
        elif name == "style":
            self._style(where, value)
        elif name in {"lang", "hreflang", "srclang"}:
            self.language(f"{where} {name}", value)
        elif name in {"width", "height", "colspan", "rowspan"}:
            self.number(f"{where} {name}", value.removesuffix("%"))

    def _srcset(self, where: str, value: str) -> None:
        for part in re.split(r",\s+", value):
            if candidate := _CANDIDATE.fullmatch(part):
                self.uri(f"{where} srcset", candidate["url"])
            else:
                self.add("html-srcset", where, value)

    def _style(self, where: str, value: str) -> None:
        for declaration in filter(None, map(str.strip, value.split(";"))):
            name, colon, given = declaration.partition(":")
            safe = colon and name.strip() in _SAFE_STYLES and re.fullmatch(r"[\w\s#%.,-]+", given)
            if not safe:
                self.add("html-style", where, declaration)
            for address in re.findall(r"url\(\s*[\"']?([^\"')]*)", given):
                self.uri(f"{where} url()", address)


# -- XML


@dataclass(slots=True)
class _Xml:
    """An XML document under examination. lines: as they were served."""

    findings: _Findings
    root: Any
    lines: list[str]

    @classmethod
    def read(cls, data: bytes, now: datetime | None) -> _Xml | None:
        findings = _Findings(now)
        if len(data) > LARGEST:
            findings.add("size", "/", f"{len(data)} bytes")
        if not re.match(rb"<\?xml version=['\"]1\.0['\"] encoding=['\"]UTF-8['\"]", data):
            findings.add("xml-declaration", "/", repr(data[:60]))
        if b"<!DOCTYPE" in data[:500]:
            findings.add("xml-doctype", "/", "a feed has none")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            findings.add("xml", "/", str(error))
            return cls(findings, None, [])
        return cls(findings, root, data.decode("utf-8", "replace").split("\n"))

    def structure(self, children: Mapping[str, Mapping[str, tuple[int, int]]]) -> None:
        """Check names, attributes, cardinalities, and the characters of everything."""
        for element in self.root.iter(etree.Element):
            where, name = self.where(element), qualified(element)
            if name.startswith(
                "xhtml:"
            ):  # the children of the feed are counted; within, HTML rules
                continue
            self._namespaces(where, element)
            if name in children:
                self._children(where, element, children[name])
            elif len(element):
                self.findings.add("child", where, f"{name} holds elements")
            self._text(where, name, element)
            for attribute, value in element.attrib.items():
                self._attribute(where, name, attribute, value)

    def where(self, element: Any) -> str:
        return str(self.root.getroottree().getelementpath(element)).replace(
            f"{{{NAMESPACES['atom']}}}", ""
        )

    def _namespaces(self, where: str, element: Any) -> None:
        for prefix, uri in element.nsmap.items():
            if uri not in _PREFIXES:
                self.findings.add("namespace", where, uri)
            elif prefix not in {None, _PREFIXES[uri]}:
                self.findings.add("namespace-prefix", where, f"{prefix}: for {uri}")
            elif prefix == "atom" and qualified(self.root) == "atom:feed":
                self.findings.add("namespace-prefix", where, "a prefix for Atom in Atom")

    def _children(self, where: str, element: Any, known: Mapping[str, tuple[int, int]]) -> None:
        counts = Counter(qualified(child) for child in element.iterchildren(etree.Element))
        for name in counts.keys() - known.keys():
            self.findings.add("element-unknown", where, name)
        for name, (least, most) in known.items():
            if counts[name] < least:
                self.findings.add("element-missing", where, name)
            if counts[name] > most:
                self.findings.add("element-repeated", where, f"{counts[name]} of {name}")

    def _text(self, where: str, name: str, element: Any) -> None:
        text = "".join(element.itertext()) if not len(element) else ""
        direct = (element.text or "") + "".join(child.tail or "" for child in element)
        self.findings.characters(where, text)
        if name in _CONTAINERS | _EMPTY and direct.strip():
            self.findings.add("text-stray", where, direct.strip())
        if name not in _CONTAINERS | _EMPTY:
            if not text.strip():
                self.findings.add("text-blank", where, name)
            elif text != text.strip():
                self.findings.add("text-space", where, repr(text[:40]))

    def _attribute(self, where: str, name: str, attribute: str, value: str) -> None:
        self.findings.characters(f"{where} {attribute}", value)
        if attribute == f"{{{NAMESPACES['xml']}}}lang":
            self.findings.language(f"{where} xml:lang", value)
        elif attribute not in _ATTRIBUTES.get(name, set()):
            self.findings.add("attribute-unknown", where, f"{attribute} of {name}")
        elif not value.strip():
            self.findings.add("attribute-blank", where, attribute)

    def each(self, *names: str) -> Iterator[tuple[str, Any, str]]:
        """Yield path, element and text of every element with one of the names."""
        for element in self.root.iter(etree.Element):
            if qualified(element) in names:
                yield self.where(element), element, (element.text or "").strip()

    def on(self, check: Callable[[str, str], None], *names: str) -> None:
        """Check the text of every element with one of the names."""
        for where, _, text in self.each(*names):
            check(where, text)

    def after(self, container: Any, last: str) -> None:
        """Check that the elements of the head precede the entries (RSS profile; RFC 4287 leaves it
        open)."""
        names = [qualified(child) for child in container.iterchildren(etree.Element)]
        if last in names and any(name != last for name in names[names.index(last) :]):
            self.findings.add("order", self.where(container), f"after {last}")

    def media(self) -> None:
        """Check Media RSS, and the enclosures of both formats."""
        for where, element, _ in self.each("media:content", "media:thumbnail"):
            self.findings.web_address(where, element.get("url", ""))
            for name in ("fileSize", "width", "height"):
                if element.get(name) is not None:
                    self.findings.number(f"{where} {name}", element.get(name), least=1)
            if element.get("medium", "image") not in {"image", "audio", "video", "document"}:
                self.findings.add("media-medium", where, element.get("medium"))
            if element.get("type") is not None:
                self.findings.media_type(f"{where} type", element.get("type"))
        for where, element, text in self.each("media:title", "media:description"):
            if element.get("type", "plain") == "plain":
                self.findings.plain(where, text)

    def links(self, container: Any, kind: str) -> None:
        """Check the Atom links of a feed, channel or entry (RFC 4287, 4.2.7)."""
        links = list(container.iterchildren(f"{{{NAMESPACES['atom']}}}link"))
        for link in links:
            where, rel = self.where(link), link.get("rel", "alternate")
            if rel not in _RELATIONS:
                self.findings.add("link-rel", where, rel)
            self.findings.uri(f"{where} href", link.get("href", ""))
            if link.get("type") is not None:
                self.findings.media_type(f"{where} type", link.get("type"))
            if link.get("length") is not None:
                self.findings.number(f"{where} length", link.get("length"))
            if rel == "self" and link.get("type") != kind:
                self.findings.add("link-self-type", where, str(link.get("type")))
            if rel == "enclosure" and not (link.get("type") and link.get("length")):
                self.findings.add("enclosure", where, "no type or length")
            if rel in _HISTORY_RELATIONS and qualified(container) == "atom:entry":
                self.findings.add("link-rel", where, f"{rel} in an entry")
        alike = [
            f"{link.get('rel', 'alternate')} {link.get('type')} {link.get('hreflang')}"
            for link in links
            if link.get("rel", "alternate") in {"alternate", "self", "current", "prev-archive"}
        ]
        self.findings.unique("link-repeated", self.where(container), alike)

    def head_links(self, container: Any) -> None:
        """Check that a feed names its own URL, and an archive its feed (RFC 5005, section 4)."""
        links = list(container.iterchildren(f"{{{NAMESPACES['atom']}}}link"))
        relations = {link.get("rel", "alternate") for link in links}
        where = self.where(container)
        if "self" not in relations:
            self.findings.add("link-self", where, "none")
        if container.find(f"{{{NAMESPACES['fh']}}}archive") is None:
            if "current" in relations:
                self.findings.add("archive-mark", where, "`current` in what is no archive")
            return
        if "current" not in relations:
            self.findings.add("archive-current", where, "no `current`")
        if not relations & {"prev-archive", "next-archive"}:
            self.findings.add("archive-incomplete", where, "neither `prev-` nor `next-archive`")


def qualified(element: Any) -> str:
    """Return the name of `element` with the usual prefix of its namespace, if it has one."""
    name = etree.QName(element)
    if name.namespace is None:
        return str(name.localname)
    return f"{_PREFIXES.get(name.namespace, name.namespace)}:{name.localname}"


# -- the formats


def atom(data: bytes, now: datetime | None = None) -> list[Finding]:
    """Return the problems of an Atom document (RFC 4287, RFC 5005, Media RSS)."""
    document = _Xml.read(data, now)
    findings, root = document.findings, document.root
    if root is None or qualified(root) != "atom:feed":
        findings.add("root", "/", "no atom:feed")
        return findings.all
    document.structure(_ATOM_CHILDREN)
    document.after(root, "atom:entry")
    document.head_links(root)
    entries = root.findall(f"{{{NAMESPACES['atom']}}}entry")
    for container in (root, *entries):
        document.links(container, "application/atom+xml")
    for entry in entries:
        _atom_entry(document, entry)
    if root.find(f"{{{NAMESPACES['atom']}}}author") is None:
        for entry in entries:
            if entry.find(f"{{{NAMESPACES['atom']}}}author") is None:
                findings.add("author", document.where(entry), "none, and none of the feed")
    if f"{{{NAMESPACES['xml']}}}lang" not in root.attrib:
        findings.add("language", "/", "the feed names none")
    document.on(lambda where, text: findings.uri(where, text, canonical=True), "atom:id")
    document.on(findings.rfc_3339, "atom:updated", "atom:published")
    document.on(findings.uri, "atom:icon", "atom:logo", "atom:uri")
    document.on(findings.mail, "atom:email")
    document.on(findings.plain, "atom:name", "atom:generator")
    _atom_texts(document)
    _atom_categories(document)
    document.media()
    ids = [text for _, _, text in document.each("atom:id")]
    findings.unique("id-repeated", "/", ids)
    updated = [e.findtext(f"{{{NAMESPACES['atom']}}}updated", "") for e in entries]
    findings.unique("updated-repeated", "/", updated)
    return findings.all


def _atom_entry(document: _Xml, entry: Any) -> None:
    """Check that an entry has text, and a URL to read it at (RFC 4287, 4.1.2)."""
    where, space = document.where(entry), {"a": NAMESPACES["atom"]}
    if entry.find("a:content", space) is None and entry.find("a:summary", space) is None:
        document.findings.add("content-missing", where, "neither summary nor content")
    relations = [link.get("rel", "alternate") for link in entry.findall("a:link", space)]
    if "alternate" not in relations:
        document.findings.add("link-alternate", where, "none")
    published = entry.findtext("a:published", "", space)
    updated = entry.findtext("a:updated", "", space)
    try:
        turned = datetime.fromisoformat(updated) < datetime.fromisoformat(published)
    except (ValueError, TypeError):  # `rfc_3339` reports it
        return
    if turned:
        document.findings.add("date-order", where, f"{updated} before {published}")


def _atom_texts(document: _Xml) -> None:
    texts = ("atom:title", "atom:subtitle", "atom:summary", "atom:rights", "atom:content")
    for where, element, text in document.each(*texts):
        kind = element.get("type", "text")
        if kind == "html":
            document.findings.html(where, text)
        elif kind == "text":
            document.findings.plain(where, text)
        else:
            document.findings.add("text-type", where, kind)


def _atom_categories(document: _Xml) -> None:
    for where, element, _ in document.each("atom:category"):
        if not element.get("term"):
            document.findings.add("category", where, "no term")
        document.findings.plain(where, element.get("label", ""))
        if element.get("scheme") is not None:
            document.findings.uri(f"{where} scheme", element.get("scheme"))


def rss(data: bytes, now: datetime | None = None) -> list[Finding]:
    """Return the problems of an RSS document (RSS 2.0, the RSS profile, Media RSS, RFC 5005)."""
    document = _Xml.read(data, now)
    findings, root = document.findings, document.root
    if root is None or root.tag != "rss" or root.get("version") != "2.0":
        findings.add("root", "/", "no rss of version 2.0")
        return findings.all
    document.structure(_RSS_CHILDREN)
    channel = root.find("channel")
    if channel is None:
        return findings.all
    document.after(channel, "item")
    document.head_links(channel)
    document.links(channel, "application/rss+xml")
    for item in channel.findall("item"):
        _rss_item(document, item)
    document.on(findings.uri, "link", "comments", "docs")
    document.on(findings.web_address, "url")
    document.on(findings.rfc_822, "pubDate", "lastBuildDate")
    document.on(findings.rfc_3339, "dcterms:modified")
    document.on(findings.language, "language", "dc:language")
    for where, _, text in document.each("managingEditor", "webMaster", "author"):
        if not re.fullmatch(rf"{_MAIL.pattern} \(.+\)", text):
            findings.add("mail-name", where, text)
    _rss_texts(document)
    document.media()
    findings.unique("id-repeated", "/", [text for _, _, text in document.each("guid")])
    if (image := channel.find("image")) is not None:
        for name in ("title", "link"):
            if image.findtext(name) != channel.findtext(name):
                findings.add("image", document.where(image), f"its {name} is not the channel's")
    return findings.all


def _rss_item(document: _Xml, item: Any) -> None:
    findings, where = document.findings, document.where(item)
    names = [qualified(child) for child in item]
    if "content:encoded" in names and "description" not in names[: names.index("content:encoded")]:
        findings.add("order", where, "content:encoded before description")
    if (guid := item.find("guid")) is not None:
        if guid.get("isPermaLink") not in {"true", "false"}:
            findings.add("guid", where, "isPermaLink is not said")
        elif guid.get("isPermaLink") == "true" and guid.text != item.findtext("link"):
            one, other = (
                urlsplit(each or "").netloc for each in (guid.text, item.findtext("link"))
            )
            if one == other:  # a link post may link elsewhere
                findings.add("guid", where, "a permalink that is not the link")
        findings.uri(f"{where}/guid", guid.text or "", canonical=True)
    if (enclosure := item.find("enclosure")) is not None:
        findings.web_address(f"{where}/enclosure", enclosure.get("url", ""))
        findings.number(f"{where}/enclosure", enclosure.get("length", ""))
        findings.media_type(f"{where}/enclosure", enclosure.get("type", ""))


def _rss_texts(document: _Xml) -> None:
    """Check plain text by the profile: `&` and `<` in it are written as `&#x26;` and `&#x3C;`."""
    for where, element, text in document.each("title", "category", "copyright", "description"):
        if qualified(element.getparent()) == "item" and qualified(element) == "description":
            document.findings.html(where, text)
            continue
        tags = [tag for tag in _MARKUP_LIKE.findall(text) if tag.lower() in _ELEMENT_NAMES]
        if tags:
            document.findings.add("text-markup", where, text)
        line = "\n".join(document.lines[element.sourceline - 1 :][: text.count("\n") + 1])
        if re.search(r"<[/a-zA-Z]|&#?\w", text) and "&#x" not in line:
            document.findings.add("text-profile", where, text)
    document.on(document.findings.html, "content:encoded")


_JSON_FEED = {
    "version": str, "title": str, "home_page_url": str, "feed_url": str, "description": str,
    "user_comment": str, "next_url": str, "icon": str, "favicon": str, "authors": list,
    "language": str, "expired": bool, "hubs": list, "items": list,
}  # fmt: skip
_JSON_ITEM = {
    "id": str, "url": str, "external_url": str, "title": str, "content_html": str,
    "content_text": str, "summary": str, "image": str, "banner_image": str, "date_published": str,
    "date_modified": str, "authors": list, "tags": list, "language": str, "attachments": list,
}  # fmt: skip
_JSON_AUTHOR = {"name": str, "url": str, "avatar": str}
_JSON_ATTACHMENT = {
    "url": str, "mime_type": str, "title": str, "size_in_bytes": int, "duration_in_seconds": int,
}  # fmt: skip


def json_feed(data: bytes, now: datetime | None = None) -> list[Finding]:
    """Return the problems of a JSON Feed document (version 1.1)."""
    findings = _Findings(now)
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_no_key_twice)
    except ValueError as error:
        findings.add("json", "/", str(error))
        return findings.all
    _json_object(findings, "", document, _JSON_FEED)
    if document.get("version") != "https://jsonfeed.org/version/1.1":
        findings.add("root", "/version", str(document.get("version")))
    for name in ("title", "home_page_url", "feed_url", "items", "language"):
        if name not in document:
            findings.add("element-missing", "/", name)
    if document.get("next_url") == document.get("feed_url"):
        findings.add("link-next", "/next_url", "it is the feed itself")
    for number, hub in enumerate(document.get("hubs", [])):
        _json_object(findings, f"/hubs/{number}", hub, {"type": str, "url": str})
    _json_authors(findings, "", document)
    for number, item in enumerate(document.get("items", [])):
        _json_item(findings, f"/items/{number}", item)
    ids = [item.get("id") for item in document.get("items", [])]
    findings.unique("id-repeated", "/items", ids)
    return findings.all


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _json_object(findings: _Findings, where: str, given: Any, known: Mapping[str, type]) -> None:
    """Check keys and their types, and whatever a key says about its value."""
    for name, value in given.items():
        place = f"{where}/{name}"
        if name not in known:
            if not name.startswith("_"):
                findings.add("element-unknown", place, name)
        elif type(value) is not known[name]:
            findings.add("json-type", place, repr(value))
        elif value in ("", []) and name != "items":
            findings.add("text-blank", place, "empty")
        elif isinstance(value, str):
            findings.characters(place, value)
            _json_text(findings, place, name, value)


def _json_text(findings: _Findings, place: str, name: str, value: str) -> None:
    if name.endswith("url") or name in {"icon", "favicon", "image", "banner_image", "avatar"}:
        findings.uri(place, value)
    elif name.startswith("date_"):
        findings.rfc_3339(place, value)
    elif name == "language":
        findings.language(place, value)
    elif name == "mime_type":
        findings.media_type(place, value)
    elif name == "content_html":
        findings.html(place, value)


def _json_authors(findings: _Findings, where: str, given: Mapping[str, Any]) -> None:
    for number, author in enumerate(given.get("authors", [])):
        _json_object(findings, f"{where}/authors/{number}", author, _JSON_AUTHOR)
        if not author.keys() & _JSON_AUTHOR.keys():
            findings.add("author", f"{where}/authors/{number}", "it says nothing")


def _json_item(findings: _Findings, where: str, item: Mapping[str, Any]) -> None:
    _json_object(findings, where, item, _JSON_ITEM)
    for name in ("id", "url", "title", "date_published", "date_modified", "language"):
        if name not in item:
            findings.add("element-missing", where, name)
    if not item.keys() & {"content_html", "content_text"}:
        findings.add("content-missing", where, "neither content_html nor content_text")
    _json_authors(findings, where, item)
    findings.unique("tag-repeated", where, item.get("tags", []))
    for tag in item.get("tags", []):
        if not isinstance(tag, str) or not tag.strip():
            findings.add("json-type", f"{where}/tags", repr(tag))
    for number, attachment in enumerate(item.get("attachments", [])):
        place = f"{where}/attachments/{number}"
        _json_object(findings, place, attachment, _JSON_ATTACHMENT)
        if not {"url", "mime_type"} <= attachment.keys():
            findings.add("enclosure", place, "no url or mime_type")


def opml(data: bytes, now: datetime | None = None) -> list[Finding]:
    """Return the problems of a subscription list (OPML 2.0)."""
    document = _Xml.read(data, now)
    findings, root = document.findings, document.root
    if root is None or root.tag != "opml" or root.get("version") != "2.0":
        findings.add("root", "/", "no opml of version 2.0")
        return findings.all
    document.structure(_OPML_CHILDREN)
    document.on(findings.rfc_822, "dateCreated", "dateModified")
    document.on(findings.mail, "ownerEmail")
    for where, outline, _ in document.each("outline"):
        if not outline.get("text"):
            findings.add("outline", where, "no text")
        if outline.get("type") == "rss" and not (outline.get("xmlUrl") and outline.get("title")):
            findings.add("outline", where, "no xmlUrl or title")
        for name in ("xmlUrl", "htmlUrl", "url"):
            if outline.get(name) is not None:
                findings.uri(f"{where} {name}", outline.get(name))
    addresses = [outline.get("xmlUrl", "") for _, outline, _ in document.each("outline")]
    findings.unique("outline-repeated", "/", filter(None, addresses))
    return findings.all


# -- across formats


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """What one document says about one article; dates are moments in UTC."""

    id: str
    url: str
    title: str
    published: datetime
    updated: datetime
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    language: str
    summary: str
    content: str
    image: str
    attachment: tuple[str, str, str]


def facts_of_atom(data: bytes) -> list[EntryFacts]:
    """Return the entries of an Atom document."""
    root, a = etree.fromstring(data), {"a": NAMESPACES["atom"], "m": NAMESPACES["media"]}
    xml_lang = f"{{{NAMESPACES['xml']}}}lang"

    def links(entry: Any, rel: str) -> list[Any]:
        return [link for link in entry.findall("a:link", a) if link.get("rel", "alternate") == rel]

    return [
        EntryFacts(
            id=entry.findtext("a:id", "", a),
            url=_attribute(next(iter(links(entry, "alternate")), None), "href"),
            title=_text_construct(entry.find("a:title", a)),
            published=_moment(entry.findtext("a:published", "", a)),
            updated=_moment(entry.findtext("a:updated", "", a)),
            authors=tuple(e.findtext("a:name", "", a) for e in entry.findall("a:author", a)),
            categories=tuple(e.get("term") for e in entry.findall("a:category", a)),
            language=entry.get(xml_lang) or root.get(xml_lang, ""),
            summary=_text_construct(entry.find("a:summary", a)),
            content=entry.findtext("a:content", "", a),
            image=_attribute(entry.find("m:content", a), "url"),
            attachment=_attachment(next(iter(links(entry, "enclosure")), None), "href"),
        )
        for entry in root.findall("a:entry", a)
    ]


def facts_of_rss(data: bytes) -> list[EntryFacts]:
    """Return the items of an RSS document."""
    channel = etree.fromstring(data)[0]
    return [
        EntryFacts(
            id=item.findtext("guid", ""),
            url=item.findtext("link", ""),
            title=item.findtext("title", ""),
            published=parsedate_to_datetime(item.findtext("pubDate", "")).astimezone(UTC),
            updated=_moment(item.findtext("dcterms:modified", "", NAMESPACES)),
            authors=tuple(e.text for e in item.findall("dc:creator", NAMESPACES)),
            categories=tuple(e.text for e in item.findall("category")),
            language=item.findtext("dc:language", channel.findtext("language"), NAMESPACES),
            summary=html.unescape(item.findtext("description", "")),
            content=item.findtext("content:encoded", "", NAMESPACES),
            image=_attribute(item.find("media:content", NAMESPACES), "url"),
            attachment=_attachment(item.find("enclosure"), "url"),
        )
        for item in channel.findall("item")
    ]


def facts_of_json(data: bytes) -> list[EntryFacts]:
    """Return the items of a JSON Feed document."""
    document = json.loads(data)
    return [
        EntryFacts(
            id=item["id"],
            url=item["url"],
            title=item["title"],
            published=_moment(item["date_published"]),
            updated=_moment(item["date_modified"]),
            authors=tuple(author["name"] for author in item.get("authors", [])),
            categories=tuple(item.get("tags", [])),
            language=item.get("language", document.get("language")),
            summary=item.get("summary", ""),
            content=item.get("content_html", ""),
            image=item.get("image", ""),
            attachment=next(
                (
                    (each["url"], each["mime_type"], str(each["size_in_bytes"]))
                    for each in item.get("attachments", [])
                ),
                ("", "", ""),
            ),
        )
        for item in document["items"]
    ]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _text_construct(element: Any) -> str:
    """Return the text of an Atom text construct (RFC 4287, 3.1); "" if there is none."""
    if element is None:
        return ""
    text = element.text or ""
    return html.unescape(text) if element.get("type") == "html" else text


def _attribute(element: Any, name: str) -> str:
    return "" if element is None else str(element.get(name))


def _attachment(element: Any, address: str) -> tuple[str, str, str]:
    if element is None:
        return ("", "", "")
    return (element.get(address), element.get("type"), element.get("length"))


def agreement(atom_data: bytes, rss_data: bytes, json_data: bytes) -> list[Finding]:
    """Return where the three formats of one feed disagree."""
    findings = _Findings()
    told = facts_of_atom(atom_data)
    for name, other in (("rss", facts_of_rss(rss_data)), ("json", facts_of_json(json_data))):
        if [each.id for each in told] != [each.id for each in other]:
            findings.add("agreement-entries", name, "other ids, or in another order")
        for one, two in zip(told, other, strict=False):
            _differences(findings, f"{name}: {one.id}", one, two)
    _agreement_of_heads(findings, atom_data, rss_data, json_data)
    _agreement_by_feedparser(findings, atom_data, rss_data)
    return findings.all


def _differences(findings: _Findings, where: str, one: EntryFacts, two: EntryFacts) -> None:
    for name in EntryFacts.__dataclass_fields__:
        if getattr(one, name) != getattr(two, name):
            findings.add(
                f"agreement-{name}", where, f"{getattr(one, name)!r}: {getattr(two, name)!r}"
            )


def _agreement_of_heads(
    findings: _Findings, atom_data: bytes, rss_data: bytes, json_data: bytes
) -> None:
    feed, channel = etree.fromstring(atom_data), etree.fromstring(rss_data)[0]
    document, a = json.loads(json_data), {"a": NAMESPACES["atom"]}
    heads = {
        "title": (feed.findtext("a:title", None, a), channel.findtext("title"), document["title"]),
        "language": (
            feed.get(f"{{{NAMESPACES['xml']}}}lang"),
            channel.findtext("language"),
            document["language"],
        ),
        "home": (
            _attribute(feed.find("a:link[@rel='alternate']", a), "href"),
            channel.findtext("link"),
            document["home_page_url"],
        ),
        "description": (
            feed.findtext("a:subtitle", None, a),
            channel.findtext("description"),
            document.get("description"),
        ),
    }
    for name, values in heads.items():
        if len(set(values)) != 1:
            findings.add(f"agreement-{name}", "head", repr(values))
    built = parsedate_to_datetime(channel.findtext("lastBuildDate", ""))
    if _moment(feed.findtext("a:updated", "", a)) != built:
        findings.add("agreement-updated", "head", "atom:updated is not lastBuildDate")


def _agreement_by_feedparser(findings: _Findings, atom_data: bytes, rss_data: bytes) -> None:
    """Compare both as feedparser reads them, the parser of most readers in Python."""
    one, two = feedparser.parse(atom_data), feedparser.parse(rss_data)
    for name, parsed in (("atom", one), ("rss", two)):
        if parsed.bozo:
            findings.add("feedparser", name, str(parsed.get("bozo_exception")))
    for left, right in zip(one.entries, two.entries, strict=False):
        for key in ("id", "link", "published_parsed", "updated_parsed", "media_content"):
            if left.get(key) != right.get(key):
                findings.add(f"feedparser-{key}", left.id, f"{left.get(key)}: {right.get(key)}")
        pairs = {
            "tags": tuple([tag.term for tag in each.get("tags", [])] for each in (left, right)),
            "content": tuple(each.get("content", [{}])[0].get("value") for each in (left, right)),
            "enclosures": tuple([e.href for e in each.enclosures] for each in (left, right)),
        }
        for key, (first, second) in pairs.items():
            if first != second:
                findings.add(f"feedparser-{key}", left.id, f"{first!r}: {second!r}")


def chain(documents: Mapping[str, bytes], subscription: str) -> list[Finding]:
    """Return the problems of an archived Atom or RSS feed (RFC 5005, section 4).

    documents: by the address each is served at. subscription: the address people subscribe to.
    """
    findings = _Findings()
    seen: dict[str, str] = {}
    here: str | None = subscription
    visited: list[str] = []
    while here is not None:
        if here not in documents or here in visited:
            findings.add("archive-chain", here, "not there" if here not in visited else "a loop")
            break
        visited.append(here)
        head = etree.fromstring(documents[here])
        head = head if qualified(head) == "atom:feed" else head[0]
        links = {
            link.get("rel"): link.get("href")
            for link in head.findall("atom:link", NAMESPACES)
        }  # fmt: skip
        is_archive = head.find("fh:archive", NAMESPACES) is not None
        if is_archive != (here != subscription):
            findings.add("archive-mark", here, f"fh:archive is {is_archive}")
        if is_archive and links.get("current") != subscription:
            findings.add("archive-current", here, str(links.get("current")))
        if links.get("self") != here:
            findings.add("link-self", here, str(links.get("self")))
        for id_ in (e.text for e in head.iterfind("atom:entry/atom:id", NAMESPACES)):
            if id_ in seen:
                findings.add("archive-entry", here, f"{id_} is in {seen[id_]} too")
            seen[id_] = here
        here = links.get("prev-archive")
    return findings.all
