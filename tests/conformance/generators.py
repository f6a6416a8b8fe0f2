"""The real site generators: each builds a folder of articles, one page an article.

`install` beside this file puts them into .conformance/. Each is set up as its own documentation
sets it up, with the plugins that the dialect of the same name promises to read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

SITE: Final = "https://example.org/"
HOME: Final = Path(__file__).parents[2] / ".conformance"
"""Where the generators are installed."""

_START, _END = "<article-body>", "</article-body>"
_BODY = re.compile(f"{_START}(.*){_END}", re.DOTALL)
_NODE = HOME / "node"

Samples = Mapping[str, str]
"""Name of an article, which ends in .md or .mdx -> its body."""


def build(generator: str, samples: Samples, folder: Path) -> dict[str, str]:
    """Return the HTML of the body of each article, without those of `samples` that failed.

    Raises CalledProcessError where the generator fails as a whole.
    """
    output = _BUILDERS[generator](samples, folder)
    return {name: html for name in samples if (html := _body(output, Path(name).stem)) is not None}


def names() -> tuple[str, ...]:
    """Return the names of all generators, which are names of dialects too."""
    return tuple(_BUILDERS)


def _body(output: Path, slug: str) -> str | None:
    for page in (output / slug / "index.html", output / f"{slug}.html"):
        if page.is_file() and (found := _BODY.search(page.read_text("utf-8"))):
            return found[1]
    return None


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _articles(samples: Samples, under: str, front: str) -> dict[str, str]:
    """Return the files of `samples`; `front` is the front matter, without its first field."""
    return {
        f"{under}{name}": f'---\ntitle: "T"\n{front}---\n{text}\n' for name, text in samples.items()
    }


def run_generator(folder: Path, *command: str | Path) -> None:
    """Run the command of a generator in `folder`. Raises CalledProcessError if it fails."""
    environment = {
        **os.environ,
        "ASTRO_TELEMETRY_DISABLED": "1",
        "CI": "1",
        "NODE_PATH": str(_NODE / "node_modules"),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()


def _page(content: str) -> str:
    return f"<!doctype html><html><body>{_START}{content}{_END}</body></html>\n"


def _hugo(samples: Samples, folder: Path) -> Path:
    settings = f"""
        baseURL = "{SITE}"
        disableKinds = ["home", "section", "taxonomy", "term", "rss", "sitemap", "robotsTXT", "404"]
        [markup.goldmark.renderer]
        unsafe = true  # raw HTML is what a sanitiser, not a dialect, decides about
    """
    _write(
        folder,
        {
            "hugo.toml": settings,
            "layouts/_default/single.html": _page("{{ .Content }}"),
            **_articles(samples, "content/", "date: 2020-01-01\n"),
        },
    )
    run_generator(folder, HOME / "python/bin/hugo")
    return folder / "public"


def _jekyll(samples: Samples, folder: Path) -> Path:
    _write(
        folder,
        {
            "_config.yml": f"url: {SITE.rstrip('/')}\npermalink: pretty\n",
            "_layouts/page.html": _page("{{ content }}"),
            **_articles(samples, "", "layout: page\n"),
        },
    )
    run_generator(folder, "jekyll", "build", "--quiet", "--disable-disk-cache")
    return folder / "_site"


def _eleventy(samples: Samples, folder: Path) -> Path:
    settings = """
        import footnotes from "markdown-it-footnote";
        import definitions from "markdown-it-deflist";
        import attributes from "markdown-it-attrs";
        export default function (config) {
          config.amendLibrary("md", (md) => md.use(footnotes).use(definitions).use(attributes));
        }
    """
    link_packages(folder)
    _write(
        folder,
        {
            "eleventy.config.mjs": settings,
            "_includes/page.njk": _page("{{ content | safe }}"),
            **_articles(samples, "", "layout: page.njk\n"),
        },
    )
    run_generator(
        folder, _NODE / "node_modules/.bin/eleventy", "--quiet", "--config=eleventy.config.mjs"
    )
    return folder / "_site"


def _astro(samples: Samples, folder: Path) -> Path:
    settings = f"""
        import {{ defineConfig }} from "astro/config";
        import mdx from "@astrojs/mdx";
        export default defineConfig({{ site: "{SITE}", integrations: [mdx()] }});
    """
    link_packages(folder)
    _write(
        folder,
        {
            "astro.config.mjs": settings,
            "package.json": json.dumps({"type": "module"}),
            "src/layouts/Page.astro": _page("<slot />"),
            "src/components/Box.astro": "<aside><slot /></aside>\n",
            **_articles(samples, "src/pages/", "layout: ../layouts/Page.astro\n"),
        },
    )
    run_generator(folder, _NODE / "node_modules/.bin/astro", "build", "--silent")
    return folder / "dist"


def _pelican(samples: Samples, folder: Path) -> Path:
    settings = f"""
SITEURL = "{SITE.rstrip("/")}"
PATH = "content"
OUTPUT_PATH = "output"
THEME = "theme"
TIMEZONE = "UTC"
DEFAULT_DATE = (2020, 1, 1)
ARTICLE_SAVE_AS = "{{slug}}.html"
SLUGIFY_SOURCE = "basename"
DIRECT_TEMPLATES = []
FEED_ALL_ATOM = CATEGORY_FEED_ATOM = AUTHOR_FEED_ATOM = TRANSLATION_FEED_ATOM = None
CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = TAG_SAVE_AS = ""
"""
    _write(
        folder,
        {
            "pelicanconf.py": settings,
            "theme/templates/article.html": _page("{{ article.content }}"),
            "theme/static/empty": "",
            **{f"content/{name}": f"Title: T\n\n{text}\n" for name, text in samples.items()},
        },
    )
    run_generator(folder, HOME / "python/bin/pelican", "--settings", "pelicanconf.py")
    return folder / "output"


def _mkdocs(samples: Samples, folder: Path) -> Path:
    settings = f"""
site_name: T
site_url: {SITE}
theme: {{name: null, custom_dir: theme}}
plugins: []
markdown_extensions:  # those of Material for MkDocs
  - abbr
  - admonition
  - attr_list
  - def_list
  - footnotes
  - md_in_html
  - tables
  - pymdownx.details
  - pymdownx.highlight: {{use_pygments: false}}
  - pymdownx.superfences
  - pymdownx.tasklist
  - pymdownx.tilde
"""
    _write(
        folder,
        {
            "mkdocs.yml": settings,
            "theme/main.html": _page("{{ page.content }}"),
            **_articles(samples, "docs/", ""),
        },
    )
    run_generator(folder, HOME / "python/bin/mkdocs", "build")
    return folder / "site"


def link_packages(folder: Path) -> None:
    """Let the modules of a site in `folder` find the packages that are installed elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node_modules").symlink_to(_NODE / "node_modules")


_BUILDERS: dict[str, Callable[[Samples, Path], Path]] = {
    "hugo": _hugo,
    "jekyll": _jekyll,
    "eleventy": _eleventy,
    "astro": _astro,
    "pelican": _pelican,
    "mkdocs": _mkdocs,
}
