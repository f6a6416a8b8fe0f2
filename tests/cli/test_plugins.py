"""Plugins: the example in docs/examples/plugin adds to each registry by its entry points."""

from __future__ import annotations

import json
import mailbox
import os
import subprocess
import sys
import tomllib
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from broadsheet import registry
from deliveries import SECRET, post
from newsroom import ROOT, Newsroom, run_command

PLUGIN = ROOT / "docs/examples/plugin"


def install(folder: Path, points: dict[str, dict[str, str]] | None = None) -> dict[str, str]:
    """Write the metadata of the installed plugin to `folder`; return the environment that finds it.

    points: its entry points by group; by default those of its pyproject.toml.
    """
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text("utf-8"))["project"]
    points = points or project["entry-points"]
    metadata = folder / "broadsheet_newsdesk-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        line
        for group, names in points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(PLUGIN / "src")])}


def test_the_example_has_an_entry_point_for_each_registry() -> None:
    """Every group that Broadsheet looks up, and no other."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"].keys() == {each.group for each in registry.REGISTRIES}


def test_a_plugin_adds_a_format_a_rule_a_dialect_and_a_destination(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    """They are named in the config as ours are; a build after which nothing changed stays quick."""
    environment = install(tmp_path / "site")
    newsroom.configure(
        '[articles]\nmarkdown = "newsdesk-wiki"\n[feeds]\nformats = ["atom", "gemtext"]\n'
        '[digests.weekly]\ntitle = "W"\n[publish]\nto = "zipped:feeds.zip"\n'
    )
    newsroom.article(
        "a.md", "==Marked==.\n", title="Long " * 15, categories=["AI"], date="2025-06-27"
    )
    ran = [
        run_command(newsroom.folder, command, **environment)
        for command in ("check", "digest", "build", "build", "publish")
    ]
    assert [each.returncode for each in ran] == [0] * 5, [each.stderr for each in ran]
    assert "newsdesk-long-title: title: its title has 74 characters" in ran[0].stdout
    published = newsroom.published()
    line = f"=> https://example.org/posts/a/ 2025-06-27 {('Long ' * 15).strip()}\n".encode()
    assert published["feed.gmi"].endswith(line)
    assert published["topics/ai/feed.gmi"].endswith(line)
    assert b"digests/weekly/" in published["digests/weekly/feed.gmi"]
    assert b'type="text/gemini"' in published["index.html"]
    assert b"&lt;mark&gt;Marked" in published["atom.xml"]
    assert ", 0 unchanged" not in ran[3].stdout
    assert " 0 files written" in ran[3].stdout
    with zipfile.ZipFile(newsroom.folder / "feeds.zip") as archive:
        assert archive.read("feed.gmi") == published["feed.gmi"]


def test_a_feed_in_the_format_of_a_plugin_ends_as_others_do(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    """Its last entry names the feed to follow."""
    environment = install(tmp_path / "site")
    newsroom.configure('[feeds]\nformats = ["atom", "gemtext"]\n')
    newsroom.article("a.md", categories=["AI"])
    newsroom.article("b.md", categories=["Art"])
    assert run_command(newsroom.folder, "build", **environment).returncode == 0
    newsroom.article("a.md", categories=["Art"])
    assert run_command(newsroom.folder, "build", **environment).returncode == 0
    first, second = newsroom.published()["topics/ai/feed.gmi"].decode().splitlines()[-2:]
    assert first.startswith("=> https://example.org/feeds/index.html 2025-06-30 ")
    assert second.startswith("=> https://example.org/posts/a/ ")


@pytest.mark.enable_socket
@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_plugin_adds_a_transport(tmp_path: Path) -> None:
    """`deliver` sends through it; what it needs comes from the environment."""
    environment = {**install(tmp_path / "site"), "BROADSHEET_SECRET": SECRET}
    box = tmp_path / "sent.mbox"
    with post(tmp_path / "newsroom") as office:
        folder = office.newsroom.folder
        office.configure(transport="mbox")
        addresses = office.subscribe(2)
        ran = run_command(folder, "deliver", **environment)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "delivery.transport: NEWSDESK_MBOX is not set; set it to" in ran.stderr
        ran = run_command(folder, "deliver", **environment, NEWSDESK_MBOX=str(box))
        assert ran.returncode == 0, ran.stderr
        with closing(mailbox.mbox(box)) as sent:
            assert sorted(mail["To"].strip("<>") for mail in sent) == sorted(addresses)
        assert office.server.taken() == []


@pytest.mark.parametrize("command", ["build", "check"])
def test_a_plugin_that_cannot_be_imported_is_named(
    newsroom: Newsroom, tmp_path: Path, command: str
) -> None:
    """Exit 2, with its distribution and what to do; no traceback."""
    group = "broadsheet.formats" if command == "build" else "broadsheet.rules"
    environment = install(tmp_path / "site", {group: {"bad": "newsdesk.no_such_module"}})
    newsroom.configure('[feeds]\nformats = ["bad"]\n' if command == "build" else "")
    ran = run_command(newsroom.folder, command, **environment)
    assert (ran.returncode, ran.stdout) == (2, "")
    kind = group.removeprefix("broadsheet.").removesuffix("s")
    assert f"the {kind} 'bad' of broadsheet-newsdesk 1.0 cannot be imported" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.rstrip().endswith("update or uninstall that package")


def test_entry_points_are_looked_up_only_for_names_that_are_not_ours(newsroom: Newsroom) -> None:
    """A build with our own formats and dialects does not import what would look them up."""
    newsroom.configure('[articles]\nmarkdown = "hugo"\n')
    newsroom.article("a.md")
    program = (
        f"import sys; sys.argv = ['broadsheet', '-C', {str(newsroom.folder)!r}, 'build'];"
        "from broadsheet import registry; from broadsheet.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(registry._entry_points.cache_info().misses)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "0"


def test_a_plugin_is_never_taken_for_a_module_of_ours(newsroom: Newsroom, tmp_path: Path) -> None:
    """An entry point with a name of ours changes nothing."""
    environment = install(tmp_path / "site", {"broadsheet.formats": {"json": "newsdesk.gemtext"}})
    newsroom.article("a.md")
    assert run_command(newsroom.folder, "build", **environment).returncode == 0
    assert json.loads(newsroom.published()["feed.json"])["items"]
