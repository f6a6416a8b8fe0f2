"""Read the record of what was issued: the issue.json files in the feeds folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from broadsheet.digests.issue import (
    DRAFT_RECORD,
    RECORD,
    Issue,
    draft_folder,
    issue_folder,
    parse_record,
)
from broadsheet.digests.selection import History
from broadsheet.errors import DeliveryError, Problem, RecordError
from broadsheet.storage import folders


def history(feeds: Path, digest: str, shown: str, *, former: Iterable[str] = ()) -> History:
    """Return the issues of `digest` in the folder `feeds`, which messages call `shown`.

    former: earlier names of the digest; their issues are included.

    A folder without a record was left by a killed run; the next run makes that issue again. Raises
    RecordError if a record cannot be read: without it, articles would be sent again.
    """
    return History.of(issue for name in (digest, *former) for issue in _issues(feeds, name, shown))


def drafts(project: Path, digest: str) -> tuple[Issue, ...]:
    """The drafts of `digest` in the folder `project`, oldest first.

    One that cannot be read counts as not made: a draft can be made again.
    """
    found = []
    for path in (project / issue_folder(digest)).glob(f"*.draft/{DRAFT_RECORD}"):
        with suppress(OSError, RecordError):
            found.append(parse_record(folders.content(path), str(path)))
    return tuple(sorted(found, key=lambda issue: issue.tick))


def draft_files(project: Path, issue: Issue) -> dict[str, bytes]:
    """The files of the draft of `issue` in the folder `project`: name -> bytes."""
    folder = project / draft_folder(issue.digest, issue.key)
    found = {path.name: folders.content_of(path) for path in folder.glob("*")}
    return {name: data for name, data in found.items() if data is not None}


def names(feeds: Path) -> tuple[str, ...]:
    """Return the names of all digests that have a record in the folder `feeds`."""
    return tuple(sorted({path.parent.parent.name for path in feeds.glob(f"digests/*/*/{RECORD}")}))


def _issues(feeds: Path, digest: str, shown: str) -> Iterator[Issue]:
    place = issue_folder(digest)
    for path in sorted((feeds / place).glob(f"*/{RECORD}")):
        name = f"{shown}/{place}{path.parent.name}/{RECORD}"
        try:
            data = folders.content(path)
        except OSError as error:
            raise RecordError(
                Problem(f"it cannot be read: {error.strerror}", "check its permissions", name)
            ) from error
        issue = parse_record(data, name)
        if issue_folder(issue.digest, issue.key) != f"{place}{path.parent.name}/":
            what = f"this is the record of issue {issue.key} of the digest {issue.digest!r}"
            todo = "move its folder back to where it was"
            raise RecordError(Problem(what, todo, name))
        yield issue


def issued_message(feeds: Path, issue: Issue, shown: str) -> bytes:
    """Return message.eml of `issue` as issued, with CRLF. shown: what messages call `feeds`.

    Raises DeliveryError if it cannot be read.
    """
    path = issue_folder(issue.digest, issue.key) + "message.eml"
    try:
        data = folders.content(feeds / path)
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
        todo = "restore it from Git or a backup, and run again"
        raise DeliveryError(Problem(what, todo, f"{shown}/{path}")) from error
    # Git may have changed the line ends in a checkout.
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
