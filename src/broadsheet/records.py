"""Reading the record of what was issued: the issue.json files under the feeds folder."""

from __future__ import annotations

from pathlib import Path

from broadsheet import folders
from broadsheet.digests.addresses import folder
from broadsheet.digests.due import History
from broadsheet.digests.issue import RECORD, read
from broadsheet.errors import Problem, RecordError


def history(feeds: Path, digest: str, shown: str) -> History:
    """The issues of `digest` below the folder `feeds`, which messages call `shown`.

    A folder without a record is what a killed run left; the next run makes that issue anew.
    Raises RecordError when a record cannot be read: without it articles would be sent again.
    """
    place = folder(digest)
    found = []
    for path in sorted((feeds / place).glob(f"*/{RECORD}")):
        name = f"{shown}/{place}{path.parent.name}/{RECORD}"
        try:
            data = folders.content(path)
        except OSError as error:
            raise RecordError(
                Problem(f"it cannot be read: {error.strerror}", "check its permissions", name)
            ) from error
        issue = read(data, name)
        if folder(issue.digest, issue.key) != f"{place}{path.parent.name}/":
            raise RecordError(
                Problem(
                    f"this is the record of issue {issue.key} of the digest {issue.digest!r}",
                    "move its folder back to where it was",
                    name,
                )
            )
        found.append(issue)
    return History.of(found)
