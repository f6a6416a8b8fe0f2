"""Reads Hugo's config: one file, or a folder of them, in TOML, YAML or JSON.

Sources: gohugo.io/configuration (all, languages, permalinks, ugly-urls) and, for what each
permalink token means, Hugo's resources/page/permalinks.go.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from broadsheet.importers.config_file import ConfigFile, ConfigValue, find, read_config_file
from broadsheet.importers.findings import (
    ADDRESSES,
    FOLDERS,
    LANGUAGE,
    LOWERCASE,
    PERMALINK,
    Findings,
    relative_folder,
    under,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import ARTICLE_FOLDERS, tidy, translate

_EXTENSIONS = ("toml", "yaml", "yml", "json")
_OWN = tuple(f"hugo.{extension}" for extension in _EXTENSIONS)
_SHARED = tuple(
    f"config.{extension}" for extension in _EXTENSIONS
)  # other generators use these names too
# Themes such as Congo and Blowfish have a file for each language. Nothing here lists folders, so
# these are the common ones.
_LANGUAGES = ("en", "zh-cn", "zh-hans", "zh", "de", "es", "fr", "ja", "pt", "pt-br")
_PARTS = (
    "hugo",
    "config",
    "languages",
    *(f"languages.{code}" for code in _LANGUAGES),
    "permalinks",
    "params",
    "module",
)
_CANDIDATES = (
    *_OWN,
    *_SHARED,
    *(f"config/_default/{part}.{extension}" for part in _PARTS for extension in _EXTENSIONS),
)

_TOKENS = {
    "year": "{year}",
    "month": "{month}",
    "day": "{day}",
    "slug": "{slug}",
    "slugorfilename": "{slug_or_filename}",
    "slugorcontentbasename": "{slug_or_filename}",
    "filename": "{filename}",
    "contentbasename": "{filename}",
    "title": "{title}",
    "section": "{section}",
    "sections": "{sections}",  # no token of broadsheet.toml: see `_without_sections`
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have a Hugo config; else None."""
    documents = tuple(_documents(files))
    if not documents:
        return None
    findings = Findings("Hugo")
    damaged = findings.complain(documents)
    config = _Config(documents)
    findings.title(config.find("title"))
    findings.address(config.find("baseURL"))
    _take_language(findings, config)
    findings.timezone(config.find("timeZone"))
    findings.author(config.find("params", "author"), config.find("author"))
    if not damaged:  # else Hugo's defaults could replace settings that were not read
        findings.markdown("hugo", *_markdown(config))
        _take_articles(findings, config, folders)
    return findings.site()


class _Config:
    """The config's files as Hugo merges them: those of the default language first."""

    def __init__(self, documents: tuple[ConfigFile, ...]) -> None:
        self._documents = documents
        self.languages = self._languages()
        self.language = self._default_language()

    def find(self, *keys: str) -> ConfigValue | None:
        if self.language:
            own = find(self._documents, "languages", self.language, *keys)
            if own:
                return own
        return find(self._documents, *keys)

    def is_set(self, *keys: str) -> bool:
        found = self.find(*keys)
        return found is not None and found.value is True

    @property
    def file(self) -> str:
        return self._documents[0].file

    def _languages(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for document in self._documents:
            if document.mount[:1] == ("languages",) and len(document.mount) == 2:
                names[document.mount[1]] = None
            elif (found := document.find("languages")) and isinstance(found.value, Mapping):
                names.update(dict.fromkeys(map(str, found.value)))
        return tuple(names)

    def _default_language(self) -> str:
        found = find(self._documents, "defaultContentLanguage")
        if found and isinstance(found.value, str):
            return found.value
        if len(self.languages) > 1:
            return "en"  # Hugo's own default, whatever the languages of the site
        return next(iter(self.languages), "")


def _markdown(config: _Config) -> Iterator[tuple[str, ConfigValue | None]]:
    """Yield each Markdown extension that the config can switch, and where it does."""
    goldmark = ("markup", "goldmark")
    yield "emoji", config.find("enableEmoji")
    yield "attributes", config.find(*goldmark, "parser", "attribute", "title")
    yield "math", config.find(*goldmark, "extensions", "passthrough", "enable")
    yield "mark", config.find(*goldmark, "extensions", "extras", "mark", "enable")
    typographer = (*goldmark, "extensions", "typographer")
    yield "smart", config.find(*typographer)
    if disabled := config.find(*typographer, "disable"):
        yield "smart", replace(disabled, value=disabled.value is not True)


def _documents(files: Mapping[str, str]) -> Iterator[ConfigFile]:
    for file in _CANDIDATES:
        if file not in files:
            continue
        document = read_config_file(file, files[file], _mount(file))
        if file not in _SHARED or _is_hugo(document, files[file]):
            yield document


def _mount(file: str) -> tuple[str, ...]:
    """The keys that Hugo mounts a file of config/_default under, such as languages.en.toml."""
    stem = PurePosixPath(file).stem
    return () if stem in {"hugo", "config"} else tuple(stem.split(".", 1))


def _is_hugo(document: ConfigFile, text: str) -> bool:
    """Whether a file with a name as common as config.toml is Hugo's. Zola writes base_url."""
    if document.complaint:
        return re.search(r"(?mi)^\s*[\"']?baseURL\b", text) is not None
    return any(document.find(key) for key in ("baseURL", "languageCode", "contentDir"))


def _take_language(findings: Findings, config: _Config) -> None:
    code = config.find("locale") or config.find("languageCode")
    default = config.find("defaultContentLanguage")
    if not default and config.languages:
        default = ConfigValue(config.language, config.file, "languages")
    findings.language(code, default)
    if len(config.languages) > 1:
        others = ", ".join(name for name in config.languages if name != config.language)
        findings.remark(
            LANGUAGE,
            f"the site is in several languages and only {config.language} was taken",
            "each other "
            f"({others}) needs a broadsheet.toml of its own, with its own articles.folders",
        )


def _take_articles(findings: Findings, config: _Config, folders: Collection[str]) -> None:
    given = config.find("contentDir")
    content = relative_folder(given.value) if given else "content"
    if given and content is None:
        findings.refuse(FOLDERS, given, "which is not a folder inside the project", '["content"]')
    content = content or "content"
    source = given.source if given else "Hugo's default"
    if config.find("module", "mounts"):
        findings.remark(
            FOLDERS,
            "the site mounts folders (module.mounts), which init does not follow",
            "compare articles.folders and articles.assets with them",
        )
    present = [name for name in ARTICLE_FOLDERS if under(content, name) in folders]
    narrowed = present[0] if len(present) == 1 else ""
    folder = under(content, narrowed) if narrowed else content
    findings.take(FOLDERS, [folder], f"{source}; folder {folder}" if narrowed else source)
    if narrowed:
        findings.remark(
            FOLDERS, f"only {folder} was taken", "add other folders by hand if they hold articles"
        )
    _take_permalink(findings, config, narrowed)
    findings.take(ADDRESSES, "hugo", "the site is Hugo's")
    if config.is_set("disablePathToLower"):
        findings.take(LOWERCASE, False, f"{config.file}: disablePathToLower")
    _take_assets(findings, config, content, folders)


def _take_assets(
    findings: Findings, config: _Config, content: str, folders: Collection[str]
) -> None:
    static = config.find("staticDir")
    given = static.value if static else "static"
    names = [*(given if isinstance(given, list) else [given]), "assets"]
    if assets := config.find("assetDir"):
        names[-1] = assets.value
    kept = [name for value in names if (name := relative_folder(value)) and name in folders]
    findings.assets([*kept, content], static.source if static else "Hugo's default")


def _take_permalink(findings: Findings, config: _Config, narrowed: str) -> None:
    patterns = _patterns(config)
    section = narrowed or next((name for name in ARTICLE_FOLDERS if name in patterns), "")
    default = ConfigValue("/:sections/:slugorfilename/", "Hugo's default")
    found = patterns.get(section, default)
    template = str(found.value)
    pattern, unknown = translate(template, r":(\w+(?:\[.+?\])?)", _TOKENS)
    if unknown or re.search(r"[{}]", template):
        findings.no_permalink(found, unknown or ["the braces"])
        return
    pattern = _without_sections(findings, _closed(pattern), narrowed)
    pattern = tidy(pattern.replace("{section}", narrowed) if narrowed else pattern)
    if _is_ugly(config, section):
        pattern = re.sub(r"/$", ".html", pattern)
    if config.is_set("defaultContentLanguageInSubdir") and config.languages:
        pattern = f"/{config.language.lower()}{pattern}"
    if findings.permalink(pattern, found.source):
        if not narrowed:
            _remark_on_sections(findings, patterns, section)
        _remark_on_names(findings, config, template)


def _patterns(config: _Config) -> dict[str, ConfigValue]:
    """The permalink pattern of each section, in any of the three forms that Hugo has had."""
    permalinks = config.find("permalinks")
    if permalinks is None:
        return {}
    if isinstance(permalinks.value, list):
        return dict(_targets(permalinks))
    flat = permalinks.value if isinstance(permalinks.value, Mapping) else {}
    page = config.find("permalinks", "page")
    paged = page.value if page and isinstance(page.value, Mapping) else {}
    return {
        str(name).strip(" /"): ConfigValue(pattern, where.file, f"{where.key}.{name}")
        for where, group in ((permalinks, flat), (page, paged))
        if where
        for name, pattern in group.items()
        if isinstance(pattern, str)
    }


def _targets(permalinks: ConfigValue) -> Iterator[tuple[str, ConfigValue]]:
    """The sections of the list form, [{pattern, target = {kind, path}}]; the first match wins."""
    seen: set[str] = set()
    for entry in permalinks.value if isinstance(permalinks.value, list) else ():
        document = ConfigFile("", entry) if isinstance(entry, Mapping) else ConfigFile("")
        pattern, kind = document.find("pattern"), document.find("target", "kind")
        path = document.find("target", "path")
        if not pattern or not path or (kind and kind.value != "page"):
            continue
        section = re.match(r"/?\{?/?([\w-]+)", path.value) if isinstance(path.value, str) else None
        if section and section[1] not in seen and isinstance(pattern.value, str):
            seen.add(section[1])
            yield section[1], replace(permalinks, value=pattern.value)


def _closed(pattern: str) -> str:
    """`pattern` with a final slash, as Hugo adds one unless it ends with a file name."""
    return pattern if pattern.endswith("/") or re.search(r"\.\w+$", pattern) else f"{pattern}/"


def _without_sections(findings: Findings, pattern: str, narrowed: str) -> str:
    """Replace :sections (all folders) and the name by {path}; else by the first folder."""
    prefix = "{section}/" if narrowed else ""  # {path} begins below the articles folder
    pattern = re.sub(r"\{sections\}/\{(?:slug_or_)?filename\}", f"{prefix}{{path}}", pattern)
    if "{sections}" in pattern:
        findings.remark(
            PERMALINK,
            "Hugo's :sections names all folders above an article, {section} only the first",
            "articles in deeper folders need `url` in their front matter",
        )
    return pattern.replace("{sections}", "{section}")


def _is_ugly(config: _Config, section: str) -> bool:
    return config.is_set("uglyURLs") or bool(section and config.is_set("uglyURLs", section))


def _remark_on_sections(
    findings: Findings, patterns: Mapping[str, ConfigValue], section: str
) -> None:
    """Add which articles the one pattern does not fit."""
    others = ", ".join(name for name in patterns if name != section)
    if section:
        findings.remark(
            PERMALINK,
            f"there is one pattern for all articles, and that of {section} was taken"
            + (f"; {others} had others" if others else ""),
            f"set articles.folders to the folder of {section}, or write `url` in the front "
            "matter of the other articles",
        )
    elif others:
        findings.remark(
            PERMALINK,
            f"the patterns of {others} were not taken, for none is named like a folder of articles",
            "if one is, set articles.folders and articles.permalink by hand",
        )


def _remark_on_names(findings: Findings, config: _Config, template: str) -> None:
    """Add where a token means something else in Hugo."""
    if re.search(r":slug\b", template):
        findings.remark(
            PERMALINK,
            "where an article has no slug, Hugo's :slug is its title, and {slug} its file name",
            "write {title} instead of {slug} if the articles have no slugs",
        )
    dates = config.find("frontmatter", "date")
    if dates and isinstance(dates.value, list) and ":filename" in dates.value:
        findings.remark(
            PERMALINK,
            "Hugo is set to take dates from file names, and leaves them out of addresses",
            "write "
            "{slug} instead of {path} or {slug_or_filename} if the file names begin with dates",
        )


GENERATOR = Generator(10, _CANDIDATES, _read_site)
