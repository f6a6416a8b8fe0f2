"""Amazon SES, through a topic of Amazon SNS.

BROADSHEET_HOOK_SES is the ARN of the topic, or several with spaces between: anyone can have a topic
whose messages Amazon signs. Messages are signed with a certificate (SNS developer guide, "Verifying
the signatures of Amazon SNS messages"). Certificates and the URL that confirms a subscription are
only fetched from the SNS host of the topic's region.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate

from broadsheet.bounces.report import Report
from broadsheet.bounces.ses_events import ses_report
from broadsheet.bounces.webhooks import HookRequest, MalformedHookError, UnsignedHookError
from broadsheet.bounces.webhooks._events import decoded, invalid_secret

_ARN: Final = re.compile(r"arn:aws[\w-]*:sns:([a-z0-9-]{1,40}):\d{12}:[\w.-]{1,256}")
_HASHES: Final = {"1": SHA1, "2": SHA256}
_SIGNED: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_SIGNED_SUBSCRIPTION: Final = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
)
_MAX_CERTIFICATES: Final = 8


class SnsMessage(msgspec.Struct, frozen=True):
    """A message of SNS ("HTTP/HTTPS notification JSON format")."""

    Type: str
    MessageId: str
    TopicArn: str
    Message: str
    Timestamp: str
    SignatureVersion: str
    Signature: str
    SigningCertURL: str
    Subject: str | None = None
    SubscribeURL: str | None = None
    Token: str | None = None

    def signed_text(self) -> bytes:
        """Return what is signed: names and values on lines of their own."""
        names = _SIGNED if self.Type == "Notification" else _SIGNED_SUBSCRIPTION
        pairs = ((name, getattr(self, name)) for name in names)
        return "".join(f"{name}\n{value}\n" for name, value in pairs if value is not None).encode()


def webhook(secret: str) -> SesWebhook:
    """Return the webhook. Raises UsageError."""
    topics = secret.split()
    if not all(map(_ARN.fullmatch, topics)):
        raise invalid_secret(
            "ses", "is not the ARN of an SNS topic", "write arn:aws:sns:REGION:ID:NAME"
        )
    return SesWebhook(frozenset(topics))


@dataclass(frozen=True, slots=True)
class SesWebhook:
    """topics: the ARNs of the topics whose messages count."""

    topics: frozenset[str]
    _certificates: dict[str, Certificate] = field(default_factory=dict)

    def __call__(self, request: HookRequest) -> list[Report]:
        """Return the bounces and complaints; confirm a subscription to one of our topics."""
        if request.headers.get("x-amz-sns-rawdelivery") == "true":
            raise UnsignedHookError("raw message delivery is not signed; turn it off")
        message = decoded(request.body, SnsMessage)
        if message.TopicArn not in self.topics:
            raise UnsignedHookError("it is from a topic that is not in BROADSHEET_HOOK_SES")
        self._verify(message, request)
        if message.Type == "SubscriptionConfirmation":
            url = message.SubscribeURL or ""
            if not _is_of_region(url, message.TopicArn):
                raise MalformedHookError("SubscribeURL is not of Amazon SNS")
            request.fetch(url)
        # The first notification is a sentence of SES, to say that it can use the topic.
        if message.Type != "Notification" or not message.Message.lstrip().startswith("{"):
            return []
        report = ses_report(message.Message, message.MessageId)
        return [report] if any(each.kind != "nothing" for each in report.recipients) else []

    def _verify(self, message: SnsMessage, request: HookRequest) -> None:
        hash_ = _HASHES.get(message.SignatureVersion)
        if hash_ is None:
            raise UnsignedHookError("unknown SignatureVersion")
        key = self._certificate(message, request).public_key()
        if not isinstance(key, RSAPublicKey):
            raise UnsignedHookError("the certificate has no RSA key")
        try:
            signature = base64.b64decode(message.Signature)
            key.verify(signature, message.signed_text(), PKCS1v15(), hash_())
        except (InvalidSignature, ValueError) as error:
            raise UnsignedHookError("the signature is not valid") from error

    def _certificate(self, message: SnsMessage, request: HookRequest) -> Certificate:
        url = message.SigningCertURL
        if not _is_of_region(url, message.TopicArn) or not urlsplit(url).path.endswith(".pem"):
            raise UnsignedHookError("SigningCertURL is not of Amazon SNS")
        if url not in self._certificates:
            if len(self._certificates) >= _MAX_CERTIFICATES:
                self._certificates.clear()
            try:
                self._certificates[url] = load_pem_x509_certificate(request.fetch(url))
            except ValueError as error:
                raise UnsignedHookError("SigningCertURL has no certificate") from error
        found = self._certificates[url]
        if not found.not_valid_before_utc <= request.now <= found.not_valid_after_utc:
            raise UnsignedHookError("the certificate has expired")
        return found


def _is_of_region(url: str, topic: str) -> bool:
    """Whether `url` is of the SNS host in the region of `topic`, over https."""
    region = _ARN.fullmatch(topic)
    with suppress(ValueError):
        parts = urlsplit(url)
        hosts = [f"sns.{region[1]}.amazonaws.com{end}" for end in ("", ".cn")] if region else []
        return parts.scheme == "https" and parts.netloc in hosts and url.isascii()
    return False
