"""The endpoints that every service has: probes, metrics and AsyncAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from runtime.health import Check, Health


def operational_routes(health: Health, asyncapi: Mapping[str, Any]) -> list[BaseRoute]:
    """Routes for `/livez`, `/readyz`, `/startupz`, `/metrics` and `/asyncapi`.

    A probe answers 200 `ok`, or 503 with the reason in plain text.
    """

    def probe(check: Check) -> Route:
        async def answer(_: Request) -> Response:
            why = check()
            return PlainTextResponse("ok\n") if why is None else PlainTextResponse(f"{why}\n", status_code=503)

        return Route(paths[check], answer, methods=["GET"], include_in_schema=False)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def specification(_: Request) -> Response:
        return JSONResponse(asyncapi)

    paths: dict[Check, str] = {health.live: "/livez", health.ready: "/readyz", health.startup: "/startupz"}
    return [
        *(probe(check) for check in paths),
        Route("/metrics", metrics, methods=["GET"], include_in_schema=False),
        Route("/asyncapi", specification, methods=["GET"], include_in_schema=False),
    ]
