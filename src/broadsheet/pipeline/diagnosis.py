"""What `doctor` looks at without the network: what is installed, and what is configured."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final, Literal

from msgspec import Struct

from broadsheet import __version__
from broadsheet.errors import BroadsheetError
from broadsheet.model.settings import DeliverySettings, Settings
from broadsheet.pipeline.location import Location
from broadsheet.pipeline.project import Project, open_project
from broadsheet.registry import REGISTRIES
from broadsheet.storage import outputs
from broadsheet.text.counting import count

State = Literal["ok", "warning", "error", "off"]

_EXTRAS: Final = {
    "delivery": "subscribers, deliver, bounces",
    "publish": "publish to S3 and SFTP",
    "scale": "delivery by many machines",
    "serve": "serve, preview --serve, demo",
}


class Diagnosis(Struct, frozen=True):
    """One thing that was looked at. state: `off` is not in use. todo: what to do; may be ""."""

    area: str
    state: State
    what: str
    todo: str = ""


def diagnose_installation() -> Iterator[Diagnosis]:
    """Yield the versions, the extras and the plugins."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis("installed", "ok", f"Broadsheet {__version__} with Python {python}")
    try:
        wanted = requires("broadsheet") or []
    except PackageNotFoundError:
        yield Diagnosis("installed", "off", "extras: unknown, as no package is installed")
        wanted = []
    for extra, needed in _by_extra(wanted).items():
        missing = [name for name in needed if not _is_installed(name)]
        what = f"extra {extra} ({_EXTRAS.get(extra, '')})"
        if missing:
            todo = f'pip install "broadsheet[{extra}]", if you need it'
            yield Diagnosis("installed", "off", f"{what}: lacks {', '.join(missing)}", todo)
        else:
            yield Diagnosis("installed", "ok", what)
    for registry in REGISTRIES:
        for name, found in sorted(registry.plugins.items()):
            made_by = f" of {found.dist.name} {found.dist.version}" if found.dist else ""
            yield Diagnosis("installed", "ok", f"plugin: {registry.kind} {name}{made_by}")


def diagnose_project(place: Location) -> tuple[Project | None, list[Diagnosis]]:
    """Return the project, None if its config cannot be used, and what is configured in it."""
    try:
        project = open_project(place)
    except BroadsheetError as error:
        return None, [Diagnosis("configured", "error", str(each)) for each in error.problems]
    return project, [*_configured(project)]


def sends_mail(settings: Settings) -> bool:
    """Whether the config says how mail is sent."""
    return settings.delivery != DeliverySettings()


def _configured(project: Project) -> Iterator[Diagnosis]:
    settings = project.settings
    yield Diagnosis("configured", "ok", f"{project.config_name}: {settings.publication.title}")
    for folder in settings.articles.folders:
        exists = (project.root / folder).is_dir()
        todo = "" if exists else "correct articles.folders"
        what = f"articles in {folder}/" if exists else f"the folder {folder}/ does not exist"
        yield Diagnosis("configured", "ok" if exists else "error", what, todo)
    built = len(outputs.read_manifest(project.feeds_folder).files)
    what = f"{settings.feeds.folder}/: {count(built, 'file')}" if built else "no feeds yet"
    yield Diagnosis("configured", "ok" if built else "off", what, "" if built else "build them")
    names = ", ".join(settings.digests)
    what = f"digests: {names}" if names else "no digests"
    yield Diagnosis("configured", "ok" if names else "off", what)
    to = settings.publish.to
    yield Diagnosis("configured", "ok" if to else "off", f"publish.to: {to or 'not set'}")
    yield from _of_mail(settings)


def _of_mail(settings: Settings) -> Iterator[Diagnosis]:
    if not sends_mail(settings):
        yield Diagnosis("configured", "off", "no [delivery]: issues are files, which nothing sends")
        return
    yield Diagnosis("configured", "ok", f"delivery.transport: {settings.delivery.transport}")
    if settings.delivery.service_url is None:
        todo = "set it to the address of `broadsheet serve`, so that readers can unsubscribe"
        yield Diagnosis("configured", "warning", "delivery.service_url is not set", todo)


def _by_extra(wanted: list[str]) -> dict[str, list[str]]:
    """Return the names of the packages of each extra. wanted: as PEP 508 writes them."""
    found: dict[str, list[str]] = {}
    for each in wanted:
        if extra := re.search(r"extra == ['\"]([\w-]+)['\"]", each):
            found.setdefault(extra[1], []).append(re.split(r"[^\w.-]", each)[0])
    return found


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
