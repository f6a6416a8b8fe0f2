"""Read what Docusaurus' config gives as literals, for its blog.

Source: docusaurus.io/docs/api/docusaurus-config and
docusaurus.io/docs/api/plugins/@docusaurus/plugin-content-blog.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue, nested, value_of
from broadsheet.importers.findings import Findings, folder_in
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import key, text_after, value_after, without_comments
from broadsheet.importers.patterns import tidy

_CONFIGS = tuple(f"docusaurus.config.{ending}" for ending in ("js", "ts", "mjs", "cjs"))


def _read_site(files: Mapping[str, str], _: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    code = without_comments(files[file])
    findings = Findings("Docusaurus")
    findings.title(_text(file, code, "title"))
    findings.url(_text(file, code, "url"), below=_text(file, code, "baseUrl"))
    findings.language(_text(file, code, "defaultLocale"))
    _take_blog(findings, file, code)
    findings.markdown("docusaurus")
    findings.assets(["static"], findings.default)
    return findings.site()


def _text(file: str, code: str, name: str) -> ConfigValue | None:
    """Return the first text after the key, or after the constant that it names."""
    value = text_after(code, name) or value_after(code, rf"\bconst\s+{name}\s*=\s*(?=['\"`])")
    return ConfigValue(value, file, name) if isinstance(value, str) else None


def _take_blog(findings: Findings, file: str, code: str) -> None:
    blog = nested(value_after(code, key("blog") + r"(?=\{)"), file)
    path, route = blog.find("path"), blog.find("routeBasePath")
    base = value_of(route) if isinstance(value_of(route), str) else "blog"
    findings.folders([folder_in(path, "blog")], findings.source(path))
    end = "/" if value_after(code, key("trailingSlash")) is True else ""
    findings.permalink(tidy(f"/{base}/{{path}}{end}"), findings.source(route))
    findings.addresses("docusaurus")
    findings.take("articles.exclude", ["**/_*"], f"{findings.default} (exclude)")
    findings.title_from("heading", "filename")
    findings.date_from_git()


GENERATOR = Generator(80, _CONFIGS, _read_site, marks=_CONFIGS, dialect="docusaurus")
