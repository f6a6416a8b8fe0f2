"""Rules on images: those that stand for an article, and those in its text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

from broadsheet.articles import Article, fields
from broadsheet.checks.material import Material
from broadsheet.checks.rule import rule
from broadsheet.checks.rules.links import is_relative, path_of, targets
from broadsheet.errors import Problem

_RENAMING = ("astro", "docusaurus", "vuepress")
_LARGEST_IMAGE = 1_000_000  # bytes


@rule(
    "assets-folder",
    "warning",
    "Images that are named from the root of the site (/images/...) lie in an assets folder. "
    "Without one they cannot be checked, and feeds cannot tell their size.",
)
def assets_folder(material: Material) -> Iterator[Problem]:
    if material.link_index.rooted:
        return
    featured = (article.image for article in material.articles)
    written = (target for _, _, target in targets(material, images=True))
    count = sum(image.startswith("/") for each in (featured, written) for image in each)
    if count:
        listed = ", ".join(material.settings.articles.assets) or "none"
        images = "one image" if count == 1 else f"{count:,} images"
        what = f"articles.assets ({listed}) holds no file, so {images} cannot be checked"
        todo = "name the folder whose content lies at the root of the site"
        yield Problem(what, todo, material.config[0], material.config_line("assets"))


@rule(
    "image-missing",
    "error",
    "The featured image is in no assets folder and not beside the article: readers see a gap.",
)
def image_missing(material: Material) -> Iterator[Problem]:
    for article in material.by_path:
        if is_relative(article.image) and material.is_missing(article, path_of(article.image)):
            line = material.line(article, *fields.IMAGE)
            yield _missing(material, article, line, article.image)


@rule("image-large", "warning", "A reader on a phone waits for an image above a megabyte.")
def image_large(material: Material) -> Iterator[Problem]:
    for article in material.by_path:
        asset = material.asset(article, path_of(article.image)) if article.image else None
        if asset and asset.length > _LARGEST_IMAGE:
            line = material.line(article, *fields.IMAGE)
            yield _large(article.source, line, article.image, asset.length)


@rule(
    "image-alt",
    "warning",
    "Who cannot see the image reads its alternative text; many mail clients show no images.",
)
def image_alt(material: Material) -> Iterator[Problem]:
    for article in material.by_path:
        if article.image and not article.image_alt:
            what = f"the featured image {article.image!r} has no alternative text"
            line = material.line(article, *fields.IMAGE)
            yield Problem(what, "write `image_alt: ...`", article.source, line)


@rule(
    "body-image-missing",
    "error",
    "An image in the text is in no assets folder and not beside the article: readers see a gap.",
)
def body_image_missing(material: Material) -> Iterator[Problem]:
    for article, line, target in targets(material, images=True):
        if material.is_missing(article, path_of(target)):
            yield _missing(material, article, line, target)


@rule(
    "image-renamed",
    "warning",
    "Astro, Docusaurus, VitePress and VuePress give an image beside an article a new name, which "
    "only they know: in a feed it leads nowhere. One warning for each article.",
)
def image_renamed(material: Material) -> Iterator[Problem]:
    if material.settings.articles.addresses not in _RENAMING:
        return
    for article, found in itertools.groupby(targets(material, images=True), lambda each: each[0]):
        local = [(line, image) for _, line, image in found if not image.startswith("/")]
        there = [each for each in local if not material.is_missing(article, path_of(each[1]))]
        if there:
            line, image = there[0]
            more = f" (and {len(there) - 1:,} more)" if there[1:] else ""
            what = f"the site's generator renames the image {_short(image)}{more}"
            todo = "put it into the folder that is copied as it is, and write its path from there"
            yield Problem(what, todo, article.source, line)


@rule("body-image-large", "warning", "The same as `image-large`, for an image in the text.")
def body_image_large(material: Material) -> Iterator[Problem]:
    for article, line, target in targets(material, images=True):
        asset = material.asset(article, path_of(target))
        if asset and asset.length > _LARGEST_IMAGE:
            yield _large(article.source, line, target, asset.length)


@rule("body-image-alt", "warning", "Who cannot see an image reads its alternative text.")
def body_image_alt(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for each in prose.references:
            if not each.image or each.target is None:
                continue
            line = prose.line(each.start)
            if each.html and each.text is None:
                what = f"the <img> {_short(each.target)} has no alt"
                todo = 'write alt="..." (alt="" for one that only decorates)'
                yield Problem(what, todo, article.source, line)
            elif not each.html and not (each.text or "").strip():
                what = f"the image {_short(each.target)} has no alternative text"
                yield Problem(what, "write it: ![text](image)", article.source, line)


def _missing(material: Material, article: Article, line: int | None, image: str) -> Problem:
    folders = ", ".join(material.settings.articles.assets)
    todo = material.meant(article, path_of(image)) or (
        f"put it beside the article or into an assets folder ({folders})"
    )
    return Problem(f"the image {_short(image)} is not on disk", todo, article.source, line)


def _large(path: str, line: int | None, image: str, length: int) -> Problem:
    what = f"the image {_short(image)} has {length / 1e6:.1f} MB"
    return Problem(what, "make it smaller than 1 MB", path, line)


def _short(address: str) -> str:
    """An address as messages show it; an image that is written into the text is long."""
    parts = urlsplit(address) if address.startswith("data:") else None
    return repr("data:..." if parts else address)
