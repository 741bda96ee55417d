"""Studies with more beside them, for the tests of this folder."""

import shutil
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pybigtools
import pytest
import xarray as xr

from deepwas_app.genetics.content import content_hash
from deepwas_app.workflow.runs.run import Run
from deepwas_app.workflow.studies.builtin import open_study
from deepwas_app.workflow.studies.track_store import build_tracks


@pytest.fixture
def given() -> Callable[[Run, xr.Dataset], Run]:
    """A run as if it had been trained on a study that was altered in memory."""
    return lambda run, study: replace(run, study_hash=content_hash(study))


@pytest.fixture
def with_tracks(small_study, tmp_path):
    """A copy of the small study with tracks beside it: 16 bases of 3 signals from bigWig files."""
    path = tmp_path / "small.study.zarr"
    shutil.copytree(small_study.attrs["path"], path)
    study = open_study(path)
    chromosome = study["variant_chromosome"].values
    position = study["variant_position"].values.astype(int)
    lengths = {f"chr{c}": int(position[chromosome == c].max()) + 100 for c in set(chromosome)}
    files = []
    for t in range(3):
        signal = study["variant_annotation"].values[:, -1 - t].astype(float)
        # One base a variant, in the order of the names, as bigWig wants it.
        order = np.lexsort((position, chromosome))
        spans = (
            (f"chr{chromosome[i]}", int(position[i]) - 1, int(position[i]), float(signal[i]))
            for i in order
        )
        files.append(str(tmp_path / f"signal{t}.bw"))
        pybigtools.open(files[-1], "w").write(lengths, spans)
    build_tracks(path, files, 16)
    return study
