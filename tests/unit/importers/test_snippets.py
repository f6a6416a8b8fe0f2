"""What runs Broadsheet on a schedule: each printed snippet is run here by its own tool."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from broadsheet.importers.place import COMMIT_MESSAGE, Place
from broadsheet.importers.snippets import cron, github, gitlab, kinds, systemd
from newsroom import NOW, Newsroom, contents

ODD = "a 100% \"quoted\" 'project' \\ $HOME 前沿"
WEEKLY = '\n[digests.weekly]\ntitle = "周报"\n'


def _place(project: Path | str, **given: object) -> Place:
    usual = {
        "command": (sys.executable, "-m", "broadsheet"),
        "config": "",
        "folder": "feeds",
        "zone": "Asia/Shanghai",
        "commit": False,
    }
    return Place(project=str(project), **{**usual, **given})  # type: ignore[arg-type]


def _newsroom(folder: Path, config: str = WEEKLY) -> Newsroom:
    folder.mkdir(parents=True, exist_ok=True)
    newsroom = Newsroom.open(folder, config)
    newsroom.article("a.md", date="2025-06-20")
    return newsroom


def _cron_shell(line: str) -> str:
    """Return what cron passes to the shell (crontab(5)): the sixth field, up to an unescaped %."""
    fields = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[*\d/,-]+", field) for field in fields[:5])
    command = re.split(r"(?<!\\)%", fields[5])[0]
    return command.replace(r"\%", "%")


def _sh(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin:/bin",  # the whole environment of a cron job
        "HOME": str(folder),
        "SOURCE_DATE_EPOCH": "1751245200",  # NOW
        **_AUTHOR,
    }
    return subprocess.run(
        ["/bin/sh", "-c", script],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


_AUTHOR = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def test_the_crontab_line_runs(tmp_path: Path) -> None:
    """Run twice as cron would, in a folder with an odd name: the first does everything, the second
    prints nothing."""
    newsroom = _newsroom(tmp_path / ODD)
    note, line = cron.snippet(_place(newsroom.folder)).split("\n")
    assert note.startswith("# ")
    assert "Asia/Shanghai" in note
    script = _cron_shell(line)
    for _ in range(2):
        ran = _sh(script, tmp_path)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    files = newsroom.published()
    assert "atom.xml" in files
    assert "digests/weekly/2025-06-23/message.eml" not in files
    assert newsroom.run("digest", now=NOW).code == 0
    assert newsroom.published() == files


@pytest.mark.long
def test_a_broken_article_does_not_keep_the_digest_back(tmp_path: Path) -> None:
    """The line continues after an error, which cron mails to its owner."""
    newsroom = _newsroom(tmp_path)
    newsroom.article("b.md", date="2025-06-26")
    newsroom.write("content/bad.md", "---\ntitle: Bad\ndate: 06/07/2025\n---\n")
    ran = _sh(_cron_shell(cron.snippet(_place(tmp_path)).split("\n")[1]), tmp_path)
    assert "content/bad.md:3: " in ran.stderr
    assert "digests/weekly/2025-06-30/issue.json" in newsroom.published()


def test_a_config_of_another_name_is_named(tmp_path: Path) -> None:
    """The snippet for `--config other.toml` works with it, in every kind that runs Broadsheet."""
    newsroom = _newsroom(tmp_path)
    (tmp_path / "broadsheet.toml").rename(tmp_path / "other one.toml")
    for kind in {*kinds()} - {"commit"}:
        assert "other one.toml" in newsroom.run("--config", "other one.toml", "schedule", kind).out
    line = newsroom.run("--config", "other one.toml", "schedule").out.split("\n")[1]
    ran = _sh(_cron_shell(line), tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "atom.xml" in newsroom.published()
    assert "other" not in newsroom.run("--config", "other one.toml", "build").err


def _git(folder: Path, *args: str) -> str:
    ran = subprocess.run(
        ["git", *args],
        cwd=folder,
        env={**os.environ, **_AUTHOR, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout


@pytest.fixture
def published(tmp_path: Path) -> Newsroom:
    """A project in a Git repository whose remote is a bare one beside it."""
    newsroom = _newsroom(tmp_path / "the project")
    _git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    folder = newsroom.folder
    _git(folder, "init", "--quiet", "--initial-branch=main")
    newsroom.write(".gitignore", ".broadsheet/\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "-m", "Start")
    _git(folder, "remote", "add", "origin", "../remote.git")
    _git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    return newsroom


def _remote_log(newsroom: Newsroom) -> list[str]:
    return _git(newsroom.folder.parent / "remote.git", "log", "--format=%s", "main").splitlines()


def test_the_output_is_committed_and_pushed_once(published: Newsroom) -> None:
    """Two runs, one commit, of the feeds only; the editor's work is untouched."""
    published.article("b.md", date="2025-06-26")
    published.write("draft.txt", "mine")
    _git(published.folder, "add", "draft.txt")
    script = _cron_shell(cron.snippet(_place(published.folder, commit=True)).split("\n")[1])
    for _ in range(2):
        ran = _sh(script, published.folder)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        assert _remote_log(published) == [COMMIT_MESSAGE, "Start"]
    tree = _git(published.folder.parent / "remote.git", "ls-tree", "-r", "--name-only", "main")
    assert "feeds/digests/weekly/2025-06-30/message.eml" in tree
    assert "draft.txt" not in tree
    assert "b.md" not in tree
    assert _git(published.folder, "diff", "--cached", "--name-only") == "draft.txt\n"


@pytest.mark.long
def test_a_removed_feed_is_committed_too(published: Newsroom) -> None:
    """A file that a run removes is removed from the repository as well."""
    published.configure("[feeds]\nkeep_retired_days = 0\n")
    script = _cron_shell(cron.snippet(_place(published.folder, commit=True)).split("\n")[1])
    published.article("a.md", date="2025-06-20", main_topics=["AI"])
    assert _sh(script, published.folder).returncode == 0
    published.article("a.md", date="2025-06-20", main_topics=["Chips"])
    assert _sh(script, published.folder).returncode == 0
    tree = _git(published.folder.parent / "remote.git", "ls-tree", "-r", "--name-only", "main")
    assert "topics/chips/" in tree
    assert "topics/ai/" not in tree


@pytest.mark.parametrize("subfolder", ["", "site"])
@pytest.mark.long
def test_drafts_are_committed_until_they_are_released(tmp_path: Path, subfolder: str) -> None:
    """Also in a folder of the repository; a note that is not finished stays with the editor."""
    newsroom = _newsroom(tmp_path / "repository" / subfolder, f'{WEEKLY}approval = "required"\n')
    newsroom.article("a.md", date="2025-06-26")
    _git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    repository = tmp_path / "repository"
    _git(repository, "init", "--quiet", "--initial-branch=main")
    _git(repository, "remote", "add", "origin", "../remote.git")
    newsroom.write(".gitignore", ".broadsheet/\n")
    _git(repository, "add", ".")
    _git(repository, "commit", "--quiet", "-m", "Start")
    _git(repository, "push", "--quiet", "--set-upstream", "origin", "main")
    newsroom.write("digests/weekly/2025-06-30.md", "Good morning.\n")
    script = _cron_shell(cron.snippet(_place(newsroom.folder, commit=True)).split("\n")[1])

    def tree() -> str:
        assert _sh(script, newsroom.folder).stderr == ""
        assert _sh(script, newsroom.folder).returncode == 0
        return _git(tmp_path / "remote.git", "ls-tree", "-r", "--name-only", "main")

    first = tree()
    assert "digests/weekly/2025-06-30.draft/email.html" in first
    assert "digests/.broadsheet.json" in first
    assert "2025-06-30.md" not in first
    assert newsroom.run("digest", "--approve", "weekly/2025-06-30").code == 0
    second = tree()
    assert "feeds/digests/weekly/2025-06-30/email.html" in second
    assert ".draft/" not in second
    assert len(_remote_log(Newsroom(tmp_path / "x"))) == 3


def _units(text: str) -> dict[str, str]:
    """Return the unit files in a snippet, by name: each begins with a comment that names it."""
    parts = re.split(r"^# ~/\.config/systemd/user/(\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine"
)
@pytest.mark.parametrize("name", ["plain", ODD])
@pytest.mark.parametrize("commit", [False, True])
def test_systemd_accepts_the_units(tmp_path: Path, name: str, commit: bool) -> None:
    """systemd-analyze verify reports nothing about service and timer."""
    folder = tmp_path / name
    folder.mkdir()
    program = folder / "broadsheet"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    place = _place(folder, command=(str(program),), commit=commit)
    units = _units(systemd.snippet(place))
    assert sorted(units) == ["broadsheet.service", "broadsheet.timer"]
    for unit, text in units.items():
        (tmp_path / unit).write_text(text)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit) for unit in units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [
        line for line in ran.stderr.splitlines() if str(tmp_path) in line or "broadsheet" in line
    ]
    assert not ours, ran.stderr
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("folder", ["feeds", "my feeds", "public: feeds #1"])
def test_the_github_workflow_is_yaml_whose_steps_are_shell(folder: str) -> None:
    """It runs hourly and after a push, one run at a time, with write permission."""
    data = yaml.safe_load(github.snippet(_place("/p", folder=folder)))
    assert set(data[True]) == {"push", "schedule", "workflow_dispatch"}  # YAML 1.1 reads `on` so
    assert data["permissions"] == {"contents": "write"}
    assert re.fullmatch(r"\d+ \* \* \* \*", data[True]["schedule"][0]["cron"])
    steps = data["jobs"]["publish"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert scripts[1:3] == ["broadsheet build --quiet", "broadsheet digest --quiet"]
    assert [step.get("if") for step in steps][-2:] == ["${{ !cancelled() }}"] * 2
    for script in scripts:
        _check_shell(script)


@pytest.mark.parametrize("folder", ["feeds", "my feeds", "public: feeds #1"])
def test_the_gitlab_job_is_yaml_whose_script_is_shell(folder: str) -> None:
    """Each line of the script is text, and all of them together are a script."""
    job = yaml.safe_load(gitlab.snippet(_place("/p", folder=folder)))["broadsheet"]
    assert all(isinstance(line, str) for line in job["script"])
    _check_shell("\n".join(job["script"]))
    assert job["resource_group"] == "broadsheet"


def _check_shell(script: str) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-n"], input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_commit_step_of_github_works(published: Newsroom) -> None:
    """The step's own shell, as GitHub calls it (bash -e), commits and pushes the output of a
    run."""
    published.build()
    data = yaml.safe_load(github.snippet(_place(published.folder)))
    script = data["jobs"]["publish"]["steps"][-1]["run"]
    for _ in range(2):
        subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=published.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(published.folder)},
            check=True,
            timeout=60,
        )
        assert _remote_log(published) == [COMMIT_MESSAGE, "Start"]


@pytest.mark.long
def test_the_script_of_gitlab_works(published: Newsroom, tmp_path: Path) -> None:
    """From a job's detached HEAD: build, digest, commit and push; the second time there is nothing
    to do."""
    job = yaml.safe_load(gitlab.snippet(_place(published.folder)))["broadsheet"]
    call = f"{shlex.quote(sys.executable)} -m broadsheet "
    script = [
        line.replace("broadsheet build", f"{call}build").replace(
            "broadsheet digest", f"{call}digest"
        )
        for line in job["script"]
        if not line.startswith(("pip ", "git remote "))
    ]
    _git(tmp_path / "remote.git", "config", "receive.advertisePushOptions", "true")
    for _ in range(2):
        _git(published.folder, "checkout", "--quiet", "--detach")
        subprocess.run(
            ["bash", "-e", "-c", "\n".join(script)],
            cwd=published.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(published.folder),
                "CI_COMMIT_BRANCH": "main",
                "SOURCE_DATE_EPOCH": "1751245200",
            },
            check=True,
            timeout=60,
        )
        assert _remote_log(published) == [COMMIT_MESSAGE, "Start"]


@pytest.mark.parametrize("kind", kinds())
def test_the_command_prints_each_kind_with_the_right_paths(newsroom: Newsroom, kind: str) -> None:
    """`schedule` names the project's folder, an absolute command and the publication's zone."""
    newsroom.configure('\n[feeds]\nfolder = "public/feeds"\n')
    ran = newsroom.run("schedule", kind, "--commit")
    assert (ran.code, ran.err) == (0, "")
    assert "public/feeds" in ran.out
    assert ("Asia/Shanghai" in ran.out) is (kind != "commit")  # which runs nothing
    if kind in {"cron", "systemd"}:
        assert str(newsroom.folder) in ran.out
        program = re.search(r"(\S+) build --quiet", ran.out)
        assert program is not None
        assert program[1].lstrip("-").removeprefix("ExecStart=-").startswith(("/", "broadsheet"))
    before = contents(newsroom.folder)
    assert newsroom.run("schedule", kind).code == 0
    assert contents(newsroom.folder) == before
