"""Feeds from the pages that real generators built, with what only these can do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from conformance.generators import HOME, link_packages, run_generator
from newsroom import Newsroom

URL = "https://example.org/"
FRONT = '---\ntitle: "Öne & two"\ndate: 2025-03-04\nimage: pic.png\n{}---\n'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000208020000"
    "00fdd49a730000001049444154789c63f8cfc000c60c100a0022de04fc8e6ea6a10000000049454e44ae426082"
)
NAV = '<nav><a href="/">Home</a></nav>'


@dataclass(frozen=True)
class BuiltSmallSite:
    """A site: its files, how it is built, and the folder that its generator writes."""

    name: str
    files: Mapping[str, str | bytes]
    build: Callable[[Path], None]
    output: str


HUGO = BuiltSmallSite(
    "hugo",
    {
        "hugo.toml": f'baseURL = "{URL}"\ntitle = "T"\npermalinks.page.posts = "/:year/:slug/"\n',
        "layouts/page.html": f"""<html lang="fr"><head><title>{{{{ .Title }}}}</title>
<link rel="canonical" href="{{{{ .Permalink }}}}">
{{{{ with .Resources.Get "pic.png" }}}}{{{{ with . | fingerprint }}}}
<meta property="og:image" content="{{{{ .Permalink }}}}">{{{{ end }}}}{{{{ end }}}}</head>
<body>{NAV}<article><header><h1>{{{{ .Title }}}}</h1></header>{{{{ .Content }}}}</article>
</body></html>""",
        "layouts/home.html": "home",
        "layouts/_shortcodes/box.html": "<aside>{{ .Inner | markdownify }}</aside>",
        "layouts/_shortcodes/pic.html": "{{ with .Page.Resources.Get (.Get 0) | fingerprint }}"
        '<img src="{{ .RelPermalink }}" alt="x">{{ end }}',
        "content/posts/one/index.md": FRONT.format("slug: uno\n")
        + '{{< box >}}**boxed**{{< /box >}}\n\n{{< pic "pic.png" >}}\n\n'
        + '[two]({{< relref "two" >}})\n',
        "content/posts/one/pic.png": PNG,
        "content/posts/two.md": FRONT.format("").replace("Öne", "Other") + "**boxed** a\n",
    },
    lambda folder: run_generator(folder, HOME / "python/bin/hugo"),
    "public",
)
ELEVENTY = BuiltSmallSite(
    "eleventy",
    {
        "eleventy.config.mjs": """export default function (config) {
  config.addPassthroughCopy("img");
  config.addPairedShortcode("box", (inner) => `<aside><strong>${inner}</strong></aside>`);
  config.addShortcode("pic", (name) => `<img src="/img/${name}" alt="x">`);
}
""",
        "_includes/post.njk": f"""<html lang="fr"><head><title>{{{{ title }}}}</title></head>
<body>{NAV}<main class="h-entry"><h1 class="p-name">{{{{ title }}}}</h1>
<div class="e-content">{{{{ content | safe }}}}</div><p>by me</p></main></body></html>""",
        "index.html": "---\n---\nhome\n",
        "posts/posts.json": '{"layout": "post.njk", "permalink": "/w/{{ page.fileSlug }}/"}\n',
        "posts/one.md": FRONT.format("")
        + '{% box %}boxed{% endbox %}\n\n{% pic "pic.png" %}\n\n[two](/w/two/)\n',
        "posts/two.md": FRONT.format("").replace("Öne", "Other") + "**boxed** a\n",
        "img/pic.png": PNG,
    },
    lambda folder: run_generator(
        folder,
        HOME / "node/node_modules/.bin/eleventy",
        "--quiet",
        "--config=eleventy.config.mjs",
    ),
    "_site",
)
ASTRO = BuiltSmallSite(
    "astro",
    {
        "astro.config.mjs": f"""import {{ defineConfig }} from "astro/config";
import mdx from "@astrojs/mdx";
export default defineConfig({{ site: "{URL}", integrations: [mdx()] }});
""",
        "package.json": '{"type": "module"}',
        "src/layouts/Page.astro": f"""---
const {{ frontmatter }} = Astro.props;
---
<html lang="fr"><head><title>{{frontmatter.title}}</title></head><body>{NAV}
<article><h1>{{frontmatter.title}}</h1><slot /></article></body></html>
""",
        "src/components/Box.astro": "<aside><strong><slot /></strong></aside>\n",
        "src/pages/index.md": "home\n",
        "src/pages/posts/one.mdx": FRONT.format("layout: ../../layouts/Page.astro\n")
        + 'import Box from "../../components/Box.astro";\nimport pic from "./pic.png";\n\n'
        '<Box>boxed</Box>\n\n<img src={pic.src} alt="x" />\n\n[two](/posts/two/)\n',
        "src/pages/posts/two.md": FRONT.format("layout: ../../layouts/Page.astro\n").replace(
            "Öne", "Other"
        )
        + "**boxed** a\n",
        "src/pages/posts/pic.png": PNG,
    },
    lambda folder: run_generator(
        folder, HOME / "node/node_modules/.bin/astro", "build", "--silent"
    ),
    "dist",
)


@pytest.mark.parametrize("site", [HUGO, ELEVENTY, ASTRO], ids=lambda site: site.name)
def test_the_feed_has_the_text_of_the_built_site(site: BuiltSmallSite, tmp_path: Path) -> None:
    """After `init` and the key that it offers: components, image names, links and addresses."""
    newsroom = Newsroom(tmp_path)
    for name, content in site.files.items():
        newsroom.write(name, content)
    link_packages(tmp_path)
    site.build(tmp_path)
    assert newsroom.run("init", "--url", URL).code == 0
    config = tmp_path / "broadsheet.toml"
    offered = f'# rendered = "{site.output}/"'
    text = config.read_text("utf-8")
    assert offered in text
    text = re.sub(r"^# title = .*required.*", 'title = "T"', text, flags=re.MULTILINE)
    config.write_text(text.replace(offered, offered.removeprefix("# ")), "utf-8")
    items = json.loads(newsroom.build()["feed.json"])["items"]
    by_title = {each["title"]: each for each in items}
    one, two = by_title["Öne & two"], by_title["Other & two"]
    html = one["content_html"]
    assert re.search(r"<aside>\s*<strong>boxed</strong>\s*</aside>", html), html
    assert "Home" not in html
    assert "<h1>" not in html
    assert f'<a href="{two["url"]}">two</a>' in html
    assert re.sub(r"\s+", " ", two["content_html"]) == "<p><strong>boxed</strong> a</p>"
    for address in (one["url"], two["url"], *re.findall(r'src="([^"]*)"', html)):
        path = unquote(urlsplit(address).path)
        file = tmp_path / site.output / path.lstrip("/")
        assert (file / "index.html" if path.endswith("/") else file).is_file(), address
    assert {one["language"], two["language"]} == {"fr"}
