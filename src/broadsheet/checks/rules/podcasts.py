"""Rules on podcasts: what Apple's directory requires, and others expect.

Sources: Apple, "Podcast RSS feed requirements", "Artwork requirements" and "Apple Podcasts
categories" (podcasters.apple.com/support).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Final
from urllib.parse import urlsplit

from broadsheet.articles.entries import media_file
from broadsheet.articles.media import Media
from broadsheet.checks.rule import Slight, site_rule
from broadsheet.checks.rules.config import nearest
from broadsheet.checks.site import SiteView
from broadsheet.errors import Problem
from broadsheet.model.settings import PodcastSettings

_ARTWORK: Final = range(1400, 3001)  # pixels
_LONGEST_DESCRIPTION: Final = 4000  # bytes
_PLAYED: Final = {
    *("audio/mpeg", "audio/x-m4a", "audio/mp4", "audio/aac", "audio/m4a", "audio/mp3"),
    *("video/mp4", "video/x-m4v", "video/quicktime"),
}
_SUBCATEGORIES: Final = {
    "Arts": "Books|Design|Fashion & Beauty|Food|Performing Arts|Visual Arts",
    "Business": "Careers|Entrepreneurship|Investing|Management|Marketing|Non-Profit",
    "Comedy": "Comedy Interviews|Improv|Stand-Up",
    "Education": "Courses|How To|Language Learning|Self-Improvement",
    "Fiction": "Comedy Fiction|Drama|Science Fiction",
    "Government": "",
    "History": "",
    "Health & Fitness": "Alternative Health|Fitness|Medicine|Mental Health|Nutrition|Sexuality",
    "Kids & Family": "Education for Kids|Parenting|Pets & Animals|Stories for Kids",
    "Leisure": "Animation & Manga|Automotive|Aviation|Crafts|Games|Hobbies|Home & Garden|"
    "Video Games",
    "Music": "Music Commentary|Music History|Music Interviews",
    "News": "Business News|Daily News|Entertainment News|News Commentary|Politics|Sports News|"
    "Tech News",
    "Religion & Spirituality": "Buddhism|Christianity|Hinduism|Islam|Judaism|Religion|Spirituality",
    "Science": "Astronomy|Chemistry|Earth Sciences|Life Sciences|Mathematics|Natural Sciences|"
    "Nature|Physics|Social Sciences",
    "Society & Culture": "Documentary|Personal Journals|Philosophy|Places & Travel|Relationships",
    "Sports": "Baseball|Basketball|Cricket|Fantasy Sports|Football|Golf|Hockey|Rugby|Running|"
    "Soccer|Swimming|Tennis|Volleyball|Wilderness|Wrestling",
    "Technology": "",
    "True Crime": "",
    "TV & Film": "After Shows|Film History|Film Interviews|Film Reviews|TV Reviews",
}
CATEGORIES: Final = frozenset(
    f"{main} > {sub}" if sub else main
    for main, subs in _SUBCATEGORIES.items()
    for sub in ("", *subs.split("|"))
)
"""Apple's categories, as `feeds.podcast.categories` writes them."""


@site_rule(
    "podcast",
    "error",
    "Apple's directory refuses a podcast without artwork, a category and a description, or where "
    "these break its rules. Only a warning as long as the config has no `[feeds.podcast]`.",
)
def podcast(site: SiteView) -> Iterator[Problem | Slight]:
    settings = site.settings
    for feed in site.feeds:
        if feed.head.kind != "podcast":
            continue
        about = settings.feeds.podcast_at(feed.head.path)
        named = settings.feeds.named.get(feed.head.path.rstrip("/"))
        table = f"feeds.{feed.head.path[:-1]}.podcast" if named and named.podcast else _TABLE
        for what, todo, key in _wrong_with_show(site, about, feed.head.description):
            line = site.config_line(table)
            problem = Problem(what, todo.format(table), site.config[0], line, f"{table}.{key}")
            yield Slight(problem) if about == PodcastSettings() else problem


_TABLE: Final = "feeds.podcast"


def _wrong_with_show(
    site: SiteView, about: PodcastSettings, description: str
) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a podcast, what to do, and the key."""
    yield from ((*each, "image") for each in _wrong_with_artwork(site, about.image))
    if not about.categories:
        yield "the podcast has no category", 'set {0}.categories, such as ["News"]', "categories"
    for each in about.categories:
        if each not in CATEGORIES:
            todo = nearest(each, CATEGORIES) or "take one of Apple's list"
            yield f"Apple has no category {each!r}", todo, "categories"
    if not description:
        yield "the podcast has no description", "set {0}.description", "description"
    elif len(description.encode()) > _LONGEST_DESCRIPTION:
        yield "the description is over 4000 bytes", "shorten it", "description"
    if about.owner and not about.owner.email:
        yield "the owner has no mail address", "add one, or remove the owner", "owner"


def _wrong_with_artwork(site: SiteView, image: str) -> Iterator[tuple[str, str]]:
    if not image:
        yield "the podcast has no artwork", "set {0}.image to a square JPEG or PNG"
        return
    if PurePosixPath(urlsplit(image).path).suffix.lower() not in {".jpg", ".jpeg", ".png"}:
        yield "the artwork is not JPEG or PNG", "save it as one of these"
    asset = site.link_index.rooted.get(normpath(image.lstrip("/")))
    width, height = site.link_index.sizes.get(asset.path, (1400, 1400)) if asset else (1400, 1400)
    if width != height or width not in _ARTWORK:
        what = f"the artwork is {width} by {height} pixels"
        yield what, "make it square, 1400 to 3000 pixels wide"


@site_rule(
    "episode",
    "warning",
    "A podcast app cannot play the file or show how long it takes to load, or takes the episode "
    "for one that it has.",
)
def episode(site: SiteView) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for article in reversed(site.catalogue.articles):
        media = media_file(article, site.link_index, site.settings.feeds.podcast.media_url)
        if media is None:
            continue
        other = first.setdefault(media.file, article.source)
        for what, todo in _wrong_with_file(media, "" if other == article.source else other):
            line = site.line(article, "enclosure", "audio", "video", "episode", "media") or 1
            yield Problem(what, todo, article.source, line)


def _wrong_with_file(media: Media, other: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an episode, and what to do. other: one that has the same file."""
    if media.type not in _PLAYED:
        yield f"Apple Podcasts does not play {media.type}", "offer it as MP3, M4A or MP4"
    if not media.length:
        yield "the length of its media file is unknown", "write `length: BYTES` beside it"
    if other:
        yield f"its media file is also that of {other}", "give each episode its own file"
