"""Ingest as a process of its own, against a real Kafka."""
