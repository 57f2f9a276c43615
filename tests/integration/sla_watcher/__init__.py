"""The sla-watcher's process on real Kafka."""
