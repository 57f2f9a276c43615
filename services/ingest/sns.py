"""Amazon SNS over HTTP: its envelope, and the signature on it.

What is signed: name and value of the fields in `_SIGNED`, each with a line end, in that order; RSA (PKCS #1 v1.5)
with SHA-1 (SignatureVersion 1) or SHA-256 (2), by the certificate at SigningCertURL. That lies on
`sns.<region>.amazonaws.com`, whose TLS proves it; here it is held against that host, the region in TopicArn and its
own time of validity. Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. The
secret of a source is the TopicArn: anybody can have SNS sign messages of a topic of their own.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from schemas.base import Instant
from schemas.codec import describe
from services.ingest.provider import Rejected, Request

_ARN: Final = re.compile(
    r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
)
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]


class Envelope(BaseModel):
    """What SNS posts. The fields have SNS's own names, which are signed."""

    model_config = ConfigDict(frozen=True)

    Type: Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
    MessageId: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    TopicArn: Annotated[str, StringConstraints(max_length=400)]
    Message: str
    Subject: str | None = None
    Timestamp: str = ""
    Token: Annotated[str, StringConstraints(max_length=1000)] | None = None
    SubscribeURL: str | None = None
    SignatureVersion: str | None = None
    Signature: str | None = None
    SigningCertURL: str | None = None

    @classmethod
    def read(cls, request: Request) -> Envelope:
        """The envelope in a request's body. Raises Rejected(malformed)."""
        try:
            return cls.model_validate_json(request.body)
        except ValidationError as error:
            raise Rejected("malformed", f"{describe(error)} (raw message delivery has to be off)") from error

    def signed(self) -> bytes:
        """The text that the signature covers."""
        values = ((name, getattr(self, name)) for name in _SIGNED[self.Type])
        return "".join(f"{name}\n{value}\n" for name, value in values if value is not None).encode()


class _Moment(BaseModel):
    at: Instant


def needs(request: Request, topics: Sequence[str]) -> Sequence[str]:
    """The address of the certificate, for a message of one of our topics only. Raises Rejected."""
    envelope = Envelope.read(request)
    if any(hmac.compare_digest(envelope.TopicArn.encode(), topic.encode()) for topic in topics):
        return [_certificate_url(envelope)]
    return []  # the proof says why


def proof(request: Request, topic: str) -> None:
    """Raises Rejected unless SNS signed this message of `topic` (its ARN). Needs what `needs` names."""
    envelope = Envelope.read(request)
    if not (envelope.Signature and envelope.SigningCertURL and envelope.SignatureVersion):
        raise Rejected("unsigned", "Signature, SignatureVersion and SigningCertURL are needed")
    if not hmac.compare_digest(envelope.TopicArn.encode(), topic.encode()):
        raise Rejected("forged", "TopicArn is not this source's")
    certificate, key = _certificate(request.fetched[_certificate_url(envelope)])
    if not certificate.not_valid_before_utc <= signed_at(envelope) <= certificate.not_valid_after_utc:
        raise Rejected("forged", "the certificate was not valid when the message was signed")
    digest = {"1": SHA1, "2": SHA256}.get(envelope.SignatureVersion)
    if digest is None:
        raise Rejected("forged", "SignatureVersion is 1 or 2")
    try:
        key.verify(b64decode(envelope.Signature, validate=True), envelope.signed(), PKCS1v15(), digest())
    except (InvalidSignature, Error, ValueError) as error:
        raise Rejected("forged", "Signature does not fit this message") from error


def check_topic(topic: str) -> None:
    """Raises ValueError for what is no ARN of a topic."""
    _host(topic)


def signed_at(envelope: Envelope) -> Instant:
    """When SNS took the message; its retries keep that time. Raises Rejected(malformed)."""
    try:
        return _Moment.model_validate({"at": envelope.Timestamp}).at
    except ValidationError as error:
        raise Rejected("malformed", "Timestamp is no time") from error


def confirmation_url(envelope: Envelope) -> str:
    """Where a subscription is confirmed. It is made of topic and token instead of taken from SubscribeURL: no
    address in a payload is ever followed.
    """
    query = {"Action": "ConfirmSubscription", "TopicArn": envelope.TopicArn, "Token": envelope.Token or ""}
    return f"https://{_host(envelope.TopicArn)}/?{urlencode(query)}"


def _host(topic: str) -> str:
    found = _ARN.fullmatch(topic)
    if found is None:
        message = "the secret of an SNS source is its topic: arn:aws:sns:<region>:<account>:<name>"
        raise ValueError(message)
    return f"sns.{found[2]}.amazonaws.com{'.cn' if found[1] == 'aws-cn' else ''}"


def _certificate_url(envelope: Envelope) -> str:
    host = f"https://{_host(envelope.TopicArn)}"
    url = envelope.SigningCertURL or ""
    if not (url.startswith(host) and _CERTIFICATE.fullmatch(url[len(host) :])):
        raise Rejected("forged", f"SigningCertURL is not on {host}")
    return url


def _certificate(pem: bytes) -> tuple[Certificate, RSAPublicKey]:
    try:
        certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected("forged", "what lies at SigningCertURL is no certificate") from error
    if not isinstance(key, RSAPublicKey):
        raise Rejected("forged", "the certificate's key is not of RSA")
    return certificate, key
