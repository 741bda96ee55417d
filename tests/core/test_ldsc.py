"""LD score regression of heritability, against the reference implementation."""

from pathlib import Path

import numpy as np
import pytest

from deepwas_app.core import ldsc
from deepwas_app.core.ldsc import ld_score_fit

GOLDEN = Path(__file__).parent / "golden" / "ldsc.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as stored:
        return dict(stored)


def fitted(golden: dict[str, np.ndarray], **options) -> np.ndarray:
    """h2, its error, the intercept and its error."""
    names = ("chi2", "scores", "among_scored", "sample")
    arrays = [golden[name].astype(np.float64) for name in names]
    fit = ld_score_fit(*arrays, int(golden["variants"]), **options)
    return np.array([*fit.h2, *fit.intercept])


def test_agrees_with_the_reference_implementation(golden):
    assert (golden["chi2"] > ldsc.STRONG).sum() > 20
    np.testing.assert_allclose(fitted(golden), golden["default"], rtol=1e-3)
    np.testing.assert_allclose(fitted(golden, blocks=20), golden["few"], rtol=1e-3)


def test_the_first_step_leaves_out_what_is_strong(golden, monkeypatch):
    """The reference agrees with both steps on all variants too, and that is something else."""
    monkeypatch.setattr(ldsc, "STRONG", np.inf)
    found = fitted(golden)
    np.testing.assert_allclose(found, golden["one_step"], rtol=1e-3)
    assert (np.abs(found / golden["default"] - 1) > 0.1).all()


@pytest.mark.parametrize("count", [0, 2, 50])
def test_without_variants_or_ld_that_differs_nothing_is_known(count: int):
    scores = np.full(count, 4.0)
    chi2 = np.random.default_rng(0).chisquare(1, count)
    fit = ld_score_fit(chi2, scores, scores, np.full(count, 1e4), 100)
    assert np.isnan([*fit.h2, *fit.intercept]).all()


def test_fewer_variants_than_jackknife_blocks(golden):
    few = {name: golden[name][:150] for name in ("chi2", "scores", "among_scored", "sample")}
    assert np.isfinite(fitted(golden | few)).all()
