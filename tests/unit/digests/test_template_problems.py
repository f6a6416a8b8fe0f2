"""What is wrong with the user's own templates before anything is put into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.digests.template_problems import template_problems
from broadsheet.digests.templates import HTML, TEXT, WEB, bundled, starters
from laws import law

EXTENDS = '{% extends "bundled/digest.html.j2" %}'


def problems(**templates: str) -> list[str]:
    """Return what is wrong; `html` stands for digest.html.j2, `a` for a.j2."""
    named = {HTML if name == "html" else f"{name}.j2": text for name, text in templates.items()}
    return [str(each) for each in template_problems(named, "mail/")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            EXTENDS + "\n{% block mast_head %}x{% endblock %}",
            (
                "mail/digest.html.j2:2: bundled/digest.html.j2 has no block mast_head, so this one "
                "is not shown; did you mean masthead?"
            ),
        ),
        (
            EXTENDS + "\n\n{% block zzz %}x{% endblock %}",
            (
                "mail/digest.html.j2:3: bundled/digest.html.j2 has no block zzz, so this one is "
                "not shown; it has: "
            ),
        ),
        (
            '\n{% extends "digest.html.j2" %}',
            (
                "mail/digest.html.j2:2: the template extends itself; extend the template that "
                'ships with Broadsheet: "bundled/digest.html.j2"'
            ),
        ),
        (
            EXTENDS + "\n\n  <p>Hi</p>\n{% block masthead %}x{% endblock %}",
            (
                "mail/digest.html.j2:3: text outside of a block is not shown, since the template "
                "extends another; move it into a block"
            ),
        ),
        (EXTENDS + "{% if issue.note %}\nHi{% endif %}", "mail/digest.html.j2:2: text outside"),
        ("a\n{% block %}", "mail/digest.html.j2:2: expected token"),
        ("{% if 1 %}" * 2_000, "mail/digest.html.j2: nested too deeply"),
    ],
)
def test_a_problem_has_its_line(text: str, said: str) -> None:
    """Jinja2 itself drops such a block and such a text without a word."""
    (problem,) = problems(html=text)
    assert problem.startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "plain <p>text</p>",
        EXTENDS,
        EXTENDS + "{# a comment #}\n{% set x = 1 %}{% macro m() %}text{% endmacro %}",
        EXTENDS + "{% set x %}text{% endset %}",
        EXTENDS + "{% block masthead %}{% block mine %}text{% endblock %}{% endblock %}",
        EXTENDS + "{% import 'parts.html.j2' as parts %}{% block footer %}{% endblock %}",
        "{% extends issue.digest %}{% block whatever %}{% endblock %}",
        "{% block mine %}text{% endblock %}",
    ],
)
def test_what_is_shown_is_no_problem(text: str) -> None:
    """A new block within a known one is shown, and what a name stands for may be unknown."""
    assert not problems(html=text)


def test_the_whole_chain_of_parents_counts() -> None:
    """A block of a grandparent is known; a cycle is found wherever it begins."""
    middle = EXTENDS + "{% block masthead %}{% block mine %}{% endblock %}{% endblock %}"
    own = (
        '{% extends "middle.j2" %}{% block mine %}1{% endblock %}{% block footer %}2{% endblock %}'
    )
    assert not problems(html=own, middle=middle)
    found = problems(
        html='{% extends "a.j2" %}', a='{% extends "b.j2" %}', b='{% extends "a.j2" %}'
    )
    assert [each.partition(":")[0] for each in found] == [
        *("mail/a.j2", "mail/b.j2", "mail/digest.html.j2")
    ]
    assert all("extends itself" in each for each in found)


def test_a_broken_parent_is_reported_once() -> None:
    """What extends it has no problem of its own."""
    found = problems(html='{% extends "a.j2" %}{% block b %}{% endblock %}', a="{% block %}")
    assert [each.partition(":")[0] for each in found] == ["mail/a.j2"]


@pytest.mark.parametrize("name", [HTML, TEXT, WEB])
def test_ours_and_the_starters_have_no_problem(name: str) -> None:
    """`init` writes the starters."""
    assert not template_problems({name: starters()[name]}, "mail")
    assert not template_problems({name: bundled()[name]}, "mail")


@law(15)
@given(st.sets(st.sampled_from(["a", "b", "masthead", "footer"])), st.integers(0, 3))
def test_exactly_the_unknown_blocks_are_named(names: set[str], lines: int) -> None:
    """Each with its line, in any order."""
    blocks = [*names]
    text = EXTENDS + "\n" * lines
    text += "\n".join(f"{{% block {each} %}}{{% endblock %}}" for each in blocks)
    found = problems(html=text)
    expected = [
        f"mail/digest.html.j2:{1 + lines + blocks.index(each)}"
        for each in blocks
        if each in {"a", "b"}
    ]
    assert [each.partition(": ")[0] for each in found] == expected
