"""An editor's note: what it may say, what it changes, and what is wrong with it, by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from broadsheet.digests.issue import Issue, Sponsor, parse_record, record_bytes
from broadsheet.digests.note_parsing import KEYS, parse_note, with_introduction
from broadsheet.digests.notes import Note, starter_note
from broadsheet.digests.selection import Digest, History
from broadsheet.markup import LinkIndex, Links
from newsletters import at, digest, layout, names, story

PATH = "digests/weekly/2025-06-23.md"
TICK = at("2025-06-23 08:00")
URL = "https://example.org/feeds/digests/weekly/2025-06-23/"


def _parsed(*lines: str, body: str = "") -> Note:
    return parse_note("\n".join(("---", *lines, "---", "", body)), PATH)


def _made(issue: Issue | None) -> Issue:
    assert issue
    return issue


def _issue(newsletter: Digest, *lines: str) -> Issue:
    noted = structs.replace(newsletter, notes={"2025-06-23": _parsed(*lines)})
    return _made(noted.issue(TICK, History()))


def _problems(newsletter: Digest, *lines: str, history: History | None = None) -> list[str]:
    past = history or History()
    noted = structs.replace(newsletter, notes={"2025-06-23": _parsed(*lines)})
    issue = noted.issue(TICK, past)
    assert issue
    return [str(each) for each in noted.note_problems(issue, past)]


WEEK = digest(
    [
        story("a", "2025-06-22 12:00", topics=("AI",)),
        story("b", "2025-06-21 12:00", topics=("AI",)),
        story("c", "2025-06-20 12:00", topics=("Law",)),
        story("old", "2025-05-01 12:00", topics=("Law",)),
        story("private", "2025-06-20 12:00", digests=()),
        story("draft", "2025-06-20 12:00", hidden="it is a draft"),
    ]
)


def test_all_keys_are_read() -> None:
    """Each key of the front matter has its value; the body stays Markdown until it is rendered."""
    note = _parsed(
        "subject: The one",
        "preheader: Read this first",
        "lead: a.md",
        "order: [b.md, c.md]",
        "exclude: d.md",
        "include: [e.md]",
        "sponsor: {text: A cloud, link: 'https://example.com/', label: Ad, image: /x.png}",
        "replyTo: ed@example.org",
        "approved: true",
        body="Dear *reader*",
    )
    assert note.problems == ()
    assert (note.shows.subject, note.shows.preheader) == ("The one", "Read this first")
    assert (note.lead, note.order, note.exclude, note.include) == (
        "a.md",
        ("b.md", "c.md"),
        ("d.md",),
        ("e.md",),
    )
    assert note.shows.sponsor == Sponsor("A cloud", "https://example.com/", "/x.png", label="Ad")
    assert (note.shows.reply_to, note.approved, note.body) == (
        "ed@example.org",
        True,
        "Dear *reader*",
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("subjct: x", "unknown key 'subjct'; did you mean 'subject'?"),
        ("zzz: x", f"unknown key 'zzz'; there is: {', '.join(KEYS)}"),
        ("subject: [a, b]", "subject: expected text, not a list; write one line"),
        ("lead: {a: b}", "lead: expected text, not a mapping; write one line"),
        ("order: {a: b}", "expected a list, not a mapping; write a list such as [a.md, b.md]"),
        ("approved: maybe", "'maybe' is neither true nor false; write true or false"),
        ("reply_to: me", "'me' is not a valid email address; write one like editor@example.org"),
        ("sponsor: A", "sponsor: expected a mapping; write one with text and link"),
        ("sponsor: {link: x}", "sponsor: it has no text; write `text: ...` in it"),
        ("sponsor: {text: a, url: x}", "unknown key 'url'; there is: text, link, image, label"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line: str, message: str) -> None:
    """A note is strict, in any place of the front matter."""
    (problem,) = _parsed("preheader: p", line).problems
    assert str(problem).startswith(f"{PATH}:3: ")
    assert message in str(problem)


@pytest.mark.parametrize(
    "text", ["---\nlead: a\n", "---\nlead: 'a\n---\n", "---\nlead: : :\n---\n"]
)
def test_front_matter_that_cannot_be_read_is_a_problem(text: str) -> None:
    """It raises nothing, and names the file and line."""
    (problem,) = parse_note(text, PATH).problems
    assert str(problem).startswith(f"{PATH}:")
    assert problem.line


def test_a_note_needs_no_front_matter() -> None:
    """All of it is the introduction then."""
    assert parse_note("Dear reader,\n\nhello.\n", PATH).body == "Dear reader,\n\nhello."


def test_the_starter_changes_nothing() -> None:
    """Every key is a comment, also once the editor writes below it."""
    note = parse_note(starter_note("weekly", "2025-06-23"), PATH)
    assert structs.replace(note, text="", path="") == Note("")
    assert all(f"# {key}: " in note.text for key in KEYS)


def test_order_lead_and_pins() -> None:
    """The lead is first, then the order, then what is pinned; sections follow their articles."""
    assert layout(_issue(WEEK, "lead: c.md")) == [
        ("Law", ["c"]),
        ("AI", ["a", "b"]),
    ]
    issue = _issue(WEEK, "lead: b.md", "order: [content/c.md, a]")
    assert layout(issue) == [("AI", ["b", "a"]), ("Law", ["c"])]
    by_topic = _issue(WEEK, "order: [law]")
    assert layout(by_topic) == [("Law", ["c"]), ("AI", ["a", "b"])]
    pinned = digest([story("a", "2025-06-22 12:00"), story("b", "2025-06-20 12:00", pin=True)])
    assert names(_made(pinned.issue(TICK, History()))) == ["b", "a"]
    over = _issue(pinned, "lead: a.md")
    assert names(over) == ["a", "b"]


def test_an_excluded_article_is_in_the_next_issue_and_not_late() -> None:
    """However long it is excluded; and the record tells both."""
    issue = _issue(WEEK, "exclude: [a.md]")
    assert names(issue) == ["b", "c"]
    issue = parse_record(record_bytes(issue), "issue.json")
    assert issue.excluded == ("https://example.org/posts/a/",)
    following = _made(WEEK.issue(at("2025-10-20 08:00"), History((issue,))))
    assert [(each.title, each.late) for each in following.articles] == [("a", False)]
    assert WEEK.issue(at("2025-10-27 08:00"), History((issue, following))) is None


def test_explain_names_the_note_that_excludes_an_article() -> None:
    """So its author knows that it comes later."""
    noted = structs.replace(WEEK, notes={"2025-06-23": _parsed("exclude: [a.md]")})
    article = next(each for each in WEEK.catalogue_at(TICK).articles if each.title == "a")
    why = "the editor's note on 2025-06-23 leaves it to the next issue"
    assert noted.explain(article, at("2025-06-22 13:00"), History()) == (False, why)
    then = (True, "it will be in the issue of 2025-06-30")
    assert noted.explain(article, TICK, History()) == then


def test_an_included_article_is_in_no_other_issue() -> None:
    """It may be older than the first issue; it is not late, and never comes again."""
    issue = _issue(WEEK, "include: [old.md]", "lead: old.md")
    assert layout(issue) == [("Law", ["old", "c"]), ("AI", ["a", "b"])]
    assert not any(placed.late for placed in issue.articles)
    history = History((issue,))
    noted = structs.replace(WEEK, notes={"2025-06-30": _parsed("include: [old.md]")})
    assert noted.issue(at("2025-06-30 08:00"), history) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("lead: nothing.md", "unknown article 'nothing.md'; write its path"),
        ("lead: content/aa.md", "unknown article 'content/aa.md'; did you mean content/a.md?"),
        ("lead: old.md", "content/old.md is not in this issue: it is dated before the first"),
        ("order: [old.md]", "content/old.md is not in this issue"),
        ("exclude: [old.md]", "content/old.md is not in this issue"),
        ("include: [draft.md]", "content/draft.md cannot be in this issue: it is a draft"),
        ("include: [private.md]", "its front matter says digest: false; remove it"),
        ("lead: private.md", "content/private.md cannot be in this issue"),
        ("order: [Sports]", "unknown article 'Sports'"),
    ],
)
def test_an_article_that_the_issue_cannot_have_is_an_error(line: str, message: str) -> None:
    """With the line, the reason and what to do."""
    (problem,) = _problems(WEEK, "subject: s", line)
    assert problem.startswith(f"{PATH}:3: {line.partition(':')[0]}: ")
    assert message in problem


def test_a_list_over_several_lines_has_a_line_for_each() -> None:
    """The line is that of the item, not that of the key."""
    (problem,) = _problems(WEEK, "order:", "  - a.md", "  - gone.md")
    assert problem.startswith(f"{PATH}:4: order: unknown article 'gone.md'")


def test_an_issued_article_cannot_be_included_again() -> None:
    """No article is ever in two issues of a digest, whatever a note says."""
    first = WEEK.issue(at("2025-06-23 08:00"), History())
    assert first
    newer = digest([*WEEK.catalogue_at(TICK).articles, story("new", "2025-06-25 12:00")])
    noted = structs.replace(newer, notes={"2025-06-30": _parsed("include: [a.md]")})
    issue = _made(noted.issue(at("2025-06-30 08:00"), History((first,))))
    assert names(issue) == ["new"]
    (problem,) = noted.note_problems(issue, History((first,)))
    assert "it was in the issue of 2025-06-23" in problem.what


def test_excluded_and_lead_contradict_each_other() -> None:
    """The message says so."""
    (problem,) = _problems(WEEK, "lead: a.md", "exclude: [a.md]")
    assert "content/a.md is not in this issue: this note excludes it" in problem


def test_a_name_that_means_two_articles_is_an_error() -> None:
    """Both paths are named, and the whole path tells them apart."""
    twins = digest([story("x", source="content/1/x.md"), story("y", source="content/2/x.md")])
    (problem,) = _problems(twins, "lead: x.md")
    assert (
        "'x.md' names 2 articles: content/1/x.md, content/2/x.md; write the whole path" in problem
    )
    assert _problems(twins, "lead: content/2/x.md") == []


@pytest.mark.parametrize(
    "name",
    [
        *("a", "a.md", "content/a", "./content/a.md", "/content/a.md", "@/a.md", "posts/a"),
        "https://example.org/posts/a/",
    ],
)
def test_an_article_can_be_named_in_many_ways(name: str) -> None:
    """By its path or the end of it, its slug, URL or id."""
    issue = _issue(WEEK, f"exclude: ['{name}']")
    assert names(issue) == ["b", "c"]


def test_digest_names_in_an_article() -> None:
    """`digest: false` keeps it out of every digest; names, out of others. Former names count."""
    articles = [story("a", digests=None), story("b", digests=()), story("c", digests=("daily",)),
                story("d", digests=("weekly",)), story("e", digests=("letter", "x"))]  # fmt: skip
    weekly = structs.replace(digest(articles), names=("weekly", "letter"))
    assert sorted(names(_made(weekly.issue(TICK, History())))) == ["a", "d", "e"]


@given(
    excluded=st.sets(st.sampled_from("abc"), max_size=2),
    order=st.permutations("abc"),
    included=st.booleans(),
)
def test_a_note_loses_and_repeats_nothing(
    excluded: set[str], order: list[str], included: bool
) -> None:
    """Whatever it excludes and includes, each article is in exactly one of this and the next."""
    wanted = [each for each in order if each not in excluded]
    lines = [f"exclude: [{', '.join(sorted(excluded))}]", f"order: [{', '.join(wanted)}]"]
    first = _issue(WEEK, *lines, *(["include: [old]"] if included else []))
    second = WEEK.issue(at("2025-06-30 08:00"), History((first,)))
    titles = [name for each in (first, second) if each for name in names(each)]
    assert sorted(titles) == sorted([*"abc", *(["old"] if included else [])])


def test_a_note_holds_its_tick() -> None:
    """With `merge`, each tick that has a note has an issue of its own; the others are merged."""
    articles = [story(f"d{day}", f"2025-06-{day:02} 12:00") for day in range(1, 29)]
    daily = digest(articles, "0 8 * * *")
    noted = structs.replace(daily, notes={"2025-06-10": Note("n"), "2025-06-20": Note("n")})
    first = daily.issue(at("2025-06-05 08:00"), History())
    assert first
    issues = noted.due(at("2025-06-29 09:00"), History((first,)))
    assert [issue.key for issue in issues] == ["2025-06-10", "2025-06-20", "2025-06-29"]
    ids = [id_ for issue in (first, *issues) for id_ in issue.ids]
    assert len(ids) == len(set(ids)) == 25


@pytest.mark.parametrize(
    ("key", "todo"),
    [
        ("2025-06-24", "rename it to 2025-06-23.md"),
        ("2025-06-28", "rename it to 2025-06-30.md"),
        ("2025-06-23-0800", "rename it to 2025-06-23.md"),
        ("june", "name it like 2025-06-30.md"),
        ("2025-13-01", "name it like 2025-06-30.md"),
    ],
)
def test_a_note_of_no_issue_is_a_problem(key: str, todo: str) -> None:
    """Its date is mistyped, and the issue that it is meant for must not go without it."""
    (problem,) = structs.replace(WEEK, notes={key: Note("n")}).stray_notes(History())
    assert str(problem) == f"digests/weekly/{key}.md: no issue of weekly has the date {key}; {todo}"


def test_notes_of_the_past_and_of_the_future_are_no_problem() -> None:
    """Those of issues that were made, and of any tick to come."""
    first = WEEK.issue(TICK, History())
    assert first
    notes = {key: Note("n") for key in ("2025-06-23", "2025-06-16", "2025-06-30", "2026-01-05")}
    assert structs.replace(WEEK, notes=notes).stray_notes(History((first,))) == ()


def _introduced(*lines: str, html: str = "") -> Note:
    return with_introduction(
        _parsed(*lines), html, Links(LinkIndex("https://example.org/"), PATH, URL)
    )


def test_a_relative_url_that_leads_nowhere_is_a_problem() -> None:
    """No file lies beside the web version of an issue."""
    note = _introduced("subject: s", "", html=f'<img src="{URL}a%20b.png"><a href="{URL}#x">y</a>')
    assert [each.what for each in note.problems] == ["'a b.png' leads nowhere"]


@pytest.mark.parametrize(
    ("sponsor", "wrong"),
    [
        ("link: 'https://example.com/'", []),
        ("link: /about/, image: /a.png", []),
        ("link: 'mailto:a@example.com'", []),
        ("link: 'javascript:alert(1)'", ["'javascript:alert(1)' leads nowhere"]),
        ("image: 'data:image/png;base64,AAAA'", ["'data:image/png;base64,AAAA' leads nowhere"]),
        ("image: a.png", ["'a.png' leads nowhere"]),
    ],
)
def test_the_urls_of_a_sponsor_are_absolute_and_safe(sponsor: str, wrong: list[str]) -> None:
    """A path from the site's root is on the site; a script or a missing file is an error."""
    note = _introduced(f"sponsor: {{text: T, {sponsor}}}")
    assert [each.what for each in note.problems] == wrong
    if not wrong and note.shows.sponsor:
        urls = [note.shows.sponsor.link, note.shows.sponsor.image]
        assert all(url == "" or ":" in url for url in urls)
