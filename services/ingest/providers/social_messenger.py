"""Messenger: JSON, many messages in one request.

Proof and handshake: `services.ingest.meta`. Payload: `services.ingest.messenger_platform`. Retries: for 36
hours with growing pauses, then the webhook is switched off. The id is the message's `mid`.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest import messenger_platform, meta
from services.ingest.provider import InboundEvent, Intake, Provider, Request


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """Every new message of every entry."""
    return messenger_platform.parse(request, intake, "messenger", "page")


PROVIDER = Provider(channel="social", name="messenger", proof=meta.proof, parse=parse, handshake=meta.handshake)
