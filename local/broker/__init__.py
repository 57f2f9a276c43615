"""A real Kafka, one of three ways: given, in a container, or Apache Kafka itself by Java."""

from local.broker.choosing import VARIABLE, start
from local.broker.foreground import run_foreground
from local.broker.ways import KAFKA_VERSION, Kind, Running, Unavailable

__all__ = ["KAFKA_VERSION", "VARIABLE", "Kind", "Running", "Unavailable", "run_foreground", "start"]
