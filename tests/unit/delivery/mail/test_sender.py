"""The sender of an issue and the unsubscribe link are those of the config at delivery."""

from __future__ import annotations

import itertools
import re
import shutil
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import letters
from broadsheet.digests.html_mail import mail_html
from broadsheet.digests.message import letterhead, message_bodies, mime_message, readdressed
from broadsheet.digests.rendered import mail_text
from broadsheet.digests.sender import organisational_domain, sender_problems
from broadsheet.digests.unsubscribe_link import unsubscribe_problems
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.model.settings import DeliverySettings, Settings
from deliveries import Post
from keys import dkim_key
from newsroom import Newsroom

pytestmark = [pytest.mark.enable_socket, pytest.mark.allow_hosts(["127.0.0.1"])]

NOBODY = Publication(
    title="AI 前沿", url=BaseUrl("https://example.org/"), language=Language("zh-CN")
)
CONFIGS = {
    "none": DeliverySettings(),
    "sender": DeliverySettings(sender="News <news@a.example>"),
    "other sender": DeliverySettings(sender="新闻 <news@b.example>"),
    "service": DeliverySettings(service_url=BaseUrl("https://c.example/")),
    "both": DeliverySettings(
        sender="News <news@d.example>", service_url=BaseUrl("https://d.example/mail/")
    ),
    "others": DeliverySettings(
        sender="News <news@e.example>", service_url=BaseUrl("https://e.example/")
    ),
}


def _settings(delivery: DeliverySettings) -> Settings:
    return Settings(publication=NOBODY, digests={"weekly": letters.DIGEST}, delivery=delivery)


@cache
def _issued(config: str) -> bytes:
    letter = letters.make(publication=NOBODY, delivery=CONFIGS[config])
    return mime_message(letter, mail_html(letter, {}), mail_text(letter, {}))


def _parsed(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.parametrize(("old", "new"), list(itertools.product(CONFIGS, CONFIGS)))
def test_an_issue_has_the_sender_at_delivery(old: str, new: str) -> None:
    """Nothing of the sender at release is left, and the unsubscribe link is new."""
    head = letterhead("weekly", "2025-06-23", _settings(CONFIGS[new]))
    made = readdressed(_issued(old), head)
    parsed = _parsed(made)
    assert parsed["From"].addresses[0].addr_spec == head.sender.address
    assert str(parsed["Message-ID"]).endswith(f"@{head.sender.domain}>")
    ways = [way for way in (head.opt_out.mail, head.opt_out.page) if way]
    assert re.findall(r"<([^>]*)>", parsed["List-Unsubscribe"] or "") == ways
    names = [name.lower() for name in parsed.keys()]  # noqa: SIM118 - repeated ones too
    assert len(names) == len(set(names))
    html, text = message_bodies(made)
    if ways:
        assert unsubscribe_problems(html, text, (head.opt_out.unsubscribe,)) == ()
        if old != new:
            said = f"{html}{text}{parsed['From']}{parsed['List-Unsubscribe']}"
            strangers = {f"{letter}.example" for letter in "abcde"} - {
                head.sender.domain, head.opt_out.page.partition("://")[2].partition("/")[0]
            }  # fmt: skip
            assert not [each for each in strangers if each in said]
    else:
        assert unsubscribe_problems(html, text, ways)


@pytest.mark.parametrize("config", CONFIGS)
def test_under_the_same_config_an_issue_stays_as_it_is(config: str) -> None:
    """Except for the Message-ID, which has the sender's domain; doing it twice changes nothing."""
    head = letterhead("weekly", "2025-06-23", _settings(CONFIGS[config]))
    issued = _issued(config)
    made = readdressed(issued, head)
    assert readdressed(made, head) == made
    before, after = _parsed(issued), _parsed(made)
    del before["Message-ID"], after["Message-ID"]
    assert dict(before.items()) == dict(after.items())
    if head.opt_out.unsubscribe or config == "none":
        assert message_bodies(made) == message_bodies(issued)
    assert made.partition(b"\r\n\r\n")[2] == issued.partition(b"\r\n\r\n")[2]


def test_the_added_line_is_in_the_readers_language() -> None:
    """It is at the end of both bodies, within the document."""
    head = letterhead("weekly", "2025-06-23", _settings(CONFIGS["both"]))
    html, text = message_bodies(readdressed(_issued("none"), head))
    line = html[html.rindex("<p") : html.index("</body>")]
    assert "退订" in line
    assert "https://d.example/mail/preferences" in line
    assert text.endswith("    https://d.example/mail/preferences\n")


@pytest.fixture
def office(office: Post) -> Post:
    """A newsroom that delivers, and keeps what arrives."""
    office.server.order(keep=True)
    return office


READERS: dict[str, dict[str, Any]] = {
    "all@x.org": {},
    "chips@x.org": {"topics": ("芯片",)},
    "english@x.org": {"language": "en"},
    "both@x.org": {"topics": ("开源",), "language": "en"},
}


def _nobody_answers(office: Post) -> None:
    """Remove the author's address from the config."""
    config = office.newsroom.folder / "broadsheet.toml"
    config.write_text(re.sub(r"(?m)^author = .*email.*$", "", config.read_text()))
    assert "@" not in config.read_text()


def _anew(office: Post, *, answers: bool = True, **delivery: Any) -> None:
    """Make the issue again under another config, with readers of every kind of mail."""
    shutil.rmtree(office.newsroom.folder / "feeds" / "digests")
    office.configure(**delivery)
    if not answers:
        _nobody_answers(office)
    ran = office.newsroom.run("digest")
    assert ran.code == 0, ran.err
    office.add(READERS)


@pytest.mark.long
@pytest.mark.parametrize(
    "before",
    [
        {"answers": False, "service_url": None},
        {"service_url": None},
        {"service_url": None, "sender": "Old <old@old.example>"},
        {"service_url": "https://old.example/"},
        {"service_url": "https://old.example/", "sender": "Old <old@old.example>"},
    ],
    ids=["no config", "an author", "a sender", "a service", "both"],
)
def test_every_variant_has_the_current_sender(
    office: Post, tmp_path: Path, before: dict[str, Any]
) -> None:
    """From, envelope, DKIM, Message-ID, List fields and both bodies, for all kinds of mail."""
    _anew(office, **before)
    pem, _ = dkim_key(tmp_path, "rsa")
    office.newsroom.write("dkim.pem", pem.decode())
    office.configure(sender="News <news@new.example>", dkim_key="dkim.pem")
    ran = office.deliver()
    assert ran.code == 0, ran.err
    taken = {each["to"]: each for each in office.server.taken()}
    assert set(taken) == set(READERS)
    for each in taken.values():
        mail = each["mail"].encode()
        parsed = _parsed(mail)
        assert each["from"] == "news@new.example"
        assert parsed["From"].addresses[0].addr_spec == "news@new.example"
        assert str(parsed["Message-ID"]).endswith("@new.example>")
        assert "d=new.example;" in str(parsed["DKIM-Signature"])
        page = re.findall(r"<(https://news\.example\.org/[^>]+)>", parsed["List-Unsubscribe"])
        assert unsubscribe_problems(*message_bodies(mail), page) == ()
        assert "old.example" not in "".join((*message_bodies(mail), str(parsed)))
        assert "noreply" not in "".join((*message_bodies(mail), str(parsed)))


def test_a_started_delivery_uses_the_current_sender(office: Post) -> None:
    """The ledger stores nothing about an issue's sender."""
    _anew(office, sender="Old <old@old.example>", service_url="https://old.example/")
    assert office.deliver("--limit", "1").code == 0
    office.configure(sender="News <news@new.example>")
    assert office.deliver().code == 0
    first, *others = office.server.taken()
    assert "old.example" in first["mail"]
    assert len(others) == len(READERS) - 1
    for each in others:
        mail = each["mail"].encode()
        assert "old.example" not in "".join(
            (*message_bodies(mail), str(_parsed(mail)), each["from"])
        )


@pytest.mark.parametrize("args", [(), ("--to", "me@x.org")], ids=["run", "test copy"])
def test_a_mail_without_a_sender_or_service_is_not_sent(
    office: Post, args: tuple[str, ...]
) -> None:
    """No one could unsubscribe; the message says what to set."""
    _anew(office, answers=False, service_url=None)
    for dry in ((), ("--dry-run",)):
        ran = office.deliver(*args, *dry)
        assert ran.code == 1
        assert "readers of this mail cannot unsubscribe; set delivery.service_url" in ran.err
    assert office.rows() == []
    assert office.server.taken() == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "template", "what"),
    [
        (
            "digest.html.j2",
            "{% block footer %}{% endblock %}",
            "the HTML part shows no unsubscribe link",
        ),
        (
            "digest.html.j2",
            "{% block footer %}<!-- {{ super() }} -->{% endblock %}",
            "the address is in a comment",
        ),
        (
            "digest.html.j2",
            '{% block footer %}<div style="display:none">{{ super() }}</div>{% endblock %}',
            "the link is not visible (display: none)",
        ),
        (
            "digest.html.j2",
            "{% block styles %}<style data-premailer='ignore'>a{font-size:0}</style>{% endblock %}",
            "the link is not visible (font-size: 0)",
        ),
        (
            "digest.html.j2",
            "{% block styles %}<style>.foot a { color: #fff }</style>{% endblock %}",
            "the link is not visible (color: #fff, on #ffffff)",
        ),
        ("digest.txt.j2", "{% block footer %}{% endblock %}", "the plain text part has no"),
    ],
)
def test_a_template_without_an_unsubscribe_link_is_refused(
    office: Post, name: str, template: str, what: str
) -> None:
    """By `check`, by `deliver --dry-run` and by `deliver`; nothing is sent."""
    office.newsroom.write(
        f"email_templates/{name}", f'{{% extends "bundled/{name}" %}}\n{template}\n'
    )
    ran = office.newsroom.run("check")  # the template, though no issue is due
    assert ran.code == 1
    assert "2025-06-30/: mail-unsubscribe: " in ran.out
    assert "message.eml: mail-unsubscribe: " not in ran.out, "that was made before"
    _anew(office)
    for args in (("--dry-run",), (), ("--to", "me@x.org"), ("--dry-run", "--to", "me@x.org")):
        delivered = office.deliver(*args)
        assert delivered.code == 1
        assert what in delivered.err
        assert name in delivered.err
    assert office.rows() == []
    assert office.server.taken() == []
    (office.newsroom.folder / f"email_templates/{name}").unlink()
    ran = office.newsroom.run("check")  # the issue that was made, though the template is fixed
    assert ran.code == 1
    assert "2025-06-30/message.eml: mail-unsubscribe: " in ran.out
    assert what in ran.out
    (office.newsroom.folder / "feeds/digests/weekly/2025-06-30/issue.json").unlink()
    assert office.newsroom.run("check").code == 0
    assert office.newsroom.run("digest").code == 0
    assert office.deliver().code == 0
    assert set(office.received()) == set(READERS)


def test_a_template_that_fails_for_some_readers_is_refused(
    office: Post,
) -> None:
    """All kinds of mails are made before the first is sent."""
    _anew(office)
    office.newsroom.write(
        "email_templates/digest.txt.j2",
        '{% extends "bundled/digest.txt.j2" %}'
        "{% block footer %}{% if issue.language != 'en' %}{{ super() }}{% endif %}{% endblock %}",
    )
    for args in (("--dry-run",), ()):
        ran = office.deliver(*args)
        assert ran.code == 1
        assert "the plain text part has no unsubscribe link" in ran.err
    assert office.rows() == []
    assert office.server.taken() == []


@pytest.mark.parametrize(
    ("delivery", "found"),
    [
        ({"sender": "a@example.org"}, []),
        ({"sender": "a@example.org", "bounce_address": "b@bounces.example.org"}, []),
        ({"sender": "a@news.example.org", "bounce_address": "b@example.org"}, []),
        ({"sender": "a@news.example.co.uk", "bounce_address": "b@mail.example.co.uk"}, []),
        ({"sender": "a@例子.example", "bounce_address": "b@xn--fsqu00a.example"}, []),
        ({"sender": "a@example.org", "bounce_address": "b@esp.example.net"}, ["warning"]),
        ({"sender": "a@one.co.uk", "bounce_address": "b@two.co.uk"}, ["warning"]),
        ({"sender": "a@one.github.io", "bounce_address": "b@two.github.io"}, ["warning"]),
        ({"sender": "a@example.org", "dkim_key": "k", "dkim_domain": "news.example.org"}, []),
        ({"sender": "a@example.org", "dkim_key": "k", "dkim_domain": "EXAMPLE.org"}, []),
        ({"sender": "a@example.org", "dkim_key": "k", "dkim_domain": "example.com"}, ["warning"]),
        ({"sender": "a@example.org", "dkim_domain": "example.com"}, []),
        (
            {"sender": "a@example.org", "dkim_key": "k", "bounce_address": "b@esp.example.net"},
            ["warning"],
        ),
        (
            {
                "sender": "a@example.org",
                "dkim_key": "k",
                "dkim_domain": "esp.example.net",
                "bounce_address": "b@esp.example.net",
            },
            ["error", "error"],
        ),
        ({"service_url": BaseUrl("https://news.example.org/")}, ["warning"]),
        ({}, []),
    ],
)
def test_unaligned_domains_are_reported(delivery: dict[str, Any], found: list[str]) -> None:
    """DMARC (RFC 7489): From with the envelope, or with the signature."""
    problems = list(sender_problems(NOBODY, DeliverySettings(**delivery)))
    assert [severity for severity, _ in problems] == found
    assert all(problem.todo and problem.key.startswith("delivery.") for _, problem in problems)


def test_the_domain_of_an_organisation_is_known_by_its_form() -> None:
    """As far as possible without the public suffix list."""
    assert organisational_domain("a.b.Example.ORG.") == "example.org"
    assert organisational_domain("a.b.example.com.cn") == "example.com.cn"
    assert organisational_domain("example.org") == "example.org"
    assert organisational_domain("localhost") == "localhost"


def test_check_and_a_dry_run_report_the_sender(newsroom: Newsroom) -> None:
    """With the line of the config, and what to do; a warning stops no run."""
    newsroom.configure(
        '\n[digests.weekly]\ntitle = "W"\n\n[delivery]\nsender = "A <a@example.org>"\n'
        'bounce_address = "b@elsewhere.example"\n'
    )
    ran = newsroom.run("check")
    assert ran.code == 0
    assert re.search(r"broadsheet\.toml:\d+: mail-sender: delivery\.bounce_address: ", ran.out)
    ran = newsroom.run("deliver", "--dry-run")
    assert ran.code == 0
    assert "warning: delivery.bounce_address: elsewhere.example is not in the sender's" in ran.err


@pytest.mark.parametrize(
    "sender", ["x@y.org\r\nBcc: z@z.org", "a@b.org\nX: y", "<a@b..org>", "a@b>c", "a b@c.org", "@c"]
)
def test_a_sender_cannot_inject_a_header(sender: str) -> None:
    """A sender that is not one address is refused or reduced to the address."""
    from broadsheet.digests.sender import mail_sender as parsed
    from broadsheet.errors import ConfigError

    try:
        who = parsed(NOBODY, DeliverySettings(sender=sender))
    except ConfigError:
        return
    assert re.fullmatch(r"[\w.]+@[\w.]+", who.address)
