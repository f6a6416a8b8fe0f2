"""Read what the configs of VuePress and VitePress give as literals.

Sources: vuepress.vuejs.org/reference/config.html, vitepress.dev/reference/site-config.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue
from broadsheet.importers.findings import Findings, relative_folder, under
from broadsheet.importers.generator import GeneratedSite, Generator
from broadsheet.importers.javascript import key, text_after, value_after, without_comments
from broadsheet.importers.patterns import ARTICLE_FOLDERS, tidy

_ENDINGS = ("ts", "js", "mts", "mjs", "cts", "cjs")
_CONFIGS = tuple(
    f"{parent}{tool}/config.{ending}"
    for tool in (".vitepress", ".vuepress")
    for parent in ("", "docs/", "src/", "docs/src/")
    for ending in _ENDINGS
)


def _read_site(files: Mapping[str, str], folders: Collection[str]) -> GeneratedSite | None:
    file = next((name for name in _CONFIGS if name in files), None)
    if file is None:
        return None
    root, _, tool = file.rpartition("/")[0].rpartition("/")
    root = root or "."
    code = without_comments(files[file])

    def text(name: str) -> ConfigValue | None:
        value = text_after(code, name)
        return ConfigValue(value, file, name) if value is not None else None

    findings = Findings("VitePress" if tool == ".vitepress" else "VuePress")
    findings.title(text("title"))
    findings.url(text("hostname"), text("url"), below=text("base"))
    findings.language(text("lang"))
    _take_articles(findings, code, root, folders)
    findings.markdown("vuepress")
    public = under(root, "public" if tool == ".vitepress" else ".vuepress/public")
    findings.assets([public, root], findings.default)
    return findings.site()


def _take_articles(findings: Findings, code: str, root: str, folders: Collection[str]) -> None:
    source = relative_folder(value_after(code, key("srcDir")))
    root = under(root, source) if source and source != "." else root
    present = [name for name in ARTICLE_FOLDERS if under(root, name) in folders]
    findings.folders([under(root, name) for name in present] or [root], f"folders in {root}")
    end = "" if value_after(code, key("cleanUrls")) is True else ".html"
    findings.permalink(f"/{{path}}{end}", findings.default)
    for name in present:
        permalink = tidy(f"/{name}/{{path}}{end}")
        findings.within(under(root, name), f"folder {name}", permalink=permalink)
    findings.addresses("vuepress")
    findings.title_from("heading", "filename")


GENERATOR = Generator(
    70, _CONFIGS, _read_site, marks=(".vitepress", ".vuepress"), dialect="vuepress"
)
