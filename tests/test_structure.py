"""The inside of the house: no circle between files or folders, and no file that is too long."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

import grimp
import pytest

from deepwas_app.workflow.stub import BEGIN

PACKAGE = Path(__file__).parents[1] / "deepwas_app"
LONGEST, USUAL = 400, 150

Arrows = dict[str, set[str]]


@pytest.fixture(scope="module")
def imports() -> Arrows:
    """What each module imports of the package: also in functions and only for its types."""
    graph = grimp.build_graph("deepwas_app", cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def circle(arrows: Arrows) -> list[str]:
    """The modules of one circle, in order; none if there is no circle."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as found:
        return found.args[1]
    return []


def rooms(imports: Arrows) -> Iterator[tuple[str, Arrows]]:
    """Each folder, with the arrows between the files and folders in it."""
    for room in {name.rpartition(".")[0] for name in imports} - {""}:

        def child(name: str, room: str = room) -> str:
            return name.removeprefix(f"{room}.").partition(".")[0]

        arrows: Arrows = {}
        for name in imports:
            if name.startswith(f"{room}."):
                inside = {child(to) for to in imports[name] if to.startswith(f"{room}.")}
                arrows.setdefault(child(name), set()).update(inside - {child(name)})
        yield room, arrows


def test_a_circle_is_found():
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    files = {"x": set(), "x.a": set(), "x.a.one": {"x.b.one"}, "x.b": set(), "x.b.one": set()}
    files["x.b.two"] = {"x.a"}
    assert not circle(files)
    assert set(circle(dict(rooms(files))["x"])) == {"a", "b"}


def test_no_circle_between_files(imports: Arrows):
    assert len(imports) > 200
    assert circle(imports) == []


def test_no_circle_between_the_parts_of_a_folder(imports: Arrows):
    assert {room: found for room, arrows in rooms(imports) if (found := circle(arrows))} == {}


def test_files_are_short():
    lengths = {
        # What is made from declarations, below the hand-written part of the stub, does not count.
        str(path.relative_to(PACKAGE)): len(path.read_text().partition(BEGIN)[0].splitlines())
        for path in PACKAGE.rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    assert median(lengths.values()) <= USUAL
