"""What `check` reports about templates, records, and the next mails."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from broadsheet.checks import RULES
from broadsheet.digests.lint import lint_mail
from newsroom import Newsroom

SENDER = '\n[delivery]\nsender = "News <news@example.org>"\n'
WEEKLY = '\n[digests.weekly]\ntitle = "Weekly"\nmax_bytes = 200000\n'
OURS = '{% extends "bundled/digest.html.j2" %}\n'

ISSUE = "feeds/digests/weekly/2025-06-30/"


def masthead(html: str) -> str:
    """Return a template with `html` at the head of the mail."""
    return f"{OURS}{{% block masthead %}}<tr><td>{html}</td></tr>{{% endblock %}}\n"


@pytest.fixture
def issued(newsroom: Newsroom) -> Newsroom:
    """A project whose next issue has one article."""
    newsroom.configure(WEEKLY + SENDER)
    newsroom.article("a.md", date="2025-06-26", summary="In short.", main_topics=["AI"])
    return newsroom


def findings(newsroom: Newsroom) -> list[dict[str, Any]]:
    ran = newsroom.run("check", "--json")
    assert ran.err == ""
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


def test_a_good_mail_has_no_finding(issued: Newsroom) -> None:
    """The bundled templates make a mail that no rule complains about, in any language."""
    assert findings(issued) == []
    issued.configure(WEEKLY + SENDER + '[mail]\nlogo = "https://example.org/logo.png"\n')
    assert findings(issued) == []


BLOCKS = {
    "mail-size": "文" * 35_000,
    "mail-style-size": "<style data-premailer='ignore'>" + "p{color:#123456}" * 1_100 + "</style>",
    "mail-image-alt": '<img src="https://example.org/a.png" width="9">',
    "mail-image-width": '<img src="https://example.org/a.png" alt="">',
    "mail-image-type": '<img src="https://example.org/a.webp" alt="" width="9">',
    "mail-element": "<form><p>a</p></form>",
    "mail-address": '<a href="//example.org/">a</a>',
    "mail-css": '<p style="display:flex">a</p>',
}


@pytest.mark.parametrize("rule", BLOCKS)
def test_problems_of_a_template_are_reported(issued: Newsroom, rule: str) -> None:
    """Each under its rule, with its severity, at its place in the template or at the issue."""
    issued.write("email_templates/digest.html.j2", masthead(BLOCKS[rule]))
    (found,) = findings(issued)
    assert (found["rule"], found["severity"]) == (rule, RULES[rule].severity)
    is_placed = rule in {"mail-element", "mail-css"}
    assert found["path"] == ("email_templates/digest.html.j2" if is_placed else ISSUE)


def test_a_mail_that_is_nearly_too_large_is_a_warning(issued: Newsroom) -> None:
    """Rules of this name are errors, but a mail that still fits is not; the config can change
    it."""
    issued.write("email_templates/digest.html.j2", masthead("文" * 31_000))
    (found,) = findings(issued)
    assert (found["rule"], found["severity"]) == ("mail-size", "warning")
    issued.configure(WEEKLY + SENDER + '[checks.rules]\nmail-size = "error"\n')
    assert [each["severity"] for each in findings(issued)] == ["error"]
    issued.configure(WEEKLY + SENDER + '[checks.rules]\nmail-size = "off"\n')
    assert findings(issued) == []


def test_a_long_subject_is_reported(issued: Newsroom) -> None:
    """It begins with the digest's title, whose length the editor controls."""
    issued.configure(WEEKLY.replace("Weekly", "W" * 100) + SENDER)
    assert [found["rule"] for found in findings(issued)] == ["mail-subject"]


def test_missing_preheader_text_and_unsubscribe_link_are_reported(issued: Newsroom) -> None:
    """Each is reported where it is missing."""
    empty = OURS + "{% block preheader %}{% endblock %}\n"
    issued.write("email_templates/digest.html.j2", empty)
    assert [found["rule"] for found in findings(issued)] == ["mail-preheader"]
    issued.write("email_templates/digest.html.j2", OURS)
    issued.write("email_templates/digest.txt.j2", "\n")
    assert [found["rule"] for found in findings(issued)] == ["mail-text"]
    (issued.folder / "email_templates/digest.txt.j2").unlink()
    nobody = '[publication]\ntitle = "A"\nurl = "https://example.org/"\n'
    issued.configure(WEEKLY, publication=nobody)
    assert [found["rule"] for found in findings(issued)] == ["mail-unsubscribe"]


def test_a_long_message_line_is_reported() -> None:
    """No template makes one, so this test builds the message itself."""
    head = b"Subject: A\r\nFrom: a@example.org\r\nList-Unsubscribe: <mailto:a@example.org>\r\n\r\n"
    mail = lint_mail(b"<p>a</p>", b"a", head + b"x" * 999 + b"\r\n")
    site: Any = SimpleNamespace(mails={"issue/": mail})
    assert len(list(RULES["mail-line"].look(site))) == 1


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("<p>\n{% if %}\n", 2, "Expected an expression"),
        ("<p>\n\n{{ issue.nothing }}\n", 3, "nothing"),
        ("{{ [].__class__ }}", 1, "unsafe"),
        ('{% extends "missing.j2" %}', 1, "missing.j2"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, ""),
    ],
)
def test_a_failing_template_is_reported_with_its_line(
    issued: Newsroom, text: str, line: int, said: str
) -> None:
    """Whether it cannot be parsed or fails on an issue; everything else is still checked."""
    issued.write("email_templates/digest.html.j2", text)
    issued.article("b.md", date="2025-06-26", summary="")
    template, summary = findings(issued)
    assert (template["rule"], template["severity"]) == ("template", "error")
    assert template["path"] == "email_templates/digest.html.j2"
    assert template["line"] == line
    assert said in template["what"]
    assert summary["rule"] == "no-summary"


def test_templates_are_checked_without_a_due_issue(issued: Newsroom) -> None:
    """An error is reported today, not on the morning of the next issue."""
    assert issued.run("digest").code == 0
    assert findings(issued) == []
    issued.write("email_templates/digest.html.j2", "{{ issue.nothing }}")
    assert [found["rule"] for found in findings(issued)] == ["template"]
    (issued.folder / "feeds/digests/weekly/2025-06-30/issue.json").unlink()
    (issued.folder / "content/a.md").unlink()
    issued.write("email_templates/digest.html.j2", "{% if %}")
    assert [found["rule"] for found in findings(issued)] == ["template"]
    issued.write("email_templates/digest.html.j2", b"\xff\xfe")
    assert [found["rule"] for found in findings(issued)] == ["template"]


def test_a_broken_record_is_reported_and_the_rest_is_checked(issued: Newsroom) -> None:
    """`digest` would stop there; `check` reports it along with everything else."""
    assert issued.run("digest").code == 0
    record = issued.folder / "feeds/digests/weekly/2025-06-30/issue.json"
    record.write_bytes(b"{}")
    issued.article("b.md", date="2025-06-26", summary="")
    ran = issued.run("check", "--json")
    assert (ran.code, ran.err) == (1, "")
    first, second = json.loads(ran.out)
    assert (first["rule"], first["path"]) == ("record", f"{ISSUE}issue.json")
    assert second["rule"] == "no-summary"


def test_a_sender_of_another_domain_is_reported(issued: Newsroom) -> None:
    """At its line of the config: a warning if DMARC may still pass, an error if it cannot."""
    issued.configure(WEEKLY + SENDER + 'bounce_address = "b@elsewhere.example"\n')
    (found,) = findings(issued)
    assert (found["rule"], found["severity"]) == ("mail-sender", "warning")
    assert found["path"] == "broadsheet.toml"
    text = (issued.folder / "broadsheet.toml").read_text().splitlines()
    assert text[found["line"] - 1].startswith("bounce_address")
    more = 'bounce_address = "b@esp.example"\ndkim_key = "k"\ndkim_domain = "esp.example"\n'
    issued.configure(WEEKLY + SENDER + more)
    assert [each["severity"] for each in findings(issued)] == ["error", "error"]
