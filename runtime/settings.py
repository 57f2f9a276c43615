"""Every setting, read once at start from the environment and passed down frozen.

`SWITCHBOARD_*` are ours, `KAFKA_*` are Kafka's. docs/settings.md is made from here.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.refusal import Refusal
from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, Service, Topics

PORTS: dict[Service, int] = {"ingest": 8080, "router": 8081, "sla-watcher": 8082, "notifier": 8083}


class KafkaSettings(BaseSettings):
    """How to reach Kafka."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", frozen=True, use_attribute_docstrings=True)

    bootstrap_servers: str = "localhost:9092"
    """Brokers to begin with: `host:port`, comma-separated."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """TLS and authentication."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How to authenticate, with a SASL protocol."""
    sasl_username: str | None = None
    """User name for SASL."""
    sasl_password: SecretStr | None = None
    """Password for SASL."""
    ssl_cafile: Path | None = None
    """Certificate authorities to trust, PEM; the system's when not given."""

    def client(self) -> dict[str, Any]:
        """The arguments that every aiokafka client takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(
                cafile=str(self.ssl_cafile) if self.ssl_cafile else None
            )
        if self.security_protocol.startswith("SASL"):
            if not self.sasl_username or self.sasl_password is None:
                message = f"KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
                raise Refusal(message)
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return arguments


class Settings(BaseSettings):
    """How a service runs. What it decides is in the policy."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", frozen=True, use_attribute_docstrings=True)

    policy: Path | None = None
    """The policy file."""
    topic_prefix: str = Field(DEFAULT_PREFIX, pattern=r"^[A-Za-z0-9._-]{0,100}$")
    """In front of every topic's name and every group's; two installations on one cluster differ in it."""
    partitions: int = Field(DEFAULT_PARTITIONS, ge=1, le=1000)
    """Of every topic. Cannot be changed once there is data."""
    replication: int = Field(1, ge=1, le=10)
    """Of every topic that `switchboard topics apply` creates."""
    host: str = "0.0.0.0"  # noqa: S104 - a pod's endpoints are reached from outside it
    """Where the HTTP endpoints listen."""
    port: int | None = Field(None, ge=0, le=65535)
    """Port of the HTTP endpoints; by default 8080 (ingest), 8081 (router), 8082 (sla-watcher), 8083 (notifier)."""
    public_url: str | None = None
    """ingest: scheme, host and path prefix by which providers reach it; some signatures cover it."""
    max_body_bytes: int = Field(26_214_400, ge=1024)
    """ingest: the largest request that is read."""
    smtp_port: int | None = Field(None, ge=0, le=65535)
    """ingest: port where mail comes in by SMTP; by default none does."""
    smtp_name: str | None = Field(None, min_length=1, max_length=255)
    """ingest: the name by which it greets in SMTP; by default the machine's."""
    smtp_certificate: Path | None = None
    """ingest: certificate chain for STARTTLS, PEM; without one it is not offered."""
    smtp_key: Path | None = None
    """ingest: private key of the certificate, PEM."""
    smtp_sender_per_minute: int = Field(60, ge=1)
    """ingest: mails a minute by SMTP from one sender's address; more are to come later."""
    smtp_peer_per_minute: int = Field(600, ge=1)
    """ingest: mails a minute by SMTP from one IP address; more are to come later."""
    imap_poll_seconds: float = Field(10.0, ge=0.1, le=3600)
    """ingest: how often a mailbox is looked into."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From which level on lines are logged."""
    drain_seconds: float = Field(0.0, ge=0, le=60)
    """Pause between turning unready and stopping, so that load balancers notice."""
    batch_records: int = Field(1000, ge=1, le=10_000)
    """Records of one transaction at most."""
    transaction_seconds: float = Field(15.0, ge=1, le=300)
    """How long a transaction may stay open before the broker aborts it."""
    session_seconds: float = Field(30.0, ge=1, le=300)
    """How long a process may be silent before its partitions go to another."""
    static_member: str | None = None
    """Group instance id, for StatefulSets: a restart within the session keeps its partitions."""
    poison_in_a_row: int = Field(25, ge=1)
    """So many undecidable records one after another stop a task: the fault is likely ours, not theirs."""

    delivery_seconds: float = Field(600.0, ge=1, le=86_400)
    """notifier: how long an update is tried, from its request on."""
    outcome_seconds: float = Field(660.0, ge=1, le=172_800)
    """notifier: after how long without an outcome an update is posted again (webhooks) or given up as in
    doubt (mail). Above `delivery_seconds` by more than one try takes."""
    update_attempts: int = Field(3, ge=1, le=20)
    """notifier: how often an update is requested at most, where that can be repeated."""

    def topics(self) -> Topics:
        """The registry under this installation's prefix."""
        return Topics(self.topic_prefix, self.partitions)

    def group(self, service: str) -> str:
        """The consumer group, and the stem of transactional ids, of a service."""
        return f"{self.topic_prefix}{service}"


def read_settings() -> tuple[Settings, KafkaSettings]:
    """Both, from the environment. Raises Refusal that names the variable and what is wrong with it."""
    try:
        return Settings(), KafkaSettings()
    except ValidationError as error:
        prefix = "KAFKA_" if error.title == "KafkaSettings" else "SWITCHBOARD_"
        lines = [f"{prefix}{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_url=False)]
        raise Refusal("\n".join(lines)) from error
