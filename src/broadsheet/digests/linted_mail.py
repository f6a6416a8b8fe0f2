"""What `lint` finds in a finished mail."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from broadsheet.errors import Problem

LintSeverity = Literal["error", "warning"]

CLIP_BYTES = 102_000
"""Gmail clips the HTML of a message after this many bytes."""

ROOM_BYTES = 100_000
"""The default limit of a digest: it leaves room for what delivery adds for a reader."""


class LintProblem(Struct, frozen=True):
    """What a rule of LINT_RULES found."""

    rule: str
    severity: LintSeverity
    problem: Problem


class LintedMail(Struct, frozen=True):
    """A finished mail as mail clients see it. size: of the HTML, in bytes."""

    subject: str
    sender: str
    preheader: str
    size: int
    problems: tuple[LintProblem, ...]
