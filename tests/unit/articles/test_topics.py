"""Topics and tags: spellings, names and addresses."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from broadsheet.articles.topics import Topic, TopicNames, topic_key, topic_slug

RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}

_NAMES = st.text(max_size=40) | st.text(
    "aA-_. ~/#i\u0130\u0131\u017f\u0345\u1fb3e\u0301", max_size=8
)


@pytest.mark.parametrize(
    ("name", "slug_"),
    [
        ("大模型", "大模型"),
        ("AI安全与治理", "ai安全与治理"),
        ("Open Source", "open-source"),
        ("open-source", "open-source"),
        ("Ｏｐｅｎ　Source", "open-source"),
        ("C++", "c++"),
        ("v1.5", "v1.5"),
        ("Straße", "strasse"),
        ("हिन्दी", "हिन्दी"),
        ("ไทย", "ไทย"),
    ],
)
def test_a_slug_reads_like_its_name(name: str, slug_: str) -> None:
    """Letters, digits and marks of any script stay; spaces become hyphens."""
    assert topic_slug(name) == slug_


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("C#", "c~"),
        ("C", "c"),
        (".NET", "net~"),
        ("AI/ML", "ai-ml~"),
        ("a_b", "a-b~"),
        ("a--b", "a-b~"),
        ("~a", "a~"),
        ("🚀", "~"),
        ("", "~"),
        ("..", "~"),
        ("con", "con~"),
        ("Con.Txt", "con-txt~"),
        ("COM¹", "com1~"),
        ("\u0301e", "e~"),
        ("字" * 60, "字" * 37 + "~"),
    ],
)
def test_a_lossy_slug_gets_a_hash(name: str, start: str) -> None:
    """So C# is not C, and no slug is reserved or too long."""
    assert topic_slug(name).startswith(start)
    assert topic_slug(name) == start or len(topic_slug(name)) == len(start) + 8


@given(_NAMES, _NAMES)
@example("a b", "a-b")
@example("C#", topic_slug("C#"))
@example("\u1fb3", "\u03b1\u0345")
@example("e\u0301", "\u00e9")
@example("\u0130", "i\u0307")
@example("AI\u200b", "AI")
def test_slugs_are_equal_exactly_if_keys_are(one: str, other: str) -> None:
    """One topic has one address, and two topics never share one, on any disk."""
    assert (topic_slug(one) == topic_slug(other)) is (topic_key(one) == topic_key(other))
    if topic_slug(one) != topic_slug(other):
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            shapes = [
                unicodedata.normalize(form, topic_slug(name)).casefold() for name in (one, other)
            ]
            assert shapes[0] != shapes[1]


@given(_NAMES)
@example("\u1fb2\u0300")
def test_spellings_of_a_name_have_one_key(name: str) -> None:
    """Case, width, composition and spaces do not make another topic."""
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert topic_key(unicodedata.normalize(form, name)) == topic_key(name)
    assert topic_key(unicodedata.normalize("NFKD", name).casefold()) == topic_key(name)
    assert topic_key(f"  {name}\t") == topic_key(name)
    assert topic_key(topic_key(name)) == topic_key(name)


@given(_NAMES | st.sampled_from(sorted(RESERVED)).map(lambda name: f"{name.upper()}.{'x' * 130}"))
@example("con." + "x" * 118)
def test_every_slug_is_a_folder_name_everywhere(name: str) -> None:
    """It is never empty, `.`, `..`, hidden, reserved, too long, or a path of two parts."""
    made = topic_slug(name)
    assert 1 <= len(made.encode()) <= 120
    assert made[0] not in ".-"
    assert made[-1] not in ".- "
    assert made.partition(".")[0] not in RESERVED
    assert not set(made) & set('/\\<>:"|?*%#& \0')
    assert made.isprintable()
    assert made == unicodedata.normalize("NFC", made)
    assert unicodedata.category(made[0])[0] != "M"


@given(st.lists(_NAMES, max_size=6), _NAMES)
def test_a_later_topic_never_changes_an_earlier_one(names: list[str], later: str) -> None:
    """A published address stays, whatever topics follow."""
    before, after = TopicNames(names), TopicNames([*names, later])
    assert before(names) == after(names)
    assert [topic.slug for topic in TopicNames([later, *names])(names)] == [
        topic.slug for topic in before(names)
    ]


def test_the_oldest_spelling_is_the_name() -> None:
    """All spellings of a topic are listed under the one that was used first."""
    names = TopicNames(["Open Source", "open-source", "OPEN SOURCE"])
    assert names(["OPEN SOURCE", "open-source"]) == (Topic("Open Source", "open-source"),)


def test_aliases_take_precedence() -> None:
    """The config's name replaces all of its aliases, in any case."""
    names = TopicNames(["ai talent war", "AI人才战"], {"AI人才争夺": ["AI Talent War", "AI人才战"]})
    assert names(["AI人才战", "ai talent war"]) == (Topic("AI人才争夺", "ai人才争夺"),)


@given(st.lists(_NAMES, max_size=5))
def test_topics_keep_their_order_without_duplicates(names: list[str]) -> None:
    """An article has each of its topics once, in the order it names them."""
    topics = TopicNames(names)(names)
    assert len({topic.slug for topic in topics}) == len(topics)
    assume(topics)
    assert topics[0].name == names[0]
