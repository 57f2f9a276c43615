"""One run of `switchboard up`: agents, customers and the view at work, and the account of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from rich.console import Console

from console.atomic import write_json
from console.audit import Audit
from console.follow import Follower
from console.picture import Picture
from console.play import sort_out, unplaced_lines
from console.show import say, show
from console.summary import Summary, summarise
from console.view import Figures
from local.desktops import Desktops
from local.placing import Unplaced
from local.refusals import Refusals
from local.run_folder import RunFolder
from local.sample import TRAFFIC
from local.sending import Answer, Sender, count_refused
from local.system import System, publish_roster

TRAFFIC_SECONDS: Final = 40.0
"""Over which the sample traffic is spread."""
PLAY_RATE: Final = 10.0
"""Inputs a second of another folder."""
REST_SECONDS: Final = 45.0
"""At most, for what is under way at the end to arrive; above a service's restart and recovery."""
QUIET_SECONDS: Final = 1.0
EVERY_SECOND: Final = 1.0
NOTICE_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    seconds: float | None = None
    agents: bool = True
    traffic: bool = True
    play: Path | None = None
    json_file: Path | None = None
    seed: int | None = None


@dataclass
class Run:
    """One run: who works in it, and what is known of it."""

    options: Options
    console: Console
    folder: RunFolder
    audit: Audit = field(default_factory=Audit)
    refusals: Refusals = field(default_factory=Refusals)
    answers: list[Answer] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)
    seed: int = 0
    working: bool = False
    """Everything runs, and the run has begun."""
    first_assignment: float | None = None
    """Seconds from the beginning."""
    _follower: Follower | None = None
    _began: float = field(default_factory=time.monotonic)
    _showing: bool = False
    _notice: str = ""
    _notice_at: float = 0.0

    def __post_init__(self) -> None:
        self.seed = random.SystemRandom().randrange(10**6) if self.options.seed is None else self.options.seed

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def tell(self, text: str) -> None:
        """Something happened that whoever watches should know."""
        self._notice, self._notice_at = text, time.monotonic()
        if not self._showing:
            say(self.console, text)

    async def work(self, system: System, asked: asyncio.Event) -> Summary:
        """Everybody at work until asked to stop, or the time is over; then rest, and the account."""
        self.working = True
        picture = Picture(system.policy.desks[system.desk].presence.lease)
        self._follower = Follower(system.topics, system.kafka, (self.audit.take, picture.take))
        await self._follower.start()
        try:
            await self._introduce(system)
            async with contextlib.AsyncExitStack() as stack:
                following = await stack.enter_async_context(_task(self._follower.run()))
                watched = [following, await stack.enter_async_context(_task(self._watch(system)))]
                async with contextlib.AsyncExitStack() as busy:
                    watched += [await busy.enter_async_context(_task(work)) for work in self._workers(system, picture)]
                    await self._until(asked, [*watched, system.services.refused])
                say(self.console, "waiting for what is under way to arrive ...")
                await self._rest(following)
            await self._follower.read_to_the_end()
            return self.summary(system)
        finally:
            await self._follower.close()

    def summary(self, system: System, *, running: bool = False) -> Summary:
        """The account so far."""
        accepted = {i for answer in self.answers if answer.accepted for i in answer.message_ids}
        return summarise(
            self.audit,
            answered=accepted,
            own_refusals=count_refused(self.answers),
            scraped_refusals=self.refusals.by_reason(),
            doubled_mails=system.outside.doubled_mails,
            dead_letters=self._follower.dead_letters if self._follower else 0,
            in_flight=running,
        )

    def keep(self, system: System, summary: Summary, *, running: bool) -> None:
        """Write the account where programs read it."""
        if self.options.json_file is None:
            return
        services = {
            child.service: {"url": child.url, "port": child.port, "pid": child.pid, "restarts": child.restarts}
            for child in system.services.children.values()
        }
        document = summary.document(
            running=running,
            bootstrap=system.kafka.bootstrap_servers,
            broker=system.broker.kind,
            seconds=round(self.seconds, 1),
            first_assignment_seconds=self.first_assignment,
            topic_prefix=system.topics.prefix,
            desk=system.desk,
            ingest=system.ingest_url,
            services=services,
            run_folder=str(self.folder.path),
            secrets_file=str(self.folder.env),
            seed=self.seed,
            sent=len(self.answers),
            unplaced=[entry.path for entry in self.unplaced],
            repeats_outside=system.outside.repeats,
            refused_outside=dict(system.outside.refused),
        )
        write_json(self.options.json_file, document)

    def notes(self, system: System) -> list[str]:
        """What else should be known at the end."""
        restarts = [f"{c.service} {c.restarts}" for c in system.services.children.values() if c.restarts]
        notes = [f"What customers were told, and the logs: {self.folder.path}"]
        if restarts:
            notes.append(f"Started again: {', '.join(restarts)} times")
        if self.first_assignment is not None:
            notes.append(f"First assignment after {self.first_assignment:.1f} s; seed {self.seed}")
        notes += unplaced_lines(self.unplaced)
        if system.outside.repeats:
            notes.append(f"{system.outside.repeats} updates arrived again after a kill, and were known by their key")
        if system.outside.refused:
            notes.append(f"Our receivers turned away: {dict(system.outside.refused)}")
        return notes

    async def _introduce(self, system: System) -> None:
        """Tell how to reach what runs, and put the agents on their topic."""
        self.tell(
            f"ingest: {system.ingest_url}/v1/desks/{system.desk}/...   its documentation: {system.ingest_url}/docs"
        )
        self.tell(f"secrets and settings of this run, for another shell: source {self.folder.env}")
        self.tell("  then: switchboard watch | switchboard why REFERENCE | switchboard play PATH")
        if self.folder.send.exists():
            self.tell("send a message of your own, signed with openssl and sent with curl:")
            self.tell(f'  sh {self.folder.send} "My printer does not print"')
        if self.options.agents:
            await publish_roster(system)
            self.tell(f"{len(system.roster.agents)} simulated agents, seed {self.seed}")

    def _workers(self, system: System, picture: Picture) -> list[Coroutine[Any, Any, None]]:
        workers = [self._show(system, picture)]
        if self.options.agents:
            lease = system.policy.desks[system.desk].presence.lease
            desktops = Desktops(
                system.roster.agents,
                desk=system.desk,
                lease_seconds=lease,
                topics=system.topics,
                kafka=system.kafka,
                seed=self.seed,
            )
            workers.append(desktops.run())
        if self.options.play is not None or self.options.traffic:
            workers.append(self._customers(system))
        return workers

    async def _customers(self, system: System) -> None:
        path = self.options.play or TRAFFIC
        inputs, self.unplaced = sort_out(path, system.secrets)
        rate = PLAY_RATE if self.options.play else len(inputs) / TRAFFIC_SECONDS
        self.tell(f"sending {len(inputs)} inputs from {path}, {rate:.1f} a second")
        for line in unplaced_lines(self.unplaced):
            self.tell(line)
        async with Sender(system.ingest_url, system.desk, system.secrets) as sender:
            async for answer in sender.send_all(inputs, rate):
                self.answers.append(answer)
                if not answer.accepted:
                    self.tell(f"{answer.input.path}: {answer.status or 'no answer'} {answer.reason}: {answer.detail}")
        await asyncio.Event().wait()

    async def _watch(self, system: System) -> None:
        """Once a second: ingest's refusals, and the account for programs."""
        async with httpx.AsyncClient(timeout=2.0) as http:
            while True:
                await self.refusals.scrape(http, system.ingest_url)
                if self.first_assignment is None and self.audit.assigned:
                    self.first_assignment = round(self.seconds, 1)
                self.keep(system, self.summary(system, running=True), running=True)
                await asyncio.sleep(EVERY_SECOND)

    async def _show(self, system: System, picture: Picture) -> None:
        def figures() -> Figures:
            summary = self.summary(system, running=True)
            return Figures(
                title=f"Switchboard - {system.policy.desks[system.desk].name}",
                seconds=self.seconds,
                accepted=summary.accepted,
                channels=summary.channels,
                refused=sum(summary.refused.values()),
                cases=summary.cases,
                resolved=summary.resolved,
                told=summary.told,
                dead_letters=summary.dead_letters,
                notice=self._notice_now(),
            )

        self._showing = self.console.is_terminal
        try:
            await show(self.console, picture, figures)
        finally:
            self._showing = False

    def _notice_now(self) -> str:
        if time.monotonic() - self._notice_at < NOTICE_SECONDS:
            return self._notice
        return f'Ctrl-C stops.  Write to the desk:  sh {self.folder.send} "Hello"'

    async def _until(self, asked: asyncio.Event, watched: list[asyncio.Future[None]]) -> None:
        """Return when asked to, or when the time is over. Raises what one of the watched raises."""
        async with _task(asked.wait()) as stopping:
            done, _ = await asyncio.wait(
                [stopping, *watched], timeout=self.options.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            for future in done:
                future.result()

    async def _rest(self, following: asyncio.Future[None]) -> None:
        """Until everything accepted is in a case and every update has its outcome, but not for ever."""
        assert self._follower is not None
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until and not following.done():
            quiet = time.monotonic() - self._follower.idle_since >= QUIET_SECONDS
            if quiet and not self.audit.nowhere and not self.audit.unsettled_updates:
                break
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _task(work: Coroutine[Any, Any, Any]) -> AsyncIterator[asyncio.Future[Any]]:
    """A task that is over at the end. What it raised is for whoever waits for it."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
