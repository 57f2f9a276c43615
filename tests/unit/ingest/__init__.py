"""Ingest: providers, normalising, and the endpoint without Kafka."""
