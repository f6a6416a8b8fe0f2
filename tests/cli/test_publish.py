"""`publish` to real destinations: a folder, an S3 server, an SSH server and a git repository."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from laws import long
from newsroom import NOW, Newsroom, Ran
from publish_targets import TARGETS, PublishTarget

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

MANIFEST = ".broadsheet-published.json"


@dataclass(frozen=True)
class Site:
    """A project with articles, and a destination for its feeds."""

    newsroom: Newsroom
    target: PublishTarget

    def publish(self, *options: str) -> Ran:
        with patch.dict(os.environ, self.target.environment):
            return self.newsroom.run("publish", *options)

    def built(self) -> dict[str, bytes]:
        files = self.newsroom.published()
        del files[".broadsheet.json"]
        return files

    def served(self) -> dict[str, bytes]:
        """What is at the destination, without our manifest, which must name just that."""
        files = self.target.files()
        manifest = json.loads(files.pop(MANIFEST)) if MANIFEST in files else {"files": {}}
        assert all(manifest["files"].values())
        return files


@pytest.fixture(params=sorted(TARGETS))
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """The project is built; nothing is published yet."""
    with _site(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=["folder", "git", *long("fsspec", "s3", "sftp")])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """The same; `make test` tries two kinds of destinations."""
    with _site(request.param, tmp_path) as made:
        yield made


@contextmanager
def _site(kind: str, folder: Path) -> Iterator[Site]:
    if kind == "sftp" and not shutil.which("/usr/sbin/sshd"):
        pytest.skip("there is no sshd")
    project = folder / "project"
    project.mkdir()
    with TARGETS[kind](folder) as target:
        newsroom = Newsroom.open(project, f'[publish]\nto = "{target.address}"\n')
        for number in range(3):
            newsroom.article(f"a{number}.md", tags=["开源"], categories=[f"Topic {number}"])
        newsroom.build()
        yield Site(newsroom, target)


def test_only_what_changed_is_copied(any_site: Site) -> None:
    """The first run copies everything, the next nothing, and one after an edit what it changed."""
    assert any_site.publish("--dry-run").code == 0
    assert any_site.served() == {}
    first = any_site.publish()
    assert (first.code, first.err) == (0, "")
    assert any_site.served() == any_site.built()
    before = any_site.target.files()
    assert " 0 files copied" in any_site.publish().out
    assert any_site.target.files() == before
    old = any_site.built()
    any_site.newsroom.article("a0.md", "Other text.", categories=["Topic 0"])
    any_site.newsroom.build()
    changed = {path for path, data in any_site.built().items() if old.get(path) != data}
    report = json.loads(any_site.publish("--json").out)
    assert {*report["copied"]} == changed
    assert any_site.served() == any_site.built()


def test_files_of_others_stay(site: Site) -> None:
    """A file in the way stops the run before it writes; others are never touched."""
    site.target.write("atom.xml", b"theirs")
    site.target.write("notes/x.txt", b"theirs")
    refused = site.publish()
    assert refused.code == 1
    assert "atom.xml is there already" in refused.err
    assert MANIFEST not in site.target.files()
    assert site.publish("--adopt").code == 0
    assert site.served() == {**site.built(), "notes/x.txt": b"theirs"}


def test_a_run_that_is_killed_is_completed_by_the_next(site: Site) -> None:
    """Killed before any of its calls of the destination, it leaves whole files that are old or new,
    and a next run that copies the rest and deletes what must go."""
    assert site.publish().code == 0
    old = site.built()
    site.newsroom.article("a0.md", "Other text.", categories=["Topic 0", "New"])
    site.newsroom.build()
    (site.newsroom.folder / "content/a2.md").unlink()
    site.newsroom.configure(
        f'[feeds]\nkeep_retired_days = 0\n[publish]\nto = "{site.target.address}"\n'
    )
    site.newsroom.build()
    new = site.built()
    calls = 0
    while _killed_before(site, calls):
        served = {p: data for p, data in site.target.files().items() if not p.endswith("-tmp")}
        served.pop(MANIFEST)
        assert all(data in {old.get(path), new.get(path)} for path, data in served.items())
        calls = 2 * calls + 1
    assert calls > 3
    assert site.publish().code == 0
    assert site.served() == new


def _killed_before(site: Site, calls: int) -> bool:
    """Whether a run kills itself before it has called the destination once more than `calls`."""
    call = [sys.executable, "-c", KILLED, str(calls), str(site.newsroom.folder)]
    done = subprocess.run(
        call, env={**os.environ, **site.target.environment}, capture_output=True, check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


KILLED = """
import os, signal, sys
from broadsheet.publish import publishing
left = int(sys.argv[1])
made = publishing.destination_at
def destination_at(place):
    destination = made(place)
    def killed(method):
        def call(*arguments):
            global left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return method(*arguments)
        return call
    for name in ("put", "delete", "finish"):
        setattr(destination, name, killed(getattr(destination, name)))
    return destination
publishing.destination_at = destination_at
sys.argv = ["broadsheet", "-C", sys.argv[2], "publish"]
from broadsheet.cli import main
main()
"""


@pytest.mark.parametrize("kind", ["folder", "fsspec"])
def test_a_kill_in_the_middle_of_a_file_tears_none(kind: str, tmp_path: Path) -> None:
    """The draft that it leaves is deleted by the next run."""
    with _site(kind, tmp_path) as made:
        assert made.publish().code == 0
        old = made.built()
        made.newsroom.article("a0.md", "Other text. " * 5000, categories=["Topic 0"])
        made.newsroom.build()
        call = [sys.executable, "-c", TORN, str(made.newsroom.folder)]
        done = subprocess.run(call, capture_output=True, check=False)
        assert done.returncode == -signal.SIGXFSZ, done.stderr
        served = made.target.files()
        drafts = [path for path in served if path.endswith("-tmp")]
        assert [len(served.pop(path)) for path in drafts] == [TORN_AT]
        del served[MANIFEST]
        assert all(data in {old[path], made.built()[path]} for path, data in served.items())
        assert made.publish().code == 0
        assert made.served() == made.built()


TORN_AT = 50_000
TORN = f"""
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({TORN_AT}, {TORN_AT}))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # it kills; Python ignores it
sys.argv = ["broadsheet", "-C", sys.argv[1], "publish"]
from broadsheet.cli import main
main()
"""


def test_a_killed_run_is_continued_and_not_begun_again(tmp_path: Path) -> None:
    """What was copied before the kill is not copied again, but for the last few files."""
    with _site("folder", tmp_path) as made:
        for number in range(60):
            made.newsroom.article(f"b{number}.md", categories=[f"Topic {number}"])
        made.newsroom.build()
        files = len(made.built())
        assert _killed_before(made, 150)
        report = json.loads(made.publish("--json").out)
        assert report["unchanged"] >= 100
        assert len(report["copied"]) == files - report["unchanged"]
        assert made.served() == made.built()


def test_two_runs_at_once_leave_what_one_does(site: Site) -> None:
    """Each on its machine: what they leave together is known to the next run, which ends it."""
    other = Newsroom(site.newsroom.folder.with_name("other"))
    shutil.copytree(site.newsroom.folder, other.folder)
    environment = {**os.environ, **site.target.environment}
    call = [sys.executable, "-m", "broadsheet", "publish", "--now", NOW, "-C"]
    runs = [
        subprocess.Popen(
            [*call, str(each.folder)],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for each in (site.newsroom, other)
    ]
    errors = [run.communicate()[1].decode() for run in runs]
    for run, error in zip(runs, errors, strict=True):
        assert run.returncode == 0 or "another run" in error
    assert site.publish().code == 0
    assert site.served() == site.built()


def test_what_readers_follow_is_not_deleted_by_mistake(site: Site) -> None:
    """A feed that is gone without having ended stops the run; one that has ended does not."""
    assert site.publish().code == 0
    served = site.served()
    shutil.rmtree(site.newsroom.folder / "feeds")
    (site.newsroom.folder / "content/a2.md").unlink()
    site.newsroom.build()
    refused = site.publish()
    assert refused.code == 1
    assert "topics/topic-2/atom.xml" in refused.err
    assert site.served() == served
    assert site.publish("--allow-removal").code == 0
    assert site.served() == site.built()
    (site.newsroom.folder / "content/a1.md").unlink()
    site.newsroom.build()
    assert site.publish().code == 0
    assert "topics/topic-1/atom.xml" in site.served()
    site.newsroom.build(now="2026-01-01T00:00:00+00:00")
    assert "topics/topic-1/atom.xml" not in site.built()
    assert site.publish().code == 0
    assert site.served() == site.built()
