"""Mail by SMTP, as a mail server would bring it: 250 means that it is on the topic."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import smtplib
import socket
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from schemas.codec import decode
from tests.integration.ingest.process import published, running
from tests.unit.ingest.provider_side import POLICY, mail

pytestmark = pytest.mark.kafka

SOURCE = """
      - channel: email
        provider: smtp
        open: anyone can forge messages here
        addresses: [support@acme.example, Help@acme.example]
"""


def with_smtp(folder: Path) -> dict[str, str]:
    """A policy that takes mail, and a certificate of the server's own."""
    policy = folder / "with-smtp.yaml"
    policy.write_text(POLICY.replace("    intake:\n", "    intake:" + SOURCE))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.acme.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "mx.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "mx.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {
        "SWITCHBOARD_POLICY": str(policy),
        "SWITCHBOARD_SMTP_PORT": "0",
        "SWITCHBOARD_SMTP_NAME": "mx.acme.example",
        "SWITCHBOARD_SMTP_CERTIFICATE": str(folder / "mx.pem"),
        "SWITCHBOARD_SMTP_KEY": str(folder / "mx.key"),
        "SWITCHBOARD_MAX_BODY_BYTES": "200000",
    }


async def port_of(ingest) -> int:
    """Where it listens for mail, as it logs it."""
    async with asyncio.timeout(60):
        while True:
            for line in ingest.lines:
                if '"listening for mail"' in line:
                    return json.loads(line)["port"]
            await asyncio.sleep(0.05)


class Sender:
    """smtplib in a thread: a mail server as it really speaks."""

    def __init__(self, port: int, trusted: Path | None = None) -> None:
        self.port = port
        self.trusted = trusted

    async def send(self, content: bytes, *to: str, sender: str = "jan@example.com", **options) -> tuple[int, bytes]:
        """The code and the words of the last answer."""
        return await asyncio.to_thread(self._send, content, to or ("support@acme.example",), sender, options)

    def _send(self, content, to, sender, options):
        with smtplib.SMTP("localhost", self.port, timeout=60) as smtp:
            smtp.ehlo("client.example")
            if self.trusted:
                smtp.starttls(context=ssl.create_default_context(cafile=str(self.trusted)))
                smtp.ehlo("client.example")
            code, words = smtp.mail(sender, options.get("options", ()))
            for address in to:
                if code == 250:
                    code, words = smtp.rcpt(address)
            return smtp.data(content) if code == 250 else (code, words)


async def test_mail_over_starttls_is_on_the_topic(installation, kafka, tmp_path):
    """A mail over a verified STARTTLS connection, to a tagged address of a desk and a second one of the same
    desk, is one message; the same mail again has the same id; a null sender makes it a machine's.
    """
    async with running(installation, kafka, tmp_path, **with_smtp(tmp_path)) as ingest:
        await ingest.until_ready()
        sender = Sender(await port_of(ingest), tmp_path / "mx.pem")
        code, words = await sender.send(mail(), "Support+AC@acme.example", "help@ACME.example")
        assert code == 250, words
        again, _ = await sender.send(mail(), "support@acme.example")
        assert again == 250
        bounce = mail(message_id="<b1@example.com>", subject="Hello")
        assert (await sender.send(bounce, sender=""))[0] == 250
        records = [decode(r.value, r.headers) for r in await published(installation, kafka, 3)]
        metrics = (await ingest.http.get("/metrics")).text
        assert await ingest.stop() == 0
    first, second, third = (r.event for r in records)
    assert (first.message_id, first.channel, first.provider) == (second.message_id, "email", "smtp")
    assert first.message_id in words.decode()
    assert (first.sender.identifiers, first.text) == (("email:jan@example.com",), "My printer does not work.")
    assert (first.verified, first.automatic) == (False, None)
    assert third.automatic is not None
    assert 'switchboard_messages_received_total{channel="email",desk="acme",provider="smtp"} 3.0' in metrics


async def test_what_is_refused_and_how(installation, kafka, tmp_path):
    """No such recipient, too large by what it says and by what it is, no mail at all, HTTP to the same source;
    one connection after another, and the next good mail is taken.
    """
    async with running(installation, kafka, tmp_path, **with_smtp(tmp_path)) as ingest:
        await ingest.until_ready()
        sender = Sender(await port_of(ingest))
        large = mail("x" * 70 + "\r\n") + b"more of the same, and again\r\n" * 10_000
        assert (await sender.send(mail(), "nobody@acme.example"))[0] == 550
        assert (await sender.send(mail(), "support@elsewhere.example"))[0] == 550
        assert (await sender.send(large, options=[f"SIZE={len(large)}"]))[0] == 552
        assert (await sender.send(large))[0] == 552
        assert (await sender.send(large[:150_000], options=["SIZE=1000"]))[0] == 552
        code, words = await sender.send(b"this is no mail\r\n", sender="")
        assert (code, words[:5]) == (554, b"5.6.0")
        http = await ingest.http.post("/v1/desks/acme/email/smtp", content=mail())
        assert (http.status_code, http.json()["error"]["reason"]) == (404, "unknown_provider")
        assert (await sender.send(mail("y" * 60_000)))[0] == 250
        (record,) = await published(installation, kafka, 1)
        log = "".join(ingest.lines)
    assert decode(record.value, record.headers).event.text.startswith("y" * 30_000)
    assert "example.com" not in log
    assert "printer" not in log


async def test_who_comes_too_often_is_sent_away_for_now(installation, kafka, tmp_path):
    """The third mail of one sender within the minute gets 451; another sender's is taken."""
    limits = {"SWITCHBOARD_SMTP_SENDER_PER_MINUTE": "2"}
    async with running(installation, kafka, tmp_path, **with_smtp(tmp_path), **limits) as ingest:
        await ingest.until_ready()
        sender = Sender(await port_of(ingest))
        codes = [(await sender.send(mail(message_id=f"<{n}@example.com>")))[0] for n in range(3)]
        other, _ = await sender.send(mail(message_id="<other@example.com>"), sender="piet@example.com")
    assert (codes, other) == ([250, 250, 451], 250)


async def test_hostile_clients_are_bounded(installation, kafka, tmp_path):
    """Endless lines, unknown commands without end, recursive addresses and too many connections are answered
    and cut off; an honest client is served among them.
    """
    async with running(installation, kafka, tmp_path, **with_smtp(tmp_path)) as ingest:
        await ingest.until_ready()
        port = await port_of(ingest)

        async def talk(sent: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent + b"QUIT\r\n")
            async with asyncio.timeout(30):
                try:
                    return await reader.read()
                except ConnectionResetError:
                    return b"reset"
                finally:
                    writer.close()

        assert b"500 Command line too long" in await talk(b"EHLO x\r\n" + b"NOOP " + b"a" * 1_000_000 + b"\r\n")
        assert b"500 Command line too long" in await talk(b"EHLO x\r\n" * 50 + b"MAIL FROM:<" + b"a" * 600 + b">\r\n")
        assert b"Too many unrecognized" in await talk(b"WHAT\r\n" * 1000)
        assert b"421 4.7.0 NOOP sent too many times" in await talk(b"EHLO x\r\n" + b"NOOP\r\n" * 100)
        assert (await talk(b"EHLO x\r\nMAIL FROM:<" + b"(" * 450 + b"\r\n")).count(b"\r\n") > 3
        assert b"AUTH" not in await talk(b"EHLO x\r\n")
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(25)]
        greetings = [await reader.readline() for reader, _ in idle]
        assert [g[:3] for g in greetings].count(b"220") == 20
        assert [g[:3] for g in greetings].count(b"421") == 5
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.5)
        assert (await Sender(port).send(mail()))[0] == 250
        assert await ingest.stop() == 0


async def test_sigterm_says_goodbye(installation, kafka, tmp_path):
    """An idle connection hears 421 when the process is told to stop, and does not hold it up."""
    async with running(installation, kafka, tmp_path, **with_smtp(tmp_path)) as ingest:
        await ingest.until_ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", await port_of(ingest))
        await reader.readline()
        assert await ingest.stop() == 0
        assert (await reader.readline())[:3] == b"421"
        writer.close()


async def test_451_while_kafka_is_away_then_250(own_broker, own_installation, tmp_path):
    """Without Kafka a mail is never taken: 451, at DATA and at MAIL FROM; when Kafka is back the sender's next
    attempt gets its 250, and the mail is on the topic.
    """
    async with own_broker() as broker, own_installation(broker) as (settings, kafka):
        async with running(settings, kafka, tmp_path, **with_smtp(tmp_path)) as ingest:
            await ingest.until_ready()
            sender = Sender(await port_of(ingest))
            await broker.stop()
            during = [await sender.send(mail())]
            await ingest.until_ready(503)
            during.append(await sender.send(mail()))
            await broker.start()
            await ingest.until_ready()
            async with asyncio.timeout(60):
                while (after := await sender.send(mail()))[0] != 250:  # noqa: ASYNC110 - as a sender does
                    await asyncio.sleep(1)
            assert await ingest.stop() == 0
        (record, *_) = await published(settings, kafka, 1)
    assert [code for code, _ in during] == [451, 451]
    assert dict(record.headers)["ce_id"] in after[1]


async def test_settings_that_cannot_work_are_refused(installation, kafka, tmp_path):
    """A certificate without its key, and a port that is taken: exit code 2, and the variable is named."""
    given = with_smtp(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for wrong in ({"SWITCHBOARD_SMTP_KEY": ""}, {"SWITCHBOARD_SMTP_PORT": str(taken.getsockname()[1])}):
            with pytest.raises(AssertionError, match="SWITCHBOARD_SMTP"):
                async with running(installation, kafka, tmp_path, **{**given, **wrong}):
                    pass
