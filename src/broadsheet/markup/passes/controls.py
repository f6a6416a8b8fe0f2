"""Replace what readers cannot use by a plainer form.

Check boxes, embedded frames, `noscript`, and the obsolete attribute for alignment.
"""

from __future__ import annotations

from broadsheet.markup.passes.context import Context
from broadsheet.markup.tree import Node, element


def replace_controls(body: Node, _: Context) -> None:
    """Turn check boxes into characters, frames into links, alignment into a style; keep the
    content of `noscript`."""
    for cell in body.css("td[align],th[align]"):
        cell.attrs["style"] = f"text-align:{cell.attributes['align']}"
    for box in body.css("input[type=checkbox i]"):
        box.replace_with("☑" if "checked" in box.attributes else "☐")
    for frame in body.css("iframe"):
        _link(frame)
    for fallback in body.css("noscript"):
        fallback.unwrap()


def _is_alone(frame: Node) -> bool:
    """Whether `frame` has no text beside it and no paragraph around it."""
    sides = (frame.prev, frame.next)
    if any(side is not None and (side.text_content or "").strip() for side in sides):
        return False
    return frame.parent is not None and frame.parent.tag in {"body", "div", "figure", "section"}


def _link(frame: Node) -> None:
    """Replace `frame` by a link to what it shows, in a paragraph if it is not in one."""
    address = frame.attributes.get("src")
    if not address:
        frame.decompose()
        return
    link = element(frame, "a", frame.attributes.get("title") or address, href=address)
    if _is_alone(frame):
        paragraph = element(frame, "p")
        paragraph.insert_child(link, move=True)
        link = paragraph
    frame.replace_with(link, move=True)
