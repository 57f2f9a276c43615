"""Commands that look at a running system, on a real Kafka."""
