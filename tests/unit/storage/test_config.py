"""Reading broadsheet.toml: defaults, and every error at once."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import ConfigError
from broadsheet.model.publication import Person
from broadsheet.model.settings import ArticleFormat, Settings
from broadsheet.storage import config

SMALLEST = '[publication]\ntitle = "A"\nurl = "https://example.org"\n'


def refusal(text: str) -> list[tuple[int | None, str]]:
    """Return line and text of each problem."""
    with pytest.raises(ConfigError) as refused:
        config.parse(text)
    assert refused.value.exit_code == 2
    return [(p.line, str(p).partition(": ")[2]) for p in refused.value.problems]


@pytest.mark.parametrize("written", ["\\u0000", "\\u001b[31m", "\\u0085", "\\uffff"])
def test_an_invisible_character_is_refused(written: str) -> None:
    """Neither a feed nor a mail can contain it, nor should a terminal; the message names it in
    ASCII."""
    ((line, words),) = refusal(SMALLEST.replace("A", f"A{written}"))
    assert (line, words.isprintable()) == (2, True)
    assert "has an invisible character; remove it" in words
    named = refusal(f'{SMALLEST}[digests."a{written}b"]\ntitle = "A"\n')
    assert all(words.isprintable() for _, words in named)
    assert any("has an invisible character; remove it" in words for _, words in named)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"Unsubscribe" = "Bye {name}"', "'Bye {name}' has other placeholders; write those of"),
        ('"No. {number}" = "{"', "write those of the English text: {number}"),
        ('"No. {number}" = "{number!r}"', "has other placeholders"),
        ('"{count} days" = { one = "a" }', "not the plural forms of a text; write zero, one, two"),
        ('"{count} days" = { other = "a", 1 = "b" }', "not the plural forms of a text"),
    ],
)
def test_own_texts_must_fit(line: str, expected: str) -> None:
    """A text with other placeholders could not be filled in."""
    ((number, words),) = refusal(f"{SMALLEST}[publication.texts.de]\n{line}\n")
    assert number == 5
    assert expected in words


def test_a_config_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    """It is another file; parsing it as TOML would take minutes."""
    file = tmp_path / "broadsheet.toml"
    file.write_text(SMALLEST + "# more\n" * 200_000)
    with pytest.raises(ConfigError, match=r"x: the config has 1,\d{3},\d{3} bytes; check that"):
        config.load(file, "x")


def test_all_but_title_and_url_has_a_default() -> None:
    """The defaults are the documented ones."""
    settings = config.parse(SMALLEST)
    publication, articles, feeds = settings.publication, settings.articles, settings.feeds
    assert publication.url == publication.id_base == "https://example.org/"
    assert publication.feeds_url == "https://example.org/feeds/"
    assert publication.timezone == ZoneInfo("UTC")
    assert publication.author is None
    assert articles.permalink == "/posts/{slug}/"
    assert articles.id is None
    assert "static" in articles.assets
    assert feeds.folder == "feeds"
    assert feeds.formats == ("atom", "rss", "json")
    assert feeds.entries == 20
    assert (feeds.content, feeds.by, feeds.archive, feeds.hub) == ("full", ("topics",), "month", "")
    assert settings.digests == {}
    assert settings.topics.aliases == {}


def test_a_table_of_feeds_with_a_name_of_its_own_is_a_feed() -> None:
    """`[feeds.NAME]` selects articles; what is no table is still an unknown key."""
    feeds = config.parse(
        SMALLEST + '[feeds]\nentries = 5\n[feeds.main]\nlanguages = ["en"]\n'
        '[feeds.data-science]\ntopics = ["Data"]\nformats = ["rss"]\n'
    ).feeds
    assert (feeds.entries, feeds.main.languages) == (5, ("en",))
    assert {name: each.topics for name, each in feeds.named.items()} == {"data-science": ("Data",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[feeds.Data]\n", "3: feeds.Data: this cannot be the name of a folder; write letters"),
        ("[feeds.topics]\n", "3: feeds.topics: the folder 'topics' is for other feeds; give"),
        ("[feeds.data]\ntopic = []\n", "4: feeds.data.topic: unknown key; did you mean 'topics'?"),
        ("[feeds]\nentires = 5\n", "4: feeds.entires: unknown key; did you mean 'entries'?"),
        ("[feeds]\nmain = 5\n", "4: feeds.main: 5 is not a table; write [feeds.main]"),
        ("[feeds]\nNAME = 5\n", "4: feeds.NAME: unknown key"),
    ],
)
def test_a_feed_that_cannot_be_is_told(text: str, message: str) -> None:
    """With the key as it is in the file, and its line."""
    with pytest.raises(ConfigError) as caught:
        config.parse('publication = { title = "A", url = "https://a.example/" }\n\n' + text)
    assert str(caught.value).startswith(f"broadsheet.toml:{message}")


def test_a_digest_needs_only_a_title() -> None:
    """The defaults are the documented ones."""
    digest = config.parse(SMALLEST + '[digests.weekly]\ntitle = "W"\n').digests["weekly"]
    assert digest.schedule == "0 8 * * MON"
    assert digest.topics == digest.topic_order == ()
    assert (digest.group, digest.missed) == ("shared", "merge")
    assert (digest.late_days, digest.max_bytes) == (60, 100_000)


def test_a_typical_config_is_read() -> None:
    """Every key that people write in the first hour has its effect."""
    settings = config.parse(
        """
[publication]
title = "AI 前沿"
url = "https://example.org/"
feeds_url = "https://example.org/feeds"
language = "zh_CN"
timezone = "Asia/Shanghai"
author = { name = "Ann", email = "ann@example.org" }
id_base = "https://old.example/"
[articles]
folders = ["seeds"]
permalink = "/{year}/{slug}/"
assets = ["seeds", "static"]
[feeds]
formats = ["atom"]
entries = 5
by = ["topics", "tags"]
archive = "none"
[topics.aliases]
"AI人才" = ["AI人才争夺", "AI人才战"]
"""
    )
    assert settings.publication.language == "zh-CN"
    assert settings.publication.feeds_url == "https://example.org/feeds/"
    assert settings.publication.author == Person("Ann", "ann@example.org")
    assert settings.publication.id_base == "https://old.example/"
    assert settings.articles.assets == ("seeds", "static")
    assert settings.feeds.by == ("topics", "tags")
    assert settings.topics.aliases == {"AI人才": ("AI人才争夺", "AI人才战")}


def test_all_errors_are_reported_at_once() -> None:
    """Unknown keys, wrong types and bad values, each with its full key and its line."""
    text = """
[publication]
titel = "A"
url = "example.org"
timezone = "Asia/Peking"
author = { nane = "Ann" }

[feeds]
entries = "5"
formats = ["atom", "rdf"]
content = "all"

[digests."a.b"]
title = "W"
missed = "never"

[digests.c]

[extra]
"""
    lines = [
        (2, 'publication.title: is missing; add it, for example title = "The Daily Example"'),
        (3, "publication.titel: unknown key; did you mean 'title'?"),
        (4, "publication.url: invalid URL 'example.org"),
        (5, "publication.timezone: 'Asia/Peking' is not a time zone; write one like Asia/Shanghai"),
        (6, "publication.author.nane: unknown key; did you mean 'name'?"),
        (6, 'publication.author.name: is missing; add it, for example name = "Ann Lee"'),
        (9, "feeds.entries: expected a whole number, not a text; write it without quotes"),
        (10, "feeds.formats: unknown value 'rdf'; write 'atom' or 'json' or 'rss'"),
        (11, "feeds.content: unknown value 'all'; write 'full' or 'summary'"),
        (15, "digests.\"a.b\".missed: unknown value 'never'; write 'merge' or 'each' or"),
        (17, 'digests.c.title: is missing; add it, for example title = "The Weekly"'),
        (19, "extra: unknown key; known keys: publication, "),
    ]
    problems = refusal(text)
    assert [line for line, _ in problems] == [line for line, _ in lines]
    for (_, said), (_, words) in zip(problems, lines, strict=True):
        assert said.startswith(words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('feeds = "x"', "feeds: 'x' is not a table; write [feeds]"),
        ("digests = 3", "digests: 3 is not a table; write [digests]"),
        ("digests.weekly = 3", "digests.weekly: 3 is not a table; write [digests.weekly]"),
        ("feeds.entries = 0", "feeds.entries: it is too small; write 1 or more"),
        (
            'feeds.formats = "atom"',
            "feeds.formats: expected a list, not a text; write",
        ),
        ("feeds.entries = 99999", "feeds.entries: it is too large; write 10000 or less"),
        ('publication.title = ""', "publication.title: it is empty; write a text with"),
        (
            "articles.folders = [3]",
            "articles.folders: expected a text, not a whole",
        ),
        (
            'articles.lowercase = "yes"',
            "articles.lowercase: expected true or false, not",
        ),
        (
            "feeds.entries = true",
            "feeds.entries: expected a whole number, not true",
        ),
        ("articles.folders = []", "articles.folders: it is empty; write a list with"),
        (
            'articles.folders = "x"',
            "articles.folders: expected a list, not a text; write",
        ),
        ('articles.permalink = "/posts/"', "articles.permalink: '/posts/' gives all articles the"),
        (
            'articles.permalink = "/{slag}/"',
            "articles.permalink: unknown token {slag}; known",
        ),
        ('publication.url = "https://e.org/?x"', "publication.url: 'https://e.org/?x' has a query"),
        ("publication.url = 3", "publication.url: 3 is not text; write it in quotes"),
        (
            'publication.language = "Chinese!"',
            "publication.language: 'Chinese!' is not a lan",
        ),
        ('publication.timezone = "../../etc/passwd"', "publication.timezone: "),
        ('publication.timezone = ""', "publication.timezone: "),
        ('mail.accent = "red"', "mail.accent: invalid form; see"),
        ('topics.aliases.x = "y"', "topics.aliases.x: expected a list, not a text; write"),
        (
            'topics.aliases."x y" = 3',
            'topics.aliases."x y": expected a list, not a whole n',
        ),
    ],
)
def test_a_bad_value_says_what_to_write(line: str, words: str) -> None:
    """Each kind of error has its key, its line, and a sentence of its own."""
    needed = ('publication.title = "A"', 'publication.url = "https://e.org"')
    kept = [part for part in needed if part.partition(" ")[0] != line.partition(" ")[0]]
    problems = refusal("\n".join([*kept, line]))
    assert len(problems) == 1
    assert problems[0][0] == len(kept) + 1
    assert problems[0][1].startswith(words)


@pytest.mark.parametrize(
    ("text", "line"),
    [("[a]\nb = \n", 2), ('a = "x\n', 1), ("a = 1\na = 2\n", 2), ("x = " + "[" * 100_000, None)],
)
def test_invalid_toml_is_reported(text: str, line: int | None) -> None:
    """A syntax error has its line; endless nesting does not crash."""
    assert [where for where, _ in refusal(text)] == [line]


def test_the_file_may_be_missing_or_unreadable(tmp_path: Path) -> None:
    """The message names the file as the user does, and what to do."""
    with pytest.raises(ConfigError, match=r"^b\.toml: there is no such file; run `br"):
        config.load(tmp_path / "b.toml", "b.toml")
    (tmp_path / "b.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(ConfigError, match=r"^b\.toml: it is not UTF-8 text; save it as UTF-8"):
        config.load(tmp_path / "b.toml", "b.toml")
    with pytest.raises(ConfigError, match=r"^\.: the config cannot be read"):
        config.load(tmp_path, ".")


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    """Some Windows editors write one."""
    (tmp_path / "b.toml").write_text("\ufeff" + SMALLEST, encoding="utf-8")
    assert config.load(tmp_path / "b.toml", "b.toml") == config.parse(SMALLEST)


_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.dictionaries(
        st.sampled_from(["publication", "articles", "feeds", "digests", "topics", "mail", "x"]),
        _VALUES | st.dictionaries(st.sampled_from(["title", "url", "folders", "formats"]), _VALUES),
    )
)
def test_any_config_is_read_or_refused(tables: dict[str, object]) -> None:
    """Whatever is in the file, nothing but ConfigError is raised."""
    problems: list[config.Problem] = []
    config._struct(Settings, tables, (), problems)  # noqa: SLF001 - TOML text need not be made first
    assert all(str(problem) for problem in problems)


def test_every_format_can_be_chosen() -> None:
    """The values that the message offers are accepted."""
    for name in ArticleFormat.known():
        assert config.parse(SMALLEST + f'[feeds]\nformats = ["{name}"]\n').feeds.formats == (name,)


@pytest.mark.parametrize("name", ["a/b", "..", "CON", "a b", ""])
def test_a_digest_name_must_be_a_folder_name(name: str) -> None:
    """An invalid name is refused, with a valid suggestion."""
    with pytest.raises(ConfigError, match=r"cannot be the name of a folder; write letters"):
        config.parse(
            f'[publication]\ntitle="x"\nurl="https://e.org/"\n[digests."{name}"]\ntitle="x"'
        )


def test_an_empty_hub_is_none() -> None:
    """The config's own example says `hub = ""`; anything else must be a URL."""
    head = '[publication]\ntitle="x"\nurl="https://e.org/"\n[feeds]\n'
    assert config.parse(head + 'hub = ""').feeds.hub == ""
    with pytest.raises(ConfigError, match=r"feeds\.hub"):
        config.parse(head + 'hub = "hub.example.org"')


def test_a_duplicate_table_is_named() -> None:
    """As when keys are added below a table that `init` has already written."""
    text = '[publication]\ntitle = "A"\n[digests.w]\ntitle = "W"\n[digests.w]\ntitle = "V"\n'
    with pytest.raises(ConfigError) as refused:
        config.parse(text)
    assert str(refused.value) == (
        "broadsheet.toml:5: the table [digests.w] occurs twice; move its keys into the first one"
    )
