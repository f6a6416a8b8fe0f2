"""Read Pelican's config, a program of plain assignments.

Source: docs.getpelican.com/en/latest/settings.html (URL settings, SLUGIFY_SOURCE, PATH_METADATA).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, ConfigValue, find, items_of, value_of
from broadsheet.importers.findings import Findings, folder_in, relative_folder, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import translate
from broadsheet.importers.python import read_python_config

_CONFIGS = ("publishconf.py", "pelicanconf.py")  # the first imports the second

_TOKEN = r"\{(\w+(?::[^{}]*)?)\}"  # noqa: S105 - a pattern, no secret
_TOKENS = {
    "slug": "{slug_or_title}",
    "category": "{categories}",
    "date:%Y": "{year}",
    "date:%m": "{month}",
    "date:%d": "{day}",
    "date:%b": "{month_name}",
    "date:%H": "{hour}",
    "date:%M": "{minute}",
    "date:%S": "{second}",
    "date:%j": "{day_of_year}",
    "date:%-m": "{month_number}",
    "date:%-d": "{day_number}",
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    if "pelicanconf.py" not in files:
        return None
    documents = [read_python_config(name, files[name]) for name in _CONFIGS if name in files]
    findings = Findings("Pelican")
    if findings.complain(documents):
        return findings.site()
    findings.title(find(documents, "SITENAME"))
    findings.url(*(each.find("SITEURL") for each in documents))
    findings.language(find(documents, "DEFAULT_LANG"))
    findings.timezone(find(documents, "TIMEZONE"))
    findings.author(find(documents, "AUTHOR"))
    findings.markdown("pelican")
    path = find(documents, "PATH")
    root = folder_in(path, ".")
    _take_articles(findings, documents, root, folders)
    findings.assets([root], findings.source(path))
    return findings.site()


def _take_articles(
    findings: Findings, documents: list[ConfigFile], root: str, folders: Collection[str]
) -> None:
    paths = find(documents, "ARTICLE_PATHS")
    names = [relative_folder(under(root, str(name))) for name in items_of(paths) or [""]]
    findings.folders(list(filter(None, names)) or [root], paths.source if paths else "PATH")
    pages = find(documents, "PAGE_PATHS")
    excluded = items_of(pages) if pages else ["pages"]
    kept = [name for each in excluded if (name := under(root, str(each))) in folders]
    if kept:
        findings.take(
            "articles.exclude", kept, pages.source if pages else f"{findings.default} (pages)"
        )
    findings.addresses("pelican")
    _take_permalink(findings, documents)


def _take_permalink(findings: Findings, documents: list[ConfigFile]) -> None:
    found = find(documents, "ARTICLE_URL") or ConfigValue("{slug}.html", findings.default)
    is_named_by_file = value_of(find(documents, "SLUGIFY_SOURCE")) == "basename"
    tokens = {**_TOKENS, "slug": "{slug}"} if is_named_by_file else _TOKENS
    template = found.value if isinstance(found.value, str) else ""
    pattern, unknown = translate(template, _TOKEN, tokens)
    if unknown or not template:
        findings.no_permalink(found, unknown or ["code"])
        return
    findings.permalink(pattern, found.source)
    changes = ("SLUG_REGEX_SUBSTITUTIONS", "SLUGIFY_USE_UNICODE", "SLUGIFY_PRESERVE_CASE")
    for change in filter(None, (find(documents, name) for name in changes)):
        if change.value is not False and "{slug" in pattern:
            what = f"{change.source} changes how slugs are spelled"
            findings.remark(
                "articles.permalink", what, "compare the URL of an article without Slug"
            )


GENERATOR = Generator(100, _CONFIGS, _read_site, marks=("pelicanconf.py",), dialect="pelican")
