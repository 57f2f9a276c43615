"""Bodies of requests, read within limits: of one, of all that are being handled, and of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from starlette.requests import Request

from services.ingest.provider import Rejected

READ_SECONDS: Final = 30.0
"""How long a provider may take to send its body."""
WAIT_SECONDS: Final = 10.0
"""How long a request waits for room. Providers give up after 10 to 15 seconds."""
AT_ONCE: Final = 4
"""So many of the largest bodies are held at the same time, or more of smaller ones."""
SMALL_BYTES: Final = 65_536
"""Bodies up to here need no room: large uploads must not keep the others out."""


class Room:
    """What the large bodies may take of the memory, all together."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def taken(self, size: int) -> AsyncIterator[None]:
        """Room for `size` bytes while the request is handled. Raises Rejected(unavailable) when there is
        none for too long.
        """
        size = size if size > SMALL_BYTES else 0
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while self._free < size:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError as error:
            raise Rejected("unavailable", "too much is being sent at once; send it again") from error
        self._free -= size
        try:
            yield
        finally:
            self._free += size
            self._freed.set()


def expected(http: Request, limit: int) -> int:
    """How many bytes of the body will be held: what it says of itself, or else the most that is read.
    Raises Rejected for one that is compressed, or far too large.
    """
    if http.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Rejected("compressed", "send the body as it is, without Content-Encoding")
    said = http.headers.get("content-length", "")
    size = int(said[:20]) if said.isascii() and said.isdigit() else limit
    if size > 2 * limit:
        raise _too_large(limit)
    return min(size, limit)


async def read(http: Request, limit: int) -> bytes:
    """The whole body. Raises Rejected as soon as it is known to be larger than `limit` bytes or too slow;
    ClientDisconnect when it ends too early.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in http.stream():
                size += len(chunk)
                if size > 2 * limit:
                    break
                # A little too much is read to its end and thrown away, because many clients only listen for
                # an answer after they have sent everything.
                if size > limit:
                    chunks.clear()
                else:
                    chunks.append(chunk)
    except TimeoutError as error:
        raise Rejected("slow", f"the body did not come within {READ_SECONDS:.0f} s") from error
    if size > limit:
        raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> Rejected:
    return Rejected("too_large", f"the body is larger than {limit} bytes")
