"""The step that lays out a mail; imported when it runs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final

from broadsheet.digests.issue import RenderedIssue
from broadsheet.digests.rendered import render_issue
from broadsheet.pipeline.issues import IssueLayout, LayoutSettings
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.time_limit import time_limit

TIME_LIMIT_S: Final = 15.0  # of CPU; a mail of 2,000 articles takes about 5


def lay_out(item: IssueLayout, given: LayoutSettings, _: StepContext) -> RenderedIssue:
    """Return the files of an issue (a step). Raises the errors of `render_issue`."""
    with time_limit(TIME_LIMIT_S) if given.templates else nullcontext():
        return render_issue(item.issue, item.entries, given.settings, given.templates)
