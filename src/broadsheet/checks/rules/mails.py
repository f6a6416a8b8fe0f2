"""Rules on the issues that come next, as mails: what mail clients would do badly with.

What is remarked, and why, is in `digests.remarks`, since the previews show it too.
"""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.checks.material import Material
from broadsheet.checks.rule import Slight, rule
from broadsheet.digests.lint import LINT_RULES
from broadsheet.errors import Problem


def _mail_rule(name: str) -> None:
    severity, about = LINT_RULES[name]

    @rule(name, severity, about)
    def look(material: Material) -> Iterator[Problem | Slight]:
        for path, mail in material.letters.items():
            for remark in mail.remarks:
                if remark.rule == name:
                    problem = Problem(remark.what, remark.todo, path)
                    yield Slight(problem) if remark.severity == "warning" else problem


for _name in LINT_RULES:
    _mail_rule(_name)
