"""Rules over all that is published: what is wrong, where, and what to do about it."""

from __future__ import annotations

# Importing the rules is what registers them.
from broadsheet.checks import of_articles, of_bodies, of_outputs
from broadsheet.checks.material import Material, Published
from broadsheet.checks.rule import RULES, Finding, findings

__all__ = [
    "RULES",
    "Finding",
    "Material",
    "Published",
    "findings",
    "markdown",
    "of_articles",
    "of_bodies",
    "of_outputs",
]


def markdown() -> str:
    """docs/checks.md: every rule, its severity, and why it matters."""
    lines = [
        "# What `broadsheet check` checks",
        "",
        "Made from the code by `make docs`. A rule's severity can be changed in the config:",
        "",
        "```toml",
        "[checks.rules]",
        'no-summary = "off"     # or "warn", "error"',
        "```",
        "",
        "and an article can switch rules off for itself with `check_off: [no-summary]` in its front",
        "matter. An error, or with `--strict` a warning, ends the command with exit code 1.",
        "",
        "| rule | severity | why |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{rule.name}` | {rule.severity} | {rule.about} |" for rule in RULES.values()]
    return "\n".join(lines) + "\n"
