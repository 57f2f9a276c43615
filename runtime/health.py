"""The three probes of a service: what each says, and why.

Startup: settings are valid and the topics are there. Ready: it can do its work now. Live: its own
loop still turns; a broker that is down never kills a process, because a restart would not help.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

Check = Callable[[], str | None]
"""None when all is well, otherwise what is not, in a few words."""


@dataclass
class Health:
    """What the probes answer. One instance for each process; changed by its work, read by HTTP."""

    live_after_seconds: float = 60.0
    """Without a heartbeat for so long the process counts as stuck."""
    started: bool = False
    draining: bool = False
    readiness: list[Check] = field(default_factory=list)
    _beat: float = field(default_factory=time.monotonic)

    def beat(self) -> None:
        """The work loop turned once more."""
        self._beat = time.monotonic()

    def startup(self) -> str | None:
        """Whether the process has started."""
        return None if self.started else "starting: waiting for Kafka and its topics"

    def ready(self) -> str | None:
        """Whether work can be sent here."""
        if self.draining:
            return "stopping"
        return self.startup() or next((why for check in self.readiness if (why := check())), None)

    def live(self) -> str | None:
        """Whether the loop turns."""
        silent = time.monotonic() - self._beat
        return None if silent < self.live_after_seconds else f"the work loop stood still for {silent:.0f} s"
