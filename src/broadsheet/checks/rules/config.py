"""Rules on what an editor sets for the whole: the config, templates, the records of issues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from broadsheet.articles import fields
from broadsheet.articles.catalogue import TERMS
from broadsheet.articles.topics import topic_key
from broadsheet.checks.article import ArticleView
from broadsheet.checks.own import SEVERITIES
from broadsheet.checks.rule import RULES, Slight, article_rule, site_rule
from broadsheet.checks.site import SiteView
from broadsheet.digests.sender import sender_problems
from broadsheet.errors import Problem
from broadsheet.i18n import catalogue, languages, own_texts, untranslated
from broadsheet.model.settings import DigestSettings, Grouping, Selection
from broadsheet.text.counting import count
from broadsheet.text.toml import key_line, names_of

_CATALOGUES: Final = "publication.catalogues"


@site_rule(
    "config",
    "error",
    "broadsheet.toml cannot be read, or a key or value in it is wrong; all mistakes are reported "
    "at once. So is a rule under `[checks.rules]` that does not exist.",
)
def config(site: SiteView) -> Iterator[Problem]:
    for name in site.settings.checks.rules:
        if name not in RULES:
            line = site.config_line(name)
            what = f"unknown rule {name!r}"
            yield Problem(what, _rule_meant(name), site.config[0], line, "checks.rules")


@site_rule(
    "markdown-dialect",
    "error",
    "Generators read Markdown differently. Without `articles.markdown`, articles are read by "
    "Python-Markdown, which breaks code, lists and line breaks in articles written for Hugo, "
    "Jekyll, Zola, Astro or Eleventy.",
)
def markdown_dialect(site: SiteView) -> Iterator[Problem]:
    articles = site.settings.articles
    if articles.markdown is None and site.dialect and not articles.rendered:
        what = f"is missing, and the site's dialect is {site.dialect}"
        fix = f'write `markdown = "{site.dialect}"` under [articles]'
        line = key_line(site.config[1], ("articles", "markdown"))
        yield Problem(what, fix, site.config[0], line, "articles.markdown")


@site_rule(
    "no-translation",
    "warning",
    "Broadsheet has no texts in the language of the publication or of a digest, and neither has "
    "the config, or not all of them; so what it writes around the articles is English, or partly.",
)
def no_translation(site: SiteView) -> Iterator[Problem]:
    settings = site.settings
    asked = {"publication": settings.publication.language}
    asked |= {
        f"digests.{name}": each.language for name, each in settings.digests.items() if each.language
    }
    for table, language in asked.items():
        own = own_texts(settings.publication.texts, language)
        if missing := () if catalogue(language) else untranslated(own):
            what = f"Broadsheet has no texts in {language!r}, so those around articles are English"
            fix = f"its languages are {', '.join(languages())}; or add a file to {_CATALOGUES}"
            if own:
                what = f"{count(len(missing), 'text')} without a translation into {language!r}, "
                what += f"such as {missing[0]!r}"
                fix = f"add them to [publication.texts.{language}], or to a file of {_CATALOGUES}"
            line = key_line(site.config[1], (*table.split(".", 1), "language"))
            yield Problem(what, fix, site.config[0], line, f"{table}.language")


@article_rule(
    "check-off",
    "warning",
    "An article names a rule that does not exist, or an unknown severity, so what it was meant "
    "to hide still shows.",
)
def check_off(view: ArticleView) -> Iterator[Problem]:
    for name, severity in view.own.items():
        if name not in RULES:
            what, todo, key = f"unknown rule {name!r}", _rule_meant(name), ""
        elif severity not in SEVERITIES:
            what, key = f"{severity!r} is not a severity of {name!r}", "checks"
            todo = f"write {', '.join(SEVERITIES)}"
        else:
            continue
        line = view.line(*fields.UNCHECKED, *fields.CHECKS)
        yield Problem(what, todo, view.path, line, key)


@site_rule(
    "selection",
    "warning",
    "A feed or digest asks for a topic, tag, author or language that no article has: it stays "
    "empty, or a section never comes.",
)
def selection(site: SiteView) -> Iterator[Problem]:
    feeds, digests = site.settings.feeds, site.settings.digests
    selections: dict[str, Selection] = {"feeds.main": feeds.main}
    selections |= {f"feeds.{name}": each for name, each in feeds.named.items()}
    selections |= {f"digests.{name}": each for name, each in digests.items()}
    for by, terms in TERMS.items():
        used = {term for article in site.by_path for term in terms(article)}
        for key, each in selections.items():
            wanted = [*getattr(each, by)]
            if by == "topics" and isinstance(each, DigestSettings):
                wanted += each.topic_order
            for one in dict.fromkeys(wanted):
                if not site.catalogue.matches(by, used, [one]):
                    yield _nobody_has(site, key, by, one, used)


def _nobody_has(
    site: SiteView, key: str, by: Grouping, wanted: str, used: Iterable[str]
) -> Problem:
    what = f"no article has the {by.removesuffix('s')} {wanted!r}"
    todo = nearest(wanted, used) or "correct it, or keep it for future articles"
    return Problem(what, todo, site.config[0], site.config_line(wanted), key)


@site_rule(
    "mail-sender",
    "error",
    "Receivers reject mail whose sender, envelope sender and DKIM signature belong to different "
    "domains (DMARC). An error if neither belongs to the sender's domain; else a warning.",
)
def mail_sender(site: SiteView) -> Iterator[Problem | Slight]:
    settings = site.settings
    if not settings.digests:
        return
    for severity, problem in sender_problems(settings.publication, settings.delivery):
        line = key_line(site.config[1], names_of(problem.key))
        placed = replace(problem, path=site.config[0], line=line)
        yield placed if severity == "error" else Slight(placed)


@site_rule(
    "template", "error", "A mail template of yours fails, so no issue could be made with it."
)
def template(site: SiteView) -> Iterator[Problem]:
    yield from site.templates


@site_rule(
    "record",
    "error",
    "The record of an issue cannot be read. Without it, `digest` would send its articles again, so "
    "it makes no issue of that digest until the record is back.",
)
def record(site: SiteView) -> Iterator[Problem]:
    yield from site.records


@site_rule(
    "refused-issue",
    "error",
    "`digest` would refuse to make an issue, because it may repeat articles that readers have: "
    "most of it is late, or its digest looks renamed. A warning until the issue is due.",
)
def refused_issue(site: SiteView) -> Iterator[Problem | Slight]:
    for name, (problems, due) in site.refused.items():
        for problem in problems:
            if not problem.path:  # those of a note have their place, and a rule of their own
                line = site.config_line(f"digests.{name}")
                found = replace(problem, path=site.config[0], line=line)
                yield found if due else Slight(found)


@site_rule(
    "editors-note",
    "error",
    "An editor's note (`digests/NAME/DATE.md`) has an unknown key, or names an article that the "
    "issue cannot have; `digest` does not make the issue until it is corrected.",
)
def editors_note(site: SiteView) -> Iterator[Problem]:
    for problems, _ in site.refused.values():
        yield from (problem for problem in problems if problem.path)


def nearest(name: str, known: Iterable[str]) -> str:
    """A question after the one of `known` that is spelled most like `name`; "" for none."""
    return _nearest(name, tuple(sorted(known)))


@lru_cache(1000)  # many articles often have the same slip
def _nearest(name: str, known: tuple[str, ...]) -> str:
    by_key = {topic_key(each): each for each in known}
    near = get_close_matches(topic_key(name), by_key, n=1, cutoff=0.5)
    return f"did you mean {by_key[near[0]]!r}?" if near else ""


def _rule_meant(name: str) -> str:
    return nearest(name, RULES) or "docs/checks.md lists the rules"
