"""Rules on what stands below the front matter: links, images, footnotes, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from urllib.parse import unquote, urlsplit

from broadsheet.articles import Article
from broadsheet.checks.material import Material
from broadsheet.checks.prose import Prose
from broadsheet.checks.rule import rule
from broadsheet.errors import Problem
from broadsheet.markup import dropped_tags, unknown_shortcodes
from broadsheet.markup.text import forbidden

# [text](target "title") and ![alt](target): one level of brackets in the text, and of
# parentheses in the target, is what people write.
_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>(?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]"
    r"\((?P<target><[^>\n]*>|(?:[^()\n]|\([^()\n]*\))*?)(?:[ \t]+[\"'(][^\n]*?[\"')])?\)"
)
_HTML_IMAGE = re.compile(r"<img\b(?P<attributes>[^>]*)>", re.IGNORECASE)
_SOURCE = re.compile(r"\bsrc\s*=\s*[\"']?(?P<target>[^\"'\s>]+)", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\[\^(?P<label>[^\]\s]+)\](?P<defines>:)?")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_FILE = re.compile(
    r"\.(png|jpe?g|gif|svg|webp|avif|bmp|ico|pdf|zip|mp[34]|m4[av]|ogg|webm|csv|xlsx?|docx?|pptx?)$",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\.(md|markdown|mdx)$", re.IGNORECASE)
_HANDLER = re.compile(r"<[a-z][^>]*?\s(?P<name>on[a-z]+)\s*=", re.IGNORECASE)


@rule(
    "broken-link",
    "error",
    "A link to an article's source file, or to a file, that is not there leads nowhere.",
)
def broken_link(material: Material) -> Iterator[Problem]:
    for article, line, target in _targets(material, images=False):
        path = urlsplit(target).path
        if _PAGE.search(path) and not _is_page(material, article, target):
            near = get_close_matches(path.rpartition("/")[2], _names(material), n=1)
            todo = f"did you mean {near[0]}?" if near else "mend or remove the link"
            yield Problem(f"no article is at {path!r}", todo, article.source, line)
        elif _FILE.search(path) and material.is_missing(article, path):
            todo = "put it beside the article or into an assets folder, or mend the link"
            yield Problem(f"the file {path!r} is not on disk", todo, article.source, line)


@rule(
    "body-image-missing",
    "error",
    "An image in the text is in no assets folder and not beside the article: readers see a gap.",
)
def body_image_missing(material: Material) -> Iterator[Problem]:
    for article, line, target in _targets(material, images=True):
        if material.is_missing(article, urlsplit(target).path):
            folders = ", ".join(material.settings.articles.assets)
            todo = f"put it beside the article or into an assets folder ({folders})"
            yield Problem(f"the image {target!r} is not on disk", todo, article.source, line)


@rule(
    "body-image-alt",
    "warning",
    "Who cannot see an image reads its alternative text.",
)
def body_image_alt(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for line, found in prose.find(_LINK):
            if found["image"] and not found["text"].strip():
                what = f"the image {found['target']!r} has no alternative text"
                yield Problem(what, "write it: ![text](image)", article.source, line)
        for line, found in prose.find(_HTML_IMAGE):
            if not re.search(r"\balt\s*=", found["attributes"], re.IGNORECASE):
                what = "an <img> has no alt"
                todo = 'write alt="..." (alt="" for one that only decorates)'
                yield Problem(what, todo, article.source, line)


@rule(
    "link-text",
    "warning",
    "A link whose text is an address, but not the one it leads to, misleads; mail programs warn "
    "of it as they do of fraud.",
)
def link_text(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for line, found in prose.find(_LINK):
            text, target = found["text"].strip(), found["target"].strip("<>")
            if not found["image"] and _ADDRESS.fullmatch(text) and not _same(text, target):
                what = f"the text of a link says {text} but it leads to {target}"
                yield Problem(what, "mend the one that is wrong", article.source, line)


@rule(
    "footnote-undefined",
    "error",
    "A footnote that is referred to and never written stays in the text as [^1].",
)
def footnote_undefined(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        used, defined = _footnotes(prose)
        for label in used.keys() - defined.keys():
            what = f"the footnote [^{label}] is not defined"
            todo = f"write it on a line of its own: [^{label}]: ..."
            yield Problem(what, todo, article.source, used[label])


@rule(
    "footnote-unused",
    "warning",
    "A footnote that nothing refers to stands at the end, and nobody knows what it is for.",
)
def footnote_unused(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        used, defined = _footnotes(prose)
        for label in defined.keys() - used.keys():
            what = f"nothing refers to the footnote [^{label}]"
            todo = f"write [^{label}] where it belongs, or remove it"
            yield Problem(what, todo, article.source, defined[label])


@rule(
    "raw-html",
    "warning",
    "HTML that could run, load or hide something is taken out of feeds and mails.",
)
def raw_html(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for tag, offset in dropped_tags(prose.text):
            todo = "say it in Markdown, or in words with a link"
            if tag == "iframe":
                what = "an <iframe> becomes a link to what it shows"
            else:
                what = f"<{tag}> is taken out"
            yield Problem(what, todo, article.source, prose.line(offset))
        for line, found in prose.find(_HANDLER):
            what = f"{found['name']}=... is taken out"
            yield Problem(what, "remove it", article.source, line)


@rule(
    "shortcode",
    "warning",
    "A shortcode is a template of the site generator; Broadsheet knows only the common ones "
    "(docs/articles.md), and takes the tags of the others out.",
)
def shortcode(material: Material) -> Iterator[Problem]:
    for article, prose in material.each():
        for name, offset in unknown_shortcodes(prose.text):
            what = f"the shortcode {name!r} is not known here, and its tag is taken out"
            todo = "write in Markdown what readers of feeds and mails should see"
            yield Problem(what, todo, article.source, prose.line(offset))


@rule(
    "forbidden-character",
    "warning",
    "Characters that XML forbids make a whole feed unreadable, so they are dropped. They come "
    "from copying out of PDF files and terminals.",
)
def forbidden_character(material: Material) -> Iterator[Problem]:
    for path, text in sorted(material.texts.items()):
        for number, line in enumerate(text.split("\n"), 1):
            if found := forbidden(line):
                listed = ", ".join(f"U+{ord(char):04X}" for char in dict.fromkeys(found))
                yield Problem(f"{listed} is dropped", "delete it", path, number)


def _targets(material: Material, *, images: bool) -> Iterator[tuple[Article, int, str]]:
    """Article, line and target of every relative link, or of every relative image."""
    for article, prose in material.each():
        for line, found in prose.find(_LINK):
            target = found["target"].strip().strip("<>")
            if bool(found["image"]) == images and _relative(target):
                yield article, line, target
        if not images:
            continue
        for line, found in prose.find(_HTML_IMAGE):
            source = _SOURCE.search(found["attributes"])
            if source and _relative(source["target"]):
                yield article, line, source["target"]


def _relative(target: str) -> bool:
    return bool(target) and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|\{", target)


def _is_page(material: Material, article: Article, target: str) -> bool:
    resolved = material.links(article).resolve(target).partition("#")[0]
    return resolved in material.library.pages.values()


def _names(material: Material) -> list[str]:
    return sorted({path.rpartition("/")[2] for path in material.library.pages})


def _footnotes(prose: Prose) -> tuple[dict[str, int], dict[str, int]]:
    """The first line of each reference, and of each definition, by label."""
    used: dict[str, int] = {}
    defined: dict[str, int] = {}
    for line, found in prose.find(_FOOTNOTE):
        starts_line = not prose.text[: found.start()].rpartition("\n")[2].strip()
        place = defined if found["defines"] and starts_line else used
        place.setdefault(found["label"], line)
    return used, defined


def _same(text: str, target: str) -> bool:
    """Whether a text is the address `target`: to the letter, or as people shorten addresses."""
    if unquote(text) == unquote(target):
        return True
    shortened = text.endswith(("…", "..."))
    if text.lower().startswith("http") and not shortened:
        return False
    bare = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
    one, other = bare.sub("", unquote(text)).rstrip("./…"), bare.sub("", unquote(target))
    return other.startswith(one) if shortened else one == other.rstrip("/")
