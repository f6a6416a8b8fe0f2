"""Read what Docusaurus' config gives as literals, for its blog.

Source: docusaurus.io/docs/api/docusaurus-config,
docusaurus.io/docs/api/plugins/@docusaurus/plugin-content-blog and docusaurus.io/docs/i18n.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue, nested, value_of
from broadsheet.importers.findings import Findings, folder_in, language_tag
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import key, text_after, value_after, without_comments
from broadsheet.importers.patterns import tidy

_CONFIGS = tuple(f"docusaurus.config.{ending}" for ending in ("js", "ts", "mjs", "cjs"))
_TRANSLATED = re.compile(r"i18n/([^/]+)/docusaurus-plugin-content-blog")


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    code = without_comments(files[file])
    findings = Findings("Docusaurus")
    findings.title(_text(file, code, "title"))
    findings.url(_text(file, code, "url"), below=_text(file, code, "baseUrl"))
    findings.language(_text(file, code, "defaultLocale"))
    _take_blog(findings, file, code, folders)
    findings.markdown("docusaurus")
    findings.assets(["static"], findings.default)
    return findings.site()


def _text(file: str, code: str, name: str) -> ConfigValue | None:
    """Return the first text after the key, or after the constant that it names."""
    value = text_after(code, name) or value_after(code, rf"\bconst\s+{name}\s*=\s*(?=['\"`])")
    return ConfigValue(value, file, name) if isinstance(value, str) else None


def _take_blog(findings: Findings, file: str, code: str, folders: Collection[str]) -> None:
    blog = nested(value_after(code, key("blog") + r"(?=\{)"), file)
    path, route = blog.find("path"), blog.find("routeBasePath")
    base = value_of(route) if isinstance(value_of(route), str) else "blog"
    translated = _translated(folders, value_of(_text(file, code, "defaultLocale")) or "en")
    findings.folders([folder_in(path, "blog"), *translated], findings.source(path))
    for folder, locale in translated.items():
        source, language = f"folder {folder}", language_tag(locale)
        findings.within(folder, source, language=language, prefix=f"/{locale}/")
    end = "/" if value_after(code, key("trailingSlash")) is True else ""
    findings.permalink(tidy(f"/{base}/{{path}}{end}"), findings.source(route))
    findings.addresses("docusaurus")
    findings.take("articles.exclude", ["**/_*"], f"{findings.default} (exclude)")
    findings.title_from("heading", "filename")
    findings.date_from_git()


def _translated(folders: Collection[str], default: object) -> dict[str, str]:
    """Return the locales of the folders with translated articles."""
    found = filter(None, map(_TRANSLATED.fullmatch, sorted(folders)))
    return {each[0]: each[1] for each in found if each[1] != default}


GENERATOR = Generator(80, _CONFIGS, _read_site, marks=_CONFIGS, dialect="docusaurus")
