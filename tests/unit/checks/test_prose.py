"""Text as its author reads it: code does not count, and nothing takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attacks import ATTACKS
from broadsheet.articles import front_matter
from broadsheet.articles.titles import without_title
from broadsheet.checks.prose import Prose, field_line
from broadsheet.errors import ArticleError
from broadsheet.markup import LinkIndex, Links, dialect, render
from broadsheet.markup.templates import expand
from broadsheet.text.characters import printable

HEAD = "---\ntitle: A\n---\n"


LINKS = Links(LinkIndex("https://example.org/"), "a.md", "https://example.org/a/")


def targets(body: str, name: str = "commonmark") -> list[str | None]:
    expanding = partial(expand, links=LINKS, mdx=False, shortcodes={})
    return [each.target for each in Prose.of(HEAD + body, dialect(name), expanding).links]


CODE = [
    "`[x](gone.md)`",
    "``a ` [x](gone.md) ``",
    "`two\nlines [x](gone.md)`",
    "```\n[x](gone.md)\n```",
    "~~~~ md\n~~~\n[x](gone.md)\n~~~~",
    "```\n[x](gone.md)",
    "> ```\n> [x](gone.md)\n> ```",
    "- a\n\n  ```\n  [x](gone.md)\n  ```",
    "1. ```\n   [x](gone.md)\n   ```",
    "A\n\n    [x](gone.md)\n\n    [x](gone.md)",
    "\t[x](gone.md)",
    "A\n\n    - [x](gone.md)\n    - [x](gone.md)",
    "1. a\n\n        [x](gone.md)",
    "- a\n\n      [x](gone.md)\n\n      [x](gone.md)",
    "- a\n  - b\n\n        [x](gone.md)",
    "[^1]: a\n\n        [x](gone.md)",
    "<!-- [x](gone.md) -->",
    "<!--\n\n[x](gone.md)\n-->",
    "<pre>[x](gone.md)</pre>",
    "<PRE class='a'>\n\n[x](gone.md)</Pre>",
    "<script>'[x](gone.md)'</script>",
    "{% highlight md %}[x](gone.md){% endhighlight %}",
    "{{< highlight md >}}[x](gone.md){{< /highlight >}}",
    r"\[x](gone.md)",
]


WITH_LINKS = [
    "[a](b.md) *[c](d%20e.md)*",
    "[a][b] [b] [c][d]\n\n[b]: <e f.md>",
    "- ![a](图.png)\n  > <https://e.org/>",
    "| a | b |\n|---|---|\n| [c](d.md#e) | ![](f.png) |",
    "A[^1]\n\n[^1]: [b](c.md)\n\n[^2]: [d][e]",
    '<img src="a&amp;b.png">\n<a href="c.md">d [e](f.md)</a>',
    '<div>\n\n[a](b.md)\n</div>\n<video src="c.mp4"></video>',
    "https://e.org/ ~~https://e.org/~~ `[a](b)`",
    '{{< ref "a.md" >}} {{< unknown >}}\n[b]({{< ref "c.md" >}})\n{{< figure src="d.png" >}}',
    "# A\n\n[b](c.md)\n",
    "[a]{.b}[c] [d](@/e.md){#f}\n\n::: tip [g](h.md)\n[i](j.md)\n:::",
    "> [!NOTE]\n> [a](b.md)\n\n<svg><a href='c'>d</a></svg>",
    *ATTACKS,
]
HEADS = [
    "",
    "\n \n",
    HEAD,
    "\n---\ntitle: A\n---\n\n \n",
    "+++\ntitle = 'A'\n+++\n\n",
    '{"title": "A"}\n',
]


@pytest.mark.parametrize("name", ["commonmark", "hugo", "jekyll", "docusaurus", "html"])
@given(
    head=st.sampled_from(HEADS),
    blocks=st.lists(st.sampled_from([*WITH_LINKS, *CODE]), max_size=4),
    space=st.sampled_from(["\n", "\n\n", "\n\n\n"]),
)
def test_rendering_finds_the_same_links(
    name: str, head: str, blocks: list[str], space: str
) -> None:
    """As reading the source does, on the same lines of the file."""
    source, read_as = head + space.join(blocks), dialect(name)
    body = without_title(front_matter.body(source, ""), "A")
    made = render(body, LINKS, read_as, mdx=read_as.mdx, excerpt=False)
    expanding = partial(
        expand, links=LINKS, mdx=read_as.mdx, shortcodes={}, language=read_as.templates
    )
    found = Prose.of(source, read_as, expanding).links
    assert [*Prose.of(source, read_as, expanding, made.links).links] == [*found]


def test_a_url_that_begins_a_paragraph_is_a_link() -> None:
    """Also if it has no marks of a link, as readers get it."""
    assert targets("https://example.org/a/\n\n~~https://example.org/b/~~") == [
        "https://example.org/a/",
        "https://example.org/b/",
    ]


@pytest.mark.parametrize("code", CODE)
def test_links_in_code_are_ignored(code: str) -> None:
    """Links before and after the code are found."""
    text = f"[a](before.md)\n\n{code}\n"
    assert targets(text) == ["before.md"]
    if not code.startswith("```\n[x](gone.md)") or code.endswith("```"):
        assert targets(f"{text}\n[b](after.md)\n") == ["before.md", "after.md"]


@pytest.mark.parametrize(
    "text",
    [
        "- a\n\n    [x](here.md)",
        "1. a\n\n    [x](here.md)",
        "[^1]: a\n\n    [x](here.md)",
        "- a\n\n    - b [x](here.md)",
        "- a\n    - b\n\n        [x](here.md)",
        "1. a\n    1. b\n        1. c\n\n            [x](here.md)",
        "- a\n\nb\n\n  [x](here.md)",
        "a\n    [x](here.md)",
        "a ` b [x](here.md)",
        "a ` b\n\n[x](here.md) `c",
        "a `` b ` [x](here.md)",
        "<code> [x](here.md)",
        "{% raw %} [x](here.md)",
        r"\\[x](here.md)",
        r"\`[x](here.md)`",
        r"\```[x](here.md)",
        "[![a](here.md)",
        "[a [b] c](here.md)",
        "[a\nb](here.md)",
        '[a](here.md "A title (so)")',
        "[a](<here.md> 'Title')",
        "[a](\nhere.md)",
        "[a][b]\n\n[B]: here.md",
        "[a][]\n\n[a]:\n   <here.md> 'Title'",
        '<a class="b" href="here.md">c</a>',
    ],
)
def test_links_outside_code_are_found(text: str) -> None:
    """Once each, however they are written."""
    assert targets(text) == ["here.md"]


def test_a_target_is_what_the_author_wrote() -> None:
    """With spaces, parentheses and entities, without the link's title."""
    image = "images/default (19).png"
    assert targets(f"![a](<{image}>)") == [image]
    assert targets(f"![a]({image})", "python-markdown") == [image]
    assert targets("[a](https://a.org/b_(c)) [d](e.md)") == ["https://a.org/b_(c)", "e.md"]
    assert targets("<a href='a.md?b=1&amp;c=2'>d</a>") == ["a.md?b=1&c=2"]
    assert targets("a [^1] [x] b[0][1] (c)") == []
    assert targets("a [x][y]") == [None]


def test_two_brackets_in_a_row_are_a_link_only_with_a_label() -> None:
    """Only if the second is defined; otherwise the second may begin a link, or mean nothing."""
    assert targets("[a] [b](c.md)") == ["c.md"]
    assert targets("[a] [b] [c] [d](e.md) ![[f]] [g]") == ["e.md"]
    assert targets("[a] [b]\n\n[b]: c.md") == ["c.md"]
    assert targets("[a][] [b][c]") == [None, None]


def test_links_are_found_in_media() -> None:
    """A video or a sound is a file that may be missing."""
    assert targets("<video src='a.mp4'></video><audio><source src=b.mp3></audio>") == [
        *("a.mp4", "b.mp3")
    ]


def test_every_definition_of_a_footnote_is_found() -> None:
    """The first of each label, repeated ones, and those with a full-width colon."""
    notes = Prose.of("[^a] [^b]\n\n[^a]: x\n> [^a]: y\n[^b]：z\n[^a]\n").footnotes
    assert (list(notes.used), list(notes.defined), list(notes.wide)) == (["a", "b"], ["a"], ["b"])
    assert [label for label, _ in notes.again] == ["a"]


def test_a_place_in_the_text_has_its_line() -> None:
    """Counted from the top of the file, whatever comes before."""
    text = "\n\n---\r\ntitle: A\n---\n\n\x08\n```\n```\n[x](y.md)\n".replace("\r", "")
    prose = Prose.of(text)
    assert [each.line for each in prose.links] == [10]
    assert field_line(text, "Title") == 4
    assert field_line(text, "summary", "title") == 4
    assert field_line(text, "summary") is None


HEADS = st.sampled_from(
    [
        "---\na: b\n---",
        "---- \na: b\n...",
        "---\n---",
        "+++\na = 1\n+++",
        '{"a": 1}',
        "",
        "\n---\n---",
    ]
)
LINES = st.text(st.sampled_from("a \t`~<>[]()!^:-+.{}%#\\\n\"'=*_/x\x08\x85"), max_size=60)


@given(HEADS, LINES, LINES)
def test_the_body_begins_where_the_article_says(head: str, body: str, more: str) -> None:
    """Prose is in the body, with its own offset and line; front matter never counts."""
    source = f"{head}\n{body}{more}\n"
    try:
        parts = front_matter.split(source, "")
    except ArticleError:
        return
    prose = Prose.of(source)
    clean = printable(source)
    assert len(prose.text) == len(clean)
    assert prose.text.count("\n") == clean.count("\n")
    kept = [(one, other) for one, other in zip(prose.text, clean, strict=True) if one != " "]
    assert all(one == other for one, other in kept)
    body_text = parts[1] if parts else clean
    start = len(clean.rstrip()) - len(body_text.rstrip())
    assert not prose.text[:start].strip()


@given(LINES)
def test_any_text_has_links_tags_and_footnotes(text: str) -> None:
    """Any article can be scanned without an error, and the findings lie within it."""
    prose = Prose.of(text)
    places = [
        *(each.start for each in prose.tags),
        *prose.footnotes.used.values(),
        *prose.footnotes.defined.values(),
    ]
    assert all(0 <= place < len(prose.text) for place in places)
    assert all(1 <= each.line <= prose.text.count("\n") + 1 for each in prose.links)


_UNITS = r"""
    [ [( []( [a]( ![ [[a] [a][ [a][b] [a]: [^ [^a] [^a]: ( <( <!-- <pre <pre> </pre> <img
    <script> ``` ~~~~ > - {%raw%} {{ {{< {%endraw%} \\[ `a`` [](< [a]((a) " ' & <a$b='c="d
    {/* {/**/} ](（/ [a]（ {{<figure$ {{<figure$a="b [a]({{<ref$ <a$href="b">c [^a]：
    [](a$"b [](a$'b$( <a$b <a$onx= <a$href=" ![a](b)[ `$ <a<a <a'<a" <(<(
"""
UNITS = [
    *(unit.replace("$", " ") for unit in _UNITS.split()),
    *("[a\n", " \n", "---\n", "- a\n\n    "),
]
TRAPS: dict[str, Callable[[int], str]] = {
    "one run": lambda length: "`" * length + "a",
    "growing runs": lambda length: " ".join(
        "`" * size for size in range(1, int((2 * length) ** 0.5))
    ),
    "unclosed": lambda length: "[" + "[a]" * (length // 3),
    "no end": lambda length: "[](" + "(a)" * (length // 3),
    "titles": lambda length: "[a](b" + ' "' * (length // 2),
    "many titles": lambda length: ("[a](b" + ' "' * 200) * (length // 405),
    "a long line": lambda length: "a" * length,
    "a long address": lambda length: "[a](" + "b" * length + ")",
    "attributes": lambda length: "<a " + "b='c' " * (length // 6) + ">",
    "a head without end": lambda length: "---\n" + "a: b\n" * (length // 5),
}


@pytest.mark.long
@pytest.mark.parametrize("trap", [*UNITS, *TRAPS])
def test_no_text_takes_long(trap: str) -> None:
    """A text of 200,000 characters designed to cause repeated scanning takes about a second."""
    text = TRAPS[trap](200_000) if trap in TRAPS else trap * (200_000 // len(trap))
    began = time.process_time()
    prose = Prose.of(HEAD + text)
    assert prose.links is not None
    assert prose.tags is not None
    assert prose.footnotes is not None
    assert time.process_time() - began < 5
