"""A shared secret that a provider repeats in a header, for providers that sign nothing.

It proves who called, not what was said, and the same request may come again at any time: TLS is what keeps both
from strangers, and a repeat has the same id.
"""

from __future__ import annotations

import hmac

from services.ingest.provider import Rejected, Request


def proof(request: Request, secret: str, header: str) -> None:
    """Raises Rejected unless `header` (its name as the provider writes it) holds `secret`."""
    given = request.headers.get(header.lower())
    if not given:
        raise Rejected("unsigned", f"the header {header} is missing")
    # Starlette reads headers as Latin-1; a secret in UTF-8 comes as other characters, but as the same bytes.
    if not hmac.compare_digest(given.encode("latin-1"), secret.encode()):
        raise Rejected("forged", f"{header} is not this source's secret")
