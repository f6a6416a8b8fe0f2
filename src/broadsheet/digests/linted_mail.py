"""What `lint` finds in a finished mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from broadsheet.errors import Problem

LintSeverity = Literal["error", "warning"]

CLIP_BYTES = 102_000
"""Gmail clips the HTML of a message after this many bytes."""

ROOM_BYTES = 100_000
"""The default limit of a digest: it leaves room for what delivery adds for a reader."""


class LintProblem(Struct, frozen=True):
    """What a rule of LINT_RULES found.

    cause: a pattern of what in a template may have caused it; "" if that is not known.
    """

    rule: str
    severity: LintSeverity
    problem: Problem
    cause: str = ""


class LintedMail(Struct, frozen=True):
    """A finished mail as mail clients see it. size: of the HTML, in bytes."""

    subject: str
    sender: str
    preheader: str
    size: int
    problems: tuple[LintProblem, ...]


def placed(found: LintProblem, templates: Mapping[str, str], folder: str) -> LintProblem:
    """Return `found` with the place of its cause in the user's `templates`, if one has it.

    templates: name -> text, in `folder`.
    """
    for name, text in sorted(templates.items()) if found.cause else ():
        if cause := re.search(found.cause, text, re.IGNORECASE):
            line = text.count("\n", 0, cause.start()) + 1
            path = f"{folder.rstrip('/')}/{name}"
            return replace(
                found, problem=Problem(found.problem.what, found.problem.todo, path, line)
            )
    return found
