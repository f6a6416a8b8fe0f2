"""The files of the feeds folder to publish: their order, media types and cache headers."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from mimetypes import MimeTypes
from typing import Final

from broadsheet.errors import Problem, PublishError
from broadsheet.feeds import INDEX
from broadsheet.model.settings import FEED_FORMATS, PublishSettings
from broadsheet.pipeline.project import Project
from broadsheet.storage import folders, outputs, writing

_OTHERS: Final = MimeTypes()  # those of Python, not of the machine
_START: Final = 1000  # bytes in which the root element of a feed begins


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to publish. path: in the feeds folder. digest: SHA-256 in hexadecimal. size: bytes.

    media_type: for Content-Type, with its charset. cache: for Cache-Control (RFC 9111).
    """

    path: str
    digest: str
    size: int
    media_type: str
    cache: str

    @property
    def is_feed(self) -> bool:
        """Whether it is a feed document, in any format."""
        return self.path.rpartition("/")[2] in _media_types()

    @property
    def rank(self) -> int:
        """Its place in the order of copying: each file comes after those that it names."""
        if self.is_feed:
            return 1 if self.path.startswith("archive/") else 2
        is_overview = self.path.endswith(".opml") or self.path.rpartition("/")[2] == INDEX
        return 3 if is_overview and self.path.count("/") in {0, 2} else 0  # digests/NAME/: 2


def outgoing_files(project: Project) -> list[OutgoingFile]:
    """Return what to publish, in the order of copying. The caller must hold the project's lock.

    Raises PublishError if nothing was built, or if a build was interrupted.
    """
    folder, shown = project.feeds_folder, project.settings.feeds.folder
    paths = outputs.read_manifest(folder).files
    if not paths:
        raise PublishError(Problem("there is nothing to publish", "run `broadsheet build`", shown))
    drafts = (path.name for path in folder.rglob(f".*{writing.ENDING}"))
    interrupted = next(drafts, None) or next((p for p in paths if not (folder / p).exists()), None)
    if interrupted:
        what = f"a build was interrupted ({interrupted})"
        raise PublishError(Problem(what, "run `broadsheet build`, then publish", shown))
    files = [_outgoing(path, read(project, path), project.settings.publish) for path in paths]
    return sorted(files, key=lambda file: (file.rank, -file.path.count("/"), file.path))


def read(project: Project, path: str) -> bytes:
    """Return the content of the file at `path` in the feeds folder. Raises PublishError."""
    try:
        return folders.content(project.feeds_folder / path)
    except OSError as error:
        shown = f"{project.settings.feeds.folder}/{path}"
        what = f"it cannot be read: {error.strerror}"
        raise PublishError(Problem(what, "check its permissions", shown)) from error


def media_type(path: str, data: bytes) -> str:
    """Return the media type of a file, with its charset.

    Sources: RFC 4287, section 7; rssboard.org; jsonfeed.org; RFC 8259, section 11 (no charset).
    """
    name = path.rpartition("/")[2]
    by_name = _media_types()
    found = by_name.get(name) or _OTHERS.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".opml"):
        found = "text/x-opml"
    elif found == "text/xml":  # perhaps a feed under another name, such as podcast.xml
        roots = {b"<rss": by_name["rss.xml"], b"<feed": by_name["atom.xml"]}
        found = next((roots[root] for root in roots if root in data[:_START]), found)
    is_text = found.startswith("text/") or found.endswith("+xml")
    return f"{found}; charset=utf-8" if is_text else found


def _outgoing(path: str, data: bytes, settings: PublishSettings) -> OutgoingFile:
    is_archive = path.startswith("archive/")
    age = settings.archive_max_age if is_archive else settings.max_age
    kind = media_type(path, data)
    return OutgoingFile(path, sha256(data).hexdigest(), len(data), kind, f"public, max-age={age}")


def _media_types() -> dict[str, str]:
    """Return the media type of each feed document, by its file name."""
    return {each.file: each.media_type for each in FEED_FORMATS.values()}
