"""The pages for people that lie beside the feeds, and the stylesheet of the feeds themselves."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> bytes:
    """The page that `template`, a file beside this module, makes of `values`; UTF-8."""
    return (_environment().get_template(template).render(values) + "\n").encode()


def stylesheet() -> bytes:
    """The stylesheet of a feed that is opened in a browser."""
    return (files(__package__) / "feed.css").read_bytes()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("broadsheet", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
