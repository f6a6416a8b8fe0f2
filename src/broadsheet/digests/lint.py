"""Mail lint: what mail clients would show badly, found in the bytes of a finished mail.

Which CSS Gmail or Outlook do not know is by caniemail.com.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

from lxml import html as lxml_html

from broadsheet.digests.linted_mail import (
    CLIP_BYTES,
    ROOM_BYTES,
    LintedMail,
    LintProblem,
    LintSeverity,
)
from broadsheet.digests.message import header_fields, shared_unsubscribe_urls
from broadsheet.digests.unsubscribe_link import unsubscribe_problems
from broadsheet.errors import Problem
from broadsheet.pages.policy import unguarded
from broadsheet.text.plain import width

_STYLE_BYTES = 16_000  # Gmail drops a <style> that is larger
_SUBJECT_COLUMNS = 90  # the most that lists of mails show
_LINE_BYTES = 998  # RFC 5322, section 2.1.1
_PADDING = re.compile("[\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff\u00a0\\s]+")
_OUTLOOK_SHOWS = re.compile(r"\.(svg|webp|avif)$", re.IGNORECASE)


def lint_mail(html: bytes, text: bytes, message: bytes) -> LintedMail:
    """Lint the mail in email.html, email.txt and message.eml.

    The content policy of email.html is for browsers only, and does not count.
    """
    parsed = message_from_bytes(message, policy=default)
    html = unguarded(html.decode()).encode()
    tree = lxml_html.document_fromstring(html.decode())
    subject = str(parsed["Subject"] or "")
    preheader = _preheader(tree)
    found = (
        *_of_size(html),
        *_of_tree(tree),
        *_of_css(html.decode()),
        *_of_head(message, subject, preheader),
        *_of_text(text),
        *_of_ways_out(html.decode(), text.decode(), message),
    )
    return LintedMail(subject, str(parsed["From"] or ""), preheader, len(html), found)


def _problem(
    rule: str, severity: LintSeverity, what: str, todo: str, cause: str = ""
) -> LintProblem:
    return LintProblem(rule, severity, Problem(what, todo), cause)


def _of_size(html: bytes) -> Iterator[LintProblem]:
    size = f"the HTML has {len(html):,} bytes, and Gmail hides everything after {CLIP_BYTES:,}"
    if len(html) > CLIP_BYTES:
        yield _problem("mail-size", "error", size, "lower the digest's max_bytes")
    elif len(html) > ROOM_BYTES:
        todo = f"delivery adds links, so lower the digest's max_bytes to {ROOM_BYTES:,}"
        yield _problem("mail-size", "warning", size, todo)
    for style in re.findall(rb"<style\b[^>]*>(.*?)</style", html, re.DOTALL):
        if len(style) > _STYLE_BYTES:
            what = f"a <style> has {len(style):,} bytes, and Gmail drops one over {_STYLE_BYTES:,}"
            yield _problem("mail-style-size", "error", what, "shorten it in your template")


def _of_tree(tree: Any) -> Iterator[LintProblem]:
    for image in tree.iter("img"):
        source = image.get("src", "")
        if image.get("alt") is None:
            what, todo = f"the image {source} has no alt", "write `image_alt` in the front matter"
            yield _problem("mail-image-alt", "warning", what, todo)
        if not image.get("width"):
            what = f"the image {source} has no width, so Outlook shows it in its own size"
            yield _problem("mail-image-width", "warning", what, "set one in your template")
        if _OUTLOOK_SHOWS.search(source.partition("?")[0]):
            what = f"Outlook does not show {source}"
            yield _problem("mail-image-type", "warning", what, "use PNG or JPEG")
    for tag in ("script", "form", "iframe", "link", "object", "video"):
        if next(tree.iter(tag), None) is not None:
            what = f"there is a <{tag}>, which mail clients drop"
            todo = "remove it from your template"
            yield _problem("mail-element", "error", what, todo, rf"<{tag}\b")
    for element, _, address, _ in tree.iterlinks():
        if not re.match(r"(https?|mailto|tel):", address):
            what = f"the URL {address!r} in a <{element.tag}> is not absolute"
            yield _problem("mail-address", "error", what, "write it in full")


def _of_css(html: str) -> Iterator[LintProblem]:
    markup = _COMMENT.sub("", html)
    css = "\n".join((*_STYLES.findall(markup), *_INLINE.findall(markup)))
    for pattern, name, todo in _UNSUPPORTED:
        if re.search(pattern, css, re.IGNORECASE):
            what = f"its CSS has {name}, which Gmail or Outlook ignore"
            yield _problem("mail-css", "warning", what, f"{todo}, in your template", pattern)


def _of_head(message: bytes, subject: str, preheader: str) -> Iterator[LintProblem]:
    if width(subject) > _SUBJECT_COLUMNS:
        what = f"the subject takes {width(subject)} columns; a phone shows about 40 of them"
        todo = "shorten the first article's title, or the digest's"
        yield _problem("mail-subject", "warning", what, todo)
    if not preheader:
        what = "it has no preheader, so lists of mails show the first text of the mail"
        yield _problem("mail-preheader", "warning", what, "keep that block in your template")
    longest = max(map(len, message.split(b"\r\n")))
    if longest > _LINE_BYTES:
        what = f"a line has {longest} bytes, and RFC 5322 allows {_LINE_BYTES}"
        yield _problem("mail-line", "error", what, "please report this")


def _of_text(text: bytes) -> Iterator[LintProblem]:
    if not text.strip():
        what = "the text part is empty"
        yield _problem("mail-text", "error", what, "write some text in digest.txt.j2")


def _of_ways_out(html: str, text: str, message: bytes) -> Iterator[LintProblem]:
    ways = shared_unsubscribe_urls(header_fields(message))
    # `mail-text` reports an empty text.
    for problem in unsubscribe_problems(html, text if text.strip() else " ".join(ways), ways):
        yield LintProblem("mail-unsubscribe", "error", problem)


def _preheader(tree: Any) -> str:
    """The text of the element with the class `preheader`, without its invisible padding."""
    found = tree.find_class("preheader")
    return _PADDING.sub(" ", found[0].text_content()).strip() if found else ""


_STYLES = re.compile(r"<style\b[^>]*>(.*?)</style", re.DOTALL | re.IGNORECASE)
_INLINE = re.compile(r"\sstyle=\"([^\"]*)\"", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?!\[if).*?-->", re.DOTALL)
_TABLE = "lay it out with a table"
_VALUE = "write the value"
_UNSUPPORTED = (
    (r"@import\b", "@import", "write the rules out"),
    (r"@font-face\b", "@font-face", "name fonts that people have"),
    (r"@supports\b", "@supports", "write what works without it"),
    (r"display\s*:\s*(?:inline-)?grid\b", "a grid", _TABLE),
    (r"display\s*:\s*(?:inline-)?flex\b", "flex", _TABLE),
    (r"position\s*:\s*(?:absolute|fixed|sticky)\b", "position", _TABLE),
    (r"(?<![\w-])float\s*:\s*(?:left|right)\b", "float", _TABLE),
    (r"\bvar\s*\(", "var()", _VALUE),
    (r"\bcalc\s*\(", "calc()", _VALUE),
    (r"\burl\s*\(", "url()", "use an <img>"),
)
"""A pattern of CSS, its name, and what to do instead."""
