"""A coverage-guided fuzzer of the code that turns Markdown into HTML.

    tests/fuzz/run 45

Whatever a body contains, nothing in its HTML runs, loads or links to a script, sanitising it again
changes nothing, and the next text is not affected, with either engine. `.ci/run` runs this for a
limited time; an input that fails is printed.
"""

from __future__ import annotations

import sys

import atheris
from lxml import html as lxml_html

with atheris.instrument_imports(include=["broadsheet", "markdown", "pymdownx"]):
    from broadsheet.checks.prose import Prose
    from broadsheet.markup import LinkIndex, Links, TooComplex, dialect, render
    from broadsheet.markup.sanitiser import sanitised
    from broadsheet.markup.tree import parse
    from broadsheet.text.characters import printable
    from broadsheet.text.plain import plain

LINKS = Links(LinkIndex("https://example.org/"), "content/a.md", "https://example.org/a/")
PLAIN = "Words, `code` and *stress*.\n\n- one\n- two[^1]\n\n[^1]: Note.\n"
DIALECTS = [dialect(name) for name in ("jekyll", "obsidian", "python-markdown")]
AS_EVER = [render(PLAIN, LINKS, each).html for each in DIALECTS]
SCHEMES = ("http:", "https:", "mailto:", "tel:", "xmpp:", "magnet:", "geo:", "data:image/")
FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base"}


def make(text: str) -> None:
    """Check what must hold for any body."""
    for each, as_ever in zip(DIALECTS, AS_EVER, strict=True):
        try:
            made = render(text, LINKS, each)
        except TooComplex:
            continue
        finally:
            assert render(PLAIN, LINKS, each).html == as_ever, "it changes what is read after it"
        check(made.html)
    prose = Prose.of(text)
    assert len(prose.text) == len(printable(text))
    assert prose.links is not None
    assert prose.tags is not None


def check(html: str) -> None:
    """Check what must hold for the HTML that readers get."""
    assert printable(html) == html
    assert sanitised(parse(html), str) == html, "read once more, it is another"
    assert "\n" not in plain(html)
    for element in lxml_html.fragment_fromstring(html, create_parent="div").iter():
        assert element.tag not in FORBIDDEN, element.tag
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            if name in {"href", "src", "cite", "poster"}:
                assert value.lower().startswith(SCHEMES), value
            if name == "style":
                assert value.startswith("text-align:"), value


def one(data: bytes) -> None:
    """Run one input; if it fails, print it."""
    try:
        make(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    except Exception:
        print(f"\nThis input breaks it: {data!r}", file=sys.stderr)
        raise


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
