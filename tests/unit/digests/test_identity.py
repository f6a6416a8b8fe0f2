"""An article whose address has changed is the same article: never issued twice, never lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from broadsheet.articles import Article
from broadsheet.articles.catalogue import Catalogue
from broadsheet.articles.fingerprint import fingerprint
from broadsheet.digests.issue import Issue, parse_record, record_bytes
from broadsheet.digests.selection import Digest, History
from broadsheet.model.settings import DigestSettings, TopicSettings
from broadsheet.model.values import Schedule
from laws import law
from newsletters import SHANGHAI, WEEKLY, at, names, story

OLD, NEW = "https://old.example/blog/", "https://new.example/"
FIRST, SECOND = "2025-06-23 08:00", "2025-06-30 08:00"
ALWAYS = 1000  # days


def _article(name: str, *, site: str = OLD, path: str = "", **fields: Any) -> Article:
    """Return the article of content/NAME.md, at SITE/posts/NAME/ unless `path` says otherwise."""
    url = site + (path or f"posts/{name}/")
    body = fields.pop("body", f"What {name} says.")
    usual = {"url": url, "id": url, "title": f"About {name}", "body_sha256": fingerprint(body)}
    return story(name, **{**usual, **fields})


def _weekly(*articles: Article, site: str = OLD, name: str = "weekly", **given: Any) -> Digest:
    mine = DigestSettings(
        title="The weekly", schedule=Schedule(WEEKLY), **{"late_days": ALWAYS, **given}
    )
    return Digest(
        name, mine, SHANGHAI, lambda tick: Catalogue.at(tick, articles, TopicSettings()), site
    )


def _issued(*articles: Article) -> Issue:
    """Return the first issue, with all of these, as read back from its record."""
    (issue,) = _weekly(*articles).due(at(FIRST), History())
    return parse_record(record_bytes(issue), "issue.json")


def _next(first: Issue, *articles: Article, site: str = OLD, **given: Any) -> list[str]:
    """Return the titles in the issue after `first`; `articles` are those at that time."""
    issues = _weekly(*articles, site=site, **given).due(at(SECOND), History.of([first]))
    return [title for issue in issues for title in names(issue)]


SAME = {
    "the whole site has moved": {"site": NEW},
    "the whole site has moved to another folder": {"site": "https://old.example/"},
    "the pattern has changed": {"path": "2025/06/a/"},
    "the site has moved and the pattern has changed": {"site": NEW, "path": "2025/a.html"},
    "the file was renamed": {"source": "content/b.md", "path": "posts/b/"},
    "the folder was renamed": {"source": "articles/deep/a.md", "path": "deep/a/"},
    "renamed, site and pattern changed": {"source": "x/b.md", "site": NEW, "path": "2025/b/"},
    "renamed and retitled": {"source": "content/b.md", "path": "posts/b/", "title": "Another"},
    "renamed and edited": {"source": "content/b.md", "path": "posts/b/", "body": "Another."},
    "renamed and given another date": {
        "source": "content/b.md",
        "path": "posts/b/",
        "date": "2025-06-18 09:00",
    },
    "another date in the address, and edited": {"path": "2025/06/a/", "body": "Another."},
    "another slug, retitled and edited, with the same date": {
        "path": "posts/slug/",
        "title": "Another",
        "body": "Another.",
    },
    "the id alone": {"id": "tag:old.example,2025:a"},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_a_changed_address_issues_nothing_again(change: dict[str, Any]) -> None:
    """The same text, the same file with the same date, or half of each, is the same article; a new
    one beside it is issued."""
    first = _issued(_article("a"), _article("other"))
    site = change.get("site", OLD)
    moved, other = _article("a", **change), _article("other", site=site)
    new = _article("new", site=site, date="2025-06-25 12:00")
    assert _next(first, moved, other, new, site=site) == ["About new"]
    inside, why = _weekly(moved, other, new, site=site).explain(
        moved, at("2025-06-26 08:00"), History.of([first])
    )
    assert inside
    assert why.startswith("in the issue of 2025-06-23")


ALIASES = [
    "/posts/a/",
    "/posts/a",
    "posts/a/",
    "/posts/a/index.html",
    "/posts/A.html",
    "a",
    "../posts/a/",
    "/blog/posts/a/",
    "https://old.example/blog/posts/a/",
    "http://www.old.example/blog/posts/a#top",
    "/posts/%61/",
]


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("site", [OLD, NEW])
def test_an_alias_names_the_old_address(alias: str, site: str) -> None:
    """However it is written, even if nothing else is as before."""
    first = _issued(_article("a"))
    changed = _article(
        "b",
        site=site,
        title="Another",
        body="Rewritten.",
        date="2025-06-19 09:00",
        aliases=(alias,),
    )
    assert _next(first, changed, site=site) == []
    assert _next(first, structs.replace(changed, aliases=("/posts/c/",)), site=site) == ["Another"]


def test_an_address_with_letters_of_any_script_is_found_by_its_alias() -> None:
    """Percent-encoded or not, composed or not (NFC)."""
    first = _issued(_article("a", path="posts/%E8%8A%AF%E7%89%87-caf%C3%A9/"))
    for alias in (
        "/posts/芯片-café/",
        "/posts/芯片-cafe\u0301/",
        "/posts/%E8%8A%AF%E7%89%87-caf%c3%a9",
    ):
        moved = _article("b", title="Another", body="New.", aliases=(alias,))
        assert _next(first, moved) == []


@pytest.mark.parametrize(
    "alias", ["https://[", "http://", "//[a", "#", "?", "/", "", "%", "..", "\ud800"]
)
def test_an_invalid_alias_matches_nothing(alias: str) -> None:
    """Nor does the home page; and nothing fails."""
    first = _issued(_article("a", path=""))
    odd = _article("b", title="Another", body="New.", date="2025-06-24 09:00", aliases=(alias,))
    assert _next(first, odd) == ["Another"]


def test_a_checkout_changes_no_text() -> None:
    """Line ends, trailing white space, a byte-order mark and the normalisation of accents do not
    count."""
    text = "Caf\u00e9 au lait.\n\nThe second line."
    for other in (
        text.replace("\n", "\r\n"),
        text.replace("\n", "  \n") + "\n\n",
        "\ufeff" + text,
        text.replace("\u00e9", "e\u0301"),
    ):
        assert fingerprint(other) == fingerprint(text) != ""
    assert fingerprint("Caf\u00e9 au lait. The second line.") != fingerprint(text)


def test_a_hostile_text_takes_no_time() -> None:
    """Endless combining marks, which Unicode wants sorted, and comments that are never closed."""
    marks = "".join(chr((0x300, 0x316)[place % 2]) for place in range(500_000))
    before = time.process_time()
    for text in (marks, "a" + marks, "<!--" * 500_000, "-->" + "<!--" * 500_000, " \n" * 500_000):
        fingerprint(text)
        new = _article("b", title="Long " + text[:100_000], body=text, date="2025-06-24 12:00")
        assert len(_next(_issued(_article("a")), new)) == 1
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "body", ["", "\n\n", "<!-- write here -->", "***\n---", "<!-- a -->\n<!--"]
)
def test_a_body_without_text_is_no_evidence(body: str) -> None:
    """Two stubs of one template, of which the first is gone, are two articles."""
    assert fingerprint(body) == ""
    first = _issued(_article("a", title="Stub", body=body, date="2025-06-18 08:00"))
    stub = _article("b", title="Stub", body=body, date="2025-06-25 08:00")
    assert _next(first, stub) == ["Stub"]


def test_a_recurring_text_is_issued_each_time() -> None:
    """Two existing articles with the same title and text but different dates."""
    monday = _article("monday", title="Open thread", body="Ask anything.", date="2025-06-17 08:00")
    first = _issued(monday)
    tuesday = _article("tue", title="Open thread", body="Ask anything.", date="2025-06-25 08:00")
    assert _next(first, monday, tuesday) == ["Open thread"]
    # The addresses of both have changed as well: one of them is the old one.
    moved = [structs.replace(a, id=a.id + "x", url=a.url + "x") for a in (tuesday, monday)]
    issue = _weekly(*moved).due(at(SECOND), History.of([first]))[0]
    assert [placed.id for placed in issue.articles] == [moved[0].id]


def test_a_copy_is_not_issued() -> None:
    """The same title, text and date in a second file: a folder of old versions, an unfinished
    translation; even if the site has moved as well."""
    first = _issued(_article("a"))
    copy = _article("v1-a", title="About a", body="What a says.")
    assert _next(first, _article("a"), copy) == []
    moved = [structs.replace(a, id=a.id + "x", url=a.url + "x") for a in (_article("a"), copy)]
    assert _next(first, *moved) == []


@pytest.mark.parametrize(
    "change", [{"body": "Moved to b."}, {"hidden": "it is a draft"}, {"expires": at(FIRST)}]
)
def test_files_left_at_the_old_address_hide_nothing(change: dict[str, Any]) -> None:
    """A notice that the article has moved, or the old file as a draft: the text was issued."""
    first = _issued(_article("a"))
    old = _article("a", **change)
    text = _article("b", title="About a", body="What a says.", date="2025-06-24 12:00")
    assert _next(first, old, text) == []


def test_a_new_article_is_not_mistaken_for_an_old_one() -> None:
    """Of two new ones that each resemble an old one a little, the best match is found first."""
    first = _issued(_article("a", title="Links", date="2025-06-20 00:00"))
    moved = _article("b", title="Links", body="What a says.", date="2025-06-20 00:00")
    same_day = _article("c", title="Links", date="2025-06-20 00:00")
    for order in ((moved, same_day), (same_day, moved)):
        issue = _weekly(*order).due(at(SECOND), History.of([first]))[0]
        assert [placed.id for placed in issue.articles] == [same_day.id]


def test_an_alias_that_was_copied_with_the_front_matter_hides_no_article() -> None:
    """The article that the alias refers to still exists, under its own id."""
    first = _issued(_article("a", aliases=("/posts/older/",)))
    new = _article("new", aliases=("/posts/a/",), date="2025-06-25 12:00")
    assert _next(first, _article("a"), new) == ["About new"]


def test_successive_changes_are_followed() -> None:
    """Each issue records what has changed since, so changes can accumulate."""
    history = History.of([_issued(_article("a"))])
    state = {"name": "a", "title": "About a", "body": "What a says.", "date": "2025-06-20 12:00"}
    changes = [
        {"title": "Second"},
        {"body": "Second."},
        {"name": "b"},
        {"date": "2025-06-19 09:00"},
        {"title": "Third", "name": "c"},
        {"body": "Third."},
    ]
    for week, change in enumerate(changes, 1):
        state |= change
        tick = at(FIRST) + timedelta(weeks=week)
        new = _article(f"new{week}", date=tick - timedelta(days=1))
        (issue,) = _weekly(_article(**state), new).due(tick, history)
        assert names(issue) == [f"About new{week}"]
        assert [each.first for each in issue.changed] == [f"{OLD}posts/a/"]
        history = history.and_then(parse_record(record_bytes(issue), "issue.json"))
    tick += timedelta(weeks=1)
    (issue,) = _weekly(_article(**state), _article("x", date=tick)).due(tick, history)
    assert issue.changed == ()


# A year of random changes.

PATTERNS = ("posts/{name}/", "{date:%Y}/{name}.html", "{date:%Y/%m/%d}/{name}/", "{name}/")
# Each leaves evidence, whatever else happens to the addresses of the whole site.
EDITS = (
    *({"name"}, {"title"}, {"body"}, {"date"}, {"name", "title"}, {"name", "body"}),
    *({"name", "date"}, {"title", "body"}, {"title", "date"}),
)
WITH_ALIAS = (
    {"name", "title", "body", "date"},
    {"name", "title", "body"},
    {"name", "body", "date"},
)


@dataclass(frozen=True)
class Page:
    """An article as its author knows it: `uid` stays, whatever changes."""

    uid: int
    name: str
    title: str
    body: str
    date: datetime
    aliases: tuple[str, ...] = ()


@dataclass
class Site:
    """The changes that an author makes to a site, week after week."""

    draw: st.DataObject
    stubs: bool = False
    url: str = OLD
    pattern: str = PATTERNS[0]
    digest: str = "weekly"
    pages: list[Page] = field(default_factory=list)
    serial: int = 0

    def choose(self, *values: Any) -> Any:
        return self.draw.draw(st.sampled_from(values))

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def add(self, date: datetime) -> None:
        uid = self.number()
        title, body = ("Stub", "To be written.") if self.stubs else (f"T{uid}", f"B{uid}")
        date += timedelta(seconds=uid)  # no two at one moment
        self.pages.append(Page(uid, f"n{uid}", title, body, date))

    def path(self, page: Page) -> str:
        return self.pattern.format(name=page.name, date=page.date)

    def edit(self, page: Page) -> Page:
        old = "/" + self.path(page)
        aliased = self.choose(False, True) and not self.stubs
        attributes = {"name"} if self.stubs else self.choose(*(WITH_ALIAS if aliased else EDITS))
        new: dict[str, Any] = {each: f"{each}{self.number()}" for each in attributes - {"date"}}
        if "date" in attributes:
            new["date"] = page.date - timedelta(hours=self.choose(1, 30, 70))
        return replace(page, **new, aliases=(*page.aliases, old) if aliased else page.aliases)

    def live(self, tick: datetime) -> None:
        """A week: some new articles, at least one on time; edits; moves of the whole site."""
        self.add(tick - timedelta(hours=5))
        for days in self.draw.draw(st.lists(st.integers(1, 6), max_size=2)):
            self.add(tick - timedelta(days=days))
        self.pages = [self.edit(p) if self.choose(0, 0, 1) else p for p in self.pages]
        self.url = self.choose(self.url, self.url, OLD, NEW)
        self.pattern = self.choose(self.pattern, self.pattern, *PATTERNS)
        self.digest = self.choose(self.digest, self.digest, "renamed", "again")
        if self.choose(0, 0, 0, 1):  # back-dated into a past week
            self.add(tick - timedelta(days=9))

    def articles(self) -> dict[str, Article]:
        return {
            f"{self.url}{self.path(page)}": _article(
                page.name,
                site=self.url,
                path=self.path(page),
                title=page.title,
                body=page.body,
                date=page.date,
                aliases=page.aliases,
                sha256=f"{page.uid}{page}",
            )
            for page in self.pages
        }


@given(data=st.data(), stubs=st.booleans())
@law(20)
def test_whatever_changes_each_article_is_issued_once(data: st.DataObject, stubs: bool) -> None:
    """Renames, patterns, moves, aliases, other dates, edits and a renamed digest, in any order: no
    article is in two issues, and none is missing. Also for stubs, which are all alike."""
    site, history = Site(data, stubs), History()
    issued: list[int] = []
    for week in range(data.draw(st.integers(2, 6))):
        tick = at(FIRST) + timedelta(weeks=week)
        if week == 0:
            site.add(tick - timedelta(hours=30))
            site.add(tick - timedelta(hours=5))
        else:
            site.live(tick)
        articles = site.articles()
        weekly = _weekly(*articles.values(), site=site.url, name=site.digest)
        made = [parse_record(record_bytes(i), "x") for i in weekly.due(tick, history)]
        history = history.and_then(*made)
        uid = {f"{site.url}{site.path(page)}": page.uid for page in site.pages}
        issued += [uid[id_] for issue in made for id_ in issue.ids]
        assert weekly.due(tick, history) == ()
    assert len(issued) == len(set(issued)), "something was issued twice"
    assert set(issued) == {page.uid for page in site.pages}, "something was lost"
    keys = [issue.key for issue in history.issues]
    assert len(keys) == len(set(keys))
