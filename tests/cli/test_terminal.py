"""No command lets text from others control the terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.cli.terminal import Harmless, harmless, on_one_line, raw
from broadsheet.delivery import database, subscribers
from laws import long
from newsroom import MOMENT, Newsroom

NASTY = [
    "\x1b[2J", "\x1b]0;owned\x07", "\x1b[8mhidden", "\x9b31m", "\x9d0;x\x9c", "\x07",
    "\b\b\b", "\rspoofed", "\x7f", "\x00", "\u202egnp.exe", "\u2066x\u2069", "\u2028",
    "\x0b", "\x0c",
]  # fmt: skip
COMMANDS = {chr(i) for i in (*range(9), *range(11, 32), *range(127, 160))} | set("\u202e\u2066")


@given(st.text())
def test_only_control_characters_are_escaped(text: str) -> None:
    """Escaped JSON still means the same."""
    shown = harmless(text)
    assert not COMMANDS & set(shown)
    assert not {*COMMANDS, "\n", "\t"} & set(on_one_line(text))
    data = json.dumps(text, ensure_ascii=False)
    assert json.loads(harmless(data)) == text


@pytest.mark.parametrize("text", ["周报\tAnn\n", "👩‍👩‍👧", "می‌خواهم", "שלום\u200f", "naïve"])
def test_other_text_is_unchanged(text: str) -> None:
    """Emoji, joiners and right-to-left marks are text."""
    assert harmless(text) == text


def test_the_wrapper_hides_the_byte_stream() -> None:
    """It behaves like the stream it wraps, but offers no byte stream."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    guarded = Harmless(stream)
    assert guarded.encoding == "ascii"
    assert not hasattr(guarded, "buffer")
    guarded.writelines(["a\x1b", "b\n"])
    assert raw(guarded) is stream  # type: ignore[arg-type]
    stream.seek(0)
    assert stream.read() == "a\\u001bb\n"


@pytest.fixture
def hostile(newsroom: Newsroom) -> Newsroom:
    """A newsroom in which every text attacks the terminal."""
    newsroom.configure('[digests.weekly]\ntitle = "W"\n')
    db = database.open_database("sqlite:///broadsheet.db", newsroom.folder)
    with db.writing() as connection:
        for number, text in enumerate(NASTY):
            subscribers.add(
                connection,
                f"reader{number}@example.org",
                cause=f"{text} cause",
                now=MOMENT,
                name=f"{text} name",
                topics=(f"{text} topic", f"two\nlines{number}"),
                digests=(f"{text} digest",),
            )
    db.close()
    for number, text in enumerate(NASTY):
        newsroom.article(f"a{number}.md", title=f"{text} title", main_topics=[f"{text} topic"])
    return newsroom


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux says so at the end
            return
        if not data:
            return
        yield data


def _on_a_terminal(newsroom: Newsroom, *args: str, typed: str = "") -> str:
    """Return what the command sends to a terminal of 200 columns, on which this is typed."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "broadsheet", "-C", str(newsroom.folder), *args],
        stdin=theirs if typed else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm-256color", "NO_COLOR": "1"},
    )
    os.close(theirs)
    shown = b"".join(_read(ours))
    process.wait()
    os.close(ours)
    return shown.decode("utf-8", "replace").replace("\r\n", "\n")


SHOWN = [
    ("subscribers", "export"),
    ("check", "--all"),
    *long(
        ("subscribers", "list"),
        ("subscribers", "list", "--json"),
        ("status",),
        ("explain", "content/a0.md"),
    ),
]


@pytest.mark.parametrize("args", SHOWN, ids=" ".join)
def test_no_command_reaches_the_terminal(hostile: Newsroom, args: tuple[str, ...]) -> None:
    """Neither directly nor through a pipe, which may lead to a terminal."""
    shown = _on_a_terminal(hostile, *args)
    assert shown
    assert not COMMANDS & set(shown)
    if args != ("subscribers", "export"):
        assert not COMMANDS & set(hostile.run(*args).out)


def test_a_topic_cannot_forge_a_line(hostile: Newsroom) -> None:
    """There is one line per subscriber, whatever their topics contain."""
    lines = hostile.run("subscribers", "list").out.splitlines()
    assert len(lines) == len(NASTY) + 1
    assert all(line.startswith("reader") for line in lines[:-1])


def test_an_import_reports_hostile_lines_harmlessly(newsroom: Newsroom) -> None:
    """An import repeats the lines that it cannot read."""
    for text in NASTY:
        lines = f"address,name{text},status\n{text}@x,{text},{text}\nx@example.org,,{text}odd\n"
        newsroom.write("readers.csv", lines)
        ran = newsroom.run("subscribers", "import", str(newsroom.folder / "readers.csv"))
        assert not COMMANDS & set(ran.out + ran.err)
    ran = newsroom.run("subscribers", "add", "a\x1b[2J@example.org")
    assert not COMMANDS & set(ran.out + ran.err)


def test_data_for_programs_is_unchanged(hostile: Newsroom) -> None:
    """A pipe gets the export byte for byte, and JSON with the same texts."""
    command = [sys.executable, "-m", "broadsheet", "-C", str(hostile.folder), "subscribers"]
    exported = subprocess.run([*command, "export"], capture_output=True, check=True).stdout
    listed = subprocess.run([*command, "list", "--json"], capture_output=True, check=True).stdout
    assert "\x1b[2J name" in exported.decode()
    assert [one["name"] for one in json.loads(listed)] == [f"{text} name" for text in NASTY]


def test_init_asks_for_the_url(tmp_path: Path) -> None:
    """On a terminal, if nothing says it, and until it is valid."""
    newsroom = Newsroom(tmp_path)
    newsroom.write("content/a.md", "---\ntitle: A\ndate: 2025-06-20\n---\nText.\n")
    shown = _on_a_terminal(newsroom, "init", typed="ftp://a.example\na.example\n")
    assert "invalid URL 'ftp://a.example/'" in shown
    assert "broadsheet.toml is written." in shown
    assert 'url = "https://a.example/"' in (tmp_path / "broadsheet.toml").read_text("utf-8")
