"""Recorded inputs to a running ingest, signed, and what it answered."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import httpx

from local.placing import Input
from local.signing import SIGN, Request, another
from runtime.clock import Clock, utc_now
from runtime.policy_file import resolve
from runtime.refusal import Refusal
from schemas.policy import Policy

ATTEMPTS = 12
"""A provider repeats what was answered with 5xx for hours; a minute is enough here."""
SECONDS_BETWEEN = 5.0
"""At most, between two attempts."""


@dataclass(frozen=True)
class Answer:
    """What came of one input."""

    input: Input
    status: int | None
    """HTTP status of the last attempt; none when ingest could not be reached."""
    reason: str
    """Why it was refused, in ingest's word, or why there is no answer; empty when it was accepted."""
    detail: str = ""
    message_ids: tuple[str, ...] = ()
    """Of the events that ingest has put on Kafka."""
    attempts: int = 1

    @property
    def accepted(self) -> bool:
        """Whether ingest took responsibility for it."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class of HTTP success


class Sender:
    """Sends as the providers of one desk would. Use as an async context manager."""

    def __init__(
        self, url: str, desk: str, secrets: Mapping[str, str], *, attempts: int = ATTEMPTS, clock: Clock = utc_now
    ) -> None:
        """`url` of ingest; `secrets` by way (`chat/standard`)."""
        self._url, self._desk, self._secrets, self._clock = url.rstrip("/"), desk, secrets, clock
        self._attempts = attempts
        self._http = httpx.AsyncClient(timeout=30.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, entry: Input) -> Answer:
        """Send until there is an answer that is no 5xx, as a provider does, but not for ever."""
        url = f"{self._url}/v1/desks/{self._desk}/{entry.way}"
        secret = another(entry.provider) if entry.forged else self._secrets[entry.way]
        request_id = f"msg_{uuid.uuid4().hex}"
        answer = Answer(entry, None, "unreachable")
        for attempt in range(1, self._attempts + 1):
            proof = SIGN[entry.provider](secret, Request(url, entry.body, request_id, self._clock()))
            try:
                response = await self._http.post(
                    url, content=entry.body, headers={"content-type": entry.content_type, **proof}
                )
            except httpx.HTTPError as error:
                answer = Answer(entry, None, "unreachable", str(error) or type(error).__name__, attempts=attempt)
            else:
                answer = _answer(entry, response, attempt)
                if response.status_code < 500:  # noqa: PLR2004 - 5xx: the fault is ours, so repeat
                    return answer
            if attempt < self._attempts:
                await asyncio.sleep(min(0.2 * 2**attempt, SECONDS_BETWEEN) * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        return answer

    async def send_all(self, inputs: Iterable[Input], rate: float) -> AsyncIterator[Answer]:
        """Send at `rate` inputs a second, each at its time whether the one before was answered or not;
        the answers as they come.
        """
        loop = asyncio.get_running_loop()
        answers: asyncio.Queue[Answer] = asyncio.Queue()

        async def one(entry: Input) -> None:
            await answers.put(await self.send(entry))

        start, sent, received = loop.time(), 0, 0
        async with asyncio.TaskGroup() as tasks:
            for entry in inputs:
                due = start + sent / rate
                while (left := due - loop.time()) > 0:
                    try:
                        yield await asyncio.wait_for(answers.get(), left)
                        received += 1
                    except TimeoutError:
                        break
                tasks.create_task(one(entry))
                sent += 1
            while received < sent:
                yield await answers.get()
                received += 1


def desk_secrets(policy: Policy, desk: str, made_up: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The first secret of every way into a desk, by `channel/provider`, from where the policy says
    that it lies; `made_up` are variables that the environment does not have. Raises Refusal when the
    desk or a secret is not there.
    """
    if desk not in policy.desks:
        message = f"the policy has no desk {desk!r}; it has {', '.join(policy.desks)}"
        raise Refusal(message)
    return {
        f"{source.channel}/{source.provider}": made_up.get(source.secrets[0].removeprefix("env:"))
        or resolve(source.secrets[0])
        for source in policy.desks[desk].intake
        if source.secrets and source.provider in SIGN
    }


def count_refused(answers: Iterable[Answer]) -> Counter[str]:
    """Inputs by the reason for which they were refused."""
    return Counter(answer.reason for answer in answers if not answer.accepted)


def _answer(entry: Input, response: httpx.Response, attempt: int) -> Answer:
    ids = tuple(part for part in response.headers.get("switchboard-message-ids", "").split(",") if part)
    reason = detail = ""
    if not response.is_success:
        reason, detail = f"http_{response.status_code}", response.text[:200]
        try:
            error = response.json()["error"]
            reason, detail = str(error["reason"]), str(error.get("detail", ""))
        except (ValueError, KeyError, TypeError):
            pass  # not our own words: a proxy's answer is shown as it is
    return Answer(entry, response.status_code, reason, detail, ids, attempt)
