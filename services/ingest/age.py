"""How old a signed request may be.

Where the signature covers the body, a request that comes again has the same id and does no harm; so it may be as
old as the provider's longest retry, and none that waited for Kafka is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from services.ingest.provider import Intake, Rejected

AHEAD: Final = timedelta(minutes=5)
"""How far the provider's clock may be ahead of ours."""


def check(intake: Intake, signed_at: datetime, longest: timedelta) -> None:
    """Raises Rejected(stale) for a proved request that was signed more than `longest` ago, or in the future."""
    age = intake.received_at - signed_at
    if intake.proven and not -AHEAD <= age <= longest:
        raise Rejected("stale", f"the request was signed more than {longest} ago, or in the future")


def seconds(written: str) -> datetime:
    """A Unix time of ten digits, as it has had since 2001 and will have until 2286. Raises Rejected(forged)."""
    if not (len(written) == 10 and written.isascii() and written.isdigit()):  # noqa: PLR2004 - see above
        raise Rejected("forged", "the timestamp is no Unix time in seconds")
    return datetime.fromtimestamp(int(written), UTC)
