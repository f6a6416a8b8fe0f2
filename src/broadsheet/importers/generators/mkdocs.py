"""Read mkdocs.yml, for the blog plugin of Material for MkDocs.

Source: squidfunk.github.io/mkdocs-material/plugins/blog.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigFile, read_config_file, value_of
from broadsheet.importers.findings import Findings, folder_in, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.patterns import tidy, translate

_CONFIGS = ("mkdocs.yml", "mkdocs.yaml")
_PLUGINS = frozenset({"blog", "material/blog"})
_FORMAT = {
    "date": "{date}",
    "slug": "{slug_or_title}",
    "file": "{filename}",
}


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    # MkDocs' own tags, such as !ENV and !!python/name, are not plain YAML.
    config = read_config_file(file, re.sub(r"(?m)!!?[\w/:.]+", "", files[file]))
    findings = Findings("MkDocs")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("site_name"))
    findings.url(config.find("site_url"))
    findings.language(config.find("theme", "language"))
    findings.author(config.find("site_author"))
    findings.markdown("mkdocs")
    docs = config.find("docs_dir")
    root = folder_in(docs, "docs")
    _take_articles(findings, config, root, folders)
    findings.title_from("heading", "filename")
    findings.assets([root], findings.source(docs))
    return findings.site()


def _take_articles(
    findings: Findings, config: ConfigFile, root: str, folders: Collection[str]
) -> None:
    end = ".html" if value_of(config.find("use_directory_urls")) is False else "/"
    blog = _blog(config)
    name = str(blog.get("blog_dir", "blog")).strip("/. ") if blog is not None else ""
    posts = under(root, f"{name}/posts" if name else "posts")
    if blog is None or posts not in folders:
        findings.folders([root], findings.default)
        findings.permalink(f"/{{path}}{end}", findings.default)
        findings.addresses("mkdocs")
        return
    findings.folders([posts], "plugin blog")
    form = str(blog.get("post_url_format", "{date}/{slug}"))
    date = str(blog.get("post_url_date_format", "yyyy/MM/dd"))
    for letters, token in (("yyyy", "{year}"), ("MM", "{month}"), ("dd", "{day}")):
        date = date.replace(letters, token)
    categories = f"{{categories[:{blog.get('post_url_max_categories', 1)}]}}"
    tokens = {**_FORMAT, "date": date, "categories": categories}
    pattern, unknown = translate(form, r"\{(\w+)\}", tokens)
    if not unknown:
        findings.permalink(tidy(f"/{name}/{pattern}{end}"), "plugin blog")
    findings.addresses("mkdocs")


def _blog(config: ConfigFile) -> Mapping[str, object] | None:
    """Return the settings of the blog plugin; None if it is not enabled."""
    listed = value_of(config.find("plugins"))
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, str) and each in _PLUGINS:
            return {}
        if isinstance(each, Mapping) and (name := _PLUGINS & each.keys()):
            value = each[next(iter(name))]
            return value if isinstance(value, Mapping) else {}
    return None


GENERATOR = Generator(90, _CONFIGS, _read_site, marks=_CONFIGS, dialect="mkdocs")
