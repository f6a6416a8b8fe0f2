"""Reads what the configs of VuePress and VitePress write out.

Sources: vuepress.vuejs.org/reference/config.html, vitepress.dev/reference/site-config.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue
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
from broadsheet.importers.javascript import value_after, without_comments
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
    findings = Findings("VitePress" if tool == ".vitepress" else "VuePress")
    findings.title(_text(file, code, "title"))
    findings.address(
        _text(file, code, "hostname"), _text(file, code, "url"), below=_text(file, code, "base")
    )
    findings.language(_text(file, code, "lang"))
    _take_articles(findings, code, root, folders)
    findings.markdown("vuepress")
    public = under(root, "public" if tool == ".vitepress" else ".vuepress/public")
    findings.assets([public, root], f"{findings.generator}'s default")
    return findings.site()


def _text(file: str, code: str, key: str) -> ConfigValue | None:
    value = value_after(code, rf"(?<![\w.]){key}\s*:\s*(?=['\"`])")
    return ConfigValue(value, file, key) if isinstance(value, str) else None


def _take_articles(findings: Findings, code: str, root: str, folders: Collection[str]) -> None:
    given = value_after(code, r"(?<![\w.])srcDir\s*:\s*")
    source = relative_folder(given) if isinstance(given, str) else None
    root = under(root, source) if source and source != "." else root
    present = [name for name in ARTICLE_FOLDERS if under(root, name) in folders]
    findings.take(FOLDERS, [under(root, name) for name in present] or [root], f"folders in {root}")
    clean = value_after(code, r"(?<![\w.])cleanUrls\s*:\s*") is True
    end = "" if clean else ".html"
    findings.permalink(f"/{{path}}{end}", f"{findings.generator}'s default")
    for name in present:
        permalink = tidy(f"/{name}/{{path}}{end}")
        findings.within(under(root, name), f"folder {name}", permalink=permalink)
    findings.take(ADDRESSES, "vuepress", f"the site is {findings.generator}'s")
    findings.take(LOWERCASE, False, f"{findings.generator} keeps capital letters")
    findings.take(TITLE_FROM, ["heading", "filename"], f"{findings.generator}'s default")


GENERATOR = Generator(
    70, _CONFIGS, _read_site, marks=(".vitepress", ".vuepress"), dialect="vuepress"
)
