"""Every key of broadsheet.toml, as types that cannot have an invalid value.

The types are the only source: `storage.config` reads the file with them; `reference` makes the
documentation, the JSON Schema and the starter file from their defaults and the docstring below
each key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct, field

from broadsheet.errors import Problem, UsageError
from broadsheet.model.publication import BaseUrl, Language, Person, Publication, Url
from broadsheet.model.values import (
    DestinationAddress,
    Permalink,
    RegisteredName,
    Schedule,
    ShortcodeTemplate,
    SmtpUrl,
)
from broadsheet.registry import DIALECTS, FORMATS, TRANSPORTS

FeedFormat = str
"""A key of FEED_FORMATS."""


class FormatFiles(NamedTuple):
    """What a link to a feed needs to know. media_type: RFC 4287, section 7; jsonfeed.org."""

    label: str
    file: str
    media_type: str


class _FeedFormats(dict[FeedFormat, FormatFiles]):
    def __missing__(self, name: FeedFormat) -> FormatFiles:
        """Add the format of a plugin, whose `FILES` are a label, a file name and a media type."""
        self[name] = files = FormatFiles(*FORMATS.load(name).FILES)
        return files


FEED_FORMATS: Final = _FeedFormats(
    atom=FormatFiles("Atom", "atom.xml", "application/atom+xml"),
    rss=FormatFiles("RSS", "rss.xml", "application/rss+xml"),
    json=FormatFiles("JSON", "feed.json", "application/feed+json"),
    podcast=FormatFiles("Podcast", "podcast.xml", "application/rss+xml"),
)
"""Every format, the most widely read one first; feeds/formats/ has a module for each.

Those of plugins are here once the config names them.
"""


def main_format(formats: Iterable[FeedFormat]) -> FeedFormat:
    """Return the most widely read of `formats`."""
    return next(each for each in FEED_FORMATS if each in formats)


ANY_NAME: Final = "NAME"
"""The key of a table whose own tables have names that users choose."""

Grouping = Literal["topics", "tags", "authors", "languages"]
"""What articles can be grouped and selected by; `articles.catalogue` reads each from an article."""


if TYPE_CHECKING:
    FormatName = str
    ArticleFormat = str
    DialectName = str
    TransportName = str
else:

    class FormatName(RegisteredName):
        """A feed format."""

        registry = FORMATS

        def __new__(cls, text):
            """Raises ValueError for an unknown format, and the errors of `Registry.load`."""
            made = super().__new__(cls, text)
            FEED_FORMATS[text]  # adds that of a plugin
            return made

    class ArticleFormat(FormatName):
        """A format of every feed; a podcast has only the articles with audio or video."""

        but = ("podcast",)

    class DialectName(RegisteredName):
        """A Markdown dialect."""

        registry = DIALECTS

    class TransportName(RegisteredName):
        """A way to send mail."""

        registry = TRANSPORTS


# fmt: off
MarkdownExtension = Literal[
    "abbreviations", "alerts", "attributes", "cells", "comments", "containers", "definitions",
    "emoji", "indented-text", "inline-notes", "kramdown", "mark", "math", "math-blocks",
    "single-tildes", "smart", "toc", "wikilinks",
]
"""The keys of `markup.dialects.EXTENSIONS`."""


AddressStyle = Literal[
    "plain", "astro", "docusaurus", "eleventy", "hexo", "hugo", "jekyll", "mkdocs", "nikola",
    "pelican", "quartz", "quarto", "vuepress", "zola",
]
"""The keys of `articles.styles.STYLES`."""

TitleSource = Literal["heading", "filename", "text"]

ArticleField = Literal[
    "title", "date", "updated", "publish", "expires", "topics", "tags", "summary", "image",
    "image_alt", "authors", "address", "slug", "language", "id", "aliases", "external_url", "media",
]
"""What a front-matter field can mean, as `articles.fields` names it."""
# fmt: on


class PlaceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that differ for one folder, or for translations."""

    permalink: Permalink | None = None
    """The address pattern of these articles."""
    id: Permalink | None = None
    """The pattern of their ids."""
    prefix: str = ""
    """The start of all their URLs, such as `/zh/`."""
    language: Language | None = None
    """Their language, unless the front matter names one (BCP 47)."""
    markdown: DialectName | None = None
    """The dialect of these articles."""


class ArticleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the articles are, and their URLs."""

    folders: Annotated[tuple[str, ...], Meta(min_length=1)] = ("content",)
    """The folders of the articles, including all their subfolders."""
    permalink: Permalink = field(default_factory=lambda: Permalink("/posts/{slug}/"))
    """The URL of an article under `publication.url`. docs/articles.md has all placeholders, such as
    {year}, {month}, {slug}, {filename} and {path}."""
    id: Permalink | None = None
    """The same for ids, under `publication.id_base`, if the ids of an earlier feed differed from
    the URLs. Defaults to `permalink`."""
    lowercase: bool = True
    """Whether URLs made from file names are lower case."""
    addresses: AddressStyle = "plain"
    """The generator whose rules URLs follow for punctuation, accents and dates in file names, slugs
    and titles. `plain`: only spaces become hyphens."""
    within: dict[str, PlaceSettings] = field(name="in", default_factory=dict)
    """Settings that differ for some articles: those in a folder (`"content/zh"`), in folders that
    match a pattern (`"**/_posts"`), or in files named `name.zh-cn.md` (`"*.zh-cn"`). If several
    set the same key, a translation takes precedence, then the longest."""
    exclude: tuple[str, ...] = ()
    """Files and folders to leave out: `"posts/index.md"`, `"**/x"`."""
    fields: dict[ArticleField, str] = field(default_factory=dict)
    """Your own names for fields of the front matter: `title = "newstitle"`,
    `image = "params.hero"`. They take precedence over the built-in names (docs/articles.md)."""
    title_from: tuple[TitleSource, ...] = ()
    """Where the title comes from if the front matter has none, best first: the first `heading`, the
    `filename`, or the beginning of the `text`. If set, files without front matter can be
    articles; otherwise a title is required."""
    date_from: tuple[Literal["git"], ...] = ()
    """Where the date comes from if neither the front matter nor the file name has one: `git` is the
    date of the file's first commit. Otherwise a file without a date is not an article."""
    assets: tuple[str, ...] = ("static",)
    """Folders whose content is at the root of the web site; images are looked up there."""
    rendered: str = ""
    """The folder of the built site, such as `public/`, or a pattern of its files:
    `public/{path}.html`. The text, URL and image name of an article are then those of its page
    there. Otherwise the text is rendered from the source."""
    rendered_selector: str = ""
    """A CSS selector of the text in these pages. Defaults to the `e-content` of an h-entry,
    `articleBody`, names that themes use, `<article>`, `<main>`."""
    public: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Field values that make an article public although Broadsheet does not know them, or would
    leave the article out: `status = ["reading"]`; `"*"` is any value."""
    markdown: DialectName | None = None
    """The Markdown dialect of the articles: that of the site's generator, or `commonmark` or
    `python-markdown`. Defaults to `python-markdown`."""
    markdown_extensions: dict[MarkdownExtension, bool] = field(default_factory=dict)
    """Extensions that the site adds to its dialect or switches off: `emoji = true`, `smart = false`
    (docs/articles.md)."""

    shortcodes: dict[str, ShortcodeTemplate] = field(default_factory=dict)
    """Replacements for your own template tags: `name = "Markdown or HTML"`, with arguments in
    braces: `{src}` by name, `{0}` by position, `{inner}` for the text between a pair of tags.
    They apply to shortcodes of Hugo and Zola, tags and includes of Liquid, and components of MDX
    (docs/articles.md)."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders whose content is at the root of the site: assets, and the built site."""
        return (*self.assets, self.built) if self.built else self.assets

    @property
    def built(self) -> str:
        """The folder of the built site; "" if its pages are not used."""
        start, pattern, _ = self.rendered.removeprefix("./").partition("{path}")
        return start.rpartition("/")[0] if pattern else start.strip("/")

    def dialect_of(self, path: str) -> str:
        """Return the dialect of the file at `path`, as `markup.dialect` takes it.

        It includes a hash of `shortcodes`, so that articles are rendered again when they change.
        """
        is_html = path.lower().endswith((".html", ".htm"))
        name = "html" if is_html else self.place(path).markdown or "python-markdown"
        if not (self.markdown_extensions or self.shortcodes):
            return name
        changes = (("+" if on else "-") + each for each, on in self.markdown_extensions.items())
        own = sha256(repr(sorted(self.shortcodes.items())).encode()).hexdigest()
        return " ".join([name, *sorted(changes), *(["#" + own] if self.shortcodes else [])])

    def place(self, path: str) -> PlaceSettings:
        """Return the settings for the file at `path`: of its places, the most specific first."""
        places = [PlaceSettings(permalink=self.permalink, id=self.id, markdown=self.markdown)]
        if self.within:
            ours = [each for each in self.within if _is_at(each, path)]
            ours.sort(key=_specificity, reverse=True)
            places = [*(self.within[each] for each in ours), *places]
        return places[0] if len(places) == 1 else _merged(places)

    @property
    def names_sections(self) -> bool:
        """Whether a permalink pattern has `{sections}`, of which Hugo decides what they are."""
        patterns: list[str | None] = [self.permalink, self.id]
        for place in self.within.values():
            patterns += place.permalink, place.id
        return self.addresses == "hugo" and any("{sections" in (each or "") for each in patterns)

    def suffix(self, path: str) -> str:
        """Return the language suffix in the name of a translation, such as `.zh-cn`, or ""."""
        if not self.within:
            return ""
        suffixes = (each[1:] for each in self.within if _TRANSLATION.fullmatch(each))
        return next((each for each in suffixes if _stem(path).endswith(each)), "")

    def excludes(self, path: str) -> bool:
        """Whether the file at `path` is excluded from the articles."""
        if not (self.exclude or self.rendered):  # as in most projects; asked for every file
            return False
        patterns = (*self.exclude, self.built) if self.built else self.exclude
        return any(_is_at(each, path) for each in patterns)


_TRANSLATION = re.compile(r"\*\.[\w-]+")
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _specificity(pattern: str) -> tuple[bool, int]:
    """Return how specific a key of `articles.in` is: more for a translation, then by length."""
    return _TRANSLATION.fullmatch(pattern) is not None, len(pattern)


def _is_at(pattern: str, path: str) -> bool:
    """Whether `pattern` matches `path` or a folder that contains it."""
    if _TRANSLATION.fullmatch(pattern) and _stem(path).endswith(pattern[1:]):
        return True
    return _regex(pattern).match(path) is not None


@lru_cache(256)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./").strip("/"))
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts) + "(?:/|$)")


def _merged(places: list[PlaceSettings]) -> PlaceSettings:
    """Return the first value in `places` of each key."""
    names = PlaceSettings.__struct_fields__
    values = {n: next((v for each in places if (v := getattr(each, n))), None) for n in names}
    return PlaceSettings(**{name: value for name, value in values.items() if value is not None})


class Selection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which articles a feed or digest has: those that match every key given."""

    topics: tuple[str, ...] = ()
    """Only articles with one of these topics; empty: all."""
    tags: tuple[str, ...] = ()
    """Only articles with one of these tags; empty: all."""
    authors: tuple[str, ...] = ()
    """Only articles by one of these authors; empty: all."""
    languages: tuple[str, ...] = ()
    """Only articles in one of these languages; empty: all. `en` includes en-GB."""


class PodcastSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The description of a podcast, by Apple's rules (docs/articles.md)."""

    title: str = ""
    """The name of the show. Defaults to the title of the feed."""
    description: str = ""
    """What it is about. Defaults to the description of the feed."""
    image: str = ""
    """The artwork, a URL or a path: a square JPEG or PNG, 1400 to 3000 pixels wide."""
    categories: tuple[str, ...] = ()
    """Apple's categories: `["Technology", "Leisure > Home & Garden"]`."""
    explicit: bool = False
    """Whether it has explicit language."""
    author: str = ""
    """Who makes it. Defaults to `publication.author`, else to the publication's title."""
    owner: Person | None = None
    """The person that directories write to."""
    type: Literal["episodic", "serial"] = "episodic"
    """`episodic`: newest first; `serial`: to be heard from the first episode on."""
    media_url: Annotated[str, Meta(pattern=r"^(https?://\S+/)?$")] = ""
    """The folder of media files that articles name without a path, such as
    `https://media.example.org/`."""
    complete: bool = False
    """Whether no more episodes will come."""
    block: bool = False
    """Whether directories are to leave it out."""
    new_feed_url: Annotated[str, Meta(pattern=r"^(https?://\S+)?$")] = ""
    """Where the podcast has moved; apps then follow that feed."""
    funding: Annotated[str, Meta(pattern=r"^(https?://\S+)?$")] = ""
    """A page where listeners can support it."""
    locked: bool = False
    """Whether other hosts may not import it."""
    guid: str = ""
    """Its `podcast:guid` at an earlier host. By default made from its URL."""


class NamedFeed(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A feed of selected articles: `[feeds.NAME]`."""

    title: str = ""
    """Its title. Defaults to that of the publication, and NAME."""
    description: str = ""
    """One sentence about it. Defaults to the publication's."""
    formats: tuple[FormatName, ...] = ()
    """Its formats; empty: those of every feed."""
    podcast: PodcastSettings | None = None
    """The description of its podcast. Defaults to `[feeds.podcast]`."""


class FeedSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which feeds are made, and their contents."""

    folder: Annotated[str, Meta(min_length=1)] = "feeds"
    """The output folder."""
    formats: Annotated[tuple[ArticleFormat, ...], Meta(min_length=1)] = ("atom", "rss", "json")
    """The formats of every feed."""
    entries: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """How many of the newest articles a feed holds. With an archive, the main feed also holds the
    rest of its oldest period, so that each article occurs once."""
    content: Literal["full", "summary"] = "full"
    """Whole articles, or only their summaries."""
    by: tuple[Grouping, ...] = ("topics",)
    """Feeds for each topic, tag, author or language, in `topics/SLUG/` and so on."""
    main: Selection = field(default_factory=Selection)
    """What the main feed and its archives have; by default all articles."""
    podcast: PodcastSettings = field(default_factory=PodcastSettings)
    """The podcast, `podcast.xml`. It is made if an article has audio or video, unless a feed of
    selected articles has `formats = ["podcast"]`."""
    named: dict[str, NamedFeed] = field(name=ANY_NAME, default_factory=dict)
    """A feed of selected articles, in the folder NAME of the feeds folder."""
    archive: Literal["month", "year", "none"] = "month"
    """The period of the archives behind the main feed (RFC 5005)."""
    archive_formats: tuple[ArticleFormat, ...] = ()
    """The formats of the archives, out of `formats`; empty: all of them. Archives are most of the
    output, and the readers that use them read Atom."""
    keep_retired_days: Annotated[int, Meta(ge=0, le=3650)] = 90
    """How many days a feed stays after it has ended, with a last entry that says which one to
    follow instead; 0: it is removed at once."""
    hub: Annotated[str, Meta(pattern=r"^(https?://\S+)?$")] = ""
    """The URL of a WebSub hub; empty: none."""
    moved: dict[str, str] = field(default_factory=dict)
    """Where a feed that has ended continues: `"topics/ai/" = "topics/llm/"`, or a URL elsewhere.
    Its last entry links there. Defaults to the feed with most of its articles, else the main
    feed."""

    def podcast_at(self, path: str) -> PodcastSettings:
        """Return the description of the podcast in the folder `path`."""
        named = self.named.get(path.rstrip("/"))
        return (named and named.podcast) or self.podcast

    @property
    def formats_of_archives(self) -> tuple[FeedFormat, ...]:
        """The formats of the archives; their files are written."""
        return tuple(e for e in self.formats if e in (self.archive_formats or self.formats))

    @property
    def main_format(self) -> FeedFormat:
        """The format to link to where a feed has only one link."""
        return main_format(self.formats)


class TopicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names of topics."""

    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other names of a topic: `name = ["other", ...]`. Tags stay as written."""
    known: tuple[str, ...] = ()
    """The known topics; `check` reports any other. Empty: any."""


class CheckSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The severities of the rules of `check`."""

    rules: dict[str, Literal["error", "warn", "off"]] = field(default_factory=dict)
    """The severity of a rule (docs/checks.md): `name = "off"`."""


_HOUR: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
_QUIET: Final = f"^({_HOUR}-{_HOUR})?$"


class DigestSettings(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One newsletter: `[digests.NAME]`."""

    title: Annotated[str, Meta(min_length=1, examples=["The Weekly"])]
    """Its name; the subject of its mail begins with it."""
    renamed_from: tuple[str, ...] = ()
    """The former NAMEs of this digest. It keeps their issues and readers."""
    schedule: Schedule = field(default_factory=lambda: Schedule("0 8 * * MON"))
    """When an issue is made: a cron expression in the publication's time zone; or `per-article`: an
    issue for each article."""
    quiet_hours: Annotated[str, Meta(pattern=_QUIET)] = ""
    """When `per-article` makes no issue, such as `22:00-07:00`; what appears then waits."""
    description: str = ""
    """One sentence about it."""
    language: Language | None = None
    """Its language. Defaults to the publication's."""
    reply_to: Annotated[str, Meta(pattern=r"^(\S+@\S+)?$")] = ""
    """The address that replies go to. Defaults to the sender."""
    content: Literal["summary", "full"] = "summary"
    """What an issue shows of an article: its summary, or all of it."""
    approval: Literal["none", "required"] = "none"
    """`required`: an issue that is due is a draft until `digest --approve NAME/DATE`, or
    `approved: true` in its note, releases it."""
    approval_reminder: Annotated[str, Meta(pattern=r"^(\S+@\S+)?$")] = ""
    """The address that `deliver` reminds, once a day, of each draft that waits for approval."""
    topic_order: tuple[str, ...] = ()
    """The topics whose sections come first, in this order."""
    group_by: Grouping = "topics"
    """What the sections are: topics, tags, authors or languages."""
    group: Literal["shared", "first", "every"] = "shared"
    """`shared`: few, full sections; `first`: each article under its first topic; `every`: under
    each of its topics. The same for the others of `group_by`."""
    missed: Literal["merge", "each", "skip"] = "merge"
    """What to make if ticks were missed: one issue for all of them, one for each, or one for the
    newest only."""
    late_days: Annotated[int, Meta(ge=0, le=36_500)] = 60
    """An article that first appears with a date more than this many days before the issue's period
    is never included."""
    max_bytes: Annotated[int, Meta(ge=20_000)] = 100_000
    """The largest size of the mail's HTML in bytes; Gmail clips at 102 kB."""


Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")]


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The design of all mail."""

    templates: str = "email_templates"
    """The folder of your own templates, which extend or replace Broadsheet's. `broadsheet init
    --templates` writes some to start from."""
    logo: str = ""
    """The image in the masthead: a URL or a path. Defaults to the title, as text."""
    logo_dark: str = ""
    """The image in its place in dark mode. Defaults to `logo`."""
    logo_width: Annotated[int, Meta(ge=16, le=600)] = 160
    """The width of `logo` in pixels."""
    accent: Colour = "#a4361f"
    """The colour of links and lines."""
    accent_dark: Colour = "#f0937d"
    """The same in dark mode."""
    ink: Colour = "#1d2329"
    """The colour of text."""
    paper: Colour = "#f4f2ec"
    """The colour behind the mail."""
    fonts: str = ""
    """Font families, as in CSS. Defaults to the system's, by language."""
    footer: str = ""
    """A line at the foot, such as a postal address (the law may require one)."""
    welcome: bool = True
    """Whether those who confirm a subscription get a welcome mail."""


def _ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


class DomainLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits for mail to one domain."""

    rate: Annotated[float, Meta(ge=0)] = 0.0
    """The maximum number of messages a second, by all processes together; 0: no limit."""
    connections: Annotated[int, Meta(ge=0)] = 0
    """The maximum number of messages at once; 0: no limit."""


class WarmUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit for each day that grows."""

    begins: date | None = None
    """The first day; without one, there is no such limit."""
    first_day: Annotated[int, Meta(ge=1)] = 200
    """The maximum number of messages on the first day, by all processes together."""
    growth: Annotated[float, Meta(ge=1, le=10)] = 1.5
    """How much the limit grows from one day to the next: 1.5 is half as many again."""
    until: Annotated[int, Meta(ge=1)] = 100_000
    """Once the limit is this high, the warm-up is over and there is none."""

    def limit(self, day: date) -> int | None:
        """Return how many messages may be sent on `day`; None for any number."""
        if self.begins is None:
            return None
        days = min(max(0, (day - self.begins).days), 300)
        limit = self.first_day * self.growth**days
        return None if limit >= self.until else int(limit)


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How mail is sent."""

    sender: str = ""
    """The From of every mail: `Name <address>`. Defaults to the publication's title and its
    author's address."""
    service_url: BaseUrl | None = None
    """The URL of `broadsheet serve`; unsubscribe links lead there."""
    transport: TransportName = "smtp"
    """How mail is sent: `smtp`, through the server that `delivery.smtp` names, or `resend`, through
    the HTTP API of Resend, with the key in BROADSHEET_RESEND_KEY."""
    smtp: SmtpUrl = field(default_factory=lambda: SmtpUrl("smtp://localhost:25"))
    """The mail server: `smtp://host:port`, or `smtps://` for TLS from the start. User and password
    come from the environment."""
    resend_url: Url = field(default_factory=lambda: Url("https://api.resend.com/"))
    """The URL of the API, for `resend`."""
    starttls: Literal["required", "if offered", "never"] = "required"
    """Whether the connection is encrypted; certificates are always checked. `never` is only allowed
    for a server on this machine."""
    database: Annotated[str, Meta(min_length=1)] = "sqlite:///broadsheet.db"
    """The database of subscribers and deliveries: an SQLAlchemy URL without a password; a relative
    SQLite path starts at the folder of broadsheet.toml."""
    connections: Annotated[int, Meta(ge=1, le=100)] = 4
    """The maximum number of connections of one run to the mail server."""
    messages_per_connection: Annotated[int, Meta(ge=0)] = 0
    """The maximum number of messages over one connection; 0: no limit."""
    rate: Annotated[float, Meta(ge=0)] = 50.0
    """The maximum number of messages a second, by all processes together; 0: no limit."""
    domains: dict[str, DomainLimits] = field(default_factory=dict)
    """Limits for mail to one domain, beside those for all mail."""
    warm_up: WarmUp = field(default_factory=WarmUp)
    """A limit for each day that grows, for a new sender whose reputation must grow too."""
    timeout: Annotated[int, Meta(ge=1, le=3600)] = 300
    """How many seconds to wait for each reply of the mail server."""
    in_doubt: Literal["resend", "hold"] = "resend"
    """What to do with a mail whose acceptance the server did not confirm: send it again with the
    same Message-ID, or hold it."""
    retry_wait: Annotated[int, Meta(ge=1, le=604_800)] = 300
    """Seconds until a mail that the server deferred is tried again; each further wait is about
    twice as long, up to six hours."""
    retry_days: Annotated[int, Meta(ge=0, le=3650)] = 4
    """How many days a deferred mail is tried again before it has failed."""
    fresh_days: Annotated[int, Meta(ge=1, le=36_500)] = 7
    """An issue older than this is not sent unless `--issue` names it."""
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    """How many days after the delivery of an issue is done its rows in the ledger (who got it) are
    deleted; the counts stay. A correction of such an issue reaches no one. 0: keep them."""
    bounce_address: str = ""
    """Where bounces go (the envelope sender). Defaults to the sender."""
    verp: bool = False
    """Whether each mail has its own envelope sender, `name+token@domain`, which identifies the
    subscriber in every bounce."""
    dkim_key: str = ""
    """The file of the private key that signs mail (DKIM): PEM, RSA or Ed25519. Without one,
    Broadsheet does not sign; the mail server may."""
    dkim_selector: str = "broadsheet"
    """The selector of the public key in the DNS."""
    dkim_domain: str = ""
    """The signing domain. Defaults to the sender's."""

    @property
    def limited_domains(self) -> dict[str, DomainLimits]:
        """The limits by domain, in lower case and IDNA form."""
        return {_ascii(name.lower()): limits for name, limits in self.domains.items()}

    @property
    def subscribe_url(self) -> str:
        """The URL of the form for new subscribers; "" without a service."""
        return f"{self.service_url}subscribe" if self.service_url else ""


class PublishSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the feeds folder is copied to, and what is notified."""

    to: DestinationAddress | None = None
    """The destination: a folder, `s3://bucket/path`, `sftp://user@host/path`,
    `git:REMOTE#BRANCH:FOLDER`, or the URL of another fsspec file system (docs/publishing.md).
    Passwords and keys come from the environment."""
    max_age: Annotated[int, Meta(ge=0, le=31_536_000)] = 600
    """How many seconds a cache may keep a file, at destinations that store headers (S3)."""
    archive_max_age: Annotated[int, Meta(ge=0, le=31_536_000)] = 86_400
    """The same for the archives."""
    webhooks: tuple[Url, ...] = ()
    """The URLs that are notified of what was published (docs/publishing.md), in requests signed
    with BROADSHEET_WEBHOOK_SECRET."""
    wait: Annotated[int, Meta(ge=0, le=3600)] = 120
    """How many seconds to wait until the URL of a feed serves what was published, before the hub
    (`feeds.hub`) is notified; 0: notify it at once."""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of broadsheet.toml."""

    publication: Publication
    """The publication."""
    articles: ArticleSettings = field(default_factory=ArticleSettings)
    """Where the articles are, and how they are read."""
    feeds: FeedSettings = field(default_factory=FeedSettings)
    """Which feeds are made, and what is in them."""
    digests: dict[str, DigestSettings] = field(default_factory=dict)
    """A newsletter; NAME is also the name of its folder."""
    topics: TopicSettings = field(default_factory=TopicSettings)
    """The names of topics."""
    checks: CheckSettings = field(default_factory=CheckSettings)
    """The severity of each rule of `check`."""
    mail: MailSettings = field(default_factory=MailSettings)
    """The design of all mail."""
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    """How mail is sent, and by whom."""
    publish: PublishSettings = field(default_factory=PublishSettings)
    """Where `publish` copies the feeds folder to, and what it notifies."""

    @property
    def renamed(self) -> dict[str, str]:
        """Former name of a digest -> its current name."""
        return {old: new for new, digest in self.digests.items() for old in digest.renamed_from}

    def names(self, digest: str) -> tuple[str, ...]:
        """Return the current name of a digest, then its former names. digest: any of them."""
        name = self.renamed.get(digest, digest)
        return (name, *(self.digests[name].renamed_from if name in self.digests else ()))

    def refuse_unknown(self, names: Iterable[str], *, renamed: bool = False) -> None:
        """Raise UsageError if the config has no digest of one of the `names`.

        renamed: whether a digest may also be called by a name that it had before.
        """
        known = self.digests.keys() | (self.renamed.keys() if renamed else ())
        if unknown := [name for name in names if name not in known]:
            what = f"unknown digest {unknown[0]!r}"
            raise UsageError(Problem(what, f"the config has: {', '.join(self.digests) or 'none'}"))

    def digest(self, name: str) -> DigestSettings:
        """Return the digest with this current or former name. Raises KeyError if unknown."""
        return self.digests[self.renamed.get(name, name)]
