"""Rules on links: their targets and their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit

from broadsheet.articles.site_check import path_of as path_of_url
from broadsheet.checks.article import ArticleView, is_relative
from broadsheet.checks.lookups import address_key
from broadsheet.checks.rule import Found, Misspelled, Slight, article_rule
from broadsheet.checks.site import last_part, stem
from broadsheet.errors import Problem
from broadsheet.markup.links import LinkOrImage
from broadsheet.markup.sanitiser import LOADED_SCHEMES, SCHEMES

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# Without a scheme only what can hardly be a name, such as Node.js/Express.
_HOST_AND_PATH = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|io|dev|eu|cn|de|fr|jp|uk)/\S*", re.IGNORECASE
)
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
_WIDE = re.compile(r"\]（\s?((?:https?:/|\.{0,2})/[^（）()\s]{1,2000})\s?）")
_SCHEME = re.compile(r"[\s\x00-\x1f]*([A-Za-z][A-Za-z0-9+.\s-]*):")
_FILE = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|avif|bmp|ico|pdf|zip|mp[34]|m4[av]|ogg|webm|csv|xlsx?|docx?|pptx?)$",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\.(md|markdown|mdx|qmd)$", re.IGNORECASE)
_TYPOGRAPHIC = str.maketrans("–—’", "--'")  # as a generator shows a plain one
_BARE = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_PLACEHOLDER = frozenset("{}<>[]")
_REDIRECTS = {"t.co", "safelinks.protection.outlook.com"}
_COMMENTS = re.compile(r"comments?\b|disqus|respond\b", re.IGNORECASE)  # which scripts load
_DIGITS = {"year": r"\d{4}", "month": r"\d{2}", "day": r"\d{2}", "path": ".+"}


# Pages that a generator makes of its own accord: lists, and files that are no pages.
_OTHER_PAGE = re.compile(
    r"/(?:tags?|categor(?:y|ies)|topics?|series|authors?|archives?|page|search|feed|rss)(?:/|$)"
    r"|\.(?!html?$)\w{2,4}$",
    re.IGNORECASE,
)


@article_rule(
    "broken-link",
    "error",
    "A link to an article's source file, or to a file, that is not there leads nowhere.",
)
def broken_link(view: ArticleView) -> Iterator[Found]:
    for line, target in view.targets(images=False):
        path = path_of(target)
        if _PAGE.search(path) and view.article_at(view.links.resolve(target)) is None:
            if view.is_plain_page(path) and not view.has_address(path):
                what = f"{path!r} is a page without a date, and its address is not known here"
                yield Slight(Problem(what, "link to its address on the web", view.path, line))
                continue
            if view.is_on_disk(path) or view.is_plain_page(path):
                continue  # a page of the site outside the articles folders
            problem = Problem(f"no article is at {path!r}", "", view.path, line)
            yield Misspelled(problem, "files", stem(unquote(path)))
        elif _FILE.search(path) and view.is_missing(path):
            todo = view.meant(path) or (
                "put it beside the article or into an assets folder, or fix the link"
            )
            yield Problem(f"the file {path!r} is not on disk", todo, view.path, line)
    removed = view.lines_of_removed_tags
    for each in view.prose.links:
        # The line of a link in a block of HTML is not known.
        unseen = not each.text
        is_template = unseen or (bool(removed) if each.is_html else each.line in removed)
        if each.target == "" and not each.is_image and not is_template:
            what = f"the link {(each.text or '')!r} has no address"
            yield Problem(what, "write one", view.path, each.line)


@article_rule(
    "link-nowhere",
    "warning",
    "A link within the site to an address that is formed like an article's, but belongs to none. "
    "Addresses that only the site's generator knows cannot be told from these.",
)
def link_nowhere(view: ArticleView) -> Iterator[Found]:
    shape = _shape(view.settings.site, view.settings.articles.permalink)
    if shape is None:
        return
    for line, target, address in _on_the_site(view):
        if not shape.fullmatch(address) or view.look_up("is known address", address_key(address)):
            continue
        inside = path_of_url(address, view.settings.site)
        if _OTHER_PAGE.search(f"/{inside}") or view.look_up("is on site", inside):
            continue
        problem = Problem(f"no article has the address {target}", "", view.path, line)
        yield Misspelled(problem, "addresses", last_part(address))


@article_rule(
    "link-anchor",
    "warning",
    "A link to a place in an article, such as `#part` or `other.md#part`, that no heading and no "
    "id gives, leads to the top of the page. Generators make ids in many ways, so only letters and "
    "digits are compared.",
)
def link_anchor(view: ArticleView) -> Iterator[Problem]:
    for each in view.prose.links:
        path, mark, anchor = (each.target or "").partition("#")
        if each.is_image or not mark or _COMMENTS.match(anchor):
            continue
        other = _article_at(view, path) if path else view.path
        if other is None:
            continue
        known = view.anchors if other == view.path else view.anchors_of(other)
        if not known.has(anchor) and not view.look_up("is template id", anchor):
            where = "this article" if other == view.path else other
            meant = known.nearest(anchor)
            todo = f"did you mean the heading {meant!r}?" if meant else "fix the link"
            what = f"no heading or id of {where} gives #{anchor}"
            yield Problem(what, todo, view.path, each.line)


def _article_at(view: ArticleView, path: str) -> str | None:
    """Return the path of the article that `path`, of a link, leads to; None if there is none."""
    if not is_relative(path) and not path.startswith(view.settings.site):
        return None
    return view.article_at(view.resolved(path))


@article_rule(
    "link-unpublished",
    "warning",
    "A link to a draft, or to an article that is in the future, leads nowhere until then.",
)
def link_unpublished(view: ArticleView) -> Iterator[Problem]:
    for line, target, address in _on_the_site(view):
        other = view.article_at(address)
        if other is None or view.absence(view.path) is not None:
            continue
        if why := view.absence(other):
            what = f"the link {target} leads to {other}, which is not published"
            yield Problem(f"{what} ({why})", "publish that first", view.path, line)


@article_rule(
    "link-text",
    "warning",
    "A link whose text is an address, but not the one it leads to, misleads; mail programs warn "
    "of it as they do of fraud.",
)
def link_text(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for each in prose.links:
        if each.is_image or each.target is None or each.text is None:
            continue
        text = each.text.strip().strip("*_<>").replace("\\_", "_").rstrip(".,;:")
        text = text.translate(_TYPOGRAPHIC)
        if (
            text != each.target
            and _is_address(text, each.target)
            and not (_same(text, each.target) or _same_host(text, view.links.resolve(each.target)))
        ):
            what = f"the text of a link says {text} but it leads to {each.target}"
            todo = "correct the wrong one"
            yield Problem(what, todo, view.path, each.line)


@article_rule(
    "link-scheme",
    "warning",
    "Feeds and mails keep links and images only if the scheme of their URL is well known, such as "
    "`https` and `mailto`, and never if they could run a script. The text of a link stays.",
)
def link_scheme(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for each in prose.links:
        scheme = _scheme(each)
        kept = LOADED_SCHEMES | {"data"} if each.is_image else SCHEMES
        if scheme and scheme not in kept:
            what = f"the URL {scheme}:... of {'an image' if each.is_image else 'a link'} is removed"
            todo = "link to a page on the web"
            yield Problem(what, todo, view.path, each.line)


@article_rule(
    "link-undefined",
    "error",
    "`[text][label]` without a line `[label]: address` is not a link: it stays in the text. So "
    "does `[text]（address）` with full-width parentheses.",
)
def link_undefined(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for wide in _WIDE.finditer(prose.text) if "]（" in prose.text else ():
        what = f"the parentheses around {wide[1]} are full-width, so it is not a link"
        todo = f"write ({wide[1]})"
        yield Problem(what, todo, view.path, prose.line(wide.start()))
    for each in prose.links:
        if each.target is None:
            what = f"the label [{each.label}] of a link is not defined"
            todo = f"write it on a line of its own: [{each.label}]: https://..."
            yield Problem(what, todo, view.path, each.line)


def path_of(target: str) -> str:
    """Return the path of a relative `target`, without query and fragment."""
    return target.partition("#")[0].partition("?")[0]


def _on_the_site(view: ArticleView) -> Iterator[tuple[int, str, str]]:
    """Yield line, target and address of each link to the publication's own site."""
    site = view.settings.site
    for each in view.prose.links:
        if each.is_image or not each.target or each.target.startswith("#"):
            continue
        if is_relative(each.target) or each.target.startswith(site):
            address = view.resolved(each.target)
            if address.startswith(site):
                yield each.line, each.target, address


@cache
def _shape(site: str, permalink: str) -> re.Pattern[str] | None:
    """Return what an article's address looks like; None where any address may be an article's."""
    pattern = permalink.strip("/")
    start = pattern.partition("{")[0]
    if not start and not pattern.startswith("{year}"):
        return None
    parts = re.split(r"\{(\w+)\}", pattern)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (_DIGITS.get(token, "[^/.]+") for token in parts[1::2])
    return re.compile(re.escape(site) + "".join(parts) + "/?")


def _scheme(reference: LinkOrImage) -> str:
    found = _SCHEME.match(reference.target or "")
    return "".join(found[1].split()).lower() if found else ""


def _is_address(text: str, target: str) -> bool:
    """Whether the text of a link to `target` is itself an address, without placeholders."""
    if not _PLACEHOLDER.isdisjoint(text):
        return False
    if target.lower().startswith("mailto:"):
        return bool(_MAIL.fullmatch(text))
    return bool(_ADDRESS.fullmatch(text) or _HOST_AND_PATH.fullmatch(text))


def _same(text: str, target: str) -> bool:
    """Whether a text is the address `target`: to the letter, or as people shorten addresses."""
    if target.lower().startswith("mailto:"):
        return text.casefold() == unquote(target[7:].partition("?")[0]).casefold()
    if text == target or _normal(text) == _normal(target):
        return True
    shortened = text.endswith(("…", "..."))
    if text.lower().startswith("http") and not shortened:
        return False
    one, other = _BARE.sub("", unquote(text)).rstrip("./…"), _BARE.sub("", unquote(target))
    return other.startswith(one) if shortened else one == other.rstrip("/")


def _same_host(text: str, address: str) -> bool:
    """Whether the address `text` and the one it leads to belong together: the one begins the other
    or is in it (an archive), it is a short form of the same host, or Twitter made the link."""
    bare, real = (_BARE.sub("", unquote(each)).casefold() for each in (text, address))
    host, real_host = bare.partition("/")[0], real.partition("/")[0]
    is_short = not text.lower().startswith("http")
    return bare in real or real_host in _REDIRECTS or (is_short and host == real_host)


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
