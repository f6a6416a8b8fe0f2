"""The dialect of Markdown that `init` takes from a site's config, and `check` asks for."""

from __future__ import annotations

import json

import pytest

from broadsheet import importers
from newsroom import Newsroom

HUGO = """
baseURL = "https://example.org/"
enableEmoji = true
[markup.goldmark.extensions.typographer]
disable = true
[markup.goldmark.extensions.passthrough]
enable = true
"""
ZOLA = 'base_url = "https://z.example"\n[markdown]\nsmart_punctuation = true\n'
JEKYLL = "url: https://j.example\n"
ASTRO = "export default defineConfig({ markdown: { smartypants: false } })"


def taken(**files: str) -> dict[str, object]:
    """Return what `init` takes from config files, whose dots are written as two underscores."""
    site = importers.recognise({name.replace("__", "."): text for name, text in files.items()}, [])
    assert site is not None
    return {each.key.partition("articles.")[2]: each.value for each in site.taken}


@pytest.mark.parametrize(
    ("files", "dialect", "extensions"),
    [
        ({"hugo__toml": HUGO}, "hugo", {"emoji": True, "math": True, "smart": False}),
        (
            {"zola__toml": ZOLA},
            "zola",
            {"smart": True},
        ),
        (
            {"_config__yml": JEKYLL + "plugins: [jemoji]\n"},
            "jekyll",
            {"emoji": True},
        ),
        ({"_config__yml": JEKYLL + "markdown: CommonMarkGhPages\n"}, "github", None),
        (
            {"astro__config__mjs": ASTRO},
            "astro",
            {"smart": False},
        ),
        ({"eleventy__config__js": "export default function (config) {}"}, "eleventy", None),
    ],
)
def test_a_site_says_which_markdown_it_reads(
    files: dict[str, str], dialect: str, extensions: dict[str, bool] | None
) -> None:
    """The generator determines the dialect, and its config adds or removes extensions."""
    found = taken(**files)
    assert found["markdown"] == dialect
    assert found.get("markdown_extensions") == extensions


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("mkdocs.yml", "mkdocs"),
        ("pelicanconf.py", "pelican"),
        ("docusaurus.config.ts", "docusaurus"),
        (".obsidian/app.json", "obsidian"),
        ("docs/.vuepress/config.js", "vuepress"),
        ("notes.txt", "commonmark"),
    ],
)
def test_init_always_writes_the_dialect(newsroom: Newsroom, name: str, dialect: str) -> None:
    """By the files of a generator whose config is not read; CommonMark without any."""
    (newsroom.folder / "broadsheet.toml").unlink()
    newsroom.article("a.md")
    newsroom.write(name, "")
    assert newsroom.run("init", "--url", "https://a.example/").code == 0
    config = (newsroom.folder / "broadsheet.toml").read_text("utf-8")
    assert f'\nmarkdown = "{dialect}"\n' in config


def test_a_config_without_a_dialect_is_an_error_beside_a_known_generator(
    newsroom: Newsroom,
) -> None:
    """Without a generator, Python-Markdown is as good as any."""
    newsroom.article("a.md", summary="S.")
    assert "markdown-dialect" not in newsroom.run("check").out
    newsroom.write("hugo.toml", 'baseURL = "https://example.org/"\n')
    found = json.loads(newsroom.run("check", "--json").out)
    (missing,) = (each for each in found if each["rule"] == "markdown-dialect")
    assert missing["severity"] == "error"
    assert 'markdown = "hugo"' in missing["todo"]
