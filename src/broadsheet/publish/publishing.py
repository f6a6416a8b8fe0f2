"""Publishes the feeds folder: copies what changed, then calls the hooks of the announcements."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from broadsheet.errors import (
    BroadsheetError,
    ConfigError,
    ConflictError,
    Problem,
    PublishError,
    UsageError,
)
from broadsheet.pipeline.project import Project
from broadsheet.publish.announcements import Announcement, Published, hooks
from broadsheet.publish.announcements._ledger import AnnouncementLedger
from broadsheet.publish.copying import CopyOptions, CopyPlan, copy, plan_copy
from broadsheet.publish.destinations import DestinationPlace, destination_at
from broadsheet.publish.outgoing import OutgoingFile, outgoing_files, read
from broadsheet.storage import outputs
from broadsheet.text.toml import key_line

_ATTEMPTS: Final = 3  # if other runs publish to the same destination
_MESSAGE: Final = "Publish feeds and digests"
_KEY: Final = "publish.to"
_TODO: Final = "check publish.to, and that you may write there (docs/publishing.md)"
_LONGEST: Final = 500  # characters of a server's words


def publish(
    project: Project,
    options: CopyOptions,
    environment: Mapping[str, str],
    say: Callable[[str], object],
    *,
    dry_run: bool = False,
) -> tuple[Published, list[Announcement]]:
    """Publish the feeds folder of `project`; return what was published and announced.

    environment: with the secrets. say: shows a line of progress. The next run continues where a
    failed one has ended.

    Raises ConfigError, UsageError if a library is missing, PublishError, and ConflictError if
    another run publishes to the same destination.
    """
    with outputs.lock(project.state / "publish", project.config_name):
        with _in_words(project):
            files, plan = _copied(project, options, environment, dry_run=dry_run)
        published = Published(
            root=project.root,
            settings=project.settings,
            now=project.now,
            files={file.path: file.digest for file in files},
            feeds=[file.path for file in files if file.is_feed],
            written=[file.path for file in plan.changed],
            removed=plan.removed,
            read=partial(read, project),
            ledger=AnnouncementLedger(project.root),
            environment=environment,
            say=say,
            dry_run=dry_run,
        )
        return published, [each for hook in hooks() for each in hook(published)]


def _copied(
    project: Project, options: CopyOptions, environment: Mapping[str, str], *, dry_run: bool
) -> tuple[list[OutgoingFile], CopyPlan]:
    """Copy what has changed; return all files, and what was done."""
    to = project.settings.publish.to
    if to is None:
        todo = 'add it, for example to = "../public/feeds"'
        raise ConfigError(Problem("is missing", todo, key=_KEY))
    feeds = project.feeds_folder.resolve()
    if not to.scheme and (project.root / to).resolve().is_relative_to(feeds):
        todo = "write the folder that the web server serves"
        raise ConfigError(Problem("this is in the feeds folder itself", todo, key=_KEY))
    place = DestinationPlace(to, project.root, project.state, project.now, environment)
    options = replace(options, feeds_end_at_once=not project.settings.feeds.keep_retired_days)
    with project.locked():
        files = outgoing_files(project)
        retired = outputs.read_manifest(project.feeds_folder).retired
        for attempt in range(1, _ATTEMPTS + 1):
            destination = destination_at(place)
            plan = plan_copy(files, retired, destination, options)
            try:
                if not dry_run:
                    copy(plan, destination, partial(read, project), _MESSAGE)
                break
            except ConflictError:
                if attempt == _ATTEMPTS:
                    raise
    return files, plan


@contextmanager
def _in_words(project: Project) -> Iterator[None]:
    """Complete the place of every problem, and put errors of libraries into the server's words."""
    shown = str(project.settings.publish.to or "")
    try:
        yield
    except ModuleNotFoundError as error:
        what = f"{shown} needs {error.name}, which is not installed"
        todo = 'install Broadsheet with it: pip install "broadsheet[publish]"'
        raise UsageError(Problem(what, todo)) from error
    except ImportError as error:  # from fsspec, which names the package to install
        raise UsageError(Problem(str(error), "then run again", shown)) from error
    except ConfigError as error:
        text = project.config.decode("utf-8", "replace")
        line = key_line(text, tuple(_KEY.split(".")))
        placed = (replace(each, path=project.config_name, line=line) for each in error.problems)
        raise ConfigError(*placed) from error
    except BroadsheetError as error:
        raise type(error)(*(replace(p, path=p.path or shown) for p in error.problems)) from error
    except (LookupError, TypeError, AttributeError, AssertionError):  # a bug
        raise
    except Exception as error:
        raise PublishError(Problem(_words(error), _TODO, shown)) from error


def _words(error: Exception) -> str:
    """Return what the server or the system says, on one line."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    words = re.sub(r"^\[Errno -?\d+\] ", "", " ".join(str(error).split()))
    return words[:_LONGEST] or f"it failed without saying why ({type(error).__name__})"
