"""`switchboard up` as a user starts it, with every one of its services killed at work."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from local.sample import TRAFFIC
from runtime import topic_admin
from runtime.settings import KafkaSettings, Settings

STARTED_SECONDS = 120.0
"""A guard against a hang, not a promise: machines that run tests are slow and busy."""
DONE_SECONDS = 240.0
PARTITIONS = 3

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture
async def system(kafka: KafkaSettings, tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path, str]]:
    """A running `switchboard up`, the file of its account, and the prefix of its topics."""
    prefix, account = f"e2e-{secrets.token_hex(3)}.", tmp_path / "account.json"
    env = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SWITCHBOARD_TOPIC_PREFIX": prefix,
        "SWITCHBOARD_PARTITIONS": str(PARTITIONS),
        "TMPDIR": str(tmp_path),
    }
    with (tmp_path / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console.app", "up", "--json", str(account), "--seed", "3"),
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process, account, prefix
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await topic_admin.delete(kafka, Settings(topic_prefix=prefix, partitions=PARTITIONS).topics())


async def test_killing_every_service_loses_and_doubles_nothing(
    system: tuple[asyncio.subprocess.Process, Path, str], kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Each service is killed with -9 while messages come in; every accepted one is in exactly one case."""
    process, account, prefix = system
    inputs = len(list(TRAFFIC.iterdir()))

    began = await until(account, process, lambda a: a["accepted"] >= 3, STARTED_SECONDS)
    for service in ("router", "ingest", "notifier", "sla-watcher"):
        before = json.loads(account.read_bytes())
        os.kill(before["services"][service]["pid"], signal.SIGKILL)
        await until(account, process, restarted(service), STARTED_SECONDS)
        # The next one dies while messages still come in.
        await until(account, process, more_came_in(before["accepted"], inputs), STARTED_SECONDS)
    await until(account, process, lambda a: a["sent"] == inputs, DONE_SECONDS)
    process.send_signal(signal.SIGINT)
    code = await asyncio.wait_for(process.wait(), DONE_SECONDS)

    output = (tmp_path / "output").read_text()
    told = json.loads(account.read_bytes())
    records = await read(kafka, prefix)
    messages = {event["message_id"] for event in records["message_received"]}
    placed = Counter(event["message_id"] for event in records["case_opened"] + records["message_added"])
    delivered = Counter(event["update_id"] for event in records["update_delivered"])

    assert code == 0, output
    assert began["running"]
    assert placed == Counter(messages), "every accepted message is in exactly one case, once"
    assert held_twice(records["in_order"]) == []
    assert [update for update, count in delivered.items() if count > 1] == []
    assert {c["case_id"] for c in records["case_opened"]} >= {c["case_id"] for c in records["case_assigned"]}
    assert told["refused_outside"] == {}
    assert {s: told["services"][s]["restarts"] for s in told["services"]} == dict.fromkeys(told["services"], 1)
    assert (told["running"], told["lost"], told["doubled"], told["dead_letters"]) == (False, 0, 0, 0)
    assert told["accepted"] == len(messages)
    assert told["cases"] == len(records["case_opened"])
    assert told["told"] == len(delivered)
    assert told["refused"] == {"forged": 2, "malformed": 2}
    assert all(told["channels"].values()), "all four channels are in it"
    assert told["resolved"] > 0
    assert "Everything that was accepted is accounted for." in output
    # One file for each thing that arrived. A mail whose sender was killed before it knew may be among them.
    in_doubt = sum(event["reason"] == "in_doubt" for event in records["update_failed"])
    files = len(list((Path(told["run_folder"]) / "told").iterdir()))
    assert len(delivered) <= files <= len(delivered) + in_doubt


async def until(
    account: Path, process: asyncio.subprocess.Process, good: Callable[[dict[str, Any]], bool], seconds: float
) -> dict[str, Any]:
    """The account as soon as it is good; it is fresh about once a second."""
    async with asyncio.timeout(seconds):
        while True:
            assert process.returncode is None, "it ended by itself"
            found = fresh(account)
            if found is not None and good(found):
                return found
            await asyncio.sleep(0.2)


def fresh(account: Path) -> dict[str, Any] | None:
    return json.loads(account.read_bytes()) if account.exists() else None


def restarted(service: str) -> Callable[[dict[str, Any]], bool]:
    return lambda account: account["services"][service]["restarts"] == 1 and account["services"][service]["pid"]


def more_came_in(before: int, inputs: int) -> Callable[[dict[str, Any]], bool]:
    return lambda account: account["accepted"] > before or account["sent"] == inputs


async def read(kafka: KafkaSettings, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """Everything committed on the public topics, by kind, with nothing of ours in between but a consumer."""
    topics = [prefix + name for name in ("messages", "cases", "updates")]
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=kafka.bootstrap_servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        group_id=None,
    )
    await consumer.start()
    found: dict[str, list[dict[str, Any]]] = {
        kind: []
        for kind in (
            "update_failed",
            "message_received",
            "case_opened",
            "message_added",
            "case_assigned",
            "update_delivered",
            "in_order",
        )
    }
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    kind = dict(record.headers)["ce_type"].decode().split(".")[1]
                    event = json.loads(record.value) | {"kind": kind}
                    found.setdefault(kind, []).append(event)
                    if record.topic == prefix + "cases":
                        found["in_order"].append(event)
    finally:
        await consumer.stop()
    return found


def held_twice(events: list[dict[str, Any]]) -> list[str]:
    """Cases that were given to somebody who, or while somebody else, had them already."""
    holders: dict[str, str] = {}
    twice = []
    for event in events:
        case, kind = event["case_id"], event["kind"]
        if kind == "case_assigned":
            if case in holders:
                twice.append(case)
            holders[case] = event["agent_id"]
        elif kind in {"case_resolved", "case_abandoned"} or (kind == "case_released" and event["assigned"]):
            holders.pop(case, None)
    return twice
