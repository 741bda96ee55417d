"""Expected discoveries of a study whose causal variants are known."""

import json

import numpy as np
import pytest
from scipy.stats import norm

import deepwas_app as dw
from deepwas_app.cli import main
from deepwas_app.core.discoveries import GENOME_WIDE
from deepwas_app.workflow.settings import SimulateSettings
from deepwas_app.workflow.studies.simulate import simulate


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outlook")
    settings = SimulateSettings(
        variants=4_000, chromosomes=10, people=300, annotations=2, truth="constant", h2=0.2,
        panel_people=0, n=10_000, seed=8, causal=0.02, output=str(folder / "s.study.zarr"),
    )  # fmt: skip
    study = dw.open_study(simulate(settings))
    return study, dw.train(study, prior="constant", path=folder / "c.run")


def test_what_is_expected_is_what_there_is(sparse):
    study, run = sparse
    effects = study["variant_true_effect"].values
    table = dw.outlook(study, run, people="10000,40000").set_index("N")
    causal = effects[effects != 0]
    assert (table["CAUSAL_LOW"] < len(causal)).all()
    assert (table["CAUSAL_HIGH"] > len(causal)).all()
    for people in table.index:
        scaled = causal * np.sqrt(people / 10_000)
        chance = norm.sf(GENOME_WIDE - scaled) + norm.cdf(-GENOME_WIDE - scaled)
        # Of so many causal variants, with the spread of their effects.
        error = np.sqrt(len(causal)) * 0.5
        assert table.loc[people, "FOUND"] == pytest.approx(chance.sum(), abs=3 * error)
        share = (chance @ causal**2) / (causal @ causal)
        assert table.loc[people, "H2_SHARE"] == pytest.approx(share, abs=0.15)


def test_the_command(sparse, capsys):
    _, run = sparse
    assert main(["outlook", str(run.path), "--people", "2e4", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["N"] == 20_000
    assert row["FOUND_LOW"] <= row["FOUND"] <= row["FOUND_HIGH"]
    assert main(["outlook", str(run.path), "--people", "many"]) == 1
    assert "people many: give numbers of people" in capsys.readouterr().err
