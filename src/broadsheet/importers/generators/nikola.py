"""Reads Nikola's conf.py, a program of plain assignments.

Source: getnikola.com/handbook.html (POSTS, PRETTY_URLS, TRANSLATIONS_PATTERN).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile
from broadsheet.importers.findings import (
    ADDRESSES,
    ASSETS,
    FOLDERS,
    LOWERCASE,
    Findings,
    language_tag,
    relative_folder,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import tidy
from broadsheet.importers.python import read_python_config

_CONFIG = "conf.py"  # Sphinx has one too


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    if _CONFIG not in files or "POSTS" not in files[_CONFIG]:
        return None
    config = read_python_config(_CONFIG, files[_CONFIG])
    findings = Findings("Nikola")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("BLOG_TITLE"))
    findings.address(config.find("SITE_URL"))
    findings.language(config.find("DEFAULT_LANG"))
    findings.timezone(config.find("TIMEZONE"))
    findings.author(config.find("BLOG_AUTHOR"))
    findings.markdown("python-markdown")
    _take_articles(findings, config)
    findings.take(ASSETS, [name for name in ("files",) if name in folders], "Nikola's default")
    return findings.site()


def _take_articles(findings: Findings, config: ConfigFile) -> None:
    found = config.find("POSTS")
    rules = found.value if found and isinstance(found.value, tuple | list) else []
    places = {
        folder: str(rule[1]).strip("/")
        for rule in rules
        if isinstance(rule, tuple | list) and len(rule) > 1
        if (folder := relative_folder(str(rule[0]).partition("*")[0]))
        and ".rst" not in str(rule[0])
    }
    if not found or not places:
        findings.remark(FOLDERS, "POSTS in conf.py is not a plain list", 'write e.g. ["posts"]')
        return
    pretty = config.find("PRETTY_URLS")
    end = ".html" if pretty and pretty.value is False else "/"
    findings.take(FOLDERS, [*places], found.source)
    findings.take(ADDRESSES, "nikola", "the site is Nikola's")
    findings.take(LOWERCASE, False, "Nikola keeps the case of slugs")
    first = next(iter(places.values()))
    findings.permalink(tidy(f"/{first}/{{path}}{end}"), found.source)
    for folder, target in places.items():
        if target != first:
            findings.within(folder, found.source, permalink=tidy(f"/{target}/{{path}}{end}"))
    _take_translations(findings, config)


def _take_translations(findings: Findings, config: ConfigFile) -> None:
    languages, default = config.find("TRANSLATIONS"), config.find("DEFAULT_LANG")
    for name in languages.value if languages and isinstance(languages.value, Mapping) else ():
        if isinstance(name, str) and name != (default.value if default else "en"):
            findings.within(
                f"*.{name}", f"language {name}", language=language_tag(name), prefix=f"/{name}/"
            )


GENERATOR = Generator(110, (_CONFIG,), _read_site)
