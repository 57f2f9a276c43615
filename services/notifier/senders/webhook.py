"""One signed POST to an adapter.

Source: Standard Webhooks (https://www.standardwebhooks.com), with `webhook-id` and `idempotency-key` the
update's own id, so that the receiver recognises a repeat.
"""

from __future__ import annotations

from typing import Final

import httpx

from runtime.clock import Clock
from schemas.updates import UpdateRequested
from services.notifier.senders.attempts import NotNow, Refused
from services.notifier.senders.servers import Receiver

TIMEOUT_SECONDS: Final = 15.0

_AGAIN: Final = frozenset({408, 429})


async def post(client: httpx.AsyncClient, receiver: Receiver, update: UpdateRequested, clock: Clock) -> None:
    """One try. 2xx: delivered. Raises Refused for 4xx except 408 and 429, NotNow for everything else."""
    body = update.model_dump_json(exclude_none=True)
    now = clock()
    headers = {
        "content-type": "application/json",
        "idempotency-key": update.update_id,
        "webhook-id": update.update_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": receiver.signer.sign(update.update_id, now, body),
    }
    try:
        response = await client.post(receiver.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise NotNow(f"no answer from the adapter: {type(error).__name__}") from error
    if response.is_success:
        return
    if response.is_client_error and response.status_code not in _AGAIN:
        raise Refused(f"the adapter answered {response.status_code}")
    raise NotNow(f"the adapter answered {response.status_code}")
