"""Read what the config of Quartz, which publishes Obsidian's notes, gives as literals.

Source: quartz.jzhao.xyz/configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue, items_of, nested
from broadsheet.importers.findings import Findings, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import key, value_after, without_comments

_CONFIG = "quartz.config.ts"
_CONTENT = "content"  # fixed in Quartz


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    if _CONFIG not in files:
        return None
    code = without_comments(files[_CONFIG])
    config = nested(value_after(code, key("configuration") + r"(?=\{)"), _CONFIG)
    findings = Findings("Quartz")
    findings.title(config.find("pageTitle"))
    if (base := config.find("baseUrl")) and isinstance(base.value, str):
        bare = base.value.removeprefix("http://").removeprefix("https://")  # it should have none
        findings.url(ConfigValue(f"https://{bare}", base.file, base.key))
    findings.language(config.find("locale"))
    findings.folders([_CONTENT], findings.default)
    ignored = [under(_CONTENT, str(name)) for name in items_of(config.find("ignorePatterns"))]
    if kept := [name for name in ignored if name in folders]:
        findings.take("articles.exclude", kept, f"{_CONFIG}: ignorePatterns")
    findings.permalink("/{path}", findings.default)
    findings.addresses("quartz")
    findings.title_from("filename")
    findings.date_from_git()
    findings.markdown("obsidian")
    findings.assets([_CONTENT], findings.default)
    return findings.site()


GENERATOR = Generator(55, (_CONFIG,), _read_site)
