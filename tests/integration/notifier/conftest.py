"""The outside of the notifier."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from runtime.settings import KafkaSettings, Settings
from tests.integration.notifier.outside import SECRET, Mailbox, Receiver
from tests.integration.notifier.scene import Outcomes


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_ADAPTER_SECRET", SECRET)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox().open() as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().open() as opened:
        yield opened


@pytest.fixture
async def outcomes(installation: Settings, kafka: KafkaSettings) -> AsyncIterator[Outcomes]:
    async with Outcomes(installation, kafka) as reading:
        yield reading
