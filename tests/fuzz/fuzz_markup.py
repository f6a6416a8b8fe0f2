"""A coverage-guided fuzzer over what makes HTML of Markdown.

    tests/fuzz/run 45

Whatever a body holds, nothing in its HTML runs, loads or leads to a script, it is the same when it
is sanitised once more, and the text that is read after it is read as ever. The library makes the
same of it in its own time. `.ci/run` runs this for a bounded time; an input that breaks it is
printed.
"""

from __future__ import annotations

import sys

import atheris
from lxml import html as lxml_html

with atheris.instrument_imports(include=["broadsheet", "markdown", "pymdownx"]):
    from broadsheet.characters import printable
    from broadsheet.checks.prose import Prose
    from broadsheet.markup import Library, Links, TooDeep, dialect, plain, render
    from broadsheet.markup.sanitise import sanitise

LINKS = Links(Library("https://example.org/"), "content/a.md", "https://example.org/a/")
PLAIN = "Words, `code` and *stress*.\n\n- one\n- two[^1]\n\n[^1]: Note.\n"
AS_EVER = render(PLAIN, LINKS).html
SCHEMES = ("http:", "https:", "mailto:", "tel:", "xmpp:", "magnet:", "geo:", "data:image/")
FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base"}


def make(text: str) -> None:
    """What must hold of any body."""
    try:
        made = render(text, LINKS)
    except TooDeep:
        return
    finally:
        assert render(PLAIN, LINKS).html == AS_EVER, "it changes what is read after it"
    slow, quick = dialect.new_converter(), dialect.quick(dialect.new_converter())
    assert quick.convert(printable(text)) == slow.convert(printable(text))
    assert printable(made.html) == made.html
    assert sanitise(made.html, str) == made.html, "read once more, it is another"
    assert "\n" not in plain(made.html)
    for element in lxml_html.fragment_fromstring(made.html, create_parent="div").iter():
        assert element.tag not in FORBIDDEN, element.tag
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            if name in {"href", "src", "cite", "poster"}:
                assert value.lower().startswith(SCHEMES), value
            if name == "style":
                assert value.startswith("text-align:"), value
    prose = Prose.of(text)
    assert len(prose.text) == len(printable(text))
    assert prose.references is not None
    assert prose.tags is not None


def one(data: bytes) -> None:
    """One input; where it breaks something, it is printed."""
    try:
        make(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    except Exception:
        print(f"\nThis input breaks it: {data!r}", file=sys.stderr)
        raise


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
