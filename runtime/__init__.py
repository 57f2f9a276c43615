"""The shell that all services share: settings, Kafka, the transactional processor, clock, logs,
metrics and health. It knows nothing about cases, agents or customers.
"""
