"""Parts of the processor that need no Kafka."""
