"""What is generated from the settings: documentation, JSON Schema, starter file."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broadsheet.model import reference
from broadsheet.model.reference import keys
from broadsheet.model.settings import Settings
from broadsheet.storage import config
from broadsheet.text.characters import printable
from laws import law
from newsroom import ROOT, Newsroom

DOCS = ROOT / "docs"
LEAST = {"publication.title": "A", "publication.url": "https://example.org/"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_every_key_is_described() -> None:
    """Every key of the settings has a sentence that says what it is for."""
    for key in keys():
        assert key.description.endswith("."), key
        assert "|" not in key.name
    names = [(*key.table, key.name) for key in keys()]
    assert len(names) == len(set(names)) > 40


def test_the_documentation_has_a_row_for_every_key() -> None:
    """Each key is in a table under its own heading, with its type and default."""
    text = reference.markdown()
    for key in keys():
        section = text.split(f"## [{'.'.join(key.table)}]\n")[1].split("\n## ")[0]
        rows = [row for row in section.splitlines() if row.startswith(f"| `{key.name}` |")]
        assert len(rows) == 1, key
        cells = rows[0].replace("\\|", "").split("|")
        assert len(cells) == 6
        assert cells[2].strip(), f"{key.name} has a type"


@pytest.mark.parametrize("name", ["config.md", "cli.md", "broadsheet.schema.json"])
def test_the_documentation_in_the_checkout_is_up_to_date(newsroom: Newsroom, name: str) -> None:
    """`make docs` has been run after the last change of a setting."""
    what = {"config.md": "config", "cli.md": "commands"}.get(name, "schema")
    assert newsroom.run("reference", what).out == (DOCS / name).read_text(encoding="utf-8")


def test_the_schema_names_every_key_and_refuses_others() -> None:
    """An editor completes each key and marks unknown ones."""
    schema = reference.schema()
    tables = {
        name: definition
        for name, definition in schema["definitions"].items()
        if definition.get("type") == "object"
    }
    known = {name for table in tables.values() for name in table["properties"]}
    assert {key.name for key in keys()} <= known
    named = {"$ref": "#/definitions/NamedFeed"}
    others = {name: table["additionalProperties"] for name, table in tables.items()}
    assert others.pop("FeedSettings") == named
    assert not any(others.values())
    required = schema["definitions"]["Publication"]["required"]
    assert sorted(required) == ["title", "url"]
    assert json.dumps(schema)


def test_the_starter_file_is_a_config_at_its_defaults() -> None:
    """As written it sets only the two required keys."""
    text = reference.starter(LEAST)
    assert config.parse(text) == config.parse(
        '[publication]\ntitle = "A"\nurl = "https://example.org/"\n'
    )
    assert max(map(len, text.splitlines())) <= 140


def test_every_commented_line_of_the_starter_file_is_valid() -> None:
    """Uncommenting any assignment or table gives a valid config."""
    lines = reference.starter(LEAST).splitlines()
    shown = [
        line.removeprefix("# ")
        if line.startswith(("# [digests.weekly]", "# [")) or _assigns(line)
        else line
        for line in lines
    ]
    whole = tomllib.loads("\n".join(line for line in shown if line))
    assert {"publication", "articles", "feeds", "digests", "topics", "mail"} <= set(whole)
    examples = {
        "digests": "weekly",
        "articles": "content/zh",
        "delivery": "gmail.com",
        "feeds": "python",
    }
    named = {
        (*(examples[key.table[0]] if part == "NAME" else part for part in key.table), key.name)
        for key in keys()
    }
    for path in named:
        table = whole
        for part in path:
            assert part in table, path
            table = table[part]


def _assigns(line: str) -> bool:
    """Whether a comment is an assignment rather than a sentence."""
    name, equals, _ = line.removeprefix("# ").partition(" = ")
    return line.startswith("# ") and bool(equals) and name.replace("_", "").isalnum()


@law(30)
@given(title=TEXT, description=TEXT, alias=TEXT, other=TEXT)
def test_any_text_of_a_site_survives_the_starter_file(
    title: str, description: str, alias: str, other: str
) -> None:
    """Text from a generator's config is in the file unchanged, without invisible characters."""
    assume(printable(title))  # there must be one
    values = {
        **LEAST,
        "publication.title": title,
        "publication.description": description,
        "topics.aliases": {alias: [other]},
    }
    settings = config.parse(reference.starter(values))
    assert isinstance(settings, Settings)
    assert settings.publication.title == printable(title)
    assert settings.publication.description == printable(description)
    assert settings.topics.aliases == {printable(alias): (printable(other),)}
