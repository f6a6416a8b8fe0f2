"""Every kind of mail beside SpamAssassin's rules: nothing in the mail itself costs points.

Only what is in the mail counts: no network, and no path that it took.
"""

from __future__ import annotations

import mailbox
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadsheet.digests.sender import mail_sender
from broadsheet.service.outbox import MailWriter
from broadsheet.storage import config
from deliveries import SECRET, Post, at, post

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.skipif(
        not shutil.which("spamassassin"),
        reason="no SpamAssassin on this machine (Debian: apt-get install spamassassin)",
    ),
]

EDITOR, READER = "editor@example.org", "ann@example.net"
CONFIG = """
[publication]
title = "{title}"
url = "https://www.example.org/"
language = "{language}"
timezone = "Asia/Shanghai"
author = {{ name = "{title}", email = "news@example.org" }}

[mail]
logo = "/logo.png"
footer = "{title}, 1 Example Street"

[digests.weekly]
title = "{title}"

[digests.full]
title = "{title}+"
content = "full"
topics = ["{topic}"]

[digests.each]
title = "{title}*"
schedule = "per-article"

[digests.held]
title = "{title}-"
approval = "required"
approval_reminder = "editor@example.org"

[delivery]
smtp = "smtp://127.0.0.1:{port}"
starttls = "never"
service_url = "https://news.example.org/"
rate = 0
"""
SAMPLES = {
    "en": (
        "Field Notes",
        "Gardens",
        "Growing food in a small space takes patience. We tried four methods, and measured them.",
    ),
    "zh-CN": (
        "前沿",
        "模型",
        "不是每件事都要请最大的模型来做。改错字、拟标题、给采访录音分段，一台普通电脑上的小模型就能干。",
    ),
    "ar": (
        "الأفق",
        "حدائق",
        "زراعة الطعام في مساحة صغيرة تحتاج إلى الصبر. جرّبنا أربع طرق خلال الصيف.",
    ),
}
NOTE = """---
sponsor: {text: Example Cloud, link: "https://example.com/", image: "/ad.png", label: Ad}
reply_to: editor@example.org
---

"""


@contextmanager
def _office(place: Path) -> Iterator[Post]:
    """A mail server and an empty newsroom."""
    with post(place) as made:
        for folder in ("content", "feeds"):
            shutil.rmtree(place / folder)
        made.server.order(keep=True)
        yield made


def _delivered(office: Post, language: str) -> list[str]:
    """Send an issue of each kind of digest, a correction, and a reminder; return the mails."""
    title, topic, text = SAMPLES[language]
    newsroom = office.newsroom
    words = CONFIG.format(title=title, language=language, topic=topic, port=office.server.port)
    newsroom.write("broadsheet.toml", words)
    newsroom.write("digests/weekly/2025-06-30.md", f"{NOTE}{text}\n")
    body = f"{text}\n\n## {topic}\n\n{text} [a](https://www.example.org/x)\n\n![{topic}](/i.png)\n"
    for day in range(1, 5):
        newsroom.article(
            f"a{day}.md", body * day, date=at(-day), title=f"{topic} {day}", summary=text,
            main_topics=[topic], image="/i.png",
        )  # fmt: skip
    office.add({READER: {}})
    assert newsroom.run("digest").code == 0
    assert office.deliver().code == 0
    newsroom.article("a1.md", body, date=at(-1), title=f"{topic} 1", main_topics=[topic])
    assert newsroom.run("digest", "--correct", "weekly/2025-06-30").code == 0
    assert office.deliver(now=at(minutes=5)).code == 0
    return [each["mail"] for each in office.server.taken()]


def _from_the_service(office: Post, language: str) -> list[str]:
    settings = config.load(office.newsroom.folder / "broadsheet.toml", "broadsheet.toml")
    sender = mail_sender(settings.publication, settings.delivery)
    writer, now = MailWriter(settings.publication, sender), datetime.now(UTC)
    link = "https://news.example.org/confirm?token=MTI.aGVsbG8gd29ybGQ.Zk3x-9"
    mails = (
        writer.confirm(READER, link, 7, language, now),
        writer.known(READER, link, language, now),
        writer.welcome(READER, link, language, now),
    )
    return [each.message.decode("ascii") for each in mails]


SPAM = "BUY VIAGRA NOW, 100% FREE!!!"
_LEAST = 0.1  # less is only information, such as that a mail has HTML
_RULES = "report_safe 0\nfold_headers 0\nadd_header all Points _TESTSSCORES(,)_"


def _points(mails: list[str], folder: Path) -> list[tuple[str, str]]:
    """Return the subject, and NAME=POINTS of each rule that costs points."""
    box, now = folder / "mails.mbox", datetime.now(UTC)
    date = f"Date: {now:%a, %d %b %Y %H:%M:%S} +0000"
    recent = [re.sub(r"^Date: .*$", date, each, count=1, flags=re.MULTILINE) for each in mails]
    box.write_text(
        "".join(f"From a@example.org {now:%c}\n{each}\n\n" for each in recent).replace("\r\n", "\n")
    )
    command = ["spamassassin", "--local", "--nocreate-prefs", f"--cf={_RULES}", "--mbox", str(box)]
    home = {**os.environ, "HOME": str(folder)}
    with (folder / "rated.mbox").open("wb") as rated:
        subprocess.run(command, check=True, stdout=rated, env=home)
    with closing(mailbox.mbox(folder / "rated.mbox")) as found:  # in any order
        assert len(found) == len(mails)
        return [
            (str(mail["Subject"]), rule)
            for mail in found
            for rule in mail["X-Spam-Points"].split(",")
            if float(rule.partition("=")[2] or 0) >= _LEAST
        ]


def test_no_mail_costs_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of every kind, a correction, a reminder, and the three mails of the service. A mail
    whose subject looks like spam costs some."""
    monkeypatch.setenv("BROADSHEET_SECRET", SECRET)
    mails = []
    for language in SAMPLES:
        with _office(tmp_path / language) as office:
            mails += [*_delivered(office, language), *_from_the_service(office, language)]
    assert len(mails) == 8 * len(SAMPLES)
    spam = re.sub("^Subject: ", f"Subject: {SPAM} ", mails[0], count=1, flags=re.MULTILINE)
    found = _points([*mails, spam], tmp_path)
    assert found, "the test can fail"
    assert all(SPAM in subject for subject, _ in found), found
