"""Every key of broadsheet.toml, as types that cannot have an invalid value.

The types are the only source: `storage.config` reads the file with them; `reference` makes the
documentation, the JSON Schema and the starter file from their descriptions and defaults.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct, field

import broadsheet
from broadsheet.model.publication import BaseUrl, Language, Publication
from broadsheet.model.values import Permalink, Schedule, ShortcodeTemplate, SmtpUrl

FeedFormat = Literal["atom", "rss", "json"]


class FormatFiles(NamedTuple):
    """What is known of a feed format wherever a feed is linked to.

    media_type: RFC 4287, section 7; rssboard.org; jsonfeed.org.
    """

    label: str
    file: str
    media_type: str


FEED_FORMATS: Final[dict[FeedFormat, FormatFiles]] = {
    "atom": FormatFiles("Atom", "atom.xml", "application/atom+xml"),
    "rss": FormatFiles("RSS", "rss.xml", "application/rss+xml"),
    "json": FormatFiles("JSON", "feed.json", "application/feed+json"),
}
"""Every format, the most widely read one first; feeds/formats/ has a module for each."""

Grouping = Literal["topics", "tags"]


def _modules(folder: str) -> tuple[str, ...]:
    """Return the names of the public modules in a folder of the package; imports none of them."""
    found = iter_modules([f"{broadsheet.__path__[0]}/{folder}"])
    return tuple(sorted(each.name for each in found if not each.name.startswith("_")))


if TYPE_CHECKING:
    DialectName = str
    TransportName = str
else:
    DialectName = Literal[tuple(name.replace("_", "-") for name in _modules("markup/dialects"))]
    TransportName = Literal[_modules("delivery/transports")]
"""The names that `markup.dialect` and `delivery.transports.transport` take."""

# fmt: off
MarkdownExtension = Literal[
    "abbreviations", "alerts", "attributes", "comments", "containers", "definitions", "emoji",
    "indented-text", "inline-notes", "kramdown", "mark", "math", "math-blocks", "single-tildes",
    "smart", "toc", "wikilinks",
]
"""The keys of `markup.dialects.EXTENSIONS`."""


AddressStyle = Literal[
    "plain", "astro", "docusaurus", "eleventy", "hexo", "hugo", "jekyll", "mkdocs", "nikola",
    "pelican",
    "vuepress", "zola",
]
"""The keys of `articles.styles.STYLES`."""

TitleSource = Literal["heading", "filename", "text"]

ArticleField = Literal[
    "title", "date", "updated", "publish", "expires", "topics", "tags", "summary", "image",
    "image_alt", "authors", "address", "slug", "language", "id", "aliases",
]
"""What a field of the front matter can be, as `articles.fields` names it."""
# fmt: on


class PlaceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs for the articles of a folder, or for translations."""

    permalink: Annotated[
        Permalink | None, Meta(description="The address pattern of these articles.")
    ] = None
    id: Annotated[Permalink | None, Meta(description="The pattern of their ids.")] = None
    prefix: Annotated[
        str, Meta(description="What all their addresses begin with, such as `/zh/`.")
    ] = ""
    language: Annotated[
        Language | None, Meta(description="The language of those that name none (BCP 47).")
    ] = None
    markdown: Annotated[DialectName | None, Meta(description="The dialect of these articles.")] = (
        None
    )


class ArticleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the articles are, and their URLs."""

    folders: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="The folders that hold the articles, searched throughout."),
    ] = ("content",)
    permalink: Annotated[
        Permalink,
        Meta(
            description="The address of an article under `publication.url`, of {year} {month} "
            "{day} {slug} {filename} {slug_or_filename} {section} {path} {title}."
        ),
    ] = field(default_factory=lambda: Permalink("/posts/{slug}/"))
    id: Annotated[
        Permalink | None,
        Meta(
            description="The same for ids, under `publication.id_base`, where the ids of an "
            "earlier feed were not the addresses. Not given: `permalink`."
        ),
    ] = None
    lowercase: Annotated[
        bool, Meta(description="Whether addresses made from file names are lower case.")
    ] = True
    addresses: Annotated[
        AddressStyle,
        Meta(
            description="Whose rules addresses follow for punctuation, accents and "
            "dates in file names, slugs and titles. `plain`: only spaces become hyphens."
        ),
    ] = "plain"
    within: Annotated[
        dict[str, PlaceSettings],
        Meta(
            description='What differs for some articles: `"content/zh"` are those of a folder, '
            '`"**/_posts"` those of folders by a pattern, `"*.zh-cn"` the files `name.zh-cn.md`. '
            "Of several that give a key, the longest counts."
        ),
    ] = field(name="in", default_factory=dict)
    exclude: Annotated[
        tuple[str, ...],
        Meta(description='Files and folders that hold no articles: `"posts/index.md"`, `"**/x"`.'),
    ] = ()
    fields: Annotated[
        dict[ArticleField, str],
        Meta(
            description='Names of your own for fields of the front matter: `title = "newstitle"`, '
            '`image = "params.hero"`. They come before the built-in names (docs/articles.md).'
        ),
    ] = field(default_factory=dict)
    title_from: Annotated[
        tuple[TitleSource, ...],
        Meta(
            description="Where the title comes from if the front matter has none, best first: the "
            "first `heading`, the `filename`, or the beginning of the `text`. If set, files "
            "without front matter can be articles. Not given: a title is required."
        ),
    ] = ()
    assets: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders whose content lies at the root of the web site; images are "
            "looked up there."
        ),
    ] = ("static",)
    public: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="Values of a field that make an article public although Broadsheet does "
            'not know them or would keep it out: `status = ["reading"]`; `"*"` is any value.'
        ),
    ] = field(default_factory=dict)
    markdown: Annotated[
        DialectName | None,
        Meta(
            description="The Markdown dialect of the articles: that of the site's generator, or "
            "`commonmark` or `python-markdown`. Not given: `python-markdown`."
        ),
    ] = None
    markdown_extensions: Annotated[
        dict[MarkdownExtension, bool],
        Meta(
            description="Extensions that the site adds to its dialect or switches off: "
            "`emoji = true`, `smart = false` (docs/articles.md)."
        ),
    ] = field(default_factory=dict)

    shortcodes: Annotated[
        dict[str, ShortcodeTemplate],
        Meta(
            description='Replacements for your own template tags: `name = "Markdown or HTML"`, '
            "with arguments in braces: `{src}` by name, `{0}` by position, `{inner}` for the text "
            "between a pair of tags. They apply to shortcodes of Hugo and Zola, tags and includes "
            "of Liquid, and components of MDX (docs/articles.md)."
        ),
    ] = field(default_factory=dict)

    def dialect_of(self, path: str) -> str:
        """Return the dialect of the file at `path`, as `markup.dialect` takes it.

        It includes a hash of `shortcodes`, so that articles are rendered again when they change.
        """
        is_html = path.lower().endswith((".html", ".htm"))
        return self._dialect("html" if is_html else self.place(path).markdown)

    def _dialect(self, name: str | None) -> str:
        changes = (("+" if on else "-") + each for each, on in self.markdown_extensions.items())
        own = sha256(repr(sorted(self.shortcodes.items())).encode()).hexdigest()
        hashes = ["#" + own] if self.shortcodes else []
        return " ".join([name or "python-markdown", *sorted(changes), *hashes])

    def place(self, path: str) -> PlaceSettings:
        """Return what holds for the file at `path`: its places, the most exact first, then all."""
        places = [PlaceSettings(permalink=self.permalink, id=self.id, markdown=self.markdown)]
        if self.within:
            ours = (each for each in self.within if _is_at(each, path))
            places = [
                *(self.within[each] for each in sorted(ours, key=_exactness, reverse=True)),
                *places,
            ]
        return places[0] if len(places) == 1 else _merged(places)

    def suffix(self, path: str) -> str:
        """Return what a translation has before the ending of its name, such as `.zh-cn`, or ""."""
        suffixes = (each[1:] for each in self.within if _TRANSLATION.fullmatch(each))
        return next((each for each in suffixes if _stem(path).endswith(each)), "")

    def excludes(self, path: str) -> bool:
        """Whether the file at `path` is excluded from the articles."""
        return bool(self.exclude) and any(_is_at(each, path) for each in self.exclude)


_TRANSLATION = re.compile(r"\*\.[\w-]+")
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _exactness(pattern: str) -> tuple[bool, int]:
    """Return how exact a key of `articles.in` is; a translation's name counts most."""
    return _TRANSLATION.fullmatch(pattern) is not None, len(pattern)


def _is_at(pattern: str, path: str) -> bool:
    """Whether `path` is what `pattern` names, or is in a folder that it names."""
    if _TRANSLATION.fullmatch(pattern) and _stem(path).endswith(pattern[1:]):
        return True
    return _regex(pattern).match(path) is not None


@lru_cache(256)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./").strip("/"))
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts) + "(?:/|$)")


def _merged(places: list[PlaceSettings]) -> PlaceSettings:
    """Return the first value that `places` give for each key."""
    names = PlaceSettings.__struct_fields__
    values = {n: next((v for each in places if (v := getattr(each, n))), None) for n in names}
    return PlaceSettings(**{name: value for name, value in values.items() if value is not None})


class FeedSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which feeds are made, and their contents."""

    folder: Annotated[str, Meta(min_length=1, description="The folder that is written.")] = "feeds"
    formats: Annotated[
        tuple[FeedFormat, ...], Meta(min_length=1, description="The formats of every feed.")
    ] = ("atom", "rss", "json")
    entries: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="How many of the newest articles a feed holds. With an archive the main "
            "feed also holds the rest of its oldest period, so that each article stands once.",
        ),
    ] = 20
    content: Annotated[
        Literal["full", "summary"], Meta(description="Whole articles, or only their summaries.")
    ] = "full"
    by: Annotated[tuple[Grouping, ...], Meta(description="Feeds for each topic, for each tag.")] = (
        "topics",
    )
    archive: Annotated[
        Literal["month", "year", "none"],
        Meta(description="The period of the archives behind the main feed (RFC 5005)."),
    ] = "month"
    archive_formats: Annotated[
        tuple[FeedFormat, ...],
        Meta(
            description="The formats of the archives, among `formats`; empty: all of them. "
            "Archives are most of the output, and the readers that follow them read Atom."
        ),
    ] = ()
    keep_retired_days: Annotated[
        int,
        Meta(
            ge=0,
            le=3650,
            description="The number of days that a feed stays after it has ended, with a last "
            "entry that says which one to follow instead; 0: it is removed at once.",
        ),
    ] = 90
    hub: Annotated[
        str,
        Meta(pattern=r"^(https?://\S+)?$", description="The address of a WebSub hub; empty: none."),
    ] = ""

    def formats_of(self, kind: str) -> tuple[FeedFormat, ...]:
        """Return the formats of a feed, by its kind: `archive` or another."""
        if kind != "archive" or not self.archive_formats:
            return self.formats
        return tuple(each for each in self.formats if each in self.archive_formats)

    @property
    def main_format(self) -> FeedFormat:
        """The format to link to if there is only one link to a feed; its file is written."""
        return next(each for each in FEED_FORMATS if each in self.formats)


class TopicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The names of topics."""

    aliases: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="Other names of a topic: `name = [others]`. Tags stay as written."),
    ] = field(default_factory=dict)
    known: Annotated[
        tuple[str, ...],
        Meta(description="The known topics; `check` reports any other. Empty: any."),
    ] = ()


class CheckSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The severities of the rules of `check`."""

    rules: Annotated[
        dict[str, Literal["error", "warn", "off"]],
        Meta(description='The severity of a rule (docs/checks.md): `name = "off"`.'),
    ] = field(default_factory=dict)


class DigestSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One newsletter: `[digests.NAME]`."""

    title: Annotated[
        str,
        Meta(
            min_length=1,
            description="Its name; the subject begins with it.",
            examples=["The Weekly"],
        ),
    ]
    renamed_from: Annotated[
        tuple[str, ...],
        Meta(
            description="Every NAME that this digest had before. It keeps their issues and readers."
        ),
    ] = ()
    schedule: Annotated[
        Schedule,
        Meta(
            description="When an issue is made: a cron expression in the publication's time zone."
        ),
    ] = field(default_factory=lambda: Schedule("0 8 * * MON"))
    description: Annotated[str, Meta(description="One sentence on what it brings.")] = ""
    language: Annotated[
        Language | None, Meta(description="Its language. Not given: the publication's.")
    ] = None
    topics: Annotated[
        tuple[str, ...], Meta(description="Only articles with one of these topics; empty: all.")
    ] = ()
    tags: Annotated[
        tuple[str, ...], Meta(description="Only articles with one of these tags; empty: all.")
    ] = ()
    languages: Annotated[
        tuple[str, ...],
        Meta(description="Only articles in one of these languages; empty: all. `en` is en-GB too."),
    ] = ()
    topic_order: Annotated[
        tuple[str, ...], Meta(description="The sections that come first, in this order.")
    ] = ()
    group: Annotated[
        Literal["shared", "first", "every"],
        Meta(
            description="`shared`: few, full sections; `first`: each article under its first "
            "topic; `every`: under each of its topics."
        ),
    ] = "shared"
    missed: Annotated[
        Literal["merge", "each", "skip"],
        Meta(
            description="After ticks that no run saw: one issue for all, one issue each, or only "
            "the newest period's."
        ),
    ] = "merge"
    late_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36_500,
            description="An article that first appears dated more days than this before the "
            "window never enters.",
        ),
    ] = 60
    max_bytes: Annotated[
        int,
        Meta(ge=20_000, description="The most bytes of the mail's HTML; Gmail clips at 102 kB."),
    ] = 100_000


Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")]


class MailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the mail of every digest looks."""

    templates: Annotated[
        str,
        Meta(
            description="A folder of your own templates, which extend or replace those that ship "
            "with Broadsheet. `broadsheet init --templates` writes a start."
        ),
    ] = "email_templates"
    logo: Annotated[
        str, Meta(description="The masthead's image: an address or a path. Not given: the title.")
    ] = ""
    logo_width: Annotated[int, Meta(ge=16, le=600, description="Its width in pixels.")] = 160
    accent: Annotated[Colour, Meta(description="The colour of links and rules.")] = "#a4361f"
    accent_dark: Annotated[Colour, Meta(description="The same in dark mode.")] = "#f0937d"
    ink: Annotated[Colour, Meta(description="The colour of text.")] = "#1d2329"
    paper: Annotated[Colour, Meta(description="The colour behind the mail.")] = "#f4f2ec"
    fonts: Annotated[
        str,
        Meta(description="Font families, as in CSS. Not given: the system's, by language."),
    ] = ""
    footer: Annotated[
        str, Meta(description="A line at the foot, such as a postal address (the law may want it).")
    ] = ""


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who sends the mail, through which server, and how fast."""

    sender: Annotated[
        str,
        Meta(
            description="The From of every mail: `Name <address>`. Not given: the publication's "
            "title, and its author's address."
        ),
    ] = ""
    service_url: Annotated[
        BaseUrl | None,
        Meta(description="Where `broadsheet serve` answers; unsubscribe links lead there."),
    ] = None
    transport: Annotated[
        TransportName,
        Meta(
            description="How mail is sent: `smtp`, through the server that `delivery.smtp` names."
        ),
    ] = "smtp"
    smtp: Annotated[
        SmtpUrl,
        Meta(
            description="The mail server: `smtp://host:port`; `smtps://`: TLS from the start. "
            "User and password come from the environment."
        ),
    ] = field(default_factory=lambda: SmtpUrl("smtp://localhost:25"))
    starttls: Annotated[
        Literal["required", "if offered", "never"],
        Meta(
            description="Whether the connection is encrypted; certificates are always checked. "
            "`never` only for a server on this machine."
        ),
    ] = "required"
    database: Annotated[
        str,
        Meta(
            min_length=1,
            description="The subscribers and the ledger: an SQLAlchemy URL without a password; a "
            "relative SQLite path starts at broadsheet.toml.",
        ),
    ] = "sqlite:///broadsheet.db"
    connections: Annotated[
        int, Meta(ge=1, le=100, description="The most connections of one run to the mail server.")
    ] = 4
    messages_per_connection: Annotated[
        int,
        Meta(ge=0, description="How many messages go over a connection before a new one; 0: all."),
    ] = 0
    rate: Annotated[
        float,
        Meta(ge=0, description="The most messages a second, over all processes; 0: no limit."),
    ] = 50.0
    timeout: Annotated[
        int,
        Meta(ge=1, le=3600, description="How many seconds the mail server has for each answer."),
    ] = 300
    in_doubt: Annotated[
        Literal["resend", "hold"],
        Meta(
            description="A mail whose acceptance the server did not confirm: send it again, with "
            "the same Message-ID, or hold it."
        ),
    ] = "resend"
    retry_wait: Annotated[
        int,
        Meta(
            ge=1,
            le=604_800,
            description="Seconds until a mail that the server put off is tried again; each "
            "further wait is about twice as long, up to six hours.",
        ),
    ] = 300
    retry_days: Annotated[
        int, Meta(ge=0, le=3650, description="After so many days of this the mail has failed.")
    ] = 4
    fresh_days: Annotated[
        int,
        Meta(
            ge=1,
            le=36_500,
            description="An issue older than this is not sent unless `--issue` names it.",
        ),
    ] = 7
    bounce_address: Annotated[
        str,
        Meta(description="Where bounces go (the envelope sender). Not given: the sender."),
    ] = ""
    verp: Annotated[
        bool,
        Meta(
            description="Whether each mail has an envelope sender of its own, `name+mark@domain`, "
            "so that every bounce can be told."
        ),
    ] = False
    dkim_key: Annotated[
        str,
        Meta(
            description="The file of the private key that signs the mail (DKIM), PEM, RSA or "
            "Ed25519. Not given: Broadsheet does not sign; the mail server may."
        ),
    ] = ""
    dkim_selector: Annotated[
        str, Meta(description="The selector under which DNS has the public key.")
    ] = "broadsheet"
    dkim_domain: Annotated[
        str, Meta(description="The domain that signs. Not given: that of the sender.")
    ] = ""


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of broadsheet.toml."""

    publication: Annotated[Publication, Meta(description="Who publishes.")]
    articles: Annotated[ArticleSettings, Meta(description="Where the articles are.")] = field(
        default_factory=ArticleSettings
    )
    feeds: Annotated[FeedSettings, Meta(description="What subscribers get.")] = field(
        default_factory=FeedSettings
    )
    digests: Annotated[
        dict[str, DigestSettings], Meta(description="Newsletters, each by its name.")
    ] = field(default_factory=dict)
    topics: Annotated[TopicSettings, Meta(description="What topics are called.")] = field(
        default_factory=TopicSettings
    )
    checks: Annotated[CheckSettings, Meta(description="What `check` reports.")] = field(
        default_factory=CheckSettings
    )
    mail: Annotated[MailSettings, Meta(description="How the mail looks.")] = field(
        default_factory=MailSettings
    )
    delivery: Annotated[DeliverySettings, Meta(description="Who sends the mail.")] = field(
        default_factory=DeliverySettings
    )

    @property
    def renamed(self) -> dict[str, str]:
        """Former name of a digest -> its present name."""
        return {old: new for new, digest in self.digests.items() for old in digest.renamed_from}

    def names(self, digest: str) -> tuple[str, ...]:
        """The present name of a digest and all its former names. digest: any of them."""
        name = self.renamed.get(digest, digest)
        return (name, *(self.digests[name].renamed_from if name in self.digests else ()))

    def digest(self, name: str) -> DigestSettings:
        """The digest that has or had this name. Raises KeyError if there is none."""
        return self.digests[self.renamed.get(name, name)]
