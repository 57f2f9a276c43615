"""What only the broker's own tests ask for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from local.broker import Unavailable, container, java, ways


@pytest.fixture
def maven() -> str:
    """The folder of Maven's command; skips where there is no Maven or no Java fit for Kafka."""
    try:
        java.find()
    except Unavailable as reason:
        pytest.skip(f"no Java: {reason}")
    command = shutil.which("mvn")
    if command is None:
        pytest.skip("no Maven")
    return str(Path(command).parent)


@pytest.fixture
def docker() -> Callable[..., str]:
    """What a docker command prints; skips where no engine answers or the image is not to be had."""
    try:
        command = ways.program("docker")
        ways.answer(command, "version", within=container.ENGINE_SECONDS)
        asyncio.run(container.have_image(command))
    except Unavailable as reason:
        pytest.skip(f"no container: {reason}")
    return lambda *arguments: ways.answer(command, *arguments, within=60)
