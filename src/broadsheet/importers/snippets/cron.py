"""A line for `crontab -e` (crontab(5), where a percent sign needs a backslash)."""

from __future__ import annotations

import shlex

from broadsheet.importers.place import Place, commit, note

POSITION = 1


def snippet(place: Place) -> str:
    """Return the text to install."""
    call = shlex.join(place.call(*place.command))
    steps = f"{call} build --quiet; {call} digest --quiet"
    if place.commit:
        steps += f"; {commit(place)}"
    line = f"*/15 * * * * cd {shlex.quote(place.project)} && {{ {steps}; }}"
    return f"# {note(place)}\n" + line.replace("%", r"\%")
