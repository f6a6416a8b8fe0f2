"""Shortcodes and tags of templates: what they mean, or nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import Library, Links, dialect, render
from broadsheet.markup.shortcodes import expand, unknown_shortcodes

SITE = "https://example.org/"
LINKS = Links(Library(SITE), "a.md", "https://example.org/a/")


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("{{< youtube abc >}}", "<https://www.youtube.com/watch?v=abc>"),
        ('{{ youtube(id="abc") }}', "<https://www.youtube.com/watch?v=abc>"),
        ("{{< vimeo 12 >}}", "<https://vimeo.com/12>"),
        ("{{< gist me 12 >}}", "<https://gist.github.com/me/12>"),
        ('{{< x user="me" id="12" >}}', "<https://x.com/me/status/12>"),
        ('{{< ref "b.md#part" >}}', "@/b.md#part"),
        ('{{< ref "#part" >}}', "#part"),
        ("{{ site.baseurl }}/x", "https://example.org/x"),
        ('{{ "/x" | absolute_url }}', "https://example.org/x"),
        ("{% comment %}a{% endcomment %}b", "b"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("{{% note %}}\n*a*\n{{% /note %}}", "\n*a*\n"),
        ('{{< note "a >}} b" >}}c{{< /note >}}', "c"),
        ("{% include a.html b='c' %}d", "d"),
        ("{{</* note */>}}", "{{< note >}}"),
        ("{{ page.title }}", "{{ page.title }}"),
        ("a {{ b", "a {{ b"),
        ("{{< unclosed", "{{< unclosed"),
    ],
)
def test_a_tag_becomes_what_it_means(markdown: str, expected: str) -> None:
    """Known tags become Markdown, unknown ones go, their content stays, the rest is untouched."""
    assert expand(markdown, SITE) == expected


@pytest.mark.parametrize(
    "code",
    ["`{{< note >}}`", "``{% note %} ` ``", "```\n{{< note >}}\n```", "~~~\n{% note %}\n~~~"],
)
def test_code_shows_tags_as_they_are(code: str) -> None:
    """An article about shortcodes shows them."""
    assert expand(code, SITE) == code
    assert unknown_shortcodes(code) == []


def test_a_highlighted_part_is_code() -> None:
    """Hugo's and Jekyll's highlight become fenced code, longer than any fence within."""
    for opening, closing in (
        ("{{< highlight go >}}", "{{< /highlight >}}"),
        ("{% highlight go %}", "{% endhighlight %}"),
    ):
        html = render(f"{opening}\n<b> ```\n{closing}", LINKS, dialect("commonmark")).html
        assert html.startswith('<pre><code class="language-go">&lt;b&gt; ```')


def test_a_figure_keeps_its_picture_and_words() -> None:
    """Picture, link, title and caption stay; what is in the arguments cannot become markup."""
    html = render(
        '{{< figure src="c.png" title="T" caption="a <b> c" link="/l" >}}',
        LINKS,
        dialect("commonmark"),
    ).html
    assert '<a href="https://example.org/l"><img src="https://example.org/a/c.png"' in html
    assert "<figcaption><strong>T</strong> a &lt;b&gt; c</figcaption>" in html
    assert (
        "<em>b</em>"
        in render('{{< figure src="c.png" caption="a *b*" >}}', LINKS, dialect("commonmark")).html
    )


def test_details_hold_markdown() -> None:
    """What is folded away is still read as Markdown."""
    html = render(
        '{{< details summary="S" >}}\n- a\n{{< /details >}}', LINKS, dialect("commonmark")
    ).html
    assert "<summary>S</summary>" in html
    assert "<li>a</li>" in html


def test_what_goes_is_named_with_its_place() -> None:
    """`check` can tell each unknown tag, once, where it opens."""
    text = "a {{< note >}}b{{< /note >}} {% include c.html %} {{< youtube x >}}"
    assert unknown_shortcodes(text) == [("note", 2), ("include", text.index("{%"))]


@pytest.mark.parametrize(
    "text",
    [
        "{{< ",
        '{{< a " ',
        "{{< a ` ",
        "{{< highlight go >}}",
        "{{</* ",
        "{{% a b=c ",
        "{% a ' ",
        "{% raw %}",
        "{{ a(b) ",
        "` {{< ",
    ],
)
def test_no_run_of_openings_takes_long(text: str) -> None:
    """The time is in proportion to the length, whatever is left open."""
    started = time.perf_counter()
    expand(text * 20_000, SITE)
    assert time.perf_counter() - started < 5


@given(st.text(alphabet="{}<>%/*\"'`=( )\nab-_.|", max_size=80))
def test_any_text_expands(text: str) -> None:
    """No text makes it raise; what has no tag stays as it is."""
    expanded = expand(text, SITE)
    if "{{" not in text and "{%" not in text:
        assert expanded == text
    assert all(text[place] == "{" for _, place in unknown_shortcodes(text))
