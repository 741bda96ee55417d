"""What pyproject.toml declares is what the package imports, no more and no less."""

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRA = PROJECT["optional-dependencies"]["simulation"]
DECLARED = {
    canonicalize_name(r.name): r for r in map(Requirement, [*PROJECT["dependencies"], *EXTRA])
}
# Imported where they are, with a remedy where they are not; and in notebooks only.
OPTIONAL = {"cryptography": "oauth", "IPython": "notebook"}


def imported_modules() -> Iterator[str]:
    """Top-level modules that the package imports anywhere, also inside functions."""
    for path in (ROOT / "deepwas_app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield node.module.split(".")[0]


def third_party() -> dict[str, set[str]]:
    """Imported modules that are neither ours nor Python's, with the packages that bring them."""
    modules = set(imported_modules()) - set(sys.stdlib_module_names) - {"deepwas_app"}
    packages = packages_distributions()
    return {
        module: {canonicalize_name(name) for name in packages.get(module, [])} for module in modules
    }


def test_every_import_is_declared():
    known = set(DECLARED)
    for module, extra in OPTIONAL.items():
        names = {Requirement(w).name for w in PROJECT["optional-dependencies"][extra]}
        assert module.lower() in names
    undeclared = {
        module
        for module, names in third_party().items()
        if not names & known and module not in OPTIONAL
    }
    assert not undeclared, f"imported, but not in pyproject.toml: {sorted(undeclared)}"


def test_every_declared_dependency_is_imported():
    used = set.union(*third_party().values())
    unused = set(DECLARED) - used
    assert not unused, f"in pyproject.toml, but imported nowhere: {sorted(unused)}"


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("constraints*.txt")))
@pytest.mark.parametrize("name", sorted(DECLARED))
def test_what_was_tested_is_what_is_declared(name, file):
    """The version that is pinned is allowed, and so is the one that is installed."""
    pins = dict(line.split("==") for line in (ROOT / file).read_text().split())
    assert pins[name] in DECLARED[name].specifier
    assert version(name) in DECLARED[name].specifier
