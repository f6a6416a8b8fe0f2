"""The editor's notes of a digest, read and rendered when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from broadsheet.digests.issue import DigestUrls
from broadsheet.digests.notes import Note, note_images, note_path, with_sizes
from broadsheet.markup import LinkIndex
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.pipeline.reading import Articles
from broadsheet.pipeline.rendering import NoteFile, image_sizes, read_note
from broadsheet.storage import folders, sources
from broadsheet.storage.folders import Stamp


@dataclass(frozen=True)
class Notes(Mapping[str, Note]):
    """The notes of the digest called `name`, by the key of an issue."""

    project: Project
    memo: Memo
    articles: Articles
    link_index: Callable[[], LinkIndex]
    name: str
    _read: dict[str, Note] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(sources.note_keys(self.project.root, self.name))

    def __len__(self) -> int:
        return len([*iter(self)])

    def __getitem__(self, key: str) -> Note:
        if key not in self._read:
            before = folders.disk_time(self.project.state) if self.memo.is_lasting else 0
            path = note_path(self.name, key)
            try:
                stamp = folders.stamp_of((self.project.root / path).stat())
            except OSError:
                raise KeyError(key) from None
            self._read[key] = self._note(path, key, folders.trusted(stamp, before))
        return self._read[key]

    def _note(self, path: str, key: str, stamp: Stamp) -> Note:
        settings = self.project.settings
        digest, publication = settings.digests[self.name], settings.publication
        url = DigestUrls(self.name, publication, settings.feeds).issue(key)
        language = digest.language or publication.language
        file = NoteFile(path, stamp, url, language, settings.articles.dialect_of(path))
        note = read_note(self.memo, file, self.link_index())
        sizes = image_sizes(self.memo, self.articles, self.link_index(), note_images(note))
        return with_sizes(note, sizes)
