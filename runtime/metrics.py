"""Every metric of Switchboard, with its meaning. No customer, case or agent is ever a label.

docs/metrics.md is made from here.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

ROUTING_SECONDS: Final = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
LATENESS_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600)
WORK_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# ingest
MESSAGES_RECEIVED: Final = Counter(
    "switchboard_messages_received", "Messages that are safely on Kafka.", ["desk", "channel", "provider"]
)
MESSAGES_REJECTED: Final = Counter(
    "switchboard_messages_rejected", "Requests of providers that were refused, by reason.", ["provider", "reason"]
)
INTAKE_SECONDS: Final = Histogram(
    "switchboard_intake_seconds", "From a request's arrival to its answer.", ["provider"], buckets=WORK_SECONDS
)

# router
CASES_WAITING: Final = Gauge(
    "switchboard_cases_waiting", "Cases in the queue, offered ones included.", ["desk", "priority"]
)
CASE_WAIT_SECONDS: Final = Histogram(
    "switchboard_case_wait_seconds",
    "From the beginning of the wait (the opening, or the return to the queue of an answered case) to the assignment.",
    ["desk", "priority"],
    buckets=ROUTING_SECONDS,
)
CASES_OPENED: Final = Counter("switchboard_cases_opened", "Cases opened.", ["desk", "channel"])
CASES_ASSIGNED: Final = Counter(
    "switchboard_cases_assigned", "Cases given to an agent.", ["desk", "priority", "channel"]
)
CASES_RELEASED: Final = Counter(
    "switchboard_cases_released", "Cases or offers taken back, by reason.", ["desk", "reason"]
)
CASES_RESOLVED: Final = Counter("switchboard_cases_resolved", "Cases settled.", ["desk"])
CASES_ABANDONED: Final = Counter(
    "switchboard_cases_abandoned", "Cases whose customer left before an answer.", ["desk", "channel"]
)
COMMANDS_REJECTED: Final = Counter(
    "switchboard_commands_rejected", "Commands that could not be carried out.", ["desk", "reason"]
)
AGENTS: Final = Gauge("switchboard_agents", "Agents by state: available, busy, away, offline.", ["desk", "state"])

# sla_watcher
SLA_CLOCKS: Final = Counter(
    "switchboard_sla_clocks",
    "Clocks by outcome: started, warned, breached, met, cancelled.",
    ["desk", "clock", "outcome"],
)
SLA_LATENESS_SECONDS: Final = Histogram(
    "switchboard_sla_lateness_seconds", "From the instant of a breach to its publication.", buckets=LATENESS_SECONDS
)

# notifier
UPDATES: Final = Counter(
    "switchboard_updates", "Updates by outcome: requested, delivered, failed.", ["desk", "channel", "kind", "outcome"]
)
PROMISES: Final = Counter(
    "switchboard_promises", "Promised times told to customers, by outcome: kept, broken.", ["desk", "outcome"]
)
DELIVERY_SECONDS: Final = Histogram(
    "switchboard_delivery_seconds", "One attempt to hand an update over.", ["channel"], buckets=WORK_SECONDS
)

# the processor
DEAD_LETTERS: Final = Counter(
    "switchboard_dead_letters",
    "Records put aside, by reason: undecodable, misplaced, undecided, damaging.",
    ["service", "reason"],
)
TRANSACTIONS: Final = Counter(
    "switchboard_transactions", "Transactions by outcome: committed, failed.", ["service", "outcome"]
)
TRANSACTION_SECONDS: Final = Histogram(
    "switchboard_transaction_seconds",
    "From the begin to the commit of a transaction.",
    ["service"],
    buckets=WORK_SECONDS,
)
BATCH_RECORDS: Final = Histogram(
    "switchboard_batch_records",
    "Records of one transaction.",
    ["service"],
    buckets=(1, 5, 10, 50, 100, 250, 500, 1000, 2500),
)
LAG_RECORDS: Final = Gauge("switchboard_consumer_lag_records", "Records not yet processed.", ["service", "topic"])
LAG_SECONDS: Final = Gauge(
    "switchboard_consumer_lag_seconds", "Age of the oldest record not yet processed.", ["service", "topic"]
)
TASKS: Final = Gauge("switchboard_tasks", "Partitions by state: restoring, running.", ["service", "state"])
RESTORED_ENTITIES: Final = Counter("switchboard_restored_entities", "Snapshots read while restoring.", ["service"])
SESSIONS_FAILED: Final = Counter(
    "switchboard_sessions_failed", "Times that a processor had to leave its group and join anew.", ["service"]
)
