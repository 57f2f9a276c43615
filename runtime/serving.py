"""A service's process: its HTTP endpoints and its work in one event loop, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from runtime.health import Health
from runtime.refusal import Refusal
from runtime.settings import PORTS, Settings
from schemas.topics import Service

log = structlog.get_logger(__name__)

GC_THRESHOLD = 50_000
"""New objects before the garbage collector looks: events are many and hold no cycles, so that looking
after every 700, Python's default, costs a tenth of the time (measured by `make bench`)."""

Work = Callable[[asyncio.Event], Awaitable[None]]
"""What the service does until the event is set; it then finishes what it has begun and returns."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the order of stopping is ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: Settings, service: Service) -> socket.socket:
    """The bound socket of the service's endpoints. Raises Refusal when the port is taken."""
    port = PORTS[service] if settings.port is None else settings.port
    try:
        return socket.create_server((settings.host, port), backlog=2048)
    except OSError as error:
        message = (
            f"cannot listen on {settings.host}:{port}: {error.strerror}; set SWITCHBOARD_PORT (0 takes any free one)"
        )
        raise Refusal(message) from error


async def serve(
    app: ASGIApp, work: Work, *, sock: socket.socket, settings: Settings, health: Health, requests_first: bool = False
) -> None:
    """Run until SIGTERM or SIGINT, then stop in order: unready, pause, finish, close.

    `requests_first` finishes the open HTTP requests before the work is told to stop, for services
    whose requests need it (ingest's producer). Raises what `work` raises: the process then exits
    with 1 and whoever supervises it starts it again.
    """
    gc.set_threshold(GC_THRESHOLD)
    loop = asyncio.get_running_loop()
    asked, finish = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    # Requests that hang must not outlast the pod's grace period.
    server = _Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", proxy_headers=False, timeout_graceful_shutdown=20
        )
    )
    http = asyncio.create_task(server.serve(sockets=[sock]), name="http")
    working = asyncio.ensure_future(work(finish))
    wanted = asyncio.create_task(asked.wait())
    log.info("serving", host=sock.getsockname()[0], port=sock.getsockname()[1])
    try:
        await asyncio.wait({wanted, working, http}, return_when=asyncio.FIRST_COMPLETED)
        health.draining = True
        log.info("stopping")
        if not working.done() and not http.done():
            await asyncio.sleep(settings.drain_seconds)
        if requests_first:
            server.should_exit = True
            await http
        finish.set()
        await working
    finally:
        server.should_exit = True
        wanted.cancel()
        await asyncio.gather(http, wanted, return_exceptions=True)
        log.info("stopped")
