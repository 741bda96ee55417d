"""A dense float64 oracle, and small made-up LD blocks."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal


class Precision(NamedTuple):
    """An arithmetic that core is tested in, and the relative error that is allowed."""

    dtype: type
    tolerance: float


@pytest.fixture(params=["float32", "float64"])
def precision(request: pytest.FixtureRequest) -> Iterator[Precision]:
    double = request.param == "float64"
    with jax.enable_x64(double):
        yield Precision(np.float64, 1e-10) if double else Precision(np.float32, 1e-5)


@pytest.fixture
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


class DenseBlock:
    """The model of the scored z-scores themselves, in dense float64 matrices.

    z_o ~ Normal(0, P R_o. D R_.o P + s2 P R_oo P + kappa P), where P projects on the eigenvectors
    of R_oo that are kept.
    """

    def __init__(self, factor, z, scored=None, variance=1.0, min_eigenvalue=1e-4):
        R = factor @ factor.T
        rows = np.ones(len(R), bool) if scored is None else scored
        eigenvalues, vectors = np.linalg.eigh(R[np.ix_(rows, rows)])
        eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
        # A component is kept while those before it do not hold the wanted share yet.
        before = np.concatenate([[0.0], np.cumsum(eigenvalues)[:-1]]) / eigenvalues.sum()
        wanted = (before < variance * (1 - 1e-12)) & (eigenvalues > min_eigenvalue)
        self.eigenvalues = eigenvalues[wanted]
        self.projector = vectors[:, wanted] @ vectors[:, wanted].T
        self.R_o = self.projector @ R[rows]
        self.R_oo = self.R_o[:, rows] @ self.projector
        self.z = self.projector @ z[rows]

    def covariance(self, log_d, s2=1.0, kappa=0.0):
        return (self.R_o * np.exp(log_d)) @ self.R_o.T + s2 * self.R_oo + kappa * self.projector

    def loss(self, log_d, s2=1.0, kappa=0.0):
        """Negative log density of the z-scores."""
        law = multivariate_normal(cov=self.covariance(log_d, s2, kappa), allow_singular=True)
        return -law.logpdf(self.z)

    def loss_of_x(self, log_d, s2=1.0, kappa=0.0):
        """Negative log density of the whitened z-scores."""
        return self.loss(log_d, s2, kappa) - 0.5 * np.log(self.eigenvalues).sum()

    def gradient(self, log_d, s2=1.0, kappa=0.0):
        """In log_d, s2 and kappa: 1/2 tr(C^-1 dC) - 1/2 z^T C^-1 dC C^-1 z."""
        inverse = np.linalg.pinv(self.covariance(log_d, s2, kappa), rcond=1e-12, hermitian=True)
        solved = inverse @ self.z

        def along(change):
            return 0.5 * (np.sum(inverse * change) - solved @ change @ solved)

        columns = self.R_o.T
        leverage = np.einsum("js,st,jt->j", columns, inverse, columns)
        in_log_d = 0.5 * np.exp(log_d) * (leverage - (columns @ solved) ** 2)
        return in_log_d, along(self.R_oo), along(self.projector)

    def posterior(self, log_d, s2=1.0, kappa=0.0):
        """Mean and variance of b given z."""
        gain = np.exp(log_d)[:, None] * self.R_o.T
        gain = gain @ np.linalg.pinv(self.covariance(log_d, s2, kappa), rcond=1e-12, hermitian=True)
        covariance = np.diag(np.exp(log_d)) - gain @ self.R_o * np.exp(log_d)
        return gain @ self.z, np.diag(covariance)


@pytest.fixture(scope="session")
def dense() -> type[DenseBlock]:
    return DenseBlock


@pytest.fixture(scope="session")
def make_factor() -> Callable[..., np.ndarray]:
    """A function that makes W of correlated neighbours, with unit diagonal of W W^T."""

    def make(variants: int, k: int, seed: int = 0, correlation: float = 0.9) -> np.ndarray:
        rng = np.random.default_rng((seed, variants, k))
        rows = [rng.standard_normal(k)]
        for _ in range(variants - 1):
            fresh = rng.standard_normal(k)
            rows.append(correlation * rows[-1] + np.sqrt(1 - correlation**2) * fresh)
        W = np.array(rows)
        return W / np.linalg.norm(W, axis=1, keepdims=True)

    return make


class World:
    """Blocks with annotations, from which data can be drawn again and again by a known model."""

    def __init__(self, blocks: int, variants: int = 60, k: int = 30, annotations: int = 4):
        from deepwas_app.core import whiten
        from deepwas_app.core.priors import Standardisation

        rng = np.random.default_rng((5, blocks, variants))
        # Columns of falling size: eigenvalues span two orders, so that s2 and kappa come apart.
        factors = rng.standard_normal((blocks, variants, k)) * np.geomspace(1.0, 0.1, k)
        factors /= np.linalg.norm(factors, axis=2, keepdims=True)
        whitened = [whiten(W, np.zeros(variants), variance=1.0) for W in factors]
        self.Q = np.stack([np.asarray(block.Q) for block in whitened])
        self.eigenvalues = np.stack([np.asarray(block.eigenvalues) for block in whitened])
        self.annotations = rng.standard_normal((blocks, variants, annotations)).astype(np.float32)
        self.annotations[..., 0] = self.annotations[..., 0] > 0.5
        self.log_scale = rng.normal(0.0, 0.3, (blocks, variants)).astype(np.float32)
        # From 1% up, as many variants to each doubling.
        p = np.exp(rng.uniform(np.log(0.01), np.log(0.5), (blocks, variants)))
        self.log_heterozygosity = np.log(p * (1 - p)).astype(np.float32)
        flat = self.annotations.reshape(-1, annotations)
        self.standardise = Standardisation(jnp.asarray(flat.mean(0)), jnp.asarray(flat.std(0)))

    def model(self, coefficients: Sequence[float] = (), level=0.0, s2=1.2, kappa=0.1):
        """A linear prior, or a constant one without coefficients, with noise."""
        from deepwas_app.core.priors import ConstantPrior, LinearPrior, Model

        level = jnp.asarray(level, jnp.float32)
        prior = ConstantPrior(level)
        if len(coefficients):
            prior = LinearPrior(self.standardise, level, jnp.asarray(coefficients, jnp.float32))
        return Model(
            prior,
            jnp.log(jnp.asarray(s2, jnp.float32)),
            jnp.log(jnp.asarray(kappa, jnp.float32)),
        )

    def draw(self, model, seed: int, per_batch: int):
        """Batches of per_batch blocks each, with x drawn from the model."""
        from deepwas_app.core import WhitenedBlock
        from deepwas_app.core.batch import BlockBatch
        from deepwas_app.core.priors import ALPHA

        rng = np.random.default_rng(seed)
        log_n = self.log_scale - np.float32(ALPHA) * self.log_heterozygosity
        log_v = model.log_variance(jnp.asarray(self.annotations), self.log_heterozygosity)
        d = np.exp(np.asarray(log_v) + log_n)
        noise = float(model.s2) + float(model.kappa) / self.eigenvalues
        b = rng.standard_normal(d.shape) * np.sqrt(d)
        x = np.einsum("bmr,bm->br", self.Q, b) + rng.standard_normal(noise.shape) * np.sqrt(noise)
        x = x.astype(np.float32)
        batches = []
        for i in range(0, len(x), per_batch):
            part = slice(i, i + per_batch)
            arrays = (self.Q[part], x[part], self.eigenvalues[part])
            batches.append(
                BlockBatch(
                    block=WhitenedBlock(*map(jnp.asarray, arrays)),
                    annotations=jnp.asarray(self.annotations[part]),
                    log_n=jnp.asarray(log_n[part]),
                    log_heterozygosity=jnp.asarray(self.log_heterozygosity[part]),
                    counted=jnp.ones(d[part].shape, bool),
                    index=jnp.arange(len(x))[part],
                )
            )
        return batches


@pytest.fixture(scope="session")
def world() -> World:
    """40 LD blocks of 60 variants and 30 components, 4 annotations of which the first is binary."""
    return World(40)


@pytest.fixture(scope="session")
def many_blocks() -> World:
    """80 such blocks, where sandwich errors have hardly any small-sample bias left."""
    return World(80)
