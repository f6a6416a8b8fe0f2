"""Rules over all that is published: what is wrong, where, and what to do about it."""

from __future__ import annotations

# Importing the rules is what registers them.
from broadsheet.checks import (
    of_articles,
    of_bodies,
    of_characters,
    of_config,
    of_feeds,
    of_images,
    of_links,
    of_mails,
    of_markdown,
)
from broadsheet.checks.material import Material, Published
from broadsheet.checks.rule import RULES, Finding, findings, of_problems

__all__ = [
    "RULES",
    "Finding",
    "Material",
    "Published",
    "findings",
    "markdown",
    "of_articles",
    "of_bodies",
    "of_characters",
    "of_config",
    "of_feeds",
    "of_images",
    "of_links",
    "of_mails",
    "of_markdown",
    "of_problems",
]


def markdown() -> str:
    """docs/checks.md: every rule, its severity, and why it matters."""
    lines = [
        "# What `broadsheet check` checks",
        "",
        "Generated from the code by `make docs`. `broadsheet check` reads everything that `build`",
        "and `digest` read, makes their output, and writes nothing. Each finding is a line",
        "`path:line: rule: what is wrong; what to do`, under `errors:` or `warnings:`; the counts",
        "come last. If a rule finds much, only the first findings are shown; `--all` shows all. To",
        "see only the findings in some files, name them: `broadsheet check content/new.md`.",
        "",
        "An error, or with `--strict` a warning, ends the command with exit code 1; a config that",
        "cannot be read ends it with 2. `--json` gives the same as data, and `--github` as",
        "annotations for GitHub Actions.",
        "",
        "A rule's severity can be changed in the config:",
        "",
        "```toml",
        "[checks.rules]",
        'no-summary = "off"     # or "warn", "error"',
        "```",
        "",
        "and an article can set it for itself in its front matter, which takes precedence: with",
        "`checks: {no-summary: error}`, or to switch rules off, `check_off: [no-summary]`.",
        "",
        "Code, comments and front matter are never read as text.",
        "",
        "| rule | severity | why |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{rule.name}` | {rule.severity} | {rule.about} |" for rule in RULES.values()]
    return "\n".join(lines) + "\n"
