"""The HTML of mail and web version: its content, and the effect of premailer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from msgspec.structs import replace

import browser
import letters
from broadsheet.articles.entries import Image
from broadsheet.digests import templates
from broadsheet.digests.html_mail import inline_css, mail_html
from broadsheet.digests.rendered import mail_text, web_html
from broadsheet.digests.templates import HTML, WEB, bundled, render_template
from broadsheet.errors import TemplateError
from broadsheet.model.publication import BaseUrl, Language
from broadsheet.model.settings import DeliverySettings, DigestSettings, MailSettings

EXTENDS = '{% extends "bundled/digest.html.j2" %}'
SVG = Image("https://example.org/a.svg", "图", "image/svg+xml", 1, 1200, 560)


@pytest.fixture(scope="module")
def mail() -> str:
    """The HTML of a mail with a bit of everything."""
    return mail_html(letters.make(mail=MailSettings(footer="示例路 1 号")), {})


@pytest.fixture(scope="module")
def tree(mail: str) -> Any:
    """The same as a tree."""
    return lxml_html.document_fromstring(mail)


def _page(body: str, style: str = "", kept: str = "") -> str:
    kept = f'<style data-premailer="ignore">{kept}</style>' if kept else ""
    return (
        "<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>t</title>"
        f"<style>{style}</style>{kept}</head><body>{body}</body></html>"
    )


def _wrong(text: str, name: str = HTML) -> str:
    """Return the error message for a user's template with this text."""
    with pytest.raises(TemplateError) as caught:
        mail_html(letters.make(), {name: text, **({} if name == HTML else {HTML: EXTENDS})})
    return str(caught.value)


# The content of the mail


def test_every_layout_table_says_so(tree: Any) -> None:
    """Screen readers are told that no table contains data."""
    assert {table.get("role") for table in tree.iter("table")} == {"presentation"}


def test_images_have_size_and_alt_text(tree: Any) -> None:
    """Each image has a width in pixels, a height if known, and an alt attribute."""
    images = list(tree.iter("img"))
    assert [(i.get("width"), i.get("height"), i.get("alt")) for i in images] == [
        ("544", "286", "窄门"),
        ("160", "84", "窄门"),
    ]


def test_the_mail_names_its_language_and_direction(tree: Any) -> None:
    """The document has a language, and an English story in it its own."""
    assert (tree.get("lang"), tree.get("dir")) == ("zh-CN", "ltr")
    title = next(h for h in tree.iter("h3") if h.text_content() == "Why Feeds Beat Timelines")
    assert title.get("lang") == "en"
    arabic = DigestSettings(title="نشرة", language=Language("ar"))
    assert 'dir="rtl"' in mail_html(letters.make(digest=arabic), {})


def test_who_got_a_forwarded_mail_finds_the_form() -> None:
    """The mail and the web version lead to the service, if there is one."""
    without = letters.make()
    url = "https://news.example.org/subscribe"
    leading = replace(without, urls=replace(without.urls, subscribe=url))
    for part in (mail_html, mail_text, web_html):
        assert url not in part(without, {})
        assert part(leading, {}).count(url) == 1
    assert "这封邮件是别人转发给你的吗？" in mail_html(leading, {})


def test_headings_are_nested_correctly(tree: Any) -> None:
    """One h1, an h2 for each section, an h3 for each story."""
    names = [element.tag for element in tree.iter("h1", "h2", "h3")]
    assert names == ["h1", "h2", "h3", "h3", "h2", "h3", "h2", "h3"]


def test_every_address_is_absolute(mail: str, tree: Any) -> None:
    """No link or image is relative, and no link is to an anchor within the mail."""
    links = [address for _, _, address, _ in tree.iterlinks()]
    assert len(links) > 15
    assert {link.partition(":")[0] for link in links} == {"https", "mailto"}
    assert "url(" not in mail
    assert "srcset" not in mail


def test_unsupported_techniques_are_not_used(mail: str, tree: Any) -> None:
    """No script, web font or external stylesheet; no layout that fails in mail clients."""
    assert {"script", "link", "iframe", "form", "object"}.isdisjoint(e.tag for e in tree.iter())
    for word in ("position:", "float:", "display:grid", "display:flex", "var(", "@import", "calc("):
        assert word not in mail.replace(": ", ":")


def test_kept_rules_are_few_and_flat(mail: str) -> None:
    """Gmail drops a style over 16 kB, and one with nested at-rules."""
    styles = re.findall(r"<style[^>]*>(.*?)</style>", mail, re.DOTALL)
    assert styles
    assert all(len(style.encode()) < 16_000 for style in styles)
    for style in styles:
        depth = 0
        for mark in re.findall(r"@media|[{}]", style):
            assert not (mark == "@media" and depth)
            depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth == 0


def test_the_preheader_comes_first_and_is_padded(tree: Any) -> None:
    """A mailbox shows the preheader, and nothing of the mail after it."""
    first = tree.body[0]
    assert first.get("class") == "preheader"
    assert "display:none" in first.get("style")
    assert first.text_content().startswith("另有：第 2 篇")
    assert first.text_content().count("\u200c") == 60


def test_outlook_gets_its_width_and_its_font(mail: str) -> None:
    """The conditional comments survive: a table of 600 pixels, 96 dpi, a font."""
    assert '<!--[if mso]><table role="presentation" align="center" width="600"' in mail
    assert "<o:PixelsPerInch>96</o:PixelsPerInch>" in mail
    assert '"Microsoft YaHei", sans-serif !important' in mail
    assert mail.count("<!--[if mso]>") == mail.count("<![endif]-->") == 3


def test_titles_are_text(tree: Any) -> None:
    """Quotation marks, ampersands and angle brackets of a title are shown as they are."""
    titles = [h.text_content() for h in tree.iter("h3")]
    assert '“开放权重” & "开源"：为什么前者 < 后者' in titles
    injected = letters.entry(1, title="<script>x</script> {{ issue.footer }}", summary="{% x %}")
    html = mail_html(letters.make(injected), {})
    assert "<script>" not in html
    assert "{{ issue.footer }}" in html
    assert "{% x %}" in html


def test_images_of_kinds_that_outlook_does_not_show_are_left_out() -> None:
    """A story with an SVG has an image in the web version only."""
    letter = letters.make(letters.entry(1, image=SVG))
    assert "a.svg" not in mail_html(letter, {})
    assert 'src="https://example.org/a.svg" width="1200" height="560"' in web_html(letter, {})


def test_an_image_without_alt_text_is_hidden_from_screen_readers() -> None:
    """Its title is a link already; a second one without text would only be in the way."""
    image = Image("https://example.org/a.png", "", "image/png", 1, 1200, 630)
    html = mail_html(letters.make(letters.entry(1, image=image)), {})
    assert re.search(r'<a class="picture"[^>]* aria-hidden="true" tabindex="-1"', html)
    assert 'alt="第 1 篇：GPU 在等什么"' in html  # what shows without images


def test_a_late_article_says_so() -> None:
    """The mark is before the author, with its meaning."""
    issue = letters.issue(*letters.ENTRIES, late=frozenset({letters.ENTRIES[0].id}))
    html = mail_html(letters.make(of=issue), {})
    assert '>补登</span>\u00a0\u00a0 林晚舟\u00a0\u00a0 <span class="fact">2025' in html


@pytest.mark.parametrize(
    ("title", "end"),
    [
        ("人才为什么留下：签字费之外的五本账", "五本账"),
        ("真的吗？「为什么留下！」", "留下"),
        ("なぜフィードはタイムラインに勝るのか", "るのか"),
        ("把小模型 <请到> 家里来", "家里来"),
        ("短标题", ""),
        ("大模型与 GPU", ""),
        ("Why feeds beat timelines", ""),
    ],
)
def test_the_last_line_of_a_chinese_title_is_never_one_character(title: str, end: str) -> None:
    """Its last three are kept together; other titles, and their text, are as they were."""
    html = mail_html(letters.make(letters.entry(1, title=title)), {})
    link = next(each for each in lxml_html.document_fromstring(html).xpath("//h3/a"))
    assert link.text_content() == title
    kept = [each.text_content() for each in link.iter("span")]
    assert [end in each for each in kept] == ([True] if end else [])


def test_a_logo_replaces_the_title() -> None:
    """It has its width, and the digest's title as alt text."""
    html = mail_html(letters.make(mail=MailSettings(logo="/标志.png", logo_width=200)), {})
    image = next(lxml_html.document_fromstring(html).iter("img"))
    assert image.get("src") == "https://example.org/%E6%A0%87%E5%BF%97.png"
    assert (image.get("width"), image.get("alt")) == ("200", "AI 前沿周报")


def test_the_unsubscribe_link_is_in_every_mail(mail: str) -> None:
    """It is the letter's link, and absent if there is none."""
    assert 'href="mailto:editors@example.org?subject=unsubscribe"' in mail
    service = DeliverySettings(service_url=BaseUrl("https://n.example/"))
    served = mail_html(letters.make(delivery=service), {})
    assert 'href="https://n.example/unsubscribe"' in served
    assert 'href="https://n.example/preferences"' in served
    assert "偏好设置" in served
    assert "偏好设置" not in mail
    assert "n.example/unsubscribe" not in web_html(letters.make(delivery=service), {})


def test_an_english_mail_is_all_english() -> None:
    """With an English digest all fixed texts are English."""
    entry = letters.entry(1, title="T", summary="S", language="en", content="<p>word</p>")
    digest = DigestSettings(title="Weekly", language=Language("en"))
    html = mail_html(letters.make(entry, digest=digest), {})
    assert "You are receiving this email because you subscribed to Weekly." in html
    words = re.sub(r"<[^>]*>|林晚舟|AI 前沿", "", html)
    assert re.findall("[\u4e00-\u9fff]+", words) == []


def test_the_same_letter_gives_the_same_bytes() -> None:
    """Neither hash order nor earlier mails affect the result."""
    program = (
        "import hashlib, letters\n"
        "from broadsheet.digests.html_mail import mail_html\n"
        "print(hashlib.sha256(mail_html(letters.make(), {}).encode()).hexdigest())"
    )
    here = str(Path(__file__).parent)
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": os.pathsep.join([here, *sys.path]),
            },
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


# What premailer does


def test_rules_that_must_stay_keep_their_importance(mail: str) -> None:
    """Rules for dark mode and phones keep !important, so that they override inline styles."""
    kept = "".join(re.findall(r"<style>(.*?)</style>", mail, re.DOTALL))
    assert "@media (prefers-color-scheme: dark)" in kept
    assert "[data-ogsc] .title a" in kept
    declarations = re.findall(r"\{ ([\w-]+: [^;]+); \}", kept)
    assert len(declarations) > 20
    assert all(
        "!important" in each
        for each in declarations
        if "color" in each.partition(":")[0] and "scheme" not in each
    )


def test_a_fluid_image_keeps_its_width_in_pixels() -> None:
    """Outlook reads the attributes: premailer must not write 100% and auto into them."""
    html = inline_css(
        _page('<img width="600" height="300">', "img { width: 100%; height: auto }"), "t"
    )
    assert 'width="600"' in html
    assert 'height="300"' in html
    assert "width:100%" in html


@pytest.mark.parametrize("word", ["float", "FLOAT", "fl\\6f at"])
def test_a_floating_image_has_an_align_attribute(word: str) -> None:
    """Outlook knows the attribute, not `float`; other images have none."""
    assert 'align="right"' in inline_css(_page("<img>", f"img {{ {word}: right }}"), "t")
    assert 'align="left"' in inline_css(_page(f'<img style="{word}: left">'), "t")
    assert "align" not in inline_css(_page("<img>float", "img { border: 0 }"), "t")


@pytest.mark.parametrize(
    "start", ["<!doctype html>", "<!-- x --><!DOCTYPE html>", "\n<!DOCTYPE html>", ""]
)
def test_the_doctype_is_always_there(start: str) -> None:
    """However the template begins, the mail is not shown in quirks mode."""
    html = inline_css(start + "<html><body><p>x</p></body></html>", "t")
    assert html.startswith("<!DOCTYPE html>\n<html>")
    assert html.lower().count("<!doctype") == 1


def test_a_mail_services_tags_survive() -> None:
    """A link may contain the tags of a mail service."""
    html = inline_css(_page('<a href="{{ unsubscribe_url }}">x</a>'), "t")
    assert 'href="{{ unsubscribe_url }}"' in html


def test_importance_in_a_users_rule_survives() -> None:
    """A rule that is inlined keeps its !important."""
    assert "color:red !important" in inline_css(
        _page("<p>x</p>", "p { color: red !important }"), "t"
    )


def test_fragments_and_addresses_stay_as_written() -> None:
    """premailer rewrites nothing: addresses are already absolute."""
    html = inline_css(_page('<a href="#a">x</a><a href="https://e.org/?a=1&amp;b=%E4">y</a>'), "t")
    assert 'href="#a"' in html
    assert 'href="https://e.org/?a=1&amp;b=%E4"' in html


def test_premailer_is_quiet_and_uses_no_network(capfd: pytest.CaptureFixture[str]) -> None:
    """CSS that cssutils does not know causes no output on stderr."""
    html = inline_css(
        _page("<p>x</p>", "p { mso-line-height-rule: exactly; overflow-wrap: anywhere }"), "t"
    )
    assert "mso-line-height-rule:exactly" in html
    assert "overflow-wrap:anywhere" in html
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("template", "said"),
    [
        (_page("x", "@font-face { font-family: x }"), "an at-rule"),
        (_page("x", "@media print { p { color: red } }"), "an at-rule"),
        (_page("x", "* { color: red }"), "a selector with *"),
        (_page("x", "p:nth-child(2) { color: red }"), "a selector with *"),
        (_page("x", "p:not(.a) { color: red }"), "a selector with *"),
        (_page("x", "p[align] { color: red }"), "a selector with *"),
        (_page("<![if !mso]>x<![endif]>"), "<![if ...]>"),
        (_page("<script>1</script>"), "a script"),
        (
            _page('<link rel="stylesheet" href="https://e.org/a.css">'),
            "an external stylesheet",
        ),
        ('<?xml version="1.0"?>' + _page("x"), "an XML declaration"),
        ("  \n", "an empty mail"),
    ],
)
def test_css_that_premailer_would_break_is_refused(template: str, said: str) -> None:
    """CSS that would be silently dropped or mangled is an error, with the alternative."""
    message = _wrong("{% raw %}" + template + "{% endraw %}")
    assert message.startswith("email_templates/digest.html.j2:")
    assert said in message
    assert "; " in message


def test_the_same_css_is_allowed_where_it_is_kept() -> None:
    """In <style data-premailer="ignore"> and in conditional comments anything goes."""
    kept = (
        "@font-face { font-family: x } @media print { * { color: red } } p:not(.a) { color: red }"
    )
    page = _page("<!--[if mso]><style>* { color: red }</style><![endif]-->x", kept=kept)
    html = mail_html(letters.make(), {HTML: "{% raw %}" + page + "{% endraw %}"})
    assert kept in html
    assert "<!--[if mso]><style>* { color: red }</style><![endif]-->" in html


def test_an_article_is_written_in_the_direction_of_its_language() -> None:
    """If it differs from the letter's; the text around it keeps the letter's direction."""
    arabic = letters.entry(2, language="ar", title="مرحبا.", summary="أهلا.")
    for html in (mail_html, web_html):
        page = html(letters.make(letters.entry(1), arabic), {})
        assert page.count('dir="rtl"') == page.count('lang="ar"') >= 1
        assert 'dir="rtl"' not in html(letters.make(), {})
    digest = letters.DIGEST
    there = letters.make(letters.entry(1), arabic, digest=replace(digest, language=Language("ar")))
    assert mail_html(there, {}).count('dir="rtl"') == 1  # of the page
    assert 'lang="zh-CN" dir="ltr"' in mail_html(there, {})


@pytest.mark.parametrize("count", [3, 8, 9, 20])
@pytest.mark.parametrize("topics", [("开源",), ("开源", "芯片")])
def test_only_a_long_mail_of_sections_lists_them(count: int, topics: tuple[str, ...]) -> None:
    """One line for each topic; else the first article would come after a list of the others."""
    entries = (letters.entry(n, topics[n % len(topics)]) for n in range(count))
    html = mail_html(letters.make(*entries), {})
    listed = re.search(r'<td class="[^"]*contents.*?</table>', html, re.DOTALL)
    assert bool(listed) == (count > 8 and len(topics) > 1)
    assert not listed or listed[0].count("<p") == len(topics)


def test_stories_after_the_fifth_are_smaller() -> None:
    """They keep their whole summary, but have no picture and no other topics."""
    entries = [
        letters.entry(number, summary=f"In short {number}.", image=letters.PICTURE)
        for number in range(8)
    ]
    tree = lxml_html.document_fromstring(mail_html(letters.make(*entries), {}))
    stories = tree.xpath("//td[contains(@class, 'story')]")
    assert ["later" in story.get("class") for story in stories] == [False] * 5 + [True] * 3
    assert [bool(story.xpath(".//img")) for story in stories] == [True] * 5 + [False] * 3
    assert ["In short" in story.text_content() for story in stories] == [True] * 8


def test_dark_mode_can_have_a_logo_of_its_own() -> None:
    """Hidden from Outlook, which reads no media queries, and from clients that know none."""
    mail = MailSettings(logo="/l.png", logo_dark="/d.png")
    html = mail_html(letters.make(mail=mail), {})
    before, _, after = html.partition('<img class="logo night" src="https://example.org/d.png"')
    assert before.endswith("<!--[if !mso]><!-->")
    assert "display:none;" in after[: after.index(">")]
    assert ".night { display: block !important; }" in html
    assert "night {" not in mail_html(letters.make(mail=MailSettings(logo="/l.png")), {}).replace(
        ".night { display: none; }", ""
    )


# A user's own templates


def test_a_user_can_change_one_block() -> None:
    """Everything else stays ours, in the same order."""
    own = EXTENDS + "{% block intro %}<tr><td>{{ issue.count }}!</td></tr>{% endblock %}"
    html = mail_html(letters.make(), {HTML: own})
    assert "<td>4 篇文章!</td>" in html
    assert html.index("4 篇文章!") < html.index("算力与芯片") < html.index("退订")


def test_a_user_can_change_how_a_story_looks() -> None:
    """A block within the loop sees the story, and can call super()."""
    own = EXTENDS + (
        "{% block article %}<tr><td>{{ section.name }}/{{ article.number }}</td></tr>"
        "{{ super() }}{% endblock %}"
    )
    html = mail_html(letters.make(), {HTML: own})
    assert "<td>算力与芯片/2</td>" in html
    assert "Why Feeds Beat Timelines" in html


def test_a_user_can_replace_all_of_it() -> None:
    """Without extends nothing of ours is left, and the user's files can be included."""
    own = _page('{% include "foot.html" %}<p class="a">{{ issue.digest }}</p>', ".a { color: red }")
    html = mail_html(letters.make(), {HTML: own, "foot.html": "<p>foot</p>"})
    assert '<p class="a" style="color:red">AI 前沿周报</p>' in html
    assert "<p>foot</p>" in html
    assert "退订" not in html


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\n\n{% block %}", 3, "expected token"),
        ("a\n{{ issue.nothing }}", 2, "nothing"),
        ("a\nb\n{{ 1 / 0 }}", 3, "division by zero"),
        ("{{ issue.digest | lost }}", 1, "lost"),
        (EXTENDS + "\n{% block intro %}\n{{ oops }}{% endblock %}", 3, "oops"),
        ('\n{% include "gone.html" %}', 2, "gone.html"),
        ("{{ ''.__class__.__mro__ }}", 1, "unsafe"),
        ('a\n{% include "digest.html.j2" %}', 2, "without end"),
        ("{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}", 1, "without end"),
        ("a\n{% for a in range(999999) %}{% endfor %}", 2, "a range is too large"),
    ],
)
def test_errors_name_file_and_line(text: str, line: int, said: str) -> None:
    """An error in a user's template is reported at its place, with what to do."""
    message = _wrong(text)
    assert message.startswith(f"email_templates/digest.html.j2:{line}: ")
    assert said in message
    assert "; " in message


def test_a_mail_without_end_is_refused() -> None:
    """A template can go on for longer than memory lasts."""
    many = "{% for a in range(99999) %}"
    message = _wrong(f"{many}{many}{'x' * 999}{{% endfor %}}{{% endfor %}}")
    assert message.startswith("email_templates/digest.html.j2: the template makes over 20,000,000")


def test_refused_css_has_its_line_in_the_users_template() -> None:
    """In the template that has it, which may be one that digest.html.j2 includes."""
    page = _page('{% include "more.html" %}')
    more = "\n<style>/* * */\n.a { color: red }\n.b, * { color: red }</style>"
    with pytest.raises(TemplateError, match=r"^email_templates/more\.html:4: .* selector with \*"):
        mail_html(letters.make(), {HTML: page, "more.html": more})


def test_errors_name_the_users_file_even_when_ours_calls_it() -> None:
    """Also in a macro that the user has overridden and our template calls."""
    own = bundled()["parts.html.j2"].replace("{{ article.title |", "{{ article.tittle |")
    message = _wrong(own, "parts.html.j2")
    assert re.match(r"email_templates/parts\.html\.j2:\d+: .*tittle", message)


def test_the_folder_in_messages_is_the_configs() -> None:
    """Messages name the configured templates folder."""
    letter = letters.make(mail=MailSettings(templates="theme/mail/"))
    with pytest.raises(TemplateError, match=r"^theme/mail/digest\.html\.j2:1: "):
        mail_html(letter, {HTML: "{{ oops }}"})


def test_missing_templates_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A broken installation says so, and what to do."""
    monkeypatch.setattr(templates, "files", lambda _: tmp_path)
    monkeypatch.setattr(templates, "__file__", str(tmp_path / "a/b/c/d.py"))
    with pytest.raises(TemplateError, match="install Broadsheet again"):
        bundled.__wrapped__()


def test_templates_in_the_package_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An installed Broadsheet uses its own, whatever is beside it."""
    (tmp_path / "email_templates").mkdir()
    (tmp_path / "email_templates" / HTML).write_text("installed", encoding="utf-8")
    monkeypatch.setattr(templates, "files", lambda _: tmp_path)
    assert bundled.__wrapped__() == {HTML: "installed"}


# The web version


def test_the_web_version_loads_nothing_but_images() -> None:
    """It has no scripts or external styles, and its policy forbids them."""
    page = lxml_html.document_fromstring(web_html(letters.make(), {}))
    policy = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert not list(page.iter("script", "iframe", "object"))
    assert [link.get("rel") for link in page.iter("link")] == ["canonical", "alternate"]


def test_the_mails_contents_link_to_the_web_version() -> None:
    """Each link in the mail's contents points to a section of the web version."""
    letter = letters.make(*(letters.entry(n, ("开源", "芯片", "")[n % 3]) for n in range(9)))
    links = re.findall(re.escape(letter.urls.web) + r"#([\w-]+)", mail_html(letter, {}))
    page = lxml_html.document_fromstring(web_html(letter, {}))
    assert links == page.xpath("//h2/@id")[1:] == [f"section-{n}" for n in range(1, 4)]


def test_every_address_of_the_web_version_is_absolute_or_within_it() -> None:
    """It can be moved or saved without breaking a link."""
    page = lxml_html.document_fromstring(web_html(letters.make(), {}))
    assert all(re.match(r"https://|#\w", link) for _, _, link, _ in page.iterlinks())


def test_a_user_can_change_the_web_version() -> None:
    """It is a template like the others."""
    own = '{% extends "bundled/web.html.j2" %}{% block footer %}<p>foot</p>{% endblock %}'
    assert web_html(letters.make(), {WEB: own}).count("<p>foot</p>") == 1


# In a browser

STYLES = """
[...document.querySelectorAll('body, body *')].map(element => {
  const style = getComputedStyle(element), found = {};
  for (const name of style) found[name] = style.getPropertyValue(name);
  return [element.tagName, found];
})
"""
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


def _written(folder: Path, html: str) -> Path:
    page = folder / "page.html"
    page.write_text(html, encoding="utf-8")
    return page


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING or "there is one")
@pytest.mark.parametrize(("width", "dark"), [(320, False), (600, True)])
def test_inlining_changes_no_computed_style(
    chromium: browser.Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    """Every element has the same computed style before and after premailer."""
    letter = letters.make(mail=MailSettings(footer="示例路 1 号"))
    before = _written(tmp_path, render_template(HTML, letter, {}))
    expected = chromium.evaluate(before, STYLES, width, dark=dark)
    after = _written(tmp_path, mail_html(letter, {}))
    found = chromium.evaluate(after, STYLES, width, dark=dark)
    assert len(expected) == len(found) > 100
    for (tag, one), (other_tag, other) in zip(expected, found, strict=True):
        assert tag == other_tag
        assert {k: (v, other[k]) for k, v in one.items() if v != other[k]} == {}


@pytest.mark.browser
@pytest.mark.skipif(bool(browser.MISSING), reason=browser.MISSING or "there is one")
@pytest.mark.parametrize("width", [320, 375, 600, 1000])
def test_nothing_is_wider_than_the_window(
    chromium: browser.Browser, tmp_path: Path, width: int
) -> None:
    """From a small phone to a desktop, mail and web version do not scroll sideways."""
    entry = letters.entry(1, "主题" * 20, title="https://example.org/" + "long" * 40)
    letter = letters.make(entry, *letters.ENTRIES[1:])
    for html in (mail_html(letter, {}), web_html(letter, {})):
        assert chromium.evaluate(_written(tmp_path, html), OVERFLOW, width) <= 0
