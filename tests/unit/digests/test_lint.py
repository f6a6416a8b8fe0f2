"""Remarks on a finished mail: each where it is due, and nowhere else."""

from __future__ import annotations

import pytest

from broadsheet.digests.lint import lint_mail
from broadsheet.digests.linted_mail import CLIP_BYTES, ROOM_BYTES, LintedMail
from broadsheet.model.settings import DigestSettings

TEXT = b"Hello.\nUnsubscribe: mailto:news@example.org\n"
HEAD = "Subject: {subject}\r\nFrom: News <news@example.org>\r\n{more}MIME-Version: 1.0\r\n\r\nx\r\n"
LEAVE = "List-Unsubscribe: <mailto:news@example.org>\r\n"
LINK = '<p><a href="mailto:news@example.org">Unsubscribe</a></p>'
PREHEADER = '<div class="preheader">What it is about&#847;&zwnj;&nbsp;&#8199;&shy;</div>'


def _look(
    body: str = "",
    *,
    subject: str = "A",
    more: str = LEAVE,
    text: bytes = TEXT,
    head: str = "",
    link: str = LINK,
) -> LintedMail:
    html = (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head>"
        f"<body>{body}{link}</body></html>"
    )
    message = HEAD.format(subject=subject, more=more)
    return lint_mail(html.encode(), text, message.encode())


def _rules(mail: LintedMail) -> list[str]:
    return [remark.rule for remark in mail.problems]


def test_a_good_mail_has_no_remark() -> None:
    """Subject, sender, preheader without padding, and the size are reported as they are."""
    image = '<img src="https://example.org/a.png" alt="" width="600">'
    mail = _look(PREHEADER + image + '<a href="mailto:a@example.org">Write</a>')
    assert mail.problems == ()
    assert (mail.subject, mail.preheader) == ("A", "What it is about")
    assert mail.sender == "News <news@example.org>"
    assert mail.size > 100


@pytest.mark.parametrize(
    ("body", "rule", "severity"),
    [
        ('<img src="https://e.org/a.png" width="9">', "mail-image-alt", "warning"),
        ('<img src="https://e.org/a.png" alt="a">', "mail-image-width", "warning"),
        ('<img src="https://e.org/a.webp?v=1" alt="" width="9">', "mail-image-type", "warning"),
        ('<img src="https://e.org/a.SVG" alt="" width="9">', "mail-image-type", "warning"),
        ("<script>alert(1)</script>", "mail-element", "error"),
        ("<form></form>", "mail-element", "error"),
        ("<iframe></iframe>", "mail-element", "error"),
        ('<a href="/posts/">x</a>', "mail-address", "error"),
        ('<a href="#fn:1">x</a>', "mail-address", "error"),
        ('<a href="//e.org/">x</a>', "mail-address", "error"),
        ('<a href="">x</a>', "mail-address", "error"),
        ('<td background="a.png"></td>', "mail-address", "error"),
    ],
)
def test_html_that_mail_clients_handle_badly_is_found(body: str, rule: str, severity: str) -> None:
    """One fault, one remark with its name and severity."""
    mail = _look(PREHEADER + (f"<table><tr>{body}</tr></table>" if "<td" in body else body))
    assert [(remark.rule, remark.severity) for remark in mail.problems] == [(rule, severity)]


def test_the_size_is_measured_in_bytes_against_gmails_clip() -> None:
    """Chinese takes three bytes a character; over the usual limit is a warning, over Gmail's an
    error."""
    empty = _look(PREHEADER).size
    over = (CLIP_BYTES - empty) // 3 + 1
    near = (ROOM_BYTES - empty) // 3 + 1
    assert [(r.rule, r.severity) for r in _look(PREHEADER + "文" * over).problems] == [
        ("mail-size", "error")
    ]
    assert [(r.rule, r.severity) for r in _look(PREHEADER + "文" * near).problems] == [
        ("mail-size", "warning")
    ]
    assert "102,000" in _look("文" * over).problems[0].problem.what


def test_a_style_that_gmail_drops_is_an_error() -> None:
    """Gmail drops a style element over 16 kB."""
    head = "<style>" + "a{color:#123456}" * 1100 + "</style>"
    assert _rules(_look(PREHEADER, head=head)) == ["mail-style-size"]


def test_the_headers_are_checked() -> None:
    """A long subject, no preheader, no unsubscribe link, a line that is too long."""
    assert _rules(_look(PREHEADER, subject="w" * 91)) == ["mail-subject"]
    assert _rules(_look(PREHEADER, subject="=?utf-8?q?" + "=E6=96=87" * 10 + "?=")) == []
    assert _rules(_look()) == ["mail-preheader"]
    assert _rules(_look(PREHEADER, more="")) == ["mail-unsubscribe"]
    assert _rules(_look(PREHEADER, more=LEAVE + f"X-Long: {'x' * 1000}\r\n")) == ["mail-line"]


def test_a_link_to_unsubscribe_is_in_both_bodies() -> None:
    """By the rule of digests.way_out."""
    assert _rules(_look(PREHEADER, link="")) == ["mail-unsubscribe"]
    assert _rules(_look(PREHEADER, link=f"<!-- {LINK} -->")) == ["mail-unsubscribe"]
    assert _rules(_look(PREHEADER, text=b"Hello.\n")) == ["mail-unsubscribe"]


def test_an_empty_text_part_is_an_error() -> None:
    """Some people, and every spam filter, read it."""
    assert _rules(_look(PREHEADER, text=b" \n")) == ["mail-text"]


def test_every_remark_says_what_to_do() -> None:
    """The problem, and the remedy."""
    body = '<img src="a.svg"><script></script>'
    mail = _look(body + "文" * 40_000, subject="w" * 91, more="", text=b"")
    assert len(mail.problems) >= 8
    for remark in mail.problems:
        assert remark.problem.what
        assert remark.problem.words == f"{remark.problem.what}; {remark.problem.todo}"
        assert len(remark.problem.todo) > 5


def test_a_mail_at_the_usual_limit_has_no_remark() -> None:
    """It was shortened to that size, which leaves room for what is added in transit."""
    full = (ROOM_BYTES - _look(PREHEADER).size) // 3
    mail = _look(PREHEADER + "文" * full)
    assert ROOM_BYTES - 3 < mail.size <= ROOM_BYTES
    assert mail.problems == ()
    assert DigestSettings(title="Weekly").max_bytes == ROOM_BYTES


@pytest.mark.parametrize(
    "css",
    [
        "display:grid",
        "display: inline-flex",
        "position:absolute",
        "float:left",
        "color:var(--ink)",
        "width:calc(100% - 2px)",
        "background:url(https://example.org/a.png)",
    ],
)
@pytest.mark.parametrize("form", ['<p style="{}">a</p>', "<style>.x{{{}}}</style>"])
def test_unsupported_css_has_a_remark(css: str, form: str) -> None:
    """In a style attribute and in a style element, with what to do; not in a comment."""
    html = form.format(css)
    (found,) = _look(PREHEADER + html).problems
    assert found.rule == "mail-css"
    assert "in your template" in found.problem.todo
    assert _rules(_look(f"{PREHEADER}<!-- {html} -->")) == []


def test_a_font_of_another_site_has_a_remark() -> None:
    """Most mail clients ignore the rule."""
    assert _rules(_look(f"{PREHEADER}<style>@font-face{{src:url(a)}}</style>")) != []


@pytest.mark.parametrize("css", ["display:block", "padding:1px", "float:none"])
def test_supported_css_has_no_remark(css: str) -> None:
    """Nor has text that looks like CSS."""
    assert _rules(_look(f'{PREHEADER}<p style="{css}">display: flex; position: fixed</p>')) == []
