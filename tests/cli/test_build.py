"""`broadsheet build`: what it reports when an article is invalid."""

from __future__ import annotations

from pathlib import Path

from newsroom import Newsroom, contents


def test_an_invalid_article_is_named_and_left_out(tmp_path: Path) -> None:
    """An invalid article is left out by name; if it was in a feed before, the message says so."""
    newsroom = Newsroom.open(tmp_path)
    newsroom.article("good.md")
    newsroom.article("soon-bad.md", title="Was there")
    newsroom.build()
    newsroom.write("content/soon-bad.md", "---\ntitle: [\n---\n")
    ran = newsroom.run("build")
    assert ran.code == 1
    assert "content/soon-bad.md:" in ran.err
    assert "(left out)" in ran.err
    assert "no longer in the feeds: Was there" in ran.err
    assert "good" in (tmp_path / "feeds/atom.xml").read_text(encoding="utf-8")


def test_strict_writes_nothing(tmp_path: Path) -> None:
    """With --strict, one invalid article leaves everything as published before."""
    newsroom = Newsroom.open(tmp_path)
    newsroom.article("good.md")
    newsroom.build()
    before = contents(tmp_path / "feeds")
    newsroom.article("new.md")
    newsroom.write("content/bad.md", "---\ntitle: [\n---\n")
    ran = newsroom.run("build", "--strict")
    assert ran.code == 1
    assert "nothing has been written (--strict)" in ran.err
    assert contents(tmp_path / "feeds") == before
