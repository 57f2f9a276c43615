"""The policy's ways out, made ready: addresses and secrets resolved, and refused when they cannot work."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from runtime.policy_file import resolve
from runtime.refusal import Refusal
from schemas.base import DeskId
from schemas.policy import MailSender, Policy, WebhookSender

MAIL_PORTS: Final = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """A mail server and the address that mail comes from."""

    host: str
    port: int
    tls: bool
    """From the first byte on (smtps)."""
    starttls: bool
    """Asked for after connecting; without it nothing is sent."""
    sender: Address
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """An adapter's webhook."""

    url: str
    signer: Webhook


@dataclass(frozen=True, slots=True)
class Servers:
    """All of the policy's."""

    mail: dict[DeskId, MailServer]
    webhooks: dict[tuple[DeskId, str, str], Receiver]
    """By desk, channel and provider."""


def servers(policy: Policy) -> Servers:
    """What the policy's `sending` names. Raises Refusal that says where and what, never a secret."""
    mail: dict[DeskId, MailServer] = {}
    webhooks: dict[tuple[DeskId, str, str], Receiver] = {}
    for desk, rules in policy.desks.items():
        if rules.sending.email is not None:
            mail[desk] = mail_server(rules.sending.email, f"desks.{desk}.sending.email")
        for number, webhook in enumerate(rules.sending.webhooks):
            place = f"desks.{desk}.sending.webhooks.{number}"
            webhooks[desk, webhook.channel, webhook.provider] = receiver(webhook, place)
    return Servers(mail, webhooks)


def mail_server(mail: MailSender, place: str) -> MailServer:
    """The server behind `mail`. A password is never sent in the clear unless starttls=false says so."""
    url = _url(mail.url, f"{place}.url", ("smtp", "smtps"))
    options = parse_qs(url.query)
    wish = options.pop("starttls", ["true" if url.username and url.scheme == "smtp" else "false"])[-1]
    if options or wish not in {"true", "false"} or url.path not in {"", "/"}:
        raise Refusal(f"{place}.url: the only option of a mail server's address is ?starttls=true or false")
    name, address = parseaddr(mail.sender)
    try:
        sender = Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError) as error:  # which of them depends on Python's version
        raise Refusal(
            f"{place}.sender: not a mail address; write it as: Acme Support <support@acme.example>"
        ) from error
    if not (sender.username and sender.domain and sender.addr_spec.isascii()):
        raise Refusal(f"{place}.sender: not a mail address; write it as: Acme Support <support@acme.example>")
    return MailServer(
        host=url.hostname or "",
        port=url.port or MAIL_PORTS[url.scheme],
        tls=url.scheme == "smtps",
        starttls=wish == "true",
        sender=sender,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def receiver(webhook: WebhookSender, place: str) -> Receiver:
    """The adapter behind `webhook`."""
    url = _url(webhook.url, f"{place}.url", ("http", "https"))
    try:
        signer = Webhook(_resolved(webhook.secret, f"{place}.secret"))
    except (binascii.Error, EmptyWebhookSecretError, ValueError) as error:
        raise Refusal(f"{place}.secret: not a Standard Webhooks secret, which is whsec_ and base64") from error
    return Receiver(url.geturl(), signer)


def _url(source: str, place: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        url = urlsplit(_resolved(source, place))
        if url.scheme in schemes and url.hostname and url.port != 0:
            return url
    except ValueError:
        pass  # said below, without the address: it may hold a password
    raise Refusal(
        f"{place}: not an address that begins with {' or '.join(f'{s}://' for s in schemes)} and names a host"
    )


def _resolved(source: str, place: str) -> str:
    try:
        return resolve(source)
    except Refusal as refusal:
        raise Refusal(f"{place}: {refusal}") from refusal
