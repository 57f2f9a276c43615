"""The four services as processes of their own: started, watched, started again, stopped.

Each child holds the reading end of a pipe as its standard input. The kernel closes the pipe however
this process dies, by kill -9 too, and the child then stops by itself (`serve --until-eof`); so
nothing is left behind, on Linux and macOS alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from runtime.refusal import Refusal
from runtime.settings import PORTS
from schemas.topics import SERVICES, Service

READY_SECONDS: Final = 60.0
"""For all services together to become ready; the slowest part is Python's imports on a busy machine."""
FALSE_STARTS: Final = 3
"""Ends before it was ever ready, after which more of them are no use."""
STOP_SECONDS: Final = 15.0
"""After SIGTERM, then SIGKILL."""
BACKOFF_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Before the first, second, ... start after an early end; the last one for all further ones."""
STEADY_SECONDS: Final = 20.0
"""Whoever ran for so long begins again with the shortest pause."""
POLL_SECONDS: Final = 0.1
REFUSED: Final = 2
"""The exit code of a process that was given something wrong: starting it again is no use."""


@dataclass
class Child:
    """One service: its process, now and after each new start."""

    service: Service
    port: int
    log: Path
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    why: list[str] = field(default_factory=list)
    """How it ended, each time."""

    @property
    def url(self) -> str:
        """Of its HTTP endpoints."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return None if self.process is None or self.process.returncode is not None else self.process.pid

    def last_words(self, lines: int = 8) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""


Told = Callable[[str], None]
"""Where it is said that a process ended and was started again."""


class Supervisor:
    """Keeps the services running. Use as `async with supervised(...)`."""

    def __init__(self, children: Sequence[Child], env: Mapping[str, str], tell: Told) -> None:
        self.children = {child.service: child for child in children}
        self._env, self._tell = env, tell
        self._stopping = False
        self._keepers: list[asyncio.Task[None]] = []
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with a Refusal when a service refuses to start."""

    async def start(self) -> None:
        """Start all of them; returns when every one is ready. Raises Refusal when one is not."""
        for child in self.children.values():
            await self._spawn(child)
            self._keepers.append(asyncio.create_task(self._keep(child), name=f"keep {child.service}"))
        ready = asyncio.ensure_future(self._all_ready())
        await asyncio.wait({ready, self.refused}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            self.refused.result()
        ready.result()

    async def stop(self) -> None:
        """SIGTERM to all at once, a while for them to finish, then SIGKILL."""
        self._stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(self._end(child) for child in self.children.values()))
        if not self.refused.done():
            self.refused.cancel()
        elif not self.refused.cancelled():
            self.refused.exception()

    async def _spawn(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "console.app", "serve", child.service, "--until-eof"),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**self._env, "SWITCHBOARD_PORT": str(child.port)},
                start_new_session=True,  # a Ctrl-C is ours to hear; they stop in order
            )

    async def _keep(self, child: Child) -> None:
        """Start it again whenever it ends, until told otherwise."""
        early = 0
        while True:
            assert child.process is not None
            began = time.monotonic()
            code = await child.process.wait()
            child.why.append(f"exit code {code}" if code >= 0 else f"signal {-code}")
            if code == REFUSED:
                if not self.refused.done():
                    message = f"{child.service} refuses to start:\n{child.last_words()}"
                    self.refused.set_exception(Refusal(message))
                return
            early = 0 if time.monotonic() - began >= STEADY_SECONDS else early + 1
            pause = BACKOFF_SECONDS[min(early, len(BACKOFF_SECONDS) - 1)]
            self._tell(f"{child.service} ended ({child.why[-1]}); starting it again")
            await asyncio.sleep(pause)
            child.restarts += 1
            await self._spawn(child)

    async def _all_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(timeout=2.0) as http:
            for child in self.children.values():
                while said := await ready(http, child):
                    if time.monotonic() > deadline or child.restarts > FALSE_STARTS:
                        message = (
                            f"{child.service} does not become ready (started {child.restarts + 1} times); it says: {said}\n"
                            f"The end of {child.log}:\n{child.last_words()}"
                        )
                        raise Refusal(message)
                    await asyncio.sleep(POLL_SECONDS)

    async def _end(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        for end in (process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError):
                end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
                return


@contextlib.asynccontextmanager
async def supervised(children: Sequence[Child], env: Mapping[str, str], tell: Told) -> AsyncIterator[Supervisor]:
    """The services, ready; gone at the end. Raises Refusal when one cannot start."""
    supervisor = Supervisor(children, env, tell)
    try:
        await supervisor.start()
        yield supervisor
    finally:
        await asyncio.shield(supervisor.stop())


async def ready(http: httpx.AsyncClient, child: Child) -> str | None:
    """What the service says is not ready yet; None when all is well."""
    try:
        response = await http.get(f"{child.url}/readyz")
    except httpx.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return None if response.is_success else response.text.strip()


def choose_ports(host: str, taken: Callable[[Service, int, int], None]) -> dict[Service, int]:
    """The usual port of each service, or a free one where it is taken; `taken` is then told of it
    (service, usual port, port).
    """
    chosen: dict[Service, int] = {}
    for service in SERVICES:
        for port in (PORTS[service], 0):
            with contextlib.suppress(OSError), socket.create_server((host, port)) as found:
                chosen[service] = found.getsockname()[1]
                break
        if chosen[service] != PORTS[service]:
            taken(service, PORTS[service], chosen[service])
    return chosen
