"""docs/adapters.md works as it is written: its commands are run, and what they would send is let in."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from runtime.policy_file import read_policy
from schemas.messages import MessageReceived
from services.ingest.doors import open_doors
from services.ingest.provider import Intake, Rejected, Request
from tests.architecture.house import ROOT

SECRETS = {
    "ACME_MIME_SECRET": "whsec_" + base64.b64encode(b"secret of the mail route").decode(),
    "ACME_CHAT_SECRET": "whsec_" + base64.b64encode(b"secret of the chat route").decode(),
    "ACME_TWILIO_TOKEN": "a token of Twilio",
    "ACME_WHATSAPP_SECRET": "an app secret",
}
EXPECTED = {
    "email/mime": ("email:thandi@bigco.example", "Since this morning the printer on floor 3 does not print at all."),
    "chat/standard": ("handle:chat:u-9", "Is my printer being looked at?"),
    "phone/twilio": ("tel:+27821234567", "No dial tone since noon"),
    "social/whatsapp": ("handle:whatsapp:27821234567", "Still not printing"),
}
# Stands in for curl: writes the request down instead of sending it.
CURL = r"""
curl() {
  local n=$(ls -d request-* 2>/dev/null | wc -l) url= && mkdir "request-$n"
  while [ $# -gt 0 ]; do
    case $1 in
      -i) ;;
      -H) shift; printf '%s\n' "$1" >> "request-$n/headers" ;;
      --data-binary) shift; cat "${1#@}" > "request-$n/body" ;;
      --data-urlencode) shift; printf '%s%s=%s' "$(test -s "request-$n/body" && echo '&')" "${1%%=*}" \
        "$(printf %s "${1#*=}" | od -An -v -tx1 | tr -d '\n' | tr ' ' %)" >> "request-$n/body" ;;
      -d) shift; printf '&%s' "$1" >> "request-$n/body" ;;
      *) url=$1 ;;
    esac
    shift
  done
  printf %s "$url" > "request-$n/url"
}
"""


@pytest.fixture(scope="module")
def requests(tmp_path_factory) -> dict[str, Request]:
    """What the document's commands would send, by channel and provider."""
    missing = [program for program in ("bash", "openssl", "od") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("commands")
    text = (ROOT / "docs/adapters.md").read_text(encoding="utf-8")
    script = "\n".join(["set -eu", CURL, *re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)])
    subprocess.run(["bash", "-c", script], cwd=folder, env={"PATH": "/usr/bin:/bin", **SECRETS}, check=True)
    return {"/".join(urlsplit(each.url).path.split("/")[-2:]): each for each in map(_request, folder.glob("request-*"))}


def _request(folder: Path) -> Request:
    lines = (folder / "headers").read_text(encoding="utf-8").splitlines()
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    url = (folder / "url").read_text(encoding="utf-8")
    return Request(method="POST", url=url, headers=headers, query={}, body=(folder / "body").read_bytes())


@pytest.mark.parametrize("way", EXPECTED)
def test_the_commands_of_the_document_are_let_in(way, requests, monkeypatch):
    """Signature, payload and path of each example are what the sample desk takes."""
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    doors = open_doors(read_policy(ROOT / "local/sample/policy.yaml"))
    channel, provider = way.split("/")
    door = doors["acme", channel, provider]
    intake = Intake(
        "acme", door.policy, channel, provider, datetime(2026, 11, 22, tzinfo=UTC), door.prove(requests[way])
    )
    (event,) = door.provider.parse(requests[way], intake)
    assert isinstance(event, MessageReceived)
    assert (event.sender.identifiers[0], event.text) == EXPECTED[way]


@pytest.mark.parametrize("way", EXPECTED)
def test_they_are_not_let_in_by_chance(way, requests, monkeypatch):
    """With other secrets the same requests are forged."""
    for name, secret in SECRETS.items():
        other = "whsec_" + base64.b64encode(b"another secret of a route").decode() if "whsec_" in secret else "another"
        monkeypatch.setenv(name, other)
    door = open_doors(read_policy(ROOT / "local/sample/policy.yaml"))[("acme", *way.split("/"))]
    with pytest.raises(Rejected) as refused:
        door.prove(requests[way])
    assert refused.value.reason == "forged"
