"""Reads what Docusaurus' config writes out, for its blog.

Source: docusaurus.io/docs/api/docusaurus-config and
docusaurus.io/docs/api/plugins/@docusaurus/plugin-content-blog.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, ConfigValue
from broadsheet.importers.findings import (
    ADDRESSES,
    EXCLUDE,
    FOLDERS,
    LOWERCASE,
    TITLE_FROM,
    Findings,
    relative_folder,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import value_after, without_comments
from broadsheet.importers.patterns import tidy

_CONFIGS = tuple(f"docusaurus.config.{ending}" for ending in ("js", "ts", "mjs", "cjs"))


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    code = without_comments(files[file])
    findings = Findings("Docusaurus")
    findings.title(_text(file, code, "title"))
    findings.address(_text(file, code, "url"), below=_text(file, code, "baseUrl"))
    findings.language(_text(file, code, "defaultLocale"))
    _take_blog(findings, file, code)
    findings.markdown("docusaurus")
    static = [name for name in ("static",) if name in folders]
    findings.assets(static or ["static"], "Docusaurus' default")
    return findings.site()


def _text(file: str, code: str, key: str) -> ConfigValue | None:
    """The first text that is written after `key`, or after the constant that it names."""
    value = value_after(code, rf"(?<![\w.]){key}\s*:\s*(?=['\"`])")
    if value is None:
        value = value_after(code, rf"\bconst\s+{key}\s*=\s*(?=['\"`])")
    return ConfigValue(value, file, key) if isinstance(value, str) else None


def _take_blog(findings: Findings, file: str, code: str) -> None:
    group = value_after(code, r"(?<![\w.])blog\s*:\s*(?=\{)")
    blog = ConfigFile(file, group if isinstance(group, dict) else {})
    path, route = blog.find("path"), blog.find("routeBasePath")
    folder = (relative_folder(path.value) if path else None) or "blog"
    base = route.value if route and isinstance(route.value, str) else "blog"
    findings.take(FOLDERS, [folder], path.source if path else "Docusaurus' default")
    slash = value_after(code, r"\btrailingSlash\s*:\s*")
    end = "/" if slash is True else ""
    findings.permalink(
        tidy(f"/{base}/{{path}}{end}"), route.source if route else "Docusaurus' default"
    )
    findings.take(ADDRESSES, "docusaurus", "the site is Docusaurus'")
    findings.take(LOWERCASE, False, "Docusaurus keeps capital letters")
    findings.take(EXCLUDE, ["**/_*"], "Docusaurus' default (exclude)")
    findings.take(TITLE_FROM, ["heading", "filename"], "Docusaurus' default")


GENERATOR = Generator(80, _CONFIGS, _read_site, marks=_CONFIGS, dialect="docusaurus")
