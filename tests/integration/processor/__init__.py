"""The processor on a real Kafka."""
