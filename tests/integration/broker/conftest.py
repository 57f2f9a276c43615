"""What only the broker's own tests ask for."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from local.broker import VARIABLE, Unavailable, container, java, ways


@pytest.fixture
def ours() -> None:
    """Skips where there is a given Kafka only, and none of our own can be started."""
    if VARIABLE not in os.environ:
        return  # then the session's own is one, or the session has ended with what to install
    try:
        java.find()
    except Unavailable as no_java:
        try:
            ways.answer(ways.program("docker"), "version", within=container.ENGINE_SECONDS)
        except Unavailable as no_container:
            pytest.skip(f"the Kafka is given: {no_java}, {no_container}")


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
