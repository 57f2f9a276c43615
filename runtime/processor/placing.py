"""Which partition a key belongs to."""

from __future__ import annotations

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` as Kafka's own clients choose it: murmur2, its sign dropped.

    Cached, because the hash is written in Python and the same desks and cases come again and again.
    """
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
