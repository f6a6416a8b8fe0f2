"""The prose of an issue, the introduction and whole articles: for mail clients, and as plain text.

It comes sanitised, with absolute URLs (`markup.render`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from broadsheet.text.plain import one_line

_NAMES: Final = """
    address article aside blockquote caption center dd details div dl dt figcaption figure footer h1
    h2 h3 h4 h5 h6 header hr li main ol p pre section summary table tbody tfoot thead tr ul
"""
_BLOCKS: Final = frozenset(_NAMES.split())
_PLAYED: Final = ("audio", "video")
_INDENT: Final = {"blockquote": "    ", "pre": "    ", "dd": "  "}


def mail_prose(html: str, room: int) -> str:
    """Return `html` for mail clients, which play nothing. room: the greatest width, in pixels.

    Outlook reads only the attributes of an image, so none is wider than `room`, if it is known.
    """
    if "<" not in html:
        return html
    top = _parse(html)
    for image in top.iter("img"):
        _fit(image, room)
    for played in [*top.iter(*_PLAYED)]:
        _replace(played, _link(played))
    for choice in [*top.iter("picture")]:
        _replace(choice, next(iter(choice.iter("img")), None))
    for hidden in top.iter("details"):
        hidden.set("open", "")
    return _write(top)


def prose_text(html: str) -> str:
    """Return `html` as plain text: paragraphs and list items, with the URLs of links."""
    lines: list[str] = []
    for line in _lines(_parse(html), ""):
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip("\n")


def _parse(html: str) -> Any:
    from lxml import html as lxml_html  # here, since commands that make no mail need none of it

    return lxml_html.fragment_fromstring(html, create_parent="div")


def _write(top: Any) -> str:
    from lxml import html as lxml_html

    whole = str(lxml_html.tostring(top, encoding="unicode"))
    return whole.removeprefix("<div>").removesuffix("</div>")


def _fit(image: Any, room: int) -> None:
    for name in ("srcset", "sizes", "loading"):
        image.attrib.pop(name, None)
    width, height = (_pixels(image.get(name)) for name in ("width", "height"))
    if width and width > room:
        image.set("width", str(room))
        if height:
            image.set("height", str(max(1, round(height * room / width))))


def _pixels(value: str | None) -> int | None:
    return int(value) if value and value.isdigit() else None


def _link(played: Any) -> Any:
    """A link in the place of a player."""
    source = played.get("src") or next(iter(played.xpath("./source/@src")), "")
    made = played.makeelement("a", href=source)
    made.text = one_line(played.text_content()) or source
    return made


def _replace(old: Any, new: Any | None) -> None:
    parent, tail = old.getparent(), old.tail
    if new is None:
        new = old.makeelement("span")
    parent.replace(old, new)
    new.tail = tail


def _lines(element: Any, indent: str) -> Iterator[str]:
    """Yield the lines of the content of `element`, with empty ones around each block."""
    words: list[str] = [element.text or ""]
    for number, child in enumerate(element, 1):
        if child.tag in _BLOCKS:
            yield from _paragraph(words, indent)
            yield from _block(child, indent, number)
            words = [child.tail or ""]
        else:
            words += (_inline(child), child.tail or "")
    yield from _paragraph(words, indent)


def _block(element: Any, indent: str, number: int) -> Iterator[str]:
    tag = element.tag
    if tag == "hr":
        yield from ("", f"{indent}* * *", "")
    elif tag == "pre":
        text = element.text_content().strip("\n")
        yield from ("", *(f"{indent}    {line}" for line in text.split("\n")), "")
    elif tag == "tr":
        yield indent + " | ".join(one_line(_inner(cell)) for cell in element)
    elif tag == "li":
        yield from _item(element, indent, number)
    else:
        inner = [*_lines(element, indent + _INDENT.get(tag, ""))]
        yield from inner if tag in {"tbody", "thead", "tfoot"} else ("", *inner, "")


def _item(element: Any, indent: str, number: int) -> Iterator[str]:
    """Yield the lines of a list item; its mark begins the first that has text."""
    is_numbered = element.getparent().tag == "ol"
    mark = f"{number}. " if is_numbered else "- "
    lines = [line for line in _lines(element, indent + " " * len(mark)) if line.strip()]
    for place, line in enumerate(lines):
        yield indent + mark + line[len(indent) + len(mark) :] if place == 0 else line


def _paragraph(words: list[str], indent: str) -> Iterator[str]:
    for line in "".join(words).split("\v"):
        if text := one_line(line):
            yield indent + text


def _inner(element: Any) -> str:
    """The text of an element's content on one line; a vertical tab stands for a line break."""
    parts = [element.text or ""]
    for child in element:
        parts += (_inline(child), child.tail or "")
    return "".join(parts)


def _inline(element: Any) -> str:
    if element.tag == "br":
        return "\v"
    if element.tag == "img":
        return f"[{element.get('alt')}]" if element.get("alt") else ""
    text = _inner(element)
    if element.tag in _BLOCKS:
        return f" {text} "
    url = element.get("href") or (element.get("src") if element.tag in _PLAYED else "") or ""
    if element.tag == "a" and text.startswith("↩"):
        return ""
    if element.tag == "a" and element.getparent().tag == "sup":
        return f"[{text.strip()}]"
    shown = url.removeprefix("mailto:")
    return f"{text} ({shown})" if shown and shown not in {text.strip(), ""} else text
