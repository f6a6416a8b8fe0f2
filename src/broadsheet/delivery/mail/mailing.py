"""The mail of an issue whose delivery has begun: its variants, and each subscriber's copy.

Subscribers who want the whole issue get its mail as issued. A variant has the sections that a
reader wants, with texts in the reader's language. It is laid out from issue contexts, which are
made when the delivery begins and stored with the ledger. They match the issue's record: an article
that was edited or removed since has only its title and URL (docs/decisions/0010).
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace as with_fields
from typing import Final

import msgspec
from msgspec.structs import replace

from broadsheet.articles.entries import Entry
from broadsheet.articles.topics import topic_key
from broadsheet.delivery.claims import Claim
from broadsheet.delivery.issues import Begun
from broadsheet.delivery.mail.template import Envelope, MailTemplate, Recipient, reader_key
from broadsheet.delivery.tokens import unsubscribe_mail, unsubscribe_url
from broadsheet.digests.context import ArticleContext, IssueContext, issue_context, with_sections
from broadsheet.digests.issue import Issue, IssuedArticle, IssueNote
from broadsheet.digests.message import letterhead, message_bodies, mime_message, readdressed
from broadsheet.digests.sender import mail_sender, opt_out
from broadsheet.errors import DeliveryError
from broadsheet.i18n import catalogue, languages
from broadsheet.model.settings import Settings

_MOST_TEMPLATES: Final = 64  # in memory, of a few hundred kilobytes each
_REMAKE: Final = "then remove the folder of this issue and run `broadsheet digest` to make it again"


class Contexts(msgspec.Struct, frozen=True):
    """What variants are laid out from.

    language: the digest's own, a key of `contexts`. sections: the topic of each; "" for none.
    whole: whether all articles are as issued. contexts: by language; only
    the digest's own has the whole texts of articles.
    """

    language: str
    sections: tuple[str, ...]
    whole: bool
    contexts: dict[str, IssueContext]


class Variant(msgspec.Struct, frozen=True):
    """A variant of an issue. places: the indexes of its sections."""

    language: str
    places: tuple[int, ...]


ISSUED: Final = Variant("", ())
"""The mail as it was issued."""


def contexts(
    issue: Issue, entries: Mapping[str, Entry], settings: Settings, readers: Collection[str]
) -> str:
    """Return the `Contexts` of `issue` as JSON. entries: of its unchanged articles, by id.

    readers: the languages of its readers; those of whom we have no texts get the digest's own.
    """
    digest = settings.digest(issue.digest)
    own = digest.language or settings.publication.language
    missing = {placed.url for placed in issue.articles if placed.id not in entries}
    known = {
        placed.id: entries.get(placed.id) or _recorded(placed, issue, str(own))
        for placed in issue.articles
    }
    made = {}
    others = {catalogue(each) for each in readers} & {*languages()} - {catalogue(own)}
    for tag in (str(own), *sorted(others)):
        framed = replace(digest, language=tag)
        rest = (settings.mail, settings.delivery, settings.feeds)
        context = issue_context(issue, known, settings.publication, framed, *rest)
        context = _each_article(context, lambda s: _titled(s) if s.url in missing else s)
        made[tag] = context if tag == own else _each_article(context, _without_content)
    sections = tuple(section.topic for section in issue.sections)
    stored = Contexts(language=str(own), sections=sections, whole=not missing, contexts=made)
    return msgspec.json.encode(stored, enc_hook=str).decode()  # URLs are subclasses of str


class Variants:
    """The messages of an issue's variants, laid out when needed."""

    def __init__(
        self,
        mail: bytes,
        stored: str,
        settings: Settings,
        digest: str,
        templates: Mapping[str, str],
    ) -> None:
        """mail: as issued. stored: from `contexts`. templates: the user's own, by name."""
        self._mail = mail
        self._stored = msgspec.json.decode(stored, type=Contexts)
        self._max_bytes = settings.digest(digest).max_bytes
        self._templates = templates
        self._aliases = {
            topic_key(other): topic_key(name)
            for name, others in settings.topics.aliases.items()
            for other in others
        }
        self._topics = [topic_key(topic) for topic in self._stored.sections]
        self._sender = mail_sender(settings.publication, settings.delivery)
        self._subscribe = settings.delivery.subscribe_url
        self._opt_out = opt_out(self._sender, settings.delivery)

    @property
    def editor(self) -> IssueNote:
        """What the editor's note says."""
        return self._stored.contexts[self._stored.language].editor

    def variant(self, topics: tuple[str, ...], language: str) -> Variant | None:
        """Return the variant for readers of `topics` in `language`; None if it is empty."""
        places = self._places(topics) if topics else None
        if places == ():
            return None
        frame = self._frame(language)
        is_whole = places is None or len(places) == len(self._topics)
        if is_whole and (frame == self._stored.language or not self._stored.whole):
            return ISSUED
        return Variant(frame, tuple(range(len(self._topics))) if places is None else places)

    def message(self, variant: Variant) -> bytes:
        """Return the message of `variant`. Raises TemplateError."""
        if variant == ISSUED:
            return self._mail
        # Both bring Jinja and lxml, which runs that lay out no mail do without.
        from broadsheet.digests.fitting import fit_mail
        from broadsheet.digests.rendered import mail_text

        context = self._context(variant.language)
        # From the current config, not the one when the delivery began.
        urls = replace(context.urls, subscribe=self._subscribe)
        current = replace(context, sender=self._sender, opt_out=self._opt_out, urls=urls)
        wanted = with_sections(current, variant.places)
        fitting, html = fit_mail(wanted, self._templates, self._max_bytes)
        numbers = itertools.count(1)  # the text part numbers its links
        numbered = _each_article(wanted, lambda each: replace(each, number=next(numbers)))
        return mime_message(fitting, html, mail_text(numbered, self._templates))

    def _context(self, language: str) -> IssueContext:
        own, context = (self._stored.contexts[each] for each in (self._stored.language, language))
        bodies = {each.url: each.content for each in own.articles}
        return _each_article(context, lambda s: replace(s, content=bodies[s.url]))

    def _places(self, topics: tuple[str, ...]) -> tuple[int, ...]:
        """Return the indexes of the sections for readers of `topics`."""
        wanted = {self._aliases.get(topic_key(topic), topic_key(topic)) for topic in topics}
        return tuple(place for place, topic in enumerate(self._topics) if topic in wanted)

    def _frame(self, language: str) -> str:
        """Return the language of the texts around the articles."""
        own = self._stored.language
        wanted = catalogue(language)
        return wanted if wanted in self._stored.contexts and wanted != catalogue(own) else own


class Mailing:
    """The mail of one issue, for each subscriber."""

    def __init__(
        self, begun: Begun, settings: Settings, templates: Mapping[str, str], envelope: Envelope
    ) -> None:
        """templates: the user's own, name -> text. Raises ConfigError for an invalid sender."""
        self.begun = begun
        self._checked: set[Variant] = set()
        self._envelope = envelope
        self._variants = Variants(begun.mail, begun.contexts, settings, begun.digest, templates)
        reply_to = self._variants.editor.reply_to
        self._head = letterhead(begun.digest, begun.key, settings, reply_to)
        service = settings.delivery.service_url
        self._service = service if service and envelope.tokens else None
        self._templates: OrderedDict[Variant, MailTemplate] = OrderedDict()

    def unwanted(self, topics: tuple[str, ...], language: str) -> bool:
        """Whether the issue has nothing for readers of these topics."""
        return self._variants.variant(topics, language) is None

    def mail(self, claim: Claim) -> bytes:
        """Return the message for the subscriber of `claim`.

        Raises TemplateError, and DeliveryError if it shows no unsubscribe link.
        """
        variant = self._variants.variant(claim.topics, claim.language) or ISSUED
        return self.copy(claim.address, claim.name, claim.subscriber, variant)

    def copy(
        self, address: str, name: str, subscriber: int | None, variant: Variant = ISSUED
    ) -> bytes:
        """Return the message for a subscriber (id); if None, the one with the shared links.

        Raises TemplateError, and DeliveryError if it shows no unsubscribe link.
        """
        template = self._template(variant)
        page = mail = ""
        if self._envelope.tokens and subscriber is not None:
            token = self._envelope.tokens.unsubscribe(subscriber, self.begun.digest)
            page = unsubscribe_url(self._service, token) if self._service else ""
            mail = unsubscribe_mail(self._envelope.sender, token)
        reader = reader_key(template.message_id, subscriber or 0)
        made = template.fill(Recipient(address, name, reader, page, mail))
        if variant not in self._checked:
            self._check(made, variant, page)
            self._checked.add(variant)
        return made

    def check(self, preferences: Iterable[tuple[tuple[str, ...], str]]) -> None:
        """Make a copy for each of these `preferences` (topics and language).

        Raises TemplateError, and DeliveryError if a mail shows no unsubscribe link.
        """
        wanted = {self._variants.variant(topics, language) for topics, language in preferences}
        for variant in sorted(filter(None, wanted), key=lambda each: (each.language, each.places)):
            self.copy("reader@example.org", "", 0, variant)

    def envelope_sender(self, subscriber: int) -> str:
        """Return the envelope sender of a subscriber's copy; with VERP, it identifies both."""
        address, tokens = self._envelope.sender, self._envelope.tokens
        if not self._envelope.verp or tokens is None:
            return address
        name, _, domain = address.rpartition("@")
        return f"{name}+{tokens.bounce(subscriber, self.begun.id)}@{domain}"

    def _check(self, mail: bytes, variant: Variant, page: str) -> None:
        from broadsheet.digests.unsubscribe_link import unsubscribe_problems  # brings lxml

        ways = (page or self._head.opt_out.page, self._head.opt_out.mail)
        if problems := unsubscribe_problems(*message_bodies(mail), ways):
            name = f"{self.begun.digest}/{self.begun.key}"
            more = f"; {_REMAKE}" if variant == ISSUED and any(ways) else ""
            raise DeliveryError(
                *(with_fields(each, path=name, todo=each.todo + more) for each in problems)
            )

    def _template(self, variant: Variant) -> MailTemplate:
        if variant in self._templates:
            self._templates.move_to_end(variant)
            return self._templates[variant]
        page = unsubscribe_url(self._service, "") if self._service else ""
        mail = readdressed(self._variants.message(variant), self._head)
        template = MailTemplate(mail, self.begun.begun, page, self._envelope.signer)
        self._templates[variant] = template
        while len(self._templates) > _MOST_TEMPLATES:
            self._templates.popitem(last=False)
        return template


def _each_article(
    context: IssueContext, change: Callable[[ArticleContext], ArticleContext]
) -> IssueContext:
    """Return `context` with every article changed, in order."""
    sections = (
        replace(section, articles=tuple(change(each) for each in section.articles))
        for section in context.sections
    )
    return replace(context, sections=tuple(sections))


def _without_content(article: ArticleContext) -> ArticleContext:
    """Return `article` without its text, which is the same in all languages."""
    return replace(article, content="")


def _titled(article: ArticleContext) -> ArticleContext:
    """Return `article` with its title and URL only."""
    return replace(
        article, summary="", content="", authors="", date="", reading="", picture=None, lead=False,
        topics=(), brief=True,
    )  # fmt: skip


def _recorded(placed: IssuedArticle, issue: Issue, language: str) -> Entry:
    """Return the entry of an article of which only the issue's record is left."""
    return Entry(
        id=placed.id,
        url=placed.url,
        title=placed.title,
        published=issue.tick,
        updated=issue.tick,
        authors=(),
        topics=(),
        tags=(),
        schemes="",
        language=language,
        summary="",
        content="",
        image=None,
    )
