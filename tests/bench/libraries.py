"""What the libraries alone take for a cold build: the least that any design with them could take.

For each article, python-frontmatter and PyYAML read it, comrak renders it, Lexbor parses the HTML
and writes it again, feedgen makes an Atom entry and an RSS item, msgspec a JSON one, SQLite stores
the HTML, and the entries are written in monthly files of each format. One process for each core.
Nothing is checked, sanitised, linked, sorted or compared with an earlier run.

    python tests/bench/libraries.py FOLDER-OF-ARTICLES FOLDER-TO-WRITE
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import frontmatter
import msgspec
import yaml
from comrak import ExtensionOptions, ParseOptions, RenderOptions, render_markdown
from feedgen.entry import FeedEntry
from frontmatter.default_handlers import YAMLHandler
from lxml import etree
from selectolax.lexbor import LexborHTMLParser

_A_MONTH = 145
_ENDINGS = ("atom.xml", "rss.xml", "feed.json")


class _Handler(YAMLHandler):
    def load(self, fm: str, **_: object) -> Any:
        return yaml.load(fm, yaml.CSafeLoader)


def main(source: Path, target: Path) -> None:
    """Write the entries of all articles in `source`, a file of each format for every month."""
    target.mkdir(parents=True, exist_ok=True)
    paths = sorted(source.rglob("*.md"))
    months = [paths[first : first + _A_MONTH] for first in range(0, len(paths), _A_MONTH)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        list(processes.map(partial(_month, target), months))


def _month(target: Path, paths: list[Path]) -> None:
    posts = [frontmatter.loads(path.read_text("utf-8"), handler=_Handler()) for path in paths]
    texts = [_html(post.content) for post in posts]
    _store(target / f"{paths[0].stem}.sqlite3", texts)
    entries = [[*_entry(*each)] for each in zip(posts, texts, strict=True)]
    for ending, documents in zip(_ENDINGS, zip(*entries, strict=True), strict=True):
        with (target / f"{paths[0].stem}-{ending}").open("wb") as file:
            for document in documents:
                hashlib.sha256(document)
                file.write(document)
            file.flush()
            os.fsync(file.fileno())


def _html(text: str) -> str:
    extensions, options = ExtensionOptions(), RenderOptions()
    for name in ("footnotes", "strikethrough", "table", "tasklist"):
        setattr(extensions, name, True)
    options.unsafe_ = True
    body = LexborHTMLParser(render_markdown(text, extensions, ParseOptions(), options)).body
    return (body.inner_html if body else "") or ""


def _entry(post: frontmatter.Post, html: str) -> Iterator[bytes]:
    url = f"https://example.org/{post['title']}"
    entry = FeedEntry()
    entry.id(url)
    entry.title(post["title"])
    entry.link(href=url)
    entry.updated(datetime.fromisoformat(str(post["date"])))
    entry.published(datetime.fromisoformat(str(post["date"])))
    entry.summary(post["summary"])
    entry.content(html, type="html")
    for name in (*post["main_topics"], *post["tags"]):
        entry.category(term=name)
    yield etree.tostring(entry.atom_entry(), pretty_print=True, encoding="UTF-8")
    yield etree.tostring(entry.rss_entry(), pretty_print=True, encoding="UTF-8")
    item = {"id": url, "title": post["title"], "content_html": html, "tags": post["tags"]}
    yield msgspec.json.format(msgspec.json.encode(item), indent=1)


def _store(path: Path, texts: Iterable[str]) -> None:
    rows = ((hashlib.sha256(data).digest(), data) for data in (text.encode() for text in texts))
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE result (digest BLOB PRIMARY KEY, value BLOB)")
        while some := list(islice(rows, 256)):
            database.executemany("INSERT OR IGNORE INTO result VALUES (?, ?)", some)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
