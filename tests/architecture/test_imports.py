"""Who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.house import PACKAGES, ROOT, SERVICES, modules

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter, as `make check` runs it."""
    program = Path(sys.executable).parent / "lint-imports"
    arguments = [str(program), "--no-cache", "--no-logo"]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)


def test_the_import_contracts_are_kept():
    """The house of docs/architecture.md: contract, cores, shell, services that never meet."""
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


# where a line goes, the line, the contract that must break
BREACHES = {
    "contract imports shell": ("schemas/base.py", "import runtime.clock", "The house"),
    "shell imports service": ("runtime/core.py", "import services.router.app", "The house"),
    "service imports service": ("services/router/app.py", "import services.notifier.app", "Services meet on topics"),
    "core imports service": ("services/router/core/desk.py", "import services.sla_watcher.core.case", "Services meet"),
    "core imports its app": ("services/router/core/desk.py", "import services.router.app", "A core knows nothing"),
    "core imports shell": ("services/router/core/desk.py", "import runtime.clock", "A core stands on the contract"),
    "core imports time": ("services/sla_watcher/core/case.py", "import time", "Time, ids"),
    "core imports Kafka": ("services/notifier/core/core.py", "import aiokafka", "Time, ids"),
    "console imports insides": ("console/app.py", "import services.router.core.desk", "The system is reached"),
}


@pytest.fixture(scope="module")
def breached(tmp_path_factory) -> str:
    """What import-linter says of a copy of the source with every breach in it."""
    folder = tmp_path_factory.mktemp("breached")
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for module in modules("schemas", "runtime", "services", "local", "console"):
        lines = [line for path, line, _ in BREACHES.values() if path == module.name]
        copy = folder / module.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("\n".join([module.text, *lines, ""]), encoding="utf-8")
    assert all((folder / path).exists() for path, _, _ in BREACHES.values())
    return lint(folder).stdout


@pytest.mark.parametrize(("path", "line", "contract"), BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_house_is_found(breached, path, line, contract):
    """Each rule can fail: a line that must not be is reported under the contract's name."""
    importer, target = path.removesuffix(".py").replace("/", "."), line.removeprefix("import ")
    sections = breached.split("Broken contracts")[1]
    of_contract = sections[sections.index(contract) :]
    assert f"{importer} -> {target}" in of_contract.replace("\n", " ")


def test_every_stateful_service_has_a_core():
    """The contracts name cores by a pattern; this sees to it that the pattern finds them."""
    cores = {name for name in SERVICES if (ROOT / "services" / name / "core").is_dir()}
    assert cores == {"router", "sla_watcher", "notifier"}


def test_the_contract_stands_on_pydantic_and_the_standard_library():
    """Adapters and desktops can depend on `schemas` without anything else of ours."""
    allowed = sys.stdlib_module_names | {"pydantic", "pydantic_core", "schemas"}
    strangers = {
        (m.name, name) for m in modules("schemas") for name in m.imported() if name.split(".")[0] not in allowed
    }
    assert strangers == set()


COME_WITH_ANOTHER = {"pydantic-core": "pydantic", "starlette": "fastapi"}
NOT_IMPORTED = {"cramjam": "aiokafka loads it for compressed records"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    """pyproject.toml lists what the program needs to run: all of it, and nothing for show."""
    lines = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    declared = {re.split(r"[\[<>=]", line)[0] for line in lines}
    belongs = packages_distributions()
    outside = sys.stdlib_module_names | {*PACKAGES}
    found = {
        name.split(".")[0]
        for m in modules("schemas", "runtime", "services", "local", "console")
        for name in m.imported()
    }
    imported = {each.lower().replace("_", "-") for name in found - outside for each in belongs[name]}
    assert {COME_WITH_ANOTHER.get(name, name) for name in imported} == declared - NOT_IMPORTED.keys()


CLOCKS = {"now", "utcnow", "today", "fromtimestamp", "new_traceparent", "uuid4", "uuid1", "token_hex", "monotonic"}


def test_no_core_asks_for_the_time_or_for_chance():
    """Time and ids are arguments of a core: the same inputs give the same facts, today and on a replay."""
    asked = [
        f"{module.name}:{node.lineno} {ast.unparse(node.func)}()"
        for module in modules("services")
        if module.in_core
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) in CLOCKS
    ]  # fmt: skip
    assert asked == []
