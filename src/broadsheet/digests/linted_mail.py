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

LINT_RULES: dict[str, tuple[LintSeverity, str]] = {
    "mail-size": ("error", "Gmail hides everything after the first 102 kB of a mail's HTML."),
    "mail-style-size": ("error", "Gmail drops a <style> of more than 16 kB."),
    "mail-image-alt": ("warning", "Many mail clients show no images until the reader allows it."),
    "mail-image-width": ("warning", "Outlook shows an image without a width in its own size."),
    "mail-image-type": ("warning", "Outlook shows no SVG, WebP or AVIF."),
    "mail-element": ("error", "Mail clients drop scripts, forms, frames and linked styles."),
    "mail-address": ("error", "In a mail, a relative URL leads nowhere."),
    "mail-subject": (
        "warning",
        "Lists of mails cut long subjects; phones after about 40 columns.",
    ),
    "mail-preheader": ("warning", "Lists of mails show the preheader beside the subject."),
    "mail-unsubscribe": (
        "error",
        (
            "Mail providers and the law require a visible unsubscribe link, in the HTML and in the "
            "text. `deliver` sends no mail without one."
        ),
    ),
    "mail-line": (
        "error",
        "RFC 5322 allows no line over 998 bytes; servers break longer ones.",
    ),
    "mail-text": ("error", "Some people read the plain text part, and so do spam filters."),
    "mail-css": (
        "warning",
        "Gmail or Outlook ignore CSS that they do not know.",
    ),
}
"""Every rule: its severity, and why it matters."""


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
