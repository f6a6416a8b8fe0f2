"""The theme in docs/examples/letter, used as its comments say."""

from __future__ import annotations

import shutil

from newsroom import ROOT, Newsroom

EXAMPLE = ROOT / "docs/examples/letter"


def test_the_example_theme_makes_a_mail_without_problems(newsroom: Newsroom) -> None:
    """The user's articles, our example: nothing to report, and its look in the mail."""
    for number in range(12):
        newsroom.article(
            f"{number}.md", date="2025-06-26", authors=["Ada"], summary=f"Summary {number}."
        )
    config = (EXAMPLE / "broadsheet.toml").read_text("utf-8")
    (newsroom.folder / "broadsheet.toml").write_text(
        config + '\n[delivery]\nsender = "a@example.org"\n', "utf-8"
    )
    shutil.copytree(EXAMPLE / "email_templates", newsroom.folder / "email_templates")
    assert newsroom.run("build").code == 0
    checked = newsroom.run("check")
    assert "template" not in checked.out
    assert "mail-" not in checked.out
    assert newsroom.run("digest", now="2025-07-01T09:00:00Z").code == 0
    (mail,) = newsroom.folder.glob("feeds/digests/weekly/*/email.html")
    html = mail.read_text("utf-8")
    assert html.count("Summary ") >= 12
    assert "<img" not in html
    assert "font-style:italic" in html
