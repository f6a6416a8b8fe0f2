"""Links between our own outputs lead to files that are written, whatever the config."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from html import unescape
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from broadsheet.model.settings import FEED_FORMATS, ArticleFormat
from laws import law
from newsroom import Newsroom, contents

FEEDS = "https://feeds.example.net/"  # not where ids begin, which need not be URLs
PUBLICATION = f"""
[publication]
title = "News"
url = "https://example.org/"
feeds_url = "{FEEDS}"
timezone = "Asia/Shanghai"
"""
FORMATS = [list(each) for size in (1, 2, 3) for each in combinations(ArticleFormat.known(), size)]
TOPICS = ["AI", "ａｉ", "C#", "C++", "开源", "open source", "Open-Source", "a/b", "R&D <x>", "50%"]
_URL = re.compile(re.escape(FEEDS) + r"[^\s\"'<>)]*")


def texts(path: str, data: bytes) -> Iterator[str]:
    """Return the text of a file decoded: of a mail its headers and parts, of JSON its values."""
    if path.endswith(".eml"):
        mail = message_from_bytes(data, policy=policy.default)
        yield from (str(value) for value in mail.values())
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                yield unescape(part.get_content())  # type: ignore[attr-defined]
    elif path.endswith(".json"):
        yield json.dumps(json.loads(data), ensure_ascii=False).replace("\\", "")
    else:
        yield unescape(data.decode())


def own_links(path: str, data: bytes) -> Iterator[str]:
    """Return every URL below FEEDS in a file; relative links of pages are resolved."""
    for text in texts(path, data):
        yield from _URL.findall(text)
    if path.endswith("index.html"):
        for _, _, link, _ in html.document_fromstring(data.decode()).iterlinks():
            url = urljoin(FEEDS + path, link)
            if url.startswith(FEEDS):
                yield url


def is_there(url: str, files: Mapping[str, bytes]) -> bool:
    """Whether a URL leads to one of `files`, and to an existing anchor if it has a fragment."""
    address, _, anchor = url.partition("#")
    path = unquote(address.removeprefix(FEEDS))
    page = files.get(path + "index.html" if path == "" or path.endswith("/") else path)
    return page is not None and (not anchor or f'id="{anchor}"'.encode() in page)


def broken(newsroom: Newsroom) -> set[tuple[str, str]]:
    """Return the dead links of the feeds folder, with the file that each is in."""
    files = newsroom.published()
    links = {(path, url) for path, data in files.items() for url in own_links(path, data)}
    assert links
    return {(path, url) for path, url in links if not is_there(url, files)}


def toml(**values: object) -> str:
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def publish(newsroom: Newsroom) -> None:
    """Run everything that a cron job runs."""
    for command in ("digest", "build"):
        ran = newsroom.run(command)
        assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("formats", FORMATS, ids="-".join)
def test_the_web_version_of_an_issue_links_to_an_existing_feed(
    newsroom: Newsroom, formats: list[str]
) -> None:
    """The feed link has the media type of its target."""
    newsroom.configure(toml_of(formats), PUBLICATION)
    newsroom.article("a.md", date="2025-06-25", main_topics=["AI"])
    publish(newsroom)
    page = html.document_fromstring(
        newsroom.published()["digests/weekly/2025-06-30/index.html"].decode()
    )
    (link,) = page.xpath("//link[@rel='alternate']")
    names = {each.media_type: each.file for name, each in FEED_FORMATS.items() if name in formats}
    assert link.get("href") == f"{FEEDS}digests/weekly/{names[link.get('type')]}"
    assert broken(newsroom) == set()


def toml_of(formats: list[str]) -> str:
    return f'[feeds]\n{toml(formats=formats)}[digests.weekly]\ntitle = "Weekly"\n'


_ARTICLES = st.lists(
    st.fixed_dictionaries(
        {
            "date": st.sampled_from(["2025-06-27", "2025-06-25", "2025-05-02", "2024-03-01"]),
            "main_topics": st.lists(st.sampled_from(TOPICS), max_size=3),
            "tags": st.lists(st.sampled_from(TOPICS), max_size=2),
            "language": st.sampled_from(["", "zh-CN"]),
        }
    ),
    max_size=7,
)
_FEEDS = st.fixed_dictionaries(
    {
        "formats": st.sampled_from(FORMATS).flatmap(st.permutations),
        "by": st.lists(st.sampled_from(["topics", "tags"]), unique=True),
        "archive": st.sampled_from(["month", "year", "none"]),
        "entries": st.integers(1, 3),
        "content": st.sampled_from(["full", "summary"]),
    }
)
_DIGEST = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Weekly", "周报 & <more>"]),
        "group": st.sampled_from(["shared", "first", "every"]),
        "topics": st.lists(st.sampled_from(TOPICS), max_size=2),
        "language": st.sampled_from(["en", "zh-CN", "ar"]),
        "max_bytes": st.sampled_from([20_000, 100_000]),
    }
)


@law(5)
@given(
    articles=_ARTICLES,
    feeds=_FEEDS,
    digests=st.dictionaries(st.sampled_from(["weekly", "周报"]), _DIGEST),
    aliased=st.booleans(),
)
def test_every_link_between_our_files_works(
    articles: list[dict[str, object]],
    feeds: dict[str, object],
    digests: dict[str, dict[str, object]],
    aliased: bool,
) -> None:
    """In feeds, archives, the OPML list, pages, issues, mails, and previews."""
    aliases = toml(AI=["人工智能", "开源"]) if aliased else ""
    config = [f"[feeds]\n{toml(**feeds)}", f"[topics.aliases]\n{aliases}"]
    config += [f'[digests."{name}"]\n{toml(**each)}' for name, each in digests.items()]
    with TemporaryDirectory() as name:
        newsroom = Newsroom.open(Path(name))
        newsroom.configure("\n".join(config), PUBLICATION)
        for number, fields in enumerate(articles):
            newsroom.article(f"a{number}.md", **fields)
        publish(newsroom)
        assert broken(newsroom) == set()
        assert newsroom.run("preview").code == 0
        assert broken_previews(newsroom) == set()


def broken_previews(newsroom: Newsroom) -> set[tuple[str, str]]:
    """Return the relative links of previews to files that do not exist."""
    folder = newsroom.folder / "previews"
    links = {
        (path, link)
        for path, data in contents(folder).items()
        if path.endswith(".html")
        for _, _, link, _ in html.document_fromstring(data.decode()).iterlinks()
        if not re.match(r"[a-z]+:|#", link)
    }
    return {
        (p, link) for p, link in links if not (folder / p).parent.joinpath(unquote(link)).is_file()
    }
