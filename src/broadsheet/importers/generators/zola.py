"""Read Zola's config: zola.toml, or the config.toml that has a base_url.

Source: getzola.org/documentation/getting-started/configuration and content/page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, read_config_file, table_of, value_of
from broadsheet.importers.findings import Findings, language_tag
from broadsheet.importers.generator import GeneratedSite, Generator

_CANDIDATES = ("zola.toml", "config.toml")

_CONTENT = "content"  # fixed in Zola


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have a Zola config; else None."""
    file = next((name for name in _CANDIDATES if name in files), None)
    if file is None:
        return None
    config = read_config_file(file, files[file])
    if not _is_zola(config, files[file]):
        return None
    findings = Findings("Zola")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("title"))
    findings.url(config.find("base_url"))
    _take_language(findings, config)
    findings.author(config.find("author"), config.find("extra", "author"))
    _take_articles(findings, config)
    findings.markdown(
        "zola",
        ("emoji", config.find("markdown", "render_emoji")),
        ("smart", config.find("markdown", "smart_punctuation")),
        ("alerts", config.find("markdown", "github_alerts")),
    )
    static = ["static"] if "static" in folders else []
    findings.assets([*static, _CONTENT], findings.default)
    return findings.site()


def _is_zola(config: ConfigFile, text: str) -> bool:
    if config.file == "zola.toml" or config.find("base_url"):
        return True
    return bool(config.complaint) and re.search(r"(?m)^\s*base_url\b", text) is not None


def _take_language(findings: Findings, config: ConfigFile) -> None:
    own = config.find("default_language")
    findings.language(own)
    for name in table_of(config.find("languages")):
        if name != (value_of(own) or "en"):
            source, prefix = f"language {name}", f"/{name.lower()}/"
            findings.within(f"*.{name}", source, language=language_tag(name), prefix=prefix)


def _take_articles(findings: Findings, config: ConfigFile) -> None:
    findings.folders([_CONTENT], findings.default)
    findings.permalink("/{path}/", findings.default)
    findings.addresses("zola", keeps_case=False)
    keeps_dates = config.find("slugify", "paths_keep_dates")
    if keeps_dates and keeps_dates.value is True:
        findings.permalink("/{folders}/{slug_or_filename}/", keeps_dates.source)
    spelling = config.find("slugify", "paths") or config.find("slugify_paths")
    if spelling and spelling.value in ("safe", "off"):
        findings.keep_case(spelling.source)


GENERATOR = Generator(20, _CANDIDATES, _read_site)
