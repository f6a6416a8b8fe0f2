"""Finding and reading files: what is in the folders, and what is wrong with it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadsheet.articles import Source
from broadsheet.errors import ArticleError, ConfigError
from broadsheet.model.settings import ArticleSettings
from broadsheet.storage import folders, sources
from newsroom import CONFIG, Newsroom, no_privileges

ARTICLES = ArticleSettings()


def found(folder: Path, **given: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the paths of the articles and of the other files."""
    everything = sources.find(folder, ArticleSettings(**given))  # type: ignore[arg-type]
    return [path for path, _ in everything.articles], [file.path for file in everything.files]


def test_folders_are_searched_recursively(newsroom: Newsroom) -> None:
    """Articles by their suffix, and all other files, both in the order of their paths."""
    for path in ("b.md", "a/index.md", "a/x.png", "c.MARKDOWN", "d.mdx", "e.html", "f.md.bak"):
        newsroom.write(f"content/{path}", "x")
    newsroom.write("static/s.png", "xyz")
    newsroom.write("static/readme.md", "x")
    articles, files = found(newsroom.folder)
    assert articles == ["content/a/index.md", "content/b.md", "content/c.MARKDOWN", "content/d.mdx"]
    assert files == ["content/a/x.png", "content/e.html", "content/f.md.bak", "static/s.png"]
    assert sources.find(newsroom.folder, ARTICLES).files[-1].length == 3


def test_hidden_and_installed_files_are_left_out(newsroom: Newsroom) -> None:
    """Dot files, and folders of package managers and Python, contain no articles."""
    for path in (
        ".a.md",
        ".git/b.md",
        "node_modules/c/readme.md",
        "__pycache__/d.md",
        "deep/.e/f.md",
    ):
        newsroom.write(f"content/{path}", "x")
    assert found(newsroom.folder) == ([], [])


@pytest.mark.parametrize("name", ["content", "content/", "./content", "/content", "content/."])
def test_a_folder_may_be_written_in_any_way(newsroom: Newsroom, name: str) -> None:
    """A slash in the config changes neither path nor URL of an article."""
    newsroom.write("content/news/a.md", "x")
    listed = sources.find(newsroom.folder, ArticleSettings(folders=(name,))).articles
    assert listed == (("content/news/a.md", "content"),)
    assert Source(*listed[0], "", "").inner == "news/a.md"


def test_the_project_itself_may_be_the_folder(newsroom: Newsroom) -> None:
    """Nested folders give each article once, with the first folder that contains it."""
    newsroom.write("a.md", "x")
    newsroom.write("content/b.md", "x")
    listed = sources.find(newsroom.folder, ArticleSettings(folders=(".", "content"))).articles
    assert listed == (("a.md", "."), ("content/b.md", "."))


def test_missing_folders_are_named(newsroom: Newsroom) -> None:
    """All of them, with what to do; a missing assets folder is fine."""
    with pytest.raises(ConfigError) as refused:
        found(newsroom.folder, folders=("content", "posts", "/elsewhere"))
    assert [problem.what.split("'")[1] for problem in refused.value.problems] == [
        "posts",
        "/elsewhere",
    ]
    assert found(newsroom.folder, assets=("nowhere",)) == ([], [])


@pytest.mark.parametrize("name", ["content", "./content/", "previews"])
def test_articles_in_the_output_folder_are_an_error(newsroom: Newsroom, name: str) -> None:
    """Outputs are never read, so the articles would be silently ignored."""
    newsroom.configure(f'[articles]\nfolders = ["{name}"]\n[feeds]\nfolder = "content"\n')
    newsroom.write("content/a.md", "---\ntitle: A\ndate: 2025-06-01\n---\n")
    newsroom.write("previews/a.md", "---\ntitle: A\ndate: 2025-06-01\n---\n")
    ran = newsroom.run("build")
    assert (ran.code, ran.out) == (2, "")
    assert (
        "is where Broadsheet writes, so it reads nothing there; use another folder for" in ran.err
    )


def test_links_are_followed_once(newsroom: Newsroom) -> None:
    """A loop of links ends; a broken link is ignored, one to a file is a file."""
    newsroom.write("content/real/a.md", "x")
    newsroom.write("elsewhere/b.md", "x")
    content = newsroom.folder / "content"
    (content / "loop").symlink_to(content)
    (content / "real" / "up").symlink_to("..")
    (content / "self").symlink_to("self")
    (content / "nowhere").symlink_to("gone")
    (content / "other").symlink_to(newsroom.folder / "elsewhere")
    (content / "c.md").symlink_to(newsroom.folder / "elsewhere" / "b.md")
    assert found(newsroom.folder)[0] == [
        "content/c.md",
        "content/other/b.md",
        "content/real/a.md",
    ]


@pytest.mark.parametrize("can_enter", [True, False])
@pytest.mark.parametrize("reverse", [True, False])
def test_two_ways_to_a_folder_are_one_on_every_disk(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, can_enter: bool, reverse: bool
) -> None:
    """The first by name is used, in whatever order the disk lists them, and however it is read."""
    newsroom.write("content/b/a.md", "x")
    (newsroom.folder / "content" / "a").symlink_to("b")
    (newsroom.folder / "content" / "c").symlink_to("b")
    scan = os.scandir

    @contextmanager
    def scan_in_order(path: int | Path) -> Iterator[list[os.DirEntry[str]]]:
        with scan(path) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=reverse)

    monkeypatch.setattr("os.scandir", scan_in_order)
    has_handles = can_enter and os.name == "posix"
    monkeypatch.setattr("os.supports_fd", {scan_in_order} if has_handles else set())
    assert found(newsroom.folder)[0] == ["content/a/a.md"]


@pytest.mark.skipif(os.name != "posix", reason="this system has one way only")
def test_both_ways_to_ask_for_a_folder_find_the_same(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative to the folder itself, and by absolute paths as on Windows."""
    newsroom.write("content/a/b.md", "x")
    newsroom.write("content/.c.md", "x")
    (newsroom.folder / "content" / "d").symlink_to("nowhere")
    (newsroom.folder / "content" / "e.md").symlink_to("a/b.md")
    entered = folders.listing(newsroom.folder, ["content"])
    assert set(entered) == {"content/a/b.md", "content/e.md"}
    monkeypatch.setattr("os.supports_fd", set())
    assert folders.listing(newsroom.folder, ["content"]) == entered


def test_a_folder_that_may_not_be_read_is_an_error() -> None:
    """Ignoring it would remove its articles from the feeds."""
    with no_privileges() as folder:
        newsroom = Newsroom.open(folder)
        newsroom.write("content/closed/a.md", "x").parent.chmod(0)
        with pytest.raises(ArticleError, match=r"content/closed: it cannot be read: Permission"):
            found(folder)


def test_a_file_that_may_not_be_read_is_an_error_of_its_own() -> None:
    """The others are published."""
    with no_privileges() as folder:
        Newsroom.open(folder).write("content/a.md", "x").chmod(0)
        with pytest.raises(ArticleError, match=r"content/a\.md: it cannot be read: Permission"):
            sources.read(folder, "content/a.md", "content")


def test_an_article_with_an_undecodable_name_is_an_error(newsroom: Newsroom) -> None:
    """The article is named; any other such file is ignored."""
    (newsroom.folder / "content" / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    newsroom.write("content/a\nb.png", "x")
    assert found(newsroom.folder) == ([], [])
    (newsroom.folder / "content" / os.fsdecode(b"\xff.md")).write_bytes(b"x")
    newsroom.write("content/a\nb.md", "x")
    settings = ArticleSettings(folders=["content"])
    (line_end, byte) = map(str, sources.find(newsroom.folder, settings).problems)
    assert line_end.startswith("content/a\\nb.md: its name has bytes")
    assert byte.startswith("content/\\xff.md: its name has bytes")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("文\n".encode(), "文\n"),
        (b"\xef\xbb\xbf" + "文".encode(), "文"),
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"", ""),
    ],
)
def test_text_is_utf_8_however_it_ends_its_lines(
    newsroom: Newsroom, data: bytes, text: str
) -> None:
    """A byte-order mark and the line ends of Windows and old Macs are normalised."""
    newsroom.write("content/a.md", data)
    assert sources.read(newsroom.folder, "content/a.md", "content").text == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("文".encode("utf-16"), "content/a.md:1: it is written in UTF-16; save it as UTF-8"),
        (b"\xfe\xff\x00a", "content/a.md:1: it is written in UTF-16; save it as UTF-8"),
        (
            b"one\ntwo\nth\xd0ree",
            "content/a.md:3: the byte 0xd0 is not UTF-8; save the file as UTF-8",
        ),
        (
            b"\xef\xbb\xbfone\n\xff",
            "content/a.md:2: the byte 0xff is not UTF-8; save the file as UTF-8",
        ),
        (
            "\n中".encode("gbk"),
            "content/a.md:2: the byte 0xd6 is not UTF-8; save the file as UTF-8",
        ),
        (b"\xed\xa0\x80", "content/a.md:1: the byte 0xed is not UTF-8; save the file as UTF-8"),
    ],
)
def test_invalid_utf_8_is_reported_with_its_line(
    newsroom: Newsroom, data: bytes, message: str
) -> None:
    """The message names the line, the byte, and what to do."""
    newsroom.write("content/a.md", data)
    with pytest.raises(ArticleError) as refused:
        sources.read(newsroom.folder, "content/a.md", "content")
    assert str(refused.value) == message


def test_a_huge_file_is_not_read(newsroom: Newsroom) -> None:
    """More than 5 MB is an error, found without reading it into memory."""
    place = newsroom.write("content/a.md", b"x" * sources.LONGEST_ARTICLE)
    assert len(sources.read(newsroom.folder, "content/a.md", "content").text) == 5_000_000
    os.truncate(place, 5 * 2**30)  # bytes; a sparse file takes no space
    with pytest.raises(ArticleError, match=r"content/a\.md: it has 5,368,709,120 bytes, which "):
        sources.read(newsroom.folder, "content/a.md", "content")


def test_a_file_that_went_away_is_an_error_of_its_own(newsroom: Newsroom) -> None:
    """An editor may remove a file between listing and reading."""
    with pytest.raises(ArticleError, match=r"content/a\.md: it cannot be read: No such file"):
        sources.read(newsroom.folder, "content/a.md", "content")


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 640, 480, 8, 2, 0, 0, 0)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480"/>'
GIF = b"GIF89a" + struct.pack("<HH", 640, 480) + bytes(20)


@pytest.mark.parametrize("data", [PNG, SVG, GIF])
def test_images_are_measured(newsroom: Newsroom, data: bytes) -> None:
    """Width and height in pixels, by the content, whatever the name."""
    newsroom.write("a.img", data)
    assert sources.image_size(newsroom.folder / "a.img") == (640, 480)


@given(
    st.sampled_from([PNG, SVG, GIF, b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8X", b"II*\0"]),
    st.integers(0, 40),
    st.binary(max_size=40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_broken_image_has_no_size(newsroom: Newsroom, data: bytes, cut: int, tail: bytes) -> None:
    """No image, however broken, stops a run or gets an infinite size."""
    newsroom.write("a.img", data[:cut] + tail)
    size = sources.image_size(newsroom.folder / "a.img")
    assert size == () or (len(size) == 2 and all(0 < side <= 100_000 for side in size))
    assert sources.image_size(newsroom.folder / "gone.png") == ()


def test_invalid_articles_do_not_stop_the_others(newsroom: Newsroom) -> None:
    """Valid articles are published; each invalid file is named, and the run exits with 1."""
    newsroom.configure("", CONFIG)
    newsroom.article("good.md")
    newsroom.write("content/bad.md", b"---\ntitle: \xff\n---\n")
    newsroom.write("content/worse.md", "---\ntitle: A\ndate: soon\n---\n")
    ran = newsroom.run("build")
    assert ran.code == 1
    assert [line.partition(": ")[0] for line in ran.err.splitlines()] == [
        "content/bad.md:2",
        "content/worse.md:3",
    ]
    assert b"/posts/good/" in newsroom.published()["atom.xml"]


@pytest.mark.parametrize(("addresses", "found"), [("hugo", 3), ("zola", 6)])
def test_what_is_in_a_page_bundle_is_no_article(
    newsroom: Newsroom, addresses: str, found: int
) -> None:
    """In Hugo, a folder with an index.md is one page, once in each language."""
    names = ("a.md", "b/index.md", "b/index.zh.md", "b/note.md", "b/deep/index.md", "b/c/x.md")
    for name in names:
        newsroom.write(f"content/{name}", "---\ntitle: A\ndate: 2025-06-01\n---\n")
    settings = ArticleSettings(folders=("content",), addresses=addresses)
    assert len(sources.find(newsroom.folder, settings).articles) == found
