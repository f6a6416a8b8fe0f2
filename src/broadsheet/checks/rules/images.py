"""Rules on images: those that stand for an article, and those in its text."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from broadsheet.articles import fields
from broadsheet.checks.article import ArticleView, is_relative
from broadsheet.checks.rule import article_rule, site_rule
from broadsheet.checks.rules.links import path_of
from broadsheet.checks.site import SiteView, is_usual
from broadsheet.errors import Problem

_RENAMING = ("astro", "docusaurus", "vuepress")
_LARGEST_IMAGE = 1_000_000  # bytes


@site_rule(
    "assets-folder",
    "warning",
    "Images that are named from the root of the site (/images/...) lie in an assets folder. "
    "Without one they cannot be checked, and feeds cannot tell their size.",
)
def assets_folder(site: SiteView) -> Iterator[Problem]:
    if (count := site.rooted_images) and not site.link_index.rooted:
        listed = ", ".join(site.settings.articles.assets) or "none"
        images = "one image" if count == 1 else f"{count:,} images"
        what = f"articles.assets ({listed}) holds no file, so {images} cannot be checked"
        todo = "name the folder whose content lies at the root of the site"
        yield Problem(what, todo, site.config[0], site.config_line("assets"))


@article_rule(
    "image-missing",
    "error",
    "The featured image is in no assets folder and not beside the article: readers see a gap.",
)
def image_missing(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    path = path_of(article.image)
    if is_relative(path) and view.is_missing(path) and not view.links.featured(path):
        line = view.line(*fields.IMAGE)
        yield _missing(view, line, article.image)


@article_rule("image-large", "warning", "A reader on a phone waits for an image above a megabyte.")
def image_large(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    asset = view.links.featured(path_of(article.image)) if article.image else None
    if asset and asset.length > _LARGEST_IMAGE:
        line = view.line(*fields.IMAGE)
        yield _large(view.path, line, article.image, asset.length)


@site_rule(
    "image-alt",
    "warning",
    "People who cannot see the image read its alternative text; many mail clients hide images. "
    "If most of many featured images have none, that is reported once.",
)
def image_alt(site: SiteView) -> Iterator[Problem]:
    having = [article for article in site.by_path if article.image]
    without = [article for article in having if not article.image_alt]
    if is_usual(without, having):
        what = f"{len(without):,} of {len(having):,} featured images have no alternative text"
        todo = "write `image_alt: ...` into new articles, or set checks.rules.image-alt to off"
        yield Problem(what, todo, site.config[0])
        return
    for article in without:
        what = f"the featured image {article.image!r} has no alternative text"
        line = site.line(article, *fields.IMAGE)
        yield Problem(what, "write `image_alt: ...`", article.source, line)


@article_rule(
    "body-image-missing",
    "error",
    "An image in the text is in no assets folder and not beside the article: readers see a gap.",
)
def body_image_missing(view: ArticleView) -> Iterator[Problem]:
    for line, target in view.targets(images=True):
        if view.is_missing(path_of(target)) and not _is_alias(view, target):
            yield _missing(view, line, target)


@article_rule(
    "image-renamed",
    "warning",
    "Astro, Docusaurus, VitePress and VuePress give an image beside an article a new name, which "
    "only they know: in a feed it leads nowhere. One warning for each article.",
)
def image_renamed(view: ArticleView) -> Iterator[Problem]:
    if view.settings.articles.addresses not in _RENAMING:
        return
    local = [each for each in view.targets(images=True) if not each[1].startswith("/")]
    there = [
        each for each in local if _is_alias(view, each[1]) or not view.is_missing(path_of(each[1]))
    ]
    if there:
        line, image = there[0]
        more = f" (and {len(there) - 1:,} more)" if there[1:] else ""
        what = f"the site's generator renames the image {_short(image)}{more}"
        todo = "put it into the folder that is copied as it is, and write its path from there"
        yield Problem(what, todo, view.path, line)


@article_rule("body-image-large", "warning", "The same as `image-large`, for an image in the text.")
def body_image_large(view: ArticleView) -> Iterator[Problem]:
    for line, target in view.targets(images=True):
        asset = view.asset(path_of(target))
        if asset and asset.length > _LARGEST_IMAGE:
            yield _large(view.path, line, target, asset.length)


@article_rule(
    "body-image-alt", "warning", "People who cannot see an image read its alternative text."
)
def body_image_alt(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for each in prose.links:
        if not each.is_image or each.target is None:
            continue
        line = each.line
        if each.is_html and each.text is None:
            what = f"the <img> {_short(each.target)} has no alt"
            todo = 'write alt="..." (alt="" for one that only decorates)'
            yield Problem(what, todo, view.path, line)
        elif not each.is_html and not (each.text or "").strip():
            what = f"the image {_short(each.target)} has no alternative text"
            yield Problem(what, "write it: ![text](image)", view.path, line)


def _is_alias(view: ArticleView, target: str) -> bool:
    """Whether `target` begins with a name that a bundler's config gives to a folder."""
    is_bundled = view.settings.articles.addresses in _RENAMING
    return is_bundled and target.startswith(("@", "~"))


def _missing(view: ArticleView, line: int | None, image: str) -> Problem:
    folders = ", ".join(view.settings.articles.assets)
    todo = view.meant(path_of(image)) or (
        f"put it beside the article or into an assets folder ({folders})"
    )
    return Problem(f"the image {_short(image)} is not on disk", todo, view.path, line)


def _large(path: str, line: int | None, image: str, length: int) -> Problem:
    what = f"the image {_short(image)} has {length / 1e6:.1f} MB"
    return Problem(what, "make it smaller than 1 MB", path, line)


def _short(address: str) -> str:
    """An address as messages show it; an image that is written into the text is long."""
    parts = urlsplit(address) if address.startswith("data:") else None
    return repr("data:..." if parts else address)
