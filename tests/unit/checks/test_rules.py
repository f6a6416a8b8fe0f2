"""Each rule of `check` on real articles: what triggers it, at which line, and near misses."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from broadsheet.checks import RULES
from broadsheet.i18n import untranslated
from newsroom import ROOT, TESTS, Newsroom

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
    """Return an article: line 2 is the title, 3 the date, 4 the summary, 5 the first of `lines`."""
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
    """Return an article in which the first of `lines` is line 6 of the file."""
    return ("", *lines)


CASES = [
    Case("unreadable", ("date: soon",), ("date: 2025-06-19",), 3, said="'soon'"),
    Case(
        "visibility",
        ("status: embargo",),
        ("status: draft",),
        5,
        said="unknown visibility `status: embargo`, so the article is left out",
    ),
    Case("visibility", ("hiddenFromFeed: maybe",), ("hiddenFromSearch: true",), 5),
    Case("visibility", ("build:", "  list: perhaps"), ("build:", "  list: never"), 6),
    Case("visibility", ("draftForReview: true",), ("draftForReview: false",), 5),
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
    Case(
        "image-renamed",
        body("![a](a.png)", "![b](a.png)"),
        body("![a](/b.png) ![b](https://a.org/a.png)"),
        6,
        config='[articles]\naddresses = "astro"\n',
        files={"content/a.png": b"x", "static/b.png": b"x"},
        said="(and 1 more)",
    ),
    Case(
        "site-address",
        ("slug: worse",),
        (),
        5,
        files={"_site/index.html": b"", "_site/posts/good/index.html": b"", "_site/bad.html": b""},
        said="in _site it is /bad.html",
    ),
    Case("duplicate-title", ("title: A title",), ("title: A  TITLE",), 2),
    Case("image-missing", ("image: gone.png",), ("image: https://example.org/a.png",), 5),
    Case(
        "image-missing",
        ("image: twice.png",),
        ("image: once.png",),
        5,
        files={f"static/{name}": b"x" for name in ("a/twice.png", "b/twice.png", "a/once.png")},
    ),
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
        said="holds no file, so one image cannot be checked",
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
        body("", "[core:12](core:12)"),
        body("<https://a.org> [a](irc://a.org/b) [c](webcal://a.org/c.ics)"),
        7,
        said="the URL core:... of a link is removed",
    ),
    Case("link-scheme", body("![a](ftp://a.org/a.png)"), body("[a](ftp://a.org/a.png)"), 6),
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
    Case(
        "raw-html",
        body("", "a", "<iframe></iframe>"),
        body("<iframe src='https://a.org'></iframe>"),
        8,
    ),
    Case(
        "raw-html",
        body("<chart-view src='a.csv'></chart-view>"),
        body("<{{ a }}> <my-note>A <b>b</b></my-note> _\\<canvas\\>_", "<style>p{}</style>"),
        6,
    ),
    Case(
        "raw-html",
        body("<div id=c></div><script src=https://a.org/chart.js></script>"),
        body("<blockquote>A</blockquote>", "<script async src=https://a.org/w.js></script>"),
        6,
    ),
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
        said="<T> is read as an HTML tag, and taken out; ",
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
    Case(
        "footnote-undefined",
        body("正文。[^注]", "", "[^注]：全角冒号"),
        body("Text.[^注]", "", "[^注]: 半角冒号", "", "| [^注] | b |"),
        6,
        said="on line 8 write a plain colon (:) in the place of the full-width one",
    ),
    Case(
        "footnote-undefined",
        body("Text.[^Note]", "", "[^note]: x"),
        body("Text.[^n]", "", "- a", "", "  [^n]: x"),
        6,
        said="line 8 defines [^note]: write both alike",
    ),
    Case(
        "footnote-twice",
        body("Text.[^1]", "", "[^1]: one", "", "[^1]: two"),
        body("Text.[^1][^1]", "", "[^1]: one", "", "```", "[^1]: two", "```"),
        10,
        said="the footnote [^1] is defined on line 8 too",
    ),
    Case(
        "broken-link",
        body('<video src="gone.mp4"></video>', "[a]({{< ref `gone.md` >}})", "[b]()"),
        body(
            '<video src="here.mp4"></video>',
            "[a]({{< ref `bad.md` >}}) [b](#)",
            "[c]({{< gone >}})",
        ),
        6,
        files={"content/here.mp4": b"x"},
        said="the link 'b' has no address; write one",
    ),
    Case(
        "broken-link",
        body("[a](Good.md)", "[b](/files/Paper.PDF)"),
        body("[a](bad.md)", "[b](/files/paper.pdf)"),
        6,
        files={"static/files/paper.pdf": b"x"},
        said="did you mean static/files/paper.pdf?",
    ),
    Case(
        "body-image-missing",
        body("", '{{< figure src="/images/gone.png" alt="a" >}}'),
        body('{{< figure src="/images/a.png" alt="a" >}}', '`{{< figure src="/gone.png" >}}`'),
        7,
        files={"static/images/a.png": b"x"},
    ),
    Case(
        "body-image-missing",
        body("![a](/images/A.PNG)"),
        body("![a](/images/a.png)"),
        6,
        files={"static/images/a.png": b"x"},
        said="did you mean static/images/a.png?",
    ),
    Case(
        "link-anchor",
        body("# The `Foo` trait & more", "", "[a](#the-foo-trait)", "[b](good.md#gone)"),
        body(
            *("## The `Foo` [trait](bad.md) & _more_ #", "", "1\\. Setext", "=========", ""),
            *("### Again", "### Again", "### Named {#other}", '<a id="html"></a>', "## Crab (🦀)"),
            "[a](#the-foo-trait--more) [b](#the-foo-trait-and-more-1) [c](#setext) [d](#1-setext)",
            "[e](#again-1) [f](#other) [g](#html) [h](#) [i](#top) [j](#fn:1) [k](#crab-crab)",
            "[l](#THE-FOO-TRAIT-MORE) [m](https://example.com/#x) [n](bad.md#the-foo-trait-more)",
            "`[o](#gone)` [p](good.md#again)",
        ),
        8,
        said="did you mean the heading 'The Foo trait & more'?",
    ),
    Case(
        "link-anchor",
        body("## 第一章", "", "[a](#第二节)", "[b](/posts/good/#没有)"),
        body("## 中文 标题", "", "[a](#中文-标题) [b](#%E4%B8%AD%E6%96%87-%E6%A0%87%E9%A2%98)",
             "[c](#zhong-wen-biao-ti) [d](#section-1) [e](/posts/bad/#第一章)"),
        8,
        said="no heading or id of content/good.md gives #没有",
    ),
    Case(
        "link-anchor",
        body("[a](#gone)"),
        body("[a](#gone)", "", "{{< chart >}}"),
        6,
    ),
    Case(
        "invisible-character",
        ("title: A\u200bB",),
        ("title: 👩\u200d💻 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈",),
        2,
        said="U+200B ZERO WIDTH SPACE",
    ),
    Case(
        "invisible-character",
        ("summary: a\u202eb",),
        ("summary: می\u200cخواهم שלום\u200f",),
        4,
    ),
    Case(
        "invisible-character",
        ("tags: [a, b\u00adc]",),
        ("title: Donau\u00addampf", "tags: [ไทย\u200bดี]"),
        5,
    ),
    Case(
        "invisible-character",
        ("main_topics: [A\U000e0041I]",),
        ("main_topics: [🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f]",),
        5,
        said="U+E0041 TAG LATIN CAPITAL LETTER A",
    ),
    Case("invisible-character", ("slug: a\u2060b",), ("slug: a-b",), 5, said="its address has"),
    Case(
        "many-topics",
        (f"tags: [{', '.join(f't{n}' for n in range(51))}]",),
        (f"tags: [{', '.join(f't{n}' for n in range(50))}]",),
        5,
        said="it has 51 tags",
    ),
    Case(
        "link-text",
        body(
            *("[https://a.org](https://b.org)", "[a.org/x](https://b.org/x)"),
            *("[me@a.org](mailto:y@a.org)", '<a href="https://b.org">https://a.org</a>'),
        ),
        body(
            "[https://例子.org/](https://xn--fsqu00a.org/)",
            "[https://a.org:443/x](https://a.org/x) [a.org/x](https://a.org/x/)",
            "[Node.js/Express](https://a.org) [me@a.org](mailto:Me@a.org?subject=x)",
            "[me@a.org](https://a.org/contact) <a href='https://a.org'>https://a.org</a>",
            r"[https://a.org/b\_c](https://a.org/b_c)",
        ),
        6,
        said="says me@a.org but it leads to mailto:y@a.org",
    ),
    Case(
        "link-undefined",
        body("[the text][nowhere]"),
        body("![[embed.png]] [sic] [a] [b](https://a.org)"),
        6,
    ),
    Case(
        "link-undefined",
        body("", "看[这里]（https://a.org/x）。"),
        body("看[这里](https://a.org/x)（见 https://a.org）。", "", "`[这里]（https://a.org/x）`"),
        7,
        said="write (https://a.org/x)",
    ),
    Case(
        "raw-html",
        body('<svg viewBox="0 0 1 1"><g><path d="M0"/></g></svg>'),
        body("$a$"),
        6,
        said="<svg> is taken out",
    ),
    Case(
        "footnote-undefined",
        body("Text.[^x]"),
        body("A class of characters: [^ ]."),
        6,
    ),
    Case(
        "raw-html",
        body("List<String> <Tag/>"),
        body("`List<String>`"),
        6,
        said="write it as code: `<String>`",
    ),
]  # fmt: skip


def findings(newsroom: Newsroom, rule: str) -> list[dict[str, object]]:
    """Return what the real command finds by `rule`."""
    ran = newsroom.run("check", "--json")
    assert ran.err == ""
    return [found for found in json.loads(ran.out) if found["rule"] == rule]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
@pytest.mark.parametrize("markdown", ["commonmark", "python-markdown"])
def test_a_rule_finds_the_bad_article_only(newsroom: Newsroom, case: Case, markdown: str) -> None:
    """One article triggers it, at the right line, with what to do; the near miss does not."""
    newsroom.configure(_with_dialect(case.config, markdown) + ELSEWHERE)
    for path, data in case.files.items():
        newsroom.write(path, data)
    newsroom.write("content/bad.md", source("Bad", case.bad))
    newsroom.write("content/good.md", source("Good", case.good))
    found = findings(newsroom, case.rule)
    paths = {each["path"] for each in found}
    if case.line == 0:
        assert paths == {"broadsheet.toml"}
    elif case.rule.startswith(("duplicate-", "topic-")):
        # Either of two articles could be wrong: the later one is reported.
        assert paths == {"content/good.md"}
    else:
        assert paths == {"content/bad.md"}
        assert min(each["line"] for each in found) == case.line  # type: ignore[type-var]
    for each in found:
        assert each["severity"] == RULES[case.rule].severity
        assert each["what"]
        assert each["todo"]
    assert case.said in " ".join(f"{each['what']}; {each['todo']}" for each in found)


def test_an_issue_that_would_be_refused_is_reported(newsroom: Newsroom) -> None:
    """At the digest's table; more in tests/cli/test_digest_guards.py."""
    newsroom.configure(DIGEST)
    newsroom.article("a.md", date="2025-06-20")
    assert newsroom.run("digest", now="2025-06-23T09:00:00+08:00").code == 0
    for number in range(2):
        newsroom.article(f"late{number}.md", f"Late {number}.", date="2025-06-18")
    found = json.loads(newsroom.run("check", "--json").out)
    (refused,) = [each for each in found if each["rule"] == "refused-issue"]
    assert (refused["severity"], refused["path"], refused["line"]) == (
        "error",
        "broadsheet.toml",
        9,
    )
    newsroom.configure('\n[checks.rules]\nrefused-issue = "off"\n' + DIGEST)
    assert "refused" not in newsroom.run("check").out


def _with_dialect(config: str, markdown: str) -> str:
    """Return `config` with `articles.markdown`, in its table if that exists already."""
    given = f'[articles]\nmarkdown = "{markdown}"\n'
    return config.replace("[articles]\n", given) if "[articles]" in config else given + config


def test_every_rule_is_tested() -> None:
    """A rule without an article that triggers it may never find anything."""
    here = TESTS
    tests = "".join(path.read_text("utf-8") for path in sorted(here.rglob("test_*.py")))
    assert [name for name in RULES if f'"{name}"' not in tests] == []


def test_the_sample_article_has_its_known_problems(newsroom: Newsroom) -> None:
    """Its fifth footnote is never referred to, and its fourth link has another text."""
    given = ROOT / "seeds" / "2025-06-19-ai-talent-war.md"
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
    """`[checks.rules]` makes it an error, a warning or nothing; `check_off` exempts one article."""
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


@pytest.mark.parametrize(
    ("head", "severity"),
    [
        ("---\n{}checks: {{no-summary: error}}\n---\n", "error"),
        ("---\n{}checks:\n  no-summary: warn\n---\n", "warning"),
        ("---\n{}checks:\n  no-summary: off\n  link-text: error\n---\n", ""),
        ("---\n{}check_off: no-summary, link-text\n---\n", ""),
        ("---\n{}check_off: [no-summary]\nchecks: {{no-summary: warning}}\n---\n", "warning"),
        ('+++\ntitle = "A"\ndate = 2025-06-19\n[checks]\nno-summary = "error"\n+++\n', "error"),
        ('+++\ntitle = "A"\ndate = 2025-06-19\nchecks = {{no-summary = false}}\n+++\n', ""),
        ('{{"title": "A", "date": "2025-06-19", "checks": {{"no-summary": "error"}}}}\n', "error"),
    ],
)
@pytest.mark.parametrize("config", ["error", "warn", "off"])
def test_an_article_overrides_the_config(
    newsroom: Newsroom, head: str, severity: str, config: str
) -> None:
    """In each format of front matter; other articles follow the config."""
    newsroom.configure(f'[checks.rules]\nno-summary = "{config}"\n')
    newsroom.write("content/a.md", head.format("title: A\ndate: 2025-06-19\n") + "\nText.\n")
    newsroom.article("b.md")
    found = {each["path"]: each["severity"] for each in findings(newsroom, "no-summary")}
    general = {"error": "error", "warn": "warning", "off": ""}[config]
    wanted = {"content/a.md": severity, "content/b.md": general}
    assert found == {path: each for path, each in wanted.items() if each}


def test_an_unknown_severity_is_reported(newsroom: Newsroom) -> None:
    """At its line, with the valid ones; the rule keeps the severity of the config."""
    newsroom.article("a.md", checks={"no-summary": "loud", "zzz": "off"})
    said = [(each["line"], each["what"], each["todo"]) for each in findings(newsroom, "check-off")]
    assert said == [
        (4, "'loud' is not a severity of 'no-summary'", "write error, warn, off"),
        (4, "unknown rule 'zzz'", "docs/checks.md lists the rules"),
    ]
    assert [each["severity"] for each in findings(newsroom, "no-summary")] == ["warning"]


def test_the_line_of_a_field_is_its_own(newsroom: Newsroom) -> None:
    """The name may also occur within another field, further up."""
    head = "---\nauthor:\n  name: A\n  image: a.png\ntitle: T\ndate: 2025-06-19\nimage: b.png\n"
    newsroom.write("content/a.md", f"{head}---\n")
    (found,) = findings(newsroom, "image-missing")
    assert (found["line"], found["what"]) == (7, "the image 'b.png' is not on disk")


def test_an_unknown_rule_is_reported(newsroom: Newsroom) -> None:
    """In the config it is an error with its line and the closest rule."""
    newsroom.configure('[checks.rules]\nno-sumary = "off"\n')
    (found,) = findings(newsroom, "config")
    text = (newsroom.folder / "broadsheet.toml").read_text(encoding="utf-8")
    assert "no-sumary" in text.split("\n")[int(str(found["line"])) - 1]
    assert found["path"] == "broadsheet.toml"
    assert found["todo"] == "did you mean 'no-summary'?"


def test_a_selection_of_what_nobody_has_is_told(newsroom: Newsroom) -> None:
    """A topic, tag, author or language that no article has; aliases and varieties are known."""
    newsroom.article("a.md", main_topics=["消息"], tags=["one"], author="Ann Lee", lang="en-GB")
    newsroom.configure(
        f'{DIGEST}topics = ["Newz", "News", "NEWS"]\n'
        'topic_order = ["消息"]\ntags = ["one", "two"]\n'
        '[topics.aliases]\nNews = ["消息"]\n'
        '[feeds.main]\nlanguages = ["en", "fr"]\n[feeds.ann]\nauthors = ["ann lee", "Ann Lea"]\n'
    )
    found = findings(newsroom, "selection")
    assert [(each["key"], each["what"]) for each in found] == [
        ("digests.weekly", "no article has the topic 'Newz'"),
        ("digests.weekly", "no article has the tag 'two'"),
        ("feeds.main", "no article has the language 'fr'"),
        ("feeds.ann", "no article has the author 'Ann Lea'"),
    ]
    assert found[-1]["todo"] == "did you mean 'Ann Lee'?"


def test_a_language_without_texts_is_reported(newsroom: Newsroom) -> None:
    """Of the publication and of each digest; a region of a known language is known."""
    newsroom.configure(
        f'{DIGEST}language = "sv"\n[digests.local]\ntitle = "Lokal"\n'
        'schedule = "0 8 * * MON"\nlanguage = "de-AT"\n[digests.other]\ntitle = "Muu"\n'
        'schedule = "0 8 * * MON"\nlanguage = "fi"\n[publication.texts.fi]\nFeeds = "Syötteet"\n'
    )
    found = findings(newsroom, "no-translation")
    assert {each["key"]: each["what"] for each in found} == {
        "digests.weekly.language": (
            "Broadsheet has no texts in 'sv', so those around articles are English"
        ),
        "digests.other.language": (
            f"{len(untranslated({})) - 1} texts without a translation into 'fi', such as "
            "'View in browser'"
        ),
    }


@pytest.mark.parametrize("change", ["text the same", "title the same", "both a little different"])
@pytest.mark.parametrize("formats", ['["json", "atom"]', '["atom"]', '["rss"]'])
def test_an_article_that_lost_its_id_is_reported(
    newsroom: Newsroom, change: str, formats: str
) -> None:
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


def test_replacing_an_article_is_not_a_changed_id(newsroom: Newsroom) -> None:
    """If one article goes and another comes, no id has changed, even if their titles follow a
    pattern."""
    newsroom.article("before.md", "What happened in May: nothing much, by all accounts." * 4,
                     title="The week")  # fmt: skip
    newsroom.article("draft.md", "Some text or other.", title="Notes")
    newsroom.build()
    (newsroom.folder / "content/before.md").unlink()
    newsroom.article("after.md", "June was another matter altogether, as we shall see." * 4,
                     title="The week")  # fmt: skip
    newsroom.article("draft.md", "Some text or other.", title="Notes", draft=True)
    assert findings(newsroom, "id-changed") == []


@pytest.mark.parametrize("length", [900_000, 997_000, 999_400, 999_990, 1_200_000])
def test_a_feed_that_is_too_large_is_reported(newsroom: Newsroom, length: int) -> None:
    """Each feed over a megabyte is named, whether it has to be made to know its length or not."""
    newsroom.article("a.md", "A word " * (length // 14))
    newsroom.article("b.md", "A word " * (length // 14))
    sizes = {f"feeds/{path}": len(data) for path, data in newsroom.build().items()}
    feeds = ("atom.xml", "rss.xml", "feed.json")
    large = {path for path in sizes if path.endswith(feeds) and sizes[path] > 1_000_000}
    found = {str(each["path"]): str(each["what"]) for each in findings(newsroom, "feed-size")}
    assert found.keys() == large
    for path, what in found.items():
        assert float(what.split()[-2]) <= round(sizes[path] / 1e6, 1)
    newsroom.configure('[feeds]\ncontent = "summary"\n')
    assert findings(newsroom, "feed-size") == []


def test_a_drawing_is_reported_once(newsroom: Newsroom) -> None:
    """The parts of a drawing or formula are removed with it, and not reported separately."""
    newsroom.article("a.md", "<svg><g><path/></g></svg>\n<math><mi>x</mi></math>\n")
    told = [str(each["what"]) for each in findings(newsroom, "raw-html")]
    assert told == ["<svg> is taken out", "<math> is taken out"]


def test_a_draft_needs_no_date(newsroom: Newsroom) -> None:
    """It gets one when it is published."""
    newsroom.article("a.md", summary="s")
    newsroom.write("content/b.md", "---\ntitle: B\ndraft: true\n---\n")
    newsroom.write("content/c.md", "---\ntitle: C\ndraft: false\n---\n")
    assert [each["path"] for each in findings(newsroom, "no-date")] == ["content/c.md"]


def test_suggested_names_share_more_than_the_suffix(newsroom: Newsroom) -> None:
    """Two short names that share `.md` are not alike; a bundle is compared by its folder."""
    newsroom.article("zone4.md", "[a](gone.md) [b](long-hike.md)\n")
    newsroom.article("a-long-hike/index.md")
    told = [str(each["todo"]) for each in findings(newsroom, "broken-link")]
    assert told == ["fix or remove the link", "did you mean content/a-long-hike/index.md?"]


def test_a_link_to_a_page_is_not_dead(newsroom: Newsroom) -> None:
    """The file exists, but is not an article: a warning that says so, and no error."""
    newsroom.write("content/about.md", "---\ntitle: About\n---\n")
    newsroom.article("a.md", "[x](about.md) [y](@/about.md) [z](gone.md)\n")
    assert [each["severity"] for each in findings(newsroom, "broken-link")] == ["error"]
    html = newsroom.build()["feed.json"].decode()
    assert html.count('href=\\"https://example.org/posts/about/\\"') == 2
    newsroom.configure('[articles]\npermalink = "/{year}/{slug}/"\n')
    found = [(each["severity"], each["what"]) for each in findings(newsroom, "broken-link")]
    assert found[0] == ("error", "no article is at 'gone.md'")
    assert [severity for severity, _ in found] == ["error", "warning", "warning"]
    assert all("is a page without a date" in str(what) for _, what in found[1:])


def test_missing_dates_are_reported_among_articles_only(newsroom: Newsroom) -> None:
    """Among articles a missing date is a mistake; in a folder of pages it is normal."""
    page = "---\ntitle: A page\n---\n"
    newsroom.article("posts/2024/a.md", summary="s")
    for path in ("posts/2025/b.md", "posts/c/index.md", "about.md", "docs/d.md", "docs/e.md"):
        newsroom.write(f"content/{path}", page)
    newsroom.article("posts/f.md", summary="s")
    newsroom.write("content/posts/g.md", page.replace("---\n", "---\ncheck_off: no-date\n", 1))
    paths = [each["path"] for each in findings(newsroom, "no-date")]
    assert paths == ["content/posts/2025/b.md", "content/posts/c/index.md"]


def test_a_site_without_articles_has_one_finding(newsroom: Newsroom) -> None:
    """If no file has a date, the config may name the wrong folder."""
    for number in range(5):
        newsroom.write(f"content/{number}.md", "---\ntitle: A page\n---\n")
    newsroom.configure('[articles]\n# folders: a comment\nfolders = ["content"]\n')
    (found,) = findings(newsroom, "no-date")
    assert (found["path"], found["what"]) == (
        "broadsheet.toml",
        "none of 5 files has a date, so there are no articles",
    )
    text = (newsroom.folder / "broadsheet.toml").read_text(encoding="utf-8").split("\n")
    assert text[int(str(found["line"])) - 1] == 'folders = ["content"]'


def test_a_site_without_summaries_has_one_finding(newsroom: Newsroom) -> None:
    """A list of many articles would not be read; a few are named."""
    for number in range(51):
        newsroom.article(f"{number}.md")
    (found,) = findings(newsroom, "no-summary")
    assert found["what"] == "51 of 51 articles have no summary"
    newsroom.article("50.md", summary="In short.")
    assert len(findings(newsroom, "no-summary")) == 50


def test_the_spelling_that_the_config_has_is_the_right_one(newsroom: Newsroom) -> None:
    """Even if an older article has another spelling; without a configured one, the oldest is
    suggested."""
    newsroom.article("old.md", date="2020-01-01", main_topics=["ＡＩ"])
    newsroom.article("new.md", main_topics=["AI"])
    (found,) = findings(newsroom, "topic-spelling")
    assert (found["path"], found["what"]) == (
        "content/new.md",
        "the topic 'AI' is written 'ＡＩ' in content/old.md",
    )
    newsroom.configure('[topics]\nknown = ["AI"]\n')
    (found,) = findings(newsroom, "topic-spelling")
    assert (found["path"], found["what"]) == (
        "content/old.md",
        "the topic 'ＡＩ' is written 'AI' in the config",
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("head", "field_line"),
    [
        ("---\ntitle: A\ndate: 2025-06-19\nimage: gone.png\n---\n", 4),
        ('+++\ntitle = "A"\ndate = 2025-06-19\nimage = "gone.png"\n+++\n', 4),
        ('{\n"title": "A",\n"date": "2025-06-19",\n"image": "gone.png"\n}\n', 4),
    ],
)
def test_lines_are_right_in_every_file_format(
    newsroom: Newsroom, head: str, field_line: int, mark: str, end: str
) -> None:
    """With any line end, with a byte-order mark, and in each format of front matter."""
    text = f"{mark}{head}\nText.\n\n[x](gone.md)\n".replace("\n", end)
    newsroom.write("content/a.md", text.encode())
    (image,) = findings(newsroom, "image-missing")
    (link,) = findings(newsroom, "broken-link")
    assert (image["line"], link["line"]) == (field_line, head.count("\n") + 4)


def test_a_feed_that_would_end_is_announced(newsroom: Newsroom) -> None:
    """At the feed, with the reason, the consequence and a remedy, until it has happened."""
    newsroom.article("a.md", categories=["AI"])
    newsroom.build()
    assert findings(newsroom, "feed-ends") == []
    newsroom.article("a.md", categories=["Machines"])
    (found,) = findings(newsroom, "feed-ends")
    assert found["path"] == "feeds/topics/ai/"
    assert found["severity"] == "warning"
    assert "no article has its topic" in str(found["what"])
    assert "for 90 days" in str(found["todo"])
    assert "feeds/topics/machines/atom.xml" in str(found["todo"])
    newsroom.build()
    assert findings(newsroom, "feed-ends") == []


@pytest.mark.parametrize(
    "link",
    [
        "[pic.twitter.com/x](https://t.co/y)",
        "[https://a.org](https://a.org/index.html)",
        "[a.org/b](https://a.org/c)",
        "[https://a.org/b](https://web.archive.org/web/2021/https://a.org/b)",
        "[example.org/b](/b/c/)",
        "[https://a.org/b–c](https://a.org/b-c)",
        "[x](other.md#comment-5) [x](other.md#disqus_thread)",
    ],
)
def test_what_is_right_on_real_sites_is_not_told(newsroom: Newsroom, link: str) -> None:
    """Short forms of addresses, archives, Twitter's own links, and comments that a script loads."""
    newsroom.article("other.md")
    newsroom.article("a.md", f"{link}\n")
    assert findings(newsroom, "link-text") == findings(newsroom, "link-anchor") == []


@pytest.mark.parametrize("tag", ['{{<relref "b" >}}', "{{<  x>}}", '{{<fig src="a">}}'])
def test_a_shortcode_is_no_html(newsroom: Newsroom, tag: str) -> None:
    """With or without a space after its opening."""
    newsroom.configure('[articles]\nmarkdown = "hugo"\n')
    newsroom.article("a.md", f"[x]({tag})\n\n{tag}\n")
    assert findings(newsroom, "raw-html") == []


def test_a_spelling_is_told_once(newsroom: Newsroom) -> None:
    """With the number of articles that have it."""
    for day, tags in enumerate((["Hugo"], ["hugo"], ["HUGO", "hugo"], ["Hugo"]), 1):
        newsroom.article(f"{day}.md", date=f"2025-06-0{day}", tags=tags)
    told = [str(each["what"]) for each in findings(newsroom, "tag-spelling")]
    assert "the tag 'hugo', here and in 1 more article, is written 'Hugo' in content/1.md" in told
    assert "the tag 'HUGO' is written 'Hugo' in content/1.md" in told


@pytest.mark.parametrize("file", ["_redirects", "static/_redirects", "public/_redirects"])
def test_what_the_host_redirects_is_not_missing(newsroom: Newsroom, file: str) -> None:
    """Neither an article, nor a file, nor an image; other paths are."""
    newsroom.write(file, "/img/* https://cdn.example/:splat 200\n/posts/old /posts/new\n")
    newsroom.write("static/x.png", b"x")
    newsroom.article("a.md", "![a](/img/a.png) ![b](/image/b.png)\n[c](/img/c.pdf) [d](/d.pdf)\n")
    newsroom.article("b.md", "[old](/posts/old) [other](/posts/older/)\n")
    told = [
        str(each["what"])
        for rule in ("body-image-missing", "broken-link", "link-nowhere")
        for each in findings(newsroom, rule)
    ]
    assert told == [
        "the image '/image/b.png' is not on disk",
        "the file '/d.pdf' is not on disk",
        "no article has the address /posts/older/",
    ]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("_includes/footer.njk", "<div id='theme' class='x'>"),
        ("layouts/partials/a.html", "<nav\n  id = theme>"),
        ("src/components/A.astro", '<Toggle x={1} id="theme" />'),
        ("themes/ours/templates/page.html", '<a id="theme">'),
        ("_includes/a.njk", '<li id="the{{ name | slug }}">'),
        ("src/components/B.jsx", "<p id={`the${name}`}>"),
    ],
)
def test_a_link_may_lead_to_an_element_of_a_template(
    newsroom: Newsroom, template: str, text: str
) -> None:
    """Which is on every page; other fragments lead nowhere."""
    newsroom.write(template, text)
    newsroom.write("notes/page.html", '<p id="other">')
    newsroom.article("a.md", "[a](#theme) [b](#th) [c](#other)\n")
    told = [str(each["what"]) for each in findings(newsroom, "link-anchor")]
    assert told == [
        "no heading or id of this article gives #other",
        "no heading or id of this article gives #th",
    ]


@pytest.mark.parametrize(
    "text", ["A path (`/a`): '[^/]+' or [^\\s]*", 'Names: [^"], [^,;]', "## Keyword ${{ if else }}"]
)
def test_patterns_and_expressions_are_no_markdown(newsroom: Newsroom, text: str) -> None:
    """Regular expressions are no footnotes, and those of GitHub Actions no template tags."""
    newsroom.configure('[articles]\nmarkdown = "mkdocs"\n')
    newsroom.article("a.md", f"{text}\n\nA real one[^gone] and {{{{ tag }}}}.\n")
    told = [
        str(each["what"])
        for rule in ("footnote-undefined", "markdown-left")
        for each in findings(newsroom, rule)
    ]
    assert told[0] == "the footnote [^gone] is not defined"
    assert [each for each in told[1:] if "here and on" in each or "template" not in each] == []


@pytest.mark.parametrize(
    "name", ["posts/2019/old.ipynb", "posts/x.ipynb", "posts/old.rst", "posts/2025-01-01-old.org"]
)
def test_a_link_may_lead_to_a_text_that_is_not_read(newsroom: Newsroom, name: str) -> None:
    """Its address is not known, so its name is enough."""
    newsroom.write(name, '{"cells": [], "metadata": {"nikola": {"slug": "old"}}}')
    newsroom.article("a.md", "[a](/posts/old/) [b](/posts/older/)\n")
    (told,) = findings(newsroom, "link-nowhere")
    assert "/posts/older/" in str(told["what"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[log][loc=9DE4008][size=1246]", []),
        ("[FREE][address=9DE4008]", []),
        ("[text][label]", ["the label [label] of a link is not defined"]),
        ('<p><a href="{{ url }}">x</a></p>', []),
        ("[x]({{ url }})", []),
        ('<p><a href="{{ canonical }}">{{ canonical }}</a></p>', []),
        ('<p><a href="">x</a></p>', ["the link 'x' has no address"]),
        ("[x]()", ["the link 'x' has no address"]),
    ],
)
def test_brackets_and_templates_are_no_broken_links(
    newsroom: Newsroom, text: str, told: list[str]
) -> None:
    """Three pairs of brackets are no link, and the address of a template is not known."""
    newsroom.article("a.md", f"{text}\n")
    found = [*findings(newsroom, "link-undefined"), *findings(newsroom, "broken-link")]
    assert [each["what"] for each in found] == told
