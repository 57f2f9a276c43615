"""Names, sizes, and one place for each thing."""

from __future__ import annotations

import ast
import re

import pytest
from prometheus_client.metrics import MetricWrapperBase

from runtime import metrics
from runtime.settings import KafkaSettings, Settings
from schemas.codec import EVENT_TYPES
from schemas.topics import DEFAULT_PREFIX, REGISTRY
from tests.architecture.house import ROOT, all_python, modules

VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "managers", "misc", "lib", "shared", "base_classes"}


def test_no_module_is_named_after_nothing():
    """A new contributor finds the room for a change by reading names."""
    vague = [m.name for m in all_python() if VAGUE & set(m.path.relative_to(ROOT).with_suffix("").parts)]
    assert vague == []


def test_modules_are_short_enough_to_be_of_one_idea():
    """About 300 lines; split well before 500."""
    long = {m.name: n for m in all_python() if (n := m.text.count("\n")) > 500}
    assert long == {}


def test_every_module_opens_by_saying_what_it_is():
    """The first thing a reader sees."""
    assert [m.name for m in all_python() if not ast.get_docstring(m.tree)] == []


TOPIC_NAMES = {DEFAULT_PREFIX + topic.name for topic in REGISTRY} | {
    t.name for t in REGISTRY if re.search(r"[.-]", t.name)
}


def test_topics_and_event_types_are_named_in_the_contract_alone():
    """Elsewhere they come from the registry, so that a topic is renamed in one place."""
    names = TOPIC_NAMES | EVENT_TYPES.keys()
    named = [(m.name, text) for m in modules() if m.name != "schemas/topics.py" for text in m.texts() if text in names]
    assert named == []


def test_metrics_are_named_in_their_file_alone():
    """The one file is what docs/metrics.md is made from. `local` reads /metrics as a stranger does, by name."""
    named = [
        (m.name, text)
        for m in modules("schemas", "runtime", "services", "console", "benchmarks")
        if m.name != "runtime/metrics.py"
        for text in m.texts()
        if re.fullmatch(r"switchboard_[a-z_]+", text)
    ]
    assert named == []


def test_no_metric_is_made_outside_its_file():
    """A Counter made elsewhere would be missing from the documents, and from the eyes of who reviews labels."""
    makers = {"Counter", "Gauge", "Histogram", "Summary", "Info"}
    made = [
        (m.name, node.lineno)
        for m in modules()
        if m.name != "runtime/metrics.py"
        for node in ast.walk(m.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        and makers & {alias.name for alias in node.names}
    ]  # fmt: skip
    assert made == []


def test_every_metric_is_used():
    """A metric that nothing ever sets is a lie on a dashboard."""
    text = "\n".join(m.text for m in modules() if m.name != "runtime/metrics.py")
    names = [name for name, each in vars(metrics).items() if isinstance(each, MetricWrapperBase)]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


KNOWN = {
    f"{model.model_config['env_prefix']}{name.upper()}"
    for model in (Settings, KafkaSettings)
    for name in model.model_fields
}


def test_settings_that_texts_name_exist():
    """Whoever follows an error message, or a document, sets a variable that is read."""
    texts = {(m.name, name) for m in modules() for name in re.findall(r"\bSWITCHBOARD_[A-Z_]*[A-Z]\b", m.text)}
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    texts |= {
        (path.name, name)
        for path in documents
        for name in re.findall(r"\b(?:SWITCHBOARD|KAFKA)_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert {(where, name) for where, name in texts if name not in KNOWN | {"SWITCHBOARD_CORPUS"}} == set()


def test_what_local_scrapes_is_a_metric():
    """The names by which `local` reads /metrics are those of the file."""
    known = {
        f"{f.name}_total"
        for each in vars(metrics).values()
        if isinstance(each, MetricWrapperBase)
        for f in each.describe()
    }
    named = {text for m in modules("local") for text in m.texts() if re.fullmatch(r"switchboard_[a-z_]+_total", text)}
    assert named <= known


def test_the_environment_is_read_in_one_place():
    """Settings are read once at start and passed down frozen; secrets are resolved by the policy file."""
    readers = {"runtime/settings.py", "runtime/policy_file.py"}
    found = {
        m.name
        for m in modules("schemas", "runtime", "services")
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert found <= readers


@pytest.mark.parametrize("module", all_python(), ids=lambda module: module.name)
def test_nothing_is_left_undone(module):
    """What is here is built as it is meant to stay; what is left out is left out whole."""
    left = re.findall(r"\b(?:TO" + r"DO|FIX" + r"ME|X{3}|HA" + r"CK)\b|\braise NotImplemented", module.text)
    assert left == []


@pytest.mark.parametrize(
    "module", [m for m in modules("tests") if m.path.name.startswith("test_")], ids=lambda m: m.name
)
def test_every_test_says_in_a_sentence_what_it_holds(module):
    """A failing test is read by somebody who does not know why it was written."""
    functions = [n for n in ast.walk(module.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    mute = [f"{n.lineno} {n.name}" for n in functions if n.name.startswith("test_") and not ast.get_docstring(n)]
    assert mute == []
