"""`switchboard broker`: a Kafka for as long as somebody wants it."""

from __future__ import annotations

import asyncio
import signal

from local.broker.choosing import start


async def run_foreground(port: int | None) -> None:
    """Start a broker of our own, print where it is and how it came to be, and keep it until SIGINT,
    SIGTERM or SIGHUP. Raises Refusal when there is none to be had.
    """
    this_task = asyncio.current_task()
    assert this_task
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, this_task.cancel)
    try:
        async with start(port=port, ways=("container", "java")) as running:
            print(f"KAFKA_BOOTSTRAP_SERVERS={running.bootstrap}", flush=True)  # noqa: T201 - what was asked for
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        this_task.uncancel()  # only the signals above cancel it: this is the good end
