"""The HTML of the mail, its CSS put into the elements: the only user of premailer.

premailer drops or spoils some CSS without a word. What our own template does not use, and what a
user's may not, is refused here with the reason, so that a mail looks as its template says.
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
from broadsheet.digests.templates import HTML, render_template
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
    """What must not stand in a template. what: follows "the template has"."""

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
        "a stylesheet from elsewhere, which mail clients do not load",
        "put its rules into a <style>",
    ),
    _Refused(
        re.compile(r"<script\b", re.IGNORECASE),
        "a script, which mail clients do not run",
        "leave it out",
    ),
)
_IN_INLINED_CSS = (
    _Refused(re.compile(r"@"), "an at-rule in a <style> that is put into the elements", _KEEP),
    _Refused(
        re.compile(r"[*\[]|:(?:nth-|not\(|is\(|where\(|has\()"),
        "a selector with *, [...], :nth-...() or :not() in a <style> that is put into the elements",
        f"give the elements a class, or {_KEEP}",
    ),
)


class Draft(Struct, frozen=True):
    """The HTML of a mail whose CSS is not in its elements yet.

    root: its html element. whole: whether what stands around that belongs to it. tags: what the
    tokens in it stand for. path: the template, to be named where something is wrong.
    """

    root: HtmlElement
    whole: bool
    tags: Mapping[str, str]
    path: str

    @property
    def text(self) -> str:
        """As it would be sent."""
        document = self.root.getroottree() if self.whole else self.root
        html = etree.tostring(document, method="html", encoding="utf-8").decode()
        # The doctype is written only where it stood at the very beginning in capitals.
        body = _DOCTYPE.sub("", html, count=1).strip()
        for token, tag in self.tags.items():
            body = body.replace(token, tag)
        return f"<!DOCTYPE html>\n{body}\n"


def mail_html(context: IssueContext, templates: Mapping[str, str]) -> str:
    """email.html: `context` laid out by digest.html.j2, ready to paste into any mail service.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    return inline_css(lay_out_mail(context, templates)).text


def lay_out_mail(context: IssueContext, templates: Mapping[str, str]) -> Draft:
    """The same before its CSS is put into the elements."""
    html = render_template(HTML, context, templates)
    path = f"{context.templates}/{HTML}" if HTML in templates else f"bundled/{HTML}"
    if problems := _problems(html, path):
        raise TemplateError(*problems)
    return _read(html, path)


def inline_document(html: str, path: str) -> str:
    """`html`, a whole document, with the rules of its styles put into the elements they apply to.

    path: the template, to be named where something is wrong. Raises TemplateError.
    """
    return inline_css(_read(html, path)).text


def inline_css(draft: Draft) -> Draft:
    """`draft`, with the rules of its styles put into the elements they apply to.

    A <style data-premailer="ignore"> stays a style: media queries and dark mode belong there.
    Raises TemplateError.
    """
    # Only where a mail is made: it takes longer to import than a build with nothing to do.
    from premailer import Premailer

    with _blamed(draft.path):
        Premailer(
            draft.root,
            allow_network=False,
            cssutils_logging_level=logging.CRITICAL + 1,
            # It only tells the log which values are in no standard, and takes its time for it.
            disable_validation=True,
            # An image that floats is told so for Outlook too. To look for it, premailer reads the
            # style of every image anew.
            align_floating_images=_may_float(draft.root),
            # Else the 100 % of a fluid image also becomes its width attribute, and Outlook, which
            # reads only that, draws it at its own size.
            disable_basic_attributes=["width", "height"],
            strip_important=False,
        ).transform()
    return draft


def _may_float(root: HtmlElement) -> bool:
    """Whether some CSS in the document of `root` has the word, perhaps with escapes."""
    return any(_FLOAT.search(css) for css in root.xpath("//style/text() | //@style"))


def _read(html: str, path: str) -> Draft:
    plain, tags = _without_tags(_DOCTYPE.sub("<!DOCTYPE html>", html, count=1).strip())
    with _blamed(path):
        root: HtmlElement = etree.fromstring(plain, etree.HTMLParser())
        return Draft(root, plain.startswith(root.getroottree().docinfo.doctype), tags, path)


@contextmanager
def _blamed(path: str) -> Iterator[None]:
    """Tells of the template at `path` whatever goes wrong with its CSS."""
    try:
        yield
    except Exception as error:  # premailer has no error tree: a bad style may be an AttributeError
        raise TemplateError(
            Problem(
                f"its CSS cannot be put into the elements: {error or type(error).__name__}",
                f"look at what is unusual in its <style>; {_KEEP}",
                path,
            )
        ) from error


def _without_tags(html: str) -> tuple[str, dict[str, str]]:
    """`html` with a token for each {{ tag }} of a mail service, and what each token stands for.

    In a link premailer would write %20 for the spaces of a tag.
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


def _problems(html: str, path: str) -> list[Problem]:
    if not html.strip():
        return [Problem("the template makes an empty mail", "write what it shows", path)]
    markup = _COMMENT.sub("", html)
    inlined = [
        _CSS_COMMENT.sub("", css)
        for attributes, css in _STYLE.findall(markup)
        if "data-premailer" not in attributes
    ]
    selectors = " ".join(found for css in inlined for found in _SELECTORS.findall(css))
    found = [
        *(refused for refused in _IN_HTML if refused.pattern.search(markup)),
        *(refused for refused in _IN_INLINED_CSS if refused.pattern.search(selectors)),
    ]
    return [Problem(f"the template has {refused.what}", refused.todo, path) for refused in found]
