"""A coverage-guided fuzzer of the code that reads articles: front matter, dates, addresses.

    tests/fuzz/run 45

Whatever a file contains, the result is an article, a page or a clear error. `.ci/run` runs this for
a limited time; an input that fails is printed.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["broadsheet", "frontmatter", "yaml", "dateutil"]):
    from broadsheet.articles import NotAnArticle, Source
    from broadsheet.articles.parsing import parse
    from broadsheet.articles.topics import topic_slug
    from broadsheet.checks.prose import Prose, field_line
    from broadsheet.errors import ArticleError
    from broadsheet.model.publication import BaseUrl, Publication
    from broadsheet.model.settings import ArticleSettings

SITE = "https://example.org/"
PUBLICATION = Publication(title="A", url=BaseUrl(SITE))
SETTINGS = ArticleSettings()


def read(text: str) -> None:
    """Check what must hold for any text."""
    try:
        article = parse(Source("content/a.md", "content", text, ""), PUBLICATION, SETTINGS)
    except NotAnArticle:
        return
    except ArticleError as error:
        for problem in error.problems:
            assert problem.path == "content/a.md"
            assert problem.what
            assert problem.line is None or 1 <= problem.line <= text.count("\n") + 2
        return
    assert article.title
    assert article.date.tzinfo is not None
    assert article.updated >= article.date
    assert article.url.startswith(("http://", "https://"))
    assert article.url.isascii()
    for words in (article.title, article.summary, *article.topics, *article.tags):
        assert words == " ".join(words.split())
        words.encode()
    for topic in article.topics:
        assert topic_slug(topic) not in {"", ".", ".."}
        assert "/" not in topic_slug(topic)
    prose = Prose.of(text)
    assert prose.links is not None
    assert prose.footnotes is not None
    assert (field_line(text, "title") or 1) <= text.count("\n") + 1


def one(data: bytes) -> None:
    """Run one input; if it fails, print it."""
    try:
        read(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    except Exception:
        print(f"\nThis input breaks it: {data!r}", file=sys.stderr)
        raise


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
