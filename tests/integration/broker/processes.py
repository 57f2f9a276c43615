"""A broker run by a process of its own, as `switchboard broker` is, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.broker import container, ways

HANG_SECONDS = 120


@contextmanager
def broker_process(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m local.broker` in a session of its own, its temporary files in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.broker"],
        env=os.environ | {"TMPDIR": str(folder)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=HANG_SECONDS)


def bootstrap_of(process: subprocess.Popen[str]) -> str:
    """The address that the process prints when its broker answers."""
    for line in process.stdout:
        if line.startswith("KAFKA_BOOTSTRAP_SERVERS="):
            return line.split("=")[1].split()[0]
    raise AssertionError(f"it ended with {process.wait()}: {process.stderr.read()}")


def below(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that the process started, and what that started."""
    return psutil.Process(process.pid).children(recursive=True)


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are still there when all should long be gone."""
    return psutil.wait_procs(processes, timeout=HANG_SECONDS)[1]


def wait_for_folder_in(folder: Path) -> Path:
    """The first folder that appears."""
    hang = time.monotonic() + HANG_SECONDS
    while not (found := [path for path in folder.iterdir() if path.is_dir()] if folder.exists() else []):
        assert time.monotonic() < hang, f"nothing appeared in {folder}"
        time.sleep(0.02)
    return found[0]


def containers(processes: list[psutil.Process]) -> list[str]:
    """The names of the containers that these processes run."""
    words = {word for process in processes for word in process.cmdline()}
    return sorted(word for word in words if word.startswith(container.NAME))


def still_there(names: list[str]) -> list[str]:
    """Those of the containers that the engine still knows, running or not."""
    if not names:
        return []
    known = ways.answer("docker", "ps", "--all", "--format", "{{.Names}}", within=HANG_SECONDS).split()
    return sorted(set(names) & set(known))
