"""`python -m local.broker [PORT]`."""

import asyncio
import sys

from local.broker import run_foreground
from runtime.refusal import Refusal

try:
    asyncio.run(run_foreground(int(sys.argv[1]) if len(sys.argv) > 1 else None))
except Refusal as refusal:
    sys.stderr.write(f"{refusal}\n")
    sys.exit(2)
