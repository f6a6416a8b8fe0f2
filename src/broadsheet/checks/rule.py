"""Rules: each has a name, a severity and a page in docs/checks.md, which is made from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from broadsheet.checks.material import Material
from broadsheet.checks.own import SEVERITIES
from broadsheet.errors import Problem

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Slight:
    """Something that is only a warning, though the rule that found it is one of errors."""

    problem: Problem


Look = Callable[[Material], Iterable[Problem | Slight]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    about: why it matters, in a sentence or two. look: finds what is wrong.
    """

    name: str
    severity: Severity
    about: str
    look: Look


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule found, with the severity that the config gives it."""

    rule: str
    severity: Severity
    problem: Problem

    def __str__(self) -> str:
        """`path:line: rule-name: what is wrong; what to do`"""
        where = self.problem.where
        text = f"{self.rule}: {self.problem.words}"
        return f"{where}: {text}" if where else text


RULES: dict[str, Rule] = {}
"""Every rule, by its name, in the order of the documentation."""


def rule(name: str, severity: Severity, about: str) -> Callable[[Look], Look]:
    """Makes a rule of the function below; it yields what is wrong."""

    def register(look: Look) -> Look:
        RULES[name] = Rule(name, severity, about, look)
        return look

    return register


def more(lines: Sequence[int]) -> str:
    """That the same is so on more lines than the first of `lines`; "" where it is not."""
    others = len(set(lines)) - 1
    lines_ = "line" if others == 1 else "lines"
    return f", here and on {others} {lines_} more" if others else ""


def findings(material: Material) -> tuple[Finding, ...]:
    """All that is wrong, worst first, then by place."""
    found = {finding for each in RULES.values() for finding in _apply(each, material)}
    return tuple(sorted(found, key=_order))


def of_problems(name: str, problems: Iterable[Problem]) -> tuple[Finding, ...]:
    """What is so wrong that the rules cannot look any further, under the name of a rule."""
    found = (Finding(name, "error", problem) for problem in problems)
    return tuple(sorted(found, key=_order))


def _apply(each: Rule, material: Material) -> Iterator[Finding]:
    general = material.settings.checks.rules.get(each.name)
    if general == "off" and not any(each.name in said for said in material.own.values()):
        return
    for found in each.look(material):
        problem = found.problem if isinstance(found, Slight) else found
        said = material.own.get(problem.path, {}).get(each.name)
        setting = said if said in SEVERITIES else general
        if setting != "off":
            yield Finding(each.name, _severity(each, found, setting), problem)


def _severity(each: Rule, found: Problem | Slight, setting: str | None) -> Severity:
    if setting is None:
        return "warning" if isinstance(found, Slight) else each.severity
    return "error" if setting == "error" else "warning"


def _order(finding: Finding) -> tuple[bool, str, int, str, str]:
    problem = finding.problem
    return (
        finding.severity != "error",
        problem.path,
        problem.line or 0,
        finding.rule,
        problem.words,
    )
