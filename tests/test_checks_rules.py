"""Each rule of `check` on the real thing: what trips it, at which line, and what only looks so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broadsheet.checks import RULES
from conftest import Newsroom

DATE = "2025-06-19T07:20:04+08:00"
ELSEWHERE = '\n[delivery]\nsender = "News <news@example.org>"\n'
DIGEST = '\n[digests.weekly]\ntitle = "Weekly"\n'
LARGE = b"\x89PNG" + bytes(1_100_000)


@dataclass(frozen=True)
class Case:
    """A rule, an article that trips it and one that does not.

    bad, good: what stands below title, date and summary, which take the lines 2 to 4: lines of
    front matter, an empty string, and lines of the body (the first is at line 6 with no more front
    matter). line: where it is told. files: what else lies in the project.
    """

    rule: str
    bad: tuple[str, ...]
    good: tuple[str, ...]
    line: int
    config: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    said: str = ""


def source(title: str, lines: tuple[str, ...]) -> str:
    """An article: line 2 is the title, 3 the date, 4 the summary, 5 what comes next."""
    given = {"title": title, "date": DATE, "summary": "In short."}
    split = lines.index("") if "" in lines else len(lines)
    for line in lines[:split]:
        name, _, value = line.partition(": ")
        if name in given:
            given[name] = value
    extra = [line for line in lines[:split] if line.partition(": ")[0] not in given]
    head = [f"{name}: {value}" for name, value in given.items() if value != "(none)"]
    return "\n".join(["---", *head, *extra, "---", *lines[split + 1 :], ""])


def body(*lines: str) -> tuple[str, ...]:
    """The first of `lines` is line 6 of the file."""
    return ("", *lines)


CASES = [
    Case("unreadable", ("date: soon",), ("date: 2025-06-19",), 3, said="'soon'"),
    Case("no-date", ("date: (none)",), (), 1),
    Case("future-date", ("date: 2030-01-01",), ("date: 2030-01-01", "draft: true"), 3),
    Case("old-date", ("date: 1825-06-19",), ("date: 1925-06-19",), 3),
    Case("no-summary", ("summary: (none)",), (), 1),
    Case("long-summary", ("summary: " + "word " * 90,), ("summary: " + "word " * 70,), 4),
    Case("long-summary", ("summary: " + "长" * 201,), ("summary: " + "长" * 199,), 4),
    Case(
        "unknown-topic",
        ("main_topics: [Nwes]",),
        ("main_topics: [ＮＥＷＳ, 消息]",),
        5,
        config='[topics]\nknown = ["News"]\naliases = { News = ["消息"] }\n',
        said="did you mean 'News'?",
    ),
    Case("topic-spelling", ("main_topics: [open source]",), ("main_topics: [Open-Source]",), 5),
    Case("tag-spelling", ("tags: [a, ＡＩ]",), ("date: 2025-06-01", "tags: [b, AI]"), 5),
    Case("duplicate-id", ("id: good/",), ("slug: good", "id: good/"), 5),
    Case("duplicate-address", ("slug: same", "id: bad/"), ("slug: same", "id: good/"), 5),
    Case("duplicate-title", ("title: A title",), ("title: A  TITLE",), 2),
    Case("image-missing", ("image: gone.png",), ("image: https://example.org/a.png",), 5),
    Case(
        "image-missing",
        ("cover:", "  image: images/no.png"),
        ("image: images/a b.png",),
        6,
        files={"content/images/a b.png": b"x"},
    ),
    Case(
        "image-large",
        ("image: /large.png",),
        ("image: small.png",),
        5,
        files={"static/large.png": LARGE, "content/small.png": b"x"},
    ),
    Case(
        "image-alt",
        ("image: https://a.org/a.png",),
        ("image: https://a.org/b.png", "image_alt: B"),
        5,
    ),
    Case(
        "assets-folder",
        ("image: /images/a.png",),
        (),
        0,
        said="holds no file, so 1 images cannot be checked",
    ),
    Case("body-image-missing", body("", "![a](gone.png)"), body("`![a](gone.png)`"), 7),
    Case(
        "body-image-missing",
        body("<figure>", '<img alt="a" src="gone.png">', "</figure>"),
        body('<img alt="a" src="here.png">', "[![a](here.png)](https://example.org)"),
        7,
        files={"content/here.png": b"x"},
    ),
    Case(
        "body-image-missing",
        body("[![a][shot]](https://example.org)", "", "[shot]: gone.png"),
        body("![a][shot]", "", "[shot]: here.png"),
        6,
        files={"content/here.png": b"x"},
    ),
    Case(
        "body-image-large",
        body("![a](large.png)"),
        body("![a](small.png)"),
        6,
        files={"content/large.png": LARGE, "content/small.png": b"x"},
    ),
    Case("body-image-alt", body("![](https://a.org/a.png)"), body("![a](https://a.org/a.png)"), 6),
    Case(
        "body-image-alt",
        body("<p>", "<img src='https://a.org/a.png' title=\"alt\">"),
        body('<img src="https://a.org/a.png" alt="">'),
        7,
    ),
    Case(
        "broken-link",
        body("See", "[that](godo.md).", ""),
        body("See [that](bad.md#part) and [those](./bad.md?x)."),
        7,
        said="no article is at 'godo.md'; did you mean content/good.md?",
    ),
    Case(
        "broken-link",
        body("A text that goes on and [a link whose", "text does too](files/gone.pdf)."),
        body("[it](files/here.pdf#page=2) <files/gone.pdf> [web](https://example.net/gone.pdf)"),
        6,
        files={"content/files/here.pdf": b"x"},
    ),
    Case(
        "broken-link",
        body("[a][b] and <a href='gone.zip'>c</a>", "", "[b]: here.zip 'Title'"),
        body("[a][b]", "", "[b]: <here.zip>", "", "    [c](gone.zip)"),
        6,
        files={"content/here.zip": b"x"},
    ),
    Case(
        "link-nowhere",
        body("[a](/posts/goood/)"),
        body("[a](/posts/bad) [b](/about/) [c](../bad/index.html#x) [d](https://a.org/posts/x/)"),
        6,
        said="did you mean https://example.org/posts/good/?",
    ),
    Case(
        "link-nowhere",
        body("[a](https://example.org/posts/nothing/)"),
        body("[a](/posts/former/) [b](/posts/page/2/) [c](/posts/feed.xml)"),
        6,
        files={"content/other.md": source("O", ("aliases: [/posts/former/]",)).encode()},
    ),
    Case(
        "link-unpublished",
        body("[a](draft.md)"),
        body("[a](bad.md)"),
        6,
        files={"content/draft.md": source("Draft", ("draft: true",)).encode()},
        said="content/draft.md, which is not published (it is a draft)",
    ),
    Case(
        "link-text",
        body("[https://example.org/a/](https://example.org/a)"),
        body(
            "[https://example.org](https://example.org/)",
            "[www.example.org/a](https://www.example.org/a/)",
            "[https://example.org/a/long…](https://example.org/a/long/way)",
            "[https://Example.org/a?b=1&amp;c=2](https://example.org/a?b=1&c=2)",
            "`[https://a.org](https://b.org)`",
            "<!-- [https://a.org](https://b.org) -->",
        ),
        6,
    ),
    Case(
        "link-scheme",
        body("[a](javascript:alert(1))"),
        body("[a](mailto:a@example.org) [b](tel:+12) ![c](data:image/png;base64,AA==)"),
        6,
    ),
    Case(
        "link-scheme",
        body("", "[a][b]", "", "[b]: data:text/html,x"),
        body("a [b]: javascript:x()"),
        7,
    ),
    Case(
        "link-undefined",
        body("", "See [the text][nowhere]."),
        body("See [the text][Some  where] and x[0][1].", "", "[some where]: https://a.org"),
        7,
    ),
    Case(
        "footnote-undefined",
        body("Text.[^1]", "More.[^two words]", "", "[^1]: Note."),
        body("Text.[^1] `a[^2]` \\[^3]", "", "```", "[^4]", "```", "", "[^1]: Note."),
        7,
    ),
    Case(
        "footnote-unused",
        body("Text.[^1]", "", "[^1]: Note.", "[^2]: Note."),
        body("Text.[^1]", "", "[^1]: Note, and[^2]", "[^2]: Note.", "", "```", "[^9]: no", "```"),
        9,
    ),
    Case(
        "raw-html",
        body("", "<script>alert(1)</script>"),
        body("`<script>`", "", "<details><summary>a</summary>b</details>", "<https://a.org>"),
        7,
    ),
    Case("raw-html", body("", "a", "<iframe src='https://a.org'></iframe>"), body("<b>a</b>"), 8),
    Case(
        "raw-html",
        body("<b onclick='x()'>a</b>"),
        body('<a href="https://a.org" title="one = two">a</a>', "", "    <b onclick='x()'>"),
        6,
        said="onclick=... of <b> is taken out",
    ),
    Case(
        "raw-html",
        body("A `Vec<T>` is a Vec<T>, and a Box<T>."),
        body("A `Vec<T>`, 1 < 2 > 0, a<5, [x](<b c.md>) <me@example.org>"),
        6,
        said="<t> is read as an HTML tag, and taken out; ",
    ),
    Case(
        "raw-html",
        body("<p style='display: none'>a</p>", "", "<p style='background:url(//a)'>a</p>"),
        body("<p style='color: red'>a</p>"),
        6,
        said="a style that hides it of <p> is taken out",
    ),
    Case(
        "shortcode",
        body("", "{{< chart 1 >}}"),
        body('{{< youtube abc >}} `{{< chart 1 >}}` {{</* chart */>}}'),
        7,
    ),
    Case("shortcode", body("{% include a.html %}"), body("{% raw %}{% include %}{% endraw %}"), 6),
    Case("forbidden-character", body("", "a\x08b", "c\x08d"), body("a\tb\u00a0c"), 7),
    Case(
        "forbidden-character",
        ("tags: [a\x0b]",),
        ("tags: [b]",),
        5,
        said="U+000B is dropped; delete it",
    ),
    Case(
        "check-off",
        ("check_off: [no-sumary]",),
        ("check_off: [no-summary]",),
        5,
        said="did you mean 'no-summary'?",
    ),
]  # fmt: skip


def findings(newsroom: Newsroom, rule: str) -> list[dict[str, object]]:
    """What the real command finds by `rule`."""
    ran = newsroom.run("check", "--json")
    assert ran.err == ""
    return [found for found in json.loads(ran.out) if found["rule"] == rule]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_finds_what_is_wrong_and_only_that(newsroom: Newsroom, case: Case) -> None:
    """One article trips it, at the right line, with what to do; the near miss does not."""
    newsroom.configure(case.config + ELSEWHERE)
    for path, data in case.files.items():
        newsroom.write(path, data)
    newsroom.write("content/bad.md", source("Bad", case.bad))
    newsroom.write("content/good.md", source("Good", case.good))
    found = findings(newsroom, case.rule)
    paths = {each["path"] for each in found}
    if case.line == 0:
        assert paths == {"broadsheet.toml"}
    elif case.rule.startswith(("duplicate-", "topic-")):
        # Either of two articles could be the one to mend: it is told at the later.
        assert paths == {"content/good.md"}
    else:
        assert paths == {"content/bad.md"}
        assert min(each["line"] for each in found) == case.line  # type: ignore[type-var]
    for each in found:
        assert each["severity"] == RULES[case.rule].severity
        assert each["what"]
        assert each["todo"]
    assert case.said in " ".join(f"{each['what']}; {each['todo']}" for each in found)


def test_every_rule_is_tested() -> None:
    """A rule without an article that trips it may never find anything."""
    here = Path(__file__).parent
    tests = "".join(path.read_text("utf-8") for path in sorted(here.glob("test_checks_*.py")))
    assert [name for name in RULES if f'"{name}"' not in tests] == []


def test_the_given_article_has_what_it_is_known_for(newsroom: Newsroom) -> None:
    """Its fifth footnote is never referred to, and the text of its fourth's link is another."""
    given = Path(__file__).parent.parent / "seeds" / "2025-06-19-ai-talent-war.md"
    text = given.read_text(encoding="utf-8")
    newsroom.write("content/given.md", text)
    lines = text.split("\n")
    (unused,) = findings(newsroom, "footnote-unused")
    assert "[^5]" in str(unused["what"])
    assert lines[int(str(unused["line"])) - 1].startswith("[^5]:")
    (misleading,) = findings(newsroom, "link-text")
    assert lines[int(str(misleading["line"])) - 1].startswith("[^4]:")
    assert findings(newsroom, "footnote-undefined") == []


def test_a_rule_is_set_in_the_config_and_by_the_article(newsroom: Newsroom) -> None:
    """`[checks.rules]` makes it an error, a warning or nothing; `check_off` spares one article."""
    newsroom.article("a.md", summary="")
    newsroom.article("b.md", summary="", check_off=["no-summary"])
    for setting, code, severities in (
        ("error", 1, ["error"]),
        ("warn", 0, ["warning"]),
        ("off", 0, []),
    ):
        newsroom.configure(f'[checks.rules]\nno-summary = "{setting}"\n')
        found = findings(newsroom, "no-summary")
        assert [each["severity"] for each in found] == severities
        assert {each["path"] for each in found} <= {"content/a.md"}
        assert newsroom.run("check").code == code


def test_a_rule_that_does_not_exist_is_told(newsroom: Newsroom) -> None:
    """In the config it is an error with its line and the nearest rule."""
    newsroom.configure('[checks.rules]\nno-sumary = "off"\n')
    (found,) = findings(newsroom, "config")
    text = (newsroom.folder / "broadsheet.toml").read_text(encoding="utf-8")
    assert "no-sumary" in text.split("\n")[int(str(found["line"])) - 1]
    assert found["path"] == "broadsheet.toml"
    assert found["todo"] == "did you mean 'no-summary'?"


def test_a_digest_that_asks_for_what_nobody_has_is_told(newsroom: Newsroom) -> None:
    """A topic or tag that no article has makes an issue that never comes; an alias is known."""
    newsroom.article("a.md", main_topics=["消息"], tags=["one"])
    newsroom.configure(
        f'{DIGEST}topics = ["Newz", "News", "NEWS"]\n'
        'topic_order = ["消息"]\ntags = ["one", "two"]\n'
        '[topics.aliases]\nNews = ["消息"]\n'
    )
    found = findings(newsroom, "digest-topic")
    assert [each["what"] for each in found] == [
        "digests.weekly: no article has the topic 'Newz'",
        "digests.weekly: no article has the tag 'two'",
    ]


@pytest.mark.parametrize("change", ["text the same", "title the same", "both a little different"])
@pytest.mark.parametrize("formats", ['["json", "atom"]', '["atom"]', '["rss"]'])
def test_an_article_that_lost_its_id_is_told(newsroom: Newsroom, change: str, formats: str) -> None:
    """A renamed file would show up as new; the message says how to keep the id."""
    newsroom.configure(f"[feeds]\nformats = {formats}\n")
    text = "A text of some length, with words of its own. " * 5
    newsroom.article("before.md", f"{text}\n", title="A title")
    newsroom.article("other.md", "Something else altogether, and about as long." * 5)
    newsroom.build()
    assert findings(newsroom, "id-changed") == []
    (newsroom.folder / "content/before.md").unlink()
    title = "A title" if change == "title the same" else "Another"
    text = text if change == "text the same" else text + "And a little more."
    newsroom.article("after.md", f"{text}\n", title=title)
    (found,) = findings(newsroom, "id-changed")
    assert (found["path"], found["severity"]) == ("content/after.md", "error")
    assert found["todo"] == "write `id: https://example.org/posts/before/` to keep it"
    newsroom.article("after.md", f"{text}\n", title=title, id="https://example.org/posts/before/")
    assert findings(newsroom, "id-changed") == []


def test_a_new_article_is_not_an_old_one(newsroom: Newsroom) -> None:
    """An article that goes while another comes is no change of id, nor is a weekly title."""
    newsroom.article("before.md", "What happened in May: nothing much, by all accounts." * 4,
                     title="The week")  # fmt: skip
    newsroom.article("draft.md", "Some text or other.", title="Notes")
    newsroom.build()
    (newsroom.folder / "content/before.md").unlink()
    newsroom.article("after.md", "June was another matter altogether, as we shall see." * 4,
                     title="The week")  # fmt: skip
    newsroom.article("draft.md", "Some text or other.", title="Notes", draft=True)
    assert findings(newsroom, "id-changed") == []


def test_a_feed_that_readers_do_not_take_is_told(newsroom: Newsroom) -> None:
    """Over a megabyte, each feed is named with what to set."""
    newsroom.article("a.md", "A word " * 160_000)
    found = findings(newsroom, "feed-size")
    assert {"feeds/atom.xml", "feeds/rss.xml", "feeds/feed.json"} <= {
        str(each["path"]) for each in found
    }
    newsroom.configure('[feeds]\ncontent = "summary"\n')
    assert findings(newsroom, "feed-size") == []
