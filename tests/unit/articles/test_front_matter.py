"""Front matter in YAML, TOML and JSON, and the traps of python-frontmatter and PyYAML."""

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
    """Return the front matter of `text`, None if it has none, or the error."""
    try:
        return by(text, "a.md")
    except ArticleError as error:
        return str(error)


def refusal(text: str) -> str:
    with pytest.raises(ArticleError) as refused:
        front_matter.split(text, "a.md")
    return str(refused.value)


def test_metadata_between_hyphens_is_no_yaml_for_pelican() -> None:
    """Python-Markdown reads a colon in a title as it is; elsewhere it is an error with its line."""
    text = "---\ntitle: Speed: part 2\ndate: 2025-01-02\n---\nText."
    assert "a.md:2: the front matter cannot be read as YAML" in refusal(text)
    parts = front_matter.split(text, "a.md", is_metadata=True)
    assert parts
    assert (parts[0].fields["title"], parts[1]) == ("Speed: part 2", "Text.")


@pytest.mark.parametrize("value", ["{ { category } }", "[a, { { b }: c }]"])
def test_a_key_that_is_a_mapping_costs_no_article(value: str) -> None:
    """So a formatter writes a template without quotation marks."""
    parts = front_matter.split(f"---\ntitle: T\nkey: {value}\n---\nText.", "a.md")
    assert parts
    assert parts[0].fields["title"] == "T"


@pytest.mark.parametrize("head", [YAML, TOML, JSON])
@pytest.mark.parametrize("above", ["", "\n\n", " \n"])
@pytest.mark.parametrize(
    "body", ["", "Text.", "One.\n\n---\n\nTwo.\n\n+++\n\n{}", "    code\n\nText."]
)
def test_the_three_formats_are_parsed(head: str, above: str, body: str) -> None:
    """YAML, TOML and JSON give the same fields, and the body keeps its rules and indentation."""
    parts = front_matter.split(f"{above}{head}\n{body}\n", "a.md")
    assert parts is not None
    assert parts[0].fields == {"title": "A", "tags": ["x", "y"]}
    assert parts[1] == body


@pytest.mark.parametrize("form", [YAML, TOML, JSON])
def test_huge_front_matter_is_refused_unread(form: str) -> None:
    """A megabyte of fields would take seconds to parse; nobody writes a tenth of that."""
    long = "long " * 60_000
    said = refusal("\n" + form.replace("A", long).replace("\n  ", ""))
    assert said.startswith("a.md:2: the front matter has 300,")
    assert "move the long text into the body" in said
    assert fields(form.replace("A", "long " * 40_000))["tags"] == ["x", "y"]


def test_three_dots_may_end_yaml() -> None:
    """As in Jekyll, `...` ends the front matter; a later rule is part of the body."""
    parts = front_matter.split("---\ntitle: A\n...\nOne.\n\n---\n\nTwo.", "a.md")
    assert parts is not None
    assert parts[1] == "One.\n\n---\n\nTwo."


@pytest.mark.parametrize(
    "text", ["", "Text.\n", "# Title\n\n---\ntitle: A\n---\n", "{{< x >}}\n", "-- -"]
)
def test_a_text_without_front_matter_has_none(text: str) -> None:
    """A file that does not start with front matter is a page, whatever follows."""
    assert front_matter.split(text, "a.md") is None


def test_toml_needs_no_package_of_its_own() -> None:
    """python-frontmatter alone, without `toml`, gives no metadata and no error for `+++`."""
    assert "toml" not in sys.modules
    assert frontmatter.parse(TOML)[0] == {}
    assert fields(TOML)["title"] == "A"


def test_yaml_scalars_stay_text() -> None:
    """PyYAML turns 2025 into a number, yes into a boolean, 1:30 into minutes, 010 into eight; here
    they stay text."""
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
def test_yaml_dates_stay_text(date: str) -> None:
    """PyYAML returns a str, a date, a naive and an aware datetime for these; here all are text."""
    assert fields(f"---\ndate: {date}\n---\n") == {"date": date}


@pytest.mark.parametrize(
    "value", ["!!int x", "!!bool x", "!!float x", "!!timestamp x", '!!int ""', "!!binary x", "! x"]
)
def test_explicit_yaml_tags_are_ignored(value: str) -> None:
    """PyYAML raises KeyError, IndexError or AttributeError if such a tag does not fit."""
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
    """Other types, Python's above all, are an error with a line, never an object."""
    assert refusal(f"---\ntitle: A\nx: {value}\n---\n").startswith("a.md:3: ")


@pytest.mark.parametrize(
    "name", ["featured_image", "featuredImage", "Featured-Image", "FEATUREDIMAGE"]
)
def test_field_names_are_normalised(name: str) -> None:
    """snake_case, camelCase and kebab-case name the same field."""
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
    """The line counts from the top of the file, in every format."""
    assert refusal(text).startswith(f"a.md:{line}: the front matter ")


def test_each_field_knows_its_line() -> None:
    """Lines count from the top of the file, also after blank lines and odd line separators."""
    parts = front_matter.split('\n---\ntitle: "a\u2028b"\n\nfeatured_image: x\n---\n', "a.md")
    assert parts is not None
    assert parts[0].lines == {"title": 3, "featuredimage": 5}


def test_control_characters_are_dropped() -> None:
    """YAML, TOML and JSON refuse them, they are invisible, and real articles contain them."""
    for text in (
        "---\ntitle: a\x08b\n---\n",
        "+++\ntitle = 'a\x08b'\n+++\n",
        '{"title": "a\x08b"}',
    ):
        assert fields(text) == {"title": "ab"}


# Each of these hung a process, filled its memory or crashed it.
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
    "laughs in mappings": "laughs('{{a: [{0}]}}', 'author')",
    "merging": "'---\\nx: &a {' + 'k, ' * 9 + ', '.join(map(str, range(9_999))) + '}\\n'"
    " + 'y: [' + '{<<: *a}, ' * 10_000 + ']\\n---\\n'",
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
    lines = ["a0: &a0 [ha]"]
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


def test_front_matter_bombs_are_refused() -> None:
    """Deep nesting and aliases of aliases are refused at once, with little time and memory."""
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


def test_ordinary_aliases_work() -> None:
    """An anchor, an alias and a merge key have their YAML meaning."""
    text = "---\nbase: &b {name: Ann, url: u}\nauthor: *b\neditor: {<<: *b, name: Bob}\n---\n"
    assert fields(text)["author"] == {"name": "Ann", "url": "u"}
    assert fields(text)["editor"] == {"name": "Bob", "url": "u"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{<<: [*a, *b], z: 4}", {"x": "1", "y": "3", "w": "2", "z": "4"}),
        ("{x: 0, <<: *a}", {"x": "0", "w": "2"}),
        ("[*c, *a]", ["text", {"x": "1", "w": "2"}]),
        ("{{ page }: 1}", {"?": "1"}),
        ("{*c : 1}", {"text": "1"}),
        ("<<", "<<"),
        ("{~: '~', 'null': null}", {None: "~", "null": None}),
    ],
)
def test_merges_aliases_nulls_and_odd_keys_have_their_values(value: str, expected: object) -> None:
    """As in YAML 1.1, except that a key that is a mapping is read as the text "?"."""
    text = f"---\na: &a {{x: 1, w: 2}}\nb: &b {{x: 2, y: 3}}\nc: &c text\nd: {value}\n---\n"
    assert fields(text)["d"] == expected


@pytest.mark.parametrize("value", ["{<<: text}", "{<<: [text]}", "&d [*d]", "x\n--- # more\ny: z"])
def test_yaml_that_means_nothing_is_refused(value: str) -> None:
    """Merging a text, an alias inside its own value, and a second document are errors."""
    assert refusal(f"---\na: {value}\n---\n").startswith("a.md:")


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
def test_any_front_matter_is_an_article_a_page_or_an_error(
    given: dict[str, object], form: str
) -> None:
    """Whatever the fields contain, nothing but the documented errors is raised."""
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
def test_any_text_parses_or_is_an_error(text: str, form: str) -> None:
    """Whatever a file begins with, it parses, it is a page, or it is an ArticleError."""
    try:
        parts = front_matter.split(form.format(text), "a.md")
    except ArticleError:
        return
    assert parts is None or isinstance(parts[1], str)
