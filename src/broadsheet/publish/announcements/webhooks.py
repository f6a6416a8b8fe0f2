"""Notifies webhooks of what was published, signed as https://www.standardwebhooks.com/ specifies.

The body is JSON: `type` (`feeds.published`), `timestamp`, and in `data` the `publication`, and the
URLs of the `feeds`, of all `changed` files and of the `removed` ones. The id of a request is a
digest of what it says, so a receiver can recognise a repetition.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final

from broadsheet.errors import Problem
from broadsheet.publish.announcements import Announcement, Published, on_published
from broadsheet.publish.announcements._http import post

SECRET: Final = "BROADSHEET_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24  # bytes; the specification asks for 24 to 64
_NO_KEY: Final = Problem(
    f"the webhooks are not called: {SECRET} is not set, or not valid",
    f"set it in the environment to {_PREFIX} and {_SHORTEST} or more random bytes in Base64",
)


@on_published
def call_webhooks(published: Published) -> Iterator[Announcement]:
    """Notify each webhook of everything that has changed since the last notification."""
    digests = {published.url(path): digest for path, digest in published.files.items()}
    key = signing_key(published.environment.get(SECRET, ""))
    for hook in map(str, published.settings.publish.webhooks):
        due = published.ledger.due(hook, digests)
        gone = sorted(published.ledger.record_of(hook).announced.keys() - digests)
        urls = [*sorted(due), *gone]
        until = published.ledger.waits_until(hook, published.now)
        if not urls:
            continue
        if key is None or until or published.dry_run:
            yield Announcement(hook, urls, None if key else _NO_KEY, until)
            continue
        answer = post(hook, *_request(published, hook, due, gone, key))
        if answer.ok:
            published.ledger.record(hook, due, gone)
            yield Announcement(hook, urls)
        else:
            yield published.failed(hook, urls, answer.words)


def signing_key(secret: str) -> bytes | None:
    """Return the key of the signatures; None if `secret` is not a text such as `whsec_...`."""
    with suppress(binascii.Error, ValueError):
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        if secret.startswith(_PREFIX) and len(key) >= _SHORTEST:
            return key
    return None


def _request(
    published: Published, hook: str, due: Mapping[str, str], gone: Collection[str], key: bytes
) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a request, signed."""
    publication, said = published.settings.publication, json.dumps([hook, due, [*gone]])
    payload = {
        "type": "feeds.published",
        "timestamp": published.now.isoformat(timespec="seconds"),
        "data": {
            "publication": {"title": publication.title, "url": publication.url},
            "feeds": [url for url in map(published.url, published.feeds) if url in due],
            "changed": sorted(due),
            "removed": [*gone],
        },
    }
    body = json.dumps(payload, ensure_ascii=False).encode()
    id_, sent_at = f"msg_{sha256(said.encode()).hexdigest()[:32]}", int(time.time())
    signature = base64.b64encode(hmac.digest(key, f"{id_}.{sent_at}.".encode() + body, "sha256"))
    return body, {
        "Content-Type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{signature.decode()}",
    }
