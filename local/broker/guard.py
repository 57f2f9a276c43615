"""The guard: a small process that outlives whoever started it by a moment, to clean up behind it.

`guard.py FOLDER [COMMAND...]` makes FOLDER and runs in it what its standard input tells it to, one
JSON array of arguments a line; an empty array stops what runs. When its input ends, it kills what
runs, runs COMMAND (for what a kill does not reach: a container lives in the engine, not below us)
and removes FOLDER. What runs writes to FOLDER/log; its end is marked there too.

Why a process and a pipe: the kernel closes a pipe however its owner dies, by kill -9 too, on Linux
and macOS alike. Linux's parent-death signal is Linux's alone, fires when a mere thread ends, and
removes no folder. It runs as a plain script on the standard library, so that it is small and quick.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

LOG = "log"
EXITED = "-- the broker's guard: exited with"
"""Stands in the log, followed by the code, when what ran has ended."""
STOP_SECONDS = 20.0
"""A clean stop takes well under a second; what has not stopped by then is killed."""


def main(folder: str, *at_end: str) -> None:
    """Run what standard input says in `folder`, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Whoever started this stops first, and in order. Not SIG_IGN: that is inherited, and a JVM
        # which starts with SIGTERM ignored does not stop on it.
        signal.signal(number, lambda *_: None)
    os.umask(0o077)
    Path(folder).mkdir()
    running: subprocess.Popen[bytes] | None = None
    with Path(folder, LOG).open("ab", buffering=0) as log:
        print("ready", flush=True)  # noqa: T201 - this is how a process says it
        try:
            for line in sys.stdin:
                if command := json.loads(line):
                    running = begin(command, folder, log)
                elif running:
                    end(running, signal.SIGTERM)
        finally:
            if running:
                end(running, signal.SIGKILL)
            if at_end:
                subprocess.run(at_end, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)  # noqa: S603 - ours
            shutil.rmtree(folder)


def begin(command: list[str], folder: str, log: BinaryIO) -> subprocess.Popen[bytes] | None:
    """Start `command` in a session of its own, so that no terminal's Ctrl-C reaches it."""
    try:
        process = subprocess.Popen(  # noqa: S603 - from our own pipe
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    except OSError as error:
        log.write(f"{error}\n{EXITED} 127\n".encode())
        return None

    def report() -> None:
        log.write(f"{EXITED} {process.wait()}\n".encode())

    threading.Thread(target=report).start()
    return process


def end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send the signal to all of the command's session, and SIGKILL where it does not heed it."""
    for signal_number in (number, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, signal_number)
            process.wait(STOP_SECONDS)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    main(*sys.argv[1:])
