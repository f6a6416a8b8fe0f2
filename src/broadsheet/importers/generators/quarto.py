"""Read Quarto's _quarto.yml, for the blog of a website.

Sources: quarto.org/docs/reference/projects/websites.html and docs/websites/website-blog.html.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, read_config_file
from broadsheet.importers.findings import Findings, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import ARTICLE_FOLDERS, dated_below

_CONFIGS = ("_quarto.yml", "_quarto.yaml")


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    config = read_config_file(file, files[file])
    findings = Findings("Quarto")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("website", "title"), config.find("title"))
    findings.url(config.find("website", "site-url"), below=config.find("website", "site-path"))
    findings.language(config.find("lang"))
    findings.author(config.find("author"))
    _take_articles(findings, config, folders)
    findings.markdown("quarto")
    findings.assets(["."], findings.default)
    return findings.site()


def _take_articles(findings: Findings, config: ConfigFile, folders: Collection[str]) -> None:
    dated = dated_below(folders, ".")
    present = [name for name in ARTICLE_FOLDERS if name in (folders if dated is None else dated)]
    found = present or sorted(dated or ()) or ["."]
    findings.folders(found, f"folders beside {config.file}")
    findings.permalink("/{path}.html", findings.default)
    for name in found if found != ["."] else ():
        findings.within(name, f"folder {name}", permalink=f"/{under(name, '{path}.html')}")
    findings.addresses("quarto")
    findings.take("articles.exclude", ["**/_*"], findings.default)
    findings.title_from("heading", "filename")


GENERATOR = Generator(95, _CONFIGS, _read_site, marks=_CONFIGS, dialect="quarto")
