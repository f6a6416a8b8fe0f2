"""README and documentation: the commands shown are run, and everything named exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadsheet.articles import dates, fields
from broadsheet.articles.front_matter import fold
from broadsheet.cli import commands as known_commands
from broadsheet.model import reference
from broadsheet.storage import config
from laws import long
from newsroom import ROOT

DOCS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")],
    key=lambda path: path.as_posix(),
)
WRITTEN = [path for path in DOCS if path.name != "config.md"]  # it is generated from the code
OTHERS = (
    *("tutorial", "zh/tutorial", "ids", "how-to/mail-per-article", "how-to/podcast"),
    *("how-to/from-mailchimp", "how-to/from-substack", "how-to/from-ghost"),
    *("how-to/from-buttondown", "how-to/from-jekyll-feed"),
)
THE_DAY = "1751245200"  # 2025-06-30T01:00:00Z, which the pages name

# The small site whose output docs/first-hour.md and docs/ids.md show. Hugo 0.111 made its feed.
ALLOTMENT = {
    "hugo.toml": """\
baseURL = "https://allotment.example/"
title = "Notes from the Allotment"
languageCode = "en-GB"
timeZone = "Europe/London"

[permalinks]
posts = "/:year/:month/:slugorfilename/"
""",
    "content/about.md": "---\ntitle: About\n---\nWho digs here.\n",
    "content/posts/slugs-and-snails.md": (
        "---\ntitle: Slugs and snails\ndate: 2025-05-04\ncategories: [Pests]\n---\n"
        "They come at night.\n\n![A trap](/images/trap.svg)\n"
    ),
    "content/posts/garden-in-may/index.md": (
        "---\ntitle: The garden in May\ndate: 2025-05-18T09:30:00+01:00\ncategories: [Diary]\n"
        "summary: What is up, what is late, and what the pigeons left.\n---\nThe peas are up.\n"
    ),
    "content/posts/compost.md": (
        "---\ntitle: Compost in ten weeks\ndate: 2025-06-01\ncategories: [Soil, Diary]\n---\n"
        "Brown, green, brown, green.\n"
    ),
    "content/posts/first-frost.md": (
        "---\ntitle: First frost\ndate: 2025-11-02\ncategories: [Diary]\ndraft: true\n---\nSoon.\n"
    ),
    "static/images/trap.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "old-feed.xml": "".join(
        f"<item>\n<guid>https://allotment.example/{path}/</guid>\n</item>\n"
        for path in (
            "2025/06/compost",
            "2025/05/garden-in-may",
            "2025/05/slugs-and-snails",
            "about",
        )
    ),
}


@dataclass(frozen=True, slots=True)
class ShownCommand:
    """A command that a page shows, and the output that the page shows for it."""

    command: str
    printed: list[str]


def steps(page: str) -> list[ShownCommand]:
    """Yield the commands of the console blocks of `page`, in order."""
    found: list[ShownCommand] = []
    for _, block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(ShownCommand(line[2:], []))
            else:
                found[-1].printed.append(line.rstrip())
    return found


def files(page: str) -> dict[str, str]:
    """Return the files that `page` shows, also in comments: path -> text."""
    silent = r"^<!-- file: (\S+)\n(.*?)^-->$"
    return {
        path: text
        for path, text in (*blocks(page), *re.findall(silent, page, re.MULTILINE | re.DOTALL))
        if path
    }


def run(commands: list[str], folder: Path) -> list[list[str]]:
    """Return the output of each of `commands`, run one after the other in one shell in `folder`."""
    mark = "-- next command --"
    script = "".join(f"{command}\necho '{mark}'\n" for command in commands)
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "SOURCE_DATE_EPOCH": THE_DAY,
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        timeout=120,
    )
    parts = done.stdout.decode().split(f"{mark}\n")[:-1]
    # Padding in a table is invisible, and editors remove it.
    return [[line.rstrip() for line in part.splitlines()] for part in parts]


def blocks(text: str, language: str = r"\w*") -> list[tuple[str, str]]:
    """Yield the code blocks of `text` in `language`: the file name of each, and its text."""
    form = rf"(?:^<!-- file: (\S+) -->\n)?^```{language}\n(.*?)^```$"
    return re.findall(form, text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """Return `text` without its code blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def inline_code(text: str) -> list[str]:
    """Return the code spans of a line."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown page has for its headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table below `heading`, without the header."""
    below = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in below.splitlines() if line[:1] == "|"]
    return rows[2:]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/first-hour.md",
        *long(*(f"docs/{name}.md" for name in OTHERS)),
    ],
)
def test_commands_print_what_the_page_shows(name: str, tmp_path: Path) -> None:
    """Every command of the page prints exactly what the page shows."""
    page = (ROOT / name).read_text("utf-8")
    project = files(page) or ALLOTMENT
    for path, text in project.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    before = ["broadsheet init -q", "broadsheet build -q"] if name == "docs/ids.md" else []
    shown = steps(page)
    printed = run([*before, *(step.command for step in shown)], tmp_path)[len(before) :]
    assert shown
    happened = [
        ShownCommand(step.command, lines) for step, lines in zip(shown, printed, strict=True)
    ]
    assert happened == shown


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_no_link_is_dead(page: Path) -> None:
    """Each relative link leads to a file that exists, and to a heading that it has."""
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", text)):  # no code
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text("utf-8")), f"{page.name} links to {target}"


def test_pictures_are_small() -> None:
    """A picture of the documentation is smaller than 150 kB."""
    heavy = [p.name for p in (ROOT / "docs/images").iterdir() if p.stat().st_size >= 150_000]
    assert heavy == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_key_named_exists(page: Path) -> None:
    """A key that a page names, such as `feeds.by`, is a key of broadsheet.toml."""
    keys = list(reference.keys())
    known = {".".join((*key.table, key.name)) for key in keys}
    known |= {".".join(key.table[:depth]) for key in keys for depth in range(2, len(key.table))}
    tables = {key.table[0] for key in keys}
    named = [
        code
        for code in inline_code(page.read_text("utf-8"))
        if re.fullmatch(r"[a-z]+(\.\w+)+", code)
        and code.partition(".")[0] in tables
        and not code.endswith((".opml", ".py"))
    ]
    assert [key for key in named if key not in known] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_example_of_the_config_is_valid(page: Path) -> None:
    """Each TOML block is a config, alone or with the two required keys."""
    required = '[publication]\ntitle = "T"\nurl = "https://example.org/"\n'
    for file, block in blocks(page.read_text("utf-8"), "toml"):
        if not file:
            whole = "publication" in tomllib.loads(block)
            config.parse(block if whole else f"{block}\n{required}")


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_command_named_exists(page: Path) -> None:
    """`broadsheet NAME` and `make NAME` are only shown if the command exists."""
    text = page.read_text("utf-8")
    code = "\n".join([*inline_code(text), *(block for _, block in blocks(text))])
    commands = re.findall(r"(?:^|/|\$ |&& )broadsheet ([a-z]+)", code, re.MULTILINE)
    targets = re.findall(r"^make ([a-z]+)", code, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert set(commands) <= known_commands().keys()
    assert set(targets) <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_every_field_that_is_read_is_documented() -> None:
    """docs/articles.md names each front-matter field that the code knows."""
    page = (ROOT / "docs/articles.md").read_text("utf-8")
    documented = {fold(code) for code in inline_code(page)}
    known = [getattr(fields, name) for name in dir(fields) if name.isupper() and name[0] != "_"]
    groups = [group for group in known if isinstance(group, tuple)]
    assert len(groups) > 10
    assert {name for group in groups for name in group if fold(name) not in documented} == set()


def test_every_date_form_is_read_as_documented() -> None:
    """The code parses each date of the table in docs/articles.md as it says."""
    rows = table((ROOT / "docs/articles.md").read_text("utf-8"), "Dates")
    assert len(rows) > 15
    for form, said in rows:
        try:
            language = re.search(r"if `language` is `(\w+)`", said)
            zone = ZoneInfo("Asia/Shanghai")
            date = dates.parse_date(form.strip("`"), zone, language[1] if language else "en")
            found = date.isoformat(" ")
        except ValueError:
            found = "refused"
        expected = said.partition(":")[0] if found == "refused" else said.partition(", if ")[0]
        assert (form, found) == (form, expected)


def test_the_architecture_names_every_package() -> None:
    """The table in docs/design.md has one row for each package of src/broadsheet, and no other."""
    page = (ROOT / "docs/design.md").read_text("utf-8")
    listed = {row[0].split("`")[1] for row in table(page, "Packages")}
    source = ROOT / "src/broadsheet"
    packages = {path.parent.name for path in source.glob("*/*.py")}
    modules = {path.stem for path in source.glob("*.py")} | packages
    assert listed == modules - {"__init__", "__main__"}


def test_a_decision_is_short() -> None:
    """A decision has at most 20 lines, so that it is read."""
    long = {
        path.name: count
        for path in (ROOT / "docs/decisions").glob("*.md")
        if (count := len(path.read_text("utf-8").splitlines())) > 20
    }
    assert long == {}


def test_decision_numbers_are_unique() -> None:
    """File name and title have the same number, and every reference to a number is to an existing
    decision."""
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        assert path.read_text("utf-8").startswith(f"# {path.name[:4]}: ")
    for path in [*DOCS, *(ROOT / "src").rglob("*.py")]:
        named = re.findall(r"decisions?[/ ](\d{4})", path.read_text("utf-8"))
        assert set(named) <= set(numbers), path
