"""Rules on what would be published: feeds and mails, and what readers have already."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from broadsheet.checks.material import Material, Published
from broadsheet.checks.rule import rule
from broadsheet.digests.remarks import ABOUT
from broadsheet.errors import Problem
from broadsheet.markup.text import plain

_LARGEST_FEED = 1_000_000  # bytes; several readers stop at one megabyte
_ALIKE = 0.9


@rule(
    "id-changed",
    "error",
    "An id that readers know is gone, while its text lives on under another: they will all see "
    "it as new. It happens when a file is renamed or a date or permalink changes.",
)
def id_changed(material: Material) -> Iterator[Problem]:
    ids = {article.id for article in material.catalogue.articles}
    known = {each.id for each in material.published}
    gone = [each for each in material.published if each.id not in ids]
    for article in material.catalogue.articles:
        if article.id in known or not gone:
            continue
        text = (
            plain(material.renditions[article.id].html) if article.id in material.renditions else ""
        )
        if old := next((each for each in gone if _is_same(each, article.title, text)), None):
            yield Problem(
                f"its id was {old.id} in the last build and is {article.id} now",
                f"write `id: {old.id}` to keep it",
                article.source,
                1,
            )


@rule("template", "error", "A mail template of yours fails, so no issue could be made with it.")
def template(material: Material) -> Iterator[Problem]:
    yield from material.templates


@rule("feed-size", "warning", "Several readers take no feed above a megabyte, or only its start.")
def feed_size(material: Material) -> Iterator[Problem]:
    folder = material.settings.feeds.folder
    for path, data in material.outputs.items():
        if path.endswith((".xml", "feed.json")) and len(data) > _LARGEST_FEED:
            what = f"it would have {len(data) / 1e6:.1f} MB"
            todo = 'lower feeds.entries, or set feeds.content = "summary"'
            yield Problem(what, todo, f"{folder}/{path}")


def _mail_rule(name: str) -> None:
    severity, about = ABOUT[name]

    @rule(name, severity, about)
    def look(material: Material) -> Iterator[Problem]:
        for path, mail in material.mails.items():
            for remark in mail.remarks:
                if remark.rule == name:
                    yield Problem(remark.what, path=path)


for _name in ABOUT:
    _mail_rule(_name)


def _is_same(old: Published, title: str, text: str) -> bool:
    if old.text and old.text == text:
        return True
    if old.title != title:
        return False
    return not text or not old.text or SequenceMatcher(None, old.text, text).quick_ratio() > _ALIKE
