"""What a release is made of: metadata, the release script, the action, the hook, the image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from broadsheet import DOCUMENTATION, __version__
from broadsheet.cli import commands
from newsroom import NOW, ROOT, Newsroom

BIN = Path(sys.executable).parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = yaml.safe_load((ROOT / "packaging/action/action.yml").read_text("utf-8"))
STEPS = {step.get("id", "end"): step for step in ACTION["runs"]["steps"] if "run" in step}
ME = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(folder: Path, *args: str) -> str:
    """Run git in `folder`, and return its output."""
    environment = {**os.environ, **ME, "HOME": str(folder)}
    ran = subprocess.run(
        ["git", *args], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_the_metadata_is_complete() -> None:
    """Addresses, authors, licence, and every Python that is tested."""
    project = PROJECT["project"]
    assert project["urls"].keys() >= {"Documentation", "Source", "Issues", "Changelog"}
    assert project["urls"]["Documentation"] == DOCUMENTATION
    assert project["authors"]
    matrix = yaml.safe_load(WORKFLOWS[-1].read_text("utf-8"))["jobs"]["python"]["strategy"]
    listed = {each.rpartition(" ")[2] for each in project["classifiers"] if ":: 3." in each}
    assert listed == set(matrix["matrix"]["python"])
    assert "3.14" in listed


def test_the_readme_of_the_packages_has_absolute_links_only() -> None:
    """After the substitutions of pyproject.toml, to pages of the documentation or the source."""
    text = (ROOT / "README.md").read_text("utf-8")
    hook = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    for each in hook["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20
    assert [each for each in links if not each.startswith(("https://", "#"))] == []
    assert "<!-- file" not in text


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflows_have_the_least_rights(file: Path) -> None:
    """Read-only by default; each action has a version, each job a time limit, each script is sh."""
    workflow = yaml.safe_load(file.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "run" in step or re.search(r"@(v\d|release/v\d)", step["uses"])
            script = re.sub(r"\$\{\{.*?\}\}", "x", step.get("run", ""))
            subprocess.run(["bash", "-n", "-c", script], check=True)


def test_only_the_publishing_job_can_have_a_token_of_the_index() -> None:
    """Trusted publishing: an environment, `id-token: write`, and no secret."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    rights = {name: job.get("permissions", {}) for name, job in workflow["jobs"].items()}
    assert [name for name, each in rights.items() if "id-token" in each] == ["pypi"]
    assert workflow["jobs"]["pypi"]["environment"] == "pypi"
    assert "password" not in workflow["jobs"]["pypi"]["steps"][-1].get("with", {})


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A repository with what the release script looks at, before the first release."""
    for name in ("pyproject.toml", "packaging/release.sh", "constraints.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n", "utf-8")
    config = tmp_path / "pyproject.toml"
    ours = re.sub(r'https://[^/"]+/', "https://broadsheet.example/", config.read_text("utf-8"))
    config.write_text(ours, "utf-8")
    (tmp_path / "src/broadsheet").mkdir(parents=True)
    shutil.copy(ROOT / "src/broadsheet/__init__.py", tmp_path / "src/broadsheet")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Start")
    return tmp_path


def refusal(folder: Path, *args: str) -> str:
    """Return why the release script refuses."""
    ran = subprocess.run(
        ["bash", folder / "packaging/release.sh", *args],
        env={**os.environ, "PYTHON": "/no/such/python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert git(folder, "tag", "--list", "v9*", "v0.1.0") in {"", "v0.1.0\n"}
    return ran.stderr


def test_the_release_script_refuses_what_is_not_ready(release: Path) -> None:
    """Each reason in turn, until only the building is left."""
    assert "name the version" in refusal(release)
    assert "name the version" in refusal(release, "v1")
    (release / "new.txt").touch()
    assert "the tree has changes" in refusal(release, __version__)
    (release / "new.txt").unlink()
    assert "has another version" in refusal(release, "9.9.9")
    changelog = release / "CHANGELOG.md"
    assert "CHANGELOG.md has no line" in refusal(release, __version__)
    changelog.write_text(
        f"## [{__version__}] - 2026-12-01\n{changelog.read_text('utf-8')}", "utf-8"
    )
    git(release, "commit", "--quiet", "-am", "Release")
    assert "an example address" in refusal(release, __version__)
    config = release / "pyproject.toml"
    config.write_text(config.read_text("utf-8").replace("broadsheet.example", "broadsheet.test"))
    git(release, "commit", "--quiet", "-am", "Our address")
    assert "/no/such/python" in refusal(release, __version__)
    git(release, "tag", f"v{__version__}")
    assert f"the tag v{__version__} exists already" in refusal(release, __version__)


def step(name: str, folder: Path, runner: Path, **environment: str) -> tuple[int, str, str]:
    """Run a step of the action as GitHub does (`bash -e -o pipefail`).

    Return its exit code, what it printed, and its outputs.
    """
    output = runner / "output"
    output.write_text("")
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", STEPS[name]["run"]],
        cwd=folder,
        env={
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(runner),
            "RUNNER_TEMP": str(runner),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_PATH": str(runner / "path"),
            "SOURCE_DATE_EPOCH": "1751245200",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return ran.returncode, ran.stdout, output.read_text()


def test_the_action_checks_with_annotations(newsroom: Newsroom, tmp_path: Path) -> None:
    """A problem is an annotation at its line, and counts; the last step then fails."""
    newsroom.article("bad.md", date="yesterday")
    code, out, outputs = step("run", newsroom.folder, tmp_path, COMMANDS="check\n")
    assert (code, outputs) == (0, "problems=1\n")
    assert re.search(r"^::error file=content/bad\.md,line=3,title=", out, re.MULTILINE)
    code, out, _ = step("end", newsroom.folder, tmp_path, PROBLEMS="1")
    assert (code, out) == (1, "::error::1 of the commands failed; see above\n")
    assert "steps.run.outputs.problems != '0'" in ACTION["runs"]["steps"][-1]["if"]


def test_the_action_builds_issues_publishes_and_commits(newsroom: Newsroom, tmp_path: Path) -> None:
    """Several commands in one step; one that fails does not hold up the others."""
    newsroom.configure('[digests.weekly]\ntitle = "W"\n[publish]\nto = "public/feeds"\n')
    newsroom.article("a.md", date="2025-06-26")
    newsroom.article("bad.md", date="yesterday")
    newsroom.write(".gitignore", ".broadsheet/\n")
    folder = newsroom.folder
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Start")
    git(folder, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(folder, "push", "--quiet", "--set-upstream", "origin", "main")
    commands_ = "build\n\n  digest \npublish\n"
    code, out, outputs = step("run", folder, tmp_path, COMMANDS=commands_)
    assert (code, outputs) == (0, "problems=2\n"), out
    assert "broadsheet build: exit code 1" in out
    assert (folder / "public/feeds/atom.xml").exists()
    assert step("commit", folder, tmp_path)[0] == 0
    tree = git(tmp_path / "remote.git", "ls-tree", "-r", "--name-only", "main")
    assert "feeds/digests/weekly/2025-06-30/email.html" in tree
    assert step("commit", folder, tmp_path)[0] == 0
    assert git(tmp_path / "remote.git", "rev-list", "--count", "main") == "2\n"


@pytest.mark.long
def test_the_action_installs_what_it_is_told(tmp_path: Path) -> None:
    """From a wheel, without the network, into an environment of its own that comes first."""
    wheel = tmp_path / "broadsheet-7.0-py3-none-any.whl"
    info = "broadsheet-7.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("trial.py", "def run():\n    print('installed')\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: broadsheet\nVersion: 7.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\nbroadsheet = trial:run\n")
        file.writestr(f"{info}/RECORD", "")
    code, out, _ = step(
        "install", tmp_path, tmp_path, PACKAGE=str(wheel), VERSION="", EXTRAS="", PIP_NO_INDEX="1"
    )
    assert code == 0, out
    added = (tmp_path / "path").read_text().strip()
    ran = subprocess.run([f"{added}/broadsheet"], capture_output=True, text=True, check=True)
    assert ran.stdout == "installed\n"
    code, out, _ = step(
        "install", tmp_path, tmp_path, PACKAGE="", VERSION="6.5", EXTRAS="publish", PIP_NO_INDEX="1"
    )
    assert code != 0
    assert "broadsheet[publish]==6.5" in out


def test_every_input_of_the_action_is_used() -> None:
    """And described; text never gets into a script but by the environment."""
    text = (ROOT / "packaging/action/action.yml").read_text("utf-8")
    for name, each in ACTION["inputs"].items():
        assert each["description"]
        assert f"inputs.{name} " in text
    for each in STEPS.values():
        assert each["shell"] == "bash"
        assert "${{" not in each["run"]


def test_the_hook_checks_the_files_of_a_commit(newsroom: Newsroom) -> None:
    """As pre-commit calls it: the entry with the names of the files that match."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    newsroom.article("bad.md", date="yesterday")
    newsroom.article("a.md", summary="S")
    changed = ["content/bad.md", "content/a.md", "broadsheet.toml", "x.png", "theme.css"]
    matching = [name for name in changed if re.search(hook["files"], name)]
    assert matching == changed[:3]
    program, *words = hook["entry"].split()
    assert (program, hook["language"]) == ("broadsheet", "python")
    for names, expected in (([matching[0]], 1), ([matching[1]], 0)):
        ran = subprocess.run(
            [BIN / program, *words, "--now", NOW, *names],
            cwd=newsroom.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == expected, ran.stdout


def dockerfile() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile."""
    text = (ROOT / "packaging/Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines if line.strip()]


def test_the_image_runs_without_privileges() -> None:
    """As a user by number (Kubernetes asks for that), and with nothing copied that is not there."""
    instructions = dockerfile()
    last = instructions[-[kind for kind, _ in reversed(instructions)].index("FROM") - 1 :]
    (user,) = [value for kind, value in last if kind == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert ("ENTRYPOINT", '["broadsheet"]') in last
    ignore = (ROOT / "packaging/Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for kind, value in instructions:
        if kind == "COPY" and "--from" not in value:
            for source in value.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignore


def test_the_image_has_every_extra() -> None:
    """The services of packaging/scale/ run from it too, and those are workers."""
    (run,) = [value for kind, value in dockerfile() if kind == "RUN" and "pip install" in value]
    extras = re.search(r"\.\[([\w,]+)\]", run)
    assert extras
    assert set(extras[1].split(",")) == PROJECT["project"]["optional-dependencies"].keys()


def test_the_services_can_only_write_where_they_must() -> None:
    """A read-only root, no capabilities, and only commands that exist."""
    compose = yaml.safe_load((ROOT / "packaging/compose.yml").read_text("utf-8"))
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["tmpfs"] == ["/tmp"]
        words = " ".join(service["command"])
        called = re.findall(r"broadsheet (\w+)", words) or [service["command"][0]]
        assert set(called) <= commands().keys()


def test_the_news_of_the_documentation_pass_check(tmp_path: Path) -> None:
    """What Broadsheet publishes about itself has no problem that `check` knows."""
    shutil.copytree(ROOT / "docs/news", tmp_path, dirs_exist_ok=True)
    ran = Newsroom(tmp_path).run("check", now="2026-12-15T09:00:00+00:00")
    assert (ran.code, ran.out) == (0, "nothing is wrong\n")
