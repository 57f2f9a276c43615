"""Logs: JSON, one event a line, and only fields that are known to hold no one's words or addresses."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

ALLOWED: Final = frozenset(
    {
        # what structlog adds
        "event", "level", "timestamp", "exception", "logger",
        # where in the system
        "service", "desk", "case_id", "agent_id", "event_id", "command_id", "update_id", "cause", "kind",
        "channel", "provider", "clock", "priority",
        # where in Kafka
        "topic", "partition", "offset", "group", "bootstrap", "transactional_id",
        # what and how much
        "reason", "status", "count", "records", "entities", "seconds", "bytes", "attempt", "version", "host", "port",
        "policy_version", "path", "signal", "pid", "error", "outcome", "total",
    }
)  # fmt: skip
"""The fields that reach a log. Add one only when it can never hold text or an address of a customer."""


def _only_allowed(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    dropped = [name for name in event if name not in ALLOWED]
    for name in dropped:
        del event[name]
    return event


def configure(service: str, level: str = "info") -> None:
    """Send structlog, and the standard library's loggers of the libraries we use, to stderr as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _only_allowed,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Access lines would put customers' data (query strings) into the log; aiokafka's info is chatter.
    for name, quiet in {
        "uvicorn.access": "critical",
        "aiokafka": "warning",
        "httpx": "warning",
        "mail.log": "critical",
    }.items():
        logging.getLogger(name).setLevel(quiet.upper())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
