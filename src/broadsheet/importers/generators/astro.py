"""Read Astro's config and the constants that its blog templates keep beside it.

Sources: docs.astro.build/en/reference/configuration-reference, the "blog" template of
withastro/astro, and AstroPaper for the names of constants.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from broadsheet.importers.config_file import ConfigFile, ConfigValue, find, nested, value_of
from broadsheet.importers.findings import Findings
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import Code, value_after, without_comments
from broadsheet.importers.patterns import ARTICLE_FOLDERS, dated_below

_CONFIGS = tuple(f"astro.config.{extension}" for extension in ("mjs", "ts", "js", "mts", "cjs"))
_CONSTANTS = (
    "src/consts.ts",
    "src/consts.js",
    "src/config.ts",
    "src/config.js",
    "src/site.config.ts",
    "astro-paper.config.ts",
)
_ROUTES = ("src/pages/**/[[]*.astro", "src/pages/**/[[]*/index.astro")  # globs
_CANDIDATES = (*_CONFIGS, *_CONSTANTS, *_ROUTES)
_FOLDERS = tuple(
    f"src/{kind}/{name}" for kind in ("content", "data", "pages") for name in ARTICLE_FOLDERS
)

_ROUTE = re.compile(r"src/pages/(?P<above>.*)\[(?:\.\.\.)?(?P<name>\w+)\](?:/index)?\.astro")
_LISTS = frozenset(["page", "tag", "tags", "category", "author", "year", "month", "lang", "locale"])
_DATES = {f"[{name}]": f"{{{name}}}" for name in ("year", "month", "day")}
_STARLIGHT = "src/content/docs"  # starlight.astro.build/manual-setup
_OBJECT = r"(?:defineConfig\s*\(\s*|export\s+default\s+|module\.exports\s*=\s*)(?=\{)"
_NAMED_OBJECT = r"\b(?:SITE|SITE_CONFIG|siteConfig|site)\b(?:\s*:\s*[\w<>.]+)?\s*[=:]\s*(?=\{)"
_NAMED_TEXT = r"\b(?:export\s+)?const\s+{name}\b(?:\s*:\s*\w+)?\s*=\s*"


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have an Astro config; else None."""
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    code = without_comments(files[file])
    config = nested(value_after(code, _OBJECT), file)
    constants = tuple(_constants(files))
    findings = Findings("Astro")
    starlight = nested(value_after(code, r"\bstarlight\s*\(\s*(?=\{)"), file)
    findings.title(*_places(constants, "title", "name"), starlight.find("title"))
    site = _constant(code, config.find("site"))
    findings.url(
        *_literal_first([site, *_places(constants, "website", "url", "site")]),
        below=config.find("base"),
    )
    languages = _places(constants, "lang", "language", "locale")
    findings.language(*languages, config.find("i18n", "defaultLocale"))
    findings.timezone(*_places(constants, "timezone"))
    findings.author(*_places(constants, "author"))
    findings.markdown("astro", ("smart", config.find("markdown", "smartypants")))
    _take_articles(findings, config, files, folders)
    return findings.site()


def _constant(code: str, found: ConfigValue | None) -> ConfigValue | None:
    """Return what is found; if it is the name of a constant of the config, the value of that."""
    if found and isinstance(found.value, Code) and re.fullmatch(r"\w+", found.value.text):
        value = value_after(code, _NAMED_TEXT.format(name=found.value.text))
        return replace(found, value=value) if isinstance(value, str) else found
    return found


def _constants(files: Mapping[str, str]) -> Iterator[ConfigFile]:
    """Yield the constants of src/consts.ts and similar files, as config files with those keys."""
    for file in _CONSTANTS:
        if file not in files:
            continue
        text = without_comments(files[file])
        yield nested(value_after(text, _NAMED_OBJECT), file)
        names = {
            key: value
            for key in ("TITLE", "URL", "LANG", "AUTHOR", "TIMEZONE")
            if (value := value_after(text, _NAMED_TEXT.format(name=f"SITE_{key}"))) is not None
        }
        yield ConfigFile(file, {f"SITE_{key}": value for key, value in names.items()})


def _places(constants: tuple[ConfigFile, ...], *names: str) -> list[ConfigValue | None]:
    places = [find(constants, name) for name in names]
    return [*places, *(find(constants, f"SITE_{name}") for name in names)]


def _literal_first(places: list[ConfigValue | None]) -> list[ConfigValue | None]:
    """Put texts before code: a constant has the value of `site: SITE.website`."""
    return sorted(places, key=lambda found: not (found and isinstance(found.value, str)))


def _take_articles(
    findings: Findings, config: ConfigFile, files: Mapping[str, str], folders: Collection[str]
) -> None:
    present = [folder for folder in _FOLDERS if folder in folders]
    parents = ("src/content", "src/data")
    dated = [name for parent in parents for name in dated_below(folders, parent) or ()]
    if dated:
        present = [name for name in present if name in dated]
        present += sorted({*dated}.difference(present))
    if not present:
        findings.remark(
            "articles.folders",
            "no folder of articles was found under src/content",
            'write it by hand, e.g. ["src/content/blog"], and articles.permalink with it',
        )
        return
    folder = present[0]
    others = sorted(name for name in present[1:] if not name.startswith("src/pages/"))
    taken = others if dated else []
    findings.folders([folder, *taken], f"folder {folder}")
    findings.addresses("astro", keeps_case=False)
    end = "" if value_of(config.find("trailingSlash")) == "never" else "/"
    for name in taken:
        route = _route(files, name.rpartition("/")[2], end)
        permalink = route.value if route else f"/{name.rpartition('/')[2]}/{{path}}{end}"
        findings.within(name, route.source if route else f"folder {name}", permalink=permalink)
    if others and not dated:
        findings.remark(
            "articles.folders", f"{', '.join(others)} may hold articles too", "add them by hand"
        )
    if folder != _STARLIGHT and (route := _route(files, folder.rpartition("/")[2], end)):
        findings.permalink(str(route.value), route.source)
    else:
        _take_permalink(findings, config, folder, end, folders)
    images = [name for name in ("public", "src/assets") if name in folders]
    findings.assets([*images, folder], findings.default)


def _route(files: Mapping[str, str], collection: str, end: str) -> ConfigValue | None:
    """Return the permalink pattern of a collection, if one dynamic page makes its pages.

    Source: docs.astro.build/en/guides/routing. A page with dates in its path has a slug without.
    """
    found: dict[str, str] = {}
    for file, code in files.items():
        page = _ROUTE.fullmatch(file)
        if not page or page["name"] in _LISTS:
            continue
        above = re.sub(r"\[\w+\]", lambda part: _DATES.get(part[0], part[0]), page["above"])
        if "[" not in above and re.search(rf"getCollection\(\s*['\"`]{collection}['\"`]", code):
            found[f"/{above}{'{slug}' if '{' in above else '{path}'}{end}"] = file
    if len(found) != 1:
        return None
    ((pattern, file),) = found.items()
    return ConfigValue(pattern, file)


def _take_permalink(
    findings: Findings, config: ConfigFile, folder: str, end: str, folders: Collection[str]
) -> None:
    if folder == _STARLIGHT:
        findings.permalink(f"/{{path}}{end}", f"Starlight serves {folder} from the root")
        return
    kind, name = folder.split("/")[1:3]
    routes = [route for route in ARTICLE_FOLDERS if f"src/pages/{route}" in folders]
    # A page of src/pages decides where a collection is; mostly under its own name.
    route = routes[0] if len(routes) == 1 and name not in routes else name
    is_page = kind == "pages" or route in routes
    source = f"folder src/pages/{route}" if is_page else f"folder {folder}"
    findings.permalink(f"/{route}/{{path}}{end}", source)
    findings.remark(
        "articles.permalink",
        f"Astro defines URLs in code, and /{route}/ is only the name of a folder",
        "compare it with the URL of one article on the site",
    )
    layout = config.find("build", "format")
    if layout and layout.value == "file":
        findings.remark(
            "articles.permalink",
            f"{layout.source} is file",
            f'if the site\'s links end in .html, write "/{route}/{{path}}.html" by hand',
        )


GENERATOR = Generator(30, _CANDIDATES, _read_site)
