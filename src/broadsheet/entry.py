"""An article as it stands in a feed or a digest: the one truth that every format tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from broadsheet.articles import Article
from broadsheet.catalogue import Catalogue
from broadsheet.markup import Library, Links, Rendition
from broadsheet.publication import Person, Publication
from broadsheet.topics import Topic, key

# Ours, since the standard library's table depends on the machine and the Python version.
_IMAGE_TYPES = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Image:
    """A featured image.

    url: absolute. alt: may be "". type: media type, "" where unknown.
    length: bytes; width, height: pixels; None where the file is not on disk or cannot be read.
    """

    url: str
    alt: str
    type: str
    length: int | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a feed says of an article.

    topics and tags: none is in both. schemes: the base of the addresses that tell the two apart
    (RFC 4287, section 4.2.2.2). summary: plain text on one line.
    content: HTML; "" in feeds of summaries.
    """

    id: str
    url: str
    title: str
    published: datetime
    updated: datetime
    authors: tuple[Person, ...]
    topics: tuple[Topic, ...]
    tags: tuple[Topic, ...]
    schemes: str
    language: str
    summary: str
    content: str
    image: Image | None

    def without_content(self) -> Entry:
        """The entry as it stands in feeds of summaries."""
        return replace(self, content="")


def entry(
    article: Article,
    rendition: Rendition | None,
    catalogue: Catalogue,
    publication: Publication,
    library: Library,
) -> Entry:
    """The entry of `article`. Without a rendition it has no content."""
    topics = catalogue.topics_of(article)
    taken = {key(topic.name) for topic in topics}
    return Entry(
        id=article.id,
        url=article.url,
        title=article.title,
        published=article.date,
        updated=article.updated,
        authors=article.authors,
        topics=topics,
        tags=tuple(tag for tag in catalogue.tags_of(article) if key(tag.name) not in taken),
        schemes=publication.id_base + "feeds/",
        language=article.language,
        summary=article.summary or (rendition.excerpt if rendition else ""),
        content=rendition.html if rendition else "",
        image=image(article, library),
    )


def image(article: Article, library: Library) -> Image | None:
    """The featured image of `article`, absolute, with what the file on disk says of it."""
    if not article.image:
        return None
    links = Links(library, article.source, article.url)
    asset = links.asset(article.image)
    url = asset.url if asset else links.resolve(article.image)
    width, height = library.sizes.get(asset.path, (None, None)) if asset else (None, None)
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return Image(
        url=url,
        alt=article.image_alt,
        type=_IMAGE_TYPES.get(ending, ""),
        length=asset.length if asset else None,
        width=width,
        height=height,
    )
