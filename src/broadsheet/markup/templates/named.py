"""Named tags of any language: pictures, links, videos, and templates of the config.

A generator runs a template for each tag, which is not available here. So a tag is resolved where
its name makes its meaning plain, or where an argument names a picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from posixpath import basename, dirname, join, normpath
from string import Formatter

from broadsheet.markup.links import INTERNAL, Links
from broadsheet.text.urls import encode

Arguments = Mapping[str, str]

_ARGUMENT = re.compile(
    r"(?:([\w-]+)\s*[=:]\s*)?(?:\"((?:\\.|[^\"\\])*)\"|'([^'\n]*)'|`([^`]*)`|([^\s\"',`]+))"
)
_MARKED_UP = re.compile(r"[\[*_`]")
_PICTURE = re.compile(
    r"[^\s<>\"]+\.(?:png|jpe?g|gif|svg|webp|avif)(?:[?#][^\s\"]*)?", re.IGNORECASE
)
_SOURCES = ("src", "url", "image_path", "image", "img", "file", "path", "source", "href", "0", "1")
_WEB = re.compile(r"https?://[^\s<>\"]+")


def arguments(text: str) -> dict[str, str]:
    """Return named arguments by name, others by their position: "0", "1", ..."""
    found: dict[str, str] = {}
    for name, double, single, raw, bare in _ARGUMENT.findall(text):
        value = double.replace('\\"', '"') or single or raw or bare
        found[name or str(sum(key.isdigit() for key in found))] = value
    return found


def meaning(name: str, given: Arguments) -> str | None:
    """Return the Markdown or HTML that replaces the tag `name`; None if unknown."""
    if name in EMBEDS:
        return _embed(given, *EMBEDS[name])
    if name == "details":
        title = next((given[key] for key in ("0", "summary", "title") if key in given), "")
        return f"<details><summary>{escape(title)}</summary>\n\n"
    has_picture = any(is_picture(given.get(key, "")) for key in _SOURCES)
    return figure(given) if name == "figure" or has_picture else None


def is_picture(address: str) -> bool:
    """Whether an address ends like a picture's."""
    return bool(_PICTURE.fullmatch(address))


def figure(given: Arguments) -> str:
    """Return a picture with its caption, from arguments of the names that are in use."""
    pictures = (given[key] for key in _SOURCES if is_picture(given.get(key, "")))
    source = given.get("src") or next(pictures, given.get("url", given.get("0", "")))
    caption = given.get("caption", given.get("description", given.get("attr", "")))
    alt = given.get("alt", given.get("title", caption or given.get("1", "")))
    image = f'<img src="{escape(source)}" alt="{escape(alt)}">'
    if link := given.get("link"):
        image = f'<a href="{escape(link)}">{image}</a>'
    title = f"<strong>{escape(given['title'])}</strong> " if "title" in given else ""
    # Between blank lines it is read as Markdown.
    caption = f"\n\n{caption}\n\n" if _MARKED_UP.search(caption) else escape(caption)
    words = f"<figcaption>{title}{caption}</figcaption>" if title or caption else ""
    return f"<figure>{image}{words}</figure>"


EMBEDS = {
    "embed": ("{}", "url"),
    "gist": ("https://gist.github.com/{}/{}", "user", "id"),
    "instagram": ("https://www.instagram.com/p/{}/", "id"),
    "tweet": ("https://x.com/{}/status/{}", "user", "id"),
    "vimeo": ("https://vimeo.com/{}", "id"),
    "x": ("https://x.com/{}/status/{}", "user", "id"),
    "youtube": ("https://www.youtube.com/watch?v={}", "id"),
}
"""Tags and components for what another site shows: its address, and the arguments for that."""

CLOSINGS = {"details": "\n\n</details>\n\n"}
"""What the closing tags of `meaning` become."""


def _embed(given: Arguments, pattern: str, *names: str) -> str:
    whole = next((value for value in given.values() if _WEB.fullmatch(value)), "")
    values = [given.get(name, given.get(str(place), "")) for place, name in enumerate(names)]
    path = "/".join(filter(None, values)).split("/")  # such as `me/12`
    is_known = whole or (all(path) and len(path) == len(names))
    return f"<{whole or pattern.format(*path)}>" if is_known else ""


def from_template(template: str, given: Arguments) -> tuple[str, str]:
    """Return what a template of the config gives before and after its `{inner}`."""
    parts = [""]
    for text, field, _, _ in Formatter().parse(template):
        parts[-1] += text
        if field == "inner":
            parts.append("")
        elif field is not None:
            parts[-1] += escape(given.get(field, ""))
    return parts[0], "".join(parts[1:])


def target(links: Links, path: str) -> tuple[str, bool]:
    """Return the address of the article or file that a tag names by its path in the source.

    Returns the address, and whether there is such an article or file. If there is none, the address
    is the likely one of a page of the site.
    """
    path, mark, part = path.strip().partition("#")
    if not path:
        return mark + part, True
    inner, near = normpath(path.strip("/")), normpath(join(dirname(links.source), path))
    link_index = links.link_index
    beside = [each for each in (near, f"{near}.md", f"{near}/index.md") if each in link_index.pages]
    articles = (each for each in (*beside, inner, basename(inner)) if link_index.page(each))
    article, asset = next(articles, None), links.asset(path)
    if asset and not article:
        return asset.url + mark + part, True
    if article:
        return links.resolve(f"{INTERNAL}{article}{mark}{part}".replace(" ", "%20")), True
    likely = re.sub(r"(?:(?:^|/)_?index)?\.(?:md|mdx|markdown)\Z", "", inner)
    likely = re.sub(r"(^|/)_(?=[^/]+/)", r"\1", likely)  # Jekyll serves `_docs/x.md` in `docs/`
    return encode(f"{link_index.site}{likely}{mark}{part}"), False
