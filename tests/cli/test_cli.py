"""The command line as a whole: exit codes, error output and common options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from broadsheet import cli
from broadsheet.cli import commands
from laws import long
from newsroom import NOW, Newsroom, contents, no_privileges, run_command, stamps

WEEKLY = '\n[digests.weekly]\ntitle = "周报"\n'


@pytest.fixture
def project(newsroom: Newsroom) -> Newsroom:
    """A project with a digest and two articles, one of them issued."""
    newsroom.configure(WEEKLY)
    newsroom.article("a.md", title="甲 🖥️", date="2025-06-20", main_topics=["AI"])
    newsroom.article("b.md", title="乙", date="2025-06-26", main_topics=["AI"])
    return newsroom


def _command(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broadsheet", *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_every_file_with_a_command_is_in_the_help() -> None:
    """A command is found by its file alone, and no two share a position in the list."""
    folder = Path(cli.__file__).parent
    files = [path for path in folder.glob("*.py") if "\ndef command(" in path.read_text("utf-8")]
    assert {path.stem for path in files} == set(commands())
    positions = [import_module(f"broadsheet.cli.{name}").POSITION for name in commands()]
    assert positions == sorted(set(positions))
    assert all(help_ for help_ in commands().values())


def test_help_imports_no_command() -> None:
    """The list comes from the first lines of the files, which are not imported for it."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "broadsheet", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not [line for line in ran.stderr.splitlines() if line.endswith(" msgspec")]
    for name in commands():
        assert f"  {name} " in ran.stdout


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help(newsroom: Newsroom, command: str) -> None:
    """--help lists the common options, exits with 0, and needs no project."""
    for flag in ("--help", "-h"):
        ran = newsroom.run(command, flag)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"Usage: broadsheet {command} ")
        for option in ("-C DIR", "--config FILE", "--now ISO-8601", "--quiet", "--verbose"):
            assert option in ran.out
    described = import_module(f"broadsheet.cli.{command}").command
    assert described.help.strip().endswith(".")
    assert all(param.help for param in described.params if isinstance(param, click.Option))


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["build", "--nonsense"],
        ["build", "too", "many"],
        ["digest", "no-such-digest"],
        ["schedule", "windows"],
        ["reference"],
        ["build", "--workers", "0"],
        ["preview", "--port", "99999"],
        ["explain"],
        ["explain", "no-such-file.md"],
        ["--now", "yesterday", "build"],
        ["build", "--now", "2025-13-01"],
        ["--config", "no-such.toml", "build"],
        ["-C", "/no/such/folder", "build"],
        [],
    ],
)
def test_a_usage_error_exits_with_2(project: Newsroom, args: list[str]) -> None:
    """The message is on stderr, and nothing else is printed or done."""
    before = contents(project.folder)
    ran = project.run(*args, now=NOW)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert "Traceback" not in ran.err
    assert contents(project.folder) == before


@pytest.mark.parametrize(
    ("command", "package", "extras"),
    [
        ("subscribers list", "sqlalchemy", "delivery"),
        ("deliver", "sqlalchemy", "delivery"),
        ("bounces", "sqlalchemy", "delivery"),
        ("serve", "uvicorn", "delivery,serve"),
    ],
)
def test_a_command_without_its_extra_says_what_to_install(
    project: Newsroom, command: str, package: str, extras: str
) -> None:
    """Exit 2, the missing package and the command to type; `--help` lists the command."""
    program = (
        f"import sys; sys.modules[{package!r}] = None; from broadsheet.cli import main;"
        f"sys.argv = ['broadsheet', '-C', {str(project.folder)!r}, *{command.split()!r}]; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"{command.split()[0]} needs {package}")
    assert ", which is not installed; install Broadsheet with it: pip install " in ran.stderr
    assert f'"broadsheet[{extras}]"' in ran.stderr


def test_config_errors_are_reported_with_their_lines(newsroom: Newsroom) -> None:
    """Exit 2; one line per problem, `path:line: what; what to do`."""
    newsroom.configure('\n[feeds]\nentrys = 5\n[digests.weekly]\ntitle = "W"\nschedule = "x"\n')
    for command in ("build", "digest", "status", "preview", "schedule"):
        ran = newsroom.run(command)
        assert (ran.code, ran.out) == (2, "")
        first, second = ran.err.splitlines()
        assert first.startswith("broadsheet.toml:10: feeds.entrys: unknown key; ")
        assert second.startswith(
            "broadsheet.toml:13: digests.weekly.schedule: 'x' is not a valid schedule"
        )


def test_an_invalid_article_exits_with_1_and_the_rest_is_published(
    project: Newsroom,
) -> None:
    """The problem is on stderr as `path:line: what; what to do`; the other articles are
    published."""
    project.write("content/bad.md", "---\ntitle: Bad\ndate: 06/07/2025\n---\nText.\n")
    ran = project.run("build", "--quiet")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("content/bad.md:3: date: ")
    assert ran.err.count("\n") == 1
    titles = [item["title"] for item in json.loads(project.published()["feed.json"])["items"]]
    assert titles == ["乙", "甲 🖥️"]


@pytest.mark.parametrize(
    ("command", "code"), [("build", 1), ("preview", 1), ("check", 1), ("status", 0)]
)
def test_the_later_of_two_articles_with_one_id_is_left_out(
    project: Newsroom, command: str, code: int
) -> None:
    """Both are named; the older one and all others are published."""
    project.article("c.md", slug="a", date="2025-06-28")
    ran = project.run(command)
    assert ran.code == code
    said = ran.err + ran.out
    assert "content/c.md:" in said
    assert "its id https://example.org/posts/a/ is also that of content/a.md, which is" in said
    project.run("build")
    titles = [item["title"] for item in json.loads(project.published()["feed.json"])["items"]]
    assert titles == ["乙", "甲 🖥️"]


@pytest.mark.parametrize("command", ["build", "digest", "preview"])
def test_quiet_runs_print_nothing(project: Newsroom, command: str) -> None:
    """With --quiet a run prints nothing, whether or not it has work to do."""
    for _ in range(2):
        ran = project.run(command, "--quiet")
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        ran = project.run("-q", command)
        assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_second_run_touches_nothing(project: Newsroom) -> None:
    """A second build, digest or preview keeps bytes, modification times and inodes."""
    for command in ("build", "digest", "preview") * 2:
        assert project.run(command).code == 0
        if command == "preview" and (folder := project.folder / "previews"):
            before = stamps(folder), stamps(project.folder / "feeds")
    for command in ("build", "digest", "preview"):
        assert project.run(command).code == 0
    assert (stamps(project.folder / "previews"), stamps(project.folder / "feeds")) == before


@pytest.mark.parametrize("command", ["build", "digest"])
def test_a_dry_run_writes_nothing(project: Newsroom, command: str) -> None:
    """A dry run announces exactly what the real run then does, and changes no file."""
    said = project.run(command, "--dry-run")
    assert said.code == 0
    assert "would be" in said.out
    assert not (project.folder / "feeds").exists()
    done = project.run(command, "--verbose")
    assert said.out.replace("would be ", "") == done.out


def test_json_is_data(project: Newsroom) -> None:
    """With --json, stdout is a JSON document and stderr is empty."""
    project.build()
    for args in (["status"], ["explain", "content/a.md"], ["check"]):
        ran = project.run(*args, "--json")
        assert json.loads(ran.out) is not None
        assert ran.err == ""
        assert json.loads(project.run("-q", *args, "--json").out) == json.loads(ran.out)


def test_common_options_work_before_and_after_the_command(
    project: Newsroom, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """-C, --config and --now mean the same in both places; the later one wins."""
    project.write("other.toml", (project.folder / "broadsheet.toml").read_bytes())
    (project.folder / "broadsheet.toml").unlink()
    elsewhere = str(tmp_path_factory.mktemp("elsewhere"))
    folder, now = str(project.folder), "2025-06-21T00:00:00+08:00"
    config = ["--config", "other.toml"]
    ways = [
        ["-C", folder, *config, "--now", now, "status", "--json"],
        ["status", "--json", "-C", folder, *config, "--now", now],
        ["-C", elsewhere, "--now", NOW, *("status", "--json", "-C", folder, "--now", now), *config],
    ]
    said = []
    for way in ways:
        ran = project.run(*way)
        assert ran.code == 0, ran.err
        said.append(json.loads(ran.out))
    assert said[0] == said[1] == said[2]
    assert said[0]["now"] == "2025-06-21 00:00"
    assert said[0]["articles"] == 1


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ("2025-06-30", "2025-06-30 00:00"),
        ("2025-06-30T09:00", "2025-06-30 09:00"),  # the publication's time zone
        ("2025-06-30T01:00:00Z", "2025-06-30 09:00"),
        ("2025-06-29T21:00:00-04:00", "2025-06-30 09:00"),
    ],
)
def test_now_without_an_offset_is_in_the_publications_time_zone(
    project: Newsroom, now: str, shown: str
) -> None:
    """A time without an offset is in the publication's time zone."""
    assert json.loads(project.run("status", "--json", now=now).out)["now"] == shown


@pytest.mark.parametrize(
    "now", ["0001-01-01T00:00:00+14:00", "0099-12-31", "9999-12-31T23:59:59-12:00"]
)
def test_a_time_out_of_range_is_refused(newsroom: Newsroom, now: str) -> None:
    """No schedule can be computed that far out; a machine whose clock was reset says 1970."""
    newsroom.configure('[digests.weekly]\ntitle = "Weekly"\n')
    for command in ("digest", "build", "check", "status"):
        ran = newsroom.run(command, now=now)
        assert (ran.code, ran.err[:6]) == (2, "--now:")
        assert newsroom.run(command, now="1970-01-01").code == 0


def test_now_may_come_from_the_environment(project: Newsroom) -> None:
    """SOURCE_DATE_EPOCH sets the time for reproducible runs; --now takes precedence."""
    epoch = {"SOURCE_DATE_EPOCH": "1750000000"}
    ran = _command("-C", str(project.folder), "status", "--json", **epoch)
    assert json.loads(ran.stdout)["now"] == "2025-06-15 23:06"
    ran = run_command(project.folder, "status", "--json", **epoch)
    assert json.loads(ran.stdout)["now"] == "2025-06-30 09:00"
    wrong = _command("-C", str(project.folder), "status", SOURCE_DATE_EPOCH="today")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("SOURCE_DATE_EPOCH: 'today' is not a valid time; ")


@pytest.mark.parametrize("encoding", ["cp1252", *long("latin-1")])
def test_a_limited_output_encoding_is_not_an_error(project: Newsroom, encoding: str) -> None:
    """Characters that stdout cannot encode are escaped; the work is done."""
    project.write("content/坏.md", "---\ntitle: 坏\ndate: 06/07/2025\n---\n")
    folder = str(project.folder)
    for command in (["status"], ["build"]):
        ran = subprocess.run(
            [sys.executable, "-m", "broadsheet", "-C", folder, "--now", NOW, *command],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert b"this should not have happened" not in ran.stderr, ran.stderr
        assert ran.returncode in (0, 1)
        assert ran.stdout.isascii()


def test_a_closed_pipe_is_not_an_error(project: Newsroom) -> None:
    """`broadsheet reference config | head -1` ends without an error message."""
    ran = subprocess.run(
        f'"{sys.executable}" -m broadsheet reference config | head -1; echo "${{PIPESTATUS[0]}}"',
        shell=True,
        executable="/bin/bash",
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == ["# Every key of broadsheet.toml", "0"]


def test_an_unwritable_folder_is_a_clear_error() -> None:
    """A folder without permissions: exit 1, what and where, no traceback."""
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder, WEEKLY)
        newsroom.article("a.md", date="2025-06-20")
        newsroom.build()
        newsroom.article("b.md", date="2025-06-21")
        (folder / "feeds").chmod(0o500)
        for command in ("build", "digest"):
            ran = newsroom.run(command)
            assert (ran.code, ran.out) == (1, "")
            assert "Permission denied; let this user write there and run again" in ran.err
            assert "Traceback" not in ran.err


def test_concurrent_runs_wait_for_each_other(project: Newsroom) -> None:
    """If cron starts two runs at once, the second waits for the first, and nothing is done
    twice."""
    slow = (
        "import os, sys, time\n"
        "fsync = os.fsync\n"
        "def slowly(file): time.sleep(0.05); fsync(file)  # a slow disk\n"
        "os.fsync = slowly\n"
        "from broadsheet.cli import main\n"
        f"sys.argv = ['broadsheet', '-C', {str(project.folder)!r}, '--now', {NOW!r}, 'digest']\n"
        "main()\n"
    )
    first, second = (
        subprocess.Popen([sys.executable, "-c", slow], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    said = sorted(process.communicate(timeout=60)[0] for process in (first, second))
    assert (first.returncode, second.returncode) == (0, 0)
    assert sorted(text.split(":")[0].split(" ")[0] for text in said) == [
        "feeds/digests/weekly/2025-06-30/",
        "weekly",
    ]
    together = contents(project.folder / "feeds")
    assert project.run("digest").code == 0
    assert contents(project.folder / "feeds") == together


def test_the_state_folder_can_be_deleted_at_any_time(project: Newsroom) -> None:
    """Without .broadsheet the next run makes the same output."""
    before = project.build()
    for path in (project.folder / ".broadsheet").iterdir():
        path.unlink()
    (project.folder / ".broadsheet").rmdir()
    started = time.monotonic()
    assert project.build() == before
    assert time.monotonic() - started < 30


def test_an_interrupt_during_finalization_is_not_lost() -> None:
    """Python prints and ignores an exception raised in a finalizer."""
    code = (
        "import os, signal, sys, time\n"
        "from broadsheet.cli import interrupts\n"
        "interrupts.insist()\n"
        "class Thrown:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(100): pass\n"
        "try:\n"
        "    Thrown()\n"
        "    print('gone on', flush=True)\n"
        "    while True: time.sleep(0.1)\n"  # pause() misses a signal that comes just before it
        "except KeyboardInterrupt:\n"
        "    print('heard')\n"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("gone on\nheard\n", "")


def test_an_unexpected_error_has_a_clear_message(project: Newsroom) -> None:
    """The message says how to report it, and shows a traceback only if BROADSHEET_DEBUG=1."""
    code = (
        "import sys, broadsheet.storage.config\n"
        "def load(*_): raise ZeroDivisionError('x')\n"
        "broadsheet.storage.config.load = load\n"
        "sys.argv = ['broadsheet', 'build']\n"
        "from broadsheet.cli import main\n"
        "main()\n"
    )
    for debug, expected in (
        ("", "this should not have happened (ZeroDivisionError: x)"),
        ("1", "Traceback"),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "BROADSHEET_DEBUG": debug},
            cwd=project.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 1
        assert expected in ran.stderr
        assert ("Traceback" in ran.stderr) == bool(debug)


def test_the_module_is_the_command() -> None:
    """`python -m broadsheet` does what `broadsheet` does."""
    assert _command("--version").stdout.startswith("Broadsheet ")
    beside = Path(sys.executable).with_name("broadsheet")
    if beside.exists():
        ran = subprocess.run([beside, "--version"], capture_output=True, text=True, check=True)
        assert ran.stdout == _command("--version").stdout


def test_output_is_complete_although_the_process_exits_at_once(project: Newsroom) -> None:
    """Buffered output is flushed at exit, and the exit code is the command's."""
    project.run("subscribers", "add", "ann@example.org")
    ran = _command("-C", str(project.folder), "subscribers", "export", PYTHONUNBUFFERED="")
    assert ran.returncode == 0
    assert "ann@example.org" in ran.stdout
    project.article("bad.md", date="no day")
    assert _command("-C", str(project.folder), "build", "--now", NOW).returncode == 1
    assert _command("build", "--nonsense").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("command", [["status"], ["subscribers", "export"]])
def test_failing_output_is_not_a_success(project: Newsroom, command: list[str]) -> None:
    """If the output goes to a full disk, the exit code and a message say so, without a
    traceback."""
    project.run("subscribers", "add", "ann@example.org")
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run(
            [sys.executable, "-m", "broadsheet", "-C", str(project.folder), *command],
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
