"""The HTTP side: a request in, its events on Kafka, and only then an answer.

Every way of turning a request down ends in the same JSON, `{"error": {"reason": ..., "detail": ...}}`, and is
counted once. An accepted request is answered with the ids of its events in `switchboard-message-ids`
(comma-separated, the first 200; all of them in `{"accepted": [...]}` where the provider prescribes no body).
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

import structlog
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from runtime import metrics
from runtime.clock import Clock, utc_now
from runtime.health import Health
from runtime.http import operational_routes
from runtime.release import VERSION
from runtime.settings import Settings
from schemas.base import CHANNELS
from schemas.codec import Encoded, known_traceparent, new_traceparent
from services.ingest import body
from services.ingest.accepting import count, encoded
from services.ingest.doors import Door, Doors
from services.ingest.outside import Outside
from services.ingest.provider import REASONS, STATUS, Answer, InboundEvent, Intake, Reason, Rejected, Request
from services.ingest.publishing import RETRY_AFTER_SECONDS, Publisher
from services.ingest.single_use import Tokens

log = structlog.get_logger(__name__)

INLINE_BYTES: Final = 65_536
"""Up to this size a body is read in the event loop, unless its provider is heavy; threads cost more."""
WORKERS: Final = 2
"""Threads for heavy parsing: they bound memory, and more would only fight for the interpreter."""
MAX_IDS: Final = 200
UNKNOWN: Final[tuple[Reason, ...]] = ("unknown_desk", "unknown_channel", "unknown_provider")

_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["reason", "detail"],
            "properties": {"reason": {"type": "string", "enum": [*REASONS, "not_found"]}, "detail": {"type": "string"}},
        }
    },
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": " or ".join(r.replace("_", " ") for r in REASONS if STATUS[r] == status),
        "content": {"application/json": {"schema": _ERROR}},
    }
    for status in sorted(set(STATUS.values()))
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that was proved and parsed: what is to be published, and what to say then."""

    events: Sequence[InboundEvent]
    answer: Answer | None
    token: str | None = None
    """What the signature covers in place of the body."""
    visits: Sequence[str] = ()
    """Addresses to be called before the answer."""


class Endpoint:
    """Takes requests through: door, body, proof, parsing, Kafka, answer."""

    def __init__(
        self,
        doors: Doors,
        publisher: Publisher,
        settings: Settings,
        clock: Clock = utc_now,
        outside: Outside | None = None,
    ) -> None:
        self._doors = doors
        self._desks = {desk for desk, _, _ in doors}
        self._publisher = publisher
        self._settings = settings
        self._clock = clock
        self._outside = outside or Outside()
        self._tokens = Tokens()
        self._room = body.Room(body.AT_ONCE * settings.max_body_bytes)
        self._workers: Executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="parse")
        for unknown in UNKNOWN:
            metrics.MESSAGES_REJECTED.labels("unknown", unknown)
        for door in doors.values():
            provider = door.provider
            metrics.MESSAGES_RECEIVED.labels(door.desk, provider.channel, provider.name)
            metrics.INTAKE_SECONDS.labels(provider.name)
            for reason in REASONS:
                metrics.MESSAGES_REJECTED.labels(provider.name, reason)

    async def handle(self, http: HttpRequest, desk: str, channel: str, provider: str) -> Response:
        """Answer one request of a provider. Never raises."""
        began = time.perf_counter()
        label = "unknown"
        statuses: Mapping[Reason, int] = STATUS
        try:
            door = self._door(desk, channel, provider)
            label, statuses = door.provider.name, {**STATUS, **door.provider.statuses}
            response = await self._take(http, door)
        except Rejected as rejected:
            response = self._refuse(label, rejected.reason, rejected.detail, statuses)
        except ClientDisconnect:
            response = self._refuse(label, "slow", "the request ended before its body did")
        except Exception as error:  # noqa: BLE001 - a bug must not take the service down, nor go unseen
            # The text of an error may quote a customer, so only its kind and place are told.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error(  # noqa: TRY400 - see above
                "a request failed", error=type(error).__name__, path=f"{frame.name}:{frame.lineno}", provider=label
            )
            response = self._refuse(label, "failed", "the fault is ours; send it again")
        metrics.INTAKE_SECONDS.labels(label).observe(time.perf_counter() - began)
        return response

    def _door(self, desk: str, channel: str, provider: str) -> Door:
        door = self._doors.get((desk, cast("Any", channel), provider))
        if door is not None and door.provider.webhook:
            return door
        if desk not in self._desks:
            raise Rejected("unknown_desk", "there is no such desk, or it takes no messages here")
        if channel not in CHANNELS:
            raise Rejected("unknown_channel", f"the channel is one of {', '.join(CHANNELS)}")
        raise Rejected("unknown_provider", "this desk does not take messages of that provider on that channel")

    async def _take(self, http: HttpRequest, door: Door) -> Response:
        if http.method == "GET":
            return self._handshake(self._request(http, b""), door)
        limit = self._settings.max_body_bytes
        async with self._room.taken(body.expected(http, limit)):
            request = self._request(http, await body.read(http, limit))
            return await self._accept(request, door, http.headers.get("traceparent"))

    async def _accept(self, request: Request, door: Door, traceparent: str | None) -> Response:
        work = asyncio.get_running_loop().run_in_executor
        if door.provider.needs is not None and door.secrets:
            addresses = await work(self._workers, self._needed, request, door)
            request = replace(request, fetched={url: await self._outside.read(url) for url in addresses})
        if door.provider.heavy or len(request.body) > INLINE_BYTES:
            taken = await work(self._workers, self._read, request, door)
        else:
            taken = self._read(request, door)
        if taken.token is not None:
            place = f"{door.desk}/{door.provider.channel}/{door.provider.name}"
            self._tokens.use(place, taken.token, (event.message_id for event in taken.events), self._clock())
        await self._publisher.publish(self._records(taken.events, traceparent))
        for url in taken.visits:
            await self._outside.visit(url)
        count(taken.events)
        ids = [event.message_id for event in taken.events]
        log.debug(
            "accepted", desk=door.desk, channel=door.provider.channel, provider=door.provider.name, count=len(ids)
        )
        headers = {"switchboard-message-ids": ",".join(ids[:MAX_IDS])}
        if taken.answer is None:
            return JSONResponse({"accepted": ids}, headers=headers)
        return Response(taken.answer.body, media_type=taken.answer.media_type, headers=headers)

    def _handshake(self, request: Request, door: Door) -> Response:
        if door.provider.handshake is None:
            raise Rejected("wrong_method", f"{door.provider.name} sends its messages by POST")
        answer = door.provider.handshake(request, door.secrets)
        return Response(answer.body, media_type=answer.media_type, headers={"x-content-type-options": "nosniff"})

    def _needed(self, request: Request, door: Door) -> Sequence[str]:
        """What is not proved yet may make any parser fail, as in `Door.prove`."""
        try:
            return door.provider.needs(request, door.secrets) if door.provider.needs else ()
        except Rejected:
            raise
        except Exception as error:
            raise Rejected("forged", "the signature cannot be read") from error

    def _read(self, request: Request, door: Door) -> Taken:
        provider = door.provider
        if provider.challenge and (challenge := provider.challenge(request, door.secrets)):
            return Taken((), challenge)
        proven = door.prove(request)
        intake = Intake(door.desk, door.policy, provider.channel, provider.name, self._clock(), proven)
        events = provider.parse(request, intake)
        return Taken(
            events,
            provider.answer(request, events, intake) if provider.answer else None,
            provider.single_use(request) if provider.single_use and proven else None,
            provider.visits(request, intake) if provider.visits else (),
        )

    def _records(self, events: Sequence[InboundEvent], traceparent: str | None) -> list[Encoded]:
        trace = known_traceparent(traceparent) or new_traceparent()
        return [encoded(event, trace) for event in events]

    def _request(self, http: HttpRequest, content: bytes) -> Request:
        path = http.scope.get("raw_path", http.scope["path"].encode()).decode("latin-1")
        query = http.scope["query_string"].decode("latin-1")
        base = (self._settings.public_url or f"{http.scope['scheme']}://{http.headers.get('host', '')}").rstrip("/")
        return Request(
            method=cast("Literal['GET', 'POST']", http.method),
            url=f"{base}{path}{'?' if query else ''}{query}",
            headers=dict(http.headers),
            query=dict(http.query_params),
            body=content,
        )

    def _refuse(self, label: str, reason: Reason, detail: str, statuses: Mapping[Reason, int] = STATUS) -> Response:
        metrics.MESSAGES_REJECTED.labels(label, reason).inc()
        log.info("request refused", provider=label, reason=reason, status=statuses[reason])
        headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if reason == "unavailable" else {}
        return _error(statuses[reason], reason, detail, headers)


def build(endpoint: Endpoint, health: Health, asyncapi: Mapping[str, Any]) -> FastAPI:
    """The application: the providers' endpoint, `/docs`, and what every service has."""
    app = FastAPI(
        title="Switchboard ingest",
        version=VERSION,
        description="Where providers and channel adapters bring customers' messages.",
        redoc_url=None,
        routes=operational_routes(health, asyncapi),
    )
    path = "/v1/desks/{desk}/{channel}/{provider}"

    @app.post(
        path,
        summary="Take a provider's webhook",
        description="2xx means that Kafka has the messages. The body is the provider's own, as it signs it.",
        responses=_RESPONSES,
        response_class=Response,
        openapi_extra={"requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string"}}}}},
    )
    async def take(http: HttpRequest, desk: str, channel: str, provider: str) -> Response:
        return await endpoint.handle(http, desk, channel, provider)

    @app.get(path, summary="Answer a provider's handshake", responses=_RESPONSES, response_class=Response)
    async def shake_hands(http: HttpRequest, desk: str, channel: str, provider: str) -> Response:
        return await endpoint.handle(http, desk, channel, provider)

    @app.exception_handler(HTTPException)
    async def no_such_place(_: HttpRequest, error: HTTPException) -> Response:
        reason = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "malformed")
        return _error(error.status_code, reason, str(error.detail), dict(error.headers or {}))

    return app


def _error(status: int, reason: str, detail: str, headers: Mapping[str, str]) -> Response:
    return JSONResponse({"error": {"reason": reason, "detail": detail}}, status_code=status, headers=dict(headers))
