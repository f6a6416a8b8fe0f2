"""Webhook requests of mail providers, signed as the providers sign them."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks.webhooks import Webhook as StandardWebhook

NOW = datetime(2025, 6, 30, 1, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"
CONFIRM_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f"

_SNS_KEY = new_rsa_key(65537, 2048)
_SENDGRID_KEY = new_ec_key(SECP256R1())
_SENDGRID_PUBLIC = _SENDGRID_KEY.public_key().public_bytes(
    Encoding.DER, PublicFormat.SubjectPublicKeyInfo
)
SECRETS = {
    "ses": TOPIC,
    "postmark": "postmark:a password of the webhook",
    "mailgun": "key-0123456789abcdef",
    "sendgrid": base64.b64encode(_SENDGRID_PUBLIC).decode(),
    "resend": "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode(),
}
ENVIRONMENT = {f"BROADSHEET_HOOK_{name.upper()}": secret for name, secret in SECRETS.items()}


def certificate(until: datetime = NOW + timedelta(days=30)) -> bytes:
    """Return the certificate of the key that signs SNS messages, as Amazon serves it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(name, name, _SNS_KEY.public_key(), 1)
    builder = builder.not_valid_before(until - timedelta(days=365)).not_valid_after(until)
    return builder.sign(_SNS_KEY, SHA256()).public_bytes(Encoding.PEM)


def sns(message: dict[str, Any], version: str = "2") -> dict[str, str]:
    """Return an SNS message, signed as the SNS developer guide describes."""
    given = {"MessageId": "7c191be4", "TopicArn": TOPIC, "Timestamp": "2025-06-30T00:59:00.000Z"}
    given |= {"SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL, **message}
    fields = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token"]
    signed = "".join(f"{f}\n{given[f]}\n" for f in [*fields, "TopicArn", "Type"] if f in given)
    hash_ = SHA1() if version == "1" else SHA256()
    signature = _SNS_KEY.sign(signed.encode(), PKCS1v15(), hash_)
    return {**given, "Signature": base64.b64encode(signature).decode()}


def ses(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a notification of SES."""
    message = sns({"Type": "Notification", "Subject": "SES", "Message": json.dumps(event)})
    return {"Content-Type": "text/plain; charset=UTF-8"}, json.dumps(message).encode()


def postmark(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request of Postmark, with user and password of its URL."""
    given = base64.b64encode(SECRETS["postmark"].encode()).decode()
    return {"Authorization": f"Basic {given}"}, json.dumps(event).encode()


def mailgun(
    event: dict[str, Any], token: str = "651869375b9df3c98fc1", at: datetime = NOW
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request of Mailgun."""
    seconds = str(int(at.timestamp()))
    signature = hmac.digest(SECRETS["mailgun"].encode(), f"{seconds}{token}".encode(), "sha256")
    signed = {"timestamp": seconds, "token": token, "signature": signature.hex()}
    return {}, json.dumps({"signature": signed, "event-data": event}).encode()


def sendgrid(*events: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request of SendGrid."""
    body, at = json.dumps(events).encode() + b"\r\n", str(int(NOW.timestamp()))
    signature = _SENDGRID_KEY.sign(at.encode() + body, ECDSA(SHA256()))
    name = "X-Twilio-Email-Event-Webhook-"
    encoded = base64.b64encode(signature).decode()
    return {f"{name}Signature": encoded, f"{name}Timestamp": at}, body


def resend(
    event: dict[str, Any], id_: str = "msg_2W2D3qXLS5fOaPja1GDg7rF2CwB", at: datetime = NOW
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request of Resend."""
    body = json.dumps(event)
    signature = StandardWebhook(SECRETS["resend"]).sign(id_, at, body)
    seconds = str(int(at.timestamp()))
    return {
        "svix-id": id_,
        "svix-timestamp": seconds,
        "svix-signature": f"v1,bm9wZQ== {signature}",
    }, body.encode()


SIGNED = {
    "ses": ses,
    "postmark": postmark,
    "mailgun": mailgun,
    "sendgrid": sendgrid,
    "resend": resend,
}


def failed(name: str, code: str, words: str, address: str = "ann@example.com") -> dict[str, Any]:
    """Return the event that a mail to `address` failed, with the reply of a server.

    The fields are those in the documentation of each provider. code: such as "550 5.1.1".
    """
    reply, _, status = code.partition(" ")
    return {
        "ses": {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [
                    {
                        "emailAddress": address,
                        "status": status,
                        "action": "failed",
                        "diagnosticCode": f"smtp; {code} {words}",
                    }
                ],
                "timestamp": "2025-06-30T00:59:00.000Z",
                "feedbackId": "00000138111222aa-44455566-cccc-cccc-cccc-ddddaaaa068a-000000",
            },
            "mail": {"source": "news@example.org", "destination": [address]},
        },
        "postmark": {
            "RecordType": "Bounce",
            "ID": 901542550,
            "Type": "HardBounce",
            "TypeCode": 1,
            "MessageID": "2706ee8a-737c-4285-b032-ccd317af53ed",
            "Description": "The server was unable to deliver your message (ex: unknown user).",
            "Details": f"smtp;{code} {words}",
            "Email": address,
            "BouncedAt": "2025-06-30T00:58:50.3963933-00:00",
        },
        "mailgun": {
            "event": "failed",
            "severity": "permanent",
            "reason": "bounce",
            "id": "G9Bn5sl1TC6nu79C8C0bwg",
            "recipient": address,
            "timestamp": 1751245190.389832,
            "delivery-status": {
                "attempt-no": 1,
                "description": "",
                "code": int(reply),
                "enhanced-code": status,
                "message": f"{status} {words}",
            },
        },
        "sendgrid": {
            "event": "bounce",
            "type": "bounce",
            "email": address,
            "status": status,
            "reason": f"{code} {words}",
            "sg_event_id": "lC0Rc-FuQmKbnxCWxX1jRQ",
            "timestamp": 1751245190,
        },
        "resend": {
            "type": "email.bounced",
            "created_at": "2025-06-30T00:59:50.000Z",
            "data": {
                "to": [address],
                "bounce": {
                    "message": "The recipient's server rejected the mail.",
                    "type": "Permanent",
                    "subType": "General",
                    "diagnosticCode": [f"smtp; {code} {words}"],
                },
            },
        },
    }[name]


COMPLAINTS: dict[str, dict[str, Any]] = {
    "ses": {
        "notificationType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": "ann@example.com"}],
            "complaintFeedbackType": "abuse",
            "feedbackId": "000001378603177f-18c07c78-fa81-4a58-9dd1-fedc3cb8f49a-000000",
        },
        "mail": {},
    },
    "postmark": {
        "RecordType": "SpamComplaint",
        "ID": 901542551,
        "Type": "SpamComplaint",
        "Email": "ann@example.com",
        "BouncedAt": "2025-06-30T00:58:50Z",
    },
    "mailgun": {"event": "complained", "id": "ncV2Xw", "recipient": "ann@example.com"},
    "sendgrid": {"event": "spamreport", "email": "ann@example.com", "sg_event_id": "a1"},
    "resend": {"type": "email.complained", "data": {"to": ["Ann <ann@example.com>"]}},
}
OPT_OUTS: dict[str, dict[str, Any]] = {
    "postmark": {
        "RecordType": "SubscriptionChange",
        "MessageID": "a4909a96",
        "ChangedAt": "2025-06-30T00:58:32Z",
        "Recipient": "ann@example.com",
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    },
    "mailgun": {"event": "unsubscribed", "id": "W3X4JO", "recipient": "ann@example.com"},
    "sendgrid": {"event": "group_unsubscribe", "email": "ann@example.com", "sg_event_id": "b2"},
}
