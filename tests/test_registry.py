"""Entries by name: found in a folder and in other people's packages, unknown ones named."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepwas_app.errors import InputError
from deepwas_app.registry import Registry

MODULE = """
from types import SimpleNamespace
from {home} import FRUITS
FRUITS.add(SimpleNamespace(name={name!r}, order={order}))
"""


@pytest.fixture
def fruits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package with a registry, and another package that adds to it by an entry point."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "orchard"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from deepwas_app.registry import Registry\nFRUITS = Registry('fruits', 'orchard')\n"
    )
    for name, order in (("apple", 2), ("pear", 1)):
        (package / f"{name}.py").write_text(MODULE.format(home="orchard", name=name, order=order))
    (tmp_path / "exotic.py").write_text(MODULE.format(home="orchard", name="mango", order=3))
    info = tmp_path / "exotic-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: exotic\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[deepwas_app.fruits]\nmango = exotic\n")
    import orchard

    yield orchard.FRUITS
    for name in [n for n in sys.modules if n.split(".")[0] in ("orchard", "exotic")]:
        del sys.modules[name]


def test_entries_come_from_the_folder_and_from_entry_points_in_order(fruits):
    assert "orchard.apple" not in sys.modules
    assert list(fruits) == ["pear", "apple", "mango"]
    assert len(fruits) == 3
    assert fruits["mango"].name == "mango"
    assert "apple" in fruits


def test_an_unknown_name_is_one_line_that_lists_the_known_ones(fruits):
    with pytest.raises(InputError, match="unknown fruit 'plum': one of pear, apple, mango"):
        fruits["plum"]
    assert "plum" not in fruits
    assert fruits.get("plum") is None


def test_two_entries_of_one_name_are_an_error():
    registry = Registry[SimpleNamespace]("plot_tracks")
    registry.add(SimpleNamespace(name="genes"))
    with pytest.raises(ValueError, match="two plot tracks are called 'genes'"):
        registry.add(SimpleNamespace(name="genes"))


def test_what_could_not_be_imported_is_tried_again(tmp_path: Path, monkeypatch):
    registry = Registry[SimpleNamespace]("fruits", "no_such_folder")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="no_such_folder"):
            list(registry)


def test_add_decorates_a_class_and_takes_another_key():
    registry = Registry[type]("shapes", key=lambda entry: entry.__name__.lower())

    @registry.add
    class Circle:
        pass

    assert registry["circle"] is Circle
    assert list(registry) == ["circle"]
