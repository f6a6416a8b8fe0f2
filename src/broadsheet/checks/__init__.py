"""Rules over all that is published: what is wrong, where, and what to do about it."""

from __future__ import annotations

from broadsheet.checks.anchors import Anchors
from broadsheet.checks.article import ArticleRuleSettings, ArticleView
from broadsheet.checks.lookups import lookups
from broadsheet.checks.rule import RULES, Examined, Finding, examine, findings, of_problems
from broadsheet.checks.site import SiteView
from broadsheet.registry import RULES as _MODULES

__all__ = [
    "RULES",
    "Anchors",
    "ArticleRuleSettings",
    "ArticleView",
    "Examined",
    "Finding",
    "SiteView",
    "examine",
    "findings",
    "lookups",
    "markdown",
    "of_problems",
]

for _name in (*_MODULES.own, *_MODULES.plugins):  # importing a module registers its rules
    _MODULES.load(_name)


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
        "Rules about the text ignore code, comments and front matter.",
        "",
        "| rule | severity | why |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{rule.name}` | {rule.severity} | {rule.about} |" for rule in RULES.values()]
    return "\n".join(lines) + "\n"
