"""Read the record of what was issued: the issue.json files in the feeds folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from broadsheet.digests.issue import RECORD, Issue, issue_folder, parse_record
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
