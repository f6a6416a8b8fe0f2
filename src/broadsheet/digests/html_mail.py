"""The HTML of the mail, with its CSS in style attributes: the only user of premailer.

premailer silently drops or breaks some CSS. Our templates do not use that; in a user's template it
is refused with the reason, so that a mail looks as its template says.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lxml import etree
from msgspec import Struct

from broadsheet.digests.context import IssueContext
from broadsheet.digests.templates import BUNDLED, HTML, render_template
from broadsheet.errors import Problem, TemplateError

_DOCTYPE = re.compile(r"\A(?:\s|<!--.*?-->)*<!doctype[^>]*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"\{\{[^{}]*\}\}")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLE = re.compile(r"<style\b([^>]*)>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTORS = re.compile(r"([^{}]*)\{")
HtmlElement = Any  # lxml's own element type cannot be named at run time
_FLOAT = re.compile(r"float|\\", re.IGNORECASE)
_KEEP = 'put it into <style data-premailer="ignore">, which is kept as it is'


class _Refused(Struct, frozen=True):
    """What a template must not have. what: continues "the template has"."""

    pattern: re.Pattern[str]
    what: str
    todo: str


_IN_HTML = (
    _Refused(
        re.compile(r"\A\s*<\?xml"), "an XML declaration", "begin the template with <!DOCTYPE html>"
    ),
    _Refused(
        re.compile(r"<!\[if\b", re.IGNORECASE),
        "<![if ...]>, which is not a comment",
        "write <!--[if !mso]><!--> ... <!--<![endif]-->",
    ),
    _Refused(
        re.compile(r"<link\b[^>]*stylesheet", re.IGNORECASE),
        "an external stylesheet, which mail clients do not load",
        "put its rules into a <style>",
    ),
    _Refused(
        re.compile(r"<script\b", re.IGNORECASE),
        "a script, which mail clients do not run",
        "leave it out",
    ),
)
_IN_INLINED_CSS = (
    _Refused(re.compile(r"@"), "an at-rule in a <style> that is inlined", _KEEP),
    _Refused(
        re.compile(r"[*\[]|:(?:nth-|not\(|is\(|where\(|has\()"),
        "a selector with *, [...], :nth-...() or :not() in a <style> that is inlined",
        f"give the elements a class, or {_KEEP}",
    ),
)


def mail_html(context: IssueContext, templates: Mapping[str, str]) -> str:
    """Return email.html: `context` laid out by digest.html.j2, ready to paste into a mail service.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    html = render_template(HTML, context, templates)
    path = f"{context.templates if HTML in templates else BUNDLED}/{HTML}"
    if problems := [*_problems(html, path, templates, context.templates)]:
        raise TemplateError(*problems)
    return inline_css(html, path)


def inline_css(html: str, path: str) -> str:
    """Return a whole HTML document with the rules of its styles put into the elements.

    A <style data-premailer="ignore"> stays a style: media queries and dark mode belong there.
    path: the template, which errors name. Raises TemplateError.
    """
    from premailer import Premailer  # 0.2 s, which runs that make no mail do without

    text, tags = _without_tags(_DOCTYPE.sub("<!DOCTYPE html>", html, count=1).strip())
    with _blamed(path):
        root: HtmlElement = etree.fromstring(text, etree.HTMLParser())
        document = root.getroottree()
        has_doctype = text.startswith(document.docinfo.doctype)
        Premailer(
            root,
            allow_network=False,
            cssutils_logging_level=logging.CRITICAL + 1,
            disable_validation=True,  # it only logs which values are in no standard, slowly
            # Premailer adds `align` to images that float, and parses each image's style for it.
            align_floating_images=_may_float(root),
            # Else a fluid image's 100 % becomes its width attribute, and Outlook, which reads only
            # the attribute, draws the image at its own size.
            disable_basic_attributes=["width", "height"],
            strip_important=False,
        ).transform()
    made = etree.tostring(document if has_doctype else root, method="html", encoding="utf-8")
    # lxml writes a doctype only if the document began with one in capitals.
    body = _DOCTYPE.sub("", made.decode(), count=1).strip()
    for token, tag in tags.items():
        body = body.replace(token, tag)
    return f"<!DOCTYPE html>\n{body}\n"


def _may_float(root: HtmlElement) -> bool:
    """Whether some CSS in the document of `root` may have the word `float`."""
    return any(_FLOAT.search(css) for css in root.xpath("//style/text() | //@style"))


@contextmanager
def _blamed(path: str) -> Iterator[None]:
    """Raise TemplateError, with `path`, for any error in the block."""
    try:
        yield
    except Exception as error:  # premailer raises anything, such as AttributeError for a bad style
        raise TemplateError(
            Problem(
                f"its CSS cannot be inlined: {error or type(error).__name__}",
                f"look for something unusual in its <style>; {_KEEP}",
                path,
            )
        ) from error


def _without_tags(html: str) -> tuple[str, dict[str, str]]:
    """`html` with a token for each {{ tag }} of a mail service, and the tag of each token.

    In a link, premailer would write %20 for the spaces of a tag.
    """
    mark = "tag"
    while mark in html:
        mark += "x"
    tags: dict[str, str] = {}

    def token(found: re.Match[str]) -> str:
        name = f"{mark}{len(tags)}{mark}"
        tags[name] = found[0]
        return name

    return _TAG.sub(token, html), tags


def _problems(html: str, path: str, own: Mapping[str, str], folder: str) -> Iterator[Problem]:
    """Yield what `html`, rendered from the template at `path`, must not have.

    own: the user's templates, name -> text, in `folder`. One of them may be the cause.
    """
    if not html.strip():
        yield Problem("the template makes an empty mail", "write what it should show", path)
    for refused in (*_IN_HTML, *_IN_INLINED_CSS):
        if _offset(refused, html) is not None:
            place = _place(refused, own, folder) or (path, None)
            yield Problem(f"the template has {refused.what}", refused.todo, *place)


def _place(refused: _Refused, own: Mapping[str, str], folder: str) -> tuple[str, int] | None:
    for name, text in sorted(own.items()):
        offset = _offset(refused, text)
        if offset is not None:
            return f"{folder.rstrip('/')}/{name}", text.count("\n", 0, offset) + 1
    return None


def _offset(refused: _Refused, html: str) -> int | None:
    """Return where `html` first has what is refused, outside comments; None if nowhere."""
    markup = _COMMENT.sub(_blank, html)
    if refused in _IN_HTML:
        found = refused.pattern.search(markup)
        return found.start() if found else None
    for style in _STYLE.finditer(markup):
        css = "" if "data-premailer" in style[1] else _CSS_COMMENT.sub(_blank, style[2])
        for selectors in _SELECTORS.finditer(css):
            if found := refused.pattern.search(selectors[1]):
                return style.start(2) + selectors.start(1) + found.start()
    return None


def _blank(comment: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", comment[0])
