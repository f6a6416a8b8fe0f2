"""The letter: the content of mail and web version, before the layout."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import letters
from broadsheet.articles.entries import Image
from broadsheet.articles.topics import Topic
from broadsheet.digests.context import reading_minutes
from broadsheet.digests.sender import replace_urls
from broadsheet.digests.theme import LEAST_CONTRAST, contrast, mail_theme, readable
from broadsheet.errors import ConfigError
from broadsheet.i18n import Words
from broadsheet.model.publication import BaseUrl, Language, Person
from broadsheet.model.settings import DeliverySettings, DigestSettings, FeedSettings, MailSettings

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def _image(ending: str, type_: str, width: int | None = 1200, height: int | None = 630) -> Image:
    return Image(f"https://example.org/a.{ending}", "alt", type_, 1, width, height)


def test_every_address_is_absolute_and_encoded_once() -> None:
    """A letter's own links and those to topics are absolute, whatever the names are."""
    letter = letters.make(delivery=DeliverySettings(service_url=BaseUrl("https://n.example/")))
    links = [topic.url for story in letter.articles for topic in story.topics]
    feeds = [part.feed for part in letter.sections if part.feed]
    ways = letter.urls
    assert ways.web == "https://example.org/feeds/digests/weekly/2025-06-23/"
    assert ways.archive == "https://example.org/feeds/digests/weekly/"
    assert ways.feed == "https://example.org/feeds/digests/weekly/atom.xml"
    assert ways.index == "https://example.org/feeds/"
    assert links == [
        (
            "https://example.org/feeds/topics/"
            "%E7%A7%91%E6%8A%80%E5%85%AC%E5%8F%B8%E7%AB%9E%E4%BA%89/atom.xml"
        )
    ]
    assert all(url.isascii() and urlsplit(url).scheme == "https" for url in links + feeds)


def test_the_subject_has_the_first_title_and_the_preheader_the_others() -> None:
    """A mailbox shows the digest, its first title, and beside it the other titles."""
    letter = letters.make()
    assert letter.subject == "AI 前沿周报：第 1 篇：GPU 在等什么"
    assert letter.preheader.startswith("另有：第 2 篇：GPU 在等什么；“开放权重”")


def test_the_preheader_of_one_article_is_its_summary() -> None:
    """With a single article, the preheader does not repeat the subject."""
    assert letters.make(letters.ENTRIES[0]).preheader == letters.SUMMARY


def test_articles_without_topic_have_a_heading_only_beside_others() -> None:
    """The last section is called other articles; alone, it needs no name."""
    assert [part.name for part in letters.make().sections] == ["算力与芯片", "开源", "其他文章"]
    assert [part.name for part in letters.make(letters.ENTRIES[3]).sections] == [""]


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (_image("png", "image/png"), True),
        (_image("jpg", "image/jpeg"), True),
        (_image("", ""), True),
        (_image("svg", "image/svg+xml"), False),
        (_image("webp", "image/webp"), False),
        (_image("avif", "image/avif"), False),
    ],
)
def test_the_mail_leaves_out_images_that_outlook_does_not_show(image: Image, shown: bool) -> None:
    """The web version has every image, the mail only formats that all clients know."""
    story = letters.make(letters.entry(1, image=image)).articles[0]
    assert story.picture is not None
    assert (story.mail_picture is not None) == shown


@pytest.mark.parametrize(
    ("image", "leads"),
    [
        (_image("png", "image/png"), True),
        (_image("png", "image/png", 300, 160), False),
        (_image("png", "image/png", 900, 1200), False),
        (_image("png", "image/png", None, None), False),
    ],
)
def test_a_wide_first_image_is_shown_large(image: Image, leads: bool) -> None:
    """Only the first story's image, and only a large one in landscape, takes the full width."""
    first, second = letters.make(
        letters.entry(1, image=image), letters.entry(2, image=image)
    ).articles
    assert (first.lead, second.lead) == (leads, False)


def test_a_picture_is_never_enlarged() -> None:
    """It keeps its proportions, and is at most as wide as the file."""
    picture = letters.make(letters.entry(1, image=_image("png", "image/png", 1200, 630))).articles[
        0
    ]
    assert picture.picture is not None
    assert picture.picture.size(544) == (544, 286)
    small = letters.make(letters.entry(1, image=_image("png", "image/png", 100, 50))).articles[0]
    assert small.picture is not None
    assert small.picture.size(544) == (100, 50)


def test_a_story_links_its_other_topics_only() -> None:
    """A story does not repeat its section's topic, however that is spelled."""
    topics = (Topic("GPU", "gpu"), Topic("芯片", "芯片"))
    entry = letters.entry(1, topics=topics)
    issue = letters.issue(entry)
    respelled = msgspec.structs.replace(
        issue, sections=(msgspec.structs.replace(issue.sections[0], topic="ｇｐｕ"),)
    )
    assert [t.name for t in letters.make(entry, of=respelled).articles[0].topics] == ["芯片"]


def test_topics_have_links_only_where_the_config_makes_their_feeds() -> None:
    """No link points to a feed or format that is not made."""
    none = letters.make(feeds=FeedSettings(by=()))
    assert not any(part.feed for part in none.sections)
    assert [topic.url for topic in none.articles[0].topics] == [""]
    rss = letters.make(feeds=FeedSettings(formats=("rss",)))
    assert rss.sections[0].feed.endswith("/rss.xml")


def test_late_articles_are_marked() -> None:
    """An article from before the issue's window says so."""
    late = letters.make(of=letters.issue(*letters.ENTRIES, late=frozenset({letters.ENTRIES[1].id})))
    assert [story.late for story in late.articles] == [False, True, False, False]


def test_dates_are_those_of_the_publication_in_the_digests_language() -> None:
    """An article of late evening UTC is dated in the publication's time zone."""
    entry = letters.entry(1, published=datetime(2025, 6, 21, 23, 30, tzinfo=UTC))
    assert letters.make(entry).articles[0].facts == ("林晚舟", "2025年6月22日", "阅读约 2 分钟")
    english = DigestSettings(title="Weekly", language=Language("en"))
    letter = letters.make(entry, digest=english)
    assert letter.articles[0].facts == ("林晚舟", "June 22, 2025", "2 min read")
    assert (letter.date, letter.number, letter.count) == ("June 23, 2025", "No. 12", "1 article")


def test_the_direction_is_that_of_the_language() -> None:
    """Arabic runs from right to left; its fixed texts fall back to English."""
    arabic = DigestSettings(title="نشرة", language=Language("ar"))
    assert letters.make(digest=arabic).direction == "rtl"
    assert letters.make().direction == "ltr"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", None),
        ("<p>——</p>", None),
        ("<p>字</p>", 1),
        ("<p>" + "字" * 2000 + "</p>", 5),
        ("<p>" + "word " * 660 + "</p>", 3),
        ("<p>" + "字" * 400 + " don't stop" * 110 + "</p>", 2),
        ("<p>一</p><pre>" + "code " * 5000 + "</pre>", 1),
    ],
)
def test_reading_time_counts_characters_and_words(html: str, expected: int | None) -> None:
    """400 Chinese characters or 220 words a minute, at least one; code is not counted."""
    assert reading_minutes(html) == expected


@pytest.mark.parametrize(
    ("given_sender", "expected"),
    [
        ("", ("AI 前沿", "editors@example.org")),
        ("Frontier <news@example.org>", ("Frontier", "news@example.org")),
        ("news@例子.cn", ("AI 前沿", "news@xn--fsqu00a.cn")),
    ],
)
def test_the_sender_is_the_configs_or_the_publications(
    given_sender: str, expected: tuple[str, str]
) -> None:
    """Without a configured sender it is the publication's author."""
    sender = letters.make(delivery=DeliverySettings(sender=given_sender)).sender
    assert (sender.name, sender.address) == expected


@pytest.mark.parametrize("wrong", ["News", "News <news>", "a b@example.org", "新闻@example.org"])
def test_an_invalid_sender_is_refused(wrong: str) -> None:
    """It is an error of the config, with its key."""
    with pytest.raises(ConfigError, match=r"delivery\.sender"):
        letters.make(delivery=DeliverySettings(sender=wrong))


def test_the_unsubscribe_link_is_never_dead() -> None:
    """It points to the service's page, otherwise to a mailbox that is read, otherwise there is
    none."""
    service = letters.make(delivery=DeliverySettings(service_url=BaseUrl("https://n.example/")))
    assert service.opt_out.unsubscribe == "https://n.example/unsubscribe"
    assert service.opt_out.mail == "mailto:editors@example.org?subject=unsubscribe"
    assert letters.make().opt_out.unsubscribe == "mailto:editors@example.org?subject=unsubscribe"
    nobody = msgspec.structs.replace(letters.PUBLICATION, author=Person("编辑部"))
    letter = letters.make(publication=nobody)
    assert letter.sender.address == "noreply@example.org"
    assert letter.opt_out.unsubscribe == ""


def test_a_readers_own_address_replaces_whole_addresses_only() -> None:
    """A longer address that begins with the shared one stays as it is."""
    shared, own = "https://n.example/unsubscribe", "https://n.example/u/abc.def"
    text = f'<a href="{shared}">x</a>\n{shared}\n{shared}/help\n{shared}?x=1'
    assert replace_urls(text, {shared: own}) == (
        f'<a href="{own}">x</a>\n{own}\n{shared}/help\n{shared}?x=1'
    )
    with pytest.raises(ValueError, match="escaping"):
        replace_urls(text, {shared: "https://n.example/?a=1&b=2"})


@given(accent=COLOURS, accent_dark=COLOURS, ink=COLOURS, paper=COLOURS)
def test_text_has_contrast_in_any_colours(
    accent: str, accent_dark: str, ink: str, paper: str
) -> None:
    """Whatever colours are configured, text has a contrast of 4.5:1 in both schemes."""
    mail = MailSettings(accent=accent, accent_dark=accent_dark, ink=ink, paper=paper)
    found = mail_theme(mail, Words("zh-CN").locale, letters.PUBLICATION)
    for colours in (found.light, found.dark):
        for text in (colours.ink, colours.soft, colours.link):
            assert contrast(text, colours.sheet) >= LEAST_CONTRAST
        assert contrast(colours.soft, colours.line) >= LEAST_CONTRAST
        assert contrast(colours.foot, colours.paper) >= LEAST_CONTRAST


def test_colours_that_can_be_read_stay_as_they_are() -> None:
    """The brand's own colour is changed only if the contrast is too low."""
    assert readable("#a4361f", "#ffffff") == "#a4361f"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_fonts_follow_the_language_and_the_config() -> None:
    """Chinese gets Chinese fonts, English a serif for headings; configured ones come first."""
    publication = letters.PUBLICATION
    chinese = mail_theme(MailSettings(), Words("zh-CN").locale, publication)
    taiwan = mail_theme(MailSettings(), Words("zh-TW").locale, publication)
    english = mail_theme(MailSettings(), Words("en").locale, publication)
    assert chinese.fonts.startswith("PingFang SC")
    assert chinese.headings == chinese.fonts
    assert taiwan.fonts.startswith("PingFang TC")
    assert english.headings.startswith("Georgia")
    assert english.outlook == "Arial"
    own = mail_theme(
        MailSettings(fonts="'Source Han Sans', \"x;}</style>\", serif"),
        Words("zh-CN").locale,
        publication,
    )
    assert own.fonts == own.headings == "Source Han Sans, serif"
    assert own.outlook == "Source Han Sans"


def test_list_id_and_message_id_are_ascii_and_stable() -> None:
    """They follow the publication's ids, not its address."""
    letter = letters.make()
    moved = msgspec.structs.replace(
        letters.PUBLICATION,
        url=BaseUrl("https://new.example/"),
        given_id_base=BaseUrl("https://example.org/"),
    )
    assert letter.list_id == "weekly.example.org"
    assert letters.make(publication=moved).list_id == letter.list_id
    assert letters.make(publication=moved).identity == letter.identity
    chinese = msgspec.structs.replace(letters.issue(*letters.ENTRIES), digest="周报")
    assert letters.make(of=chinese).list_id.isascii()
    assert letters.make(of=chinese).identity != letter.identity
