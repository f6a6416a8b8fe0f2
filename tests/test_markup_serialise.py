"""HTML is written as Python-Markdown writes it, for any tree that its parsers can make."""

from __future__ import annotations

from xml.etree.ElementTree import Comment, Element

from hypothesis import given
from hypothesis import strategies as st
from markdown.serializers import to_html_string

from broadsheet.markup.serialise import to_html

_TEXTS = st.none() | st.text("a&;#9<>\"'\n\u4e2d", max_size=8)
_TAGS = st.sampled_from(["p", "br", "IMG", "script", "Style", "x-y", "input"])
_NAMES = st.sampled_from(["checked", "hidden", "download", "href", "title"])


def _element(tag: str, attributes: dict[str, str], text: str | None, tail: str | None) -> Element:
    made = Element(tag, attributes)
    made.text, made.tail = text, tail
    return made


_LEAVES = st.builds(
    _element, _TAGS, st.dictionaries(_NAMES, _NAMES | _TEXTS, max_size=3), _TEXTS, _TEXTS
)


def _with(parent: Element, children: list[Element]) -> Element:
    parent.extend(children)
    return parent


@given(st.recursive(_LEAVES, lambda inner: st.builds(_with, _LEAVES, st.lists(inner, max_size=3))))
def test_a_tree_is_written_as_the_library_writes_it(tree: Element) -> None:
    """Entities, attributes with and without a value, empty elements and raw text are the same."""
    assert to_html(tree) == to_html_string(tree)


def test_a_deep_tree_is_written_too() -> None:
    """Deeper than Python calls itself: as the library, which does not, writes it."""
    tree = Element("p")
    inner = tree
    for _ in range(5_000):
        inner.append(Element("em"))
        inner = inner[0]
    assert to_html(tree) == to_html_string(tree)


def test_what_is_no_plain_tag_is_left_to_the_library() -> None:
    """A comment among the children stands where it stood, with what follows it."""
    tree = Element("p")
    tree.append(Comment("a"))
    tree[0].tail = "b&c"
    assert to_html(tree) == to_html_string(tree) == "<p><!--a-->b&amp;c</p>"
