"""Where the things of a digest lie on the web; every address absolute and encoded once."""

from __future__ import annotations

from msgspec import Struct

from broadsheet.articles.topics import Topic
from broadsheet.model.publication import Publication
from broadsheet.model.settings import FEED_FILES, MEDIA_TYPES, FeedSettings
from broadsheet.text.urls import encode


def folder(digest: str, issue: str = "") -> str:
    """The folder of a digest, or of one of its issues by key, under the feeds folder."""
    return f"digests/{digest}/{issue}/" if issue else f"digests/{digest}/"


class Addresses(Struct, frozen=True):
    """The addresses of one digest.

    name: of the digest in the config.
    """

    name: str
    publication: Publication
    feeds: FeedSettings

    @property
    def archive(self) -> str:
        """The page of its issues."""
        return self.publication.feeds_url + encode(folder(self.name))

    @property
    def feed(self) -> str:
        """The feed of its issues, in the main format."""
        return self.archive + FEED_FILES[self.feeds.main_format]

    @property
    def feed_type(self) -> str:
        """The media type of `feed`."""
        return MEDIA_TYPES[self.feeds.main_format]

    @property
    def index(self) -> str:
        """The page of every feed of the publication."""
        return self.publication.feeds_url

    def issue(self, key: str) -> str:
        """The web version of one issue."""
        return self.publication.feeds_url + encode(folder(self.name, key))

    def topic(self, topic: Topic) -> str:
        """The feed of `topic`; "" where the config asks for none."""
        if "topics" not in self.feeds.by or not topic.slug:
            return ""
        file = FEED_FILES[self.feeds.main_format]
        return self.publication.feeds_url + encode(f"topics/{topic.slug}/{file}")
