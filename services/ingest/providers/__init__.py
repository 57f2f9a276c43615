"""The registry: every module here that has a `PROVIDER` is a provider, under its channel and name.

Whatever a provider parses, the facts that are in the customers' words are added to it here, for every way in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from schemas.base import Channel
from services.ingest.normalise import facts
from services.ingest.provider import InboundEvent, Intake, Provider, Request


@cache
def registry() -> Mapping[tuple[Channel, str], Provider]:
    """All providers by channel and name. Raises ValueError when two modules claim the same place."""
    found: dict[tuple[Channel, str], Provider] = {}
    for module in iter_modules(__path__, f"{__name__}."):
        provider = getattr(import_module(module.name), "PROVIDER", None)
        if provider is None:
            continue
        place = (provider.channel, provider.name)
        if place in found:
            message = f"{module.name} claims {provider.channel}/{provider.name}, which another module has"
            raise ValueError(message)
        found[place] = _with_facts(provider)
    return found


def _with_facts(provider: Provider) -> Provider:
    def parse(request: Request, intake: Intake) -> Sequence[InboundEvent]:
        return facts.complete(provider.parse(request, intake), intake.policy)

    return replace(provider, parse=parse)
