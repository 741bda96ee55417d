"""LD score regression of a study: its LD scores, and a run's heritability beside it."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from deepwas_app.core.ldsc import ld_score_fit
from deepwas_app.genetics.store import read_block
from deepwas_app.workflow.results.ldsc import LDSC, beside, ldsc, sentence
from deepwas_app.workflow.runs.batches import block_slice


def half_scored(study: xr.Dataset, people: int) -> xr.Dataset:
    """The small study with every other variant scored, N that differs, and LD of so many people."""
    scored = np.arange(study.sizes["variants"]) % 2 == 0
    n = np.linspace(1e5, 2e5, len(scored)).astype(np.float32)
    known = study.load().assign(
        variant_scored=("variants", scored), variant_sample_size=("variants", n)
    )
    return known.assign_attrs(ld_people=people)


@pytest.mark.parametrize("people", [0, 50])
def test_regresses_on_the_ld_scores_of_the_blocks(small_study: xr.Dataset, people: int):
    study = half_scored(small_study, people)
    scored = study["variant_scored"].values
    every, among = np.zeros((2, len(scored)))
    for b in range(study.sizes["blocks"]):
        rows = block_slice(study, b)
        Q = read_block(study, b)["Q"].values.astype(np.float64)
        R2 = (Q @ Q.T) ** 2
        R2 -= (1 - R2) / (people - 2) if people else 0
        every[rows], among[rows] = R2.sum(axis=1), R2 @ scored[rows]
    chi2, n = study["variant_z"].values[scored] ** 2.0, study["variant_sample_size"].values[scored]
    arrays = [a.astype(np.float64) for a in (chi2, every[scored], among[scored], n)]
    expected = ld_score_fit(*arrays, len(scored))

    row = ldsc(study).iloc[0]
    found = row[["h2", "h2_se", "intercept", "intercept_se"]].to_numpy(float)
    np.testing.assert_allclose(found, [*expected.h2, *expected.intercept], rtol=1e-3)
    assert row["variants"] == scored.sum()
    assert row["strong"] == (chi2 >= 30).sum() > 0
    assert row["mean_chi2"] == pytest.approx(chi2.mean())
    assert row["ratio"] == pytest.approx((row["intercept"] - 1) / (chi2.mean() - 1))


FOUND = {
    "h2": 0.2,
    "h2_se": 0.01,
    "intercept": 1.3,
    "intercept_se": 0.1,
    "ratio": 0.1,
    "lambda_gc": 1.5,
    "mean_chi2": 4.0,
    "variants": 1_000_000,
    "strong": 0,
}


def compared(h2: float | None, h2_se: float | None = None, **changed) -> tuple[float, str]:
    run = SimpleNamespace(name="mine", summary={"h2": h2, "h2_se": h2_se})
    row = beside(LDSC.frame([FOUND | changed]), run).iloc[0]
    return row["distance"], row["remark"]


def test_a_run_that_is_far_off_is_remarked_on_with_causes():
    assert compared(0.229) == (pytest.approx(2.9), "")
    distance, remark = compared(0.25)
    assert distance == pytest.approx(5)
    assert "mine is 5.0 standard errors above" in remark
    assert "stratification" in remark
    assert "strong loci" not in remark
    assert "too few" not in remark
    # Its own error counts where it is known.
    assert compared(0.25, 0.02) == (pytest.approx(5**0.5), "")
    remark = compared(0.1, intercept=1.1, strong=7, variants=5_000)[1]
    assert "10.0 standard errors below" in remark
    assert "stratification" not in remark
    assert "(7 chi-squares of 30 or more)" in remark
    assert "too few variants" in remark


def test_what_is_not_known_is_not_remarked_on():
    distance, remark = compared(None)
    assert np.isnan(distance)
    assert remark == ""
    unknown = LDSC.frame([FOUND | {"h2": np.nan}])
    assert "not possible" in sentence(unknown)
