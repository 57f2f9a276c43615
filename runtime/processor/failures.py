"""What can go wrong, named after what has to be done about it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Rejoin(Exception):
    """Kafka failed, or another process has the partition now. To do: forget all state, join anew."""


class CoreFailed(Exception):
    """A core raised where it must not, so that no record is to blame. To do: crash."""


class TooManyDeadLetters(Exception):
    """Record after record cannot be processed; the fault is likely ours. To do: crash, and leave the
    rest of the topic where it is.
    """


@contextmanager
def kafka(doing: str) -> Iterator[None]:
    """Turn whatever aiokafka raises while `doing` something into Rejoin.

    For calls into aiokafka only: after any of its errors a transaction is not final and a producer is
    not usable, so all of them ask for the same.
    """
    try:
        yield
    except Exception as error:
        raise Rejoin(f"{doing}: {type(error).__name__}: {error}") from error


@contextmanager
def core(doing: str) -> Iterator[None]:
    """Turn whatever a core raises outside of a decision into CoreFailed."""
    try:
        yield
    except Exception as error:
        raise CoreFailed(f"{doing}: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """The kind of an error and where it came from, without its message, which may hold a customer's words."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}"
