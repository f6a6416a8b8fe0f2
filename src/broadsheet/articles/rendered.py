"""Articles as their generator rendered them: the page of an article, and its text there.

The front matter still comes from the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from broadsheet.articles import Article
from broadsheet.articles.site_check import path_of
from broadsheet.markup import Asset, Links
from broadsheet.model.publication import Publication
from broadsheet.text.urls import encode, join

_TEXTS: Final = (
    ".e-content",
    "[itemprop~=articleBody]",
    ".entry-content, .post-content, .article-content, .post-body, .article-body, .post__content",
    ".markdown-body, .prose, .theme-default-content, .vp-doc, .md-content__inner",
    "article",
    "main, [role=main]",
    ".post, .entry, .article, .page-content, .content, #content, .main, #main",
)
"""Where themes have the text of an article, the most exact first: of h-entry and schema.org, by
names in use, by HTML's own elements; last by names that may hold more."""

_NO_TEXT: Final = (
    "script, style, template, nav, button, form, dialog, [hidden], #markdown-toc, #disqus_thread, "
    ".comments, #comments, "
    "td.linenos, td.gutter, td.rouge-gutter, .lntd:first-child:not(:only-child), span.linenos, "
    "span.ln, .katex-html"
)
"""What is not part of the text: controls, contents, numbers of lines, doubled formulas."""

_HEADING_LINKS: Final = (
    "h1 a[href^='#'], h2 a[href^='#'], h3 a[href^='#'], h4 a[href^='#'], h5 a[href^='#'], "
    "h6 a[href^='#'], .sl-anchor-link, .header-anchor, .headerlink, .heading-anchor"
)

_ROUND_TEXT: Final = frozenset({"header", "footer"})
"""Children of an `<article>` or `<main>` that are not part of the text."""
_CODE_TABLES: Final = ".lntable, table.highlighttable, table.rouge-table, figure.highlight > table"
_WORDS: Final = re.compile(r"\W+")


class NoText(Exception):  # noqa: N818 - the message is half of a Problem
    """The page has no element with the text of an article; the message says which was asked for."""


class RenderedPage(Struct, frozen=True):
    """What a page says about its article; empty if nothing.

    canonical: its URL. language: of `<html lang>`. image: the URL of its `og:image`. titles: of the
    document, its headings and its metadata.
    """

    canonical: str
    language: str
    image: str
    titles: tuple[str, ...]

    def shows(self, title: str) -> bool:
        """Whether the page is about an article with this title."""
        wanted = _words(title)
        return bool(wanted) and any(wanted in _words(each) for each in self.titles)


class PageLinks(Links, frozen=True):
    """Resolves the references of a page: they are relative to its URL, as in a browser."""

    def resolve(self, reference: str) -> str:
        """Return `reference` as an absolute URL encoded once."""
        return encode(join(self.url, encode(reference.strip())))

    def asset(self, reference: str) -> Asset | None:
        """Return the file on disk that `reference` names, or None."""
        return self.link_index.rooted.get(path_of(self.resolve(reference), self.link_index.site))


def page_files(url: str, base: str, pattern: str) -> tuple[str, ...]:
    """Return the files that the page at `url` may be in, best first.

    base: `publication.url`. pattern: `articles.rendered`.
    """
    path = path_of(url, base)
    if "{path}" in pattern:
        return (pattern.replace("{path}", path.strip("/").removesuffix(".html")).lstrip("./"),)
    folder = pattern.removeprefix("./").strip("/")
    names = [f"{path}index.html", f"{path.rstrip('/')}.html"]
    if path and not path.endswith("/"):
        names = [path, f"{path}.html", f"{path}/index.html"]
    return tuple(f"{folder}/{name}" for name in names if name.endswith(".html"))


def read_page(html: str) -> RenderedPage:
    """Return what a page says about its article."""
    tree = LexborHTMLParser(html)

    def given(selector: str, name: str) -> str:
        found = tree.css_first(selector)
        return (found.attributes.get(name) or "").strip() if found else ""

    headings = (node.text() for node in tree.css("title, h1, h2.post-title"))
    return RenderedPage(
        given("link[rel=canonical]", "href"),
        given("html", "lang"),
        given("meta[property='og:image']", "content"),
        (*headings, given("meta[property='og:title']", "content")),
    )


def on_page(
    article: Article, file: str, page: RenderedPage, publication: Publication, pattern: str
) -> Article:
    """Return `article` with the address, language and image name of its page in `file`.

    The language only if the source names none, the image only if it names one.
    """
    base = publication.url
    url = page.canonical if page.canonical.startswith(base) else ""
    if file not in page_files(url, base, pattern):  # of another page, or none
        found = file in page_files(article.url, base, pattern)
        url = article.url if found else _url_of(file, base, pattern)
    id_ = article.id
    for start in (base, publication.id_base):
        if id_ == start + article.url.removeprefix(base):
            id_ = start + url.removeprefix(base)
    is_default = article.language == publication.language
    image = encode(join(url, page.image)) if page.image and article.image else ""
    return replace(
        article,
        url=url,
        id=id_,
        language=(page.language if is_default else "") or article.language,
        image=image or article.image,
        rendered=file,
    )


def _url_of(file: str, base: str, pattern: str) -> str:
    """Return the URL of the page in `file`, which its article does not name."""
    start, _, end = pattern.partition("{path}")
    path = file.removeprefix(start.removeprefix("./").strip("/")).lstrip("/")
    return base + quote(path.removesuffix(end or "index.html"), safe="/:@!$&'()*+,;=~")


def article_html(html: str, selector: str, title: str) -> str:
    """Return the HTML of the text of an article in its page, not yet safe.

    selector: `articles.rendered_selector`. title: a heading that repeats it is left out.
    Raises NoText.
    """
    top = _text_of(LexborHTMLParser(html), selector)
    for node in top.css(_NO_TEXT):
        node.decompose()
    for link in top.css(_HEADING_LINKS):
        around = link.parent
        if around is None or _words(link.text()) != _words(around.text()):  # else it is the heading
            link.decompose()
    for node in [*_children(top)] if top.tag in {"article", "main"} else ():
        if node.tag in _ROUND_TEXT:
            node.decompose()
    heading = top.css_first("h1, h2")
    if heading and _words(heading.text()) == _words(title):
        heading.decompose()
    for table in top.css(_CODE_TABLES):
        if code := table.css_first("pre"):
            table.replace_with(code, move=True)
    for formula in top.css(".katex annotation"):
        _as_code(formula)
    _show_late_images(top)
    return top.inner_html or ""


def _text_of(tree: LexborHTMLParser, selector: str) -> LexborNode:
    """Return the element with the most text, by the first of the selectors that finds any."""
    for each in [selector] if selector else _TEXTS:
        try:
            found = tree.css(each)
        except SelectolaxError:
            raise NoText(f"{each!r} is not a CSS selector") from None
        if found:
            return max(found, key=lambda node: len(node.text()))
    raise NoText(
        f"nothing in it matches {selector!r}" if selector else "it has no <article> or <main>"
    )


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _as_code(annotation: LexborNode) -> None:
    """Replace a formula by its source, since readers have neither styles nor MathML."""
    formula: LexborNode | None = annotation
    while formula is not None and "katex" not in (formula.attributes.get("class") or "").split():
        formula = formula.parent
    if formula is not None:
        code = annotation.parser.create_node("code")
        code.insert_child(annotation.text())
        formula.replace_with(code, move=True)


def _show_late_images(top: LexborNode) -> None:
    """Give images that a script loads their addresses, and remove their placeholders."""
    late = top.css("img[data-src], img[data-lazy-src], img[data-original], img[data-srcset]")
    for image in late:
        given = image.attributes
        for name in ("data-src", "data-lazy-src", "data-original"):
            if given.get(name):
                image.attrs["src"] = given[name] or ""
        if given.get("data-srcset"):
            image.attrs["srcset"] = given["data-srcset"] or ""
    if late:
        for fallback in top.css("noscript"):
            fallback.decompose()


def _words(text: str) -> str:
    return _WORDS.sub("", text).casefold()
