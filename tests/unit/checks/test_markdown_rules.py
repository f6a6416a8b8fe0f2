"""The rules about leftover Markdown, and about what another dialect reads differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newsroom import Newsroom

HEAD = "---\ntitle: A\ndate: 2025-06-01\nsummary: S.\n---\n"


def found(newsroom: Newsroom, rule: str, markdown: str, body: str, *, more: str = "") -> list[Any]:
    """Return what `rule` finds in an article of one dialect, whose body begins on line 6."""
    newsroom.configure(f'[articles]\nmarkdown = "{markdown}"\n{more}')
    newsroom.write("content/a.md", HEAD + body)
    every = json.loads(newsroom.run("check", "--json").out)
    return [each for each in every if each["rule"] == rule]


@pytest.mark.parametrize(
    ("markdown", "body", "line", "written"),
    [
        ("commonmark", "a\n\nText. ```js\nb", 8, "```"),
        ("commonmark", "a {{ user.name }}", 6, "{{"),
        ("commonmark", "a\n\n{% for x in y", 8, "{%"),
        ("hugo", "a\n\n{/* hidden */}", 8, "{/*"),
        ("hugo", "## A\n{: #id }\n\n{:toc}", 7, "{: #id }"),
        ("github", "## A {#id}", 6, "{#id}"),
        ("hugo", "a\n\n:::note\nb\n:::", 8, ":::"),
        ("hugo", '!!! note "T"\n    b', 6, "!!! note"),
        ("hugo", "a\n\n- b [[Page]]", 8, "[[Page]]"),
        ("hugo", "a\n\n看[[页面]]", 8, "[[页面]]"),
        ("hugo", "a ** b ** c**d **", 0, ""),
        ("hugo", "a\n\n**b **c", 8, "**b **"),
        ("hugo", "**a **b [t](x", 6, "**a **"),
        ("hugo", "**a **b [t](x", 6, "[t](x"),
        ("hugo", "a\n\n![t](a b.png)", 8, "[t](a b.png)"),
        ("hugo", "src/**/*.py and lib/**, f[i](a b), **/*.md", 0, ""),
        ("hugo", "{{< figure src=a.png >}}{: .c}", 6, "{: .c}"),
        ("hugo", "a\n\n{{< note >}}\nb\n{{< /note >}} {: .c}", 10, "{: .c}"),
        ("obsidian", "a\n\nb %%c\n\nd", 8, "%%"),
        ("obsidian", "a %%b%% 5%% of `%%`", 0, ""),
        ("hugo", "a %%c", 0, ""),
        ("hugo", "[a] (b)", 0, ""),
        ("hugo", "a\n\n[b]: https://e.org/c)\n[d]: /e", 8, "[b]:"),
        ("hugo", "[b]\n\n[b]: https://e.org/c", 0, ""),
        ("hugo", "[a]( https://e.org/ ]", 6, "[a]("),
        ("hugo", "[a](https://e.org/ b)", 6, "]("),
        ("hugo", "a\n\n<Image src={x} alt={{a: 1}} />", 8, "{{"),
        ("python-markdown", "a\n\n```js {1-3} x=y z\nb\n```", 0, ""),
        ("python-markdown", "> [!NOTE] b\n\n:::note\n", 8, ":::"),
        ("python-markdown", "- a\n\n[b]: c\n\nText [[Page]] text.", 10, "[[Page]]"),
    ],
)
def test_leftover_markup_is_an_error_with_its_line(
    newsroom: Newsroom, markdown: str, body: str, line: int, written: str
) -> None:
    """Markup that readers would see is found in each dialect, and intended text is not."""
    marks = found(newsroom, "markdown-left", markdown, body)
    if not line:
        assert marks == []
        return
    assert line in {each["line"] for each in marks}
    assert any(written in each["what"] for each in marks)
    assert {each["severity"] for each in marks} == {"error"}


@pytest.mark.parametrize(
    "body",
    [
        "`{{ x }}` and `:::` and `[[a]]`",
        "```\n{% raw %} ** {:toc} [[a]] :::\n```",
        "    {{ code }}\n\ntext",
        "\\*\\*a\\*\\* \\[\\[b\\]\\] \\{{ c }}",
        "2 ** 3 ** 4, a*b*c, list[0][1], C++ and a::b::c",
        "geyser[[1]], [[2]] and env[[name]]; 只只~~~小鸟",
        "[[1]](https://e.org/) and [![](i.png)](https://e.org/)",
        "<p>A &lt;p&gt;b&lt;/p&gt;</p>",
        "<b>A &lt;b&gt;b&lt;/b&gt;</b>",
        "`a` &lt;div&gt; 1 < 2 > 0",
        "$$\na_{b_{c}} **\n$$",
    ],
)
def test_intended_marks_are_not_reported(newsroom: Newsroom, body: str) -> None:
    """Code, escaped characters, and text that only looks like markup."""
    assert found(newsroom, "markdown-left", "commonmark", body) == []


def test_a_template_in_an_address_is_named(newsroom: Newsroom) -> None:
    """A URL with a template tag in it is dead."""
    (one,) = found(newsroom, "markdown-left", "hugo", "a\n\n[b](</{{ unknown | x }}/c>)")
    assert one["line"] == 8
    assert "address" in one["what"]


@pytest.mark.parametrize(
    ("body", "line"), [("a [b][c]", 6), ("a\n\n<i>[b][c]</i>", 8), ("<h4>a [b][c]</h4>", 0)]
)
def test_a_label_is_looked_for_where_markdown_is_read(
    newsroom: Newsroom, body: str, line: int
) -> None:
    """In an HTML block brackets are text."""
    lines = [each["line"] for each in found(newsroom, "link-undefined", "commonmark", body)]
    assert lines == [line] * bool(line)


@pytest.mark.parametrize(
    "body",
    [
        "[b](https://e.org/repl#code=%7B%7Ba%7D%7D)",
        "[b](https://e.org/%7Bid%7D?a=%7b)",
        "[b](https://e.org/{id})",
    ],
)
def test_a_brace_in_an_address_is_no_template(newsroom: Newsroom, body: str) -> None:
    """Links to playgrounds contain percent-encoded code."""
    assert found(newsroom, "markdown-left", "docusaurus", body) == []


def test_a_mark_is_named_on_its_own_line(newsroom: Newsroom) -> None:
    """Not on an earlier one that has the same characters where they are right."""
    body = "<ul>\n<li>a</li>\n</ul>\n\n[a](https://e.org/)\n\n<p>\nb [c](https://e.org/ d)\n</p>"
    (one,) = found(newsroom, "markdown-left", "hugo", body)
    assert one["line"] == 13


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("```js {1}\na\n```\n\n- b\n- c", 0),
        ("a\n- b\n- c", 6),
        ("- a\n  - b\n    - c", 7),
        ("1. a\n   - b\n2. c", 6),
        ("```rust,ignore\na\n```", 6),
        ("# A\n\nText.\n\n- a", 0),  # the title, which is not repeated in the text
        ("# Not it\n\nText.\n\n- a", 0),
        ("# A\n\na\n- b", 8),
        ("Text.\n\n- a\n- b\n\n1. c\n2. d\n\n> e\n\n## F\n\n    code", 0),
    ],
)
def test_differences_between_the_engines_are_reported(
    newsroom: Newsroom, body: str, line: int
) -> None:
    """If Python-Markdown is configured, at the line where CommonMark begins to differ."""
    differing = found(newsroom, "other-dialect", "python-markdown", body)
    assert [each["line"] for each in differing] == ([line] if line else [])


def test_differences_do_not_matter_beside_a_generator_that_uses_the_dialect(
    newsroom: Newsroom,
) -> None:
    """An article of MkDocs is right as MkDocs renders it."""
    newsroom.write("mkdocs.yml", "site_name: A\n")
    assert found(newsroom, "other-dialect", "mkdocs", "a\n- b\n- c") == []


def test_commonmark_is_compared_only_on_request(newsroom: Newsroom) -> None:
    """Authors for Hugo need not know what Python-Markdown makes of their text."""
    body = "a\n- b\n- c"
    assert found(newsroom, "other-dialect", "hugo", body) == []
    asked = '[checks.rules]\nother-dialect = "warn"\n'
    (one,) = found(newsroom, "other-dialect", "hugo", body, more=asked)
    assert "CommonMark reads a list item" in one["what"] or "CommonMark" in one["what"]


@pytest.mark.parametrize(
    ("markdown", "body"),
    [
        ("hugo", "$${{\\theta}_{1}}$$ and {{</* figure */>}}"),
        ("zola", "a {{b}}"),
        ("jekyll", "_\\<%= render %\\>_ and {% raw %}{{ a }}{% endraw %}"),
        ("jekyll", "<p>Where are they?<br />!!! Come on</p>"),
        ("hugo", "Where are they? !!! come on"),
        ("hugo", "[[Headers][X86] Allow](https://e.org/)"),
    ],
)
def test_what_the_site_shows_as_it_is_was_meant(
    newsroom: Newsroom, markdown: str, body: str
) -> None:
    """Templates of another generator, an admonition within a paragraph, brackets in a link."""
    assert found(newsroom, "markdown-left", markdown, body) == []
    assert found(newsroom, "link-undefined", markdown, body) == []


def test_an_article_in_html_has_no_markdown(newsroom: Newsroom) -> None:
    """Its text is right as it is; only a template tag that does not end is not."""
    newsroom.configure('[articles]\nmarkdown = "python-markdown"\n')
    body = "<p>[[fallthrough]] and **a b\n- c</p>\n<h2>A {#id}</h2>\n"
    newsroom.write("content/a.html", HEAD + body)
    rules = {each["rule"] for each in json.loads(newsroom.run("check", "--json").out)}
    assert rules.isdisjoint({"markdown-left", "other-dialect"})
