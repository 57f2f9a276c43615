"""What a run makes up for itself, and what it tells others."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from local.run_folder import RunFolder, made_up_secrets, made_up_ways_out, receivers
from local.sample import POLICY
from local.signing import new_webhook_secret
from runtime.policy_file import read_policy

NAMES = {
    *("ACME_MIME_SECRET", "ACME_CHAT_SECRET", "ACME_TWILIO_TOKEN", "ACME_WHATSAPP_SECRET"),
    *("ACME_SMTP_URL", "ACME_ADAPTER_URL", "ACME_ADAPTER_SECRET"),
}


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_everything_that_the_policy_reads_is_made_up() -> None:
    """Secrets at random, each in its provider's form, and the ways out to our own receivers."""
    policy = read_policy(POLICY)
    made = made_up_secrets(policy) | made_up_ways_out(policy) | receivers(policy, "smtp://here", "http://here")
    assert made.keys() == NAMES
    assert made["ACME_SMTP_URL"] == "smtp://here"
    assert made["ACME_ADAPTER_URL"] == "http://here"
    assert made["ACME_CHAT_SECRET"].startswith("whsec_")
    assert made["ACME_CHAT_SECRET"] != made["ACME_MIME_SECRET"]
    assert made_up_secrets(policy)["ACME_TWILIO_TOKEN"] != made["ACME_TWILIO_TOKEN"]


def test_what_is_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's own secret, or mail server, is not replaced."""
    monkeypatch.setenv("ACME_CHAT_SECRET", "whsec_AAAA")
    monkeypatch.setenv("ACME_SMTP_URL", "smtp://mine")
    policy = read_policy(POLICY)
    assert "ACME_CHAT_SECRET" not in made_up_secrets(policy)
    assert "ACME_SMTP_URL" not in receivers(policy, "smtp://here", "http://here")


def test_folder_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It holds secrets. The variables in it are for a shell to source, whatever is in them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = RunFolder.make()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.write_env({"A": "it's $HOME", "B": "b"})
    assert folder.env.read_text(encoding="utf-8") == "export A='it'\"'\"'s $HOME'\nexport B=b\n"


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="needs openssl and curl")
async def test_script_sends_a_signed_message(tmp_path: Path) -> None:
    """What we tell users to run is taken by the receivers' own library, whatever they write."""
    secret, requests = new_webhook_secret(), []
    (tmp_path / "told").mkdir()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(
            line.lower().split(": ", 1) if "signature" not in line else line.split(": ", 1) for line in lines[1:-2]
        )
        requests.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    folder = RunFolder(tmp_path)
    folder.write_send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/desks/acme/chat/standard", secret)
    script = await asyncio.create_subprocess_exec(
        "sh", str(folder.send), 'My "drukker" werk nie \\ né', stdout=asyncio.subprocess.PIPE
    )
    out, _ = await script.communicate()
    server.close()
    assert script.returncode == 0
    assert out.startswith(b"HTTP/1.1 200 OK")
    ((headers, body),) = requests
    Webhook(secret).verify(body, headers)
    sent = json.loads(body)
    assert (sent["text"], sent["customer"]["id"]) == ('My "drukker" werk nie \\ né', "curl")
