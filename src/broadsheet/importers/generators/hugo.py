"""Read Hugo's config: one file, or a folder of them, in TOML, YAML or JSON.

Sources: gohugo.io/configuration (all, languages, permalinks, ugly-urls) and, for what each
permalink token means, Hugo's resources/page/permalinks.go.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import PurePosixPath

from broadsheet.importers.config_file import (
    ConfigFile,
    ConfigValue,
    find,
    items_of,
    nested,
    read_config_file,
    table_of,
    value_of,
)
from broadsheet.importers.findings import Findings, language_tag, relative_folder, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import tells_articles_apart, tidy, translate

_EXTENSIONS = ("toml", "yaml", "yml", "json")
_OWN = tuple(f"hugo.{extension}" for extension in _EXTENSIONS)
_SHARED = tuple(f"config.{extension}" for extension in _EXTENSIONS)  # names others use too
_PARTS = ("hugo", "config", "languages", "languages.*", "permalinks", "params", "module")
_CANDIDATES = (
    *_OWN,
    *_SHARED,
    *(
        f"config/{environment}/{part}.{extension}"
        for environment in ("production", "_default")  # as a build for the web site reads them
        for part in _PARTS
        for extension in _EXTENSIONS
    ),
)

_TOKENS = {
    "year": "{year}",
    "month": "{month}",
    "day": "{day}",
    "slug": "{slug_or_title}",
    "slugorfilename": "{slug_or_filename}",
    "slugorcontentbasename": "{slug_or_filename}",
    "filename": "{filename}",
    "contentbasename": "{filename}",
    "title": "{title}",
    "section": "{section}",
    "sections": "{sections}",
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
    findings.url(config.find("baseURL"))
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
        own = self.of_language(self.language, *keys) if self.language else None
        return own or find(self._documents, *keys)

    def of_language(self, name: str, *keys: str) -> ConfigValue | None:
        """Return the value that is only for one language."""
        return find(self._documents, "languages", name, *keys)

    def is_set(self, *keys: str) -> bool:
        return value_of(self.find(*keys)) is True

    @property
    def file(self) -> str:
        return self._documents[0].file

    def _languages(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for document in self._documents:
            if document.mount[:1] == ("languages",) and len(document.mount) == 2:
                names[document.mount[1]] = None
            else:
                names.update(dict.fromkeys(map(str, table_of(document.find("languages")))))
        return tuple(names)

    def _default_language(self) -> str:
        given = value_of(find(self._documents, "defaultContentLanguage"))
        if isinstance(given, str):
            return given
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
    matching = (sorted(fnmatch.filter(files, pattern)) for pattern in _CANDIDATES)
    for file in dict.fromkeys(chain.from_iterable(matching)):
        document = read_config_file(file, files[file], _mount(file))
        if file not in _SHARED or _is_hugo(document, files[file]):
            yield document


def _mount(file: str) -> tuple[str, ...]:
    """Return the keys under which Hugo mounts a file of config/_default: languages.en.toml."""
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


def _take_translations(findings: Findings, config: _Config) -> list[str]:
    """Take what differs by language; return the content folders, the default language's first."""
    in_subdirectory = config.is_set("defaultContentLanguageInSubdir")
    folders: list[str] = []
    names = sorted(config.languages, key=lambda name: name != config.language) or [config.language]
    disabled = items_of(config.find("disableLanguages"))
    for name in (each for each in names if each not in disabled):
        content = relative_folder(value_of(config.of_language(name, "contentDir")))
        if content:
            folders.append(content)
        if len(names) > 1:
            is_prefixed = name != config.language or in_subdirectory
            code = config.of_language(name, "locale") or config.of_language(name, "languageCode")
            findings.within(
                content or f"*.{name}",
                f"language {name}",
                language=language_tag(value_of(code)) or language_tag(name),
                prefix=f"/{name.lower()}/" if is_prefixed else "",
            )
    return folders


def _take_articles(findings: Findings, config: _Config, folders: Collection[str]) -> None:
    given = config.find("contentDir")
    content = relative_folder(given.value) if given else "content"
    if given and content is None:
        findings.refuse(
            "articles.folders", given, "which is not a folder inside the project", '["content"]'
        )
    contents = _take_translations(findings, config)
    if not contents or len(contents) < len(config.languages):
        contents = [*contents, content or "content"]
    contents = _take_mounts(findings, config, folders) or contents
    contents = [name for name in dict.fromkeys(contents) if name in folders] or contents[:1]
    # The inner of two nested folders first: an article belongs to the first folder that has it.
    contents.sort(key=len, reverse=True)
    findings.folders(contents, findings.source(given))
    _take_permalinks(findings, config, contents, folders)
    findings.addresses("hugo", keeps_case=False)
    if config.is_set("disablePathToLower"):
        findings.keep_case(f"{config.file}: disablePathToLower")
    _take_assets(findings, config, contents, folders)


def _take_mounts(findings: Findings, config: _Config, folders: Collection[str]) -> list[str]:
    """Take the folders that are mounted into the content, which replace the default one.

    Source: gohugo.io/configuration/module, mounts.
    """
    taken: list[str] = []
    for source, inner, language in _mounts(config, "content"):
        folder = relative_folder(source)
        if folder not in folders:
            what = f"the site mounts {source} into its content, which is not a folder here"
            findings.remark("articles.folders", what, "its articles are not read")
            continue
        taken.append(str(folder))
        start = language.lower() if language != config.language else ""
        prefix = "".join(f"/{part}" for part in (start, inner) if part)
        tag = language_tag(language)
        findings.within(str(folder), "module.mounts", language=tag, prefix=prefix and prefix + "/")
    return taken


def _mounts(config: _Config, component: str) -> Iterator[tuple[str, str, str]]:
    """Yield source, place within the component, and language of what is mounted there."""
    for mount in map(nested, items_of(config.find("module", "mounts"))):
        source, target = (str(value_of(mount.find(key)) or "") for key in ("source", "target"))
        first, _, inner = target.strip("/").partition("/")
        if first == component and not re.search(r"\.\w+$", source):
            yield source, inner, str(value_of(mount.find("lang")) or "")


def _take_assets(
    findings: Findings, config: _Config, contents: list[str], folders: Collection[str]
) -> None:
    static = config.find("staticDir")
    names = items_of(static) or [value_of(static) or "static"]
    names.append(value_of(config.find("assetDir")) or "assets")
    names += [source for source, inner, _ in _mounts(config, "static") if not inner]
    theme = config.find("theme")
    names += [f"themes/{each}/static" for each in items_of(theme) or [value_of(theme)] if each]
    kept = [name for value in names if (name := relative_folder(value)) and name in folders]
    findings.assets([*kept, *contents], findings.source(static))


def _take_permalinks(
    findings: Findings, config: _Config, contents: list[str], folders: Collection[str]
) -> None:
    default = "/{path}/"
    if ":filename" in items_of(config.find("frontmatter", "date")):
        default = "/{folders}/{slug}/"  # Hugo then leaves the date out of the URL
    if config.is_set("uglyURLs"):
        default = default.removesuffix("/") + ".html"
    prefix = ""
    if config.is_set("defaultContentLanguageInSubdir") and len(config.languages) == 1:
        prefix = f"/{config.language.lower()}"
    findings.permalink(prefix + default, findings.default)
    patterns = _patterns(config)
    for section, found in patterns.items():
        pattern = _translated(findings, found, is_ugly=_is_ugly(config, section))
        places = (under(content, section) for content in contents) if pattern else ()
        for place in (each for each in places if each in folders):
            findings.within(place, found.source, permalink=prefix + pattern)
    ugly = (name for name, on in table_of(config.find("uglyURLs")).items() if on is True)
    for section in (name for name in ugly if name not in patterns):
        for content in contents:
            findings.within(under(content, str(section)), "uglyURLs", permalink="/{path}.html")


def _translated(findings: Findings, found: ConfigValue, *, is_ugly: bool) -> str:
    """Return Hugo's pattern as one of ours; "" if it has no equivalent."""
    template = str(found.value)
    parts = re.findall(r":(sections\[(?:\d*:)?(?:\d+|last)?\])", template)
    tokens = {**_TOKENS, **{part: f"{{{part.replace('last', '-1')}}}" for part in parts}}
    pattern, unknown = translate(template, r":(\w+(?:\[.+?\])?)", tokens)
    if unknown or re.search(r"[{}]", template):
        findings.no_permalink(found, unknown or ["the braces"])
        return ""
    pattern = tidy(_closed(pattern))
    if not tells_articles_apart(pattern):
        findings.refuse(
            "articles.in", found, "which gives many articles one URL", '"/posts/{slug}/"'
        )
        return ""
    return re.sub(r"/$", ".html", pattern) if is_ugly else pattern


def _patterns(config: _Config) -> dict[str, ConfigValue]:
    """Return the permalink pattern of each section, in any of Hugo's three forms."""
    permalinks, page = config.find("permalinks"), config.find("permalinks", "page")
    if permalinks and isinstance(permalinks.value, list):
        return _targets(permalinks)
    return {
        str(name).strip(" /"): ConfigValue(pattern, where.file, f"{where.key}.{name}")
        for where in (permalinks, page)
        if where
        for name, pattern in table_of(where).items()
        if isinstance(pattern, str)
    }


def _targets(permalinks: ConfigValue) -> dict[str, ConfigValue]:
    """Return the sections of the list form, [{pattern, target = {kind, path}}]; the first wins."""
    found: dict[str, ConfigValue] = {}
    for document in map(nested, items_of(permalinks)):
        pattern, path = value_of(document.find("pattern")), document.find("target", "path")
        kind = value_of(document.find("target", "kind"))
        section = re.match(r"/?\{?/?([\w-]+)", str(value_of(path))) if path else None
        if section and isinstance(pattern, str) and kind in {None, "page"}:
            found.setdefault(section[1], replace(permalinks, value=pattern))
    return found


def _closed(pattern: str) -> str:
    """Return `pattern` with a final slash, which Hugo adds unless it ends with a file name."""
    return pattern if pattern.endswith("/") or re.search(r"\.\w+$", pattern) else f"{pattern}/"


def _is_ugly(config: _Config, section: str) -> bool:
    return config.is_set("uglyURLs") or bool(section and config.is_set("uglyURLs", section))


GENERATOR = Generator(10, _CANDIDATES, _read_site)
