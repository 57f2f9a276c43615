"""The sample desk: its policy, its agents and its customers' messages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
POLICY: Final = _HERE / "policy.yaml"
AGENTS: Final = _HERE / "agents.yaml"
TRAFFIC: Final = _HERE / "traffic"
