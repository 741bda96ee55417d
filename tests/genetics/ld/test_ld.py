from __future__ import annotations

import numpy as np
import pytest

from deepwas_app.genetics.ld.factor import decompose, ld_scores, standardise


@pytest.fixture(params=[(40, 15), (15, 40)], ids=["more people", "more variants"])
def standardised(request: pytest.FixtureRequest) -> np.ndarray:
    people, variants = request.param
    rng = np.random.default_rng(0)
    latent = np.cumsum(rng.standard_normal((people, variants)), axis=1)
    return standardise(latent)[0]


def test_missing_calls_are_put_at_the_mean():
    dosages = np.array([[0, 1, 2], [2, 1, np.nan], [1, 1, 0], [np.nan, 1, 1]], dtype=np.float32)
    x, frequency = standardise(dosages)
    np.testing.assert_allclose(frequency, [0.5, 0.5, 0.5])
    assert x[3, 0] == x[1, 2] == 0
    assert (x[:, 1] == 0).all()
    np.testing.assert_allclose(x[:, [0, 2]].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose((x[:, [0, 2]] ** 2).mean(axis=0), 1, rtol=1e-6)


def test_a_variant_without_any_call_has_no_frequency():
    x, frequency = standardise(np.full((4, 1), np.nan, dtype=np.float32))
    assert np.isnan(frequency).all()
    assert (x == 0).all()


def test_the_whole_factor_gives_the_correlation_matrix(standardised: np.ndarray):
    w = decompose(standardised, 1.0).factor
    np.testing.assert_allclose(w @ w.T, np.corrcoef(standardised.T), atol=2e-6)


@pytest.mark.parametrize("variance", [0.5, 0.9, 0.99])
def test_as_few_components_are_kept_as_the_variance_needs(standardised, variance: float):
    w = decompose(standardised, variance).factor.astype(np.float64)
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(standardised.T))[::-1]
    needed = int((np.cumsum(eigenvalues) < variance * len(w) * (1 - 1e-9)).sum()) + 1
    assert w.shape[1] == needed
    gram = w.T @ w
    np.testing.assert_allclose(np.diag(gram), eigenvalues[:needed], rtol=1e-4)
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-4)


def test_ld_scores_are_the_corrected_row_sums(standardised: np.ndarray):
    people = len(standardised)
    r2 = np.corrcoef(standardised.T) ** 2
    expected = (r2 - (1 - r2) / (people - 2)).sum(axis=1)
    for variance in (1.0, 1 - 1e-9):
        w = decompose(standardised, variance).factor
        np.testing.assert_allclose(ld_scores(w, people), expected, rtol=1e-4)


def test_unlinked_variants_have_an_ld_score_of_one():
    rng = np.random.default_rng(2)
    x, _ = standardise(rng.binomial(2, 0.4, (2_000, 50)).astype(np.float32))
    assert ld_scores(decompose(x, 1.0).factor, 2_000).mean() == pytest.approx(1, abs=0.01)
