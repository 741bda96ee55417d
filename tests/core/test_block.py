"""Whitening: what is kept, what is exact, and what is refused."""

import numpy as np
import pytest

from deepwas_app.core import whiten


def scored_half(variants: int) -> np.ndarray:
    return np.arange(variants) % 2 == 0


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("variants", "k"), [(60, 20), (30, 80)])
def test_whitened_parts_are_those_of_the_svd(variants, k, make_factor):
    """Whichever Gram matrix is smaller, Q and x are those of W_o = U S V^T, up to signs."""
    W = make_factor(variants, k)
    z = np.random.default_rng(1).normal(size=variants)
    scored = scored_half(variants)
    U, S, Vt = np.linalg.svd(W[scored], full_matrices=False)
    block = whiten(W, z, scored, variance=1.0)
    np.testing.assert_allclose(block.eigenvalues, S**2, rtol=1e-10)
    signs = np.sign(np.sum(np.asarray(block.Q) * (W @ Vt.T), axis=0))
    np.testing.assert_allclose(block.Q, W @ Vt.T * signs, atol=1e-10)
    np.testing.assert_allclose(block.x, U.T @ z[scored] / S * signs, atol=1e-9)


def test_ld_of_all_variants_is_kept_when_all_are_scored(make_factor):
    W = make_factor(50, 20)
    block = whiten(W, np.zeros(50), variance=1.0)
    np.testing.assert_allclose(np.asarray(block.Q) @ np.asarray(block.Q).T, W @ W.T, atol=1e-6)


@pytest.mark.parametrize("variance", [0.5, 0.9, 0.99])
def test_fewest_components_that_hold_the_variance(variance, make_factor):
    eigenvalues = np.linalg.eigvalsh(make_factor(40, 100) @ make_factor(40, 100).T)[::-1]
    block = whiten(make_factor(40, 100), np.zeros(40), variance=variance)
    kept = len(block.x)
    assert 1 < kept < 40
    assert eigenvalues[:kept].sum() >= variance * eigenvalues.sum()
    assert eigenvalues[: kept - 1].sum() < variance * eigenvalues.sum()


def test_small_eigenvalues_are_dropped():
    """Two copies of one variant make an eigenvalue of zero."""
    W = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    block = whiten(W, np.array([1.0, 3.0, 5.0]), variance=1.0)
    np.testing.assert_allclose(block.eigenvalues, [2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(np.abs(block.x), [2.0, 5.0], rtol=1e-6)
    assert len(whiten(W, np.zeros(3), variance=1.0, min_eigenvalue=1.5).x) == 1


def test_z_is_ignored_where_not_scored(make_factor):
    W, z = make_factor(20, 10), np.random.default_rng(0).normal(size=20)
    unknown = np.where(scored_half(20), z, np.nan)
    np.testing.assert_array_equal(
        whiten(W, z, scored_half(20)).x, whiten(W, unknown, scored_half(20)).x
    )


def test_what_cannot_be_whitened_is_refused(make_factor):
    W, z = make_factor(5, 3), np.zeros(5)
    with pytest.raises(ValueError, match="no scored variant"):
        whiten(W, z, np.zeros(5, bool))
    with pytest.raises(ValueError, match="finite"):
        whiten(W, np.full(5, np.nan))
    with pytest.raises(ValueError, match="finite"):
        whiten(np.where(W[0, 0] == W, np.inf, W), z)
    with pytest.raises(ValueError, match="eigenvalue"):
        whiten(W, z, min_eigenvalue=100.0)
