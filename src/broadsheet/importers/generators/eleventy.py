"""Read the literals of Eleventy's config, and the data files that its blogs have beside it.

Sources: 11ty.dev/docs (config, permalinks, copy, data-eleventy-supplied) and
11ty/eleventy-base-blog.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from broadsheet.importers.config_file import ConfigFile, ConfigValue, find, nested, read_config_file
from broadsheet.importers.findings import Findings, relative_folder, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import value_after, values_after, without_comments
from broadsheet.importers.patterns import (
    ARTICLE_FOLDERS,
    dated_below,
    tells_articles_apart,
    tidy,
    translate,
)

_CONFIGS = (
    "eleventy.config.js",
    "eleventy.config.mjs",
    "eleventy.config.cjs",
    "eleventy.config.ts",
    ".eleventy.js",
)
_DATA = tuple(
    f"{folder}_data/{name}.{extension}"
    for folder in ("", "src/", "content/")
    for name in ("metadata", "site")
    for extension in ("json", "js", "mjs", "cjs")
)
_PARENTS = (".", "content", "src", "src/content")
_FOLDERS = tuple(under(parent, name) for parent in _PARENTS for name in ARTICLE_FOLDERS)
_DATA_ENDINGS = ("json", "11tydata.json", "11tydata.js", "11tydata.mjs", "11tydata.cjs")
_FOLDER_DATA = tuple(f"{{folder}}/{{name}}.{ending}" for ending in _DATA_ENDINGS)
_PACKAGE = "package.json"
_CANDIDATES = (*_CONFIGS, *_DATA, *_FOLDER_DATA, _PACKAGE)

_OBJECT = r"(?:module\.exports\s*=|export\s+default|return)\s*\(?\s*(?=\{)"
_TOKEN = r"\{\{-?\s*(.*?)\s*-?\}\}"  # noqa: S105 - a pattern, no secret
_TOKENS = {
    "page.fileSlug": "{slug}",
    "slug": "{slug}",
    "title | slugify": "{title}",
    "title | slug": "{title}",
    "data.page.fileSlug": "{slug}",
    **{
        f"page.date | date: {quote}{form}{quote}": pattern
        for quote in "'\""
        for form, pattern in (
            ("%Y", "{year}"),
            ("%m", "{month}"),
            ("%d", "{day}"),
            ("%Y/%m", "{year}/{month}"),
            ("%Y/%m/%d", "{year}/{month}/{day}"),
        )
    },
}

_LUXON = {
    "yyyy": "{year}",
    "y": "{year}",
    "MM": "{month}",
    "LL": "{month}",
    "dd": "{day}",
    "M": "{month_number}",
    "L": "{month_number}",
    "d": "{day_number}",
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have an Eleventy config; else None."""
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    code = without_comments(files[file])
    metadata = nested({"metadata": value_after(code, r"\bmetadata\s*[:=]\s*(?=\{)")}, file)
    data = tuple(_read_data(name, files[name]) for name in _DATA if name in files)
    package = read_config_file(_PACKAGE, files.get(_PACKAGE, "{}"))
    findings = Findings("Eleventy")
    findings.complain([*data, package])

    def named(name: str) -> ConfigValue | None:
        return metadata.find("metadata", name) or find(data, name)

    findings.title(named("title"), named("name"))
    findings.url(named("base"), named("url"), _homepage(package), below=_prefix(file, code))
    findings.language(named("language"), named("lang"), named("locale"))
    findings.author(named("author"))
    findings.markdown("eleventy", *_plugins(package))
    root = _input(code)
    folder = _take_folder(findings, root, folders)
    if folder:
        _take_permalink(findings, files, folder, root, _date_filters(code))
    _take_assets(findings, file, code, root, folder)
    return findings.site()


def _date_filters(code: str) -> dict[str, str]:
    """Return the pattern of each filter that formats a date with Luxon, by its token.

    Source: moment.github.io/luxon/#/formatting, table of tokens.
    """
    found: dict[str, str] = {}
    for name, body in re.findall(r"addFilter\(\s*['\"](\w+)['\"](.{0,600})", code, re.DOTALL):
        own = body.partition("addFilter(")[0]
        if form := re.search(r"toFormat\(\s*['\"]([yMLd/.-]+)['\"]", own):
            parts = re.split(r"([yMLd]+)", form[1])
            if all(part in _LUXON for part in parts[1::2]):
                pattern = "".join(_LUXON.get(part, part) for part in parts)
                found[f"page.date | {name}"] = found[f"date | {name}"] = pattern
    return found


def _plugins(package: ConfigFile) -> Iterator[tuple[str, ConfigValue]]:
    """Yield the extensions of Markdown that the site installs plugins for."""
    for group in ("dependencies", "devDependencies"):
        found = package.find(group)
        for name in found.value if found and isinstance(found.value, Mapping) else ():
            if extension := _PLUGINS.get(str(name).rpartition("/")[2]):
                yield extension, ConfigValue(True, _PACKAGE, f"{group}.{name}")


def _read_data(file: str, text: str) -> ConfigFile:
    if file.endswith(".json"):
        return read_config_file(file, text)
    return nested(value_after(without_comments(text), _OBJECT), file)


def _homepage(package: ConfigFile) -> ConfigValue | None:
    """Return the homepage in package.json, unless npm filled in the repository's."""
    found = package.find("homepage")
    if found and re.search(r"//(www\.)?(github|gitlab)\.com/|#readme$", str(found.value)):
        return None
    return found


def _prefix(file: str, code: str) -> ConfigValue | None:
    """Return the path of the site under its domain."""
    value = value_after(code, r"\bpathPrefix\s*:\s*")
    return ConfigValue(value, file, "pathPrefix") if isinstance(value, str) else None


def _input(code: str) -> str:
    """Return the folder that Eleventy reads; URLs begin below it."""
    value = value_after(code, r"\bsetInputDirectory\s*\(\s*")
    group = value_after(code, r"\bdir\s*[:=]\s*(?=\{)")
    if value is None and isinstance(group, dict):
        value = group.get("input")
    return relative_folder(value) or "."


def _take_folder(findings: Findings, root: str, folders: Collection[str]) -> str | None:
    """Take articles.folders, and return the one folder that was taken."""
    below = [under(root, name) for name in ARTICLE_FOLDERS]
    present = [name for name in below if name in folders]
    if root == ".":
        present += [name for name in _FOLDERS if name in folders and name not in present]
    dated = dated_below(folders, root)
    if dated is not None and set(dated) != {*present[:1]}:
        present = [_smallest(folders, root)] if dated or root == "." else present
    if not present:
        present = [name for name in (root, under(root, "content")) if name in folders]
    if not present:
        findings.remark(
            "articles.folders",
            "no folder of articles was found",
            'write it by hand, e.g. ["posts"], and articles.permalink with it',
        )
        return None
    folder, *others = present
    findings.folders([folder], f"folder {folder}")
    if others:
        findings.remark(
            "articles.folders", f"{', '.join(others)} may hold articles too", "add them by hand"
        )
    return folder


def _smallest(folders: Collection[str], parent: str) -> str:
    """Return the innermost folder with all dated files below `parent`."""
    inner = dated_below(folders, parent) or []
    total = sum(folders[name] for name in inner) if isinstance(folders, Mapping) else 0
    has_all = isinstance(folders, Mapping) and folders.get(parent, total) == total
    return _smallest(folders, inner[0]) if len(inner) == 1 and has_all else parent


def _take_permalink(
    findings: Findings,
    files: Mapping[str, str],
    folder: str,
    root: str,
    filters: Mapping[str, str],
) -> None:
    findings.addresses("eleventy")
    inside = "" if folder == root else folder.removeprefix("" if root == "." else root).strip("/")
    own = _permalink_of(findings, files, folder)
    if own is None:
        findings.permalink(tidy(f"/{inside}/{{path}}/"), findings.default)
        findings.remark(
            "articles.permalink",
            "Eleventy lets each article and each folder set its own `permalink`",
            "compare it with the URL of one article on the site",
        )
    elif pattern := _translated(findings, own, inside, filters):
        findings.permalink(pattern, own.source)
    start = "" if folder == "." else f"{folder}/"
    for place in sorted({name.rpartition("/")[0] for name in files if name.startswith(start)}):
        value = _permalink_of(findings, files, place) if place not in {folder, ""} else None
        if value and (pattern := _translated(findings, value, inside, filters)):
            findings.within(place, value.source, permalink=pattern)


def _permalink_of(findings: Findings, files: Mapping[str, str], folder: str) -> ConfigValue | None:
    """Return the `permalink` in a folder's own data file, such as posts/posts.json."""
    stem = f"{folder}/{folder.rsplit('/', 1)[-1]}"
    names = [name for ending in _DATA_ENDINGS if (name := f"{stem}.{ending}") in files]
    documents = [_read_data(name, files[name]) for name in names]
    if findings.complain(documents):
        return ConfigValue("", names[0])  # no pattern, rather than a wrong one
    for name in names if (found := find(documents, "permalink")) is None else ():
        template = re.search(r"\bpermalink\b[^`;{}]*?(?:\{[^`;]*?)?`([^`]*)`", files[name])
        if template:
            return ConfigValue(re.sub(r"\$\{(.*?)\}", r"{{\1}}", template[1]), name, "permalink")
    return found


def _translated(
    findings: Findings, found: ConfigValue, inside: str, filters: Mapping[str, str]
) -> str:
    """Return Eleventy's template as one of our patterns; "" if it has no equivalent."""
    if not isinstance(found.value, str):
        findings.refuse("articles.permalink", found, "which is not text", '"/posts/{slug}/"')
        return ""
    tokens = {**_TOKENS, **filters, "page.filePathStem": f"{inside}/{{path}}"}
    pattern, unknown = translate(found.value, _TOKEN, tokens)
    if unknown or "{%" in found.value:
        findings.no_permalink(found, unknown or ["{% ... %}"])
        return ""
    return pattern if tells_articles_apart(pattern) else ""


def _take_assets(findings: Findings, file: str, code: str, root: str, folder: str | None) -> None:
    kept: list[str] = []
    for source, target in _copied(code):
        if place := _published_from(source, target, root):
            kept.append(place)
        elif not isinstance(source, str) or "." not in source.rsplit("/", 1)[-1]:
            found = ConfigValue(source, file, "addPassthroughCopy")
            why = "which does not show the folder at the root of the site"
            findings.refuse("articles.assets", found, why, "that folder")
    if folder:
        kept.append(folder)
    if kept:
        findings.assets(kept, f"{file}: addPassthroughCopy")


def _copied(code: str) -> Iterator[tuple[object, object]]:
    """Yield the source of each copied folder, and its target; None if that is its own path."""
    for copied in values_after(code, r"\baddPassthroughCopy\s*\(\s*"):
        if isinstance(copied, dict):
            yield from copied.items()
        else:
            yield copied, None


def _published_from(source: object, target: object, root: str) -> str | None:
    """Return the folder on disk whose content is at the root of the site, by one copied folder.

    "public" copied to "/" gives "public"; "src/img", read from "src", is copied to "/img" and gives
    "src". None for single files, patterns, and folders copied to another name.
    """
    origin = relative_folder(source)
    if origin is None or re.search(r"[*?\[]|\.\w+$", origin):
        return None
    if target is None:
        target = origin.removeprefix("" if root == "." else f"{root}/")
    place = relative_folder(target.lstrip("/")) if isinstance(target, str) else None
    if place == origin:
        return "."
    if place is None or place == ".":
        return place and origin
    return origin.removesuffix(f"/{place}") if origin.endswith(f"/{place}") else None


_PLUGINS = {
    "eleventy-plugin-interlinker": "wikilinks",
    "markdown-it-wikilinks": "wikilinks",
    "markdown-it-emoji": "emoji",
    "markdown-it-mark": "mark",
    "markdown-it-abbr": "abbreviations",
    "markdown-it-container": "containers",
    "markdown-it-github-alerts": "alerts",
}
"""Plugins of markdown-it, and the extension of ours that reads the same."""

GENERATOR = Generator(40, _CANDIDATES, _read_site)
