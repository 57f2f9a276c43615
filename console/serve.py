"""`switchboard serve`: one service in this process."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
import threading
import time

import uvloop

from runtime import logs
from runtime.settings import read_settings

STOP_SECONDS = 10.0
"""Whoever should have stopped us is gone, so nobody else would end a process that hangs."""


def run(service: str, *, until_eof: bool) -> None:
    """Run `service` until SIGTERM or SIGINT, or, with `until_eof`, until standard input ends. Raises
    Refusal for bad settings or a bad policy.
    """
    if until_eof:
        threading.Thread(target=_stop_at_eof, name="until-eof", daemon=True).start()
    settings, kafka = read_settings()
    logs.configure(service, settings.log_level)
    # By name: one service's dependencies are no other's business.
    module = importlib.import_module(f"services.{service.replace('-', '_')}.app")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(module.run(settings, kafka))


def _stop_at_eof() -> None:
    """Wait for the end of standard input, then stop in order, or else at once."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
