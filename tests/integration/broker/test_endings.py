"""However a broker's owner ends, nothing is left: no process, no folder, no lock."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from local.broker.guarded import Guarded
from tests.integration.broker.processes import (
    HANG_SECONDS,
    below,
    bootstrap_of,
    broker_process,
    containers,
    still_there,
    wait_for_folder_in,
    wait_until_gone,
)

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    ("number", "to"),
    [
        pytest.param(signal.SIGINT, os.killpg, id="ctrl-c"),
        pytest.param(signal.SIGTERM, os.kill, id="sigterm"),
        pytest.param(signal.SIGKILL, os.kill, id="kill-9"),
    ],
)
def test_nothing_is_left_of_a_running_broker(ours, tmp_path, number, to):
    """Ctrl-C, SIGTERM and kill -9 of the owner leave no process, no file and no container."""
    with broker_process(tmp_path) as process:
        bootstrap_of(process)
        started = below(process)
        assert len(started) >= 2, "a guard and what it guards"
        names = containers(started)
        to(process.pid, number)
        assert wait_until_gone(started) == []
        assert process.wait(HANG_SECONDS) == (-number if number == signal.SIGKILL else 0)
    assert list(tmp_path.iterdir()) == []
    assert still_there(names) == []


def test_nothing_is_left_of_a_broker_that_was_still_starting(ours, tmp_path):
    """A kill -9 before the broker answers leaves nothing either."""
    with broker_process(tmp_path) as process:
        wait_for_folder_in(tmp_path)
        started = below(process)
        process.kill()
        assert wait_until_gone(started) == []
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_fetch(maven, tmp_path):
    """A kill -9 while Maven fetches Kafka leaves no Maven and no half of a cache."""
    cache = tmp_path / "cache"
    no_engine = "tcp://127.0.0.1:1"
    with broker_process(tmp_path, XDG_CACHE_HOME=str(cache), DOCKER_HOST=no_engine) as process:
        wait_for_folder_in(cache / "switchboard")
        while len(started := below(process)) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        assert wait_until_gone(started) == []
    assert list((cache / "switchboard").iterdir()) == []


def test_the_guard_outlives_signals_meant_for_its_owner(tmp_path):
    """SIGTERM to the whole tree, as a service manager sends it, does not leave the folder behind."""
    guarded = Guarded(parent=tmp_path)
    guard = psutil.Process(guarded.pid)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        guard.send_signal(number)
    asyncio.run(guarded.until_done([sys.executable, "-c", "print('still here')"], HANG_SECONDS))
    assert guarded.folder.is_dir()
    asyncio.run(guarded.close())
    assert not psutil.pid_exists(guard.pid)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_stop_is_killed_at_the_end(tmp_path):
    """A command that ignores SIGTERM, with a child of its own, is gone when its guard is."""
    stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); print('deaf', flush=True); time.sleep(1000)"
    guarded = Guarded(parent=tmp_path)
    asyncio.run(guarded.until_said("deaf\ndeaf\n", [sys.executable, "-c", stubborn], HANG_SECONDS))
    started = psutil.Process(guarded.pid).children(recursive=True)
    assert len(started) == 2
    asyncio.run(guarded.close())
    assert wait_until_gone(started) == []


def test_at_the_end_the_last_command_runs(tmp_path):
    """What a kill does not reach is ended by the command that the guard was given for it."""
    guarded = Guarded("touch", str(tmp_path / "ran"), parent=tmp_path)
    asyncio.run(guarded.close())
    assert [path.name for path in tmp_path.iterdir()] == ["ran"]


def test_without_docker_and_java_one_message_says_what_to_install(tmp_path):
    """With nothing on the PATH the broker refuses, names both ways out, and exits with 2."""
    done = subprocess.run(
        [sys.executable, "-m", "local.broker"],
        env={"PATH": "", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "install Docker" in done.stderr
    assert "install Java 17 or newer and Maven" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
