"""Everything on this machine: broker, topics, the outside, the four services, the roster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from local import broker, roster
from local.outside import HOST, Outside, listening
from local.run_folder import RunFolder, made_up_secrets, made_up_ways_out, receivers
from local.sample import AGENTS, POLICY
from local.sending import desk_secrets
from local.supervisor import Child, Supervisor, choose_ports, supervised
from runtime import topic_admin
from runtime.clock import utc_now
from runtime.policy_file import read_policy
from runtime.settings import KafkaSettings, Settings, read_settings
from schemas.policy import Policy
from schemas.topics import Topics

PARTITIONS = 4
"""Of every topic, unless SWITCHBOARD_PARTITIONS says otherwise: one desk needs no more."""
SESSION_SECONDS = 10.0
"""What a dead service held is somebody else's after this time, unless SWITCHBOARD_SESSION_SECONDS says otherwise."""


@dataclass(frozen=True)
class System:
    """What runs."""

    broker: broker.Running
    kafka: KafkaSettings
    topics: Topics
    policy: Policy
    desk: str
    roster: roster.Roster
    folder: RunFolder
    outside: Outside
    services: Supervisor
    secrets: Mapping[str, str]
    """Of the desk's ways in, by `channel/provider`."""

    @property
    def ingest_url(self) -> str:
        """Where providers send to."""
        return self.services.children["ingest"].url


@contextlib.asynccontextmanager
async def running_system(folder: RunFolder, tell: Callable[[str], None]) -> AsyncIterator[System]:
    """The whole system, ready; all of it is gone at the end but the folder. `tell` is given a line for
    each thing that happens. Raises Refusal when something that is needed is not there.
    """
    settings, kafka = _settings()
    assert settings.policy is not None
    policy = read_policy(settings.policy)
    desk = next(iter(policy.desks))
    async with contextlib.AsyncExitStack() as stack:
        tell("looking for a Kafka ...")
        running = await stack.enter_async_context(broker.start())
        tell(f"Kafka at {running.bootstrap} ({running.kind}: {running.why})")
        kafka = kafka.model_copy(update={"bootstrap_servers": running.bootstrap})
        await topic_admin.apply(kafka, settings.topics(), settings.replication)

        made = made_up_secrets(policy) | made_up_ways_out(policy)
        given = os.environ | made
        hooks = {hook.secret for d in policy.desks.values() for hook in d.sending.webhooks}
        own = {given[source[4:]] for source in hooks if source[4:] in given}
        outside = await stack.enter_async_context(listening(folder.told, own))
        made |= receivers(policy, f"smtp://{HOST}:{outside.smtp_port}", f"http://{HOST}:{outside.webhook_port}/updates")

        ports = choose_ports(settings.host, lambda s, usual, port: tell(f"port {usual} is taken: {s} is on {port}"))
        url = f"http://127.0.0.1:{ports['ingest']}"
        ours = made | {
            "KAFKA_BOOTSTRAP_SERVERS": running.bootstrap,
            "SWITCHBOARD_POLICY": str(settings.policy.resolve()),
            "SWITCHBOARD_TOPIC_PREFIX": settings.topic_prefix,
            "SWITCHBOARD_PARTITIONS": str(settings.partitions),
        }
        secrets = desk_secrets(policy, desk, made)
        folder.write_env(ours | {"SWITCHBOARD_PUBLIC_URL": url})
        if "chat/standard" in secrets:
            folder.write_send(f"{url}/v1/desks/{desk}/chat/standard", secrets["chat/standard"])

        env = os.environ | ours | {"SWITCHBOARD_HOST": settings.host}
        env |= {"SWITCHBOARD_SESSION_SECONDS": str(settings.session_seconds)}
        # As in a StatefulSet: a service that is started again takes up its own partitions at once.
        env |= {"SWITCHBOARD_STATIC_MEMBER": settings.static_member or folder.path.name}
        children = [Child(service, port, folder.log(service)) for service, port in ports.items()]
        tell("starting ingest, router, sla-watcher and notifier ...")
        services = await stack.enter_async_context(supervised(children, env, tell))
        agents = roster.read_roster(AGENTS).model_copy(update={"desk": desk})
        yield System(running, kafka, settings.topics(), policy, desk, agents, folder, outside, services, secrets)


async def publish_roster(system: System) -> None:
    """Put the sample agents on the topic `agents`."""
    await roster.publish(system.roster, system.topics, system.kafka, utc_now())


def _settings() -> tuple[Settings, KafkaSettings]:
    """From the environment, with what suits one machine where it says nothing."""
    settings, kafka = read_settings()
    suits = {
        "policy": POLICY,
        "partitions": PARTITIONS,
        "session_seconds": SESSION_SECONDS,
        "host": HOST,
    }
    unset = {name: value for name, value in suits.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=unset), kafka
