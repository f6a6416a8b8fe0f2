"""The pages for people: beside the feeds, of previews and of the service; and the feeds' style."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from broadsheet.pages.policy import of_script


def render_page(template: str, **values: object) -> bytes:
    """The page that `template`, a file beside this module, makes of `values`; UTF-8."""
    return (_environment().get_template(template).render(values) + "\n").encode()


def stylesheet() -> bytes:
    """The stylesheet of a feed that is opened in a browser."""
    return (files(__package__) / "feed.css").read_bytes()


def live_script() -> str:
    """The one script there is: a live preview's, that loads the page again when it changed."""
    return (files(__package__) / "live.js").read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("broadsheet", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["allowed"] = of_script
    return environment
