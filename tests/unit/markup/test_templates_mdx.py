"""MDX as Markdown: none of its tags, braces, imports or comments reaches readers."""

from __future__ import annotations

import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import LinkIndex, Links, TooComplex, dialect, render
from broadsheet.markup.templates import Expanded, expand

LINKS = Links(LinkIndex("https://a.example/docs/"), "src/blog/a.mdx", "https://a.example/docs/a/")


def expanded(text: str, **shortcodes: str) -> Expanded:
    values = {"page": {"title": "Hello"}}
    return expand(text, LINKS, mdx=True, shortcodes=shortcodes, values=values)


@pytest.mark.parametrize(
    "module",
    [
        "import { Image } from 'astro:assets';",
        "import A, { B } from './a';\nimport * as C from 'c'\nimport 'd.css'",
        "import {\n  A,\n  B,\n} from 'c';",
        "export const meta = {\n  a: '}',\n\n  b: [`\n\n${c}`],\n};",
        "export default function A({ children }) {\n  return <p>{children}</p>;\n}",
        "export * from './a'",
        "{/* a *b* {c} */}",
        "{/*\n a\n\n b\n*/}",
        "{}",
    ],
)
def test_modules_and_comments_are_removed(module: str) -> None:
    """Imports and exports of one line or many, and comments, show nothing."""
    assert expanded(f"{module}\n\na\n").text.strip() == "a"
    assert expanded(f"a\n\n{module}\n\nb\n").text.split() == ["a", "b"]
    assert expanded(f"{module}\n\na\n").unknown == ()


@pytest.mark.parametrize(
    "text",
    [
        "import duties rose",
        "exports of goods",
        "`import a from 'b'`",
        "```js\nimport a from 'b'\n\nexport const c = 1\n{d} <E/>\n```",
        "a `{b}` `<C/>` `{/* d */}`",
        r"a \{b} \<c>",
        "1 < 2",
        ':::tip[A]{icon="b"}',
    ],
)
def test_text_and_code_stay(text: str) -> None:
    """Prose that begins with `import`, escaped braces, and code are unchanged."""
    assert expanded(text).text == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{'*a*'}", "<p>*a*</p>"),
        ('a{" "}b', "<p>a b</p>"),
        ("{`a\nb`}", "<p>a b</p>"),
        ("{`a {b} <c>`}", "<p>a {b} &lt;c&gt;</p>"),
        ("{42}", "<p>42</p>"),
        ("{frontmatter.title}", "<p>Hello</p>"),
        ("a {true}{null}b", "<p>a b</p>"),
    ],
)
def test_plain_expressions_are_shown(written: str, shown: str) -> None:
    """Strings, numbers and constants; nothing in them is Markdown."""
    assert (
        render(
            written, LINKS, dialect("commonmark"), mdx=True, values={"page": {"title": "Hello"}}
        ).html
        == shown
    )


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("<Image src={hero} alt='A' />", "../h.jpg"),
        ("<Image\n  src={hero}\n  alt='A'\n/>", "../h.jpg"),
        ("<Image src={hero.src} alt='A' format='webp' />", "../h.jpg"),
        ("<img src={hero} alt='A'/>", "../h.jpg"),
        ("<Picture src='x.png' alt={'A'} formats={['avif']} />", "x.png"),
        ("<ZoomImage src={require('./x.png').default} alt={`A`} />", "./x.png"),
        ("<img src={useBaseUrl('/img/x.png')} alt='A' />", "https://a.example/docs/img/x.png"),
        ("<Card src='./x.png' alt='A' />", "./x.png"),
    ],
)
def test_a_picture_is_found_through_its_import(written: str, source: str) -> None:
    """The file that was imported, required or named is the picture's source."""
    found = expanded(f"import hero from '../h.jpg';\n\n{written}")
    assert f'<img src="{source}" alt="A">' in found.text
    assert found.unknown == ()


def test_components_are_unwrapped() -> None:
    """Their content is Markdown, however deeply it is indented; a label is its title."""
    text = dedent("""\
        <Tabs>
          <TabItem label="npm" icon={x}>
            ```sh
            npm i
              -g
            ```
          </TabItem>
          <TabItem value="yarn" label="Yarn">

            - *a*
              - b

          </TabItem>
        </Tabs>
        after
        """)
    html = render(text, LINKS, dialect("commonmark"), mdx=True).html
    assert '<pre><code class="language-sh">npm i\n  -g</code></pre>' in html.replace(
        "\n</code>", "</code>"
    )
    assert "<strong>npm</strong>" in html
    assert "<strong>Yarn</strong>" in html
    assert "<li><em>a</em>" in html
    assert html.endswith("<p>after</p>")
    assert expanded(text).unknown == ()


def test_components_stay_in_their_list() -> None:
    """Content of a list item stays in it."""
    text = (
        "1. a\n\n   <Tabs>\n     <TabItem label='L'>\n       b\n     </TabItem>\n   </Tabs>\n\n2. c"
    )
    assert "   **L**\n\n" in expanded(text).text
    assert "\n   b\n" in expanded(text).text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<><b>a</b></>", "<b>a</b>"),
        (
            '<span className="a" style={{color: "red"}} onClick={f}>b</span>',
            '<span class="a">b</span>',
        ),
        ("a <Badge text='New' /> b", "a New b"),
        ("<Link to='/x'>a</Link>", '<a href="/x">a</a>'),
        ("<LinkCard title='T' href='/x' description='D' />", '<a href="/x">T</a> D'),
        ("<YouTube id='b' />", "<https://www.youtube.com/watch?v=b>"),
        ("## A {#b}", "## A {#b}"),
        ("## A {/* #b */}", "## A {#b}"),
        ("a\n\n{/* truncate */}\n\nb", "a\n\n<!--more-->\n\nb"),
        ("<br/>", "<br>"),
    ],
)
def test_elements_become_html_or_markdown(written: str, shown: str) -> None:
    """Attributes become HTML's; links, badges and videos show their text or URL."""
    assert expanded(written).text == shown


@pytest.mark.parametrize(
    ("written", "shown", "named"),
    [
        ("a <Chart data={d} /> b", "a  b", "<Chart>"),
        ("a {list.map((x) => <li>{x}</li>)} b", "a  b", "{list.map((x) => <li>{x}</li>)}"),
        ("<img src={x} alt='A'/>", '<img alt="A">', "<img src>"),
        ("<Image src={x}/>", "", "<Image src>"),
        ("<Chart {...props} a='b' />", "", "<Chart>"),
    ],
)
def test_unknown_components_are_removed_and_named(written: str, shown: str, named: str) -> None:
    """`check` can report each component and expression that shows nothing, with its line."""
    found = expanded(f"\n{written}")
    assert found.text == f"\n{shown}"
    assert [(each.name, each.line) for each in found.unknown] == [(named, 2)]


def test_the_config_defines_components() -> None:
    """A template in the config replaces a component around its content."""
    text = "<Note kind='<b>'>\n  *a*\n</Note>"
    html = expanded(text, Note='<aside class="{kind}">{inner}</aside>').text
    assert html.split() == ["<aside", 'class="&lt;b&gt;">', "*a*", "</aside>"]
    assert expanded("<Chart id='1'/>", Chart="![{id}](c.png)").text == "![1](c.png)"


HOSTILE = [
    *("{", "}", "{a", "{'", "{`", "{`${", "<A>", "<A ", "<A b={", "</A>", "<A></A>", "<p>*a"),
    *("  <A>\n  x\n", "import {", "\nimport {\n\n", "export const x = `", "{/*", "<>", "<A b='"),
    *(
        "<Image src={x}/>",
        "\\{",
        "<div>\n<A>\n\n",
        "{(",
        "`{`",
        "<A>\n- x\n",
        "import a from 'x'\n\n",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_proportional_to_length(unit: str) -> None:
    """100,000 characters of anything repeated or unclosed take about a second."""
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    found = expanded(text)
    assert time.process_time() - started < 3
    assert len(found.text) < 12 * len(text)


def test_too_many_tags_are_an_error() -> None:
    """No one writes so many by hand, and they would take minutes."""
    started = time.process_time()
    with pytest.raises(TooComplex, match="too many template tags"):
        expanded("<p>\n" * 1_000_000)
    assert time.process_time() - started < 5


@given(st.text(alphabet="{}<>/*\"'`=AapB\n -$\\()", max_size=80))
def test_any_text_expands(text: str) -> None:
    """No text raises, and every line of the result is a line of the body."""
    found = expanded(text)
    lines = range(1, found.text.count("\n") + 2)
    assert all(1 <= found.source_line(n) <= text.count("\n") + 1 for n in lines)


def test_an_end_tag_in_code_keeps_its_place() -> None:
    """Only the end tag of an open component removes the indentation of its lines."""
    text = "<Steps>\n\n1. a\n\n    ```html\n      <head>\n      </head>\n    ```\n\n</Steps>\n"
    html = render(text, LINKS, dialect("astro"), mdx=True).html
    assert "  &lt;head&gt;\n  &lt;/head&gt;\n</code></pre>" in html
    assert "```" not in html


def test_an_end_tag_in_code_keeps_its_indentation() -> None:
    """Also that of a component that is open around the code."""
    text = "<Tab>\n```jsx\n<Tab>\n  <b>\n    a\n  </b>\n    </Tab>\n```\n</Tab>\n"
    html = render(text, LINKS, dialect("astro"), mdx=True).html
    assert "\n    &lt;/Tab&gt;\n" in html


def test_what_follows_a_summary_is_markdown() -> None:
    """Also without a blank line, as in MDX."""
    text = "<details>\n<summary>a</summary>\n**b**\n</details>\n"
    assert "<p><strong>b</strong></p>" in render(text, LINKS, dialect("astro"), mdx=True).html


CODE = '<pre><code class="language-js">a\n  b\n</code></pre>'


@pytest.mark.parametrize(
    "text",
    [
        "a\n\n\t\t```js\n\t\ta\n\t\t  b\n\t\t```\n",
        "1. a\n\n\t\t```js\n\t\ta\n\t\t  b\n\t\t```\n\n   c\n",
        "1. a\n        ```js\n        a\n          b\n        ```\n",
        "- a\n  - b\n\n          ```js\n          a\n            b\n          ```\n",
        "1. a\n\n    <T>\n     <F>\n     ```js\n    a\n       b\n     ```\n     </F>\n    </T>\n",
        "1. a\n\n   <details>\n   <summary>b</summary>\n   ```js\n   a\n     b\n   ```",
        "a[^b]\n\n[^b]: c\n\n    ```js\n    a\n      b\n    ```\n",
    ],
)
def test_a_fence_is_code_however_far_it_is_indented(text: str) -> None:
    """By spaces or tabs, right after a paragraph, in lists and components."""
    html = render(text, LINKS, dialect("astro"), mdx=True).html
    assert CODE in html
    assert "`" not in html
    assert html.count("<ol") <= 1


@pytest.mark.parametrize(
    "text",
    [
        "- <p>[a](/b) <Badge text='c' /> d</p>\n",
        "<p>\n[a](/b)\n</p>\n",
        "<p>\n\nx\n</p>\n[a](/b)\n",
        "<div>[a](/b)</div>\n",
        "1. x\n\n   <p>[a](/b)</p>\n",
    ],
)
def test_paragraphs_and_boxes_contain_markdown(text: str) -> None:
    """Whether their tags are on lines of their own or not, also in a list."""
    html = render(text, LINKS, dialect("astro"), mdx=True).html
    assert '<a href="https://a.example/b">a</a>' in html
