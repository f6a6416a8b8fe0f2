"""Previews: plain pages, opened by double click, that show a mail as its readers will get it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from broadsheet import pages
from broadsheet.digests.lint import CLIP_BYTES, ROOM_BYTES, LintedMail, lint_mail
from broadsheet.i18n import Words
from broadsheet.pages import policy

MAIL, TEXT, WEB, MESSAGE = "email.html", "email.txt", "index.html", "message.eml"
_SHOWN = "view.html"


class Shown(Struct, frozen=True):
    """An issue to look at.

    digest: its name; title: the digest's. key: of the issue. upcoming: it is not made yet.
    files: the issue's files, the very bytes that `digest` writes or has written.
    """

    digest: str
    title: str
    key: str
    date: str
    upcoming: bool
    files: Mapping[str, bytes]

    @property
    def folder(self) -> str:
        """Where its preview lies."""
        return f"{self.digest}/{self.key}/"


class _Card(Struct, frozen=True):
    issue: Shown
    mail: LintedMail
    share: int


def files(
    issues: Sequence[Shown], images: Mapping[str, str], language: str, *, live: bool = False
) -> dict[str, bytes]:
    """The gallery of `issues` and a page for each: relative path -> bytes.

    images: address -> path on disk relative to the gallery, of images to be shown from there,
    since they may not be on the web yet. live: the pages reload when the server says so.
    """
    cards = [_card(issue) for issue in issues]
    script = pages.live_script() if live else ""
    made: dict[str, bytes] = {}
    for card in cards:
        made |= _issue_files(card, images, language, script)
    made["index.html"] = pages.render(
        "gallery.html.j2", language=language, words=Words(language), cards=cards, script=script
    )
    return made


def _card(issue: Shown) -> _Card:
    mail = lint_mail(issue.files[MAIL], issue.files[TEXT], issue.files[MESSAGE])
    return _Card(issue, mail, round(100 * mail.size / CLIP_BYTES))


def _issue_files(
    card: _Card, images: Mapping[str, str], language: str, script: str
) -> Iterable[tuple[str, bytes]]:
    issue = card.issue
    source = issue.files[MAIL].decode()
    page = pages.render(
        "preview.html.j2",
        language=language,
        words=Words(language),
        card=card,
        view=_SHOWN,
        source=source,
        text=issue.files[TEXT].decode(),
        clip=CLIP_BYTES,
        room=ROOM_BYTES,
        script=script,
    )
    shown = {
        _SHOWN: _from_disk(source, images).encode(),
        "web.html": _from_disk(issue.files[WEB].decode(), images).encode(),
        "preview.html": page,
        **{name: data for name, data in issue.files.items() if name != WEB},
    }
    return {issue.folder + name: data for name, data in shown.items()}.items()


def _from_disk(html: str, images: Mapping[str, str]) -> str:
    """`html` with the images that are on disk shown from there, and with leave to do so."""
    shown = re.sub(
        r'(\bsrc=")([^"]*)"',
        lambda found: f'{found[1]}../../{images[found[2]]}"' if found[2] in images else found[0],
        html,
    )
    return policy.previewed(shown)
