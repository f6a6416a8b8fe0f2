"""The records on disk: all are read or nothing is done, since a lost one means mail sent twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from broadsheet.errors import RecordError
from broadsheet.storage import issue_records
from newsroom import Newsroom, contents, no_privileges, stamps

WEEKLY = """
[digests.weekly]
title = "Weekly"

[digests.daily]
title = "Daily"
schedule = "0 8 * * *"
"""
RECORD = "feeds/digests/weekly/2025-06-23/issue.json"
NEXT = "2025-06-30T09:00:00+08:00"


@pytest.fixture
def issued(newsroom: Newsroom) -> Newsroom:
    """A project with one weekly issue made, and an article for the next."""
    newsroom.configure(WEEKLY)
    newsroom.article("a.md", date="2025-06-20")
    assert newsroom.run("digest", "weekly", now="2025-06-23T09:00:00+08:00").code == 0
    newsroom.article("b.md", date="2025-06-26")
    return newsroom


def test_the_history_has_the_released_issues(issued: Newsroom) -> None:
    """The issue on disk is read back; a digest without issues has an empty history."""
    (issue,) = issue_records.history(issued.folder / "feeds", "weekly", "feeds").issues
    assert issue.key == "2025-06-23"
    assert issue_records.history(issued.folder / "feeds", "daily", "feeds").issues == ()


BROKEN = {
    "empty": b"",
    "half": b'{"digest": "weekly", "key": "2025-06-23", "num',
    "conflict": b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n",
    "other": b'{"some": "file"}',
}


@pytest.mark.parametrize(
    ("command", "kind"),
    [*((("digest",), kind) for kind in BROKEN), (("build",), "half"), (("preview",), "half")],
)
def test_a_broken_record_stops_the_run_and_names_it(
    issued: Newsroom, command: tuple[str, ...], kind: str
) -> None:
    """Exit 1, one line on stderr, nothing written: the articles would be sent again."""
    (issued.folder / RECORD).write_bytes(BROKEN[kind])
    before = stamps(issued.folder / "feeds")
    ran = issued.run(*command, now=NEXT)
    assert ran.code == 1
    assert ran.err.startswith(f"{RECORD}: this record of an issue cannot be read: ")
    assert ran.err.endswith(
        "; restore it from Git or a backup; without it articles would be sent again\n"
    )
    assert ran.out == ""
    assert stamps(issued.folder / "feeds") == before
    assert not (issued.folder / "previews").exists()


def test_a_broken_record_of_one_digest_stops_the_others_too(issued: Newsroom) -> None:
    """The pages that list all issues could not be made; so nothing is."""
    (issued.folder / RECORD).write_bytes(b"{}")
    before = contents(issued.folder / "feeds")
    ran = issued.run("digest", "daily", now=NEXT)
    assert (ran.code, contents(issued.folder / "feeds")) == (1, before)
    assert ran.err.startswith(f"{RECORD}: ")


def test_an_unreadable_record_is_named() -> None:
    """Permissions are no reason to send twice."""
    with no_privileges() as folder:
        place = folder / "digests/weekly/2025-06-23"
        place.mkdir(parents=True)
        (place / "issue.json").write_bytes(b"{}")
        (place / "issue.json").chmod(0)
        with pytest.raises(RecordError, match=r"issue\.json: it cannot be read: Permission denied"):
            issue_records.history(folder, "weekly", "feeds")


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move])
def test_a_record_in_another_place_is_refused(issued: Newsroom, move) -> None:  # type: ignore[no-untyped-def]
    """A copy would count an issue twice, and links to a renamed folder are dead."""
    folder = (issued.folder / RECORD).parent
    move(folder, folder.with_name("2025-06-23 copy"))
    ran = issued.run("digest", now=NEXT)
    assert ran.code == 1
    assert ran.err == (
        "feeds/digests/weekly/2025-06-23 copy/issue.json: this is the record of issue 2025-06-23 "
        "of the digest 'weekly'; move its folder back to where it was\n"
    )


def test_an_issue_without_a_record_is_made_anew_with_the_same_bytes(issued: Newsroom) -> None:
    """A killed run leaves no issue: the next run makes it, and the result is the same."""
    assert issued.run("digest", now=NEXT).code == 0
    whole = contents(issued.folder / "feeds")
    folder = issued.folder / "feeds/digests/weekly/2025-06-30"
    (folder / "issue.json").unlink()
    (folder / "email.html").write_bytes(b"half")
    (folder / "email.txt").unlink()
    ran = issued.run("digest", "--quiet", now=NEXT)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert contents(issued.folder / "feeds") == whole


def test_files_of_a_killed_run_are_removed(issued: Newsroom) -> None:
    """No page of an issue stays without a record; issues of former digests stay."""
    assert issued.run("digest", "weekly", now=NEXT).code == 0
    folder = issued.folder / "feeds/digests/weekly"
    (folder / "2025-06-30/issue.json").unlink()
    later = "2025-07-07T09:00:00+08:00"
    assert issued.run("digest", "weekly", now=later).code == 0
    assert issued.run("build", now=later).code == 0
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        "2025-06-23",
        "2025-07-07",
    ]
    issued.configure("")
    before = contents(folder)
    assert issued.run("build", now=later).code == 0
    after = contents(folder)
    for feed in ("atom.xml", "rss.xml", "feed.json"):  # it has ended, and says so
        assert b"#ended-" in after.pop(feed)
        del before[feed]
    assert after == before


def test_files_of_others_beside_the_issues_are_left_alone(issued: Newsroom) -> None:
    """A note in the digest's folder, or a folder without a record, is not an issue and stays."""
    note = issued.write("feeds/digests/weekly/notes/readme.txt", "mine")
    assert issued.run("digest", now=NEXT).code == 0
    assert issued.run("build", now=NEXT).code == 0
    assert note.read_text() == "mine"


def test_issues_once_made_never_change(issued: Newsroom) -> None:
    """Editing, moving or deleting articles after the issue changes no byte and no mtime of it."""
    folder = issued.folder / "feeds/digests/weekly/2025-06-23"
    before = stamps(folder)
    issued.article("a.md", title="Another", date="2025-06-20", main_topics=["New"])
    assert issued.run("digest", now=NEXT).code == 0
    (issued.folder / "content/a.md").unlink()
    assert issued.run("build", now=NEXT).code == 0
    assert issued.run("digest", now="2025-07-07T09:00:00+08:00").code == 0
    assert stamps(folder) == before


def test_the_record_names_the_source_by_its_hash(issued: Newsroom) -> None:
    """The source of the issue can be identified later: sha256 of the file."""
    from hashlib import sha256

    data = json.loads((issued.folder / RECORD).read_bytes())
    (placed,) = data["sections"][0]["articles"]
    assert placed["sha256"] == sha256(Path(issued.folder / "content/a.md").read_bytes()).hexdigest()
