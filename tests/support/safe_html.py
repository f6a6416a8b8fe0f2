"""Requirements for HTML that any reader may be given."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import html5lib

from broadsheet.markup import dialect, sanitiser, tree
from broadsheet.markup.passes import Context, run

_TAG = (
    rf"<(?:/(?:{'|'.join(sorted(sanitiser.TAGS))})"
    rf"|(?:{'|'.join(sorted(sanitiser.TAGS))})(?: [a-z]+=\"[^\"<>]*\")*)>"
)
_WRITTEN = re.compile(rf"(?:[^<>&]|&[a-z]+;|{_TAG})*")
"""HTML in which every parser finds these tags and no others: none has raw text, and none is of SVG
or MathML, so no tag changes how what follows is read (HTML Standard, 13.2.5)."""
ADDRESSES = {"href", "src", "poster", "cite"}
ALLOWED = (*(f"{scheme}:" for scheme in sanitiser.SCHEMES), "data:image/")

COMMONMARK = dialect("commonmark")


def sanitise(html: str, resolve: Callable[[str], str]) -> str:
    """Return `html` after everything that is done to an engine's output."""
    top = tree.parse(sanitiser.bounded(html))
    run(top, Context(COMMONMARK, "en", html, tree.tag_names(top), positions=True))
    return sanitiser.sanitised(top, resolve)


def parsed(html: str) -> object:
    """Return the tree of `html`; raises if it is not well-formed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return html5lib.HTMLParser(
            html5lib.treebuilders.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False
        ).parseFragment(html)


def assert_harmless(html: str) -> None:
    """Only allowed tags, attributes and URL schemes are left."""
    assert _WRITTEN.fullmatch(html), html
    tree = parsed(html)
    for element in tree.iter():  # type: ignore[attr-defined]
        assert element.tag not in {"script", "style", "svg", "math", "iframe", "form", "object"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in {"id", "name", "target", "ping", "formaction", "action", "srcdoc"}
            assert name != "style" or re.fullmatch(r"text-align:\w+", value)
            assert name not in ADDRESSES or value.startswith(ALLOWED), value
            assert name != "srcset" or all(
                candidate.startswith(("http:", "https:")) for candidate in value.split(", ")
            )
