"""Mail as raw MIME over HTTP, as a mail server's pipe or a provider's "raw" route brings it.

The body is the mail itself (RFC 5322, any charset, any line ends). Proof: Standard Webhooks over the body
(`services.ingest.standard_webhooks`: what is signed is `<webhook-id>.<webhook-timestamp>.` and the mail's
bytes). The signature speaks for the server that brought the mail, not for who stands in its From, so the
sender is never `verified`.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest import standard_webhooks
from services.ingest.normalise.mail import Mail
from services.ingest.normalise.received import received
from services.ingest.provider import InboundEvent, Intake, Provider, Request


def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
    """One message: nothing that is a mail is dropped, whoever or whatever wrote it."""
    return [received(Mail.read(request.body), intake)]


PROVIDER = Provider(
    channel="email",
    name="mime",
    proof=standard_webhooks.proof,
    check_secret=standard_webhooks.check_secret,
    parse=parse,
    heavy=True,
)
