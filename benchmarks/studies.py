"""Small studies with a known truth, drawn again and again: for calibration.py and power.py.

LD blocks come from the coalescent, each split into two halves of people. Panel and annotations
are the same for every study of a design; effects and noise are drawn anew.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from deepwas_app.core.batch import BlockBatch, shuffled_order
from deepwas_app.core.block import WhitenedBlock, whiten
from deepwas_app.core.effects import (
    Enrichment,
    Jackknife,
    ScoreTest,
    enrichment,
    score_test,
    tilt_jackknife,
)
from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.moments import moment_estimate
from deepwas_app.core.priors import (
    ConstantPrior,
    Model,
    Standardisation,
    make_prior,
)
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.core.simulate import draw_annotations
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import standardise as standardise_dosages
from deepwas_app.workflow.runs.fitters import coefficient_precision
from deepwas_app.workflow.settings import TrainSettings

# Per s.d. of the annotation; the first half of the annotations is binary.
COEFFICIENTS = np.array([0.4, -0.3, 0.0, 0.3, 0.0, -0.2])
BINARY = len(COEFFICIENTS) // 2
DEFAULTS = TrainSettings()


class Panel(NamedTuple):
    """LD of two halves of the people, and annotations, of equally long blocks."""

    own: np.ndarray  # (blocks, variants, people): W of the half that the GWAS is of
    other: np.ndarray  # W of the other half
    annotations: np.ndarray  # (blocks, variants, annotations)


def make_panel(blocks: int, variants: int, people: int, seed: int) -> Panel:
    own, other, annotations = [], [], []
    rng = np.random.default_rng(seed)
    for b in range(blocks):
        simulated = simulate_block(2 * people, 2 * variants, seed * 10_007 + b)
        halves = [simulated.dosages[:people], simulated.dosages[people:]]
        common = np.flatnonzero(np.all([half.std(axis=0) > 0.1 for half in halves], axis=0))
        common = common[:variants]
        if len(common) < variants:
            raise SystemExit("too few common variants: ask for fewer")
        for half, into in zip(halves, (own, other), strict=True):
            standardised, _ = standardise_dosages(half[:, common])
            into.append(standardised.T / np.sqrt(people))
        annotations.append(draw_annotations(simulated.positions[common], len(COEFFICIENTS), rng))
    return Panel(np.stack(own), np.stack(other), np.stack(annotations))


class Fit(NamedTuple):
    """A prior as the software fits and reports it."""

    model: Model
    jackknife: Jackknife
    shares: Enrichment  # of the sets of a design
    score: ScoreTest


class Design:
    """Everything of a study that does not change from draw to draw.

    Attributes
    ----------
    d
        True variance of b_j = sqrt(N_j) beta_j, (blocks, variants).
    sets
        Members of each binary annotation, and of the top fifth of each continuous one,
        (all variants, annotations).
    truth
        Their true enrichments.
    """

    def __init__(self, panel: Panel, signal: float, linear: bool = False, reference=None):
        """`signal` is the mean of d; the panel that the analyst has is `reference` or `own`."""
        self.panel = panel
        self.reference = panel.own if reference is None else reference
        blocks, variants, _ = panel.own.shape
        whitened = [whiten(W, np.zeros(variants), variance=0.99) for W in self.reference]
        size = max(len(b.x) for b in whitened)
        self.Q = np.zeros((blocks, variants, size), np.float32)
        self.eigenvalues = np.full((blocks, size), np.inf, np.float32)
        for i, block in enumerate(whitened):
            self.Q[i, :, : len(block.x)] = block.Q
            self.eigenvalues[i, : len(block.x)] = block.eigenvalues
        self.flat = panel.annotations.reshape(-1, len(COEFFICIENTS)).astype(np.float64)
        self.standardise = Standardisation(
            jnp.asarray(self.flat.mean(0)), jnp.asarray(self.flat.std(0))
        )
        self.standardised = (self.flat - self.flat.mean(0)) / self.flat.std(0)
        eta = self.standardised @ COEFFICIENTS
        f = np.maximum(1 + eta, 0) if linear else np.exp(eta)
        self.d = (signal * f / f.mean()).reshape(blocks, variants)
        above = self.flat > np.quantile(self.flat, 0.8, axis=0)
        self.sets = np.where(np.arange(len(COEFFICIENTS)) < BINARY, self.flat == 1, above)
        self.truth = (f @ self.sets) / f.sum() / self.sets.mean(axis=0)
        self.empty = BlockBatch(
            block=WhitenedBlock(
                jnp.asarray(self.Q), jnp.zeros((blocks, size)), jnp.asarray(self.eigenvalues)
            ),
            annotations=jnp.asarray(panel.annotations),
            log_n=jnp.zeros((blocks, variants), jnp.float32),
            log_heterozygosity=jnp.zeros((blocks, variants), jnp.float32),
            counted=jnp.ones((blocks, variants), bool),
            index=jnp.arange(blocks),
        )

    def draw(self, rng: np.random.Generator, sparse: float = 1.0) -> np.ndarray:
        """z-scores (blocks, variants); a share `sparse` of variants has all of the effects."""
        on = rng.random(self.d.shape) < sparse
        b = rng.standard_normal(self.d.shape) * np.sqrt(self.d / sparse) * on
        W = self.panel.own
        noise = rng.standard_normal((len(W), 1, W.shape[2]))
        return ((b[:, None] @ W + noise) @ W.transpose(0, 2, 1))[:, 0]

    def batch(self, z: np.ndarray) -> BlockBatch:
        """Whitened by the analyst's panel, as at import."""
        x = (z[:, None] @ self.Q)[:, 0] / self.eigenvalues
        return eqx.tree_at(lambda b: b.block.x, self.empty, jnp.asarray(x, jnp.float32))

    def fit(self, z: np.ndarray, prior: str = "linear") -> Fit:
        """The steps of ``workflow.train`` and ``workflow.results`` with their defaults."""
        batch = self.batch(z)
        level, s2, kappa = moment_estimate([batch])
        log_s2, log_kappa = jnp.log(jnp.asarray(s2)), jnp.log(jnp.asarray(kappa))
        start = _scored(Model(ConstantPrior(jnp.asarray(level)), log_s2, log_kappa), batch)
        made = make_prior(prior, self.standardise, level=float(start.prior.level))
        model = Model(made, start.log_s2, start.log_kappa)
        scored = made.fitted_by == "scoring"
        precision = coefficient_precision(model, DEFAULTS)
        model = _scored(model, batch, precision) if scored else _trained(model, batch)
        jackknife = tilt_jackknife(model, self.standardise, [batch])
        v = np.exp(np.asarray(model.prior(batch.annotations), np.float64)).ravel()
        shares = enrichment(v, self.sets, self.standardised, jackknife)
        return Fit(model, jackknife, shares, score_test(start, self.standardise, [batch]))


def _scored(model: Model, batch: BlockBatch, precision=0.0) -> Model:
    for step in fit_scoring(start_scoring(model), [batch], precision=precision):
        model = step.state.model
    return model


def _trained(model: Model, batch: BlockBatch) -> Model:
    each = DEFAULTS.batch_blocks
    parts = [
        jax.tree.map(lambda leaf, i=i: leaf[i : i + each], batch)
        for i in range(0, len(batch.index), each)
    ]
    steps = DEFAULTS.epochs * len(parts)
    for step in fit_adam(
        start_adam(model, DEFAULTS.learning_rate, steps),
        lambda epoch: [parts[i] for i in shuffled_order(len(parts), DEFAULTS.seed, epoch)],
        batches_per_epoch=len(parts),
        variants=int(batch.counted.sum()),
        epochs=DEFAULTS.epochs,
        learning_rate=DEFAULTS.learning_rate,
    ):
        model = step.state.model
    return model
