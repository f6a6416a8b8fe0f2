"""An article as a feed or a digest shows it; every format gives the same data."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles import Article
from broadsheet.articles.media import Media
from broadsheet.articles.topics import Topic
from broadsheet.markup import LinkIndex, Links, Rendition
from broadsheet.model.publication import Language, Person, Publication, Url
from broadsheet.text.urls import encode, join

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


# The mail addresses that every reader and validator accepts; RFC 5322 allows more.
_MAIL = re.compile(r"[\w.'+-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+", re.ASCII)


class Image(Struct, frozen=True):
    """A featured image.

    url: absolute. alt: may be "". type: media type, "" if unknown. length: bytes; width, height:
    pixels; None if the file is not on disk or cannot be read.
    """

    url: str
    alt: str
    type: str
    length: int | None
    width: int | None
    height: int | None


class Enclosure(Struct, frozen=True):
    """A file that comes with an entry. length: bytes; None if unknown. title: may be ""."""

    url: str
    type: str
    length: int | None
    title: str


class Entry(Struct, frozen=True):
    """The data of an article in a feed.

    topics, tags: disjoint. schemes: the base of the URIs that tell topics from tags (RFC 4287,
    section 4.2.2.2). summary: plain text on one line. content: HTML; "" in feeds of summaries.
    media: with absolute URLs. external_url: of the page that it links to; "" if none.
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
    media: Media | None = None
    external_url: str = ""

    @property
    def enclosure(self) -> Enclosure | None:
        """The file that comes with the entry: its audio or video, else its featured image."""
        if self.media:
            return Enclosure(self.media.file, self.media.type, self.media.length, "")
        image = self.image
        if image is None or image.length is None or not image.type:
            return None
        return Enclosure(image.url, image.type, image.length, image.alt)

    @property
    def description(self) -> str:
        """The summary, or the title if the article has no text, since feeds require some."""
        return self.summary or self.title

    def without_content(self) -> Entry:
        """Return the entry for feeds of summaries."""
        return replace(self, content="")


class PublishedEntry(Struct, frozen=True):
    """An entry of the last build. text: of its content, to be recognised by; "" if not needed."""

    id: str
    title: str
    text: str


def article_entry(
    article: Article,
    rendition: Rendition | None,
    topics: tuple[Topic, ...],
    tags: tuple[Topic, ...],
    image: Image | None,
    publication: Publication,
    media: Media | None = None,
) -> Entry:
    """Return the entry of `article`. Without a rendition it has no content.

    topics, tags: of the article, as the whole catalogue names them, in the order written; one may
    be in both. image, media: as `featured_image` and `media_file` return them.
    """
    taken = {topic.slug for topic in topics}
    return Entry(
        id=article.id,
        url=article.url,
        title=article.title,
        published=article.date,
        updated=article.updated,
        authors=tuple(person(author, publication) for author in article.authors),
        topics=topics,
        tags=tuple(tag for tag in tags if tag.slug not in taken),
        schemes=publication.id_base + "feeds/",
        language=_language(article.language) or publication.language,
        summary=article.summary or (rendition.excerpt if rendition else ""),
        content=rendition.html if rendition else "",
        image=image,
        media=media,
        external_url=article.external_url,
    )


def person(given: Person, publication: Publication) -> Person:
    """Return a person without an invalid mail address or URL.

    The URL may be a path on the site (/people/ada/).
    """
    email = given.email.removeprefix("mailto:")
    return Person(
        name=given.name,
        email=email if _MAIL.fullmatch(email) else "",
        url=_web_address(join(publication.url, given.url) if given.url[:1] == "/" else given.url),
    )


def _web_address(address: str) -> str:
    """`address` encoded; "" if it is not an http or https URL."""
    try:
        return Url(encode(address))
    except ValueError:
        return ""


@cache
def _language(tag: str) -> str:
    """`tag`; "" if it is not a language tag."""
    try:
        return Language(tag)
    except ValueError:
        return ""


def featured_image(article: Article, index: LinkIndex) -> Image | None:
    """Return the featured image of `article`, with what is known of the file on disk.

    None if there is none, or one without an address of its own (`data:`).
    """
    if not article.image:
        return None
    links = Links(index, article.source, article.url)
    asset = links.featured(in_site(article.image, index.site))
    url = asset.url if asset else _web_address(links.resolve(article.image))
    if not url:
        return None
    width, height = index.sizes.get(asset.path, (None, None)) if asset else (None, None)
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    return Image(
        url=url,
        alt=article.image_alt,
        type=_IMAGE_TYPES.get(ending, ""),
        length=(asset.length or None) if asset else None,  # an empty file cannot be enclosed
        width=width,
        height=height,
    )


def in_site(reference: str, site: str) -> str:
    """Return `reference` from the root of the site if it is a URL there."""
    return "/" + reference.removeprefix(site) if reference.startswith(site) else reference


def media_file(article: Article, index: LinkIndex, base: str) -> Media | None:
    """Return the audio or video of `article` with absolute URLs; None if it has none.

    base: `feeds.podcast.media_url`.
    """
    media = article.media
    if media is None:
        return None
    links = Links(index, article.source, article.url)
    asset = links.asset(in_site(media.file, index.site))
    is_name = base and not asset and not re.match("https?:|/", media.file)
    url = asset.url if asset else links.resolve(join(base, media.file) if is_name else media.file)

    def whole(reference: str) -> str:
        return _web_address(links.resolve(reference)) if reference else ""

    return replace(
        media,
        file=url,
        length=media.length or (asset.length if asset else None) or None,
        image=whole(media.image),
        transcript=whole(media.transcript),
        chapters=whole(media.chapters),
    )
