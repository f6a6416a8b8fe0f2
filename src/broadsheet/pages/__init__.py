"""Templates and styles of the pages for people: of feeds, previews and the web service."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from broadsheet.pages.policy import of_script

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, **values: object) -> bytes:
    """Return a page in UTF-8. template: a file beside this module."""
    return (_environment().get_template(template).render(values) + "\n").encode()


@cache
def stylesheet() -> bytes:
    """Return the stylesheet of a feed in a browser."""
    return (files(__package__) / "feed.css").read_bytes()


@cache
def script(name: Literal["live", "copy", "feed"]) -> str:
    """Return a script: `live` reloads a preview after a change, `copy` copies an address,
    `feed` links the titles of a feed in a browser."""
    return (files(__package__) / f"{name}.js").read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    # Takes 50 ms to import, and a build after an edit renders no page.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("broadsheet", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["allowed"] = of_script
    return environment
