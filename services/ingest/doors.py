"""The ways in that the policy opens: for each desk, channel and provider, the secrets that prove a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.policy_file import resolve
from runtime.refusal import Refusal
from schemas.base import Channel
from schemas.policy import DeskPolicy, IntakeSource, Policy
from services.ingest.normalise import facts
from services.ingest.provider import Provider, Rejected, Request
from services.ingest.providers import registry


@dataclass(frozen=True, slots=True)
class Door:
    """One way in."""

    desk: str
    policy: DeskPolicy
    provider: Provider
    secrets: tuple[str, ...] = field(repr=False)
    """Any of them may have signed; none only where the policy says so in words."""
    addresses: tuple[str, ...] = ()
    """Where mail for this way in is sent to, when it comes by SMTP."""

    def prove(self, request: Request) -> bool:
        """True when one of the secrets signed the request, False when none is asked for. Raises Rejected
        with what the last secret came to; a validator that fails in any other way has refused.
        """
        refusal: Rejected | None = None
        for secret in self.secrets:
            try:
                self.provider.proof(request, secret)
            except Rejected as rejected:
                refusal = rejected
            except Exception:  # noqa: BLE001 - validators crash on hostile headers
                refusal = Rejected("forged", "the signature cannot be read")
            else:
                return True
        if refusal is not None:
            raise refusal
        return False


Doors = Mapping[tuple[str, Channel, str], Door]


def open_doors(policy: Policy) -> Doors:
    """All doors of the policy. Raises Refusal for an unknown provider and for a secret that is missing or
    could never prove anything, and for a pattern that cannot be searched for.
    """
    for desk, rules in policy.desks.items():
        try:
            facts.check(rules)
        except ValueError as error:
            raise Refusal(f"desks.{desk}.{error}") from error
    return {
        (desk, source.channel, source.provider): _door(desk, rules, source)
        for desk, rules in policy.desks.items()
        for source in rules.intake
    }


def _door(desk: str, rules: DeskPolicy, source: IntakeSource) -> Door:
    where = f"desks.{desk}.intake {source.channel}/{source.provider}"
    provider = registry().get((source.channel, source.provider))
    if provider is None:
        known = ", ".join(f"{channel}/{name}" for channel, name in sorted(registry()))
        raise Refusal(f"{where}: there is no such provider; there are: {known}")
    secrets = tuple(resolve(secret) for secret in source.secrets)
    if provider.check_secret is not None:
        for written, secret in zip(source.secrets, secrets, strict=True):
            try:
                provider.check_secret(secret)
            except ValueError as error:
                raise Refusal(f"{where}: the secret in {written} cannot be used: {error}") from error
    return Door(desk, rules, provider, secrets, source.addresses)
