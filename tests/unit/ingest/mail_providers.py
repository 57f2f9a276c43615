"""What mail providers send: payloads written after their documentation, signed as they sign.

SendGrid's signatures are held against its own library; the others have none that signs or verifies, so their
recipes are written out here a second time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from services.ingest.doors import Door
from services.ingest.provider import InboundEvent, Intake, Provider, Request
from services.ingest.providers import registry
from tests.unit.ingest.provider_side import NOW, desk

BOUNDARY = "xYzZY-boundary"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:acme-inbound"
SECOND_TOPIC = "arn:aws:sns:eu-west-1:123456789012:acme-next"
OTHER_TOPIC = "arn:aws:sns:eu-west-1:999999999999:mallory"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
RAW = (
    b"From: Jan Botha <Jan@Example.com>\r\nTo: support@acme.example\r\nSubject: Printer\r\n"
    b"Message-ID: <m1@example.com>\r\nDate: Sun, 22 Nov 2026 11:29:00 +0200\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nMy printer does not work.\r\n"
)
HEADERS = [
    ("Received", "from mail.example.com by mx.provider.example"),
    ("From", "Jan Botha <Jan@Example.com>"),
    ("To", "support@acme.example"),
    ("Subject", "Printer"),
    ("Message-Id", "<m1@example.com>"),
    ("In-Reply-To", "<m0@acme.example>"),
    ("Date", "Sun, 22 Nov 2026 11:29:00 +0200"),
]


def multipart(fields: Mapping[str, bytes | str], files: Sequence[tuple[str, str, str, bytes]] = ()) -> bytes:
    """A form of fields and files (field, file name, type, content)."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + (value.encode() if isinstance(value, str) else value)
        + b"\r\n"
        for name, value in fields.items()
    ]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for field, name, kind, content in files
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


FORM = f"multipart/form-data; boundary={BOUNDARY}"


@cache
def key_pair(name: str) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """SendGrid's key of that name, and its public half as SendGrid shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, base64.b64encode(public).decode()


@cache
def amazon(start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key of SNS and its certificate, valid for a year."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


def post(provider: str, body: bytes, headers: Mapping[str, str]) -> Request:
    return Request("POST", f"https://help.acme.example/v1/desks/acme/email/{provider}", dict(headers), {}, body)


def mailgun_fields(fields: Mapping[str, str], secret: str, at: datetime, token: str = "a" * 50) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signature = hmac.new(secret.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    return {**fields, "timestamp": stamp, "token": token, "signature": signature}


MAILGUN = {
    "recipient": "support@acme.example",
    "sender": "jan@example.com",
    "from": "Jan Botha <Jan@Example.com>",
    "subject": "Printer",
    "body-plain": "My printer does not work.\n",
    "body-html": "<p>My printer does not work.</p>",
    "stripped-text": "My printer does not work.",
    "message-headers": json.dumps(HEADERS),
}


def mailgun(
    secret: str = "key-first", at: datetime = NOW, token: str = "a" * 50, files: Sequence = (), **fields: str | None
) -> Request:
    """A route's POST: urlencoded without files, multipart with some, as Mailgun does it."""
    given = {
        k: v for k, v in {**MAILGUN, **{k.replace("_", "-"): v for k, v in fields.items()}}.items() if v is not None
    }
    signed = mailgun_fields(given, secret, at, token)
    if files:
        return post("mailgun", multipart(signed, files), {"content-type": FORM})
    return post("mailgun", urlencode(signed).encode(), {"content-type": "application/x-www-form-urlencoded"})


SENDGRID = {
    "headers": "".join(f"{name}: {value}\n" for name, value in HEADERS),
    "from": "Jan Botha <Jan@Example.com>",
    "to": "support@acme.example",
    "subject": "Printer",
    "text": "My printer does not work.\n",
    "html": "<p>My printer does not work.</p>",
    "charsets": '{"to":"UTF-8","html":"UTF-8","subject":"UTF-8","from":"UTF-8","text":"UTF-8"}',
    "envelope": '{"to":["support@acme.example"],"from":"jan@example.com"}',
    "dkim": "{@example.com : pass}",
    "SPF": "pass",
    "attachments": "0",
}


def sendgrid_signed(body: bytes, secret: str, at: datetime) -> Request:
    """Signed with the key whose name `secret` is."""
    stamp = str(int(at.timestamp()))
    signature = key_pair(secret)[0].sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "content-type": FORM,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": stamp,
    }
    return post("sendgrid", body, headers)


def sendgrid(secret: str = "first", at: datetime = NOW, files: Sequence = (), **fields: str | bytes | None) -> Request:
    given = {
        k: v for k, v in {**SENDGRID, **{k.replace("_", "-"): v for k, v in fields.items()}}.items() if v is not None
    }
    return sendgrid_signed(multipart(given, files), secret, at)


POSTMARK = {
    "FromName": "Jan Botha",
    "MessageStream": "inbound",
    "From": "jan@example.com",
    "FromFull": {"Email": "Jan@Example.com", "Name": "Jan Botha", "MailboxHash": ""},
    "To": "support@acme.example",
    "ToFull": [{"Email": "support@acme.example", "Name": "", "MailboxHash": ""}],
    "Cc": "",
    "OriginalRecipient": "support@acme.example",
    "Subject": "Printer",
    "MessageID": "73e6d360-66eb-11e1-8e72-a8904824019b",
    "ReplyTo": "",
    "Date": "Sun, 22 Nov 2026 11:29:00 +0200",
    "TextBody": "My printer does not work.\n",
    "HtmlBody": "<p>My printer does not work.</p>",
    "StrippedTextReply": "",
    "Tag": "",
    "Headers": [
        {"Name": "Return-Path", "Value": "<jan@example.com>"},
        {"Name": "Message-ID", "Value": "<m1@example.com>"},
        {"Name": "In-Reply-To", "Value": "<m0@acme.example>"},
    ],
    "Attachments": [],
}


def basic(provider: str, body: bytes, secret: str) -> Request:
    credentials = base64.b64encode(secret.encode()).decode()
    return post(provider, body, {"content-type": "application/json", "authorization": f"Basic {credentials}"})


def postmark(secret: str = "desk:first", at: datetime = NOW, **changes: object) -> Request:
    given = {k: v for k, v in {**POSTMARK, **changes}.items() if v is not None}
    return basic("postmark", json.dumps(given).encode(), secret)


MAILJET = {
    "Sender": "jan@example.com",
    "Recipient": "support@acme.example",
    "Date": "20261122T092900",
    "From": "Jan Botha <Jan@Example.com>",
    "Subject": "Printer",
    "Headers": {
        "Return-Path": ["<jan@example.com>"],
        "Received": ["by parse.mailjet.com", "from mail.example.com"],
        **{name: value for name, value in HEADERS if name != "Received"},
    },
    "Parts": [
        {"Headers": {"Content-Type": ['text/plain; charset="UTF-8"']}, "ContentRef": "Text-part"},
        {"Headers": {"Content-Type": ['text/html; charset="UTF-8"']}, "ContentRef": "Html-part"},
    ],
    "Text-part": "My printer does not work.\n",
    "Html-part": "<p>My printer does not work.</p>",
    "SpamAssassinScore": "0.1",
}


def mailjet(secret: str = "desk:first", at: datetime = NOW, **changes: object) -> Request:
    given = {
        k: v for k, v in {**MAILJET, **{k.replace("_", "-"): v for k, v in changes.items()}}.items() if v is not None
    }
    return basic("mailjet", json.dumps(given).encode(), secret)


def notification(**changes: object) -> dict[str, object]:
    """What SES tells of one mail; names of the receipt may be given with the others."""
    receipt = {
        "recipients": ["support@acme.example"],
        "action": {"type": "SNS", "topicArn": TOPIC, "encoding": "BASE64"},
        "dmarcVerdict": {"status": "PASS"},
    }
    mail = {
        "source": "jan@example.com",
        "messageId": "o3vrnil0e2ic28tr",
        "destination": ["support@acme.example"],
        "headers": [{"name": name, "value": value} for name, value in HEADERS],
        "commonHeaders": {
            "from": ["Jan Botha <Jan@Example.com>"],
            "to": ["support@acme.example"],
            "subject": "Printer",
            "messageId": "<m1@example.com>",
            "date": "Sun, 22 Nov 2026 11:29:00 +0200",
        },
    }
    given = {
        "notificationType": "Received",
        "mail": mail | {k: v for k, v in changes.items() if k in mail},
        "receipt": receipt | {k: v for k, v in changes.items() if k in receipt},
        "content": base64.b64encode(RAW).decode(),
    }
    return {k: v for k, v in (given | {k: v for k, v in changes.items() if k in given}).items() if v is not None}


SNS_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def sns(message: str, topic: str = TOPIC, at: datetime = NOW, version: str = "2", **changes: object) -> Request:
    """SNS's POST of a message, signed and with the certificate at hand."""
    key, certificate = amazon()
    envelope = {
        "Type": "Notification",
        "MessageId": "8f6dee70-c885-558a-be7d-bd48bbf5335e",
        "TopicArn": topic,
        "Subject": "Amazon SES Email Receipt Notification",
        "Message": message,
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    } | changes
    envelope = {name: value for name, value in envelope.items() if value is not None}
    fields = [n for n in SNS_FIELDS.get(str(envelope["Type"]), SNS_FIELDS["Notification"]) if n in envelope]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in fields)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    body = json.dumps({"Signature": base64.b64encode(signature).decode()} | envelope).encode()
    request = post("ses", body, {"content-type": "text/plain; charset=UTF-8"})
    return replace(request, fetched={CERTIFICATE_URL: certificate})


def ses(secret: str = TOPIC, at: datetime = NOW, **changes: object) -> Request:
    return sns(json.dumps(notification(**changes)), topic=secret, at=at)


def subscription(topic: str = TOPIC, **changes: object) -> Request:
    """SNS asks whether this endpoint wants the topic."""
    url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=2336412f37"
    given = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": url, "Subject": None}
    return sns("You have chosen to subscribe", topic, **(given | changes))


@dataclass(frozen=True)
class Side:
    """A provider, seen from its own side."""

    make: Callable[..., Request]
    """Takes what secret it signs with, and when."""
    first: str
    second: str
    other: str
    as_policy: Callable[[str], str] = str
    """What the policy's secret is for what it signs with."""


SIDES = {
    "mailgun": Side(mailgun, "key-first", "key-second", "key-other"),
    "sendgrid": Side(sendgrid, "first", "second", "other", lambda name: key_pair(name)[1]),
    "postmark": Side(postmark, "desk:first", "desk:second", "desk:other"),
    "ses": Side(ses, TOPIC, SECOND_TOPIC, OTHER_TOPIC),
    "mailjet": Side(mailjet, "desk:first", "desk:second", "desk:other"),
}


def provider_of(name: str) -> Provider:
    return registry()["email", name]


def door(name: str) -> Door:
    """With two secrets, as while they are being rotated."""
    side = SIDES[name]
    return Door("acme", desk(), provider_of(name), (side.as_policy(side.first), side.as_policy(side.second)))


def intake(name: str, *, proven: bool = True, at: datetime = NOW) -> Intake:
    return Intake("acme", desk(), "email", name, at, proven)


def parse(request: Request, *, proven: bool = True, at: datetime = NOW) -> Sequence[InboundEvent]:
    name = request.url.rpartition("/")[2]
    return provider_of(name).parse(request, intake(name, proven=proven, at=at))
