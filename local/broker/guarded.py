"""A command that leaves nothing behind, as seen by the one who started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from local.broker import guard

TAIL_LINES = 15
POLL_SECONDS = 0.05


class Failed(Exception):
    """The command ended, or said nothing, before it was ready. To do: take another way, or tell the
    user; the text holds the last lines of its log.
    """


class Guarded:
    """Runs one command at a time in a temporary folder of its own. The folder and all that runs are
    gone when this process is, however it ended. Not bound to an event loop.
    """

    def __init__(self, *at_end: str, parent: Path | None = None) -> None:
        """Start the guard; `at_end` is the command that it runs at the very end. The folder is made in
        `parent`, by default where temporary files go.
        """
        self.folder = (parent or Path(tempfile.gettempdir())) / f"switchboard-{secrets.token_hex(6)}"
        self._guard = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", guard.__file__, str(self.folder), *at_end],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self._guard.stdout
        with self._guard.stdout as answer:  # so the folder is never there without its guard
            if not answer.readline():
                raise OSError(f"the guard of {self.folder} did not start")

    @property
    def pid(self) -> int:
        """Of the guard."""
        return self._guard.pid

    async def until_said(self, words: str, command: list[str], within: float) -> None:
        """Start `command`; returns when its output holds `words`. Raises Failed when it has ended, or
        `within` seconds are over.
        """
        await self._follow(command, words, within)

    async def until_done(self, command: list[str], within: float) -> None:
        """Run `command` to its good end. Raises Failed otherwise."""
        await self._follow(command, f"{guard.EXITED} 0\n", within)

    async def stop(self) -> None:
        """End what runs, cleanly; the folder stays for another start."""
        start = self._log_size()
        self._tell([])
        async with asyncio.timeout(2 * guard.STOP_SECONDS):
            while guard.EXITED not in self._said(start):
                await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Kill what runs and remove the folder."""
        assert self._guard.stdin
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        while self._guard.poll() is None:
            await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, command: list[str], words: str, within: float) -> None:
        start = self._log_size()
        self._tell(command)
        try:
            async with asyncio.timeout(within):
                while words not in (said := self._said(start)):
                    if guard.EXITED in said:
                        raise Failed(self._tail(said))
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise Failed(f"not ready after {within:.0f} s:\n{self._tail(self._said(start))}") from None

    def _tell(self, command: list[str]) -> None:
        assert self._guard.stdin
        self._guard.stdin.write(json.dumps(command) + "\n")
        self._guard.stdin.flush()

    def _log_size(self) -> int:
        return (self.folder / guard.LOG).stat().st_size

    def _said(self, start: int) -> str:
        with (self.folder / guard.LOG).open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    @staticmethod
    def _tail(said: str) -> str:
        return "\n".join(said.rstrip().splitlines()[-TAIL_LINES:])


@contextlib.asynccontextmanager
async def guarded(*at_end: str, parent: Path | None = None) -> AsyncIterator[Guarded]:
    """A Guarded that is closed at the end, also when this task is cancelled."""
    watched = Guarded(*at_end, parent=parent)
    try:
        yield watched
    finally:
        await asyncio.shield(watched.close())
