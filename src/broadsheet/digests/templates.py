"""Jinja2 templates of the mail: the user's own first, then those that ship with Broadsheet.

A user's `digest.html.j2` may replace ours, or say `{% extends "bundled/digest.html.j2" %}` and
change a block. Errors name the template's file and line.
"""

from __future__ import annotations

import re
import textwrap
import traceback
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FunctionLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from broadsheet.digests.context import IssueContext
from broadsheet.errors import Problem, TemplateError
from broadsheet.i18n import Words
from broadsheet.text.plain import width

FOLDER: Final = "email_templates"
HTML: Final = "digest.html.j2"
WEB: Final = "web.html.j2"
TEXT: Final = "digest.txt.j2"
_BLOCK: Final = re.compile(r"\{%-?\s*block\s+(\w+)")
_END: Final = re.compile(r"(?<=.{4})[\u3040-\u30ff\u3400-\u9fff]{3}[^\w\s]{0,3}\Z")
"""The last characters of a title that is written without spaces, and what follows them."""
_MOST_CHARACTERS: Final = 20_000_000
BUNDLED: Final = "bundled"
"""The prefix under which a user's template finds ours."""


@cache
def bundled() -> Mapping[str, str]:
    """Return the templates that ship with Broadsheet: name -> text.

    Raises TemplateError if they are missing.
    """
    for folder in (files("broadsheet") / FOLDER, Path(__file__).parents[3] / FOLDER):
        if (folder / HTML).is_file():
            return _read(folder)
    raise TemplateError(
        Problem(
            f"the templates that ship with Broadsheet ({FOLDER}/) are missing",
            "install Broadsheet again; in a checkout they are beside src/",
        )
    )


def _read(folder: Traversable) -> Mapping[str, str]:
    found = (file for file in folder.iterdir() if file.name.endswith(".j2"))
    return {file.name: file.read_text(encoding="utf-8") for file in found}


def starters() -> dict[str, str]:
    """Return a starter for each template of the user's own, which changes nothing: name -> text."""
    return {name: _starter(name, bundled()[name]) for name in (HTML, WEB, TEXT)}


def _starter(name: str, text: str) -> str:
    blocks = list(dict.fromkeys(_BLOCK.findall(text)))
    listed = textwrap.fill(", ".join(blocks), 90, subsequent_indent="   ")
    return (
        f"{{# Your own {name}. It extends the template that ships with Broadsheet; a block that\n"
        "   you write here replaces the block of that name, and may use {{ super() }} to keep its\n"
        "   content. docs/digests.md lists what you can show. The blocks are:\n"
        f"   {listed} #}}\n"
        f'{{% extends "{BUNDLED}/{name}" %}}\n\n'
        "{% block masthead %}\n{{ super() }}\n{% endblock %}\n"
    )


def render_template(name: str, context: IssueContext, templates: Mapping[str, str]) -> str:
    """Return the template `name`, rendered with `context` as `issue`, and with `words`.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    template = compile_template(name, templates, context.templates)
    try:
        return _joined(
            template.generate(issue=context, words=Words(context.language, context.texts))
        )
    except Exception as error:  # a template is a program, and may raise anything
        raise _blamed(error, name, templates, context.templates) from error


def _joined(parts: Iterable[str]) -> str:
    """Return the `parts` in one. Raises OverflowError if they are too long, as the sandbox does."""
    found, size = [], 0
    for part in parts:
        found.append(part)
        size += len(part) + 1
        if size > _MOST_CHARACTERS:
            raise OverflowError
    return "".join(found)


def compile_template(name: str, templates: Mapping[str, str], folder: str) -> Template:
    """Return the template `name`. templates: the user's own, in `folder`. Raises TemplateError."""
    try:
        return _environment(tuple(sorted(templates.items())), folder).get_template(name)
    except Exception as error:
        raise _blamed(error, name, templates, folder) from error


def _blamed(
    error: Exception, name: str, templates: Mapping[str, str], folder: str
) -> TemplateError:
    if isinstance(error, TemplateSyntaxError):  # of this template, or of one that it asks for
        return TemplateError(
            Problem(
                error.message or "the template cannot be read",
                "see https://jinja.palletsprojects.com/templates/ for the syntax",
                error.filename or error.name or name,
                error.lineno,
            )
        )
    path, line = _place(error, templates, folder)
    path = path or (f"{folder.rstrip('/')}/{name}" if name in templates else f"{BUNDLED}/{name}")
    return TemplateError(Problem(_what(error), _todo(error), path, line))


@lru_cache(4)
def _environment(templates: tuple[tuple[str, str], ...], folder: str) -> Environment:
    """The environment of the templates, made once for all mails of a run."""
    ours = _loader(bundled(), BUNDLED)
    own = _loader(dict(templates), folder)
    # Ours need no sandbox, which takes a third of the time.
    kind = ImmutableSandboxedEnvironment if templates else Environment
    environment = kind(
        loader=ChoiceLoader([own, ours, PrefixLoader({BUNDLED: ours})]),
        autoescape=lambda name: not (name or "").endswith((".txt", ".txt.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["columns"] = width
    environment.filters["kept_together"] = _with_end_together
    return environment


def _with_end_together(title: str) -> Markup:
    """Return a Chinese or Japanese title as HTML whose last line has at least three characters.

    Such titles break anywhere, and few mail clients know `text-wrap`.
    """
    title = str(title)  # raises what names the place, if it is undefined
    found = _END.search(title)
    if found is None:
        return escape(title)
    end = Markup('<span class="fact">{}</span>').format(found[0])
    return escape(title[: found.start()]) + end


def _loader(templates: Mapping[str, str], folder: str) -> BaseLoader:
    """A loader of `templates` that gives Jinja2 the paths for its tracebacks."""

    def load(name: str) -> tuple[str, str, None] | None:
        text = templates.get(name)
        return None if text is None else (text, _path(folder, name), None)

    return FunctionLoader(load)


def _path(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _place(error: Exception, templates: Mapping[str, str], folder: str) -> tuple[str, int | None]:
    """The innermost template and line in the traceback of `error`; the user's before ours.

    Jinja2 rewrites tracebacks so that their frames name the templates.
    """
    frames = traceback.extract_tb(error.__traceback__)
    for folder_, names in ((folder, templates), (BUNDLED, bundled())):
        paths = {_path(folder_, name) for name in names}
        for frame in reversed(frames):
            if frame.filename in paths:
                return frame.filename, frame.lineno
    return "", None


def _what(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"unknown template {error.name}"
    if isinstance(error, TimeoutError):
        return "the template takes too long"
    if isinstance(error, OverflowError):
        return f"the template makes over {_MOST_CHARACTERS:,} characters, or a range is too large"
    if isinstance(error, RecursionError):
        return "templates include each other, or a macro calls itself, without end"
    return str(error) or type(error).__name__


def _todo(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"yours are in the templates folder; ours are called {BUNDLED}/{HTML} and so on"
    if isinstance(error, TimeoutError | OverflowError):
        return "look for a loop here that goes through too much"
    if isinstance(error, UndefinedError):
        return "docs/digests.md lists what a template can show"
    if isinstance(error, SecurityError):
        return "a template can only read the values that it gets"
    return "correct the template"
