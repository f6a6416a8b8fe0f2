"""What `init` finds in a project before it knows where the articles are."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadsheet.storage import survey

DATED = "---\ntitle: T\ndate: 2025-01-02\n---\n"


@pytest.mark.parametrize(
    ("path", "text", "dated"),
    [
        ("a.md", DATED, True),
        ("a.md", '+++\ndate = 2025-01-02\ntitle = "T"\n+++\n', True),
        ("a.md", '{\n  "date": "2025-01-02"\n}\n', True),
        ("a.md", "Title: T\nDate: 2025-01-02\n\nText\n", True),
        ("a.md", "<!--\n.. title: T\n.. date: 2025-01-02\n-->\n", True),
        ("a.md", "---\npubDatetime: 2025-01-02\n---\n", True),
        ("2025-01-02-a.md", "---\ntitle: T\n---\n", True),
        ("2025/01/02/a.md", "---\ntitle: T\n---\n", True),
        ("2025-01-02-a.md", "no front matter\n", True),
        ("a.md", "---\ntitle: T\n---\ndate: 2025\n", False),
        ("a.md", "Some text.\n\ndate: 2025-01-02\n", False),
        ("a.html", DATED, True),
    ],
)
def test_a_file_with_a_date_is_found(tmp_path: Path, path: str, text: str, dated: bool) -> None:
    """In its front matter or its name; a date in the text does not count."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert survey.dated_files(tmp_path) == {path: dated}


def test_generated_files_are_not_articles(tmp_path: Path) -> None:
    """Nor are templates, HTML pages without a date, and excluded folders."""
    for path in ("public/a.md", "_site/x/a.md", "themes/t/a.md", "feeds/a.md", "b/a.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(DATED)
    (tmp_path / "page.html").write_text("<p>")
    assert survey.dated_files(tmp_path, but=("feeds",)) == {"b/a.md": True}


@pytest.mark.parametrize(
    ("dated", "others", "folder"),
    [
        (["a/b/x.md", "a/b/c/y.md"], [], "a"),
        (["a/b/x.md", "a/b/c/y.md"], ["a/z.md"], "a/b"),
        (["a/b/x.md"], ["z.md"], "a"),
        (["a/x.md", "b/y.md"], [], "."),
        (["x.md"], [], "."),
    ],
)
def test_the_folder_of_articles_holds_all_of_them(
    dated: list[str], others: list[str], folder: str
) -> None:
    """It is as wide as possible without files that have no date."""
    assert survey.folder_of(dated, [*dated, *others]) == folder


def test_titles_are_looked_for_in_front_matter(tmp_path: Path) -> None:
    """A title in the text does not count."""
    (tmp_path / "a.md").write_text(DATED)
    (tmp_path / "b.md").write_text("---\ndate: 2025-01-02\n---\ntitle: x\n")
    assert survey.without_title(tmp_path, ["a.md", "b.md"]) == ["b.md"]


def test_texts_in_other_formats_are_named(tmp_path: Path) -> None:
    """Not those at the top, such as README.rst, nor generated ones."""
    for path in ("README.rst", "content/a.rst", "content/b.ipynb", "content/c.md", "dist/x.rst"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert sorted(survey.other_texts(tmp_path)) == ["content/a.rst", "content/b.ipynb"]
