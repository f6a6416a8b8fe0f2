"""A tree of elements as HTML, written as Python-Markdown writes it.

The library asks of each element whether it is a comment, has a namespace, and what of HTML's
exceptions its tag is. What is no plain tag is still the library's; of a tag all is asked once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element

from markdown import serializers

_LIBRARY: Any = serializers  # its types do not tell of these
_escape_text: Callable[[str], str] = _LIBRARY._escape_cdata  # noqa: SLF001 - there is no other name
_escape_value: Callable[[str], str] = _LIBRARY._escape_attrib_html  # noqa: SLF001
_BOOLEAN: frozenset[str] = _LIBRARY.BOOLEAN_ATTRIBUTES["html"]
_EMPTY: frozenset[str] = _LIBRARY.HTML_EMPTY
_NOT_ESCAPED = {"script", "style"}


def to_html(tree: Element) -> str:
    """`tree` and all in it as HTML."""
    written: list[str] = []
    try:
        _write(tree, written.append)
    except RecursionError:  # the library's way is as long, but no deeper
        return serializers.to_html_string(tree)
    return "".join(written)


def _write(element: Element, write: Callable[[str], None]) -> None:
    if not isinstance(element.tag, str):
        write(serializers.to_html_string(element))
        return
    start, end, escape = _shape(element.tag)
    write(start)
    if items := element.items():
        for name, value in sorted(items):
            write(_attribute(name, value))
    write(">")
    if text := element.text:
        write(escape(text))
    for child in element:
        _write(child, write)
    write(end)
    if tail := element.tail:
        write(_escape_text(tail))


@lru_cache(256)  # an article may make up tags
def _shape(tag: str) -> tuple[str, str, Callable[[str], str]]:
    """What an element begins and ends with, and how its text is written."""
    lower = tag.lower()
    end = "" if lower in _EMPTY else f"</{tag}>"
    return f"<{tag}", end, str if lower in _NOT_ESCAPED else _escape_text


def _attribute(name: str, value: str | None) -> str:
    if value is None:
        return f" {name}"
    written = _escape_value(value)
    return f" {name}" if name == written and name in _BOOLEAN else f' {name}="{written}"'
