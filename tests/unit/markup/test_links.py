"""URLs: absolute, encoded once, and resolved to the intended target."""

from __future__ import annotations

import pickle
import time
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.markup import Asset, LinkIndex, Links, dialect, render
from broadsheet.text import urls
from broadsheet.text.urls import encode

ARTICLE = "https://example.org/posts/a/"
LINK_INDEX = LinkIndex(
    "https://example.org/",
    pages={
        "posts/b.md": "https://example.org/b/",
        "posts/bundle/index.md": "https://example.org/bundle/",
        "posts/sub/twin.md": "https://example.org/twin-1/",
        "notes/twin.md": "https://example.org/twin-2/",
        "_posts/2020-01-02-new-year.md": "https://example.org/new-year/",
    },
    beside={"posts/my cat.png": Asset("posts/my cat.png", "https://example.org/my%20cat.png", 3)},
    rooted={"img/logo.png": Asset("static/img/logo.png", "https://example.org/img/logo.png", 4)},
)
LINKS = Links(LINK_INDEX, "posts/a.md", ARTICLE)


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("", ARTICLE),
        ("#part", ARTICLE + "#part"),
        ("?page=2", ARTICLE + "?page=2"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("../../up", "https://example.org/up"),
        ("/rooted", "https://example.org/rooted"),
        ("two words", ARTICLE + "two%20words"),
        ("two%20words", ARTICLE + "two%20words"),
        ("images/default (19).png", ARTICLE + "images/default%20(19).png"),
        ("100%", ARTICLE + "100%25"),
        ("中文", ARTICLE + "%E4%B8%AD%E6%96%87"),
        ("x?a=1&b=2#c", ARTICLE + "x?a=1&b=2#c"),
        (" spaced ", ARTICLE + "spaced"),
        ("{filename}b.md", "https://example.org/b/"),
        ("|filename|/posts/b.md#c", "https://example.org/b/#c"),
        ("%7Bfilename%7D./b.md", "https://example.org/b/"),
        ("{static}/img/logo.png", "https://example.org/img/logo.png"),
        ("{attach}my cat.png", "https://example.org/my%20cat.png"),
        ("{tag}x", ARTICLE + "%7Btag%7Dx"),
        ("bro\nken", ARTICLE + "broken"),
        ("images\\cat.png", ARTICLE + "images/cat.png"),
        ("mailto:a b@example.org", "mailto:a%20b@example.org"),
        ("tel:+1 555", "tel:+1%20555"),
        ("HTTPS://example.org/A", "https://example.org/A"),
        (
            "http://例子.中国:80/路?问=答",
            "http://xn--fsqu00a.xn--fiqs8s:80/%E8%B7%AF?%E9%97%AE=%E7%AD%94",
        ),
        ("https://me:pw@example.org:8080/", "https://me:pw@example.org:8080/"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://[broken", "http://%5Bbroken"),
        ("//[", "https://%5B"),
    ],
)
def test_every_address_is_absolute_and_encoded_once(reference: str, address: str) -> None:
    """Whatever an author writes becomes the URL that a browser would request."""
    assert LINKS.resolve(reference) == address
    assert LINKS.resolve(address) == address


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("b.md", "https://example.org/b/"),
        ("./b.md#part", "https://example.org/b/#part"),
        ("../posts/b.md", "https://example.org/b/"),
        ("/posts/b.md", "https://example.org/b/"),
        ("bundle/index.md", "https://example.org/bundle/"),
        ("@/posts/b.md#part", "https://example.org/b/#part"),
        ("@/bundle", "https://example.org/bundle/"),
        ("@/sub/twin.md", "https://example.org/twin-1/"),
        ("@/twin.md", "https://example.org/twin.md"),
        ("missing.md", ARTICLE + "missing.md"),
        ("@/missing.md", "https://example.org/missing.md"),
        ("my cat.png", "https://example.org/my%20cat.png"),
        ("my%20cat.png?v=2", "https://example.org/my%20cat.png?v=2"),
        ("/img/logo.png", "https://example.org/img/logo.png"),
    ],
)
def test_a_reference_to_a_file_leads_to_where_it_is_served(reference: str, address: str) -> None:
    """Articles and images are found by their files; with two candidates, or none, nothing is
    guessed."""
    assert LINKS.resolve(reference) == address


@pytest.mark.parametrize(
    ("markdown", "address"),
    [
        ('[t]({{< ref "b.md#part" >}})', "https://example.org/b/#part"),
        ('[t]({{% relref "/posts/b" %}})', "https://example.org/b/"),
        ("[t]({% post_url 2020-01-02-new-year %})", "https://example.org/new-year/"),
        ("[t]({% link _posts/2020-01-02-new-year.md %})", "https://example.org/new-year/"),
        ("[t]({{ site.baseurl }}/about/)", "https://example.org/about/"),
        ("[t]({{ site.url }}{{ site.baseurl }}/about/)", "https://example.org/about/"),
        ("[t]({{ '/about/' | relative_url }})", "https://example.org/about/"),
        ("[t](@/posts/b.md)", "https://example.org/b/"),
        ("[t](b.md?a=1&amp;b=2)", "https://example.org/b/"),
        ('<a href="x?a=1&amp;b=2">t</a>', ARTICLE + "x?a=1&amp;b=2"),
    ],
)
def test_each_generator_s_way_to_link_is_understood(markdown: str, address: str) -> None:
    """Hugo's ref, Jekyll's post_url and link, Zola's @/ resolve to the article they name."""
    assert f'href="{address}"' in render(markdown, LINKS, dialect("commonmark")).html


def test_a_link_index_can_be_handed_to_another_process() -> None:
    """It survives pickling, before and after a lookup, and finds the same."""
    for link_index in (LINK_INDEX, LinkIndex(LINK_INDEX.site, LINK_INDEX.pages)):
        again = pickle.loads(pickle.dumps(link_index))
        assert again == link_index
        assert again.page("bundle/index.md") == "https://example.org/bundle/"


@pytest.mark.measuring
def test_finding_a_page_does_not_take_longer_among_many() -> None:
    """Ten thousand links among ten thousand articles are found by an index."""
    pages = {f"posts/{n}/index.md": f"https://example.org/{n}/" for n in range(10_000)}
    links = Links(LinkIndex("https://example.org/", pages), "posts/1/index.md", ARTICLE)
    started = time.perf_counter()
    found = [links.resolve(f"@/{n}/index.md") for n in range(10_000)]
    assert found == list(pages.values())
    assert time.perf_counter() - started < 3


def test_every_reference_is_resolved() -> None:
    """Links and images alike, and each time."""
    made = render("[a](b.md) ![](my%20cat.png) [again](b.md)", LINKS, dialect("commonmark"))
    assert made.html.count('href="https://example.org/b/"') == 2
    assert made.html.count('src="https://example.org/my%20cat.png"') == 1


@given(st.text(max_size=40))
def test_any_reference_resolves_and_stays(reference: str) -> None:
    """No text raises; the result is ASCII, has a scheme, and is already encoded."""
    address = LINKS.resolve(reference)
    assert address.isascii()
    assert ":" in address
    assert encode(address) == address


_MARKS = ["http://", "https:", "//", "/", "a.b", ":80", "?", "#", "%", "%e4", ";", "..", "x", "文"]


@given(st.lists(st.sampled_from(_MARKS), max_size=12).map("".join))
def test_the_shortcut_for_encoded_urls_is_right(address: str) -> None:
    """A URL that is not parsed in detail would not be changed by it."""
    if urls.is_encoded(address):
        assert urls.encode_parts(address) == address
        if address.startswith("http"):
            assert urljoin(ARTICLE, address) == address


@given(
    st.text("abc:/?#[]%&\u4e2d", max_size=12),
    st.text("ab1:.~_-%?/\u4e2d ", max_size=6),
)
def test_a_fragment_is_joined_to_the_article_url(url: str, place: str) -> None:
    """The joined parts equal the encoding of the whole."""
    links = Links(LinkIndex("https://example.org/"), "a.md", url)
    whole = url.partition("#")[0] + f"#{place}".strip()
    assert links.resolve(f"#{place}") == encode(whole)
