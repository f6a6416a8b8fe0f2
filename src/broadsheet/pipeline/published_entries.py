"""Read the feeds of the last build: the entries as readers have them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.articles.entries import PublishedEntry
from broadsheet.feeds.formats import feed_format
from broadsheet.model.settings import FEED_FORMATS, FeedFormat
from broadsheet.pipeline.build_plan import BuildPlan
from broadsheet.pipeline.memo import Step, StepContext
from broadsheet.storage import folders, outputs
from broadsheet.text.plain import plain

_CHUNK: Final = 8


class PublishedDocument(Struct, frozen=True):
    """A feed document as the last build left it. path: relative to the project."""

    path: str
    digest: str | None
    format: FeedFormat


def published_entries(plan: BuildPlan, present: Collection[str]) -> tuple[PublishedEntry, ...]:
    """Return the entries of the main feed and its archives, each once, with their texts plain.

    present: the ids of the articles in the catalogue; the texts of their entries are left out.
    Feeds that have ended are skipped, and so is what cannot be read: this serves a warning, and no
    build depends on it.
    """
    project, memo = plan.edition.content.project, plan.edition.content.memo
    folder, digest = project.settings.feeds.folder, plan.published.digest
    documents = [
        PublishedDocument(f"{folder}/{path}", digest(path), format_)
        for path, format_ in _documents(project.feeds_folder)
    ]
    step = Step("broadsheet.pipeline.published_entries:read_titles", None)
    found: dict[str, PublishedEntry] = {}
    titles = memo.values(memo.map(step, documents), dict[str, str])
    for document, known in zip(documents, titles, strict=True):
        found |= {id_: PublishedEntry(id_, title, "") for id_, title in known.items()}
        if any(id_ not in present for id_ in known):
            gone = (each for each in _entries(project.root, document) if each.id not in present)
            found |= {each.id: replace(each, text=plain(each.text)) for each in gone}
    return tuple(found.values())


def read_titles(document: PublishedDocument, _: None, context: StepContext) -> dict[str, str]:
    """Return the title of each entry of a document, by its id (a step)."""
    return {each.id: each.title for each in _entries(context.root, document)}


def _entries(root: Path, document: PublishedDocument) -> Iterator[PublishedEntry]:
    with suppress(Exception):  # whatever it has become, it is only compared with
        data = folders.content(root / document.path)
        yield from feed_format(document.format).entries_in(data)


def _documents(feeds: Path) -> list[tuple[str, FeedFormat]]:
    """Return the main feed and its archives in the format that most of them have.

    JSON if there are as many: it takes an eighth of the time of Atom.
    """
    candidates: list[list[tuple[str, FeedFormat]]] = []
    ended = outputs.read_manifest(feeds).retired
    for format_, files in FEED_FORMATS.items():
        paths = [feeds / files.file, *sorted(feeds.glob(f"archive/*/{files.file}"))]
        if files.file not in ended and paths[0].exists():
            candidates.append([(path.relative_to(feeds).as_posix(), format_) for path in paths])
    return max(candidates, key=lambda each: (len(each), each[0][1] == "json"), default=[])
