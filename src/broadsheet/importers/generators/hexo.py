"""Read Hexo's _config.yml.

Source: hexo.io/docs/configuration and hexo.io/docs/permalinks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from broadsheet.importers.config_file import (
    ConfigFile,
    ConfigValue,
    items_of,
    read_config_file,
    value_of,
)
from broadsheet.importers.findings import Findings, folder_in, under
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
    "name": "{filename}",
    "post_title": "{title}",
    "category": "{categories}",
}


def is_hexo(config: ConfigFile) -> bool:
    """Whether a `_config.yml` is Hexo's: Jekyll's has none of these keys."""
    return any(config.find(key) for key in ("source_dir", "public_dir", "new_post_name"))


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    config = read_config_file(_CONFIG, files.get(_CONFIG, ""))
    if not is_hexo(config):
        return None
    findings = Findings("Hexo")
    findings.title(config.find("title"))
    findings.url(config.find("url"))
    language = config.find("language")
    if language and (languages := items_of(language)):
        language = replace(language, value=languages[0])
    findings.language(language)
    findings.timezone(config.find("timezone"))
    findings.author(config.find("author"))
    source = config.find("source_dir")
    root = folder_in(source, "source")
    posts = under(root, "_posts")
    findings.folders([posts if posts in folders else root], findings.source(source))
    _take_permalink(findings, config)
    findings.markdown("github")
    findings.assets([root], findings.source(source))
    return findings.site()


def _take_permalink(findings: Findings, config: ConfigFile) -> None:
    default = ConfigValue(":year/:month/:day/:title/", findings.default)
    found = config.find("permalink") or default
    # The parts of `new_post_name` are removed from the file name before it becomes the title.
    dated = re.search(r":year.*:title", str(value_of(config.find("new_post_name"))))
    undated = {"title": "{folders}/{slug}", "name": "{slug}"} if dated else {}
    pattern, unknown = translate(str(found.value), _TOKEN, {**_TOKENS, **undated})
    if unknown:
        findings.no_permalink(found, unknown)
        return
    if value_of(config.find("pretty_urls", "trailing_html")) is False:
        pattern = re.sub(r"\.html$", "", pattern)
    findings.permalink(pattern, found.source)
    findings.addresses("hexo")


GENERATOR = Generator(45, (_CONFIG,), _read_site)
