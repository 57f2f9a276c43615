"""The documents tell the truth about the code, as far as a machine can tell."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
import typer

from console.app import app
from local.roster import read_roster
from runtime.reference import FOLDER, pages
from schemas.topics import SERVICES, TOPIC_OF
from tests.architecture.house import ROOT, modules

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize("name", pages())
def test_pages_made_from_the_code_have_not_drifted(name):
    """Topics, settings and metrics are documented as they are (`make schemas` writes the pages anew)."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]


@every_document
def test_links_lead_somewhere(path: Path):
    """Every relative link, and every heading that one points to, exists."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}, (
                target
            )


@every_document
def test_paths_that_documents_name_exist(path: Path):
    """A file or folder of ours in backticks is there."""
    roots = r"\.ci|schemas|runtime|services|local|console|tests|docs|benchmarks"
    named = re.findall(rf"`((?:{roots})/[\w./-]*)`", path.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@every_document
def test_make_targets_that_documents_name_exist(path: Path):
    """`make x` works for every x that is written down."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= targets


def test_events_that_nobody_publishes_are_said_to_be_so():
    """docs/architecture.md names exactly the events that are in the contract and that no service makes."""
    made = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for module in modules("services")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }
    ours = {e.__name__ for e, topic in TOPIC_OF.items() if any(name in SERVICES for name in topic.producers)}
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    said = re.search(r"Events that no service publishes:(.*?)\.", text, re.DOTALL)
    assert said
    assert set(re.findall(r"`(\w+)`", said[1])) == ours - made


def test_the_figures_of_the_readme_are_those_of_the_sample():
    """So many messages, so many agents."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    messages = len(list((ROOT / "local/sample/traffic").iterdir()))
    assert f"and {messages} sample messages" in " ".join(text.split())
    assert len(read_roster(ROOT / "local/sample/agents.yaml").agents) == 8
    assert "eight simulated agents" in text


def commands() -> set[str]:
    """Every command of `switchboard`, groups included: `policy`, `policy check`."""
    found: set[str] = set()

    def walk(group: object, before: str) -> None:
        for name, command in getattr(group, "commands", {}).items():
            found.add(before + name)
            walk(command, f"{before}{name} ")

    walk(typer.main.get_command(app), "")
    return found


@every_document
def test_commands_that_documents_name_exist(path: Path):
    """`switchboard x y` works for every x and y that is written down."""
    known = commands()
    groups = {name.split()[0] for name in known if " " in name}
    for first, second in re.findall(
        r"(?:^|`)switchboard ([a-z]+)(?: ([a-z]+))?", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert first in known, first
        if first in groups and second:
            assert f"{first} {second}" in known


def test_every_dependency_has_its_reason():
    """docs/decisions/0006-dependencies.md names each dependency of pyproject.toml, and no other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    wanted = {
        re.split(r"[\[<>=]", line)[0]
        for part in (project["project"]["dependencies"], *extras, *groups)
        for line in part
    }
    text = (ROOT / "docs/decisions/0006-dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w.-]+)` \|", text, re.MULTILINE)) == wanted


def test_every_decision_is_numbered_once_and_listed():
    """docs/decisions/README.md lists the records in their order."""
    folder = ROOT / "docs/decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name[:4] for name in records] == [f"{n:04}" for n in range(1, len(records) + 1)]
    assert re.findall(r"\((\d{4}[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")) == records


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/decisions/[0-9]*.md")), ids=lambda path: path.stem)
def test_every_decision_has_the_same_parts(path: Path):
    """What the question was, what was decided, what comes of it."""
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:1] == ["Context"]
    assert {"Decision", "Consequences"} <= set(headings)
