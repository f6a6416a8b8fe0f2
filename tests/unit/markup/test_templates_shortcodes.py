"""Shortcodes of Hugo and Zola, and those of the config: expanded, or removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import ConfigError
from broadsheet.markup import LinkIndex, Links, dialect, render
from broadsheet.markup.templates import Expanded, Language, expand
from broadsheet.model.values import ShortcodeTemplate

LINK_INDEX = LinkIndex("https://example.org/", {"content/b.md": "https://example.org/posts/b/"})
LINKS = Links(LINK_INDEX, "content/a.md", "https://example.org/posts/a/")


def expanded(text: str, language: Language = "any", **shortcodes: str) -> Expanded:
    return expand(text, LINKS, mdx=False, shortcodes=shortcodes, language=language)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("{{< youtube abc >}}", "<https://www.youtube.com/watch?v=abc>"),
        ('{{ youtube(id="abc") }}', "<https://www.youtube.com/watch?v=abc>"),
        ("{{< vimeo 12 >}}", "<https://vimeo.com/12>"),
        ("{{< gist me 12 >}}", "<https://gist.github.com/me/12>"),
        ('{{< x user="me" id="12" >}}', "<https://x.com/me/status/12>"),
        ('{{< ref "b.md#part" >}}', "https://example.org/posts/b/#part"),
        ('{{% relref "b" %}}', "https://example.org/posts/b/"),
        ('{{< ref "#part" >}}', "#part"),
        ("{{% note %}}\n*a*\n{{% /note %}}", "\n*a*\n"),
        ('{{< note "a >}} b" >}}c{{< /note >}}', "c"),
        ("{{< note `a\n>}} b` >}}c{{< / note >}}", "c"),
        ("{% note(kind='x') %}c{% end %}", "c"),
        ("{{</* note */>}}", "{{< note >}}"),
        ("{{/* youtube(id=1) */}}", "{{ youtube(id=1) }}"),
        ("a {{ b", "a {{ b"),
        ("{{< unclosed", "{{< unclosed"),
        ("50 {% of {{ people", "50 {% of {{ people"),
        ('{{< img src="c.png" alt="C" >}}', '<figure><img src="c.png" alt="C"></figure>'),
        ('{{ resize(path="c.png") }}', '<figure><img src="c.png" alt=""></figure>'),
    ],
)
def test_shortcodes_are_expanded(markdown: str, expected: str) -> None:
    """Known ones become Markdown, unknown ones are removed, their content stays, the rest is
    untouched."""
    assert expanded(markdown).text == expected


@pytest.mark.parametrize("language", ["any", "hugo", "zola"])
@pytest.mark.parametrize(
    "code",
    [
        "`{{< note >}}`",
        "``{% note %} ` ``",
        "```\n{{< note >}}\n```",
        "~~~\n{% note %}\n~~~",
        "- ```\n  {{ note() }}\n  ```",
        "> ```\n> {{< note >}}\n> ```",
        "<pre>{{ site.url }}</pre>",
        "<!-- {{< note >}} -->",
    ],
)
def test_code_shows_tags_as_they_are(code: str, language: Language) -> None:
    """An article about shortcodes shows them."""
    assert expanded(code, language).text == code
    assert expanded(code, language).unknown == ()


def test_an_unclosed_fence_ends_with_its_container() -> None:
    """With its quote or its list item, as in CommonMark."""
    for start in ("> ```\n> {{< a >}}\n", "- ```\n  {{< a >}}\n"):
        assert expanded(f"{start}\n{{{{< b >}}}}").text == f"{start}\n"
    assert expanded("a ` b\n\n{{< c >}} ` d").text == "a ` b\n\n ` d"
    assert expanded(r"\` {{< c >}} `").text == r"\`  `"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("hugo", "{{ site.url }} {% if a %} {{ a(b=1) }}"),
        ("zola", "{{ site.url }} {% if a %} {{< a >}}"),
        ("liquid", "{{< a >}}"),
        ("none", "{{ site.url }} {% a %} {{< a >}} {{ a() }}"),
        ("any", "{{ dep.name }} ${{ secrets.TOKEN }} {{ 7 * 7 }} {{ $t }} {{}} {% %}"),
    ],
)
def test_other_braces_stay(language: Language, text: str) -> None:
    """Braces of other tools are text: Vue, GitHub Actions, Go, mathematics."""
    assert expanded(text, language).text == text


def test_a_figure_keeps_its_picture_and_words() -> None:
    """Picture, link, title and caption stay; arguments cannot become markup."""
    html = render(
        '{{< figure src="c.png" title="T" caption="a <b> c" link="/l" >}}',
        LINKS,
        dialect("commonmark"),
    ).html
    assert '<a href="https://example.org/l"><img src="https://example.org/posts/a/c.png"' in html
    assert "<figcaption><strong>T</strong> a &lt;b&gt; c</figcaption>" in html
    assert (
        "<em>b</em>"
        in render('{{< figure src="c.png" caption="a *b*" >}}', LINKS, dialect("commonmark")).html
    )


def test_a_highlighted_part_is_code() -> None:
    """Hugo's and Jekyll's highlight become fenced code, longer than any fence within."""
    for opening, closing in (
        ("{{< highlight go >}}", "{{< /highlight >}}"),
        ("{% highlight go %}", "{% endhighlight %}"),
    ):
        html = render(f"{opening}\n<b> ```\n{closing}", LINKS, dialect("commonmark")).html
        assert html.startswith('<pre><code class="language-go">&lt;b&gt; ```')


def test_details_hold_markdown() -> None:
    """The content of `details` is parsed as Markdown."""
    html = render(
        '{{< details summary="S" >}}\n- a\n{{< /details >}}', LINKS, dialect("commonmark")
    ).html
    assert "<summary>S</summary>" in html
    assert "<li>a</li>" in html


def test_removed_tags_are_named_with_their_line() -> None:
    """Each unresolved tag is named once, at its opening line."""
    text = "a\n{{< note >}}b{{< /note >}}\n\n{% include c.html %} {{< youtube x >}}{{< ref x >}}"
    assert [(each.name, each.line) for each in expanded(text).unknown] == [
        ("note", 2),
        ("include c.html", 4),
        ("ref x", 4),
    ]


@pytest.mark.parametrize(
    ("text", "can_define"),
    [
        ("{{< note >}}", True),
        ("{% include toc.html %}", True),
        ("{{ site.x }}", False),
        ("{% if a %}{% endif %}", False),
        ("{{< ref x >}}", False),
    ],
)
def test_only_named_tags_can_be_defined(text: str, *, can_define: bool) -> None:
    """The config can define a named tag, but no values or control structures."""
    assert [each.can_define for each in expanded(text).unknown] == [can_define]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{{< pic src="a.png" alt="A & \\"B\\"" >}}',
            '<img src="a.png" alt="A &amp; &quot;B&quot;">',
        ),
        ('{{ pic(src="a.png", alt="A") }}', '<img src="a.png" alt="A">'),
        ('{% pic src="a.png" alt="A" %}', '<img src="a.png" alt="A">'),
        ('{% include pic.html src="a.png" alt="A" %}', '<img src="a.png" alt="A">'),
        ("{{< pic >}}", '<img src="" alt="">'),
        ("{{< box red >}}\n*a*\n{{< /box >}}", '<aside class="red">\n\n*a*\n\n</aside>'),
        ("{% box(red) %}a{% end %}", '<aside class="red">a</aside>'),
        ("{% box red %}a{% endbox %}", '<aside class="red">a</aside>'),
        ("{{< box red />}}", '<aside class="red"></aside>'),
    ],
)
def test_the_config_defines_tags(text: str, expected: str) -> None:
    """A template in the config works in every template language; values are escaped, content is
    not."""
    templates = {
        "pic": '<img src="{src}" alt="{alt}">',
        "box": '<aside class="{0}">{inner}</aside>',
    }
    assert expanded(text, **templates).text == expected
    assert expanded(text, **templates).unknown == ()


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{", "brace"),
        ("}", "brace"),
        ("{}", "not an argument"),
        ("{a.b}", "not an argument"),
        ("{a[0]}", "not an argument"),
        ("{a!r}", "a format after an argument"),
        ("{a:>10}", "a format after an argument"),
        ("{inner}{inner}", "twice"),
    ],
)
def test_a_template_that_is_wrong_is_refused(template: str, said: str) -> None:
    """An error in a template is found when the config is read."""
    from broadsheet.storage.config import parse

    with pytest.raises(ValueError, match=said):
        ShortcodeTemplate(template)
    text = f"""[publication]
title = "A"
url = "https://a.example"
[articles.shortcodes]
pic = '{template}'
"""
    with pytest.raises(ConfigError, match=said) as error:
        parse(text)
    assert error.value.problems[0].line == 5


@given(st.text(alphabet="{}<>%/*\"'`=( )\nab-_.|#$\\", max_size=80))
def test_any_text_expands(text: str) -> None:
    """No text raises; every line of the result is a line of the body; without a tag nothing
    changes."""
    for language in ("any", "liquid", "hugo", "zola", "none"):
        found = expanded(text, language)
        if "{{" not in text and "{%" not in text and "{#" not in text:
            assert found.text == text
        lines = range(1, found.text.count("\n") + 2)
        assert all(1 <= found.source_line(n) <= text.count("\n") + 1 for n in lines)
        assert all(1 <= each.line <= text.count("\n") + 1 for each in found.unknown)
