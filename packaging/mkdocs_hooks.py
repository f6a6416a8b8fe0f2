"""Makes the pages of docs/, which are read in the repository too, fit for the site."""

from __future__ import annotations

import re
from typing import Any

_SOURCE = "https://broadsheet.example/source/blob/main/"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Link to the repository for what is outside docs/, or is a folder in it."""
    depth = page.file.src_uri.count("/")
    outside = "../" * (depth + 1)
    text = re.sub(rf"\]\({re.escape(outside)}(?!\.)([^)]+)\)", rf"]({_SOURCE}\1)", markdown)
    folders = r"\]\((?![a-z]+:)((?:\.\./)*(?:examples/[\w/]+|decisions/?))\)"
    return re.sub(folders, lambda found: f"]({_SOURCE}docs/{found[1].lstrip('./')})", text)
