"""Read Nikola's conf.py, a program of plain assignments.

Source: getnikola.com/handbook.html (POSTS, PRETTY_URLS, TRANSLATIONS_PATTERN).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, items_of, table_of, value_of
from broadsheet.importers.findings import Findings, language_tag, relative_folder
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
    findings.url(config.find("SITE_URL"))
    findings.language(config.find("DEFAULT_LANG"))
    findings.timezone(config.find("TIMEZONE"))
    findings.author(config.find("BLOG_AUTHOR"))
    findings.markdown("python-markdown")
    _take_articles(findings, config)
    findings.take("articles.assets", ["files"] if "files" in folders else [], findings.default)
    return findings.site()


def _take_articles(findings: Findings, config: ConfigFile) -> None:
    found = config.find("POSTS")
    places = {
        folder: str(rule[1]).strip("/")
        for rule in items_of(found)
        if isinstance(rule, tuple | list) and len(rule) > 1
        if (folder := relative_folder(str(rule[0]).partition("*")[0]))
        and ".rst" not in str(rule[0])
    }
    if not found or not places:
        findings.remark(
            "articles.folders", "POSTS in conf.py is not a plain list", 'write e.g. ["posts"]'
        )
        return
    end = ".html" if value_of(config.find("PRETTY_URLS")) is False else "/"
    findings.folders([*places], found.source)
    findings.addresses("nikola")
    first = next(iter(places.values()))
    findings.permalink(tidy(f"/{first}/{{path}}{end}"), found.source)
    for folder, target in places.items():
        if target != first:
            findings.within(folder, found.source, permalink=tidy(f"/{target}/{{path}}{end}"))
    own = value_of(config.find("DEFAULT_LANG")) or "en"
    for name, place in table_of(config.find("TRANSLATIONS")).items():
        if isinstance(name, str) and name != own:
            source = f"language {name}"
            prefix = tidy(f"/{relative_folder(place) or name}/").replace("/./", "/")
            findings.within(f"*.{name}", source, language=language_tag(name), prefix=prefix)


GENERATOR = Generator(110, (_CONFIG,), _read_site)
