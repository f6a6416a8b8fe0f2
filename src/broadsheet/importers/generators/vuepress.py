"""Read what the configs of VuePress and VitePress give as literals.

Sources: vuepress.vuejs.org/reference/config.html, vitepress.dev/reference/site-config.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from broadsheet.importers.config_file import ConfigValue
from broadsheet.importers.findings import Findings, language_tag, relative_folder, under
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
    hostname, base = text_after(code, "hostname") or "", text_after(code, "base") or "/"
    is_whole = hostname.rstrip("/").endswith(base.rstrip("/"))  # VitePress: with the base
    findings.url(text("hostname"), text("url"), below=None if is_whole else text("base"))
    findings.language(text("lang"))
    _take_articles(findings, code, root, folders)
    findings.markdown("vuepress")
    public = under(root, "public" if tool == ".vitepress" else ".vuepress/public")
    findings.assets([public, root], findings.default)
    return findings.site()


def _take_articles(findings: Findings, code: str, root: str, folders: Collection[str]) -> None:
    source = relative_folder(value_after(code, key("srcDir")))
    root = under(root, source) if source and source != "." else root
    languages = _languages(code)
    names = [f"{place}{name}" for place in ("", *languages) for name in ARTICLE_FOLDERS]
    present = [name for name in names if under(root, name) in folders]
    findings.folders([under(root, name) for name in present] or [root], f"folders in {root}")
    end = "" if value_after(code, key("cleanUrls")) is True else ".html"
    findings.permalink(f"/{{path}}{end}", findings.default)
    for place, language in languages.items():
        if not present or any(name.startswith(place) for name in present):
            findings.within(under(root, place.rstrip("/")), f"locale {place}", language=language)
    for name in present:
        permalink = tidy(f"/{name}/{{path}}{end}")
        findings.within(under(root, name), f"folder {name}", permalink=permalink)
    findings.addresses("vuepress")
    findings.title_from("heading", "filename")


def _languages(code: str) -> dict[str, str | None]:
    """Return the languages of the locales by their folders, such as "de/"; not that at the root."""
    locales = value_after(code, key("locales"))
    return {
        f"{place}/": language_tag(locale.get("lang") or place)
        for name, locale in (locales.items() if isinstance(locales, Mapping) else ())
        if (place := str(name).strip("/")) not in {"", "root"} and isinstance(locale, Mapping)
    }


GENERATOR = Generator(
    70, _CONFIGS, _read_site, marks=(".vitepress", ".vuepress"), dialect="vuepress"
)
