"""On real Kafka."""
