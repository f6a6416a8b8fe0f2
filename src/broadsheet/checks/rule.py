"""Rules: each has a name, a severity and a row in docs/checks.md, which is made from here.

An article rule looks at one article and what it looks up; a site rule looks at the whole project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from broadsheet.checks.article import ArticleView
from broadsheet.checks.own import SEVERITIES
from broadsheet.checks.site import NameKind, SiteView
from broadsheet.errors import Problem
from broadsheet.feeds.bounds import entry_bounds

Severity = Literal["error", "warning"]
View = TypeVar("View", ArticleView, SiteView)


@dataclass(frozen=True, slots=True)
class Slight:
    """Something that is only a warning, though the rule that found it is one of errors."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Misspelled:
    """A problem with a name that may be misspelled; `nearest_names` writes what to do about it."""

    problem: Problem
    kind: NameKind
    name: str


Found = Problem | Slight | Misspelled
Register = Callable[[Callable[[View], Iterable[Found]]], None]


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A rule. about: why it matters, in a sentence or two. view: the type that `look` takes."""

    name: str
    severity: Severity
    about: str
    view: type[ArticleView | SiteView]
    look: Callable[[Any], Iterable[Found]]


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


class Examined(Struct, frozen=True, array_like=True):
    """What the article rules found in one article.

    misspelled: findings that lack what to do, with the kind of the name and the name. own: the
    severities that the article sets. rooted_images: how many images it names from the site's root.
    least_bytes, most_bytes: between these is the length of its entry in a feed of whole texts.
    """

    findings: tuple[Finding, ...]
    misspelled: tuple[tuple[Finding, NameKind, str], ...] = ()
    own: Mapping[str, str] = {}
    rooted_images: int = 0
    least_bytes: int = 0
    most_bytes: int = 0


RULES: dict[str, CheckRule] = {}
"""Every rule, by its name, in the order of the documentation."""


_OF_MARKDOWN = frozenset(
    [
        *("body-image-alt", "body-image-large", "body-image-missing", "broken-link"),
        *("footnote-twice", "footnote-undefined", "footnote-unused", "image-missing"),
        *("image-renamed", "link-anchor", "link-nowhere", "link-undefined", "markdown-left"),
        *("other-dialect", "raw-html", "shortcode"),
    ]
)
"""Rules on what the generator of the site has done if a body comes from its page."""


def article_rule(name: str, severity: Severity, about: str) -> Register[ArticleView]:
    """Make a rule about one article of the function below; it yields what is wrong."""
    return lambda look: RULES.update({name: CheckRule(name, severity, about, ArticleView, look)})


def site_rule(name: str, severity: Severity, about: str) -> Register[SiteView]:
    """Make a rule about the whole project of the function below; it yields what is wrong."""
    return lambda look: RULES.update({name: CheckRule(name, severity, about, SiteView, look)})


def _rules(view: type[ArticleView | SiteView]) -> list[CheckRule]:
    return [rule for rule in RULES.values() if rule.view is view]


def more(lines: Sequence[int]) -> str:
    """That the same is so on more lines than the first of `lines`; "" where it is not."""
    others = len(set(lines)) - 1
    lines_ = "line" if others == 1 else "lines"
    return f", here and on {others} {lines_} more" if others else ""


def examine(view: ArticleView) -> Examined:
    """Return what the article rules find in one article."""
    own = view.own
    found: list[Finding] = []
    misspelled: list[tuple[Finding, NameKind, str]] = []
    for rule in _rules(ArticleView):
        setting = _setting(rule.name, view.settings.severities, own)
        if setting == "off" or (view.article.rendered and rule.name in _OF_MARKDOWN):
            continue
        for each in rule.look(view):
            finding = _finding(rule, each, setting)
            if isinstance(each, Misspelled):
                misspelled.append((finding, each.kind, each.name))
            else:
                found.append(finding)
    html = view.rendition.html if view.rendition else ""
    bounds = entry_bounds(len(msgspec.json.encode(view.article, enc_hook=str)), html)
    return Examined(tuple(found), tuple(misspelled), own, view.rooted_images, *bounds)


def findings(site: SiteView, examined: Iterable[Examined]) -> tuple[Finding, ...]:
    """Return everything that is wrong, worst first, then by place.

    examined: the articles, by path.
    """
    found: set[Finding] = set()
    for each in examined:
        found.update(each.findings)
        for finding, kind, name in each.misspelled:
            found.add(replace(finding, problem=site.completed(finding.problem, kind, name)))
    for rule in _rules(SiteView):
        found.update(_of_site(rule, site))
    return tuple(sorted(found, key=_order))


def _of_site(rule: CheckRule, site: SiteView) -> Iterator[Finding]:
    general = site.settings.checks.rules
    if general.get(rule.name) == "off" and not any(rule.name in own for own in site.own.values()):
        return
    for each in rule.look(site):
        problem = each if isinstance(each, Problem) else each.problem
        setting = _setting(rule.name, general, site.own.get(problem.path, {}))
        if setting != "off":
            yield _finding(rule, each, setting)


def _setting(name: str, general: Mapping[str, str], own: Mapping[str, str]) -> str | None:
    """Return the severity that is set for the rule `name`; None for none."""
    said = own.get(name)
    return said if said in SEVERITIES else general.get(name)


def of_problems(name: str, problems: Iterable[Problem]) -> tuple[Finding, ...]:
    """What is so wrong that the rules cannot look any further, under the name of a rule."""
    found = (Finding(name, "error", problem) for problem in problems)
    return tuple(sorted(found, key=_order))


def _finding(rule: CheckRule, found: Found, setting: str | None) -> Finding:
    severity = rule.severity
    if setting is not None:
        severity = "error" if setting == "error" else "warning"
    elif isinstance(found, Slight):
        severity = "warning"
    return Finding(rule.name, severity, found if isinstance(found, Problem) else found.problem)


def _order(finding: Finding) -> tuple[bool, str, int, str, str]:
    problem = finding.problem
    return (
        finding.severity != "error",
        problem.path,
        problem.line or 0,
        finding.rule,
        problem.words,
    )
