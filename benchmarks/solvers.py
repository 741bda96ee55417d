"""Loss and gradient of one LD block: exact and iterative, against matrix products and the paper's.

python benchmarks/solvers.py [--components 500 1000 2000] [--probes 16]

Every figure is a ratio of times taken one after the other in this run:
``exact_over_products`` exact solver over float32 matrix products of its operation count,
``iterative_over_exact``, and ``paper_over_exact``: the paper's formulation in float64
(eigen-decomposition of the window's core, m x m Cholesky factor, automatic differentiation) over
the exact solver at `--variance`, on a window of 2,600 variants in three parts.
"""

import argparse
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from deepwas_app.core import Iterative, WhitenedBlock, negative_log_likelihood, whiten
from deepwas_app.core.iterative import DEFAULT, iterative_solve
from deepwas_app.genetics.coalescent import simulate_block
from deepwas_app.genetics.ld import low_rank_factor, standardise


def seconds(function, *arguments, least: float = 2.0) -> float:
    """The shortest of some runs, compiled."""
    jax.block_until_ready(function(*arguments))
    times, began = [], time.monotonic()
    while len(times) < 2 or (time.monotonic() - began < least and len(times) < 30):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return min(times)


def made_up(variants: int, components: int) -> tuple[WhitenedBlock, jax.Array]:
    """A block with the spectrum of LD: eigenvalues over three orders, mixed by a random prior."""
    rng = np.random.default_rng(components)
    lam = np.geomspace(40, 0.05, components)
    Q = np.linalg.qr(rng.standard_normal((variants, components)))[0] * np.sqrt(lam)
    d = rng.normal(-1.0, 1.5, variants).astype(np.float32)
    x = rng.standard_normal(components) * np.sqrt(1 + np.exp(d).mean() * lam)
    arrays = (jnp.asarray(a, jnp.float32) for a in (Q, x, lam))
    return WhitenedBlock(*arrays), jnp.asarray(d)


def gradient_of(solver: str, options: Iterative = DEFAULT):
    def loss(log_d, s2, block):
        return negative_log_likelihood(
            block, log_d, s2=s2, kappa=0.02, solver=solver, options=options
        )

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))


def products(variants: int, components: int):
    """Float32 products of as many operations: two of m r r, and 2/3 r^3."""
    Q = jnp.ones((variants, components), jnp.float32)
    R = jnp.ones((components, components), jnp.float32)
    third = jnp.ones((components, max(components // 3, 1)), jnp.float32)
    return jax.jit(lambda Q, R, third: (Q.T @ Q, Q @ R, R @ third)), (Q, R, third)


def paper(core: slice):
    """Negative log-likelihood of a window as the paper writes it, to be differentiated by JAX."""

    def loss(log_d, R, z):
        lam, U = jnp.linalg.eigh(R[core, core])
        R_o = R[core]
        covariance = (R_o * jnp.exp(log_d)) @ R_o.T + R[core, core]
        # In the eigenvectors' coordinates, small eigenvalues held up, as a Cholesky factor needs.
        K = U.T @ covariance @ U + 1e-6 * jnp.eye(len(lam))
        L = jnp.linalg.cholesky(K)
        white = jax.scipy.linalg.solve_triangular(L, U.T @ z[core], lower=True)
        return jnp.sum(jnp.log(jnp.diag(L))) + 0.5 * white @ white

    return jax.jit(jax.value_and_grad(loss))


def window(variance: float) -> None:
    """The paper's formulation on one three-part window of 2,600 variants."""
    standardised, _ = standardise(simulate_block(378, 2_600, 5).dosages)
    W = low_rank_factor(standardised, 1.0)
    rng = np.random.default_rng(0)
    z = W @ rng.standard_normal(W.shape[1])
    core = slice(867, 1733)
    scored = np.zeros(2_600, bool)
    scored[core] = True
    block = whiten(W, z, scored, variance=variance)
    log_d = jnp.asarray(rng.normal(-1, 1, 2_600), jnp.float32)
    ours = seconds(gradient_of("exact"), log_d, jnp.float32(1.0), block)
    with jax.enable_x64(True):
        R = jnp.asarray(W.astype(np.float64) @ W.T.astype(np.float64))
        theirs = seconds(paper(core), jnp.asarray(log_d, jnp.float64), R, jnp.asarray(z))
    print(f"paper_over_exact\t2600\t{len(block.x)}\t{theirs / ours:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, nargs="*", default=[250, 600, 1500])
    parser.add_argument("--probes", type=int, default=16)
    parser.add_argument("--variance", type=float, default=0.995)
    given = parser.parse_args()
    print("what\tvariants\tcomponents\tratio")
    for r in given.components:
        m = 4 * r
        block, log_d = made_up(m, r)
        one = jnp.float32(1.0)
        exact = seconds(gradient_of("exact"), log_d, one, block)
        options = Iterative(probes=given.probes)
        iterative = seconds(gradient_of("iterative", options), log_d, one, block)
        function, arguments = products(m, r)
        plain = seconds(function, *arguments)
        solve = jax.jit(partial(iterative_solve, options=options))
        found = solve(block.Q, block.x, jnp.exp(log_d), jnp.ones(r), jax.random.key(0))
        print(f"exact_over_products\t{m}\t{r}\t{exact / plain:.2f}")
        print(f"iterative_over_exact\t{m}\t{r}\t{iterative / exact:.2f}")
        print(f"iterations\t{m}\t{r}\t{int(found.iterations)}", flush=True)
    window(given.variance)


if __name__ == "__main__":
    main()
