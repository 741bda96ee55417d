"""Whether all of a study, panel, track store or run is as it was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.tracks import open_tracks
from deepwas_app.genetics.checksums import INDEX, UnsoundError, verify
from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.store import open_study_store, read_array, stored_hash
from deepwas_app.workflow.results.scan import ENDING, open_derivatives
from deepwas_app.workflow.runs.folds import fold_path
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.runs.run_files import read_index, unsound
from deepwas_app.workflow.studies.builtin import BUILTIN, builtin_path

_OPEN = {
    ".study.zarr": open_study_store,
    ".ld.zarr": open_panel,
    ".tracks.zarr": open_tracks,
    ENDING: open_derivatives,
}


class Verified(NamedTuple):
    """What came of it.

    Attributes
    ----------
    sound
        Number of files that are as they were written; None where there are no checksums, as of
        older versions: then they were read from end to end, and a study compared with its hash.
    damaged
        One line for each that is not.
    """

    sound: int | None
    damaged: list[str]

    @property
    def text(self) -> str:
        """For people."""
        if self.sound is None:
            said = "no checksums, but all of it can be read"
            return "no checksums, and not all is sound" if self.damaged else said
        return (
            counted(self.sound, "file")
            + " as written, "
            + (f"{len(self.damaged)} not" if self.damaged else "none damaged or lost")
        )


def verified(path: str | Path) -> Verified:
    """Compare all of a study, LD panel, track store or run with its checksums.

    Raises
    ------
    InputError
        If it is none of these.
    """
    path = builtin_path(str(path)) if str(path) in BUILTIN else Path(path)
    if path.name.endswith(".run"):
        return _run(path)
    suffix = next((suffix for suffix in _OPEN if path.name.endswith(suffix)), None)
    if suffix is None or not path.is_dir():
        raise InputError(f"{path}: has no checksums. Give a study, LD panel, track store or run.")
    return _store(path, suffix)


def _run(path: Path) -> Verified:
    damaged: list[str] = []
    files = 0
    folds = [fold_path(path, number) for number in range(1, 100)]
    for folder in (path, *(fold for fold in folds if fold.is_dir())):
        try:
            files += len(read_index(folder))
            damaged += unsound(folder)
            run = open_run(folder)
            run.metrics(), run.blocks(), run.model()
        except InputError as problem:
            damaged.append(str(problem))
    damaged = list(dict.fromkeys(damaged))
    return Verified(files - len(damaged) if files else None, damaged)


def _store(path: Path, suffix: str) -> Verified:
    names = {child.name for child in (path / "blocks").glob("[0-9]*")}
    blocks, damaged = max(map(int, names), default=-1) + 1, []
    try:
        blocks = _OPEN[suffix](path).sizes["blocks"]
        # Tracks may be read from their own files, and then have no blocks.
        blocks = blocks if names else 0
    except UnsoundError:
        # It is among those below.
        pass
    except InputError as problem:
        damaged.append(str(problem))
    if not (path / INDEX).exists():
        damaged += [] if damaged else _read_through(path, suffix, blocks)
        return Verified(None, damaged)
    found = list(verify(path, blocks))
    wrong = [problem.part for problem in found if problem is not None]
    # What keeps it from being opened is among them, if there are any.
    return Verified(len(found) - len(wrong), list(dict.fromkeys(wrong)) or damaged)


def _read_through(path: Path, suffix: str, blocks: int) -> Iterator[str]:
    """What cannot be read of a store without checksums, or is not what a study's own hash says."""
    dataset = _OPEN[suffix](path)
    wrong = False
    for block in range(blocks):
        for folder in sorted((path / "blocks" / str(block)).glob("[!.]*")):
            try:
                read_array(dataset, block, folder.name)
            except InputError as problem:
                wrong = True
                yield str(problem)
    if suffix == ".study.zarr" and not wrong:
        wrong = stored_hash(dataset) != dataset.attrs["content_hash"]
        if wrong:
            yield f"{path}: is not what it was when it was written. Build it again."
