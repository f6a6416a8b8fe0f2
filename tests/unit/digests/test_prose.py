"""The prose of an issue in mail clients, and as plain text."""

from __future__ import annotations

import re

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.digests.images import image_urls, with_image_sizes
from broadsheet.digests.prose import mail_prose, prose_text
from broadsheet.markup.sanitiser import TAGS, sanitised
from broadsheet.markup.tree import parse

IMAGE = '<img src="https://e.org/a.png" alt="x">'


TABLE = (
    "<table><thead><tr><th>a</th><th><p>b</p><p>c</p></th></tr></thead>"
    "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
)
NOTED = (
    '<p>a<sup><a href="https://e.org/#fn">1</a></sup></p>'
    '<ol><li><p>n <a href="https://e.org/#r">↩︎</a></p></li></ol>'
)
PICTURE = (
    '<picture><source srcset="https://e.org/b.webp">'
    '<img src="https://e.org/a.png" alt="" width="9" srcset="x 2x"></picture>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p>\n<p>Two <em>three</em></p>", "One\n\nTwo three"),
        ("<p>a<br>b</p>", "a\nb"),
        ('<p><a href="https://e.org/">e</a></p>', "e (https://e.org/)"),
        ('<p><a href="https://e.org/">https://e.org/</a></p>', "https://e.org/"),
        ('<p><a href="mailto:a@e.org">a@e.org</a></p>', "a@e.org"),
        ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"),
        ("<ol><li><p>a</p></li><li>b</li></ol>", "1. a\n2. b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "    a\n\n    b"),
        ("<pre><code>a\n  b\n</code></pre>", "    a\n      b"),
        ("<h2>T</h2><p>a</p><hr><p>b</p>", "T\n\na\n\n* * *\n\nb"),
        (f"<p>{IMAGE}</p>", "[x]"),
        ('<p><img src="https://e.org/a.png" alt=""></p>', ""),
        (TABLE, "a | b c\n1 | 2"),
        (NOTED, "a[1]\n\n1. n"),
        ("bare", "bare"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_text_keeps_what_the_html_says(html: str, text: str) -> None:
    """Paragraphs, list items, quotations, code, tables and the addresses of links."""
    assert prose_text(html) == text


@given(st.lists(st.sampled_from(sorted(TAGS - {"br", "col", "hr", "img", "wbr"})), max_size=8))
def test_no_word_is_lost_in_any_nesting(tags: list[str]) -> None:
    """Each word that a browser shows is in the text, once, in whichever elements it is."""
    start = "".join(f"<{tag}>a{number} " for number, tag in enumerate(tags))
    end = "".join(f" b{number}</{tag}>" for number, tag in reversed([*enumerate(tags)]))
    html = sanitised(parse(f"{start} middle {end}"), str)
    shown = html5lib.parseFragment(html).itertext()
    assert sorted(re.findall(r"[ab]\d|middle", prose_text(html))) == sorted(
        re.findall(r"[ab]\d|middle", " ".join(shown))
    )


def test_images_have_sizes_that_outlook_reads() -> None:
    """Those of the file, but no wider than the mail; a smaller one stays as it is."""
    html = with_image_sizes(IMAGE, {"https://e.org/a.png": (1088, 400)})
    assert 'width="1088" height="400"' in html
    assert 'width="544" height="200"' in mail_prose(html, 544)
    small = with_image_sizes(IMAGE, {"https://e.org/a.png": (100, 40)})
    assert 'width="100" height="40"' in mail_prose(small, 544)
    assert mail_prose(IMAGE, 544) == IMAGE
    odd = with_image_sizes(IMAGE.replace('"x"', '"a > b &amp; c"'), {"https://e.org/a.png": (9, 4)})
    assert 'width="9" height="4"' in mail_prose(odd, 544)
    assert image_urls(IMAGE) == {"https://e.org/a.png"}


@pytest.mark.parametrize(
    ("html", "mail"),
    [
        ('<p>a <video src="https://e.org/v.mp4" controls></video> b</p>',
         '<p>a <a href="https://e.org/v.mp4">https://e.org/v.mp4</a> b</p>'),
        ('<audio><source src="https://e.org/a.mp3">hear it</audio>',
         '<a href="https://e.org/a.mp3">hear it</a>'),
        (PICTURE, '<img src="https://e.org/a.png" alt="" width="9">'),
        ("<details><summary>s</summary></details>", "<details open><summary>s</summary></details>"),
        ("<p>1 &lt; 2 &amp; 3</p>", "<p>1 &lt; 2 &amp; 3</p>"),
        ("plain", "plain"),
    ],
)  # fmt: skip
def test_what_mail_clients_do_not_play_becomes_a_link(html: str, mail: str) -> None:
    """Nothing needs a player, a script or a choice of files."""
    assert mail_prose(html, 544).replace('open=""', "open") == mail
