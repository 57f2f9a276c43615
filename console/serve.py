"""`switchboard serve`: one service in this process."""

from __future__ import annotations

import asyncio
import importlib

import uvloop

from runtime import logs
from runtime.settings import read_settings


def run(service: str) -> None:
    """Run `service` until SIGTERM or SIGINT. Raises Refusal for bad settings or a bad policy."""
    settings, kafka = read_settings()
    logs.configure(service, settings.log_level)
    # By name: one service's dependencies are no other's business.
    module = importlib.import_module(f"services.{service.replace('-', '_')}.app")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(module.run(settings, kafka))
