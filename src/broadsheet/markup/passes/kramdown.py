"""kramdown's own marks: `{: .class}`, `{:toc}`, `{::comment}` (https://kramdown.gettalong.org).

Inline attribute lists have an id, classes and attributes, and names of lists defined elsewhere.
"""

from __future__ import annotations

import re

from broadsheet.markup.passes.attributes import cut
from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, children

_LIST = r"\{:(?P<tokens>[^{}]*)\}"
_TABLE_OF_CONTENTS = re.compile(r"\{:[^{}]*\btoc\b[^{}]*\}")
_LAST_LINE = re.compile(rf"(?:\A|\n)[ \t]*{_LIST}[ \t]*\Z")
_FIRST_LINE = re.compile(rf"\A[ \t]*{_LIST}[ \t]*(?:\n|\Z)")
_ANYWHERE = re.compile(_LIST)
_EXTENSION = re.compile(
    r"\{::(?:comment|options|nomarkdown)[^{}]*/\}|\{::comment\}.*?\{:/(?:comment)?\}"
    r"|\{::nomarkdown\}|\{:/(?:nomarkdown)?\}",
    re.DOTALL,
)
_BLOCKS = "p,li,dd,dt,td,th,h1,h2,h3,h4,h5,h6"
_INLINE = "a,img,code,em,strong,span,del,sup"


def take_kramdown_marks(body: Node, context: Context) -> None:
    """Remove kramdown's marks; set ids and the sizes of images."""
    if "{:" not in context.html:
        return
    for item in body.css("li"):
        if _TABLE_OF_CONTENTS.search(item.text(deep=True)) and item.parent is not None:
            item.parent.decompose()  # the list that the table of contents would replace
    for inline in body.css(_INLINE):
        cut(inline.next, _ANYWHERE, inline)
    for block in body.css(_BLOCKS):
        for text in [each for each in children(block) if each.is_text_node]:
            if cleaned := _EXTENSION.sub("", text.text_content or ""):
                text.replace_with(cleaned)
            else:
                text.decompose()
        cut(block.last_child, _LAST_LINE, block)
        cut(block.first_child, _FIRST_LINE, block)
        if block.tag == "p" and not (block.inner_html or "").strip():
            block.decompose()
