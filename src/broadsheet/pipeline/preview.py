"""Previews: pages, opened by double click, that show a mail as its readers will get it."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from broadsheet import pages
from broadsheet.articles.entries import Entry
from broadsheet.digests.approval import divide_approved
from broadsheet.digests.issue import Issue, issue_folder
from broadsheet.digests.linted_mail import CLIP_BYTES, ROOM_BYTES, LintedMail
from broadsheet.digests.notes import note_path, starter_note
from broadsheet.digests.refusals import admitted
from broadsheet.errors import Problem
from broadsheet.i18n import Words
from broadsheet.markup import LinkIndex
from broadsheet.model.settings import Settings
from broadsheet.pages import policy
from broadsheet.pipeline.edition import Content, entries_of, read_content
from broadsheet.pipeline.issues import MailFiles, files_of_issue, linted, without_broken
from broadsheet.pipeline.memo import Memo
from broadsheet.pipeline.project import Project
from broadsheet.storage import PREVIEWS, folders, outputs

MAIL, TEXT, WEB, MESSAGE = "email.html", "email.txt", "index.html", "message.eml"
_SHOWN = "view.html"
_READERS = "readers.html"
_ENTRIES = 10  # how many entries are shown
_ISSUED = 12  # how many of a digest's newest issues are shown


class Shown(Struct, frozen=True):
    """An issue to look at.

    digest: its name; title: the digest's. key: of the issue. upcoming: it is not made yet.
    files: the issue's files, the very bytes that `digest` writes or has written. mail: what is
    wrong with its mail. note: the path of its editor's note. offered: a note to start from; "" if
    there is one, or none can be given. command: what releases it if it is due and waits for
    approval; "" if it does not.
    """

    digest: str
    title: str
    key: str
    date: str
    upcoming: bool
    files: Mapping[str, bytes]
    mail: LintedMail
    note: str = ""
    offered: str = ""
    command: str = ""

    @property
    def folder(self) -> str:
        """Where its preview lies."""
        return f"{self.digest}/{self.key}/"


class _Card(Struct, frozen=True):
    issue: Shown
    mail: LintedMail
    share: int
    remarks: str


@dataclass(frozen=True)
class Gallery:
    """The preview pages of all digests.

    files: path below the gallery -> bytes. index: what the pages show images of. problems: those
    of articles that are left out. refused: why `digest` would not make an issue that is due.
    newest: the date of the newest public article; None if there is none. sample: if no article is
    new enough for the next issue, the time at which the issues shown would have come next.
    """

    files: Mapping[str, bytes]
    link_index: LinkIndex
    problems: Sequence[Problem]
    refused: Sequence[Problem]
    newest: datetime | None = None
    sample: datetime | None = None

    @property
    def issues(self) -> int:
        """The number of issues that it shows."""
        return sum(path.endswith("preview.html") for path in self.files)


def write_previews(project: Project) -> Gallery:
    """Write the previews of `project` beside its config."""

    def write(memo: Memo) -> Gallery:
        made = _gallery(project, memo, live=False)
        outputs.publish(project.root / PREVIEWS, made.files, PREVIEWS)
        return made

    return project.run(write)


def live_gallery(project: Project) -> Gallery:
    """Return the previews with the script that reloads them."""
    return project.run(lambda memo: _gallery(project, memo, live=True), writes=False)


def _gallery(project: Project, memo: Memo, *, live: bool) -> Gallery:
    """Return the gallery; if it would be empty, that of the day after the newest article."""
    now = _gallery_of_now(project, memo, live=live)
    if now.issues or now.newest is None or not project.settings.digests:
        return now
    sample = min(now.newest + timedelta(days=1), project.now)
    then = _gallery_of_now(dataclasses.replace(project, now=sample), memo, live=live)
    return dataclasses.replace(then, sample=sample) if then.issues else now


def _gallery_of_now(project: Project, memo: Memo, *, live: bool) -> Gallery:
    content, (shown, entries) = without_broken(
        read_content(project, memo),
        lambda content: (
            [each for name in project.settings.digests for each in _issues(content, name)],
            _newest_entries(content),
        ),
    )
    images = _images(project, content.link_index, live=live)
    language = project.settings.publication.language
    made = files(shown, images, language, live=live)
    made[_READERS] = _readers_page(entries, images, project.settings, live=live)
    newest = max((each.date for each in content.catalogue.articles), default=None)
    return Gallery(made, content.link_index, content.problems, _refused(content), newest)


def _newest_entries(content: Content) -> list[Entry]:
    """Return the newest entries of the main feed."""
    settings, catalogue = content.project.settings.feeds, content.catalogue
    main = (each for each in catalogue.articles if not catalogue.unmet(each, settings.main))
    entries = entries_of(content, list(islice(main, _ENTRIES)), catalogue).values()
    return [each if settings.content == "full" else each.without_content() for each in entries]


def _readers_page(
    entries: Iterable[Entry], images: Mapping[str, str], settings: Settings, *, live: bool
) -> bytes:
    """Return the page that shows `entries` as feed readers do."""
    words, zone = Words(settings.publication.language), settings.publication.timezone
    page = pages.render_page(
        "readers.html.j2",
        words=words,
        entries=[(each, words.date(each.published.astimezone(zone))) for each in entries],
        script=pages.script("live") if live else "",
    )
    return _with_images(page.decode(), images, "").encode()


def _refused(content: Content) -> list[Problem]:
    found: list[Problem] = []
    for name, history in content.project.histories().items():
        digest = content.digest(name)
        due = digest.due(content.project.now, history)
        former = content.project.former_histories
        refused = admitted(due, digest, history, former)[1]
        coming = digest.upcoming(content.project.now, history)
        late = admitted(coming, digest, history, former)[1]
        # Until an issue is due, more articles may be on time; a note does not change by itself.
        found += refused or [problem for problem in late if problem.path]
    return found


def _issues(content: Content, name: str) -> list[Shown]:
    """Return what is due and what comes next, then what was made; the newest first."""
    project = content.project
    history = project.history(name)
    digest = content.digest(name)
    coming = digest.upcoming(project.now, history)
    due = [issue for issue in coming if issue.tick <= project.now]
    commands = {each.issue.key: each.command for each in divide_approved(due, digest, ())[1]}
    upcoming = [
        replace(
            _shown(content, issue, files_of_issue(content, issue).files),
            command=commands.get(issue.key, ""),
        )
        for issue in coming[::-1]
    ]
    newest = history.everything[: -_ISSUED - 1 : -1]
    return upcoming + [_shown(content, each, _read(project, each), made=True) for each in newest]


def _shown(
    content: Content, issue: Issue, files: Mapping[str, bytes], *, made: bool = False
) -> Shown:
    settings = content.project.settings
    note = note_path(issue.digest, issue.key)
    has_note = (content.project.root / note).is_file()
    words = Words(settings.publication.language)
    local = issue.tick.astimezone(settings.publication.timezone)
    return Shown(
        digest=issue.digest,
        title=settings.digest(issue.digest).title,
        key=issue.key,
        date=f"{words.date(local)} {local:%H:%M}",
        upcoming=not made,
        files=files,
        mail=linted(content, MailFiles(files[MAIL], files[TEXT], files[MESSAGE])),
        note=note if has_note or not made else "",
        offered="" if has_note or made else starter_note(issue.digest, issue.key),
    )


def _read(project: Project, issue: Issue) -> dict[str, bytes]:
    folder = project.feeds_folder / issue_folder(issue.digest, issue.key)
    return {name: folders.content(folder / name) for name in (MAIL, TEXT, WEB, MESSAGE)}


def _images(project: Project, index: LinkIndex, *, live: bool) -> dict[str, str]:
    """Return where the page finds each image, by its address: on the server, or on disk."""
    assets = {*index.rooted.values(), *index.beside.values()}
    up = Path("files") if live else Path(os.path.relpath(project.root, project.root / PREVIEWS))
    return {asset.url: quote((up / asset.path).as_posix()) for asset in assets}


def files(
    issues: Sequence[Shown], images: Mapping[str, str], language: str, *, live: bool = False
) -> dict[str, bytes]:
    """The gallery of `issues` and a page for each: relative path -> bytes.

    images: address -> path on disk relative to the gallery, of images to be shown from there,
    since they may not be on the web yet. live: the pages reload when the server says so.
    """
    words = Words(language)
    cards = [_card(each, words) for each in issues]
    script = pages.script("live") if live else ""
    index = pages.render_page("gallery.html.j2", words=words, cards=cards, script=script)
    made = {"index.html": index}
    for card in cards:
        made |= _issue_files(card, images, words, script)
    return made


def _card(issue: Shown, words: Words) -> _Card:
    remarks = words.plural("{count} remark", "{count} remarks", len(issue.mail.problems))
    return _Card(issue, issue.mail, round(100 * issue.mail.size / CLIP_BYTES), remarks)


def _issue_files(
    card: _Card, images: Mapping[str, str], words: Words, script: str
) -> dict[str, bytes]:
    issue = card.issue
    source = issue.files[MAIL].decode()

    def shown_from_disk(html: str) -> bytes:
        return policy.previewed(_with_images(html, images, "../../")).encode()

    page = pages.render_page(
        "preview.html.j2",
        words=words,
        card=card,
        view=_SHOWN,
        source=source,
        text=issue.files[TEXT].decode(),
        clip=CLIP_BYTES,
        room=ROOM_BYTES,
        script=script,
    )
    shown = {
        _SHOWN: shown_from_disk(source),
        "web.html": shown_from_disk(issue.files[WEB].decode()),
        "preview.html": page,
        **{name: data for name, data in issue.files.items() if name != WEB},
    }
    return {issue.folder + name: data for name, data in shown.items()}


def _with_images(html: str, images: Mapping[str, str], up: str) -> str:
    """Return `html` with the images that are on disk shown from there. up: leads to the gallery."""
    return re.sub(
        r'(\bsrc=")([^"]*)"',
        lambda found: f'{found[1]}{up}{images[found[2]]}"' if found[2] in images else found[0],
        html,
    )
