"""Set the service up for a project: its context, and its log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from broadsheet.bounces.webhooks import webhooks
from broadsheet.delivery.database import open_database
from broadsheet.delivery.environment import Secrets
from broadsheet.delivery.logs import start_log
from broadsheet.delivery.planning import apply_renames
from broadsheet.digests.sender import mail_sender
from broadsheet.errors import BroadsheetError, ConfigError, Problem
from broadsheet.pipeline.edition import read_content
from broadsheet.pipeline.project import Project
from broadsheet.service.context import AppContext
from broadsheet.service.middleware import log
from broadsheet.service.outbox import MailSender, MailWriter, Outbox
from broadsheet.service.pages import Offer, OfferedDigest, PageRenderer
from broadsheet.service.store import LiveDatabase, SubscriberStore

_LOCK_TIMEOUT_S: Final = 5.0  # of the database: someone waits for the page
_MOST_TOPICS: Final = 60


def app_context(project: Project, clock: Callable[[], datetime]) -> AppContext:
    """Return the context of the service. clock: the time of the ledger.

    Raises ConfigError, UsageError or DatabaseError if the service cannot run.
    """
    settings = project.settings
    url = settings.delivery.service_url
    if url is None:
        what = "is missing"
        todo = "set it to the URL at which people reach this service"
        raise ConfigError(Problem(what, todo, project.config_name, key="delivery.service_url"))
    secrets = Secrets.read()
    envelope = secrets.envelope(settings, project.root)
    send = MailSender(secrets.transport(settings.delivery), envelope.sender, envelope.signer)
    who = mail_sender(settings.publication, settings.delivery)
    tokens = secrets.tokens()
    database = open_database(settings.delivery.database, project.root, _LOCK_TIMEOUT_S)
    apply_renames(database, settings, clock())
    digests = tuple(settings.digests)
    store = SubscriberStore(LiveDatabase(database), tokens, digests, clock, settings.renamed)
    offer = _LiveOffer(project, clock)
    return AppContext(
        store=store,
        pages=PageRenderer(settings.publication, urlsplit(url).path),
        writer=MailWriter(settings.publication, who, settings.mail.welcome),
        outbox=Outbox(send, knows=store.knows),
        offer=offer,
        refresh=offer.refresh,
        url=url,
        webhooks=webhooks(secrets.environment),
        retention_days=settings.delivery.retention_days,
    )


class _LiveOffer:
    """The offer. `refresh` reads the topics of the articles again; no request waits for it."""

    def __init__(self, project: Project, clock: Callable[[], datetime]) -> None:
        self._project = replace(project, workers=1)  # a server with threads must not fork
        self._clock = clock
        self._offer = self._made(project.settings.topics.known)
        self._reported = ""

    def __call__(self) -> Offer:
        return self._offer

    def refresh(self) -> None:
        """Read the topics again; if that fails, keep them and log it."""
        try:
            self._offer = self._made(self._project.settings.topics.known or self._topics())
            self._reported = ""
        except BroadsheetError as error:
            if str(error) != self._reported:  # once, not every ten minutes
                log.warning("the topics in the forms are not up to date: %s", error)
            self._reported = str(error)

    def _topics(self) -> tuple[str, ...]:
        """Return the topics of the articles, those with the most articles first."""
        project = replace(self._project, now=self._clock())
        content = project.run(lambda memo: read_content(project, memo), writes=False)
        found = content.catalogue.groups("topics")
        ranked = sorted(found, key=lambda topic: (-len(found[topic]), topic))
        return tuple(topic.name for topic in ranked[:_MOST_TOPICS])

    def _made(self, topics: tuple[str, ...]) -> Offer:
        digests = self._project.settings.digests.items()
        offered = (OfferedDigest(name, each.title, each.description) for name, each in digests)
        return Offer(tuple(offered), topics)


def start_service_log(*, quiet: bool, verbose: bool, as_json: bool) -> None:
    """Start the log. No line contains a token."""
    # With a warning for each bad request, anyone could fill the disk.
    for name in ("uvicorn", "python_multipart"):
        logging.getLogger(name).setLevel(logging.ERROR)
    start_log(quiet=quiet, as_json=as_json)
    if not verbose:  # changes are always logged
        logging.getLogger("broadsheet.requests").setLevel(logging.WARNING)
