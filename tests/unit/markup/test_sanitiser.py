"""HTML that is safe for any reader: nothing in it runs, loads unseen, or is a dead link."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, render
from broadsheet.markup.sanitiser import ALLOWED, DEEPEST, SCHEMES, TAGS
from safe_html import COMMONMARK, assert_harmless, parsed, sanitise

SITE = "https://example.org/"
LINKS = Links(LinkIndex(SITE), "a.md", "https://example.org/a/")
ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<<script>script>alert(1)<</script>/script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x ONERROR = alert(1) //",
    "<svg/onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table>",
    "<a href='javascript:alert(1)'>a</a>",
    "<a href=' &#1;javascript:alert(1)'>a</a>",
    "<a href='java&#10;script:alert(1)'>a</a>",
    "<a href='&#106;avascript&colon;alert(1)'>a</a>",
    "<a href='vbscript:x'>a</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<img srcset='javascript:alert(1) 1x, data:text/html,x 2x'>",
    "<video poster='javascript:alert(1)' src='data:text/html,x' autoplay></video>",
    "<blockquote cite='javascript:alert(1)'>a</blockquote>",
    "<td style='background:url(javascript:alert(1))'>a</td>",
    "<table><tr><td style='text-align:left;background:url(//evil.example)'>a</td></tr></table>",
    "<p style='position:fixed'>a</p>",
    "<style>@import '//evil.example';</style>",
    "<link rel=stylesheet href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<form action=//evil.example><input name=a><button formaction=javascript:x>b</button></form>",
    "<object data=//evil.example><param name=a value=javascript:x></object>",
    "<embed src=//evil.example>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src='javascript:alert(1)'>a</iframe>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<details open ontoggle=alert(1)>a</details>",
    "<a id=x name=y class=z target=_top ping=//evil.example href=/b>a</a>",
    "[a](javascript:alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "![a](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[a](x "onmouseover=alert(1)")',
    '![x" onerror="alert(1)](y)',
    '{{< figure src="x\\" onerror=\\"alert(1)" >}}',
    '{{< youtube "><script>alert(1)</script>" >}}',
]
MUTATIONS = [
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img onerror=a()&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=a()>",
    "<svg></p><style><a id='</style><img src=1 onerror=a()>'>",
    "<svg><p><style><a title='</style><img src onerror=a()>'></style></p></svg>",
    "<math><annotation-xml encoding='text/html'><style><img src=x onerror=a()></style>",
    "<math><mi><table><mglyph><style><math><img src onerror=a()></style></table>",
    "<svg><desc><table><svg><title><style><img src=x onerror=a()>",
    "<svg><foreignobject><math><mi><p><style><img src=x onerror=a()></style>",
    "<noscript><style></noscript><img src=x onerror=a()>",
    "<noembed><p title='</noembed><img src=x onerror=a()>'>",
    "<noframes><p title='</noframes><img src=x onerror=a()>'>",
    "<xmp><p title='</xmp><img src=x onerror=a()>'>",
    "<iframe><p title='</iframe><img src=x onerror=a()>'>",
    "<title><p title='</title><img src=x onerror=a()>'>",
    "<textarea><p title='</textarea><img src=x onerror=a()>'>",
    "<template><p title='</template><img src=x onerror=a()>'>",
    "<select><template><style><img src=x onerror=a()></style></template></select>",
    "<select><iframe></select><img src=x onerror=a()>",
    "<plaintext><p title='</plaintext><img src=x onerror=a()>'>",
    "<listing>\n<img src=x onerror=a()></listing>",
    "<a href='&quot; onclick=a() x=&quot;'><p title='`><img src=x onerror=a()>`'>",
    '<p title="a&lt;img src=x onerror=a()&gt;"><b title=\'"><img src=x onerror=a()>\'>',
    "<p \"x=1 <y=2 'z onclick=a()>b<p/onclick=a()><p/ /onclick=a() /a=b>",
    "<a href=x href=javascript:a() HREF=javascript:a()>b",
    "<svg><a xlink:href=javascript:a() href=x>b<p>c</a>",
    "<!--a--!><img src=x onerror=a()>--><!-><img src=x onerror=a()>-->",
    "<!doctype a '><img src=x onerror=a()>'><?a ><img src=x onerror=a()>?></ b ><img src=x>",
    "<table><caption><svg><style><table><img src=x onerror=a()></style>",
    "<table><colgroup><a href=x><td><a href=y>b<table><a href=z>c",
    "<p><table><p><table><p><a><table><a><p><form><p>",
    "<frameset><frame src=javascript:a()></frameset><body onload=a()><html onload=a()>",
    "<image src=x onerror=a()><isindex action=javascript:a()><keygen onfocus=a()>",
    "<script><!--<script></script><img src=x onerror=a()>--></script>",
    "<style><!--</style><img src=x onerror=a()>--></style>",
    "<\x00img src=x onerror=a()><img src\x0c=x\x0conerror=a()><img/src=x/onerror=a()>",
    "\u212a<\u017fcript>a()</\u017fcript><IMG SRC=x ONERROR=a()>",
]


def identity(address: str) -> str:
    return address


def anywhere(_: str) -> str:
    return SITE + "x"


def deepest(html: str) -> int:
    """Return the greatest nesting depth of tags, all of which are closed."""
    depth = most = 0
    for tag in re.findall(r"<(/?)\w", html):
        depth += -1 if tag else 1
        most = max(most, depth)
    assert depth == 0
    return most


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_gets_through(attack: str) -> None:
    """However it is written, nothing is left that runs, sends, or is not a web URL."""
    html = render(f"before\n\n{attack}\n\nafter", LINKS, COMMONMARK).html
    assert_harmless(html)
    assert "before" in html
    assert_harmless(render(f"within {attack} a line", LINKS, COMMONMARK).html)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="x">a</a>', '<a href="@x">a</a>'),
        ('<img src="x">', '<img src="@x">'),
        ('<img srcset="a.png 1x, b.png 2x">', '<img srcset="@a.png 1x, @b.png 2x">'),
        ('<video src="x" poster="y"></video>', '<video src="@x" poster="@y"></video>'),
        ('<q cite="x">a</q>', '<q cite="@x">a</q>'),
        ('<del cite="x">a</del>', '<del cite="@x">a</del>'),
    ],
)
def test_every_kind_of_address_is_resolved(html: str, expected: str) -> None:
    """href, src, srcset, poster and cite are all made absolute."""
    assert sanitise(html, lambda address: SITE + address) == expected.replace("@", SITE)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<iframe src="https://v.example/1"></iframe>', "https://v.example/1</a></p>"),
        ('<iframe title="T" src="https://v.example/1"></iframe>', ">T</a></p>"),
        ('a <iframe src="https://v.example/1">b</iframe>', 'a <a href="https://v.example/1">'),
        ("<input type=checkbox checked disabled> a", "☑ a"),
        ('<input type="checkbox"> a', "☐ a"),
        ("<noscript><img src=https://i.example/x></noscript>", '<img src="https://i.example/x">'),
        ("<object><p>a</p></object>", "<p>a</p>"),
    ],
)
def test_unsupported_elements_have_a_fallback(html: str, expected: str) -> None:
    """A frame becomes a link to it, a check box a character, and fallback content is shown."""
    assert expected in sanitise(html, identity)


def test_a_data_url_image_stays() -> None:
    """It loads nothing, and without it the picture would be lost; an SVG may contain scripts."""
    pixel = "data:image/png;base64,iVBORw0KGgo="
    assert render(f"![p]({pixel})", LINKS, COMMONMARK).html == f'<p><img src="{pixel}" alt="p"></p>'
    assert "data:" not in render("![p](data:image/svg+xml;base64,PHN2Zz4=)", LINKS, COMMONMARK).html
    assert "data:" not in render(f"[p]({pixel})", LINKS, COMMONMARK).html


def test_text_markup_stays() -> None:
    """Ruby, details, tables' alignment, languages of code and the like are allowed."""
    for html in (
        "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>",
        '<details open=""><summary>a</summary>b</details>',
        '<p lang="en" dir="ltr" title="t">a<sub>1</sub><kbd>x</kbd></p>',
        '<pre><code class="language-c++">a</code></pre>',
        "<pre>\n\na</pre>",
        '<ol start="3" reversed=""><li value="7">a</li></ol>',
    ):
        assert sanitise(html, identity) == html


@pytest.mark.parametrize(
    "html",
    [
        "<a href=/x>a<a href=/y>b</a></a>",
        "<p>a<p>b</p></p>",
        "<a href=/x><object><a href=/y>b</a></object></a>",
        "<p><object><p>a</p></object></p>",
        "<p><button><p>a</p></button></p>",
        "<table>a<tr>b<td>c",
        "<li><table><li>a",
        "<b><p>a</b>b",
        "<ul><li>a<ul><li>b",
        "<select><option><a href=/x>b</a></select>",
        "</p></div><td>a",
    ],
)
def test_broken_html_is_repaired(html: str) -> None:
    """The result is balanced, without a link in a link or a paragraph in a paragraph."""
    once = sanitise(html, identity)
    parsed(once)
    assert sanitise(once, identity) == once
    assert not re.search(r"<a\b[^>]*>(?:(?!</a>).)*<a\b", once)
    assert not re.search(r"<p\b[^>]*>(?:(?!</p>).)*<p\b", once)


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<blockquote>", "<ul><li>", "<object><p>", "<x>"])
def test_deeply_nested_tags_are_removed_and_their_text_stays(tag: str) -> None:
    """Ten thousand open tags take no longer than other text of their length."""
    started = time.perf_counter()
    html = sanitise(tag * 10_000 + "words", identity)
    assert time.perf_counter() - started < 5
    assert "words" in html
    assert deepest(html) <= 2 * DEEPEST


PIECES = st.sampled_from(
    [*"<>/=\"' \n&;", "a", "p", "div", "<a href=", "</a>", "<p>", "<table>", "<td>", "<svg>", "on",
     "<script>", "</", "<!--", "-->", "javascript:", "<img src=x ", "style=", "&#106;", "<object>",
     "<pre>", "<li>", "<ul>", "<b>", "<select>", "<textarea>", "<title>", "<math>", "<noscript>"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_html_becomes_harmless_and_stable(html: str) -> None:
    """Whatever the input, the result is well-formed, harmless, and unchanged if sanitised again."""
    once = sanitise(html, lambda address: SITE + "x" if address else SITE)
    assert_harmless(once)
    assert sanitise(once, identity) == once


AMMONIA = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags={"script", "style", "template", "svg", "math", "title"},
    attributes={tag: {*rules} for tag, rules in ALLOWED.items()},
    filter_style_properties={"text-align"},
    url_schemes={*SCHEMES, "data"},
    url_relative="deny",
    link_rel=None,
)


def assert_nothing_is_left_to_remove(html: str) -> None:
    """Another sanitiser (ammonia, in Rust, on another parser) with the same list agrees."""
    again = AMMONIA.clean(html).replace("&nbsp;", "\xa0")
    assert re.sub("<pre>\n?", "<pre>", again) == re.sub("<pre>\n{0,2}", "<pre>", html).replace(
        "&nbsp;", "\xa0"
    )


@pytest.mark.parametrize("attack", MUTATIONS + ATTACKS)
def test_what_parsers_read_in_two_ways_is_harmless_in_both(attack: str) -> None:
    """Payloads that change when they are written and read again (mutation XSS)."""
    for html in (attack, f"<p>{attack}", f"<table><tr><td>{attack}", f"{attack}{attack}"):
        once = sanitise(html, anywhere)
        assert_harmless(once)
        assert sanitise(once, identity) == once
        assert_nothing_is_left_to_remove(once)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES | st.sampled_from(MUTATIONS), max_size=12).map("".join))
def test_another_sanitiser_finds_nothing_to_remove(html: str) -> None:
    """In whatever the pieces become."""
    assert_nothing_is_left_to_remove(sanitise(html, anywhere))


def test_each_thread_has_its_own_addresses() -> None:
    """Articles sanitised concurrently are each resolved against their own URL."""
    html = '<a href="x">y</a>' * 200

    def one(number: int) -> bool:
        return sanitise(html, lambda _: f"https://{number}/") == html.replace(
            "x", f"https://{number}/"
        )

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(one, range(80)))
