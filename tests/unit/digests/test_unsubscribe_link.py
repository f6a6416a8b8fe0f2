"""Every mail shows an unsubscribe link: what counts as one, and what hides it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import letters
from broadsheet.digests.html_mail import mail_html
from broadsheet.digests.message import message_bodies, mime_message
from broadsheet.digests.rendered import mail_text
from broadsheet.digests.theme import contrast
from broadsheet.digests.unsubscribe_link import unsubscribe_problems
from broadsheet.model.publication import BaseUrl
from broadsheet.model.settings import DeliverySettings, MailSettings

WAY = "https://news.example.org/unsubscribe/WzEsIndlZWtseSJd.abc"
LINK = f'<a href="{WAY}">Unsubscribe</a>'
TEXT = f"Unsubscribe:\n    {WAY}\n"


def _problem(body: str, text: str = TEXT, head: str = "", page: str = "") -> str:
    html = page or f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"
    return "\n".join(each.words for each in unsubscribe_problems(html, text, (WAY, "")))


SEEN = {
    "plain": LINK,
    "in a table": f"<table bgcolor='#222222'><tr><td style='color:#fff'>{LINK}</td></tr></table>",
    "a picture with words": f'<a href="{WAY}"><img src="https://e.org/a.png" alt="Leave"></a>',
    "a child with words": f'<a href="{WAY}"><span style="color:#777">Leave</span></a>',
    "text sized inside a wrapper without size": (
        f'<div style="font-size:0"><a href="{WAY}" style="font-size:13px">Leave</a></div>'
    ),
    "visible inside what is not": (
        f'<div style="visibility:hidden"><a href="{WAY}" style="visibility:visible">L</a></div>'
    ),
    "a second link hidden": f'<p style="display:none">{LINK}</p>{LINK}',
    "not for Outlook only": f"<!--[if !mso]><!-->{LINK}<!--<![endif]-->",
    "small": f'<p style="font-size:9px;color:#777777">{LINK}</p>',
    "beside a comment": f"<!-- the footer -->{LINK}",
    "overflow without a size": f'<div style="overflow:hidden">{LINK}</div>',
    "sized by the shorthand": LINK.replace("<a", '<a style="font: bold 13px/22px serif"'),
    "sized inside a shorthand of none": (
        f'<p style="font:0/0 a">{LINK.replace("<a", "<a style=font-size:12px")}</p>'
    ),
    "moved a little": f'<div style="margin-left:-20px;text-indent:-1em">{LINK}</div>',
    "white on black": LINK.replace("<a", '<a style="color:#fff;background:#000"'),
    "half transparent": f'<p style="opacity:.6">{LINK}</p>',
}
HIDDEN = {
    "absent": "<p>Unsubscribe</p>",
    "its address as words": f"<p>{WAY}</p>",
    "another address": LINK.replace(WAY, WAY + "x"),
    "the start of it": LINK.replace(WAY, WAY[:-1]),
    "another element": f'<area href="{WAY}"><link href="{WAY}">',
    "a comment": f"<!-- {LINK} -->",
    "Outlook only": f"<!--[if mso]>{LINK}<![endif]-->",
    "no words": f'<a href="{WAY}"></a>',
    "blank words": f'<a href="{WAY}"> &nbsp;&#8203;&zwnj;</a>',
    "a picture without words": f'<a href="{WAY}"><img src="https://e.org/1.png" alt=""></a>',
    "template": f"<template>{LINK}</template>",
    "textarea": f"<textarea>{LINK}</textarea>",
    "the attribute": f"<div hidden>{LINK}</div>",
    "its own attribute": LINK.replace("<a", "<a hidden"),
}
STYLES = [
    "display:none",
    "DISPLAY : None",
    "display:none!important",
    "display:block;display:none",
    "dis/**/play:none;display:/* */none",
    "d\\69splay:none",
    "visibility:hidden",
    "visibility: collapse",
    "opacity:0",
    "opacity: 0.01",
    "font-size:0",
    "font-size:1px",
    "font-size: 0.01em",
    "font: 0/0 a",
    "font:italic 0px/1 serif",
    "text-indent:100%;white-space:nowrap;overflow:hidden",
    "max-height:0;overflow-y:hidden",
    "max-height:0;overflow:hidden",
    "height:1px;overflow:hidden",
    "width:0px;overflow-x:hidden;overflow:hidden",
    "mso-hide:all",
    "text-indent:-9999px",
    "position:absolute;left:-9999px",
    "position: absolute; top: -5000px",
    "margin-left:-9999px",
    "position:absolute;clip:rect(0 0 0 0)",
    "position:absolute;clip:rect(1px, 1px, 1px, 1px)",
    "clip-path:inset(50%)",
    "transform:scale(0)",
    "transform:scale(0, 0)",
    "transform:translateX(-9999px)",
    "zoom:0",
    "filter:opacity(0)",
    "filter:alpha(opacity=0)",
    "content-visibility:hidden",
    "pointer-events:none",
]
COLOURS = [
    ("#ffffff", "#ffffff"),
    ("#fff", "white"),
    ("#fefefe", "#ffffff"),
    ("rgb(255, 255, 255)", "#FFF"),
    ("rgb(100%,100%,100%)", "#FFF"),
    ("black", "#000"),
    ("#111", "#0f0f0f"),
    ("hsl(0, 0%, 100%)", "#fff"),
    ("hsl(240 100% 50%)", "blue"),
    ("floralwhite", "#fff"),
    ("transparent", "#fff"),
    ("rgba(0,0,0,0)", "#fff"),
    ("#0000", "#fff"),
    ("#00000000", "#fff"),
    ("hsla(0, 0%, 0%, 0)", "#fff"),
]


@pytest.mark.parametrize("case", SEEN)
def test_a_visible_link_is_found(case: str) -> None:
    """Wherever it is, and however small."""
    assert _problem(SEEN[case]) == ""


@pytest.mark.parametrize("case", HIDDEN)
def test_an_invisible_link_does_not_count(case: str) -> None:
    """The message says which part lacks it, and what to keep."""
    said = _problem(HIDDEN[case])
    assert said.startswith("the HTML part shows no unsubscribe link")
    assert "keep <a href=" in said


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("where", ["itself", "around", "far around", "sheet", "phones"])
def test_css_hides_a_link(style: str, where: str) -> None:
    """On the link, on an ancestor, or by a rule that the mail keeps."""
    body, head = LINK, ""
    if where == "itself":
        body = LINK.replace("<a", f'<a style="{style}"')
    elif where == "around":
        body = f'<p style="{style}">{LINK}</p>'
    elif where == "far around":
        body = f'<div style="{style}"><table><tr><td><p>{LINK}</p></td></tr></table></div>'
    else:
        rule = f".x a, .y, .leave {{ {style} }}"
        media = f"@media (max-width: 600px) {{ {rule} }}"
        head = f"<style>p {{ margin: 0 }} {media if where == 'phones' else rule}</style>"
        body = f'<p class="leave">{LINK}</p>'
    assert "the link is not visible (" in _problem(body, head=head)


def test_css_that_does_not_apply_hides_nothing() -> None:
    """Rules for print, for other elements, and those that an inline style overrides."""
    for css in (
        "@media print { .leave { display: none } }",
        ".other { display: none }",
        "a:hover { display: none }",
        ".leave::after { display: none }",
        "p { display: none } .leave { display: block }",
        ".leave:unknown-thing(2) { display: none }",
        "/* .leave { display: none } */",
        "@media (prefers-color-scheme: dark) { a { color: #ffffff !important } }",
    ):
        body = f'<p class="leave" style="display:block">{LINK}</p>'
        assert _problem(body, head=f"<style>{css}</style>") == "", css
    body = f'<p class="leave" style="display:block">{LINK}</p>'
    hiding = "<style>.leave { display: none !important }</style>"
    assert "display: none" in _problem(body, head=hiding)


def test_a_link_for_each_kind_of_screen_is_enough() -> None:
    """One is hidden on phones, and the other elsewhere; with only one of them, some readers see
    none."""
    css = ".phone { display: none } @media (max-width: 600px) {"
    css += ".desk { display: none !important } .phone { display: block !important } }"
    desk, phone = (f'<p class="{name}">{LINK}</p>' for name in ("desk", "phone"))
    head = f"<style>{css}</style>"
    assert _problem(desk + phone, head=head) == ""
    assert "display: none, in a media query" in _problem(desk, head=head)
    assert "(display: none)" in _problem(phone, head=head)


@pytest.mark.parametrize(("colour", "behind"), COLOURS)
@pytest.mark.parametrize("by", ["background", "background-color", "bgcolor"])
def test_a_link_in_the_colour_of_its_background_is_hidden(
    colour: str, behind: str, by: str
) -> None:
    """However the two colours are written."""
    around = f'bgcolor="{behind}"' if by == "bgcolor" else f'style="{by}: {behind}"'
    link = LINK.replace("<a", f'<a style="color: {colour}"')
    assert "the link is not visible (color: " in _problem(f"<table {around}><td>{link}</table>")


@given(st.integers(0, 0xFFFFFF), st.integers(0, 0xFFFFFF))
def test_colours_that_can_be_told_apart_hide_nothing(one: int, other: int) -> None:
    """By the contrast of WCAG."""
    ink, paper = f"#{one:06x}", f"#{other:06x}"
    link = LINK.replace("<a", f'<a style="color: {ink}"')
    hidden = _problem(f'<div style="background: {paper}">{link}</div>') != ""
    assert hidden == (contrast(ink, paper) < 1.3)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (TEXT, True),
        (f"Leave: {WAY}.\n", True),
        (f"Leave: <{WAY}>\n", True),
        ("Unsubscribe at our site.\n", False),
        (f"{WAY}x\n", False),
        (f"{WAY}.x\n", False),
        (WAY[:-1] + "\n", False),
        ("", False),
    ],
)
def test_the_text_part_has_the_link(text: str, good: bool) -> None:
    """Complete."""
    said = _problem(LINK, text)
    assert said == "" if good else said.startswith("the plain text part has no unsubscribe link")


def test_without_a_link_the_config_is_to_blame() -> None:
    """The message says what to set, and does not mention templates."""
    (problem,) = unsubscribe_problems(LINK, TEXT, ("", ""))
    assert "delivery.service_url" in problem.todo


@pytest.mark.parametrize("page", ["", " ", "<!-- -->", "\0", "<p", "<a href='" + WAY])
def test_an_unparsable_page_has_no_link(page: str) -> None:
    """And is no error of the program."""
    assert unsubscribe_problems(page, TEXT, (WAY,))


@pytest.mark.parametrize("theme", [{}, {"accent": "#000000"}, {"accent": "#ffffff"}])
@pytest.mark.parametrize("language", ["zh-CN", "en", "ar"])
def test_our_own_templates_show_it(theme: dict[str, str], language: str) -> None:
    """In every language and theme, in the final bytes."""
    service = DeliverySettings(service_url=BaseUrl("https://news.example.org/"))
    for delivery in (service, DeliverySettings()):
        digest = msgspec.structs.replace(letters.DIGEST, language=language)
        mail = MailSettings(**theme)  # type: ignore[arg-type]
        letter = letters.make(delivery=delivery, digest=digest, mail=mail)
        made = mime_message(letter, mail_html(letter, {}), mail_text(letter, {}))
        assert unsubscribe_problems(*message_bodies(made), (letter.opt_out.unsubscribe,)) == ()
