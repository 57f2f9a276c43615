"""CloudEvents on the channel `phone`: see `services.ingest.cloud_events`."""

from __future__ import annotations

from services.ingest import cloud_events

PROVIDER = cloud_events.provider("phone")
