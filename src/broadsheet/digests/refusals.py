"""Issues that need a correction or permission, because mail cannot be recalled.

- An issue whose editor's note is wrong.
- An issue most of which is late: after a change of addresses that `identity` could not follow,
  articles that readers have look late.
- The first issue of a digest that looks like one that was removed from the config: it was probably
  renamed, and would start again with articles that readers have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from broadsheet.digests.issue import Issue
from broadsheet.digests.selection import Digest, History
from broadsheet.errors import Problem

_FEWEST_LATE = 2  # one article that was merged late is normal


def admitted(
    issues: Iterable[Issue],
    digest: Digest,
    history: History,
    former: Callable[[], Mapping[str, History]],
    *,
    late: bool = False,
    new: bool = False,
) -> tuple[tuple[Issue, ...], tuple[Problem, ...]]:
    """Return the issues, oldest first, that may be made, and why the next one may not.

    former: returns the histories of the digests that were removed from the config, by name; called
    only for a first issue. late, new: whether late issues and new digests are allowed.
    """
    if problems := digest.stray_notes(history):
        return (), problems
    coming = tuple(issues)
    if digest.settings.schedule.is_per_article and not late:
        after = [issue for issue in coming if issue.articles[0].late]
        if len(after) >= _FEWEST_LATE and 2 * len(after) > len(coming):
            return (), (_many_late(after, coming),)
    made: list[Issue] = []
    for issue in coming:
        if problems := digest.note_problems(issue, history):
            return tuple(made), problems
        problem = None if late else _mostly_late(issue)
        if not (problem or new or history.issues):
            problem = _renamed(issue, digest, former())
        if problem:
            return tuple(made), (problem,)
        made.append(issue)
        history = history.and_then(issue)
    return tuple(made), ()


def _mostly_late(issue: Issue) -> Problem | None:
    late = sum(placed.late for placed in issue.articles)
    total = len(issue.articles)
    if late < _FEWEST_LATE or 2 * late <= total:
        return None
    return Problem(
        f"{_refusing(issue)}: {late} of its {total} articles are late, dated before "
        f"{issue.since:%Y-%m-%d %H:%M}, and may have been mailed under other addresses",
        "check it with `broadsheet preview`, then run "
        f"`broadsheet digest {issue.digest} --allow-late`",
    )


def _many_late(late: Sequence[Issue], coming: Sequence[Issue]) -> Problem:
    name = late[0].digest
    return Problem(
        f"refusing to make the {len(coming)} issues of {name} that are due: {len(late)} of their "
        "articles appeared before its last issue, and may have been mailed under other addresses",
        f"check them with `broadsheet preview`, then run `broadsheet digest {name} --allow-late`",
    )


def _renamed(issue: Issue, digest: Digest, former: Mapping[str, History]) -> Problem | None:
    """Why the first issue of `digest` is not made."""
    if (
        names := digest.settings.renamed_from
    ):  # with a record of these, it would not be the first issue
        named = " or ".join(f"digests/{name}/" for name in names)
        return Problem(
            f"{_refusing(issue)}: renamed_from has {', '.join(names)}, but the feeds folder has no "
            f"issue in {named}",
            "correct the name, or restore the folder from Git or a backup; "
            f"to start again, run `broadsheet digest {issue.digest} --allow-new`",
        )
    for name, history in former.items():
        if why := _likeness(issue, digest, history):
            return Problem(
                f"{_refusing(issue)}, its first: [digests.{name}] was removed from the config and "
                f"{why}; readers may have its articles",
                f'if it was renamed, write renamed_from = ["{name}"] in [digests.{issue.digest}]; '
                f"if it is a new digest, run `broadsheet digest {issue.digest} --allow-new`",
            )
    return None


def _likeness(issue: Issue, digest: Digest, former: History) -> str:
    """What a digest has in common with a removed one; "" if nothing."""
    if former.last is None:
        return ""
    old, new = former.last.profile, digest.profile
    if old.title == new.title:
        return "had the same title"
    if replace(old, title=new.title) == new:
        return "had the same schedule and selection"
    if shared := digest.issued(issue, former):
        return f"issued {shared} of its {len(issue.ids)} articles"
    return ""


def _refusing(issue: Issue) -> str:
    return f"refusing to make {issue.digest}/{issue.key}"
