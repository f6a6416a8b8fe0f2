"""Rules on what else stands below the front matter: footnotes, HTML, shortcodes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from broadsheet.articles.topics import topic_key
from broadsheet.checks.article import ArticleView
from broadsheet.checks.prose import Prose
from broadsheet.checks.rule import article_rule, more
from broadsheet.checks.tags import Footnotes, StartTag
from broadsheet.errors import Problem
from broadsheet.markup.dialects import dialect
from broadsheet.markup.rewrites.cells import CELL
from broadsheet.markup.sanitiser import TAGS

_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])", re.IGNORECASE
)
_LOADS = re.compile(r"url\s*\(|@import|expression\s*\(", re.IGNORECASE)
_RUNS = re.compile(r"[\s\x00-\x1f]*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_LAST_END = re.compile(r"</(?:blockquote|p)>\s*\Z", re.IGNORECASE)
_IS_LABEL = re.compile(r"\A[^\\]*\w[^\\]*\Z")  # others are regular expressions: [^/]+
_ANY_TAG = re.compile(r"<[^<>]*>")
_ADDRESSES = {"src", "action", "formaction", "poster", "data", "xlink:href"}
# What a sanitiser only keeps in its place, and what it says nothing of.
_PLACED = "caption col colgroup tbody td tfoot th thead tr html head body noscript input"
_ELSEWHERE = frozenset(_PLACED.split())
_OTHERS = """
    acronym address applet area base basefont bgsound blink button canvas center dialog embed
    fieldset font form frame frameset hgroup iframe legend link map marquee math menu meta meter nav
    noembed noframes object optgroup option output param plaintext portal progress rb rtc script
    search select slot style svg template textarea title xmp
"""
_HTML = frozenset(_OTHERS.split())
"""Elements of HTML, so that a name that is none can be told from them."""
_WITHIN = """
    animate animatemotion animatetransform annotation circle clippath defs desc ellipse feblend
    fecolormatrix fegaussianblur feoffset filter foreignobject g line lineargradient marker mask
    maction menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mroot mrow ms mspace msqrt
    mstyle msub msubsup msup mtable mtd mtext mtr munder munderover path pattern polygon polyline
    radialgradient rect semantics set stop symbol text textpath title tspan use view
"""
_DRAWN = frozenset(_WITHIN.split())
"""Elements within a drawing or a formula, which go with it."""


@article_rule(
    "footnote-undefined",
    "error",
    "A footnote that is referred to and never written stays in the text as [^1].",
)
def footnote_undefined(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    notes = prose.footnotes
    for label in filter(_IS_LABEL.search, notes.used.keys() - notes.defined.keys()):
        what = f"the footnote [^{label}] is not defined"
        line = prose.line(notes.used[label])
        yield Problem(what, _how_to_define(notes, label, prose), view.path, line)


def _how_to_define(notes: Footnotes, label: str, prose: Prose) -> str:
    if label in notes.wide:
        line = prose.line(notes.wide[label])
        return f"on line {line} write a plain colon (:) in the place of the full-width one (：)"
    alike = [each for each in notes.defined if topic_key(each) == topic_key(label)]
    if alike:
        return f"line {prose.line(notes.defined[alike[0]])} defines [^{alike[0]}]: write both alike"
    return f"write it on a line of its own: [^{label}]: ..."


@article_rule(
    "footnote-unused",
    "warning",
    "A footnote that nothing refers to is at the end of the article, out of context.",
)
def footnote_unused(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    used, defined = prose.footnotes.used, prose.footnotes.defined
    for label in defined.keys() - used.keys():
        what = f"nothing refers to the footnote [^{label}]"
        todo = f"write [^{label}] where it belongs, or remove it"
        yield Problem(what, todo, view.path, prose.line(defined[label]))


@article_rule(
    "footnote-twice",
    "warning",
    "If two footnotes share a label, readers see only one; which one depends on the program.",
)
def footnote_twice(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for label, place in prose.footnotes.again:
        first = prose.line(prose.footnotes.defined[label])
        what = f"the footnote [^{label}] is defined on line {first} too"
        todo = "give one of them another label, or remove it"
        yield Problem(what, todo, view.path, prose.line(place))


@article_rule(
    "raw-html",
    "warning",
    "HTML that could run, load or hide something is taken out of feeds and mails, and so is what "
    "only looks like a tag, such as `<T>` in a text about code.",
)
def raw_html(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    if "<" not in prose.text:
        return
    lines: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    drawn = any(tag.name in {"svg", "math"} for tag in prose.tags)
    for tag in prose.tags:
        is_shortcode = prose.text[max(tag.start - 2, 0) : tag.start] == "{{"  # `{{<ref x >}}`
        if is_shortcode or (drawn and tag.name in _DRAWN) or _loses_nothing(tag, prose.text):
            continue
        for told in _dropped(tag):
            lines[told].append(prose.line(tag.start))
    for (what, todo), found in lines.items():
        yield Problem(what + more(found), todo, view.path, found[0])


def _dropped(tag: StartTag) -> Iterator[tuple[str, str]]:
    """What of `tag` readers do not get, and what to do."""
    if tag.name in _HTML and not _is_kept(tag.name):
        yield f"<{tag.name}> is taken out", "say it in Markdown, or in words with a link"
    elif not _is_kept(tag.name):
        todo = f"if it is meant to be seen, write it as code: `<{tag.written}>`"
        yield f"<{tag.written}> is read as an HTML tag, and taken out", todo
    for what in _dropped_attributes(tag):
        yield f"{what} of <{tag.name}> is taken out", "remove it"


def _loses_nothing(tag: StartTag, text: str) -> bool:
    """Whether readers get all that the author wrote, though the tag itself is taken out.

    A frame becomes a link, a style only decorates, a script below a quotation (as those of social
    networks) only frames it, and what a custom element contains stays.
    """
    if tag.name in {"style", "link", "meta"}:
        return True
    if tag.name == "iframe":
        return tag.attributes.get("src", "").startswith(("https:", "http:", "//"))
    if tag.name == "script":
        before = _LAST_END.search(text, max(tag.start - 200, 0), tag.start)
        return bool(before and tag.attributes.get("src"))
    if "-" in tag.name:
        content = text[tag.end : text.find(f"</{tag.written}", tag.end, tag.end + 5000) + 1]
        return bool(_ANY_TAG.sub("", content).strip(" \n<"))
    return False


def _dropped_attributes(tag: StartTag) -> Iterator[str]:
    for name, value in tag.attributes.items():
        if name.startswith("on") and len(name) > 2:
            yield f"{name}=..."
        elif name == "style" and _LOADS.search(value):
            yield "a style that loads something"
        elif name == "style" and _HIDES.search(value):
            yield "a style that hides it"
        elif name in _ADDRESSES and _RUNS.match(value) and not _is_picture(tag, value):
            yield f"the {name}"


def _is_picture(tag: StartTag, address: str) -> bool:
    return tag.name == "img" and "image/" in address


def _is_kept(tag: str) -> bool:
    """Whether a tag of that name stays in what readers get."""
    return tag in _ELSEWHERE or tag in TAGS


@article_rule(
    "shortcode",
    "warning",
    "Broadsheet does not run the site generator's templates. It resolves the common ones "
    "(docs/articles.md) and removes the tags of all others, so readers may miss something.",
)
def shortcode(view: ArticleView) -> Iterator[Problem]:
    prose = view.prose
    for each in prose.expanded.unknown if prose.expanded else ():
        what = f"the template {each.name!r} cannot be resolved, so its tag is removed"
        todo = "write in Markdown what readers should see"
        if each.can_define:
            todo = f"define it in [articles.shortcodes], or {todo}"
        yield Problem(what, todo, view.path, prose.before + each.line)


@article_rule(
    "code-output",
    "warning",
    "Quarto runs code cells and shows what they print and draw; a feed then has their code only. "
    "With `articles.rendered` it has everything. One warning for each article.",
)
def code_output(view: ArticleView) -> Iterator[Problem]:
    article = view.article
    if article.rendered or "cells" not in dialect(article.markdown).extensions:
        return
    if found := CELL.search(view.prose.source):
        what = f"the output of the {found['name']} cell is not in the feed"
        todo = 'render the site, and set articles.rendered = "_site/"'
        yield Problem(what, todo, view.path, view.prose.line(found.start()))
