"""The web version of an issue (index.html): a page like any other, for "view in browser"."""

from __future__ import annotations

from collections.abc import Mapping

from broadsheet.digests.letter import Letter
from broadsheet.digests.templates import WEB, render


def web_html(letter: Letter, templates: Mapping[str, str]) -> str:
    """index.html: the whole of `letter`, laid out by web.html.j2; it loads nothing but images.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    return render(WEB, letter, templates).strip() + "\n"
