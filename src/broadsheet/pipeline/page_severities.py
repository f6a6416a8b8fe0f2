"""The step that reads what a page says about the rules of `check`; imported when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from broadsheet.articles import front_matter, visibility
from broadsheet.checks.own import severities
from broadsheet.errors import ArticleError
from broadsheet.pipeline.memo import StepContext
from broadsheet.pipeline.reading import StampedFile
from broadsheet.storage import sources


def read_severities(
    file: StampedFile, public: Mapping[str, tuple[str, ...]], context: StepContext
) -> Mapping[str, str]:
    """Return the severities that a page sets for itself, by rule (a step). A draft needs no date.

    public: `articles.public`.
    """
    with suppress(ArticleError, ValueError):
        text = sources.read(context.root, file.path, "").text
        own = severities(text)
        parts = None if "no-date" in own else front_matter.split(text, file.path)
        is_draft = parts and visibility.stated_visibility(parts[0].given, public).field
        return {**own, "no-date": "off"} if is_draft else own
    return {}
