"""Reads mkdocs.yml, for the blog plugin of Material for MkDocs.

Source: squidfunk.github.io/mkdocs-material/plugins/blog.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, read_config_file
from broadsheet.importers.findings import (
    ADDRESSES,
    FOLDERS,
    LOWERCASE,
    TITLE_FROM,
    Findings,
    relative_folder,
    under,
)
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import tidy, translate

_CONFIGS = ("mkdocs.yml", "mkdocs.yaml")
_FORMAT = {
    "date": "{date}",
    "slug": "{slug_or_title}",
    "categories": "{categories}",
    "file": "{filename}",
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    # MkDocs' own tags, such as !ENV and !!python/name, are no plain YAML.
    config = read_config_file(file, re.sub(r"(?m)!!?[\w/:.]+", "", files[file]))
    findings = Findings("MkDocs")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("site_name"))
    findings.address(config.find("site_url"))
    findings.language(config.find("theme", "language"))
    findings.author(config.find("site_author"))
    findings.markdown("mkdocs")
    docs = config.find("docs_dir")
    root = (relative_folder(docs.value) if docs else None) or "docs"
    _take_articles(findings, config, root, folders)
    findings.take(TITLE_FROM, ["heading", "filename"], "MkDocs' default")
    findings.assets([root], docs.source if docs else "MkDocs' default")
    return findings.site()


def _take_articles(
    findings: Findings, config: ConfigFile, root: str, folders: Collection[str]
) -> None:
    flat = config.find("use_directory_urls")
    end = ".html" if flat and flat.value is False else "/"
    blog = _blog(config)
    name = str(blog.get("blog_dir", "blog")).strip("/. ") if blog is not None else ""
    posts = under(root, f"{name}/posts" if name else "posts")
    if blog is None or posts not in folders:
        findings.take(FOLDERS, [root], "MkDocs' default")
        findings.permalink(f"/{{path}}{end}", "MkDocs' default")
        findings.take(ADDRESSES, "mkdocs", "the site is MkDocs'")
        findings.take(LOWERCASE, False, "MkDocs keeps capital letters")
        return
    findings.take(FOLDERS, [posts], "plugin blog")
    form = str(blog.get("post_url_format", "{date}/{slug}"))
    date = str(blog.get("post_url_date_format", "yyyy/MM/dd"))
    for letters, token in (("yyyy", "{year}"), ("MM", "{month}"), ("dd", "{day}")):
        date = date.replace(letters, token)
    pattern, unknown = translate(form, r"\{(\w+)\}", {**_FORMAT, "date": date})
    if not unknown:
        findings.permalink(tidy(f"/{name}/{pattern}{end}"), "plugin blog")
    findings.take(ADDRESSES, "mkdocs", "the site is MkDocs'")


def _blog(config: ConfigFile) -> Mapping[str, object] | None:
    """The settings of the blog plugin; None if it is not on."""
    found = config.find("plugins")
    listed = found.value if found else None
    for each in listed if isinstance(listed, list) else [listed]:
        if each in ("blog", "material/blog"):
            return {}
        if isinstance(each, Mapping) and (name := {"blog", "material/blog"} & each.keys()):
            value = each[name.pop()]
            return value if isinstance(value, Mapping) else {}
    return None


GENERATOR = Generator(90, _CONFIGS, _read_site, marks=_CONFIGS, dialect="mkdocs")
