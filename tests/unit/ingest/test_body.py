"""Bodies, read within limits."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect, Request

from services.ingest import body
from services.ingest.body import Room, expected, read
from services.ingest.provider import Rejected

LIMIT = 100_000


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
    try:
        async with room.taken(expected(http, LIMIT)):
            return await read(http, LIMIT)
    except Rejected as rejected:
        return rejected.reason


@pytest.mark.parametrize(
    ("http", "result"),
    [
        (request(), b""),
        (request(b"a", b"", b"b"), b"ab"),
        (request(b"x" * LIMIT), b"x" * LIMIT),
        (request(b"x" * LIMIT, b"x"), "too_large"),
        (request(*[b"x" * LIMIT] * 9), "too_large"),
        (request(content_length="200001"), "too_large"),
        (request(content_length="9" * 5000), "too_large"),
        (request(b"a", content_length="²"), b"a"),
        (request(b"a", content_encoding="Identity"), b"a"),
        (request(b"a", content_encoding="gzip"), "compressed"),
    ],
)
async def test_one(http, result):
    """A body is read whole, or refused for its size or its encoding."""
    assert await outcome(http, Room(10 * LIMIT)) == result


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


async def test_room(monkeypatch):
    """Large bodies wait for one another; a small one does not; who waits for too long is asked to come again."""
    room = Room(LIMIT)
    large = b"x" * LIMIT
    async with room.taken(LIMIT):
        waiting = asyncio.create_task(outcome(request(large, content_length=str(LIMIT)), room))
        await asyncio.sleep(0)  # it begins to wait
        assert await outcome(request(b"small", content_length="5"), room) == b"small"
        monkeypatch.setattr(body, "WAIT_SECONDS", 0.01)
        assert await outcome(request(large), room) == "unavailable"
        assert not waiting.done()
    assert await waiting == large


async def test_a_body_that_ends_too_early():
    """A client that goes away leaves its room."""
    room = Room(LIMIT)
    with pytest.raises(ClientDisconnect):
        await outcome(request(b"x" * LIMIT, ends=False), room)
    assert await outcome(request(b"x" * LIMIT), room) == b"x" * LIMIT
