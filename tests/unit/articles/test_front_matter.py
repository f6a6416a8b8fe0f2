"""Front matter in YAML, TOML and JSON, and what python-frontmatter and PyYAML make of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable

import frontmatter
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.articles import NotAnArticle, front_matter
from broadsheet.articles.front_matter import FrontMatter
from broadsheet.errors import ArticleError
from newsroom import TESTS, article

YAML = "---\ntitle: A\ntags: [x, y]\n---\n"
TOML = '+++\ntitle = "A"\ntags = ["x", "y"]\n+++\n'
JSON = '{\n  "title": "A",\n  "tags": ["x", "y"]\n}\n'


def fields(text: str) -> dict[str, object]:
    parts = front_matter.split(text, "a.md")
    assert parts is not None
    return dict(parts[0].fields)


def found(text: str, by: Callable[[str, str], FrontMatter | None]) -> FrontMatter | str | None:
    """The front matter of `text`, None where it has none, or what is wrong with it."""
    try:
        return by(text, "a.md")
    except ArticleError as error:
        return str(error)


def refusal(text: str) -> str:
    with pytest.raises(ArticleError) as refused:
        front_matter.split(text, "a.md")
    return str(refused.value)


@pytest.mark.parametrize("head", [YAML, TOML, JSON])
@pytest.mark.parametrize("above", ["", "\n\n", " \n"])
@pytest.mark.parametrize(
    "body", ["", "Text.", "One.\n\n---\n\nTwo.\n\n+++\n\n{}", "    code\n\nText."]
)
def test_the_three_forms_are_read(head: str, above: str, body: str) -> None:
    """YAML, TOML and JSON give the same fields, and the body keeps its rules and its indents."""
    parts = front_matter.split(f"{above}{head}\n{body}\n", "a.md")
    assert parts is not None
    assert parts[0].fields == {"title": "A", "tags": ["x", "y"]}
    assert parts[1] == body


@pytest.mark.parametrize("form", [YAML, TOML, JSON])
def test_what_is_longer_than_any_field_is_refused_unread(form: str) -> None:
    """A megabyte of fields would take seconds to parse; nobody writes a tenth of that."""
    long = "long " * 60_000
    said = refusal("\n" + form.replace("A", long).replace("\n  ", ""))
    assert said.startswith("a.md:2: the front matter has 300,")
    assert "move the long text into the body" in said
    assert fields(form.replace("A", "long " * 40_000))["tags"] == ["x", "y"]


def test_three_dots_may_end_yaml() -> None:
    """Jekyll takes `...` for the end; a rule in the body is then a rule."""
    parts = front_matter.split("---\ntitle: A\n...\nOne.\n\n---\n\nTwo.", "a.md")
    assert parts is not None
    assert parts[1] == "One.\n\n---\n\nTwo."


@pytest.mark.parametrize(
    "text", ["", "Text.\n", "# Title\n\n---\ntitle: A\n---\n", "{{< x >}}\n", "-- -"]
)
def test_a_text_without_front_matter_has_none(text: str) -> None:
    """What does not begin with front matter is a page, whatever stands further down."""
    assert front_matter.split(text, "a.md") is None


def test_toml_needs_no_package_of_its_own() -> None:
    """python-frontmatter alone gives no metadata and no error for `+++` without `toml`."""
    assert "toml" not in sys.modules
    assert frontmatter.parse(TOML)[0] == {}
    assert fields(TOML)["title"] == "A"


def test_yaml_scalars_stay_what_was_written() -> None:
    """PyYAML makes 2025 a number, yes a truth, 1:30 minutes, 010 eight; here they stay text."""
    text = "---\ntitle: 2025\ntags: yes\ntime: 1:30\nversion: 1.10\nweight: 010\nnone: ~\n---\n"
    assert yaml.safe_load(text.split("---\n")[1])["title"] == 2025
    assert fields(text) == {
        "title": "2025",
        "tags": "yes",
        "time": "1:30",
        "version": "1.10",
        "weight": "010",
        "none": None,
    }


@pytest.mark.parametrize(
    "date",
    ["2026-01-01 08:00:00 +0800", "2026-01-01", "2026-01-01 08:00:00", "2026-01-01T08:00:00Z"],
)
def test_yaml_dates_stay_what_was_written(date: str) -> None:
    """PyYAML gives a text, a date, a naive and an aware datetime for these; here all are text."""
    assert fields(f"---\ndate: {date}\n---\n") == {"date": date}


@pytest.mark.parametrize(
    "value", ["!!int x", "!!bool x", "!!float x", "!!timestamp x", '!!int ""', "!!binary x", "! x"]
)
def test_a_written_out_type_does_not_matter(value: str) -> None:
    """PyYAML raises KeyError, IndexError or AttributeError where such a tag does not fit."""
    assert str(fields(f"---\ntitle: {value}\n---\n")["title"]).strip() in {"x", ""}


@pytest.mark.parametrize(
    "value",
    [
        "!!set {a, b}",
        "!!omap [a: b]",
        "!!python/object:os.system x",
        "!mine x",
        "*nowhere",
        "!!int [a]",
        "!!map [a]",
        "!!seq {a: b}",
        "!!str [a]",
        "!!null {a: b}",
        "{!!str [a]: b}",
    ],
)
def test_a_type_that_no_field_has_is_refused(value: str) -> None:
    """Other types, of Python's above all, are an error with its line, never an object."""
    assert refusal(f"---\ntitle: A\nx: {value}\n---\n").startswith("a.md:3: ")


@pytest.mark.parametrize(
    "name", ["featured_image", "featuredImage", "Featured-Image", "FEATUREDIMAGE"]
)
def test_names_are_one_however_they_are_written(name: str) -> None:
    """snake_case, camelCase and kebab-case of a field are the same field."""
    assert fields(f"---\n{name}: x\n---\n") == {"featuredimage": "x"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: A\n", 1),
        ("\n\n---\ntitle: A\n", 3),
        ("+++\ntitle = 'A'\n", 1),
        ("---\ntitle: A\nsummary: one: two\n---\n", 3),
        ("---\n\n\ntitle: A\nsummary: one: two\n---\n", 5),
        ("\n---\ntitle: A\nsummary: one: two\n---\n", 4),
        ('---\ntitle: "a\\qb"\n---\n', 2),
        ("+++\ntitle = 'A'\nsummary\n+++\n", 3),
        ("\n+++\ntitle = 'A'\nsummary\n+++\n", 4),
        ('{\n"title": "A",\n"summary": }\n', 3),
        ('\n{\n"title": "A",\n"summary": }\n', 4),
    ],
)
def test_a_mistake_is_reported_with_its_line(text: str, line: int) -> None:
    """The line counts from the top of the file, in every form."""
    assert refusal(text).startswith(f"a.md:{line}: the front matter ")


def test_each_field_knows_its_line() -> None:
    """Lines count from the top of the file, also below empty lines and odd line separators."""
    parts = front_matter.split('\n---\ntitle: "a\u2028b"\n\nfeatured_image: x\n---\n', "a.md")
    assert parts is not None
    assert parts[0].lines == {"title": 3, "featuredimage": 5}


def test_control_characters_are_dropped() -> None:
    """YAML, TOML and JSON refuse them, nobody sees them, and real articles have them."""
    for text in (
        "---\ntitle: a\x08b\n---\n",
        "+++\ntitle = 'a\x08b'\n+++\n",
        '{"title": "a\x08b"}',
    ):
        assert fields(text) == {"title": "ab"}


# Each of these hung a process, filled its memory or ended it without a word.
_BOMBS = {
    "yaml [": "'---\\ntitle: ' + '[' * 100_000 + '\\n---\\n'",
    "yaml -": "'---\\ntitle:\\n' + '- ' * 100_000 + '\\n---\\n'",
    "yaml {": "'---\\ntitle: ' + '{a: ' * 100_000 + '\\n---\\n'",
    "yaml [[]]": "'---\\nauthors: ' + '[' * 5_000 + ']' * 5_000 + '\\n---\\n'",
    "toml [": "'+++\\ntitle = ' + '[' * 100_000 + '\\n+++\\n'",
    "toml [[]]": "'+++\\nauthors = ' + '[' * 150 + ']' * 150 + '\\n+++\\n'",
    "json [": "'{\"title\": ' + '[' * 100_000",
    "json [[]]": "'{\"authors\": ' + '[' * 600 + ']' * 600 + '}'",
    "laughs": "laughs('[{0}]', 'authors')",
    "laughs in a date": "laughs('[{0}]', 'date')",
    "laughs in a switch": "laughs('[{0}]', 'published')",
    "laughs in mappings": "laughs('{{a: {0}}}', 'author').replace(', *', ', b: *')",
    "laughs by merging": "laughs('{{<<: [{0}]}}', 'author')",
    "long laughs": "'---\\nx: &a ' + 'ha' * 99_999 + '\\ntags: [' + '*a, ' * 10_000 + ']\\n---\\n'",
    "a list in itself": "'---\\ntitle: A\\nauthors: &a [*a]\\n---\\n'",
}

_SET_OFF = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))  # bytes
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))  # seconds
from newsroom import article
from broadsheet.errors import ArticleError

def laughs(many, field):
    lines = ["a0: &a0 {k: v}" if "<<" in many else "a0: &a0 [ha]"]
    for n in range(1, 12):
        lines.append(f"a{n}: &a{n} " + many.format(", ".join([f"*a{n - 1}"] * 9)))
    return "\\n".join(["---", *lines, f"{field}: *a11", "---", ""])

for name, bomb in BOMBS.items():
    try:
        article(eval(bomb))
    except ArticleError as error:
        assert len(str(error)) < 300, name
        print(name)
"""


def test_no_front_matter_ends_the_process_or_fills_its_memory() -> None:
    """Deep nesting and aliases of aliases are refused at once, in little time and memory."""
    program = f"BOMBS = {_BOMBS!r}\n{textwrap.dedent(_SET_OFF)}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TESTS / "support",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == list(_BOMBS)


def test_aliases_as_people_use_them_are_read() -> None:
    """An anchor, an alias and a merge key mean what they mean."""
    text = "---\nbase: &b {name: Ann, url: u}\nauthor: *b\neditor: {<<: *b, name: Bob}\n---\n"
    assert fields(text)["author"] == {"name": "Ann", "url": "u"}
    assert fields(text)["editor"] == {"name": "Bob", "url": "u"}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_NAMES = st.sampled_from(
    [
        *("title", "date", "lastmod", "draft", "published", "publishDate", "tags", "categories"),
        *("image", "cover", "author", "authors", "summary", "slug", "url", "permalink", "id"),
        *("aliases", "lang", "taxonomies", "expiryDate", "headless", "x"),
    ]
)


@given(
    st.dictionaries(_NAMES, _VALUES, max_size=6),
    st.sampled_from(["{head}\n", "---\n{head}\n---\n"]),
)
def test_any_front_matter_is_an_article_a_page_or_a_mistake(
    given: dict[str, object], form: str
) -> None:
    """Whatever the fields hold, no other exception gets out than those that say what is wrong."""
    text = form.format(head=json.dumps(given))
    try:
        made = article(text)
    except (ArticleError, NotAnArticle):
        return
    assert made.url.startswith(("https://", "http://"))
    assert made.title == " ".join(made.title.split())


@given(
    st.text(max_size=200), st.sampled_from(["---\n{}\n---\n", "+++\n{}\n+++\n", '{{"{}\n', "{}"])
)
def test_any_text_is_front_matter_or_not_or_a_mistake(text: str, form: str) -> None:
    """Whatever a file begins with, it parses, it is a page, or it is an ArticleError."""
    try:
        parts = front_matter.split(form.format(text), "a.md")
    except ArticleError:
        return
    assert parts is None or isinstance(parts[1], str)
