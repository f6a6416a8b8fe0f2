"""Shell completion: click's protocol for each shell, and a real bash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from laws import long
from newsroom import ROOT, Newsroom

BIN = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")


def complete(folder: Path, shell: str, *words: str) -> list[str]:
    """Return what `shell` is offered for the last of `words`."""
    position = words[-1] if shell == "fish" else str(len(words) - 1)
    ran = subprocess.run(
        [BIN / "broadsheet"],
        cwd=folder,
        env={
            **os.environ,
            "_BROADSHEET_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": position,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = ran.stdout.splitlines()
    if shell == "zsh":  # kind, word, help
        return lines[1::3]
    return [re.split(r"[,\t]", line)[1] for line in lines if "," in line]


@pytest.mark.parametrize("shell", ["bash", *long("zsh", "fish")])
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("broadsheet", "bu"), {"build"}),
        (("broadsheet", "subscribers", "ex"), {"export"}),
        (("broadsheet", "build", "--dr"), {"--dry-run"}),
        (("broadsheet", "schedule", "git"), {"github", "gitlab"}),
        (("broadsheet", "digest", "we"), {"weekly"}),
        (("broadsheet", "digest", "xy"), set()),
    ],
)
def test_commands_options_and_digests_are_offered(
    newsroom: Newsroom, shell: str, words: tuple[str, ...], offered: set[str]
) -> None:
    """In the words of each shell."""
    newsroom.configure('[digests.weekly]\ntitle = "W"\n[digests.monthly]\ntitle = "M"\n')
    assert set(complete(newsroom.folder, shell, *words)) == offered


def test_a_wrong_config_offers_nothing(newsroom: Newsroom) -> None:
    """No message disturbs the line that is being typed."""
    newsroom.configure("[feeds]\nentries = 0\n")
    assert complete(newsroom.folder, "bash", "broadsheet", "digest", "we") == []


def test_bash_completes(newsroom: Newsroom) -> None:
    """The line of the docs, in a bash that then completes as on Tab."""
    page = (ROOT / "docs/completion.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if "bash_source" in line)
    command = line.strip().split(" > ")[0]
    script = f"""
    eval "$({command})" || exit 1
    COMP_WORDS=(broadsheet digest we) COMP_CWORD=2
    complete -p broadsheet | grep -q _broadsheet_completion || exit 1
    _broadsheet_completion broadsheet we digest
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    newsroom.configure('[digests.weekly]\ntitle = "W"\n')
    ran = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=newsroom.folder,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (ran.stdout, ran.stderr) == ("weekly\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_docs_show_each_shell(shell: str) -> None:
    """docs/completion.md has the command that prints the script of each shell, which works."""
    page = (ROOT / "docs/completion.md").read_text("utf-8")
    assert f"_BROADSHEET_COMPLETE={shell}_source broadsheet" in page
    ran = subprocess.run(
        [BIN / "broadsheet"],
        env={**os.environ, "_BROADSHEET_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"{shell}_complete" in ran.stdout
