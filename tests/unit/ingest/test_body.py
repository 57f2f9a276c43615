"""Bodies, read within limits."""

from __future__ import annotations

import pytest
from starlette.requests import ClientDisconnect, Request

from services.ingest.body import Room, read
from services.ingest.provider import Rejected

LIMIT = 100


def request(*chunks: bytes, ends: bool = True, **headers: str) -> Request:
    """A request whose body comes in these pieces."""
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    coming.append({"type": "http.request"} if ends else {"type": "http.disconnect"})

    async def receive():
        return coming.pop(0)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw}, receive)


async def outcome(http: Request, room: Room) -> bytes | str:
    """The body, or why there is none."""
    with room.taken() as book:
        try:
            return await read(http, LIMIT, book)
        except Rejected as rejected:
            return rejected.reason


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        (request(), b""),
        (request(b"a", b"", b"b"), b"ab"),
        (request(b"x" * LIMIT), b"x" * LIMIT),
        (request(b"x" * LIMIT, b"x"), "too_large"),
        (request(*[b"x" * LIMIT] * 9), "too_large"),
        (request(content_length="201"), "too_large"),
        (request(content_length="9" * 5000), "too_large"),
        (request(b"a", content_length="²"), b"a"),
        (request(b"a", content_encoding="Identity"), b"a"),
        (request(b"a", content_encoding="gzip"), "compressed"),
    ],
)
async def test_one(http, expected):
    """A body is read whole, or refused for its size or its encoding."""
    assert await outcome(http, Room(10 * LIMIT)) == expected


async def test_not_more_is_read_than_needed():
    """Far above the limit nothing more is asked for."""
    asked = 0

    async def receive():
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"x" * LIMIT, "more_body": True}

    endless = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    assert await outcome(endless, Room(10 * LIMIT)) == "too_large"
    assert asked == 3


async def test_room():
    """All bodies together have a limit; a request that has ended, in whichever way, leaves its room."""
    room = Room(LIMIT)
    with room.taken() as book:
        book(60)
        assert await outcome(request(b"x" * 41), room) == "unavailable"
        assert await outcome(request(b"x" * 30, b"x" * 11), room) == "unavailable"
        assert await outcome(request(b"x" * 40), room) == b"x" * 40
    assert await outcome(request(b"x" * LIMIT), room) == b"x" * LIMIT


async def test_a_body_that_ends_too_early():
    """A client that goes away leaves nothing behind."""
    room = Room(LIMIT)
    with pytest.raises(ClientDisconnect):
        await outcome(request(b"x" * LIMIT, ends=False), room)
    assert await outcome(request(b"x" * LIMIT), room) == b"x" * LIMIT
