"""Licences of what is installed with the package: stated in docs/licences.md, none of them GPL."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# By what licence files begin with or say, for packages whose metadata say nothing short.
TEXTS = {
    "Apache License": "Apache-2.0",
    "Permission is hereby granted, free of charge": "MIT",
    "Redistributions in binary form must reproduce": "BSD-3-Clause",
}
SHORT = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def licence(name: str) -> str:
    """As the package's metadata state it, or by the text of its licence."""
    found = distribution(name)
    if said := found.metadata.get("License-Expression"):
        return said
    classified = [
        line.split("::")[-1].strip()
        for line in found.metadata.get_all("Classifier") or []
        if line.startswith("License ::") and line.count("::") > 1
    ]
    written = (found.metadata.get("License") or "").strip()
    if classified:
        return " AND ".join(SHORT.get(word, word) for word in classified)
    if written and "\n" not in written:
        return SHORT.get(written, written)
    files = [f for f in found.files or [] if re.search("licen[cs]e|copying", f.name, re.I)]
    text = written + "".join(Path(str(f.locate())).read_text(errors="replace") for f in files)
    return next((short for words, short in TEXTS.items() if words in text), "unknown")


def needed(requirements: list[str]) -> set[str]:
    """Packages that are installed for some requirements, and for theirs."""
    found: set[str] = set()
    waiting = [(Requirement(words), "") for words in requirements]
    while waiting:
        wanted, extra = waiting.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        if name in found:
            continue
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [(Requirement(words), e) for words in requires for e in wanted.extras or {""}]
    return found


HARD = sorted(needed(PROJECT["dependencies"]))
TABLE = dict(
    re.findall(r"^\| ([\w.-]+) \| ([^|]+) \|", (ROOT / "docs" / "licences.md").read_text(), re.M)
)


@pytest.mark.parametrize("name", sorted({*HARD, "msprime"}))
def test_the_licence_of_each_package_is_stated(name):
    assert TABLE.get(name) == licence(name), f"docs/licences.md: | {name} | {licence(name)} |"


def test_nothing_that_the_package_needs_is_under_the_gpl():
    """Its users would have to give what they build on this under the GPL, too."""
    gpl = [name for name in HARD if re.search(r"(?<!L)GPL", licence(name))]
    assert not gpl
    assert "msprime" not in HARD
