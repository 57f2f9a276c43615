"""Services as processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from local.broker.ways import free_port
from local.sample import POLICY
from local.supervisor import Child, choose_ports, supervised
from runtime.refusal import Refusal
from runtime.settings import PORTS, KafkaSettings, Settings

GUARD_SECONDS = 60.0
SECRETS = {
    "ACME_MIME_SECRET": "whsec_AAAA",
    "ACME_CHAT_SECRET": "whsec_AAAA",
    "ACME_TWILIO_TOKEN": "t",
    "ACME_WHATSAPP_SECRET": "s",
}


def environment(settings: Settings, kafka: KafkaSettings, policy: Path = POLICY) -> dict[str, str]:
    return dict(os.environ) | {
        **SECRETS,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SWITCHBOARD_TOPIC_PREFIX": settings.topic_prefix,
        "SWITCHBOARD_PARTITIONS": str(settings.partitions),
        "SWITCHBOARD_HOST": "127.0.0.1",
        "SWITCHBOARD_POLICY": str(policy),
    }


@pytest.mark.kafka
async def test_killed_process_is_started_again(installation: Settings, kafka: KafkaSettings, tmp_path: Path) -> None:
    """After kill -9 there is another process on the same port; at the end there is none."""
    child, told = Child("ingest", free_port(), tmp_path / "ingest.log"), []
    async with supervised([child], environment(installation, kafka), told.append):
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(GUARD_SECONDS):
            while child.pid in {first, None}:  # noqa: ASYNC110 - a process tells nobody
                await asyncio.sleep(0.05)
        second = child.pid
    assert second is not None
    assert (child.restarts, child.why) == (1, ["signal 9"])
    assert told == ["ingest ended (signal 9); starting it again"]
    assert not alive(second)


async def test_refusal_of_a_service_ends_the_start(tmp_path: Path) -> None:
    """What it was given is wrong, so it is not started for ever; its own words are passed on."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    child = Child("router", free_port(), tmp_path / "router.log")
    settings, kafka = Settings(partitions=2), KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(Refusal, match=r"(?s)router refuses to start:.*policy\.yaml:1: "):
        async with supervised([child], environment(settings, kafka, policy), lambda _: None):
            pytest.fail("it has started")
    assert child.restarts == 0


async def test_service_stops_when_whoever_started_it_dies(tmp_path: Path) -> None:
    """A supervisor that is killed with -9 leaves no process behind."""
    log = tmp_path / "log"
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from local.supervisor import Child, Supervisor\n"
        "import os\n"
        "async def main():\n"
        "    child = Child('router', int(sys.argv[1]), Path(sys.argv[2]))\n"
        "    supervisor = Supervisor([child], os.environ, print)\n"
        "    await supervisor._spawn(child)\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    settings, kafka = Settings(partitions=2), KafkaSettings(bootstrap_servers="127.0.0.1:1")
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(free_port()), str(log)),
        env=environment(settings, kafka),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    service = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(GUARD_SECONDS):
        while alive(service):  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True


def test_port_that_is_taken_is_replaced_and_told() -> None:
    """Two systems side by side do not meet."""
    told = []
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", PORTS["router"]))
            taken.listen()
        except OSError:
            pass  # somebody has it already, which is as good
        ports = choose_ports("127.0.0.1", lambda *what: told.append(what))
    assert ports["router"] != PORTS["router"]
    assert ("router", PORTS["router"], ports["router"]) in told
    assert len(set(ports.values())) == len(ports)
