"""The plain text of the mail: written for people who read it so, not scraped from the HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping

from broadsheet.digests.letter import Letter
from broadsheet.digests.templates import TEXT, render
from broadsheet.text.wrapping import wrap

_GAP = re.compile(r"\n{4,}")


def mail_text(letter: Letter, templates: Mapping[str, str]) -> str:
    """email.txt: `letter` laid out by digest.txt.j2, each of its lines wrapped.

    templates: the user's own, name -> text. Raises TemplateError.
    """
    lines = render(TEXT, letter, templates).splitlines()
    wrapped = "\n".join(part for line in lines for part in wrap(line))
    return _GAP.sub("\n\n\n", wrapped).strip("\n") + "\n"
