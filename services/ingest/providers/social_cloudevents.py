"""CloudEvents on the channel `social`: see `services.ingest.cloud_events`."""

from __future__ import annotations

from services.ingest import cloud_events

PROVIDER = cloud_events.provider("social")
