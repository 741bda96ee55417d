"""What a panel of few people does to the spectrum of LD, against populations that are known."""

import numpy as np
import pytest

from deepwas_app.core.sampling import completed, panel_sampling
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import standardise

VARIANTS = 300


def spectrum(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues above 0, largest first, and eigenvectors of X'X / n."""
    values, vectors = np.linalg.eigh(X.T @ X / len(X))
    real = values > 1e-6
    return values[real][::-1], vectors[:, real][:, ::-1]


def of_neighbours(rng: np.random.Generator) -> np.ndarray:
    """LD that falls off along the chromosome, in stretches of different strength."""
    strength = np.repeat(rng.uniform(0.5, 0.98, VARIANTS // 30), 30)
    place = np.cumsum(-np.log(strength))
    return np.exp(-np.abs(place[:, None] - place))


def tenths(values: np.ndarray) -> np.ndarray:
    return np.array([part.mean() for part in np.array_split(values, 10)])


# Fewer people than variants, about as many, and more.
@pytest.mark.parametrize("people", [100, 290, 310, 1_000, 10_000])
def test_variance_and_squared_ld_in_the_population_are_found(people):
    """u'Ru and u'R^2u of the panel's eigenvectors u, by tenths of the spectrum, 5 panels.

    The tenth of the smallest eigenvalues, which may be all but 0, is found less closely.
    """
    rng = np.random.default_rng(people)
    R = of_neighbours(rng)
    root = np.linalg.cholesky(R + 1e-10 * np.eye(VARIANTS))
    ratios = []
    for _ in range(5):
        lam, U = spectrum(rng.standard_normal((people, VARIANTS)) @ root.T)
        delta, rho = np.sum(U * (R @ U), axis=0), np.sum((R @ U) ** 2, axis=0)
        found = panel_sampling(lam, VARIANTS, people)
        variance = lam * found.shrinkage
        squared = variance**2 * (1 + found.background * VARIANTS / lam)
        ratios.append([tenths(variance) / tenths(delta), tenths(squared) / tenths(rho)])
    variance, squared = np.mean(ratios, axis=0)
    np.testing.assert_allclose(variance[:9], 1.0, atol=0.08)
    np.testing.assert_allclose(squared[:9], 1.0, atol=0.15)
    assert 0.75 < variance[9] < 1.25
    # The panel's own spectrum is no such thing where people are few.
    if people < 1_000:
        assert (np.abs(tenths(lam) / tenths(delta) - 1) > 0.2).sum() >= 5


def test_variance_among_other_people_of_a_coalescent_is_found():
    """Eigenvectors of 378 people's genotypes, in 4,000 others of the same population."""
    dosages = simulate_block(4_378, 400, seed=3, maf=0.03).dosages
    X, others = standardise(dosages[:378])[0], standardise(dosages[378:])[0]
    lam, U = spectrum(X.astype(np.float64))
    delta = ((others @ U) ** 2).mean(axis=0)
    found = panel_sampling(lam, X.shape[1], 378)
    # The components that are kept by default.
    kept = int(np.searchsorted(np.cumsum(lam), 0.99 * lam.sum())) + 1
    ratio = tenths((lam * found.shrinkage)[:kept]) / tenths(delta[:kept])
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)
    own = tenths(lam[:kept]) / tenths(delta[:kept])
    assert own[0] > 1.03
    assert own[9] < 0.75


@pytest.mark.parametrize("people", [150, 1_000])
def test_leading_components_alone_are_enough(people):
    """What is missing is taken to fall off geometrically; it matters to the last of them only."""
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(of_neighbours(rng) + 1e-10 * np.eye(VARIANTS))
    lam, _ = spectrum(rng.standard_normal((people, VARIANTS)) @ root.T)
    lam *= VARIANTS / lam.sum()
    kept = int(np.searchsorted(np.cumsum(lam), 0.98 * VARIANTS)) + 1
    assert kept < 0.8 * len(lam)
    every, leading = (
        panel_sampling(lam, VARIANTS, people),
        panel_sampling(lam[:kept], VARIANTS, people),
    )
    ratio = leading.shrinkage / every.shrinkage[:kept]
    np.testing.assert_allclose(ratio[: kept * 9 // 10], 1.0, atol=0.05)
    np.testing.assert_allclose(ratio, 1.0, atol=0.15)


def test_exact_ld_is_left_alone():
    found = panel_sampling(np.array([3.0, 1.5, 0.5]), 5, np.inf)
    np.testing.assert_array_equal(found.shrinkage, 1.0)
    np.testing.assert_array_equal(found.background, 0.0)


def test_with_very_many_people_ld_becomes_exact_and_the_background_one_over_n():
    """z-scores of independent effects that lie elsewhere: sum_j d_j / n in every component."""
    lam = np.geomspace(30.0, 0.02, 100)
    found = panel_sampling(lam * 100 / lam.sum(), 100, 1e8)
    np.testing.assert_allclose(found.shrinkage, 1.0, rtol=1e-3)
    np.testing.assert_allclose(found.background, 1e-8, rtol=0.02)


def test_spectrum_is_completed_to_its_trace():
    given = np.array([4.0, 2.0, 1.0])
    every = completed(given, 9, 100)
    assert len(every) == 9
    assert every.sum() == pytest.approx(9.0, rel=1e-9)
    np.testing.assert_allclose(every[4:] / every[3:-1], every[3] / every[2], rtol=1e-9)
    # No more of them than people leave, less the one that their mean takes.
    assert len(completed(given, 9, 6)) == 5
    np.testing.assert_array_equal(completed(np.array([6.0, 3.0]), 9, 100), [6.0, 3.0])


def test_one_variant_has_the_variance_of_one():
    found = panel_sampling(np.ones(1), 1, 500)
    np.testing.assert_allclose(found.shrinkage, 1.0, atol=0.02)
