"""The whole system as a stranger starts it: `make run` on a clean clone, package caches warm.

How long until the first case is assigned, and how much memory all of its processes hold, broker included.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.figures import Figure, say

RUN_SECONDS: Final = 60
POLL_SECONDS: Final = 0.5
HANG_SECONDS: Final = 300.0
ROOT: Final = Path(__file__).parent.parent
MEBIBYTE: Final = 1024 * 1024


def measure() -> list[Figure]:
    """One run of a minute."""
    with tempfile.TemporaryDirectory(prefix="switchboard-clone-") as made:
        clone, summary = Path(made) / "clone", Path(made) / "summary.json"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        say(f"make run for {RUN_SECONDS} s, in a clean clone")
        # Its own broker, not the one that the other benchmarks share: its memory counts.
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("KAFKA_", "SWITCHBOARD_", "MAKE"))}
        began = time.monotonic()
        process = subprocess.Popen(
            ["make", "run", f"ARGS=--for {RUN_SECONDS} --json {summary}"],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            first, most = _watch(process, summary, began)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=HANG_SECONDS)
        if first is None:
            raise RuntimeError("no case was assigned")
        told = json.loads(summary.read_text(encoding="utf-8"))
    return [
        Figure(
            "memory of switchboard up, broker included", most / MEBIBYTE, "MiB", "<= 2048", "resident at its highest"
        ),
        Figure("make run on a clean clone to the first assignment", first, "s", "<= 90", None),
        Figure(
            "cases assigned in that run", told["assigned"], "cases", None, f"of {told['accepted']} messages accepted"
        ),
    ]


def _watch(process: subprocess.Popen[bytes], summary: Path, began: float) -> tuple[float | None, int]:
    """Seconds to the first assignment, and the most memory at any time, in bytes."""
    first: float | None = None
    most = 0
    while process.poll() is None:
        if time.monotonic() - began > HANG_SECONDS:
            raise TimeoutError(f"make run did not end within {HANG_SECONDS:.0f} s")
        most = max(most, _memory(process.pid))
        if first is None and _assigned(summary):
            first = time.monotonic() - began
        time.sleep(POLL_SECONDS)
    if process.returncode != 0:
        raise RuntimeError(f"make run ended with {process.returncode}")
    return first, most


def _assigned(summary: Path) -> bool:
    return summary.exists() and json.loads(summary.read_text(encoding="utf-8"))["assigned"] > 0


def _memory(pid: int) -> int:
    """Of a process and all that it started. Pages that several share count once for each: at most so much."""
    total = 0
    for process in psutil.Process(pid).children(recursive=True):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
