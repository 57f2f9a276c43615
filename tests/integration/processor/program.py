"""A member as a process of its own, to be killed: `python -m tests.integration.processor.program SETTINGS`.

Prints `ready` when it is, and `in the middle` when a transaction has written everything and is not
committed; there it stays when it is told to hang.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from runtime.processor import transaction
from runtime.processor.transaction import TransactionalWriter
from runtime.processor.work import Work
from runtime.settings import KafkaSettings, Settings
from tests.integration.processor.playing import start


class HangingWriter(TransactionalWriter):
    """Writes everything, offsets included, and never commits."""

    async def commit(self, work: Work) -> None:
        await self._producer.begin_transaction()
        await asyncio.gather(
            *await transaction.send(self._producer, work),
            self._producer.send_offsets_to_transaction(work.offsets, self._group),
        )
        print("in the middle", flush=True)  # noqa: T201 - the test listens
        await asyncio.Event().wait()


async def main(given: dict[str, Any]) -> None:
    options = {"writer": HangingWriter} if given["hang"] else {}
    member = start(KafkaSettings(**given["kafka"]), Settings(**given["settings"]), **options)
    await member.ready()
    print("ready", flush=True)  # noqa: T201 - the test listens
    await member.running


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
