"""Approval, whatever is approved when: in order, nothing twice, nothing lost."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from broadsheet.digests.approval import divide_approved
from broadsheet.digests.notes import Note
from broadsheet.digests.selection import Digest, History
from laws import law
from newsletters import at, digest, names, story

START = at("2025-06-02 08:00")
WEEKS = 8
ARTICLES = [story(f"a{day}", START + timedelta(days=day, hours=4)) for day in range(7 * WEEKS)]
# After the first tick for articles that came after an issue of the last week was released.
CLOSING = START + timedelta(days=7 * WEEKS + 8)


def _weekly(drafts: tuple[str, ...], merged: int, missed: str = "merge") -> Digest:
    """The digest when the first `merged` articles are there."""
    made = digest(ARTICLES[:merged], missed=missed, approval="required")
    return structs.replace(made, drafts=drafts)


@law(25)
@given(
    runs=st.lists(
        st.tuples(
            st.integers(0, 7 * WEEKS), st.integers(0, 7 * WEEKS), st.integers(0, 3), st.booleans()
        ),
        max_size=25,
    ),
    missed=st.sampled_from(["merge", "each"]),
)
def test_each_article_is_released_once(runs: list[tuple[int, int, int, bool]], missed: str) -> None:
    """Runs at any time and state of the articles may approve any draft, or lose all of them."""
    first = _weekly((), 7, missed).issue(START + timedelta(days=7), History())
    assert first
    history, drafts, merged = History((first,)), (), 7
    for day, articles, place, is_kept in [*runs, (7 * WEEKS + 1, 7 * WEEKS, 0, True)]:
        merged = max(merged, articles)
        newsletter = _weekly(drafts if is_kept else (), merged, missed)
        due = newsletter.due(START + timedelta(days=day), history)
        key = due[place].key if place < len(due) else ""
        released, waiting = divide_approved(due, newsletter, (key,))
        assert [each.tick for each in (*released, *(w.issue for w in waiting))] == sorted(
            each.tick for each in due
        )
        assert len(released) == (1 if key and place == 0 else 0)
        history = history.and_then(*released)
        drafts = tuple(each.issue.key for each in waiting)
    while due := _weekly(drafts, len(ARTICLES), missed).due(CLOSING, history):
        history = history.and_then(due[0])
    titles = [name for issue in history.issues for name in names(issue)]
    assert sorted(titles) == sorted(article.title for article in ARTICLES)
    assert len({issue.key for issue in history.issues}) == len(history.issues)


def test_a_draft_keeps_its_tick_until_it_is_released() -> None:
    """With `merge`, later ticks leave it alone; without the draft they would take its articles."""
    first = _weekly((), 7).issue(START + timedelta(days=7), History())
    assert first
    history = History((first,))
    kept = _weekly(("2025-06-16",), 28).due(START + timedelta(days=22), history)
    assert [issue.key for issue in kept] == ["2025-06-16", "2025-06-23"]
    lost = _weekly((), 28).due(START + timedelta(days=22), history)
    assert [issue.key for issue in lost] == ["2025-06-23"]
    assert {id_ for issue in kept for id_ in issue.ids} == lost[0].ids


def test_a_note_approves_only_in_turn() -> None:
    """An approved issue after one that waits, waits too, and says for which."""
    notes = {"2025-06-16": Note("n"), "2025-06-23": Note("n", approved=True)}
    newsletter = structs.replace(_weekly((), 28), notes=notes)
    due = newsletter.due(START + timedelta(days=22), History())
    released, waiting = divide_approved(due, newsletter, ())
    assert (released, [each.behind for each in waiting]) == ((), ["", "2025-06-16"])
    released, waiting = divide_approved(due, newsletter, ("2025-06-16",))
    assert ([issue.key for issue in released], waiting) == (["2025-06-16", "2025-06-23"], ())
