"""Readers of LD and genotypes, and of what this software writes itself."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deepwas_app.genetics.annotation.tracks import open_tracks, read_tracks, write_tracks
from deepwas_app.genetics.genotypes.phenotype import read_people2
from deepwas_app.genetics.ld.panel import open_panel, read_factor, write_panel
from deepwas_app.genetics.ld.sources.dense import open_dense
from deepwas_app.genetics.ld.sources.eigen import open_eigen
from deepwas_app.genetics.ld.sources.genotypes import open_genotypes
from deepwas_app.genetics.ld.sources.ldgm import open_ldgm
from deepwas_app.genetics.ld.sources.magenpy import open_magenpy
from deepwas_app.genetics.ld.sources.prscs import open_prscs
from deepwas_app.genetics.ld.sources.ukb import open_ukb
from deepwas_app.genetics.store import open_study_store, read_block

from ..genetics.ld.sources import conftest as write
from ..genetics.ld.sources.test_magenpy import write_magenpy
from .cases import FILES, write_bigwig
from .harness import Case
from .people import PEOPLE

MADE = "DEEPWAS_FUZZ_STUDY"
STORES: list[Case] = []
"""Readers of folders; those of what this software writes itself are left to the long part."""


@cache
def block() -> tuple[np.ndarray, np.ndarray, Any]:
    """Dosages of 100 people at 40 variants, their LD, and the variants."""
    dosages = write.correlated_dosages(np.random.default_rng(3), 100, write.VARIANTS)
    table = write.variant_table(20 * write.MB + 1_000 * np.arange(write.VARIANTS))
    return dosages, np.corrcoef(dosages.T), table


def _all_of(source: Any) -> Any:
    """Every block of a source."""
    return [made.factor for made in source.blocks(0.99, 0.0)]


def _ld(
    name: str,
    make: Callable[[Path], Any],
    open_source: Callable[[Path], Any],
    targets: dict[str, str],
) -> None:
    for target, kind in targets.items():

        def made(folder: Path, target: str = target) -> Path:
            make(folder)
            return folder / target

        def read(path: Path, target: str = target) -> Any:
            return _all_of(open_source(Path(str(path).removesuffix(f"/{target}"))))

        STORES.append(Case(f"{name} {target.removeprefix('chr_22/')}", made, read, kind))


def _of(writer: Callable[..., Any]) -> Callable[[Path], Any]:
    return lambda folder: writer(folder, block()[1], block()[2])


_ld(
    "SBayesRC",
    _of(write.write_eigen),
    open_eigen,
    {"block1.eigen.bin": "binary", "snp.info": "text", "ldm.info": "text"},
)
_ld(
    "UKB",
    lambda folder: write.write_window(folder, block()[1], block()[2], 19_000_001, 22_000_001),
    open_ukb,
    {"chr22_19000001_22000001.npz": "binary", "chr22_19000001_22000001.gz": "gzip"},
)
_GRAPH = "1kg_chr22_20000000_20039000"
_ld(
    "LDGM",
    _of(write.write_ldgm),
    open_ldgm,
    {f"{_GRAPH}.EUR.edgelist": "text", f"{_GRAPH}.snplist": "text"},
)
_ld(
    "PRS-CS",
    _of(write.write_prscs),
    open_prscs,
    {"ldblk_1kg_chr22.hdf5": "binary", "snpinfo_1kg_hm3": "text"},
)
_ld(
    "matrix",
    _of(write.write_dense),
    lambda folder: open_dense([folder / "R.npy"]),
    {"R.npy": "binary", "R.tsv": "text"},
)
_ld(
    "matrix",
    lambda folder: write.write_dense(folder, block()[1], block()[2], "npz"),
    lambda folder: open_dense([folder / "R.npz"]),
    {"R.npz": "binary"},
)
_ld(
    "magenpy",
    lambda folder: write_magenpy(folder / "chr_22", [block()[1]], block()[2]),
    open_magenpy,
    {
        "chr_22/matrix/data/0": "binary",
        "chr_22/matrix/data/.zarray": "text",
        "chr_22/matrix/indptr/0": "binary",
        "chr_22/metadata/snps/0": "binary",
        "chr_22/metadata/bp/0": "binary",
        "chr_22/.zattrs": "text",
    },
)
_ld(
    "PLINK 1",
    lambda folder: write.write_bed(folder, block()[0], block()[2]),
    lambda folder: open_genotypes(bfile=folder / "g"),
    {"g.bed": "binary", "g.bim": "text", "g.fam": "text"},
)
_ld(
    "PLINK 2",
    lambda folder: write.write_pgen(folder, block()[0], block()[2]),
    lambda folder: open_genotypes(pfile=folder / "p"),
    {"p.pgen": "binary", "p.pvar": "text"},
)


def _psam(folder: Path) -> Path:
    write.write_pgen(folder, block()[0], block()[2])
    return folder / "p.psam"


STORES.append(Case("PLINK 2 p.psam", _psam, lambda path: read_people2(path)))


# Our own.
def _panel(folder: Path) -> Path:
    source = open_prscs(write.write_prscs(folder / "in", block()[1], block()[2]))
    attrs = {"title": "T", "genome_build": "hg19", "sample_size": 100}
    write_panel(folder / "a.ld.zarr", source.blocks(0.99, 0.0), attrs, source.dropped)
    return folder / "a.ld.zarr"


def _read_panel(folder: Path) -> Any:
    panel = open_panel(folder / "a.ld.zarr").load()
    return [read_factor(panel, index) for index in range(panel.sizes["blocks"])]


def _tracks(folder: Path) -> None:
    panel = open_panel(_panel(folder))
    signal = write_bigwig(folder / "a.bw")
    list(write_tracks(folder / "a.tracks.zarr", panel, [signal], window=8, keep=True))


def _read_tracks(folder: Path) -> Any:
    tracks = open_tracks(folder / "a.tracks.zarr").load()
    return [read_tracks(tracks, index) for index in range(tracks.sizes["blocks"])]


@cache
def own_study() -> Path:
    """A small study with a run beside it: made once for all processes, for JAX takes its time."""
    if MADE in os.environ:
        return Path(os.environ[MADE])
    from deepwas_app.workflow.runs.train import train
    from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
    from deepwas_app.workflow.studies.simulate import simulate

    folder = Path(tempfile.mkdtemp(prefix="deepwas-fuzz-"))
    path = folder / "a.study.zarr"
    knobs = {"variants": 600, "chromosomes": 20, "people": 100, "annotations": 3}
    simulate(SimulateSettings(**knobs, truth="linear", panel_people=0, output=str(path)))
    train(open_study_store(path), TrainSettings(prior="linear", epochs=2), folder / "a.run")
    os.environ[MADE] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _copied(folder: Path) -> None:
    shutil.copytree(own_study(), folder, dirs_exist_ok=True)


def _read_study(folder: Path) -> Any:
    study = open_study_store(folder / "a.study.zarr").load()
    return [read_block(study, index) for index in range(2)]


def _read_run(folder: Path) -> Any:
    from deepwas_app.workflow.runs.run import open_run

    run = open_run(folder / "a.run")
    return run.model(), run.metrics(), run.blocks()


def _own(
    prefix: str, make: Callable[[Path], Any], read: Callable[[Path], Any], targets: dict[str, str]
) -> None:
    for target, kind in targets.items():

        def made(folder: Path, target: str = target) -> Path:
            make(folder)
            return folder / target

        def reads(path: Path, target: str = target) -> Any:
            return read(Path(str(path).removesuffix(f"/{target}")))

        STORES.append(Case(f"{prefix} {target.partition('/')[2]}", made, reads, kind, slow=True))


_own(
    "panel",
    _panel,
    _read_panel,
    {
        "a.ld.zarr/.zmetadata": "text",
        "a.ld.zarr/variant_id/0": "binary",
        "a.ld.zarr/variant_position/0": "binary",
        "a.ld.zarr/blocks/0/W/0.0": "binary",
        "a.ld.zarr/blocks/0/W/.zarray": "text",
    },
)
_own(
    "tracks",
    _tracks,
    _read_tracks,
    {"a.tracks.zarr/.zmetadata": "text", "a.tracks.zarr/blocks/0/windows/0.0.0": "binary"},
)
_own(
    "study",
    _copied,
    _read_study,
    {
        "a.study.zarr/.zmetadata": "text",
        "a.study.zarr/blocks/0/Q/0.0": "binary",
        "a.study.zarr/blocks/0/x/0": "binary",
    },
)
_own(
    "run",
    _copied,
    _read_run,
    {
        "a.run/run.json": "text",
        "a.run/weights.eqx": "binary",
        "a.run/metrics.parquet": "binary",
        "a.run/blocks.parquet": "binary",
    },
)

CASES = [*FILES, *PEOPLE, *STORES]
"""All readers."""
