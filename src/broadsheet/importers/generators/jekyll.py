"""Reads Jekyll's _config.yml.

Sources: jekyllrb.com/docs/permalinks; Jekyll's configuration.rb (the named styles), url_drop.rb
(the tokens) and document.rb (a post's id); jekyll-feed's feed.xml (ids, title, author).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from broadsheet.importers.config_file import ConfigFile, ConfigValue, read_config_file
from broadsheet.importers.findings import (
    FOLDERS,
    ID,
    LOWERCASE,
    PERMALINK,
    TIMEZONE,
    Findings,
    relative_folder,
    under,
)
from broadsheet.importers.generator import GeneratedSite, Generator
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
    "title": "{slug}",
    "slug": "{slug}",
    "categories": "",
    "slugified_categories": "",
    "collection": "posts",
    "output_ext": ".html",
}
# A known name wins over a longer unknown one only at an underscore, as in Jekyll's url.rb.
_TOKEN = rf":((?:{'|'.join(sorted(_TOKENS, key=len, reverse=True))})(?![a-z])|[a-z_]+)"


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    """Return the site if `files` have a Jekyll config; else None."""
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    config = read_config_file(file, files[file])
    if _is_hexo(config):
        return None
    findings = Findings("Jekyll")
    if findings.complain([config]):
        return findings.site()
    findings.title(config.find("title"), config.find("name"))
    findings.address(config.find("url"), below=config.find("baseurl"))
    findings.language(config.find("lang"), config.find("locale"))
    _take_timezone(findings, config)
    findings.author(config.find("author"))
    root = _take_folder(findings, config, folders)
    _take_addresses(findings, config, files.get(_GEMFILE, ""))
    _take_markdown(findings, config, files.get(_GEMFILE, ""))
    findings.assets([root], "Jekyll copies images from the root of the site")
    return findings.site()


def _take_markdown(findings: Findings, config: ConfigFile, gemfile: str) -> None:
    engine = config.find("markdown")
    name = engine.value.lower() if engine and isinstance(engine.value, str) else "kramdown"
    plugins = config.find("plugins") or config.find("gems")
    listed = plugins.value if plugins and isinstance(plugins.value, list) else []
    has_emoji = "jemoji" in gemfile or "jemoji" in listed
    emoji = ConfigValue(True, config.file, "jemoji") if has_emoji else None
    findings.markdown("github" if name.startswith("commonmark") else "jekyll", ("emoji", emoji))


def _is_hexo(config: ConfigFile) -> bool:
    """Hexo names its config as Jekyll does; these keys are only Hexo's."""
    return any(config.find(key) for key in ("source_dir", "public_dir", "new_post_name"))


def _take_timezone(findings: Findings, config: ConfigFile) -> None:
    zone = config.find("timezone")
    findings.timezone(zone)
    if not zone:
        findings.remark(
            TIMEZONE,
            "the config names none, and Jekyll then uses that of the machine that builds the site",
            'write it by hand, e.g. "Europe/Paris", if dates in the articles have no offset',
        )


def _take_folder(findings: Findings, config: ConfigFile, folders: Collection[str]) -> str:
    """Take articles.folders, and return the folder that is the root of the site."""
    source, collections = config.find("source"), config.find("collections_dir")
    root = (relative_folder(source.value) if source else ".") or "."
    inner = relative_folder(collections.value) if collections else None
    parent = under(root, inner) if inner and inner != "." else root
    posts = under(parent, "_posts")
    where = collections if inner else source
    findings.take(FOLDERS, [posts], where.source if where else "Jekyll's default")
    if posts not in folders:
        findings.remark(FOLDERS, f"there is no folder {posts} yet", "write where the articles are")
    others = sorted(name for name in folders if name.endswith("/_posts") and name != posts)
    if others:
        findings.remark(
            FOLDERS,
            f"articles in {', '.join(others)} have a category and were not taken",
            "add the folder by hand, and `url` to the front matter of its articles",
        )
    return root


def _take_addresses(findings: Findings, config: ConfigFile, gemfile: str) -> None:
    """Take articles.permalink and articles.id."""
    found = _template(config)
    template = found.value if isinstance(found.value, str) else ""
    pattern, unknown = translate(template, _TOKEN, _TOKENS)
    if unknown or re.search(r"[{}]", template):
        findings.no_permalink(found, unknown or ["the braces"])
        return
    if not findings.permalink(pattern, found.source):
        return
    if ":title" in template:
        findings.take(LOWERCASE, False, "Jekyll's :title keeps capital letters")
    if "categories" in template:
        findings.remark(
            PERMALINK,
            "Jekyll begins the address of an article that has categories with them, which a "
            "pattern here cannot say",
            "write `url` in the front matter of such articles",
        )
    _take_ids(findings, config, pattern, gemfile)


def _template(config: ConfigFile) -> ConfigValue:
    """The pattern for posts: from the defaults for front matter, their collection, or the site."""
    found = _default_permalink(config)
    found = found or config.find("collections", "posts", "permalink") or config.find("permalink")
    if found is None or not isinstance(found.value, str) or not found.value.strip():
        return ConfigValue(_STYLES["date"], "Jekyll's default (permalink: date)")
    return replace(found, value=_STYLES.get(found.value.strip(), found.value))


def _default_permalink(config: ConfigFile) -> ConfigValue | None:
    """The last of `defaults` that gives posts a permalink."""
    defaults = config.find("defaults")
    result = None
    for entry in defaults.value if defaults and isinstance(defaults.value, list) else ():
        document = ConfigFile(config.file, entry) if isinstance(entry, Mapping) else ConfigFile("")
        permalink = document.find("values", "permalink")
        kind, path = document.find("scope", "type"), document.find("scope", "path")
        for_posts = not kind or kind.value == "posts"
        everywhere = not path or path.value in ("", "_posts")
        if permalink and for_posts and everywhere:
            result = ConfigValue(permalink.value, config.file, "defaults.values.permalink")
    return result


def _take_ids(findings: Findings, config: ConfigFile, pattern: str, gemfile: str) -> None:
    """jekyll-feed's ids are the folder of the address and the slug, with no extension or slash."""
    ids = posixpath.join(posixpath.dirname(pattern.rstrip("/")), "{slug}")
    if ids == pattern:
        return
    if plugin := _feed_plugin(config, gemfile):
        findings.take(ID, ids, f"{plugin}: jekyll-feed (ids of its feed)")
    else:
        findings.remark(
            ID,
            "the config does not name jekyll-feed",
            "if the site's feed comes from it all the same, "
            f'write "{ids}", so that no article shows up as new',
        )


def _feed_plugin(config: ConfigFile, gemfile: str) -> str:
    """Where jekyll-feed is switched on; "" if nowhere."""
    for key in ("plugins", "gems"):
        plugins = config.find(key)
        if plugins and isinstance(plugins.value, list) and "jekyll-feed" in plugins.value:
            return plugins.source
    named = re.search(r"(?m)^\s*gem\s*\(?\s*[\"']jekyll-feed[\"']", gemfile)
    return _GEMFILE if named else ""


GENERATOR = Generator(50, _CANDIDATES, _read_site)
