"""What is in any file or folder that the software knows, and where it came from."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from deepwas_app.errors import InputError
from deepwas_app.genetics.annotation.tracks import open_tracks
from deepwas_app.genetics.genotypes.plink import read_genotypes
from deepwas_app.genetics.gwas.meaning import Meaning, understand
from deepwas_app.genetics.gwas.sumstats import read_rows
from deepwas_app.genetics.ld.panel import open_panel
from deepwas_app.genetics.store import VERSIONS
from deepwas_app.workflow.documentation import table_of
from deepwas_app.workflow.results.scan import ENDING, open_derivatives
from deepwas_app.workflow.runs.run import open_run
from deepwas_app.workflow.settings import plain
from deepwas_app.workflow.studies.builtin import BUILTIN, open_study
from deepwas_app.workflow.tables import Table
from deepwas_app.workflow.verify import verified


def info(path: str | Path, verify: bool = False) -> dict[str, Any]:
    """Facts about a study, LD panel, run, genotypes, result table or summary statistics.

    Parameters
    ----------
    path
        Of any of these, or the name of a built-in study.
    verify
        Compare all of a study, panel, track store or run with its checksums: `verified` says what
        came of it, `damaged` has a line for each part that is not as it was written.

    Returns
    -------
    Facts by name, in the order in which ``deepwas info`` prints them.

    Raises
    ------
    InputError
        If it is none of these, or cannot be read.
    """
    if not verify:
        return _facts(path)
    found = verified(path)
    try:
        facts = _facts(path)
    except InputError as problem:
        # What is damaged may be what tells the rest.
        if not found.damaged:
            raise
        facts = {"kind": "damaged", "path": str(path), "because": str(problem)}
    told = {"damaged": found.damaged} if found.damaged else {}
    return facts | {"verified": found.text} | told


def _facts(path: str | Path) -> dict[str, Any]:
    text = str(path).rstrip("/")
    if text in BUILTIN or text.endswith(".study.zarr"):
        return _study(text)
    if text.endswith(".ld.zarr"):
        return _panel(text)
    if text.endswith(".tracks.zarr"):
        return _tracks(text)
    if text.endswith(ENDING):
        return _derivatives(text)
    if text.endswith(".run"):
        return _run(text)
    if Path(text).is_dir():
        raise InputError(f"{text}: not a .study.zarr, .ld.zarr, .tracks.zarr or .run folder.")
    if text.endswith((".bed", ".bim", ".fam")):
        genotypes = read_genotypes(text)
        return {
            "kind": genotypes.attrs["format"],
            "people": genotypes.attrs["sample_size"],
            "variants": genotypes.sizes["variants"],
            "chromosomes": pd.unique(genotypes["variant_chromosome"].values).tolist(),
        }
    meaning = understand(text)
    # GWAS-SSF is both.
    table = None if meaning.format == "GWAS-SSF" else table_of(meaning.names)
    return _gwas(meaning) if table is None else _table(table, meaning.names)


def _table(table: Table, names: list[str]) -> dict[str, Any]:
    found = [table[name] for name in names]
    return {
        "kind": f"result table, {table.name}",
        "rows": table.meaning,
        "columns": [{"column": c.name, "unit": c.unit, "meaning": c.meaning} for c in found],
    }


def _gwas(meaning: Meaning) -> dict[str, Any]:
    # What is in a file without N, or whose alleles only a panel tells, can be told all the same.
    known = meaning.tells_people
    sumstats = read_rows(meaning, None if known else 1.0)
    size = sumstats.attrs["sample_size"] if known else "not in the file; give it with --n"
    return {
        "kind": f"summary statistics, {sumstats.attrs['format']}",
        "variants": sumstats.sizes["variants"],
        "sample size": size,
        **({"median N": float(sumstats["variant_sample_size"].median())} if known else {}),
        "dropped": json.dumps(sumstats.attrs["dropped"]),
        "columns": json.dumps(meaning.roles),
        **({"in doubt": meaning.doubt} if meaning.doubt else {}),
    }


def _noise(study: xr.Dataset) -> str:
    people = study.attrs.get("ld_people")
    if people is None:
        return "no more than a learned mismatch: it is not known how many people the LD is from"
    return f"LD from {people:,.0f} other people" if people else "exact LD"


def _study(path: str) -> dict[str, Any]:
    study = open_study(path)
    return {
        "kind": "study",
        "title": study.attrs["title"],
        "path": study.attrs["path"],
        "genome build": study.attrs["genome_build"],
        "variants": study.sizes["variants"],
        "scored": int(study["variant_scored"].values.sum()),
        "LD blocks": study.sizes["blocks"],
        "components": int(study["block_components"].values.sum()),
        "variance kept": study.attrs["variance"],
        "winsorised": study.attrs.get("winsorised", 0.0),
        "noise allows for": _noise(study),
        "median N": float(study["variant_sample_size"].median()),
        "content hash": study.attrs["content_hash"],
        "annotations": study["annotation"].values.tolist(),
        "annotation notes": study.attrs.get("annotation_notes", []),
        "alignment": study.attrs["alignment"],
        "made with": _software(study.attrs.get(VERSIONS, {})),
        "provenance": study.attrs["provenance"],
    }


def _software(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items()) or "not recorded"


def _panel(path: str) -> dict[str, Any]:
    panel = open_panel(path)
    return {
        "kind": "LD panel",
        "title": panel.attrs["title"],
        "source": panel.attrs["source"],
        "genome build": panel.attrs["genome_build"],
        "people": panel.attrs["sample_size"] or "unknown",
        "variants": panel.sizes["variants"],
        "LD blocks": panel.sizes["blocks"],
        "variance kept": panel.attrs["variance"],
        "variants in and out": panel.attrs["report"],
        "notes": panel.attrs.get("notes", []),
        "made with": _software(panel.attrs.get(VERSIONS, {})),
        "provenance": panel.attrs["provenance"],
    }


def _tracks(path: str) -> dict[str, Any]:
    tracks = open_tracks(path)
    return {
        "kind": "tracks",
        "tracks": tracks["track"].values.tolist(),
        "window": tracks.attrs["window"],
        "windows kept": "yes" if tracks.attrs["keep"] else "no, they are read from the files",
        "content hash of the study": tracks.attrs["content_hash"],
        "made with": _software(tracks.attrs.get(VERSIONS, {})),
        "provenance": tracks.attrs["provenance"],
    }


def _derivatives(path: str) -> dict[str, Any]:
    found = open_derivatives(path)
    return {
        "kind": "derivatives of a run's likelihood, for deepwas scan",
        "run": found.attrs["run"],
        "genome build": found.attrs["genome_build"],
        "variants": found.sizes["variants"],
        "LD blocks": found.sizes["blocks"],
        "conditional on": found["parameter"].values.tolist(),
        "made with": _software(found.attrs.get(VERSIONS, {})),
    }


def _run(path: str) -> dict[str, Any]:
    run = open_run(path)
    return {
        "kind": "run" if run.finished else "run, not finished",
        "study": run.study_path,
        "study title": run.study_title,
        "content hash of the study": run.study_hash,
        "made with": _software(run.versions),
        "LD blocks trained on": len(run.train_blocks),
        "LD blocks held out": len(run.test_blocks),
        **{f"setting {k}": v for k, v in plain(run.settings).items()},
        **run.summary,
    }
