"""LD score regression: against plain matrices, and against the reference implementation."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core import WhitenedBlock, whiten
from deepwas_app.core.batch import BlockBatch, Marginal
from deepwas_app.core.ldsr import expected_chi2, ld_weighted_sum, squared_ld, with_weights
from deepwas_app.core.objectives import LDScoreRegression, flatten
from deepwas_app.core.priors import LinearPrior, Model, Standardisation
from deepwas_app.core.scoring import fit_scoring, start_scoring, total_information

SLDSC = Path(__file__).parent / "golden" / "sldsc.npz"


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("people", [np.inf, 300.0])
def test_weighted_sum_is_that_of_the_squared_ld_matrix(people, make_factor):
    W = make_factor(60, 25)
    d = np.random.default_rng(0).gamma(1.0, size=60)
    R2 = (W @ W.T) ** 2
    corrected = R2 - (1 - R2) / (people - 2)
    Q, n = jnp.asarray(W), jnp.asarray(people)
    np.testing.assert_allclose(ld_weighted_sum(Q, jnp.asarray(d), n), corrected @ d, rtol=1e-10)
    np.testing.assert_allclose(squared_ld(Q, n), corrected, rtol=1e-10, atol=1e-14)
    # Its gradient in d is the same matrix again.
    weights = np.random.default_rng(1).normal(size=60)
    gradient = jax.grad(lambda d: jnp.asarray(weights) @ ld_weighted_sum(Q, d, n))(jnp.asarray(d))
    np.testing.assert_allclose(gradient, corrected @ weights, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_padding_adds_nothing(make_factor):
    Q = jnp.asarray(make_factor(40, 20))
    padded = jnp.zeros((50, 24)).at[:40, :20].set(Q)
    d, n = jnp.linspace(0.1, 1.0, 40), jnp.asarray(100.0)
    found = ld_weighted_sum(padded, jnp.pad(d, (0, 10), constant_values=7.0), n)
    np.testing.assert_allclose(found[:40], ld_weighted_sum(Q, d, n), rtol=1e-12)
    np.testing.assert_array_equal(found[40:], 0.0)


@pytest.mark.usefixtures("x64")
def test_expected_chi2_is_the_mean_over_draws(make_factor):
    """With every component kept, z = R b + noise has just this second moment."""
    W = make_factor(30, 50)
    block = whiten(W, np.zeros(30), variance=1.0, min_eigenvalue=1e-12)
    d = np.random.default_rng(2).gamma(1.0, size=30)
    R = W @ W.T
    covariance = (R * d) @ R + 1.2 * R + 0.3 * np.eye(30)
    found = expected_chi2(
        block, jnp.asarray(d), jnp.asarray(np.inf), jnp.asarray(1.2), jnp.asarray(0.3)
    )
    np.testing.assert_allclose(found, np.diag(covariance), rtol=1e-8)


class Reference:
    """The stored data set as one batch, and the reference's estimates."""

    def __init__(self):
        self.stored = np.load(SLDSC)
        W, z = self.stored["W"], self.stored["z"]
        blocks, variants, _ = W.shape
        whitened = [
            whiten(w, x, variance=1.0, min_eigenvalue=1e-9) for w, x in zip(W, z, strict=True)
        ]
        self.annotations = self.stored["annotations"].astype(np.float64)
        flat = self.annotations.reshape(-1, self.annotations.shape[-1])
        self.standardise = Standardisation(jnp.asarray(flat.mean(0)), jnp.asarray(flat.std(0)))
        self.batch = BlockBatch(
            block=jax.tree.map(lambda *leaves: jnp.stack(leaves), *whitened),
            annotations=jnp.asarray(self.annotations),
            log_n=jnp.full((blocks, variants), np.log(float(self.stored["sample"]))),
            log_heterozygosity=jnp.zeros((blocks, variants)),
            counted=jnp.ones((blocks, variants), bool),
            index=jnp.arange(blocks),
            marginal=Marginal(
                jnp.asarray(z),
                jnp.asarray(self.stored["weights"]),
                jnp.full(blocks, float(self.stored["people"])),
            ),
        )

    def start(self) -> Model:
        prior = LinearPrior(self.standardise, jnp.asarray(np.log(2e-5)), jnp.zeros(3), "relu")
        # kappa is as good as nothing.
        return Model(prior, jnp.asarray(0.0), jnp.asarray(-40.0), learn_kappa=False)

    def unstandardised(self, model: Model) -> np.ndarray:
        """Coefficients of 1 and of the annotations in their own units."""
        slopes = np.exp(float(model.prior.level)) * np.asarray(model.prior.coefficients)
        slopes = slopes / np.asarray(self.standardise.deviation)
        base = np.exp(float(model.prior.level)) - slopes @ np.asarray(self.standardise.mean)
        return np.r_[base, slopes]


@pytest.fixture
def reference(x64) -> Reference:
    return Reference()


def test_agrees_with_the_reference_implementation_of_sldsc(reference):
    for step in fit_scoring(
        start_scoring(reference.start()),
        [reference.batch],
        objective=LDScoreRegression(),
        tolerance=1e-9,
    ):
        model = step.state.model
    stored = reference.stored
    np.testing.assert_allclose(reference.unstandardised(model), stored["coefficients"], rtol=1e-3)
    assert float(model.s2) == pytest.approx(float(stored["intercept"]), rel=1e-4)
    assert model.log_kappa == -40.0


def test_ld_scores_and_weights_are_those_of_the_reference(reference):
    stored, batch = reference.stored, reference.batch
    design = np.concatenate([np.ones((*batch.log_n.shape, 1)), reference.annotations], axis=2)
    found = [
        [ld_weighted_sum(Q, jnp.asarray(column), n) for column in columns.T]
        for Q, columns, n in zip(batch.block.Q, design, batch.marginal.people, strict=True)
    ]
    scores = np.moveaxis(np.array(found), 1, 2).reshape(-1, design.shape[2])
    np.testing.assert_allclose(scores, stored["scores"], rtol=1e-5, atol=1e-5)
    # The reference adds up all partitioned scores for the expectation in the weights.
    M = design.reshape(-1, design.shape[2]).sum()
    d = jnp.asarray(design.sum(axis=2)) * float(stored["aggregate"]) * float(stored["sample"]) / M
    weighted = with_weights(batch, d, jnp.asarray(1.0))
    # It takes l_j, we the whole expectation, no lower than 1.
    above = (scores.sum(axis=1) > 1).reshape(stored["weights"].shape)
    assert above.mean() > 0.9
    np.testing.assert_allclose(
        np.asarray(weighted.marginal.weight)[above], stored["weights"][above], rtol=1e-4
    )


def test_information_is_that_of_the_losses(reference):
    objective = LDScoreRegression()
    model = eqx.tree_at(lambda m: m.prior.coefficients, reference.start(), jnp.array([0.3, 0.1, 0]))
    flat, unravel = flatten(model)
    loss, score, fisher = total_information(model, [reference.batch], objective)[:3]

    def total(flat):
        return objective.losses(unravel(flat), reference.batch, jax.random.key(0)).loss.sum()

    assert loss == pytest.approx(float(total(flat)), rel=1e-10)
    np.testing.assert_allclose(score, jax.grad(total)(flat), rtol=1e-8)
    assert np.linalg.eigvalsh(fisher).min() > 0


def test_variants_that_do_not_count_have_no_weight(reference):
    batch = eqx.tree_at(
        lambda b: b.counted, reference.batch, reference.batch.counted.at[:, ::3].set(False)
    )
    weight = with_weights(batch, jnp.full(batch.log_n.shape, 0.1), jnp.asarray(1.0)).marginal
    assert not np.asarray(weight.weight)[:, ::3].any()
    assert (np.asarray(weight.weight)[:, 1::3] > 0).all()
    without = eqx.tree_at(lambda b: b.marginal, batch, None, is_leaf=lambda x: x is None)
    with pytest.raises(ValueError, match="needs z-scores"):
        with_weights(without, jnp.ones((1, 1)), jnp.asarray(1.0))


def test_variants_with_huge_chi_squares_do_not_count(reference):
    """Above 80 and above N / 1,000; the LD scores of the others are what they were."""
    batch, marginal = reference.batch, reference.batch.marginal
    d = jnp.full(batch.log_n.shape, 0.1)
    before = np.asarray(with_weights(batch, d, jnp.asarray(1.0)).marginal.weight)

    def weights(people, *chi2):
        z = marginal.z.at[0, : len(chi2)].set(jnp.sqrt(jnp.asarray(chi2)))
        changed = eqx.tree_at(
            lambda b: (b.marginal.z, b.log_n),
            batch,
            (z, jnp.full(batch.log_n.shape, np.log(people))),
        )
        return np.asarray(with_weights(changed, d, jnp.asarray(1.0)).marginal.weight)

    few, many = weights(50_000, 79.0, 81.0, 119.0), weights(120_000, 79.0, 81.0, 119.0, 121.0)
    assert (few[0, :3] > 0).tolist() == [True, False, False]
    assert (many[0, :4] > 0).tolist() == [True, True, True, False]
    np.testing.assert_array_equal(few[0, 3:], before[0, 3:])
    np.testing.assert_array_equal(few[1:], before[1:])


@pytest.mark.usefixtures("x64")
def test_neither_ld_score_nor_expectation_is_taken_below_one():
    """In unlinked variants of loadings c, l = c^4; in the weights it is no less than 1."""
    size = np.array([0.6, 0.9, 1.2, 1.2])
    Q = jnp.asarray(np.diag(size))[None]
    batch = BlockBatch(
        block=WhitenedBlock(Q, jnp.zeros((1, 4)), jnp.ones((1, 4))),
        annotations=jnp.zeros((1, 4, 0)),
        log_n=jnp.zeros((1, 4)),
        log_heterozygosity=jnp.zeros((1, 4)),
        counted=jnp.array([[True, True, True, False]]),
        index=jnp.array([0]),
        marginal=Marginal(jnp.zeros((1, 4)), jnp.zeros((1, 4)), jnp.array([np.inf])),
    )
    score, d = size**4, np.array([2.0, 0.5, 3.0, 1.0])
    for s2 in (0.4, 1.3):
        found = with_weights(batch, jnp.asarray(d)[None], jnp.asarray(s2)).marginal.weight[0]
        expected = s2 + score * d
        wanted = 0.5 / np.maximum(score, 1.0) / np.maximum(expected, 1.0) ** 2
        np.testing.assert_allclose(found, np.append(wanted[:3], 0.0), rtol=1e-12)
    # Both sides of both edges have been seen.
    assert (score[:3] < 1).any()
    assert (score[:3] > 1).any()
    assert (0.4 + score[:3] * d[:3] < 1).any()


def test_block_of_padding_costs_nothing(make_factor):
    block = WhitenedBlock(jnp.zeros((1, 4, 3)), jnp.zeros((1, 3)), jnp.full((1, 3), jnp.inf))
    batch = BlockBatch(
        block=block,
        annotations=jnp.zeros((1, 4, 3)),
        log_n=jnp.zeros((1, 4)),
        log_heterozygosity=jnp.zeros((1, 4)),
        counted=jnp.zeros((1, 4), bool),
        index=jnp.array([-1]),
        marginal=Marginal(jnp.zeros((1, 4)), jnp.zeros((1, 4)), jnp.array([np.inf])),
    )
    prior = LinearPrior(
        Standardisation(jnp.zeros(3), jnp.ones(3)), jnp.asarray(0.0), jnp.ones(3), "relu"
    )
    model = Model(prior, jnp.asarray(0.0), jnp.asarray(0.0))
    value, gradient = eqx.filter_value_and_grad(
        lambda m: LDScoreRegression().losses(m, batch, jax.random.key(0)).loss.sum()
    )(model)
    assert value == 0.0
    for leaf in jax.tree.leaves(gradient):
        np.testing.assert_array_equal(leaf, 0.0)
