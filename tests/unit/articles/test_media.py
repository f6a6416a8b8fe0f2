"""Audio and video in front matter, as generators, plugins and themes for podcasts have it."""

from __future__ import annotations

import pytest

from broadsheet.articles.media import TYPES, Media, type_of
from newsroom import article

HEAD = "---\ntitle: T\ndate: 2025-06-01\n"


def media(front_matter: str) -> Media | None:
    return article(f"{HEAD}{front_matter}\n---\nText.\n").media


@pytest.mark.parametrize(
    ("front_matter", "expected"),
    [
        pytest.param(
            "episode:\n  filename: a b.mp3\n  seasonNumber: 1\n  episodeNumber: 2\n"
            "  size: 61231442\n  duration: 3283.482\n  explicit: no\n  episodeType: full",
            Media("a b.mp3", "audio/mpeg", 61231442, 3283, "", False, 1, 2, "full"),
            id="Eleventy Podcaster",
        ),
        pytest.param(
            'audio:\n  m4a: e.m4a\n  mp3: e.mp3\nduration: "0:03:13"\nexplicit: "no"\n'
            'episode-cover: "/img/e.jpg"\nchapters:\n  - "00:00:00.000 Intro."',
            Media("e.mp3", "audio/mpeg", None, 193, "/img/e.jpg", False),
            id="Jekyll Octopod",
        ),
        pytest.param(
            "podcast_link: http://m.example/f.mp3\npodcast_file_size: 13.7 MB\n"
            'podcast_duration: "14:02"\npodcast_length: 13654375',
            Media("http://m.example/f.mp3", "audio/mpeg", 13654375, 842),
            id="Jekyll-Podcast-Feed",
        ),
        pytest.param(
            "podcast_file: 1.mp3\npodcast_duration: 14:02\npodcast_bytes: 5\nepisode: 7\n"
            "episode_image: img/7.png\nexplicit: yes",
            Media("1.mp3", "audio/mpeg", 5, 842, "img/7.png", True, None, 7),
            id="Hugo Castanet, YAML's sixties",
        ),
        pytest.param(
            "media: /path/to/media\nlength: 6989\ntype: audio/mpeg\nduration: 1:02:03",
            Media("/path/to/media", "audio/mpeg", 6989, 3723),
            id="hexo-generator-podcast",
        ),
        pytest.param(
            "link: https://dl.example/Ep%201.mp3\nlength: 2668168\nduration: '02:47'",
            Media("https://dl.example/Ep%201.mp3", "audio/mpeg", 2668168, 167),
            id="Jekyll, link is the file",
        ),
        pytest.param(
            "enclosure: |-\n  http://w.example/a.mp3\n  123\n  audio/mpeg\n  a:1:{s:8:}",
            Media("http://w.example/a.mp3", "audio/mpeg", 123),
            id="WordPress PowerPress",
        ),
        pytest.param(
            "enclosure: {url: v.mp4, length: 9, type: video/mp4}\ntranscript: /t.vtt\nseason: 2",
            Media("v.mp4", "video/mp4", 9, season=2, transcript="/t.vtt"),
            id="video with a transcript",
        ),
        pytest.param(
            "mp3_enclosure: http://n.example/a.mp3\nmp3_enclosure_length: 4",
            Media("http://n.example/a.mp3", "audio/mpeg", 4),
            id="Nikola",
        ),
    ],
)
def test_the_fields_of_podcast_generators_are_read(front_matter: str, expected: Media) -> None:
    """Each as its documentation has it."""
    assert media(front_matter) == expected


@pytest.mark.parametrize(
    "front_matter",
    [
        "",
        "audio: true",
        "video: https://www.youtube.com/watch?v=x",
        "episode: 5\nduration: 10 min\nseason: 1",
        "link: https://other.example/page",
        "podcast: My show",
        "media: []\nenclosure: {}\naudio:",
        "enclosure: report.pdf",
        "audio: {mp3: }",
    ],
)
def test_other_fields_are_no_media(front_matter: str) -> None:
    """A switch, a page, a number and an empty field name no file; none is an error."""
    assert media(front_matter) is None


def test_a_field_of_another_name_is_mapped() -> None:
    """`articles.fields` maps it like any other."""
    found = article(f"{HEAD}params:\n  sound: x.m4a\n---\n", fields={"media": "params.sound"}).media
    assert found == Media("x.m4a", "audio/x-m4a")


@pytest.mark.parametrize("ending", TYPES)
@pytest.mark.parametrize("form", ["a.{}", "/a/b.{}", "https://x.example/a.{}?x=1#t", "A B.{}"])
def test_the_type_is_that_of_the_ending(ending: str, form: str) -> None:
    """In any case, with a query or not."""
    assert type_of(form.format(ending)) == type_of(form.format(ending.upper())) == TYPES[ending]


@pytest.mark.parametrize(
    ("front_matter", "url"),
    [
        ("external_url: https://o.example/a b", "https://o.example/a%20b"),
        ("link: https://o.example/", "https://o.example/"),
        ("externalUrl: http://o.example/x?y=1", "http://o.example/x?y=1"),
        ("link: /posts/other/", ""),
        ("link: {text: x}", ""),
        ("link: https://o.example/a.mp3", ""),
        ("link: https://example.org/posts/a/", ""),
        ("link: 'https://[x'", ""),
    ],
)
def test_a_link_post_names_a_page_elsewhere(front_matter: str, url: str) -> None:
    """By the names that link blogs use; a path, a media file and the article itself are none."""
    assert article(f"{HEAD}{front_matter}\n---\n").external_url == url
