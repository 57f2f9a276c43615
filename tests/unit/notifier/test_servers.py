"""Ways out as the policy names them, and what is wrong with bad ones."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram512

from runtime.refusal import Refusal
from runtime.settings import KafkaSettings, Settings
from schemas.base import ReplyAddress
from schemas.policy import MailSender, WebhookSender
from services.notifier import app
from services.notifier.core.way import kind_of, way_out
from services.notifier.senders.senders import security
from services.notifier.senders.servers import mail_server, receiver, servers
from tests.unit.notifier.scene import CALL, CHAT, MAIL, document, policy

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FROM = "Acme Support <support@acme.example>"


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "starttls", "username", "password"),
    [
        ("smtp://mail.example", "mail.example", 25, False, False, None, None),
        ("smtp://mail.example:2525/", "mail.example", 2525, False, False, None, None),
        ("smtps://mail.example", "mail.example", 465, True, False, None, None),
        ("smtp://mail.example:587?starttls=true", "mail.example", 587, False, True, None, None),
        ("smtp://us%40er:p%2Fw@mail.example", "mail.example", 25, False, True, "us@er", "p/w"),
        ("smtp://user:pw@mail.example?starttls=false", "mail.example", 25, False, False, "user", "pw"),
        ("smtps://user:pw@mail.example", "mail.example", 465, True, False, "user", "pw"),
    ],
)
def test_mail_server(
    url: str, host: str, port: int, tls: bool, starttls: bool, username: str | None, password: str | None
) -> None:
    """Every form of address; with a password the connection is encrypted unless the address says otherwise."""
    server = mail_server(MailSender(url=url, sender=FROM), "place")
    assert (server.host, server.port, server.tls, server.starttls) == (host, port, tls, starttls)
    assert (server.username, server.password) == (username, password)
    assert (server.sender.display_name, server.sender.addr_spec) == ("Acme Support", "support@acme.example")


@pytest.mark.parametrize(
    ("url", "sender", "fault"),
    [
        ("http://pass-word@mail.example", FROM, "place.url: not an address that begins with smtp:// or smtps://"),
        ("smtp://", FROM, "place.url: not an address"),
        ("smtp://mail.example:pass-word", FROM, "place.url: not an address"),
        ("smtp://mail.example?tls=pass-word", FROM, "place.url: the only option"),
        ("smtp://mail.example/pass-word", FROM, "place.url: the only option"),
        ("env:NOT_THERE", FROM, "place.url: the environment variable NOT_THERE, which the policy names, is not set"),
        ("file:/not/there", FROM, "place.url: the file /not/there"),
        ("smtp://mail.example", "Acme Support", "place.sender: not a mail address"),
        ("smtp://mail.example", "a b@c@d", "place.sender: not a mail address"),
        ("smtp://mail.example", "abc@", "place.sender: not a mail address"),
        ("smtp://mail.example", "ä@b.example", "place.sender: not a mail address"),
    ],
)
def test_bad_mail_server(url: str, sender: str, fault: str) -> None:
    """The fault is named with its place, and never what may be a password."""
    with pytest.raises(Refusal) as refused:
        mail_server(MailSender(url=url, sender=sender), "place")
    assert str(refused.value).startswith(fault)
    assert "pass-word" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "secret", "fault"),
    [
        ("ftp://adapter.example", SECRET, "place.url: not an address that begins with http:// or https://"),
        ("https://", SECRET, "place.url: not an address"),
        ("https://adapter.example", "whsec_", "place.secret: not a Standard Webhooks secret"),
        ("https://adapter.example", "whsec_a", "place.secret: not a Standard Webhooks secret"),
        ("https://adapter.example", "", "place.secret: the environment variable ADAPTER_SECRET"),
    ],
)
def test_bad_receiver(url: str, secret: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook that cannot be signed or reached is refused at the start."""
    monkeypatch.setenv("ADAPTER_SECRET", secret)
    with pytest.raises(Refusal) as refused:
        receiver(WebhookSender(channel="chat", provider="standard", url=url, secret="env:ADAPTER_SECRET"), "place")
    assert str(refused.value).startswith(fault)


def test_all_of_a_policys_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each desk's mail server, and each webhook by its channel and provider."""
    monkeypatch.setenv("ADAPTER_SECRET", SECRET)
    found = servers(policy())
    assert list(found.mail) == ["acme"]
    assert set(found.webhooks) == {
        ("acme", "chat", "standard"),
        ("acme", "phone", "twilio"),
        ("acme", "social", "whatsapp"),
    }


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        (MAIL, "mail"),
        (CHAT, "webhook"),
        (CALL, "webhook"),
        (ReplyAddress(channel="chat", provider="other", address="x"), "none"),
        (ReplyAddress(channel="social", provider="telegram", address="x"), "none"),
    ],
)
def test_way_out(to: ReplyAddress, kind: str) -> None:
    """Mail goes by mail, everything else by the webhook of exactly its provider."""
    assert kind_of(way_out(policy().desks["acme"], to)) == kind


def test_mail_by_a_webhook() -> None:
    """A webhook for a mail provider goes before the mail server."""
    webhook = {"channel": "email", "provider": "mime", "url": "http://a.example", "secret": "env:S"}
    sending = {"email": {"url": "smtp://h", "sender": "a@b.example"}, "webhooks": [webhook]}
    assert kind_of(way_out(policy(sending=sending).desks["acme"], MAIL)) == "webhook"
    assert kind_of(way_out(None, MAIL)) == "none"


@pytest.mark.parametrize(
    ("parts", "setting", "fault"),
    [
        (
            {"updates": {"templates": {"resolved": {"en": {"text": "{{ x }}"}}}}},
            {},
            "resolved.en: there is no variable x",
        ),
        ({}, {}, "desks.acme.sending.webhooks.0.secret: the environment variable ADAPTER_SECRET"),
        (
            {"sending": {}},
            {"outcome_seconds": 5, "delivery_seconds": 5},
            "SWITCHBOARD_OUTCOME_SECONDS (5) must be above",
        ),
    ],
    ids=["template", "secret", "setting"],
)
async def test_refuses_to_start(parts: Any, setting: Any, fault: str, tmp_path: Path) -> None:
    """Before it touches Kafka, the notifier says what is wrong with what it was given."""
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(document(**parts)))
    with pytest.raises(Refusal) as refused:
        await app.run(Settings(policy=file, port=0, **setting), KafkaSettings())
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("given", "kind", "tls"),
    [
        ({}, type(None), False),
        ({"security_protocol": "SSL"}, BaseSecurity, True),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}, SASLPlaintext, False),
        ({"security_protocol": "SASL_SSL"}, SASLScram512, True),
    ],
)
def test_security(given: Any, kind: type, tls: bool) -> None:
    """FastStream gets the same security as every other client."""
    found = security(KafkaSettings(**given, sasl_username="u", sasl_password="p"))
    assert type(found) is kind
    if found is not None:
        assert isinstance(found.ssl_context, ssl.SSLContext) is tls
        assert found.use_ssl is tls
    if isinstance(found, SASLPlaintext | SASLScram512):
        assert (found.username, found.password) == ("u", "p")
