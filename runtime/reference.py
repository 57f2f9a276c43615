"""The pages of docs/ that are made from the code: topics, settings, metrics.

`python -m runtime.reference` writes them (part of `make schemas`); a test finds it when they drifted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from prometheus_client.metrics import Histogram, MetricWrapperBase

from runtime import metrics
from runtime.settings import KafkaSettings, Settings
from schemas.codec import ce_type
from schemas.export import file_name
from schemas.topics import DEFAULT_PARTITIONS, REGISTRY, Topic, Topics

FOLDER: Final = Path(__file__).parent.parent / "docs"

_MADE: Final = "<!-- Made from the code by `make schemas`; change the code instead. -->"
_ABOUT_TOPICS: Final = (
    f"Each has {DEFAULT_PARTITIONS} partitions unless `SWITCHBOARD_PARTITIONS` says otherwise, all the same number,"
    " so that one task sees all of a desk, or of a case. Names are shown with the default prefix"
    " (`SWITCHBOARD_TOPIC_PREFIX`). Read committed records only."
)
_ABOUT_SETTINGS: Final = (
    "Read once, at start, from the environment. A bad one is refused by name, with exit code 2."
    " What a desk wants decided is not here but in its [policy](policy.md)."
)
_ABOUT_METRICS: Final = (
    "At `/metrics` of every service, for Prometheus. No customer, case or agent is ever a label. A histogram is"
    " three series, `_bucket`, `_sum` and `_count`; bounds are in seconds or records, as its name says."
)


def pages() -> dict[str, str]:
    """File name to text of every page that is made from the code."""
    return {"topics.md": _topics(), "settings.md": _settings(), "metrics.md": _metrics()}


def _topics() -> str:
    names = Topics()
    lines = [
        "# Topics",
        _MADE,
        _ABOUT_TOPICS,
        _table(
            ("topic", "key", "written by", "read by", "kept"),
            (
                (f"`{names.name(t)}`", t.key, _list(t.producers), _list(t.consumers) or "nobody yet", _kept(t))
                for t in REGISTRY
            ),
        ),
    ]
    for topic in REGISTRY:
        lines += [f"## {names.name(topic)}", topic.purpose]
        if topic.events:
            rows = (
                (f"[`{ce_type(event)}`](../schemas/json/{file_name(event)})", _first_line(event.__doc__))
                for event in topic.events
            )
            lines.append(_table(("event", "says"), rows))
    return _page(lines)


def _settings() -> str:
    lines = [
        "# Settings",
        _MADE,
        _ABOUT_SETTINGS,
    ]
    for title, model in (("Switchboard", Settings), ("Kafka", KafkaSettings)):
        prefix = str(model.model_config.get("env_prefix", ""))
        fields: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
        rows = (
            (f"`{prefix}{name.upper()}`", _kind(field), _default(field), field["description"])
            for name, field in fields.items()
        )
        lines += [f"## {title}", _table(("variable", "value", "default", "meaning"), rows)]
    return _page(lines)


def _metrics() -> str:
    rows = []
    for each in vars(metrics).values():
        if isinstance(each, MetricWrapperBase):
            (family,) = each.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            buckets = f" Buckets: {_buckets(each)}." if isinstance(each, Histogram) else ""
            rows.append((f"`{name}`", family.type, _list(each._labelnames), family.documentation + buckets))  # noqa: SLF001 - it has no public name
    return _page(["# Metrics", _MADE, _ABOUT_METRICS, _table(("metric", "kind", "labels", "meaning"), rows)])


def _buckets(histogram: Histogram) -> str:
    return ", ".join(f"{bound:g}" for bound in histogram._upper_bounds if bound != float("inf"))  # noqa: SLF001 - as above


def _kind(field: Mapping[str, Any]) -> str:
    one = next((each for each in field.get("anyOf", ()) if each.get("type") != "null"), field)
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    kind = {"string": "text"}.get(one["type"], one["type"])
    limits = [f"{word} {one[key]:g}" for word, key in (("from", "minimum"), ("to", "maximum")) if key in one]
    if "pattern" in one:
        limits.append(f"`{one['pattern']}`")
    return " ".join((one.get("format", kind), *limits))


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"`{default}`"


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "compacted"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // 86_400_000} days"


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    body = (" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows)
    return "\n".join(f"| {line} |" for line in (" | ".join(head), " | ".join("---" for _ in head), *body))


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
