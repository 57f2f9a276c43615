"""The folder of one run: its secrets, its environment, the services' logs, what customers were told.

Whatever the policy reads from the environment and is not set there is made up for the run: secrets
at random, the ways out as our own receivers. What is set is left alone.
"""

from __future__ import annotations

import base64
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.signing import another, new_webhook_secret
from schemas.policy import DeskPolicy, Policy

ENV: Final = "env"
SEND: Final = "send.sh"

_SEND_SCRIPT: Final = """#!/bin/sh
# Sends one chat message, signed as Standard Webhooks says. Usage: sh {name} "what the customer writes"
# Send two: both have the same customer, so both end in the same case.
set -eu
NOW=$(date +%s); ID="curl-$NOW-$$"
TEXT=$(printf '%s' "${{1:-Hello, my printer does not print.}}" | sed 's/[\\"]/\\\\&/g')
BODY='{{"type":"message","conversation":"curl","message_id":"'$ID'","text":"'$TEXT'","customer":{{"id":"curl","name":"You"}}}}'
SIGNATURE=$(printf '%s.%s.%s' "$ID" "$NOW" "$BODY" | openssl dgst -sha256 -mac HMAC -macopt hexkey:{key} -binary | base64)
curl -sS -i -X POST '{url}' \\
  -H 'content-type: application/json' \\
  -H "webhook-id: $ID" -H "webhook-timestamp: $NOW" -H "webhook-signature: v1,$SIGNATURE" \\
  --data-binary "$BODY"
echo
"""


@dataclass(frozen=True)
class RunFolder:
    """Where everything of one run lies."""

    path: Path

    @classmethod
    def make(cls) -> RunFolder:
        """A fresh folder that only its owner can read: it holds the run's secrets."""
        folder = cls(Path(tempfile.mkdtemp(prefix="switchboard-run-")))
        folder.told.mkdir()
        return folder

    @property
    def told(self) -> Path:
        """What customers would have got, one readable file each."""
        return self.path / "told"

    @property
    def env(self) -> Path:
        """To be sourced by a shell: how to reach and speak to this run."""
        return self.path / ENV

    @property
    def send(self) -> Path:
        """The script that sends one message."""
        return self.path / SEND

    def log(self, name: str) -> Path:
        """The log of a service."""
        return self.path / f"{name}.log"

    def write_env(self, variables: Mapping[str, str]) -> None:
        """Write the variables for a shell to source."""
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
        self.env.write_text("".join(lines), encoding="utf-8")

    def write_send(self, url: str, secret: str) -> None:
        """Write the script that sends a chat message of one's own to `url`."""
        key = base64.b64decode(secret.removeprefix("whsec_") + "==").hex()
        self.send.write_text(_SEND_SCRIPT.format(name=self.send, key=key, url=url), encoding="utf-8")


def made_up_secrets(policy: Policy) -> dict[str, str]:
    """A random secret for each way in that the environment has none for, by variable."""
    made: dict[str, str] = {}
    for desk in policy.desks.values():
        for source in desk.intake:
            for name in _variables(*source.secrets):
                made.setdefault(name, another(source.provider))
    return _missing(made)


def made_up_ways_out(policy: Policy) -> dict[str, str]:
    """A random secret for the webhooks that the environment has none for, by variable."""
    secret = new_webhook_secret()
    hooks = [hook for desk in policy.desks.values() for hook in desk.sending.webhooks]
    return _missing({name: secret for hook in hooks for name in _variables(hook.secret)})


def receivers(policy: Policy, smtp: str, webhook: str) -> dict[str, str]:
    """The addresses of our own receivers for every way out that the environment has none for."""
    made: dict[str, str] = {}
    for desk in policy.desks.values():
        made |= dict.fromkeys(_variables(*_mail_urls(desk)), smtp)
        made |= dict.fromkeys(_variables(*(hook.url for hook in desk.sending.webhooks)), webhook)
    return _missing(made)


def _mail_urls(desk: DeskPolicy) -> Iterator[str]:
    if desk.sending.email is not None:
        yield desk.sending.email.url


def _variables(*sources: str) -> Iterator[str]:
    return (source[4:] for source in sources if source.startswith("env:"))


def _missing(made: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in made.items() if not os.environ.get(name)}
