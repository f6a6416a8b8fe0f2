"""What a mail will weigh: told from one of each kind of its elements, and never wrong unnoticed."""

from __future__ import annotations

import pytest

import letters
from broadsheet.digests.context import IssueContext
from broadsheet.digests.fitting import MailScales, fit_mail
from broadsheet.digests.html_mail import lay_out_mail, mail_html

EXTENDS = '{% extends "bundled/digest.html.j2" %}'
END = "{% endblock %}"


def _styles(css: str, attributes: str = "") -> str:
    """Ours, and one style more."""
    return EXTENDS + "{% block styles %}{{ super() }}<style" + attributes + f">{css}</style>" + END


def _intro(html: str) -> str:
    """Ours, and something more at its head."""
    return EXTENDS + "{% block intro %}{{ super() }}<tr><td>" + html + "</td></tr>" + END


SHORT = (
    "<style>.a { color: red } b .a { margin: 0 }</style>{{ issue.note }}{{ issue.more }}"
    "{% for s in issue.articles %}<p class=a>{{ s.title }}<b><i class=a>{{ s.summary }}</b>"
    "{% endfor %}"
)
TOLD = [
    "",
    _styles("td p > a { COLOR: #FFF; width: 30px } #x { background-color: #abc !important }"),
    _styles(".title { color: Red; color: blue; nonsense: 3 }", ' type="text/css" media="screen"'),
    _styles(".title { color: red }", ' media="print"'),
    _styles(".title:hover { color: red } .none { margin: 0 }"),
    _intro("{{ '{{ web version }}' }} <a href='{{ '{{ link }}' }}' id=x>&copy; é</a><o:p>x</o:p>"),
    _intro("<img src='https://e.org/a.png' style='FLOAT: left; width: 3PX' class='title'>"),
    SHORT,
]
NOT_TOLD = [
    _styles("td:first-child { padding: 1px 2px 3px } a + a { color: blue }"),
    _styles("p ~ p, h3 + p { margin: 12px 34px }"),
    _intro("<p class='\x0b' style='color:\x0cred'>x</p>"),
]


def _own(text: str) -> dict[str, str]:
    return {"digest.html.j2": text} if text else {}


def _long(count: int) -> IssueContext:
    entries = (letters.entry(n, "算力", summary=letters.SUMMARY * 6) for n in range(1, count + 1))
    return letters.make(*entries)


@pytest.mark.parametrize("text", TOLD)
def test_the_weight_is_that_of_the_finished_mail(text: str) -> None:
    """To the byte, for a letter of which some kinds of elements were not seen before."""
    scales = MailScales(lay_out_mail(letters.make(), _own(text)))
    for letter in (letters.make(), _long(9), fit_mail(_long(9), _own(text), 24_000)[0]):
        told = scales.weigh(lay_out_mail(letter, _own(text)))
        assert told == len(mail_html(letter, _own(text)).encode())


@pytest.mark.parametrize("text", [*TOLD, *NOT_TOLD])
def test_a_mail_gives_up_the_least_whatever_its_css(text: str) -> None:
    """Where the weight cannot be told, whole mails are measured: it fits, and one cut less not."""
    letter, own = _long(14), _own(text)
    max_bytes = 22_000 if text != SHORT else 3_000
    fitted, html = fit_mail(letter, own, max_bytes)
    size = len(html.encode())
    assert size <= max_bytes
    assert html == mail_html(fitted, own)
    assert fit_mail(letter, own, size) == (fitted, html)
    assert len(fit_mail(letter, own, size - 1)[1].encode()) < size
