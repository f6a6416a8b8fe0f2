"""Read Jekyll's _config.yml.

Sources: jekyllrb.com/docs/permalinks; Jekyll's configuration.rb (the named styles), url_drop.rb
(the tokens) and document.rb (a post's id); jekyll-feed's feed.xml (ids, title, author).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping

from broadsheet.importers.config_file import (
    ConfigFile,
    ConfigValue,
    items_of,
    nested,
    read_config_file,
    table_of,
    value_of,
)
from broadsheet.importers.findings import Findings, folder_in, relative_folder, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.generators.hexo import is_hexo
from broadsheet.importers.patterns import translate

_CONFIGS = ("_config.yml", "_config.yaml", "_config.toml")
_GEMFILE = "Gemfile"  # may list plugins instead of the config
_CANDIDATES = (*_CONFIGS, _GEMFILE)

_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_TOKENS = {
    "year": "{year}",
    "month": "{month}",
    "day": "{day}",
    "i_month": "{month_number}",
    "i_day": "{day_number}",
    "y_day": "{day_of_year}",
    "short_month": "{month_name}",
    "hour": "{hour}",
    "minute": "{minute}",
    "second": "{second}",
    "title": "{slug}",
    "slug": "{slug}",
    "name": "{filename}",
    "path": "{path}",
    "categories": "{categories}",
    "slugified_categories": "{categories}",
    "collection": "posts",
    "output_ext": ".html",
}
# A known name wins over a longer unknown one only at an underscore, as in Jekyll's url.rb.
_TOKEN = rf":((?:{'|'.join(sorted(_TOKENS, key=len, reverse=True))})(?![a-z])|[a-z_]+)"


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have a Jekyll config; else None."""
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None and not {"_posts", "_layouts"} <= set(folders):
        return None
    config = read_config_file(file, files[file]) if file else ConfigFile(_CONFIGS[0])
    if is_hexo(config):
        return None
    findings = Findings("Jekyll")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("title"), config.find("name"))
    findings.url(config.find("url"), below=config.find("baseurl"))
    findings.language(config.find("lang"), config.find("locale"))
    _take_timezone(findings, config)
    findings.author(config.find("author"))
    root = _take_folders(findings, config, folders)
    _take_addresses(findings, config, files.get(_GEMFILE, ""), folders)
    findings.title_from("filename")
    _take_markdown(findings, config, files.get(_GEMFILE, ""))
    findings.assets([root], "Jekyll copies images from the root of the site")
    return findings.site()


def _take_markdown(findings: Findings, config: ConfigFile, gemfile: str) -> None:
    engine = str(value_of(config.find("markdown"))).lower()
    plugins = items_of(config.find("plugins") or config.find("gems"))
    has_emoji = "jemoji" in gemfile or "jemoji" in plugins
    emoji = ConfigValue(True, config.file, "jemoji") if has_emoji else None
    findings.markdown("github" if engine.startswith("commonmark") else "jekyll", ("emoji", emoji))


def _take_timezone(findings: Findings, config: ConfigFile) -> None:
    zone = config.find("timezone")
    findings.timezone(zone)
    if not zone:
        findings.remark(
            "publication.timezone",
            "the config has none, and Jekyll then uses that of the machine that builds the site",
            'write it by hand, e.g. "Europe/Paris", if dates in the articles have no offset',
        )


def _take_folders(findings: Findings, config: ConfigFile, folders: Collection[str]) -> str:
    """Take articles.folders: each `_posts`; return the folder that is the root of the site."""
    source, collections = config.find("source"), config.find("collections_dir")
    root, inner = folder_in(source, "."), relative_folder(value_of(collections))
    parent = under(root, inner) if inner and inner != "." else root
    below = "" if root == "." else f"{root}/"
    posts = sorted(
        name
        for name in folders
        if name.rpartition("/")[2] == "_posts"
        and name.startswith(below)
        and "/_" not in f"/{name.removesuffix('_posts')}"
    )
    named = [under(parent, f"_{name}") for name in _collections(config)]
    others = [name for name in named if name in folders]
    usual = under(parent, "_posts")
    if not posts and not others:
        findings.remark(
            "articles.folders",
            f"the folder {usual} does not exist yet",
            "write where the articles are",
        )
    taken = [*posts, *others] or [usual]
    findings.folders(taken, findings.source(collections if inner else source))
    return root


def _collections(config: ConfigFile) -> dict[str, str]:
    """Return the collections that have pages, each with its pattern."""
    by_type = {kind: str(value.value) for kind, path, value in _defaults(config) if not path}
    default = "/:collection/:path:output_ext"
    return {
        str(name): by_type.get(str(name)) or str(value.get("permalink") or default)
        for name, value in table_of(config.find("collections")).items()
        if isinstance(value, Mapping) and value.get("output") is True and name != "posts"
    }


def _take_addresses(
    findings: Findings, config: ConfigFile, gemfile: str, folders: Collection[str]
) -> None:
    """Take articles.addresses, articles.permalink, articles.in and articles.id."""
    found = _template(config)
    has_slug = ":slug" in str(found.value)
    findings.addresses("jekyll", keeps_case=not has_slug)
    pattern = _translated(findings, found)
    if not pattern or not findings.permalink(pattern, found.source):
        return
    if has_slug:
        findings.remark(
            "articles.permalink",
            "Jekyll's :slug has no punctuation, and {slug} keeps some, such as dots",
            "write `permalink` in the front matter of articles whose file names have some",
        )
    for name, template in _collections(config).items():
        value = ConfigValue(template, config.file, f"collections.{name}")
        own = _translated(findings, value, name)
        for folder in folders:
            if own and folder.rpartition("/")[2] == f"_{name}":
                findings.within(folder, value.source, permalink=own)
    for path, value in _post_defaults(config):
        if path not in {"", "_posts"} and (own := _translated(findings, value)):
            findings.within(path, value.source, permalink=own)
    _take_ids(findings, config, pattern, gemfile)


def _translated(findings: Findings, found: ConfigValue, collection: str = "posts") -> str:
    """Return Jekyll's pattern as one of ours; "" if it has no equivalent."""
    template = _STYLES.get(str(found.value).strip(), str(found.value))
    pattern, unknown = translate(template, _TOKEN, {**_TOKENS, "collection": collection})
    if unknown or re.search(r"[{}]", template):
        findings.no_permalink(found, unknown or ["the braces"])
        return ""
    return pattern


def _template(config: ConfigFile) -> ConfigValue:
    """Return the pattern of posts: from the front matter defaults, the collection, or the site."""
    defaults = [value for path, value in _post_defaults(config) if path in {"", "_posts"}]
    found = defaults[-1] if defaults else None
    found = found or config.find("collections", "posts", "permalink") or config.find("permalink")
    if found is None or not isinstance(found.value, str) or not found.value.strip():
        return ConfigValue(_STYLES["date"], "Jekyll's default (permalink: date)")
    return found


def _post_defaults(config: ConfigFile) -> Iterator[tuple[str, ConfigValue]]:
    """Yield path and permalink of each of `defaults` that has one for posts."""
    return ((path, value) for kind, path, value in _defaults(config) if kind in {"", "posts"})


def _defaults(config: ConfigFile) -> Iterator[tuple[str, str, ConfigValue]]:
    """Yield type, path and permalink of each of `defaults` that has one; "" for any type, path."""
    for entry in items_of(config.find("defaults")):
        document = nested(entry)
        permalink = document.find("values", "permalink")
        kind, path = value_of(document.find("scope", "type")), document.find("scope", "path")
        if permalink:
            value = ConfigValue(permalink.value, config.file, "defaults.values.permalink")
            yield str(kind or ""), str(value_of(path) or "").strip("/"), value


def _take_ids(findings: Findings, config: ConfigFile, pattern: str, gemfile: str) -> None:
    """Take articles.id: jekyll-feed's are the folder of the URL and the slug, without an ending."""
    ids = posixpath.join(posixpath.dirname(pattern.rstrip("/")), "{slug}")
    if ids == pattern:
        return
    if plugin := _feed_plugin(config, gemfile):
        findings.take("articles.id", ids, f"{plugin}: jekyll-feed (ids of its feed)")
    else:
        findings.remark(
            "articles.id",
            "the config does not name jekyll-feed",
            "if the site's feed comes from it nevertheless, "
            f'write "{ids}", so that no article shows up as new',
        )


def _feed_plugin(config: ConfigFile, gemfile: str) -> str:
    """Return where jekyll-feed is enabled; "" if nowhere."""
    for key in ("plugins", "gems"):
        plugins = config.find(key)
        if plugins and "jekyll-feed" in items_of(plugins):
            return plugins.source
    named = re.search(r"(?m)^\s*gem\s*\(?\s*[\"']jekyll-feed[\"']", gemfile)
    return _GEMFILE if named else ""


GENERATOR = Generator(50, _CANDIDATES, _read_site)
