"""The local parts against a real Kafka and real processes."""
