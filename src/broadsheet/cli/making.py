"""From a project to the bytes of its outputs: the way through the house, for every command."""

from __future__ import annotations

from broadsheet import feeds, rendering
from broadsheet.cache import Cache
from broadsheet.cli.options import options
from broadsheet.cli.progress import progress
from broadsheet.cli.project import Project


def feed_files(project: Project, *, workers: int | None = None) -> dict[str, bytes]:
    """Every file of the feeds folder; the state folder must exist, which the lock sees to."""
    settings = project.settings
    wanted = feeds.to_render(project.feeds, settings.feeds)
    with Cache(project.state) as cache, progress(len(wanted), options()) as step:
        rendered = rendering.renditions(wanted, project.library, cache, workers=workers, step=step)
    return feeds.outputs(
        project.feeds,
        project.catalogue,
        rendered,
        project.library,
        settings.publication,
        settings.feeds,
    )
