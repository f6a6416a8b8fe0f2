"""What the real command publishes is valid by `feed_rules`, and matches the front matter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest
import yaml

import feed_rules
from feed_rules import Finding
from newsroom import ROOT

HERE = ROOT
NOW = "2025-06-30T09:00:00+08:00"
RULES: dict[str, Callable[..., list[Finding]]] = {
    "atom.xml": feed_rules.atom,
    "rss.xml": feed_rules.rss,
    "feed.json": feed_rules.json_feed,
    "feeds.opml": feed_rules.opml,
}
FEEDS = "https://example.org/feeds/"

# The first archive has no predecessor, and later ones must not change it.
UNMENDABLE = {"archive-incomplete"}


def _run(project: Path, command: str) -> None:
    """Run the command in `project`, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "broadsheet", command, "-C", str(project), "--now", NOW],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def _documents(feeds: Path) -> dict[str, bytes]:
    """Return every file in `feeds` that there are rules for."""
    return {
        path.relative_to(feeds).as_posix(): path.read_bytes()
        for path in sorted(feeds.rglob("*"))
        if path.name in RULES
    }


def _build(project: Path) -> dict[str, bytes]:
    """Return every document that a build of `project` publishes."""
    _run(project, "build")
    return _documents(project / "feeds")


def _findings(files: dict[str, bytes]) -> dict[str, list[Finding]]:
    """Return the problems of each of `files` that a validator would report."""
    now = datetime.fromisoformat(NOW)
    found = {
        path: [
            finding
            for finding in RULES[path.rpartition("/")[2]](data, now)
            if finding.rule not in UNMENDABLE
        ]
        for path, data in files.items()
    }
    return {path: findings for path, findings in found.items() if findings}


def _copy_of_seeds(project: Path) -> Path:
    shutil.copytree(HERE / "seeds", project / "seeds")
    shutil.copy(HERE / "broadsheet.toml", project)
    return project


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The result of building a copy of `seeds/`."""
    return _build(_copy_of_seeds(tmp_path_factory.mktemp("demo")))


# -- the demo


def test_every_document_of_the_demo_is_valid(demo: dict[str, bytes]) -> None:
    """No validator finds an error or a warning in any feed made of the seeds."""
    assert {Path(path).name for path in demo} == set(RULES)
    assert _findings(demo) == {}


def test_the_formats_of_each_feed_of_the_demo_agree(demo: dict[str, bytes]) -> None:
    """Atom, RSS and JSON Feed have the same facts about every article, by our parser and
    feedparser."""
    folders = [path.removesuffix("atom.xml") for path in demo if path.endswith("atom.xml")]
    assert len(folders) > 5
    for folder in folders:
        documents = (demo[folder + name] for name in ("atom.xml", "rss.xml", "feed.json"))
        assert feed_rules.agreement(*documents) == [], folder


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
def test_the_archives_of_the_demo_can_be_walked(demo: dict[str, bytes], name: str) -> None:
    """Every older article is reached over `prev-archive` links, each once."""
    served = {FEEDS + path: data for path, data in demo.items() if path.endswith(name)}
    assert any("/archive/" in address for address in served)
    assert feed_rules.chain(served, FEEDS + name) == []


def test_the_list_names_every_feed_that_is_not_an_archive(demo: dict[str, bytes]) -> None:
    """Importing the OPML list subscribes to every current feed at its address."""
    listed = re.findall(r'xmlUrl="([^"]*)"', demo["feeds.opml"].decode())
    served = {FEEDS + path for path in demo if path.endswith("atom.xml") and "archive/" not in path}
    assert {unquote(address) for address in listed} >= served
    assert all("/archive/" not in address for address in listed)


def test_the_feeds_of_issues_are_valid_and_agree(tmp_path: Path) -> None:
    """A digest's own feeds follow the same rules as the feeds of articles."""
    _run(_copy_of_seeds(tmp_path), "digest")
    issued = _documents(tmp_path / "feeds" / "digests")
    folders = [path.removesuffix("atom.xml") for path in issued if path.endswith("atom.xml")]
    assert folders
    assert _findings(issued) == {}
    for folder in folders:
        documents = (issued[folder + name] for name in ("atom.xml", "rss.xml", "feed.json"))
        assert feed_rules.agreement(*documents) == [], folder


# -- what the front matter says


def _written() -> dict[str, dict[str, object]]:
    """Return the front matter of every published seed, by title."""
    found = {}
    for path in sorted((HERE / "seeds").rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        fence = text[:3]
        head = text.split(fence, 2)[1]
        fields = tomllib.loads(head) if fence == "+++" else yaml.load(head, yaml.BaseLoader)
        if fields.get("draft") in (False, "false") and "2030" not in path.name:
            found[fields["title"]] = {**fields, "folder": path.parent}
    return found


WRITTEN = _written()


def _moment(value: object) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.astimezone(UTC)


def _read_back(demo: dict[str, bytes], name: str) -> dict[str, feedparser.FeedParserDict]:
    """Return the entries of the main feed and its archives as feedparser reads them, by title."""
    documents = [
        data for path, data in demo.items() if re.fullmatch(rf"(archive/.*/)?{name}", path)
    ]
    return {entry.title: entry for data in documents for entry in feedparser.parse(data).entries}


def test_the_demo_has_articles_to_read_back() -> None:
    """The tests below would prove nothing without articles."""
    assert len(WRITTEN) >= 10


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
@pytest.mark.parametrize("title", WRITTEN)
def test_a_reader_finds_what_the_front_matter_says(
    demo: dict[str, bytes], name: str, title: str
) -> None:
    """Title, dates, summary, topics, tags, language, authors and image are as written."""
    written, entry = WRITTEN[title], _read_back(demo, name)[title]
    assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == _moment(written["date"])
    updated = written.get("updated", written["date"])
    assert datetime(*entry.updated_parsed[:6], tzinfo=UTC) == _moment(updated)
    if "summary" in written:
        assert entry.summary == written["summary"]
    config = tomllib.loads((HERE / "broadsheet.toml").read_text(encoding="utf-8"))
    aliases = {
        other: topic for topic, others in config["topics"]["aliases"].items() for other in others
    }
    topics = [aliases.get(topic, topic) for topic in written.get("main_topics", [])]
    tags = list(written.get("tags", []))
    tags = [tag for tag in tags if tag not in topics]
    schemes = {tag.scheme.rpartition("feeds/")[2] for tag in entry.tags}
    assert schemes == ({"topics/"} if topics else set()) | ({"tags/"} if tags else set())
    assert [tag.term for tag in entry.tags if tag.scheme.endswith("topics/")] == topics
    assert [tag.term for tag in entry.tags if tag.scheme.endswith("tags/")] == tags
    assert len(entry.content[0].value) > len(entry.summary)
    if "id" in written:
        assert entry.id == written["id"]


@pytest.mark.parametrize("name", ["atom.xml", "rss.xml"])
@pytest.mark.parametrize("title", [t for t in WRITTEN if "featured_image" in WRITTEN[t]])
def test_a_reader_finds_the_featured_image(demo: dict[str, bytes], name: str, title: str) -> None:
    """As enclosure and as Media RSS, with the size of the file on disk."""
    written, entry = WRITTEN[title], _read_back(demo, name)[title]
    file = Path(written["folder"], written["featured_image"])
    (enclosure,) = entry.enclosures
    (media,) = entry.media_content
    assert Path(unquote(enclosure.href)).name == file.name
    assert enclosure.href == media["url"]
    assert enclosure.type == media["type"] == "image/png"
    assert int(enclosure.length) == int(media["filesize"]) == file.stat().st_size
    assert int(media["width"]) > 0
    assert int(media["height"]) > 0


def test_unpublished_files_are_in_no_document(demo: dict[str, bytes]) -> None:
    """A draft, an article of the future and a section page."""
    everything = b"".join(demo.values()).decode()
    for text in ("name-your-topics", "letter-to-2030", "_index"):
        assert text not in everything


# -- text that feeds cannot represent

ODD_CONFIG = """
[publication]
title = "Tea & <b>Cake</b> ]]>"
url = "https://example.org/"
language = "en"
timezone = "Asia/Kathmandu"
author = { name = "Ada", email = "no address", url = "/people/a da/" }
icon = "/icon 1.png"
logo = "logo.png"
rights = "© 2025 A & B"

[articles]
folders = ["content"]
assets = ["content"]

[feeds]
by = ["topics", "tags"]
hub = "https://hub.example.org/"
archive = "none"
"""
ODD: dict[str, tuple[str, str]] = {
    "empty": ('{"title": "Nothing here"}', ""),
    "picture": ('{"title": "Only a picture"}', "![a cat](cat.png)"),
    "quarter": ('{"title": "A quarter of an hour", "date": "2025-06-02T07:15:00+05:45"}', "Text."),
    "markup": (
        '{"title": "R&D < C", "summary": "Close </div>, write &lt; and ]]>"}',
        "`</div>` <b>bold &amp; <i>both</b>",
    ),
    "mail": ('{"title": "Mail", "author": {"name": "B", "email": "b at home"}}', "Text."),
    "mailto": ('{"title": "Mailto", "author": {"name": "C", "email": "mailto:c@example.org"}}', ""),
    "page": ('{"title": "Page", "author": {"name": "D", "url": "/people/dé/"}}', "Text."),
    "handle": ('{"title": "Handle", "author": {"name": "E", "url": "@e"}}', "Text."),
    "language": ('{"title": "Language", "language": "English"}', "Text."),
    "data": ('{"title": "Data", "image": "data:image/png;base64,AAAA"}', "Text."),
    "script": ('{"title": "Script", "image": "javascript:alert(1)"}', "Text."),
    "hollow": ('{"title": "Hollow", "image": "empty.png"}', "Text."),
    "control": ('{"title": "C\\u0001ontr\\u0085ol", "tags": ["a\\u0000b", " ", ""]}', "\x01\x85x"),
    "wide": ('{"title": "' + "长" * 999 + '", "tags": ["C#", "c", "中 文", "..", "ＡI"]}', "文。"),
    "zone": ('{"title": "Zone", "date": "2025-06-01T00:00:00+14:00"}', "Text."),
    "nest": ('{"title": "Nest"}', "- a\n  > b\n  > - c\n\n    ```\n    <a href='x'>\n    ```\n"),
    "fold": ('{"title": "Fold"}', "<details><summary>s</summary>\n\n|a|\n|-|\n|1|\n\n</details>"),
}  # fmt: skip


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The result of building articles that are odd, each in one way."""
    project = tmp_path_factory.mktemp("odd")
    (project / "content").mkdir()
    (project / "broadsheet.toml").write_text(ODD_CONFIG, encoding="utf-8")
    (project / "content" / "empty.png").touch()
    for day, (name, (head, body)) in enumerate(ODD.items(), 1):
        fields = {"date": f"2025-05-{day:02}T08:00:00Z", **json.loads(head)}
        text = json.dumps(fields, ensure_ascii=False) + "\n\n" + body
        (project / "content" / f"{name}.md").write_text(text, encoding="utf-8")
    return _build(project)


@pytest.fixture(scope="module")
def told(odd: dict[str, bytes]) -> dict[str, feed_rules.EntryFacts]:
    """What the Atom feed says about each odd article, by its name."""
    return {each.url.split("/")[-2]: each for each in feed_rules.facts_of_atom(odd["atom.xml"])}


def test_every_document_of_odd_articles_is_valid(odd: dict[str, bytes]) -> None:
    """Whatever authors write, the result is a valid feed."""
    accepted = {"text-markup"}  # a tag in a title; only its author can fix it
    left = {
        (path, finding.rule, finding.what)
        for path, findings in _findings(odd).items()
        for finding in findings
        if finding.rule not in accepted or "Cake" not in finding.what
    }
    assert left == set()


def test_the_formats_of_odd_articles_agree(odd: dict[str, bytes]) -> None:
    """All formats treat each oddity alike."""
    documents = (odd[name] for name in ("atom.xml", "rss.xml", "feed.json"))
    rules = {finding.rule for finding in feed_rules.agreement(*documents)}
    assert rules == set()


def test_all_odd_articles_are_published(told: dict[str, feed_rules.EntryFacts]) -> None:
    """No oddity that feeds cannot represent keeps an article out of them."""
    assert told.keys() == ODD.keys()


@pytest.mark.parametrize("name", ["empty", "picture"])
def test_an_article_without_text_is_described_by_its_title(
    told: dict[str, feed_rules.EntryFacts], name: str
) -> None:
    """RSS requires a description and JSON Feed content; an article of one picture has neither."""
    assert told[name].summary == told[name].title


def test_a_summary_that_looks_like_markup_round_trips(
    odd: dict[str, bytes], told: dict[str, feed_rules.EntryFacts]
) -> None:
    """Text about tags is declared as text, so that no reader interprets it."""
    assert told["markup"].summary == "Close </div>, write &lt; and ]]>"
    assert b'<summary type="html">Close &amp;lt;/div&amp;gt;' in odd["atom.xml"]


def test_a_quarter_of_an_hour_is_written_in_utc_in_rss(odd: dict[str, bytes]) -> None:
    """RSS parsers know offsets of whole and half hours only; the moment stays the same."""
    assert b"<pubDate>Mon, 02 Jun 2025 01:30:00 +0000</pubDate>" in odd["rss.xml"]
    assert b"<published>2025-06-02T07:15:00+05:45</published>" in odd["atom.xml"]


def test_plain_text_of_rss_is_written_as_its_profile_wants(odd: dict[str, bytes]) -> None:
    """`&` and `<` in a title are hexadecimal references, which are never taken for HTML."""
    assert b"<title>R&#x26;D &#x3C; C</title>" in odd["rss.xml"]
    assert b"<copyright>\xc2\xa9 2025 A &#x26; B</copyright>" in odd["rss.xml"]


def test_invalid_author_addresses_are_left_out(odd: dict[str, bytes]) -> None:
    """A reader may reject the whole feed because of an invalid address."""
    items = json.loads(odd["feed.json"])["items"]
    authors = {item["url"].split("/")[-2]: item["authors"][0] for item in items}
    assert authors["mail"] == {"name": "B"}
    assert authors["mailto"] == {"name": "C", "url": "mailto:c@example.org"}
    assert authors["page"] == {"name": "D", "url": "https://example.org/people/d%C3%A9/"}
    assert authors["handle"] == {"name": "E"}
    assert authors["empty"] == {"name": "Ada", "url": "https://example.org/people/a%20da/"}


def test_an_invalid_language_falls_back_to_the_publications(
    told: dict[str, feed_rules.EntryFacts],
) -> None:
    """`language: English` is not a tag; it would make the whole document invalid."""
    assert told["language"].language == "en"


@pytest.mark.parametrize("name", ["data", "script"])
def test_an_image_that_is_no_file_of_the_web_is_left_out(
    told: dict[str, feed_rules.EntryFacts], name: str
) -> None:
    """An enclosure needs a URL that can be fetched."""
    assert told[name].image == ""


def test_an_empty_file_is_no_enclosure(told: dict[str, feed_rules.EntryFacts]) -> None:
    """A length of zero makes Media RSS invalid."""
    assert told["hollow"].image == "https://example.org/empty.png"
    assert told["hollow"].attachment == ("", "", "")


def test_a_publication_without_articles_has_valid_feeds(tmp_path: Path) -> None:
    """The first build of a new publication already has a feed to subscribe to."""
    (tmp_path / "content").mkdir()
    (tmp_path / "broadsheet.toml").write_text(
        '[publication]\ntitle = "New"\nurl = "https://example.org/"\n', encoding="utf-8"
    )
    assert _findings(_build(tmp_path)) == {}


# -- the validator itself

BROKEN = [
    ("atom.xml", "<id>https://example.org/feeds/</id>", "", "element-missing"),
    ("atom.xml", "</title>", "</title><title>Again</title>", "element-repeated"),
    ("atom.xml", "</title>", "</title><blink>x</blink>", "element-unknown"),
    ("atom.xml", "</feed>", "<rights>x</rights></feed>", "order"),
    ("atom.xml", 'rel="self"', 'rel="me"', "link-rel"),
    ("atom.xml", 'rel="self"', 'rel="up"', "link-self"),
    ("atom.xml", "T22:40:00+08:00</updated>", "T22:40:00</updated>", "date-rfc3339"),
    ("atom.xml", "2025-06-29T22:40", "2025-02-30T22:40", "date-rfc3339"),
    ("atom.xml", "2025-06-29T22:40", "2029-06-29T22:40", "date-future"),
    ("atom.xml", "2025-06-29T22:40", "1929-06-29T22:40", "date-implausible"),
    ("atom.xml", "<id>https://example.org/posts/", "<id>/posts/", "uri-absolute"),
    ("atom.xml", "<id>https://example.org/posts/", "<id>https://EXAMPLE.org/p/", "uri-canonical"),
    (
        "atom.xml",
        'href="https://example.org/posts/',
        'href="https://example.org/帖/',
        "uri-encoding",
    ),
    ("atom.xml", "%E7", "%25E7", "uri-encoded-twice"),
    ("atom.xml", 'src="https://example.org/', 'src="/', "uri-absolute"),
    ("atom.xml", 'src="https://example.org/', 'src="https:///', "uri-host"),
    ("atom.xml", "&lt;p&gt;", "&lt;p&gt;&lt;/i&gt;", "html-syntax"),
    ("atom.xml", "&lt;p&gt;", "&lt;p onclick='x'&gt;", "html-attribute"),
    ("atom.xml", "&lt;p&gt;", "&lt;iframe&gt;&lt;/iframe&gt;&lt;p&gt;", "html-element"),
    ("atom.xml", "&lt;p&gt;", "&lt;p style='position:fixed'&gt;", "html-style"),
    ("atom.xml", "&lt;p&gt;", "&lt;p style='border:url(x.png)'&gt;", "uri-absolute"),
    ("atom.xml", "&lt;p&gt;", "&lt;img alt='' srcset='a b c'&gt;&lt;p&gt;", "html-srcset"),
    ("atom.xml", "&lt;p&gt;", "&lt;img alt='' srcset='a.png 2x'&gt;&lt;p&gt;", "uri-absolute"),
    ("atom.xml", "&lt;p&gt;", "&lt;img alt='x'&gt;&lt;p&gt;", "html-image"),
    ("atom.xml", "&lt;p&gt;", "&lt;p id='a'&gt;&lt;b id='a'&gt;&lt;/b&gt;", "html-id"),
    ("atom.xml", "&lt;p&gt;", "&lt;p lang='!'&gt;", "language"),
    ("atom.xml", 'xml:lang="zh-CN"', 'xml:lang="chinese"', "language"),
    ("atom.xml", "AI 前沿", "AI 前沿\ufffd", "character"),
    ("atom.xml", "AI 前沿", "AI 前沿\x85", "character"),
    ("atom.xml", "AI 前沿", "AI 前沿 \xc3\xa9", "character-encoded-twice"),
    ("atom.xml", "AI 前沿", "AI \x01", "xml"),
    ("atom.xml", "editors@example.org", "editors", "mail-address"),
    ("atom.xml", 'type="image/png"', 'type="png"', "media-type"),
    ("atom.xml", "fileSize=", "size=", "attribute-unknown"),
    ("atom.xml", 'fileSize="', 'fileSize="-', "number"),
    ("atom.xml", "http://search.yahoo.com/mrss/", "http://search.yahoo.com/mrss", "namespace"),
    ("atom.xml", "</title>", " &lt;/div&gt;</title>", "text-markup"),
    ("atom.xml", "</title>", " </title>", "text-space"),
    ("atom.xml", "</generator>", "</generator>stray", "text-stray"),
    ("atom.xml", "encoding='UTF-8'", "encoding='GBK'", "xml-declaration"),
    ("rss.xml", "<language>zh-CN</language>", "", "element-missing"),
    ("rss.xml", "<link>https://example.org/", "<link>", "uri-absolute"),
    ("rss.xml", "Sun, 29 Jun", "Mon, 29 Jun", "date-weekday"),
    ("rss.xml", "Sun, 29 Jun 2025", "2025-06-29", "date-rfc822"),
    ("rss.xml", "Sun, 29 Jun", "Sun, 31 Jun", "date-rfc822"),
    ("rss.xml", "+0800</pubDate>", "+0545</pubDate>", "date-rfc822"),
    ("rss.xml", 'isPermaLink="true"', "", "guid"),
    ("rss.xml", "editors@example.org (AI 前沿编辑部)", "AI 前沿编辑部", "mail-name"),
    ("rss.xml", 'length="', 'length="-', "number"),
    ("rss.xml", "<title>", "<title>&lt;b", "text-profile"),
    ("rss.xml", "</channel>", "<ttl>9</ttl></channel>", "order"),
    ("rss.xml", 'rel="self" type="application/rss+xml"', 'rel="self"', "link-self-type"),
    ("rss.xml", "<description>", "<description>&lt;a href='x'&gt;x&lt;/a&gt;", "uri-absolute"),
    ("rss.xml", 'version="2.0"', 'version="0.91"', "root"),
    ("feed.json", "version/1.1", "version/1", "root"),
    ("feed.json", '"content_html"', '"content"', "content-missing"),
    ("feed.json", '"content_html"', '"content"', "element-unknown"),
    ("feed.json", '"id": "https://example.org/', '"id": 1, "x": "', "json-type"),
    ("feed.json", '"date_published": "2025', '"date_published": "25', "date-rfc3339"),
    ("feed.json", '"language": "zh-CN"', '"language": "zh CN"', "language"),
    ("feed.json", '"url": "https://example.org/', '"url": "/', "uri-absolute"),
    ("feed.json", '"title": "AI', '"title": "", "title": "AI', "json"),
    ("feeds.opml", 'type="rss" text=', 'type="rss" name=', "outline"),
    ("feeds.opml", 'xmlUrl="https://example.org/', 'xmlUrl="/', "uri-absolute"),
    ("feeds.opml", 'version="2.0"', 'version="3.0"', "root"),
    ("archive/2025-05/atom.xml", 'rel="current"', 'rel="related"', "archive-current"),
    ("archive/2025-05/rss.xml", "<fh:archive/>", "", "archive-mark"),
]


@pytest.mark.parametrize(("path", "right", "wrong", "rule"), BROKEN)
def test_the_validator_finds_broken_documents(
    demo: dict[str, bytes], path: str, right: str, wrong: str, rule: str
) -> None:
    """Each rule finds the error that it exists for."""
    whole = demo[path].decode()
    assert right in whole
    name = path.rpartition("/")[2]
    broken = whole.replace(right, wrong).encode()
    found = RULES[name](broken, datetime.fromisoformat(NOW))
    assert rule in {finding.rule for finding in found}


DISAGREEING = [
    ("atom.xml", "小模型请到", "大模型请到", "agreement-title"),
    ("rss.xml", "22:40:00 +0800</pubDate>", "22:41:00 +0800</pubDate>", "agreement-published"),
    ("rss.xml", "2025-06-11T16:20", "2025-06-11T16:21", "agreement-updated"),
    ("rss.xml", "AI 前沿编辑部</dc:creator>", "x</dc:creator>", "agreement-authors"),
    ("rss.xml", "<dc:language>en", "<dc:language>de", "agreement-language"),
    ("feed.json", "隐私", "公开", "agreement-categories"),
    ("feed.json", '"summary": "', '"summary": "x', "agreement-summary"),
    ("feed.json", "<p>", "<p>x", "agreement-content"),
    ("feed.json", '"image": "https://', '"image": "http://', "agreement-image"),
    ("feed.json", '"size_in_bytes": ', '"size_in_bytes": 1', "agreement-attachment"),
    ("feed.json", '"id": "https://', '"id": "http://', "agreement-entries"),
    ("feed.json", '"home_page_url": "https', '"home_page_url": "http', "agreement-home"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "rule"), DISAGREEING)
def test_the_validator_sees_where_formats_disagree(
    demo: dict[str, bytes], name: str, right: str, wrong: str, rule: str
) -> None:
    """Each field that differs in one format is found."""
    documents = {each: demo[each] for each in ("atom.xml", "rss.xml", "feed.json")}
    assert right in documents[name].decode()
    documents[name] = documents[name].decode().replace(right, wrong).encode()
    assert rule in {finding.rule for finding in feed_rules.agreement(*documents.values())}


def test_the_validator_sees_a_broken_chain_of_archives(demo: dict[str, bytes]) -> None:
    """An archive that is missing, or has an article twice, is found."""
    served = {FEEDS + path: data for path, data in demo.items() if path.endswith("atom.xml")}
    archive = FEEDS + "archive/2025-05/atom.xml"
    gone = {address: data for address, data in served.items() if address != archive}
    assert "archive-chain" in {f.rule for f in feed_rules.chain(gone, FEEDS + "atom.xml")}
    main = served[FEEDS + "atom.xml"].decode()
    first = re.search(r"<id>(https://example.org/posts/[^<]*)", main)
    assert first is not None
    again = re.sub(
        r"<id>https://example.org/posts/[^<]*", f"<id>{first[1]}", served[archive].decode()
    )
    twice = {**served, archive: again.encode()}
    assert "archive-entry" in {f.rule for f in feed_rules.chain(twice, FEEDS + "atom.xml")}
