"""Rules on links: where they lead, and what they say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import SplitResult, unquote, urlsplit

from broadsheet.articles import Article
from broadsheet.articles.catalogue import absence
from broadsheet.articles.site_check import path_of as path_of_url
from broadsheet.checks.anchors import Anchors, anchors
from broadsheet.checks.material import Material, address_key
from broadsheet.checks.references import Reference
from broadsheet.checks.rule import Slight, rule
from broadsheet.errors import Problem
from broadsheet.markup.sanitiser import LOADED_SCHEMES, SCHEMES
from broadsheet.text.urls import join

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# Without a scheme only what can hardly be a name, such as Node.js/Express.
_HOST_AND_PATH = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|dev|eu|cn|de|fr|jp|uk)/\S*", re.IGNORECASE
)
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_WIDE = re.compile(r"\]（\s?((?:https?:/|\.{0,2})/[^（）()\s]{1,2000})\s?）")
_NOT_RELATIVE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|\?|\{")
_SCHEME = re.compile(r"[\s\x00-\x1f]*([A-Za-z][A-Za-z0-9+.\s-]*):")
_FILE = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|avif|bmp|ico|pdf|zip|mp[34]|m4[av]|ogg|webm|csv|xlsx?|docx?|pptx?)$",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\.(md|markdown|mdx)$", re.IGNORECASE)
_BARE = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_DIGITS = {"year": r"\d{4}", "month": r"\d{2}", "day": r"\d{2}", "path": ".+"}


# Pages that a generator makes of its own accord: lists, and files that are no pages.
_OTHER_PAGE = re.compile(
    r"/(?:tags?|categor(?:y|ies)|topics?|series|authors?|archives?|page|search|feed|rss)(?:/|$)"
    r"|\.(?!html?$)\w{2,4}$",
    re.IGNORECASE,
)


@rule(
    "broken-link",
    "error",
    "A link to an article's source file, or to a file, that is not there leads nowhere.",
)
def broken_link(material: Material) -> Iterator[Problem | Slight]:
    files = _Names({_stem(path): path for path in sorted(material.link_index.pages)})
    for article, line, target in targets(material, images=False):
        path = path_of(target)
        if _PAGE.search(path) and not _is_page(material, article, target):
            if material.is_plain_page(article, path):
                what = f"{path!r} is a page without a date, and its address is not known here"
                problem = Problem(what, "link to its address on the web", article.source, line)
                yield Slight(problem)
                continue
            if material.is_on_disk(article, path):
                continue  # a page of the site outside the articles folders
            todo = files.nearest(_stem(unquote(path)))
            yield Problem(f"no article is at {path!r}", todo, article.source, line)
        elif _FILE.search(path) and material.is_missing(article, path):
            todo = material.meant(article, path) or (
                "put it beside the article or into an assets folder, or fix the link"
            )
            yield Problem(f"the file {path!r} is not on disk", todo, article.source, line)
    for article, prose in material.each():
        for each in prose.references:
            if each.target == "" and not each.image:
                what = f"the link {(each.text or '')!r} has no address"
                yield Problem(what, "write one", article.source, prose.line(each.start))


@rule(
    "link-nowhere",
    "warning",
    "A link within the site to an address that is formed like an article's, but belongs to none. "
    "Addresses that only the site's generator knows cannot be told from these.",
)
def link_nowhere(material: Material) -> Iterator[Problem]:
    shape = _shape(material)
    if shape is None:
        return
    known = {*material.by_address, *_other_addresses(material)}
    on_site = material.built_site.paths if material.built_site else frozenset()
    names = _Names({_last_part(article.url): article.url for article in material.by_path})
    for article, line, target, address in _on_the_site(material):
        if not shape.fullmatch(address) or address_key(address) in known:
            continue
        inside = path_of_url(address, material.settings.publication.url)
        if _OTHER_PAGE.search(f"/{inside}") or inside in on_site:
            continue
        todo = names.nearest(_last_part(address))
        yield Problem(f"no article has the address {target}", todo, article.source, line)


@rule(
    "link-anchor",
    "warning",
    "A link to a place in an article, such as `#part` or `other.md#part`, that no heading and no "
    "id gives, leads to the top of the page. Generators make ids in many ways, so only letters and "
    "digits are compared.",
)
def link_anchor(material: Material) -> Iterator[Problem]:
    known: dict[str, Anchors] = {}
    for article, prose in material.each():
        for each in prose.references:
            path, mark, anchor = (each.target or "").partition("#")
            if each.image or not mark:
                continue
            other = _article_at(material, article, path) if path else article
            if other is None:
                continue
            if other.source not in known:
                known[other.source] = _anchors(material, other)
            if not known[other.source].has(anchor):
                where = "this article" if other is article else other.source
                meant = known[other.source].nearest(anchor)
                todo = f"did you mean the heading {meant!r}?" if meant else "fix the link"
                what = f"no heading or id of {where} gives #{anchor}"
                yield Problem(what, todo, article.source, prose.line(each.start))


def _anchors(material: Material, article: Article) -> Anchors:
    """The anchors of an article; it may have others if it has templates of its generator."""
    prose = material.prose[article.source]
    return anchors(prose, unsure=bool(prose.expanded and prose.expanded.unknown))


def _article_at(material: Material, article: Article, path: str) -> Article | None:
    """The article that `path`, of a link in `article`, leads to; None where that is none."""
    if not is_relative(path) and not path.startswith(material.settings.publication.url):
        return None
    return material.by_address.get(address_key(_resolved(material, article, path)))


@rule(
    "link-unpublished",
    "warning",
    "A link to a draft, or to an article that is in the future, leads nowhere until then.",
)
def link_unpublished(material: Material) -> Iterator[Problem]:
    for article, line, target, address in _on_the_site(material):
        other = material.by_address.get(address_key(address))
        if other is None or absence(article, material.now) is not None:
            continue
        if why := absence(other, material.now):
            what = f"the link {target} leads to {other.source}, which is not published"
            yield Problem(f"{what} ({why})", "publish that first", article.source, line)


@rule(
    "link-text",
    "warning",
    "A link whose text is an address, but not the one it leads to, misleads; mail programs warn "
    "of it as they do of fraud.",
)
def link_text(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for each in prose.references:
            if each.image or each.target is None or each.text is None:
                continue
            text = each.text.strip().strip("*_<>").replace("\\_", "_")
            if _is_address(text, each.target) and not _same(text, each.target):
                what = f"the text of a link says {text} but it leads to {each.target}"
                todo = "correct the wrong one"
                yield Problem(what, todo, article.source, prose.line(each.start))


@rule(
    "link-scheme",
    "warning",
    "Feeds and mails keep links and images only if the scheme of their URL is well known, such as "
    "`https` and `mailto`, and never if they could run a script. The text of a link stays.",
)
def link_scheme(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for each in prose.references:
            scheme = _scheme(each)
            kept = LOADED_SCHEMES | {"data"} if each.image else SCHEMES
            if scheme and scheme not in kept:
                what = (
                    f"the URL {scheme}:... of {'an image' if each.image else 'a link'} is removed"
                )
                todo = "link to a page on the web"
                yield Problem(what, todo, article.source, prose.line(each.start))


@rule(
    "link-undefined",
    "error",
    "[text][label] without a line `[label]: address` is no link: it stays in the text as it is. So "
    "does [text]（address） with full-width parentheses.",
)
def link_undefined(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for wide in _WIDE.finditer(prose.text) if "]（" in prose.text else ():
            what = f"the parentheses around {wide[1]} are full-width, so it is no link"
            todo = f"write ({wide[1]})"
            yield Problem(what, todo, article.source, prose.line(wide.start()))
        for each in prose.references:
            if each.target is None:
                what = f"the label [{each.label}] of a link is not defined"
                todo = f"write it on a line of its own: [{each.label}]: https://..."
                yield Problem(what, todo, article.source, prose.line(each.start))


def targets(material: Material, *, images: bool) -> Iterator[tuple[Article, int, str]]:
    """Article, line and target of every relative link, or of every relative image."""
    for article, prose in material.each():
        for each in prose.references:
            if each.image == images and each.target and is_relative(each.target):
                yield article, prose.line(each.start), each.target


def is_relative(target: str) -> bool:
    """Whether `target` is a path, rather than an address, a place in the page or a template."""
    return bool(target) and not _NOT_RELATIVE.match(target)


def path_of(target: str) -> str:
    """The path of a relative `target`, without query and fragment."""
    return target.partition("#")[0].partition("?")[0]


def _is_page(material: Material, article: Article, target: str) -> bool:
    resolved = material.links(article).resolve(target).partition("#")[0]
    return address_key(resolved) in material.by_address


@dataclass
class _Names:
    """What links can lead to, by name. To look for one that is alike takes long, so not always."""

    places: dict[str, str]
    patience: int = 50

    def nearest(self, name: str) -> str:
        """What to do about a link to `name`, which is not there."""
        self.patience -= 1
        if self.patience <= 0:
            return "fix or remove the link"
        by_name = {each.casefold(): place for each, place in self.places.items()}
        near = get_close_matches(name.casefold(), by_name, n=1, cutoff=0.75)
        return f"did you mean {by_name[near[0]]}?" if near else "fix or remove the link"


def _on_the_site(material: Material) -> Iterator[tuple[Article, int, str, str]]:
    """Article, line, target and address of each link to the publication's own site."""
    site = material.settings.publication.url
    for article, prose in material.each():
        for each in prose.references:
            if each.image or not each.target or each.target.startswith("#"):
                continue
            if is_relative(each.target) or each.target.startswith(site):
                address = _resolved(material, article, each.target)
                if address.startswith(site):
                    yield article, prose.line(each.start), each.target, address


def _stem(path: str) -> str:
    """The name of a file without its ending; of a bundle that of its folder."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if stem == "index" and folder else stem


def _last_part(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def _resolved(material: Material, article: Article, target: str) -> str:
    return material.links(article).resolve(target).partition("#")[0].partition("?")[0]


def _shape(material: Material) -> re.Pattern[str] | None:
    """What the address of an article looks like; None where any address may be an article's."""
    pattern = material.settings.articles.permalink.strip("/")
    start = pattern.partition("{")[0]
    if not start and not pattern.startswith("{year}"):
        return None
    parts = re.split(r"\{(\w+)\}", pattern)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (_DIGITS.get(token, "[^/.]+") for token in parts[1::2])
    return re.compile(re.escape(material.settings.publication.url) + "".join(parts) + "/?")


def _other_addresses(material: Material) -> Iterator[str]:
    """What else lies on the site, as far as it is known."""
    for article in material.articles:
        for alias in article.aliases:
            yield address_key(join(article.url, alias))
    for asset in (*material.link_index.rooted.values(), *material.link_index.beside.values()):
        yield address_key(asset.url)


def _scheme(reference: Reference) -> str:
    found = _SCHEME.match(reference.target or "")
    return "".join(found[1].split()).lower() if found else ""


def _is_address(text: str, target: str) -> bool:
    """Whether the text of a link to `target` is itself an address."""
    if target.lower().startswith("mailto:"):
        return bool(_MAIL.fullmatch(text))
    return bool(_ADDRESS.fullmatch(text) or _HOST_AND_PATH.fullmatch(text))


def _same(text: str, target: str) -> bool:
    """Whether a text is the address `target`: to the letter, or as people shorten addresses."""
    if target.lower().startswith("mailto:"):
        return text.casefold() == unquote(target[7:].partition("?")[0]).casefold()
    if _normal(text) == _normal(target):
        return True
    shortened = text.endswith(("…", "..."))
    if text.lower().startswith("http") and not shortened:
        return False
    one, other = _BARE.sub("", unquote(text)).rstrip("./…"), _BARE.sub("", unquote(target))
    return other.startswith(one) if shortened else one == other.rstrip("/")


def _normal(address: str) -> str:
    """`address` without differences that mean nothing (RFC 3986, section 6.2)."""
    try:
        parts = urlsplit(unquote(address.replace("&amp;", "&")))
    except ValueError:
        return address
    return parts._replace(netloc=_host(parts), path=parts.path or "/").geturl()


def _host(parts: SplitResult) -> str:
    """The host of an address, as it is compared: a name in ASCII, no usual port."""
    host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    with suppress(UnicodeError):
        return host if host.isascii() else host.encode("idna").decode("ascii")
    return host
