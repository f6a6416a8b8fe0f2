"""What `init` and `build` make of small sites, beside what their real generators list."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from conformance.site_list import SITES, Articles, Listed, SmallSite
from newsroom import Newsroom

# Articles that are known to differ, by site; `init` names each.
ACCEPTED: dict[str, set[str]] = {
    # Jekyll's :slug drops punctuation that its :title keeps.
    "jekyll, own": {
        *("p Rust 1.98.0", "p C++ & you", "p under_score", "p dots.in.name", "p apos'trophe"),
        *("p (brackets)",),
    },
    # The article has a `pretty_url` of its own.
    "nikola": {"Flat"},
    # Hexo ignores the zone of a date: 23:30 UTC is 23:30 in the site's zone.
    "hexo": {"Late"},
    "hexo, names": {"Late"},
    # Names without the date that `new_post_name` asks for; an article in two lists of categories.
    "hexo, dated names": {"Deep", "Bundle", "Paths"},
    # `README.md` is the page of its folder in VuePress, whose rules VitePress shares here.
    "vitepress": {"Read me"},
    "vitepress, clean": {"Read me"},
}


def _ours(folder: Path) -> Articles:
    """Return the articles in the feed after `init` and `build`, with no other configuration."""
    newsroom = Newsroom(folder)
    ran = newsroom.run("init", now="2026-01-01T00:00:00Z")
    assert ran.code == 0, ran.err
    config = folder / "broadsheet.toml"
    text = config.read_text("utf-8")
    assert "# entries = 20\n" in text
    config.write_text(text.replace("# entries = 20\n", "entries = 9999\n"), "utf-8")
    built = newsroom.run("build", now="2026-01-01T00:00:00Z")
    assert built.code == 0, built.err
    found: Articles = {}
    for path in (folder / "feeds/feed.json", *sorted(folder.glob("feeds/*/feed.json"))):
        feed = json.loads(path.read_text("utf-8"))
        assert all(item["id"] for item in feed["items"])
        listed = {
            item["title"]: Listed(
                unquote(item["url"]),
                item["date_published"][:10],
                item.get("language", feed.get("language", "")),
            )
            for item in feed["items"]
        }
        assert found.keys().isdisjoint(listed), "an article is in two feeds of languages"
        found |= listed
    return found


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_a_site_has_the_articles_of_its_generator(site: SmallSite, tmp_path: Path) -> None:
    """The same articles at the same addresses, with the same dates and languages."""
    for kind in ("theirs", "ours"):
        for name, text in site.files.items():
            path = tmp_path / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    theirs = site.listed(tmp_path / "theirs")
    ours = _ours(tmp_path / "ours")
    accepted = ACCEPTED.get(site.name, set())
    assert ours.keys() - accepted == theirs.keys() - accepted
    differing = {
        title: (unquote(theirs[title].url), ours[title].url)
        for title in theirs.keys() & ours.keys()
        if unquote(theirs[title].url) != ours[title].url
    }
    assert differing.keys() == accepted & differing.keys(), differing
    for title, article in theirs.items():
        if title not in accepted:
            assert ours[title].date == article.date, title
            assert article.language in ("", ours[title].language), title
