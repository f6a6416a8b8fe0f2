"""Audio and video of an article: the fields that podcasts and their generators use.

Read are the front matter of Eleventy's Podcaster (`episode`), Octopod and other Jekyll podcasts
(`audio`, `podcast_link`), Hugo's Castanet (`podcast_file`), Hexo's podcast generator (`media`),
Nikola (`enclosure`), and WordPress (an `enclosure` of three lines).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from broadsheet.articles.fields import fold, text

TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/x-m4a",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "m4v": "video/x-m4v",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
"""Media type by file ending, the best for podcasts first. Ours, as the standard library's table
depends on the machine."""

_HOLDERS = (
    *("enclosure", "audio", "video", "episode", "podcast", "media", "mediafile", "mediaurl"),
    *("audiourl", "audiofile", "videourl", "videofile", "podcastfile", "podcastlink", "podcasturl"),
    *("mp3", "mp3url", "mp3enclosure", "m4a", "link"),
)
"""Folded names of the fields that may name a file, or hold a mapping that does."""

_FILE = ("url", "src", "href", "file", "filename", "path", "link", *TYPES)
_GROUPS = ("podcast", "episode", "itunes", "audio", "video", "media", "enclosure", "mp3enclosure")
"""What the names of other facts may begin with: `podcast_duration`."""
_MEDIA = re.compile("(?:audio|video)/")
_EPISODE_TYPES = {"full", "trailer", "bonus"}


class Media(Struct, frozen=True, array_like=True):
    """The audio or video file of an article, as its front matter has it.

    file: a URL, a path, or a name in the folder of all media files. length: bytes.
    duration: seconds. image, transcript, chapters: URLs or paths; "" if none. explicit: None if
    not said. kind: full, trailer, bonus, or "".
    """

    file: str
    type: str
    length: int | None = None
    duration: int | None = None
    image: str = ""
    explicit: bool | None = None
    season: int | None = None
    episode: int | None = None
    kind: str = ""
    transcript: str = ""
    chapters: str = ""


def media_of(given: Mapping[str, object]) -> Media | None:
    """Return the first audio or video file in front matter; None if it has none.

    given: the fields by their folded names.
    """
    for holder in filter(given.__contains__, _HOLDERS):
        for file, facts in _files(given[holder]):
            found = _Facts({**_general(given), **facts})
            said = (found.text(name) for name in ("type", "mimetype", "mime"))
            if kind := next(filter(_MEDIA.match, said), type_of(file)):
                return found.media(file, kind)
    return None


def type_of(file: str) -> str:
    """Return the media type of a file by its name; "" if it is not audio or video."""
    return TYPES.get(re.split("[?#]", file)[0].rpartition(".")[2].lower(), "")


def _files(value: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each file that the value of a field names, with the facts beside it."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, Mapping):
            facts = {fold(str(name)): fact for name, fact in each.items()}
            for name in _FILE:
                if facts.get(name) and not isinstance(facts[name], Mapping | list):
                    yield text(facts[name]), facts
        elif isinstance(each, str) and each.strip():
            file, *rest = each.strip().splitlines()  # WordPress: URL, length, type
            yield text(file), dict(zip(("length", "type"), map(str.strip, rest), strict=False))


def _general(given: Mapping[str, object]) -> dict[str, object]:
    """Return the facts that are fields of their own: `duration`, `podcast_bytes`."""
    plain = {name: given[name] for name in given.keys() & _PLAIN}
    joined = {
        name.removeprefix(group): value
        for group in reversed(_GROUPS)
        for name, value in given.items()
        if name.startswith(group) and name != group
    }
    return plain | joined


_PLAIN = {
    *("duration", "length", "bytes", "filesize", "explicit", "season", "episode", "seasonnumber"),
    *("episodenumber", "episodetype", "transcript", "chapters", "type", "mimetype"),
}


class _Facts(Struct, frozen=True):
    """What is said about a media file, by folded names."""

    given: Mapping[str, object]

    def media(self, file: str, kind: str) -> Media:
        """Return the file with everything that is said about it."""
        said = self.text("explicit").casefold()
        episode_type = self.text("episodetype", "type").casefold()
        return Media(
            file,
            kind,
            self.number("length", "bytes", "size", "filesize"),
            _seconds(self.text("duration")),
            self.text("image", "cover", "artwork"),
            said in {"true", "yes", "explicit"} if said and said != "null" else None,
            self.number("season", "seasonnumber"),
            self.number("episode", "episodenumber", "number"),
            episode_type if episode_type in _EPISODE_TYPES else "",
            self.text("transcript"),
            self.text("chapters"),
        )

    def text(self, *names: str) -> str:
        """Return the first of these facts that is a text or number; "" if none is."""
        values = (self.given.get(name) for name in names)
        return next((text(v) for v in values if v is not None and not _is_many(v)), "")

    def number(self, *names: str) -> int | None:
        """Return the first of these facts that is a whole number."""
        texts = (self.text(name).replace(",", "") for name in names)
        return next((int(each) for each in texts if re.fullmatch(r"\d{1,15}", each)), None)


def _is_many(value: object) -> bool:
    return isinstance(value, Mapping | list)


def _seconds(written: str) -> int | None:
    """Return a duration in seconds: of `3283`, `3283.5`, `54:43` or `0:54:43`; None if unclear."""
    if not re.fullmatch(r"\d{1,6}(?::\d{1,2}){0,2}(?:\.\d+)?", written):
        return None
    seconds = 0
    for part in written.partition(".")[0].split(":"):
        seconds = 60 * seconds + int(part)
    return seconds
