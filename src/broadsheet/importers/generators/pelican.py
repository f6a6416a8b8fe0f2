"""Reads Pelican's config, a program of plain assignments.

Source: docs.getpelican.com/en/latest/settings.html (URL settings, SLUGIFY_SOURCE, PATH_METADATA).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, ConfigValue, find
from broadsheet.importers.findings import (
    ADDRESSES,
    EXCLUDE,
    FOLDERS,
    LOWERCASE,
    PERMALINK,
    Findings,
    relative_folder,
    under,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import translate
from broadsheet.importers.python import read_python_config

_CONFIGS = ("publishconf.py", "pelicanconf.py")  # the first imports the second

_TOKEN = r"\{(\w+(?::[^{}]*)?)\}"  # noqa: S105 - a pattern, no secret
_TOKENS = {
    "slug": "{slug_or_title}",
    "category": "{categories}",
    "date:%Y": "{year}",
    "date:%m": "{month}",
    "date:%d": "{day}",
    "date:%b": "{month_name}",
    "date:%H": "{hour}",
    "date:%M": "{minute}",
    "date:%S": "{second}",
    "date:%j": "{day_of_year}",
    "date:%-m": "{month_number}",
    "date:%-d": "{day_number}",
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    if "pelicanconf.py" not in files:
        return None
    documents = [read_python_config(name, files[name]) for name in _CONFIGS if name in files]
    findings = Findings("Pelican")
    if findings.complain(documents):
        return findings.site()
    findings.title(find(documents, "SITENAME"))
    findings.address(next((each for each in _all(documents, "SITEURL") if each.value), None))
    findings.language(find(documents, "DEFAULT_LANG"))
    findings.timezone(find(documents, "TIMEZONE"))
    findings.author(find(documents, "AUTHOR"))
    findings.markdown("pelican")
    path = find(documents, "PATH")
    root = (relative_folder(path.value) if path else None) or "."
    _take_articles(findings, documents, root, folders)
    findings.assets([root], path.source if path else "Pelican's default")
    return findings.site()


def _all(documents: list[ConfigFile], key: str) -> list[ConfigValue]:
    return [found for each in documents if (found := each.find(key))]


def _take_articles(
    findings: Findings, documents: list[ConfigFile], root: str, folders: Collection[str]
) -> None:
    paths = find(documents, "ARTICLE_PATHS")
    listed = paths.value if paths and isinstance(paths.value, list | tuple) else [""]
    names = [relative_folder(under(root, name)) for name in listed if isinstance(name, str)]
    findings.take(
        FOLDERS, [name for name in names if name] or [root], paths.source if paths else "PATH"
    )
    pages = find(documents, "PAGE_PATHS")
    excluded = pages.value if pages and isinstance(pages.value, list | tuple) else ["pages"]
    kept = [name for each in excluded if (name := under(root, str(each))) in folders]
    if kept:
        findings.take(EXCLUDE, kept, pages.source if pages else "Pelican's default (pages)")
    findings.take(ADDRESSES, "pelican", "the site is Pelican's")
    findings.take(LOWERCASE, False, "Pelican keeps the case of slugs")
    _take_permalink(findings, documents)


def _take_permalink(findings: Findings, documents: list[ConfigFile]) -> None:
    default = ConfigValue("{slug}.html", "Pelican's default")
    found = find(documents, "ARTICLE_URL") or default
    source = find(documents, "SLUGIFY_SOURCE")
    by_name = {"slug": "{slug}"} if source and source.value == "basename" else {}
    template = str(found.value) if isinstance(found.value, str) else ""
    pattern, unknown = translate(template, _TOKEN, {**_TOKENS, **by_name})
    if unknown or not template:
        findings.no_permalink(found, unknown or ["code"])
        return
    findings.permalink(pattern, found.source)
    if re.search(r"\{slug_or_title\}", pattern):
        findings.remark(
            PERMALINK,
            "Pelican writes slugs in Latin letters",
            "an article whose title has others needs `Slug` in its metadata",
        )


GENERATOR = Generator(100, _CONFIGS, _read_site, marks=("pelicanconf.py",), dialect="pelican")
