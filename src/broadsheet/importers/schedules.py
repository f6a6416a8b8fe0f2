"""What runs Broadsheet by itself: a crontab line, systemd units, a CI workflow.

Each runs far more often than an issue is due. Broadsheet itself knows the ticks, in the
publication's time zone and through every change of the clocks; a run that finds nothing to do
does nothing. So the scheduler needs to know neither, and a run that it missed is made up for.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

COMMIT_MESSAGE = "Publish feeds and digests"


@dataclass(frozen=True, slots=True)
class Place:
    """Where Broadsheet runs.

    project: absolute path of the project. command: how to call Broadsheet, word by word.
    config: the name of the config in the project, "" for the usual one.
    folder: the feeds folder, relative to the project. zone: the time zone of the schedules.
    commit: whether a run commits and pushes what it wrote.
    """

    project: str
    command: tuple[str, ...]
    config: str
    folder: str
    zone: str
    commit: bool

    def call(self, *command: str) -> tuple[str, ...]:
        """`command`, and the config it needs to be told of."""
        return (*command, "--config", self.config) if self.config else command


def cron(place: Place) -> str:
    """A line for `crontab -e` (crontab(5), where a percent sign needs a backslash)."""
    call = shlex.join(place.call(*place.command))
    steps = f"{call} build --quiet; {call} digest --quiet"
    if place.commit:
        steps += f"; {_commit(place)}"
    line = f"*/15 * * * * cd {shlex.quote(place.project)} && {{ {steps}; }}"
    return f"# {_note(place)}\n" + line.replace("%", r"\%")


def systemd(place: Place) -> str:
    """A service and a timer (systemd.service(5), systemd.timer(5)), with where to put them."""
    call = _systemd_words(place.call(*place.command))
    folder = place.project.replace("%", "%%")
    commit = _systemd_words(("/bin/sh", "-c", _commit(place)))
    lines = [
        "# ~/.config/systemd/user/broadsheet.service",
        "[Unit]",
        f"Description=Broadsheet in {folder}",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={folder}",
        # A dash: what one article has wrong must not keep the digest back.
        f"ExecStart=-{call} build --quiet",
        f"ExecStart={call} digest --quiet",
        *([f"ExecStart={commit}"] if place.commit else []),
        "",
        "# ~/.config/systemd/user/broadsheet.timer",
        f"# {_note(place)}",
        "[Unit]",
        "Description=Broadsheet, every quarter of an hour",
        "",
        "[Timer]",
        "OnCalendar=*:0/15",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
        "",
        "# Then: systemctl --user enable --now broadsheet.timer",
    ]
    return "\n".join(lines)


def github(place: Place) -> str:
    """A GitHub Actions workflow."""
    call = shlex.join(place.call("broadsheet"))
    return f"""\
# .github/workflows/broadsheet.yml
# {_note(place)}
name: broadsheet
on:
  push:
    branches: [main]
  schedule:
    - cron: "7 * * * *"  # GitHub's clock is UTC; an hourly run needs no conversion
  workflow_dispatch:
permissions:
  contents: write
concurrency: broadsheet
env:
  # A clone or wheel in this repository, or git+https://... Not on a package index yet.
  BROADSHEET: path/to/the/clone
jobs:
  publish:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "$BROADSHEET"
      - run: {call} build --quiet
      - run: {call} digest --quiet
        if: ${{{{ !cancelled() }}}}  # what one article has wrong must not keep the digest back
      - name: commit
        if: ${{{{ !cancelled() }}}}
        run: |
          git config user.name "broadsheet"
          git config user.email "broadsheet@users.noreply.github.com"
          {_commit(place)}
"""


def gitlab(place: Place) -> str:
    """A GitLab CI job, to be run by a pipeline schedule."""
    call = shlex.join(place.call("broadsheet"))
    return f"""\
# .gitlab-ci.yml
# {_note(place)}
# Add a pipeline schedule (Build > Pipeline schedules) that runs hourly, and a project access
# token with write_repository as the variable BROADSHEET_TOKEN.
broadsheet:
  image: python:3.12
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule" || $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  resource_group: broadsheet
  variables:
    # A clone or wheel in this repository, or git+https://... Not on a package index yet.
    BROADSHEET: path/to/the/clone
  script:
    - pip install "$BROADSHEET"
    - {call} build --quiet || BAD=1
    - {call} digest --quiet || BAD=1
    - git config user.name broadsheet
    - git config user.email broadsheet@noreply.invalid
    - git remote set-url origin "https://token:$BROADSHEET_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git"
    - git checkout -B "$CI_COMMIT_BRANCH"
    - |
      {_commit(place, "-o ci.skip origin HEAD")}
    - test -z "$BAD"
"""


KINDS: dict[str, Callable[[Place], str]] = {
    "cron": cron,
    "systemd": systemd,
    "github": github,
    "gitlab": gitlab,
}


def _note(place: Place) -> str:
    return f"Broadsheet knows when an issue is due, in {place.zone}; other runs do nothing."


def _commit(place: Place, push: str = "") -> str:
    folder = shlex.quote(place.folder)
    return (
        f"git add {folder} && {{ git diff --cached --quiet -- {folder} || "
        f"{{ git commit --quiet -m {shlex.quote(COMMIT_MESSAGE)} -- {folder} && "
        f"git push --quiet{' ' + push if push else ''}; }}; }}"
    )


def _systemd_words(words: tuple[str, ...]) -> str:
    """A command line by systemd's own quoting (systemd.service(5), Command lines)."""
    if set(words[0]) & set("\"'\\$"):  # it calls no program of such a name, but env does
        words = ("/usr/bin/env", *words)
    escaped = (word.replace("%", "%%").replace("$", "$$") for word in words)
    return " ".join(
        word
        if word.replace("/", "").replace("-", "").replace(".", "").isalnum()
        else '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for word in escaped
    )
