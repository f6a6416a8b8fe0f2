"""Copies the files that changed, so that a run can be killed at any instant.

Before the first file, the manifest at the destination names every file that will change, with an
unknown digest. It is saved now and then, and at the end. So what a killed run has left is known to
the next one, which copies only what may be missing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from broadsheet.errors import ConflictError, Problem, PublishError
from broadsheet.publish.destinations import CONFLICT, Destination
from broadsheet.publish.manifest import UNKNOWN, PublishedManifest
from broadsheet.publish.outgoing import OutgoingFile
from broadsheet.storage.writing import ENDING

_SAVES: Final = 20  # of the manifest in one run, at most
_FEWEST: Final = 50  # files between two of them
_SHOWN: Final = 5  # paths in a message
_FOLLOWED: Final = (".xml", "feed.json", "issue.json")


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """What the command line allows.

    adopt: replace files that are not ours. allow_removal: delete feeds and issues that have not
    ended. everything: copy also what is unchanged. feeds_end_at_once: `feeds.keep_retired_days` is
    0, so a feed may go without having ended before.
    """

    adopt: bool = False
    allow_removal: bool = False
    everything: bool = False
    feeds_end_at_once: bool = False


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What a run will do: copy the files `changed`, in this order, and delete those `removed`.

    before, after: the manifest at its start and at its end.
    """

    before: PublishedManifest
    after: PublishedManifest
    changed: Sequence[OutgoingFile]
    removed: Sequence[str]


def plan_copy(
    files: Sequence[OutgoingFile],
    retired: Iterable[str],
    destination: Destination,
    options: CopyOptions,
) -> CopyPlan:
    """Compare `files` with `destination`. retired: the paths of feeds that have ended.

    Raises PublishError if someone else's file is in the way, or if a feed would disappear.
    """
    # In this order: a manifest names a file before it is there, also that of another run.
    stored, before = destination.listing(), PublishedManifest.load(destination)
    digests = {file.path: _digest(file, destination) for file in files}
    known = {} if options.everything else before.files
    changed = [
        file
        for file in files
        if known.get(file.path) != digests[file.path] or stored.get(file.path) != file.size
    ]
    gone = sorted((before.files.keys() - digests.keys()) & stored.keys())
    if not options.adopt:
        _refuse_foreign(sorted((digests.keys() & stored.keys()) - before.files.keys()))
    if not options.allow_removal:
        kept = ("issue.json",) if options.feeds_end_at_once else _FOLLOWED
        _refuse_loss([p for p in gone if p.endswith(kept) and p not in before.retired])
    was_killed = UNKNOWN in before.files.values()
    drafts = [path for path in stored if was_killed and path.endswith(ENDING)]
    after = PublishedManifest(secrets.token_hex(8), digests, frozenset(retired))
    return CopyPlan(before, after, changed, [*gone, *drafts])


def copy(
    plan: CopyPlan, destination: Destination, content: Callable[[str], bytes], message: str
) -> None:
    """Do what `plan` says. content: returns the bytes of the file at a path.

    Raises ConflictError if another run changes the destination at the same time.
    """
    is_known = plan.before == replace(plan.after, run=plan.before.run)
    if is_known and not plan.changed and not plan.removed:
        return
    ours = plan.before.files.keys() | plan.after.files.keys()
    paths = {*(file.path for file in plan.changed), *plan.removed} & ours
    touched = dict.fromkeys(paths, UNKNOWN)
    known = {**plan.before.files, **touched}
    current = replace(plan.after, files=known, retired=plan.before.retired | plan.after.retired)
    current.save(destination)
    with ThreadPoolExecutor(destination.connections) as threads:
        for batch in _batches(plan.changed):
            [*threads.map(lambda file: destination.put(file, content(file.path)), batch)]
            known |= {file.path: plan.after.files[file.path] for file in batch}
            _save(current, destination, touched)
        [*threads.map(destination.delete, plan.removed)]
    _save(plan.after, destination, touched)
    destination.finish(message)


def _digest(file: OutgoingFile, destination: Destination) -> str:
    """Return the digest for the manifest, which includes the headers where they are stored."""
    if not destination.stores_headers:
        return file.digest
    return sha256(f"{file.digest}\n{file.media_type}\n{file.cache}".encode()).hexdigest()


def _batches(files: Sequence[OutgoingFile]) -> Iterator[list[OutgoingFile]]:
    """Yield files of one rank at a time, between two of which the manifest is saved."""
    size = max(_FEWEST, len(files) // _SAVES)
    for _, group in groupby(files, key=lambda file: file.rank):
        ranked = list(group)
        yield from (ranked[start : start + size] for start in range(0, len(ranked), size))


def _save(manifest: PublishedManifest, destination: Destination, touched: dict[str, str]) -> None:
    """Save `manifest`, unless another run has saved its own: then mark our files as unknown."""
    found = PublishedManifest.load(destination)
    if found.run == manifest.run:
        manifest.save(destination)
        return
    both = PublishedManifest(secrets.token_hex(8), {**found.files, **touched}, found.retired)
    both.save(destination)
    raise ConflictError(CONFLICT)


def _refuse_foreign(paths: Sequence[str]) -> None:
    if paths:
        what = f"{_listed(paths)} there already, and not published by Broadsheet"
        todo = "publish to another folder, or replace what is there with --adopt"
        raise PublishError(Problem(what, todo))


def _refuse_loss(paths: Sequence[str]) -> None:
    """Refuse to delete what readers follow, such as when CI has built without the issues in git."""
    if paths:
        what = f"{_listed(paths)} published and no longer in the feeds folder"
        todo = "restore the feeds folder, or delete what is published with --allow-removal"
        raise PublishError(Problem(what, todo))


def _listed(paths: Sequence[str]) -> str:
    """Return `paths` as the subject of a sentence, and its verb."""
    more = len(paths) - _SHOWN
    shown = ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{shown} {'is' if len(paths) == 1 else 'are'}"
