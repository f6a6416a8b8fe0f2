"""Reads Hexo's _config.yml.

Source: hexo.io/docs/configuration and hexo.io/docs/permalinks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, ConfigValue, read_config_file
from broadsheet.importers.findings import (
    ADDRESSES,
    FOLDERS,
    LOWERCASE,
    Findings,
    relative_folder,
    under,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import translate

_CONFIG = "_config.yml"  # Jekyll has one too

_TOKEN = r":(\w+)"  # noqa: S105 - a pattern, no secret
_TOKENS = {
    "year": "{year}",
    "month": "{month}",
    "i_month": "{month_number}",
    "day": "{day}",
    "i_day": "{day_number}",
    "hour": "{hour}",
    "minute": "{minute}",
    "second": "{second}",
    "title": "{path}",
    "name": "{slug}",
    "post_title": "{title}",
    "category": "{categories}",
}


def is_hexo(config: ConfigFile) -> bool:
    """Whether a `_config.yml` is Hexo's: Jekyll's has none of these keys."""
    return any(config.find(key) for key in ("source_dir", "public_dir", "new_post_name"))


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    if _CONFIG not in files:
        return None
    config = read_config_file(_CONFIG, files[_CONFIG])
    if not is_hexo(config):
        return None
    findings = Findings("Hexo")
    findings.title(config.find("title"))
    findings.address(config.find("url"))
    language = config.find("language")
    if language and isinstance(language.value, list) and language.value:
        language = ConfigValue(language.value[0], language.file, language.key)
    findings.language(language)
    findings.timezone(config.find("timezone"))
    findings.author(config.find("author"))
    source = config.find("source_dir")
    root = (relative_folder(source.value) if source else None) or "source"
    posts = under(root, "_posts")
    findings.take(
        FOLDERS,
        [posts if posts in folders else root],
        source.source if source else "Hexo's default",
    )
    _take_permalink(findings, config)
    findings.markdown("github")
    findings.assets([root], source.source if source else "Hexo's default")
    return findings.site()


def _take_permalink(findings: Findings, config: ConfigFile) -> None:
    default = ConfigValue(":year/:month/:day/:title/", "Hexo's default")
    found = config.find("permalink") or default
    names = config.find("new_post_name")
    # The parts of `new_post_name` are taken out of the file name before it is the title.
    dated = bool(names and re.search(r":year.*:title", str(names.value)))
    tokens = {**_TOKENS, "title": "{sections}/{slug}" if dated else "{path}"}
    pattern, unknown = translate(str(found.value), _TOKEN, tokens)
    if unknown:
        findings.no_permalink(found, unknown)
        return
    pretty = config.find("pretty_urls", "trailing_html")
    if pretty and pretty.value is False:
        pattern = re.sub(r"\.html$", "", pattern)
    findings.permalink(pattern, found.source)
    findings.take(ADDRESSES, "hexo", "the site is Hexo's")
    findings.take(LOWERCASE, False, "Hexo keeps capital letters")


GENERATOR = Generator(45, (_CONFIG,), _read_site)
