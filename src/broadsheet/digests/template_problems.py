"""What is wrong with the user's own mail templates before anything is put into them.

Jinja2 drops a block that no parent has, and text outside of blocks, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches

from jinja2 import Environment, TemplateSyntaxError, nodes

from broadsheet.digests.templates import BUNDLED, bundled
from broadsheet.errors import Problem

_ENVIRONMENT = Environment(autoescape=True)
_SYNTAX = "see https://jinja.palletsprojects.com/templates/ for the syntax"


def template_problems(templates: Mapping[str, str], folder: str) -> list[Problem]:
    """Return what is wrong with the user's `templates`, name -> text, in `folder`.

    Raises TemplateError if the templates that ship with Broadsheet are missing.
    """
    return [
        problem
        for name, text in sorted(templates.items())
        for problem in _of_template(name, text, templates, f"{folder.rstrip('/')}/{name}")
    ]


def _of_template(
    name: str, text: str, templates: Mapping[str, str], path: str
) -> Iterator[Problem]:
    try:
        parsed = _ENVIRONMENT.parse(text)
    except RecursionError:
        yield Problem("nested too deeply", "simplify the structure", path)
        return
    except TemplateSyntaxError as error:
        yield Problem(error.message or "invalid syntax", _SYNTAX, path, error.lineno)
        return
    parent = _parent(parsed)
    if parent is None:
        return
    parents = [*_parents(name, text, templates)]
    if len({name, *parents}) <= len(parents):
        fix = f'extend the template that ships with Broadsheet: "{BUNDLED}/{name}"'
        yield Problem("the template extends itself", fix, path, parent.lineno)
    else:
        yield from _dropped(parsed, parents, templates, path)


def _dropped(
    parsed: nodes.Template, parents: list[str], templates: Mapping[str, str], path: str
) -> Iterator[Problem]:
    """Yield what the parents of a template do not show."""
    known = {block for each in parents for block in _all_blocks(_text(each, templates) or "")}
    for node in _outside_blocks(parsed):
        if isinstance(node, nodes.Block) and known and node.name not in known:
            near = get_close_matches(node.name, known, 1)
            fix = f"did you mean {near[0]}?" if near else f"it has: {', '.join(sorted(known))}"
            what = f"{parents[0]} has no block {node.name}, so this one is not shown"
            yield Problem(what, fix, path, node.lineno)
        elif isinstance(node, nodes.TemplateData) and node.data.strip():
            space = len(node.data) - len(node.data.lstrip())
            line = node.lineno + node.data.count("\n", 0, space)
            what = "text outside of a block is not shown, since the template extends another"
            yield Problem(what, "move it into a block", path, line)


def _parents(name: str, text: str, templates: Mapping[str, str]) -> Iterator[str]:
    """Yield what the template `name` extends, then what that extends, up to the first again."""
    found = {name}
    each: str | None = text
    while each and (extends := _parent(_parsed(each))):
        if not isinstance(extends.template, nodes.Const):
            return
        parent = str(extends.template.value)
        yield parent
        if parent in found:
            return
        found.add(parent)
        each = _text(parent, templates)


def _parsed(text: str) -> nodes.Template:
    """Return the tree of a template; an empty one for a template that has a problem of its own."""
    with suppress(RecursionError, TemplateSyntaxError):
        return _ENVIRONMENT.parse(text)
    return nodes.Template([])


def _parent(parsed: nodes.Template) -> nodes.Extends | None:
    return next(parsed.find_all(nodes.Extends), None)


def _text(name: str, templates: Mapping[str, str]) -> str | None:
    """Return the text of the template that Jinja2 finds under `name`; None for none."""
    return templates.get(name) or bundled().get(name.removeprefix(f"{BUNDLED}/"))


def _all_blocks(text: str) -> Iterator[str]:
    for block in _parsed(text).find_all(nodes.Block):
        yield block.name


def _outside_blocks(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the nodes below `node`, without those in blocks, macros and assignments."""
    for child in node.iter_child_nodes():
        yield child
        if not isinstance(child, (nodes.Block, nodes.Macro, nodes.AssignBlock, nodes.CallBlock)):
            yield from _outside_blocks(child)
