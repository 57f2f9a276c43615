"""Decisions and parts, one at a time, without Kafka."""
