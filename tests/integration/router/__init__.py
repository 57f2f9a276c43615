"""The router as a process, on a real Kafka."""
