"""How well a score predicts."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from deepwas_app.errors import InputError
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.workflow.results.score import accuracy, score_people


def test_interval_is_that_of_the_correlation():
    rng = np.random.default_rng(0)
    s = rng.standard_normal(400)
    y = 0.5 * s + rng.standard_normal(400)
    found = accuracy(s, y)
    reference = pearsonr(s, y)
    low, high = reference.confidence_interval()
    assert found.r2 == pytest.approx(reference.statistic**2)
    assert (found.low, found.high) == pytest.approx((low**2, high**2), rel=1e-6)
    turned = accuracy(-s, y)
    assert turned.r == pytest.approx(-found.r)
    assert (turned.low, turned.high) == pytest.approx((found.low, found.high))


def test_interval_covers_in_simulation():
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(400):
        s = rng.standard_normal(200)
        y = 0.3 * s + np.sqrt(1 - 0.09) * rng.standard_normal(200)
        found = accuracy(s, y)
        covered.append(found.low <= 0.09 <= found.high)
    assert 0.92 < np.mean(covered) < 0.98


def test_an_interval_that_holds_no_correlation_begins_at_nothing():
    rng = np.random.default_rng(2)
    found = accuracy(rng.standard_normal(50), rng.standard_normal(50))
    assert found.low == 0.0 < found.r2 < found.high


def test_missing_values_are_left_out_and_too_few_is_one_line():
    y = np.array([1.0, 2.0, 3.0, 4.0, 5.5, np.nan])
    s = np.array([1.0, 2.1, 2.9, 4.2, np.nan, 1.0])
    assert accuracy(s, y).people == 4
    with pytest.raises(InputError, match=r"ph\.tsv: 3 people"):
        accuracy(s[:3], y[:3], "ph.tsv")
    with pytest.raises(InputError, match="too few"):
        accuracy(s[:4], np.ones(4))


def test_r2_is_what_the_score_adds_to_covariates():
    """That of the fit with the score less that of the fit without, by least squares."""
    rng = np.random.default_rng(3)
    people = 500
    age, sex = rng.standard_normal(people), rng.integers(0, 2, people)
    s = 0.6 * age + rng.standard_normal(people)
    y = 0.4 * s + 1.5 * age + sex + rng.standard_normal(people)
    known = np.stack([age, sex], axis=1)
    known[5, 0] = np.nan

    def explained(*columns: np.ndarray) -> float:
        keep = np.isfinite(known).all(axis=1)
        X = np.stack([np.ones(people), *columns], axis=1)[keep]
        rest = y[keep] - X @ np.linalg.lstsq(X, y[keep])[0]
        return 1 - rest.var() / y[keep].var()

    found = accuracy(s, y, covariates=known)
    alone = explained(*known.T)
    assert found.people == people - 1
    assert found.covariates == pytest.approx(alone)
    assert found.r2 == pytest.approx(explained(s, *known.T) - alone)
    assert found.low < found.r2 < found.high < accuracy(s, y).r2
    with pytest.raises(InputError, match="covariates tell all"):
        accuracy(s, y, covariates=s[:, None])


def test_an_interval_beyond_covariates_covers_in_simulation():
    rng = np.random.default_rng(4)
    # r of the score given the covariate is 0.3, and the covariate has half of the variance.
    covered = []
    for _ in range(400):
        known = rng.standard_normal((200, 1))
        s = rng.standard_normal(200)
        y = known[:, 0] + 0.3 * s + np.sqrt(1 - 0.09) * rng.standard_normal(200)
        found = accuracy(s, y, covariates=known)
        covered.append(found.low <= 0.09 / 2 <= found.high)
    assert 0.92 < np.mean(covered) < 0.985


def test_weights_may_be_a_table_in_memory(height, tmp_path):
    rows = slice(0, 400)
    table = pd.DataFrame(
        {
            "SNP": height["variant_id"].values[rows],
            "A1": height["variant_effect_allele"].values[rows],
            "BETA": np.linspace(-1, 1, 400),
        }
    )
    before = table.copy()
    genotypes = data_dir() / "height_chr22" / "genotypes"
    path = tmp_path / "weights.tsv"
    table.to_csv(path, sep="\t", index=False)
    found, read = score_people(table, genotypes), score_people(path, genotypes)
    assert found.report == read.report
    pd.testing.assert_frame_equal(found.table, read.table)
    pd.testing.assert_frame_equal(table, before)
