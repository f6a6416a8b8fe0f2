"""Print docs/images/terminal.svg: a terminal in which the commands of the tutorial are run.

`make docs` calls it. The commands are the real ones, at a fixed time; nothing is typed by hand.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

_ARTICLES = {
    "posts/compost.md": ("Compost in ten weeks", "2025-06-24", "Soil", "Turn it when it smells."),
    "posts/first-peas.md": ("The first peas", "2025-06-26", "Kitchen", "They never arrive."),
    "posts/slugs.md": ("Slugs, and what they read", "2025-06-27", "Pests", ""),
}
_COMMANDS = (
    "broadsheet init --quiet --url https://allotment.example/ --digest weekly",
    "broadsheet build",
    "broadsheet digest --now 2025-06-30T08:00",
    "broadsheet check",
    "broadsheet status",
)
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>Broadsheet in a terminal: init, build, digest, check and status</title>
<style>
.{unique_id}-matrix {{
 font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    """Run the commands, and print the picture."""
    console = Console(
        record=True,
        width=100,
        file=io.StringIO(),
        force_terminal=True,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "notes"
        for path, (title, date, topic, summary) in _ARTICLES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            front = f"title: {title}\ndate: {date}\ntopics: [{topic}]\n"
            front += f"summary: {summary}\n" if summary else ""
            (folder / path).write_text(f"---\n{front}---\nText.\n", "utf-8")
        for command in _COMMANDS:
            console.print(Text("$ ", "green") + Text(command, "bold"))
            if output := _output(command, folder):
                console.print(Text.from_ansi(output))
            if " init " in command:
                config = folder / "broadsheet.toml"
                sender = 'sender = "Ann <ann@allotment.example>"'
                text = config.read_text("utf-8")
                config.write_text(re.sub("# sender = .*", sender, text), "utf-8")
    sys.stdout.write(
        console.export_svg(
            title="notes", theme=SVG_EXPORT_THEME, code_format=_FORMAT, unique_id="terminal"
        )
    )


def _output(command: str, folder: Path) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": "1751272200",  # 2025-06-30T08:30:00Z
        "FORCE_COLOR": "1",
        "COLUMNS": "100",
    }
    ran = subprocess.run(  # noqa: S603
        command.split(),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout.rstrip()


if __name__ == "__main__":
    main()
