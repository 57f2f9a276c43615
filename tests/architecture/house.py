"""The source as the rules of the house look at it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "runtime", "services", "local", "console", "benchmarks")
SERVICES = tuple(sorted(path.name for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists()))


@dataclass(frozen=True)
class Module:
    """One file of Python."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        return _parsed(self.path)

    @property
    def in_core(self) -> bool:
        return "core" in self.path.relative_to(ROOT).with_suffix("").parts

    def imported(self) -> Iterator[str]:
        """Every module that is imported, by its full name, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""

    def texts(self) -> Iterator[str]:
        """Every string that is a value: no docstrings; of an f-string its fixed parts."""
        words = {
            id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)
        }  # docstrings, and the strings under a field that say what it means
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words:
                yield node.value


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(*packages: str) -> list[Module]:
    """All modules of the packages, of all when none are named."""
    found = [path for package in packages or PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert found
    return [Module(path) for path in found]


def all_python() -> list[Module]:
    """The tests too."""
    return modules(*PACKAGES, "tests")
