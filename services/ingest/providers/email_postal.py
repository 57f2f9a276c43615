"""Postal's HTTP endpoints: a raw mail or one taken apart ("Hash"), as JSON or as a form.

Proof: `X-Postal-Signature-256`, base64 of the RSA signature (PKCS #1 v1.5, SHA-256) of the raw body with the
installation's signing key; `X-Postal-Signature`, the same with SHA-1, counts only from servers that are too old to
send the other. The secret is the public key: what `postal default-dkim-record` shows behind `p=`, or a PEM. Source:
https://github.com/postalserver/postal, lib/postal/http.rb, lib/postal/signer.rb and app/senders/http_sender.rb.
There is no time in it: a repeat has the same id. Postal bounces to the customer what is answered with 4xx, and
comes again for 5xx only. Webhooks about mail that was sent hold none: acknowledged, left alone.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.codec import describe
from schemas.messages import Automatic, MessageReceived
from services.ingest.normalise import raw_mail
from services.ingest.normalise.form import Form
from services.ingest.normalise.parsed_mail import announced, assembled, attachment, delivered, from_base64
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Rejected, Request

_FLAT: Final = re.compile(r"attachments\[(\d{1,3})\]\[(filename|content_type|size|data)\]")
_HEADERS: Final = ("from", "to", "cc", "subject", "date", "message_id", "in_reply_to", "references", "auto_submitted")
"""Fields of a mail taken apart that are headers, with _ for -."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class File(_Part):
    """A file, with its bytes where the endpoint is set to send them."""

    filename: str | None = None
    content_type: str | None = None
    size: int | None = None
    data: str | None = None


class Payload(_Part):
    """A raw mail (`message`), a mail taken apart (the rest), or neither."""

    model_config = ConfigDict(frozen=True, extra="allow")

    rcpt_to: str | None = None
    mail_from: str | None = None
    message: str | dict[str, Any] | None = None
    base64: bool = False
    bounce: bool | None = None
    plain_body: str | None = None
    replies_from_plain_body: str | None = None
    html_body: str | None = None
    attachments: tuple[File, ...] | None = None


@lru_cache(16)
def _key(secret: str) -> RSAPublicKey:
    """The key, as PEM or as base64 of its DER. Raises ValueError for anything else."""
    if "BEGIN" in secret:
        key = load_pem_public_key(secret.encode())
    else:
        key = load_der_public_key(b64decode("".join(secret.rpartition("p=")[2].rstrip("; \n").split()), validate=True))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 - one error for whatever is no such key
    return key


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no public key."""
    try:
        _key(secret)
    except ValueError as error:
        raise ValueError(
            "Postal's public key is what `postal default-dkim-record` shows behind p=, or a PEM"
        ) from error


def proof(request: Request, secret: str) -> None:
    """Raises Rejected unless the key that belongs to `secret` signed the body."""
    modern, old = request.headers.get("x-postal-signature-256"), request.headers.get("x-postal-signature")
    signature = modern if modern is not None else old
    if not signature:
        raise Rejected("unsigned", "the header X-Postal-Signature-256 is missing")
    algorithm = SHA1() if modern is None else SHA256()  # noqa: S303 - older servers sign with nothing else
    try:
        _key(secret).verify(b64decode(signature, validate=True), request.body, PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError) as error:
        raise Rejected("forged", "the signature does not fit this body and public key") from error


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """The mail."""
    payload = _payload(request)
    if isinstance(payload.message, str):
        content = from_base64(payload.message) if payload.base64 else payload.message.encode()
        return [raw_mail.taken(content, intake, payload.mail_from, filter(None, (payload.rcpt_to,)))]
    # What is told about mail that was sent has a status, or an event and a payload, but no recipient.
    if payload.rcpt_to is None:
        if (payload.model_extra or {}).keys() & {"status", "event", "payload", "original_message"}:
            return []
        raise Rejected("malformed", "rcpt_to: this is neither a mail nor an event")
    return [_read(payload, intake)]


def _payload(request: Request) -> Payload:
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower().endswith("urlencoded")
    try:
        return (
            Payload.model_validate(_fields(Form.read(request)))
            if is_form
            else Payload.model_validate_json(request.body)
        )
    except ValidationError as error:
        raise Rejected("malformed", describe(error)) from error


def _fields(form: Form) -> Mapping[str, Any]:
    """A form's fields as the JSON would have them: empty ones are not there, files are gathered."""
    fields: dict[str, Any] = {}
    files: dict[str, dict[str, str]] = {}
    for name in form.parts:
        value = form.text(name)
        flat = _FLAT.fullmatch(name)
        if flat:
            files.setdefault(flat[1], {})[flat[2]] = value or ""
        elif value or name == "mail_from":
            fields[name] = value
    return {**fields, "attachments": list(files.values())}


def _read(payload: Payload, intake: Intake) -> MessageReceived:
    files = (
        announced(file.filename, file.content_type, file.size)
        if file.data is None
        else attachment(file.filename, file.content_type, from_base64(file.data))
        for file in payload.attachments or ()
    )
    plain = "\n".join(filter(None, (payload.plain_body, payload.replies_from_plain_body))) or None
    mail = delivered(
        assembled(_headers(payload), plain, payload.html_body, files),
        payload.mail_from,
        filter(None, (payload.rcpt_to,)),
    )
    message = received(mail, intake, own_id=None if mail.headers.get("message-id") else _own_id(payload))
    if payload.bounce and message.automatic is None:
        return message.model_copy(update={"automatic": Automatic(kind="bounce", evidence="Postal: bounce")})
    return message


def _own_id(payload: Payload) -> str | None:
    """Ids count within one of the installation's mail servers, tokens are random."""
    extra = payload.model_extra or {}
    return f"{extra['id']} {extra['token']}"[:200] if extra.get("id") and extra.get("token") else None


def _headers(payload: Payload) -> Iterator[tuple[str, str]]:
    extra = payload.model_extra or {}
    for name in (*_HEADERS, "reply_to"):
        said = extra.get(name)
        value = said[-1] if isinstance(said, list) and said else said
        if isinstance(value, str) and value:
            yield name.replace("_", "-"), f"<{value.strip(' <>')}>" if name == "message_id" else value


PROVIDER = Provider(
    channel="email",
    name="postal",
    proof=proof,
    parse=parse,
    check_secret=check_secret,
    statuses={"slow": 503},
    heavy=True,
)
