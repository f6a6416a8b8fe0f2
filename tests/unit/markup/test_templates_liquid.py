"""Liquid of Jekyll and Eleventy: URLs and variables resolve, and no tag is left."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import Asset, LinkIndex, Links, dialect, render
from broadsheet.markup.code import outside_code
from broadsheet.markup.templates import Expanded, Language, expand

SITE = "https://l.example/blog/"
TWO = f"{SITE}news/tech/2025/06/02/two/"
LINK_INDEX = LinkIndex(
    SITE,
    {"_posts/2025-06-01-hello.md": f"{SITE}2025/06/01/hello/", "_posts/2025-06-02-two.md": TWO},
    {},
    {"assets/x.png": Asset("assets/x.png", f"{SITE}assets/x.png", 1)},
)
LINKS = Links(LINK_INDEX, "_posts/2025-06-01-hello.md", f"{SITE}2025/06/01/hello/")
VALUES = {"page": {"title": "Hello", "tags": ["a", "b"]}}


def expanded(text: str, language: Language = "any") -> Expanded:
    return expand(text, LINKS, mdx=False, shortcodes={}, language=language, values=VALUES)


POST = "{% post_url 2025-06-02-two %}"
ADDRESSES = [
    (POST, TWO),
    ("{% link _posts/2025-06-02-two.md %}", TWO),
    ("{%link _posts/2025-06-02-two.md%}", TWO),
    ("{{ site.baseurl }}" + POST, TWO),
    ("{{site.baseurl}}/" + POST, TWO),
    ("{{ site.url }}" + POST, TWO),
    ("{{ site.url }}{{ site.baseurl }}" + POST, TWO),
    ("{{ site.url }}{{ site.baseurl }}/x", f"{SITE}x"),
    ("{{ site.url }}/blog/x", f"{SITE}x"),
    ("{{ site.baseurl }}/x", f"{SITE}x"),
    ("{{ '/x' | relative_url }}", f"{SITE}x"),
    ('{{ "x" | absolute_url }}', f"{SITE}x"),
    ("{{ site.url }}{{ '/x' | relative_url }}", f"{SITE}x"),
    ("{{ '/x' | prepend: site.baseurl }}", f"{SITE}x"),
    ("{{ '/x' | prepend: site.baseurl | prepend: site.url }}", f"{SITE}x"),
    ("{{ site.baseurl | append: '/x' }}", f"{SITE}x"),
    ("{{ '/x' | url }}", f"{SITE}x"),
    ("{{ '/a b.png' | relative_url }}", f"{SITE}a%20b.png"),
    ("{{ 'https://b.example/x' | relative_url }}", "https://b.example/x"),
    ("{{ '/assets/x.png' | relative_url }}", f"{SITE}assets/x.png"),
    ("{{ site.url }}{{ site.baseurl }}{{ page.url }}", f"{SITE}2025/06/01/hello/"),
    ("{{ page.url | absolute_url }}", f"{SITE}2025/06/01/hello/"),
    ("{% assign root = site.baseurl %}{{ root }}/x", f"{SITE}x"),
]


@pytest.mark.parametrize("language", ["any", "liquid"])
@pytest.mark.parametrize(("written", "address"), ADDRESSES)
def test_an_address_is_absolute_wherever_it_is(
    written: str, address: str, language: Language
) -> None:
    """In text, in a link, in HTML and in a definition; the site's base path is added once."""
    for form in ("{}", "[a]({})", '<a href="{}">a</a>', "<img src='{}'>", "[a]: {}", "- {}\n"):
        found = expanded(form.format(written), language)
        assert found.text == form.format(address)
        assert found.unknown == ()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{{ page.title }}", "Hello"),
        ("{% assign a = 'x y' | replace: ' ', '-' %}{{ a }}", "x-y"),
        ("{% set a = 'x' %}{{ a }}", "x"),
        ("{% comment %}a{% endcomment %}b{# c #}", "b"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("a  \n{%- comment -%}x{%- endcomment -%}\n b", "ab"),
    ],
)
def test_known_values_are_shown(written: str, shown: str) -> None:
    """Variables and filters, if the article has their values; `raw` and comments."""
    assert expanded(written).text == shown
    assert expanded(written).unknown == ()


@pytest.mark.parametrize(
    ("written", "shown", "named"),
    [
        ("a {{ site.title }}b", "a b", "site.title"),
        ("a {{ site.time | date: '%Y' }}b", "a b", "site.time"),
        ("{% if site.a %}a{% else %}b{% endif %}", "a", "if site.a"),
        ("{% case site.a %}{% when 1 %}a{% when 2 %}b{% endcase %}", "a", "case site.a"),
        ("{% capture a %}b{% endcapture %}", "b", "capture a"),
        ("{% for a in site.posts %}{{ a.url }}{% endfor %}b", "b", "for a in site.posts"),
        ("{% assign a = site.x %}{{ a.b }}c", "c", "a.b"),
        ("{% include toc.html %}a", "a", "include toc.html"),
        ("{% callout 'info' %}a{% endcallout %}", "a", "callout"),
        ("[a]({% post_url 2025-1-1-x %})", f"[a]({SITE}2025-1-1-x)", "post_url 2025-1-1-x"),
        ("{% link _docs/x.md %}", f"{SITE}docs/x", "link _docs/x.md"),
        ("{% if site.a %}a", "a", "if site.a"),
    ],
)
def test_unknown_tags_are_removed_and_named(written: str, shown: str, named: str) -> None:
    """A tag is removed, the text between tags stays; a loop is removed completely."""
    found = expanded(f"\n{written}")
    assert found.text == f"\n{shown}"
    assert [(each.name, each.line) for each in found.unknown] == [(named, 2)]


def test_liquid_runs_in_code() -> None:
    """Jekyll expands Liquid before it parses Markdown; `raw` and GitHub Actions are left alone."""
    text = "`{{ site.url }}`\n```\n{{ site.x }}${{ secrets.A }}{% raw %}{{ b }}{% endraw %}\n```"
    assert expanded(text, "liquid").text == (
        "`https://l.example`\n```\n${{ secrets.A }}{{ b }}\n```"
    )
    assert expanded("`{{ site.url }}`").text == "`{{ site.url }}`"


def test_includes_that_show_pictures_and_videos() -> None:
    """The usual includes and plugins of Jekyll and Hexo become what they stand for."""
    for tag in (
        '{% include figure.html src="/a.png" alt="A" %}',
        '{% include figure image_path="/a.png" alt="A" %}',
        "{% include img.liquid url='/a.png' title='A' %}",
        "{% img /a.png A %}",
        "{% asset_img /a.png A %}",
    ):
        assert '<img src="/a.png" alt="A">' in expanded(tag).text
    assert expanded('{% include youtube.html id="b" %}').text == (
        "<https://www.youtube.com/watch?v=b>"
    )
    assert expanded("{% gist me/12 %}").text == "<https://gist.github.com/me/12>"


def test_a_highlight_stays_in_its_list() -> None:
    """Code of a list item is a fence indented like the tag."""
    html = render(
        "- a\n\n  {% highlight sh %}\n  b\n  {% endhighlight %}\n- c", LINKS, dialect("commonmark")
    ).html
    assert '<pre><code class="language-sh">b' in html
    assert html.count("<ul>") == 1


def test_lines_are_those_of_the_body() -> None:
    """A line is traced to its source line, whatever was removed before it."""
    text = "a\n{% comment %}\nb\n{% endcomment %}\nc\n{%- if site.x -%}\nd\n{% endif %}\n"
    text += "e {{ site.url }}\nf"
    found = expanded(text)
    lines = found.text.split("\n")
    for word, line in (("a", 1), ("c", 5), ("e", 9), ("f", 10)):
        number = next(n for n, each in enumerate(lines, 1) if each.startswith(word))
        assert found.source_line(number) == line


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<div>\n{% x %}\n</div>", "<div>\n</div>"),
        ("<div>\n  {% x %}\n{{ site.y }}\n  <p>a</p>\n</div>", "<div>\n  <p>a</p>\n</div>"),
        ("<div>\n\n{% x %}\n</div>", "<div>\n\n\n</div>"),
        ("a\n{% x %}\n<b>", "a\n\n<b>"),
    ],
)
def test_a_removed_tag_does_not_end_a_block_of_html(written: str, shown: str) -> None:
    """No blank line is left between two lines of HTML, and lines are traced past it."""
    found = expanded(f"{written}\nlast")
    lines = found.text.split("\n")
    assert found.text == f"{shown}\nlast"
    assert found.source_line(len(lines)) == written.count("\n") + 2


HOSTILE = [
    *("{{< ", '{{< a "', '{{< a "\\"', "{{< a ` ", "{{</* ", "{{ a(", '{{ a("\\"', "{% a ' "),
    *("{% raw %}", "{% if x %}", "{% if x %}{% endif %}", "{% for i in (1..9) %}", "{% end %}"),
    *("{% for i in (1..9) %}{{ i }}{% endfor %}", "{% case x %}{% when 1 %}", "{{ a | upcase "),
    "{% capture a %}{{ a }}xx{% endcapture %}",
    "{% assign a = a | append: 'xxxxxxxxxxx' %}{{ a }}",
    "{% assign a = 'x' | append: a | append: a | append: a %}",
    *("{", "{{", "{%", "{# ", "` {{< ", "```\n", "> ```\n", "- ```\n", "<pre>", "<!--", "`a ``b "),
    *("{% post_url x %}", "{{ 'x' | relative_url }}", "\n{% highlight x %}", "{%- x -%}  \n"),
]


@pytest.mark.long
@pytest.mark.parametrize("language", ["any", "liquid"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_proportional_to_length(unit: str, language: Language) -> None:
    """100,000 characters of anything repeated or unclosed take about a second."""
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    found = expanded(text, language)
    list(outside_code(text))
    assert time.process_time() - started < 3
    assert len(found.text) < 12 * len(text) + 500_000


def test_outside_code_leaves_out_all_code() -> None:
    """Fences, spans, comments, `<pre>` and indented lines are code; lists and escapes are not."""
    text = "a `b` \\` c\n\n    d\n\n- e\n\n    f\n\n```\ng\n```\n<pre>h</pre><!-- i -->j"
    shown = "".join(text[start:end] for start, end in outside_code(text))
    assert [letter for letter in "abcdefghij" if letter in shown.replace("pre", "")] == [
        *("a", "c", "e", "f", "j")
    ]


@given(st.text(alphabet="`~ >-\n\ta1.<!pre/\\", max_size=60))
def test_parts_outside_code_are_in_order(text: str) -> None:
    """They do not overlap, are not empty, and lie within the text."""
    at = 0
    for start, end in outside_code(text):
        assert at <= start < end <= len(text)
        at = end
