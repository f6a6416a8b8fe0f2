"""What named tags mean, in any language: pictures, links, videos, and what the config defines.

A generator runs a template for each; Broadsheet has none of them. So a tag means something where
that is plain from its name, or from an argument that names a picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from posixpath import dirname, normpath
from string import Formatter

from broadsheet.markup.links import INTERNAL, Links, encode

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
    """Named arguments by name, others by their position: "0", "1", ..."""
    found: dict[str, str] = {}
    for name, double, single, raw, bare in _ARGUMENT.findall(text):
        value = double.replace('\\"', '"') or single or raw or bare
        found[name or str(sum(key.isdigit() for key in found))] = value
    return found


def meaning(name: str, given: Arguments) -> str | None:
    """The Markdown or HTML that the tag `name` stands for; None if that is not known."""
    if name in _KNOWN:
        return _KNOWN[name](given)
    if any(_PICTURE.fullmatch(given.get(key, "")) for key in _SOURCES):
        return figure(given)
    return None


def figure(given: Arguments) -> str:
    """A picture with its caption, from arguments of the names that are in use."""
    pictures = (given[key] for key in _SOURCES if _PICTURE.fullmatch(given.get(key, "")))
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


def is_picture(address: str) -> bool:
    """Whether an address ends like a picture's."""
    return bool(_PICTURE.fullmatch(address))


def _first(given: Arguments, *names: str) -> str:
    return next((given[name] for name in ("0", *names) if name in given), "")


def _details(given: Arguments) -> str:
    return f"<details><summary>{escape(_first(given, 'summary', 'title'))}</summary>\n\n"


def _at(pattern: str, *names: str) -> Callable[[Arguments], str]:
    """A link to what another site shows; its address may be an argument, too."""

    def link(given: Arguments) -> str:
        whole = next((value for value in given.values() if _WEB.fullmatch(value)), "")
        values = [given.get(name, given.get(str(i), "")) for i, name in enumerate(names)]
        return f"<{whole or pattern.format(*values)}>" if whole or all(values) else ""

    return link


def _gist(given: Arguments) -> str:
    words = _first(given, "user").split("/")
    user, id_ = words if len(words) == 2 else (words[0], given.get("1", given.get("id", "")))
    return f"<https://gist.github.com/{user}/{id_}>" if id_ else f"<https://gist.github.com/{user}>"


_KNOWN: dict[str, Callable[[Arguments], str]] = {
    "details": _details,
    "embed": _at("{}", "url"),
    "figure": figure,
    "gist": _gist,
    "instagram": _at("https://www.instagram.com/p/{}/", "id"),
    "tweet": _at("https://x.com/{}/status/{}", "user", "id"),
    "vimeo": _at("https://vimeo.com/{}", "id"),
    "x": _at("https://x.com/{}/status/{}", "user", "id"),
    "youtube": _at("https://www.youtube.com/watch?v={}", "id"),
}
"""Tags by name. `highlight`, `ref` and the like need more than their arguments (`run`)."""

EMBEDS = _KNOWN.keys() - {"details", "figure"}
"""Tags for what another site shows; a component of the same name means the same."""

CLOSINGS = {"details": "\n\n</details>\n\n"}


def from_template(template: str, given: Arguments) -> tuple[str, str]:
    """What a template of the config gives before and after its `{inner}`."""
    parts = [""]
    for text, field, _, _ in Formatter().parse(template):
        parts[-1] += text
        if field == "inner":
            parts.append("")
        elif field is not None:
            parts[-1] += escape(given.get(field, ""))
    return parts[0], "".join(parts[1:])


def target(links: Links, path: str) -> tuple[str, str, bool]:
    """The address of the article or file that a tag names by its path in the source.

    Returns the reference, its address, and whether there is such an article or file. If there is
    none, the address is the likely one of a page of the site.
    """
    path, mark, part = path.strip().partition("#")
    if not path:
        return "", f"{mark}{part}", True
    inner = normpath(path.strip("/"))
    near = normpath(f"{dirname(links.source)}/{path}") if not path.startswith("/") else ""
    pages = links.library.pages
    ends = (near, f"{near}.md", f"{near}/index.md") if near else ()
    source = next((each for each in ends if each in pages), None)
    for each in (source, inner, inner.rpartition("/")[2]):
        if each and links.library.page(each):
            reference = f"{INTERNAL}{each}{mark}{part}".replace(" ", "%20")
            return reference, links.resolve(reference), True
    if asset := links.asset(path):
        return path, asset.url + mark + part, True
    likely = re.sub(r"(?:(?:^|/)_?index)?\.(?:md|mdx|markdown)\Z", "", inner)
    likely = re.sub(r"(^|/)_(?=[^/]+/)", r"\1", likely)  # Jekyll serves `_docs/x.md` in `docs/`
    reference = f"{INTERNAL}{inner}{mark}{part}".replace(" ", "%20")
    return reference, encode(f"{links.library.site}{likely}{mark}{part}"), False
