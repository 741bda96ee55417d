"""The study's GWAS in GWAS-SSF: what the GWAS Catalog's own validator says, and what comes back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepwas_app.genetics.gwas.sumstats import read_sumstats
from deepwas_app.workflow.results.exported.ssf import SSF, ssf
from deepwas_app.workflow.runs.train import train
from deepwas_app.workflow.settings import SimulateSettings, TrainSettings
from deepwas_app.workflow.studies.builtin import open_study
from deepwas_app.workflow.studies.simulate import simulate

# `make test` makes it: the validator wants an older pandas than ours.
PYTHON = Path(sys.prefix) / "ssf" / "bin" / "python"
VALIDATE = """
import sys
from pathlib import Path
from gwas_sumstats_tools.validate import Validator
print(*Validator(Path(sys.argv[1]), minimum_rows=100).validate())
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    settings = SimulateSettings(
        variants=1_100,
        chromosomes=22,
        people=60,
        annotations=2,
        truth="constant",
        panel_people=0,
        n=50_000,
        output=str(tmp_path_factory.mktemp("ssf") / "s.study.zarr"),
    )
    study = open_study(simulate(settings))
    # One that float64 has no P of.
    study["variant_z"].values[3] = -45.0
    names = study["variant_id"].values.astype("U12")
    names[::2] = [f"rs{i}" for i in range(1, len(names), 2)]
    return study.assign(variant_id=("variants", names))


@pytest.fixture(scope="module")
def path(study, tmp_path_factory):
    run = train(
        study,
        TrainSettings(prior="constant", test_chromosomes="none"),
        tmp_path_factory.mktemp("run") / "c.run",
    )
    file = tmp_path_factory.mktemp("file") / "c.ssf.tsv"
    file.write_text(SSF.text(ssf(study, run)))
    return file


def validated(path):
    done = subprocess.run(
        [PYTHON, "-c", VALIDATE, path], capture_output=True, text=True, check=True
    )
    return "True Data table is valid" in done.stdout


def test_the_official_validator_accepts_it(path, tmp_path):
    assert validated(path)
    broken = tmp_path / "broken.tsv"
    broken.write_text(path.read_text().replace("standard_error", "se"))
    assert not validated(broken)


def test_it_comes_back_as_it_was(path, study):
    found = read_sumstats(path)
    scored = np.flatnonzero(study["variant_scored"].values)
    assert found.attrs["format"] == "GWAS-SSF"
    np.testing.assert_allclose(found["variant_z"], study["variant_z"].values[scored], rtol=1e-4)
    named = study["variant_id"].values[scored]
    named[~np.char.startswith(named, "rs")] = ""
    assert np.asarray(found["variant_id"]).tolist() == named.tolist()
    for name in ("chromosome", "position", "effect_allele", "other_allele", "sample_size"):
        ours = study[f"variant_{name}"].values[scored]
        assert (np.asarray(found[f"variant_{name}"]) == ours).all(), name
    np.testing.assert_allclose(
        found["variant_allele_frequency"],
        study["variant_allele_frequency"].values[scored],
        rtol=1e-5,
    )
