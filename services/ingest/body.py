"""Bodies of requests, read within limits: of one, of all that are being handled, and of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from services.ingest.provider import Rejected

READ_SECONDS: Final = 30.0
"""How long a provider may take to send its body."""
AT_ONCE: Final = 8
"""So many of the largest bodies are held at the same time, or more of smaller ones."""

Book = Callable[[int], None]
"""Takes room for so many bytes more. Raises Rejected(unavailable) when there is none."""


class Room:
    """What all bodies together may take of the memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    @contextmanager
    def taken(self) -> Iterator[Book]:
        """Room for one request; free again when the request has ended."""
        mine = 0

        def book(size: int) -> None:
            nonlocal mine
            if self._held + size > self._limit:
                raise Rejected("unavailable", "too much is being sent at once; send it again")
            mine += size
            self._held += size

        try:
            yield book
        finally:
            self._held -= mine


async def read(http: Request, limit: int, book: Book) -> bytes:
    """The whole body. Raises Rejected as soon as it is known to be compressed, larger than `limit` bytes, or
    too slow, and when there is no room; ClientDisconnect when it ends too early.
    """
    if http.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Rejected("compressed", "send the body as it is, without Content-Encoding")
    too_large = Rejected("too_large", f"the body is larger than {limit} bytes")
    said = http.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:20]) > 2 * limit:
        raise too_large
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
                    book(len(chunk))
                    chunks.append(chunk)
    except TimeoutError as error:
        raise Rejected("slow", f"the body did not come within {READ_SECONDS:.0f} s") from error
    if size > limit:
        raise too_large
    return b"".join(chunks)
