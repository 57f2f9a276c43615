"""A command that leaves nothing behind, as seen by the one who started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
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
        self._began = 0  # where in the log the command's output begins
        self._guard = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", guard.__file__, str(self.folder), *at_end],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self._guard.stdout
        with self._guard.stdout as answer:  # the guard makes the folder, so it is never there without one
            if not answer.readline():
                raise OSError(f"the guard of {self.folder} did not start")

    @property
    def pid(self) -> int:
        """Of the guard."""
        return self._guard.pid

    async def until_said(self, words: str, command: Sequence[str], within: float) -> None:
        """Start `command`; returns when its output holds `words`. Raises Failed when it has ended, or
        `within` seconds are over.
        """
        self._began = (self.folder / guard.LOG).stat().st_size
        self._tell(command)
        await self._until(words, within)

    async def until_done(self, command: Sequence[str], within: float) -> None:
        """Run `command` to its good end. Raises Failed otherwise."""
        await self.until_said(f"{guard.EXITED} 0\n", command, within)

    async def stop(self) -> None:
        """End what runs, cleanly; the folder stays for another start."""
        self._tell([])
        await self._until(guard.EXITED, 2 * guard.STOP_SECONDS)

    async def close(self) -> None:
        """Kill what runs and remove the folder."""
        assert self._guard.stdin
        with contextlib.suppress(BrokenPipeError):  # the guard is gone already
            self._guard.stdin.close()
        await asyncio.to_thread(self._guard.wait)

    async def _until(self, words: str, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                while words not in (said := self._said()):
                    if guard.EXITED in said:
                        raise Failed(_tail(said))
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise Failed(f"not ready after {within:.0f} s:\n{_tail(self._said())}") from None

    def _tell(self, command: Sequence[str]) -> None:
        assert self._guard.stdin
        self._guard.stdin.write(json.dumps(list(command)) + "\n")
        self._guard.stdin.flush()

    def _said(self) -> str:
        with (self.folder / guard.LOG).open("rb") as log:
            log.seek(self._began)
            return log.read().decode(errors="replace")


@contextlib.asynccontextmanager
async def guarded(*at_end: str, parent: Path | None = None) -> AsyncIterator[Guarded]:
    """A Guarded that is closed at the end, also when this task is cancelled."""
    watched = Guarded(*at_end, parent=parent)
    try:
        yield watched
    finally:
        await asyncio.shield(watched.close())


def _tail(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(guard.EXITED)]
    return "\n".join(lines[-TAIL_LINES:]) or "it said nothing"
