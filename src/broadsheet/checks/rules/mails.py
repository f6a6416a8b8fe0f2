"""Rules on the issues that come next, as mails: what mail clients would do badly with.

The rules are in `digests.lint`, since previews show their findings too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from broadsheet.checks.rule import Slight, site_rule
from broadsheet.checks.site import SiteView
from broadsheet.digests.linted_mail import LINT_RULES
from broadsheet.errors import Problem


def _mail_rule(name: str) -> None:
    severity, about = LINT_RULES[name]

    @site_rule(name, severity, about)
    def look(site: SiteView) -> Iterator[Problem | Slight]:
        for path, mail in site.mails.items():
            for found in mail.problems:
                if found.rule == name:
                    problem = replace(found.problem, path=found.problem.path or path)
                    yield Slight(problem) if found.severity == "warning" else problem


for _name in LINT_RULES:
    _mail_rule(_name)
