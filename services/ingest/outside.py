"""What a provider needs from its own hosts: a certificate to read, a confirmation to send.

Only addresses that a provider's module has checked or made come here; redirects are not followed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import httpx
import structlog

from runtime.release import VERSION
from services.ingest.provider import Rejected

log = structlog.get_logger(__name__)

SECONDS: Final = 5.0
"""For one address. Providers give up after 10 to 15 seconds."""
LARGEST: Final = 65_536
"""Bytes of an answer that are read."""
KEPT: Final = 32
"""Answers that are kept. What lies at such an address never changes: a new certificate has a new one."""
AT_ONCE: Final = 4
_HEADERS: Final = {"user-agent": f"switchboard/{VERSION}"}


class Outside:
    """Connects for each address anew: that is once for a certificate, and once for a subscription."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def read(self, url: str) -> bytes:
        """What lies at `url`, from memory where it was read before. Raises Rejected(unavailable)."""
        kept = self._kept.get(url)
        if kept is None:
            kept = self._kept[url] = await self._get(url)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return kept

    async def visit(self, url: str) -> None:
        """Call `url`, whatever it answers with 2xx. Raises Rejected(unavailable)."""
        await self._get(url)
        log.info("confirmed to a provider", host=httpx.URL(url).host)

    async def _get(self, url: str) -> bytes:
        content = b""
        try:
            async with (
                self._turn,
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(transport=self._transport, timeout=SECONDS, headers=_HEADERS) as client,
                client.stream("GET", url) as response,
            ):
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST:
                        break
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            log.warning("a provider's host cannot be reached", host=httpx.URL(url).host, error=type(error).__name__)
            raise Rejected("unavailable", "the provider's own host cannot be reached; send it again") from error
        if not response.is_success or len(content) > LARGEST:
            log.warning("a provider's host answers otherwise", host=httpx.URL(url).host, status=response.status_code)
            raise Rejected("unavailable", "the provider's own host answers otherwise; send it again")
        return content
