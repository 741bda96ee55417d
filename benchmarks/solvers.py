"""Loss and gradient of one LD block: against matrix products, the paper's way, and by estimates.

    python benchmarks/solvers.py [--crossover 500 1000 2000 4000 8000] [-o benchmarks/solvers.tsv]

What is compared is timed in turn in one process; a row has the least times and their ratio, since
other work on a machine only adds to them.

- ``exact over products``: the exact solver, over float32 matrix products of its operation count.
- ``paper over exact``: the paper's formulation, written plainly in float64 (eigen-decomposition of
  the window's core, m x m Cholesky factor, automatic differentiation), over the exact solver, on
  a window of 2,600 variants in three parts, at several shares of the variance kept.
- ``iterative over exact``: conjugate gradients with random probes over Cholesky factors.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from conftest import machine

from deepwas_app.core import Iterative, WhitenedBlock, negative_log_likelihood, whiten
from deepwas_app.core.iterative import DEFAULT, iterative_solve
from deepwas_app.genetics.builtin import data_dir
from deepwas_app.genetics.genotypes.plink import read_dosages
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import decompose, standardise

SIZES = ((664, 256), (2_000, 600), (6_000, 1_500))
WINDOW = 2_600
VARIANCES = (0.98, 0.99, 0.995, 0.999, 1.0)
SECONDS = 12.0


def in_turn(*functions, rounds: int = 25) -> list[float]:
    """Least time of each, in milliseconds; one after the other, again and again."""
    for function in functions:
        jax.block_until_ready(function())
    times: list[list[float]] = [[] for _ in functions]
    began = time.monotonic()
    for done in range(rounds):
        if done >= 3 and time.monotonic() - began > SECONDS:
            break
        for function, mine in zip(functions, times, strict=True):
            start = time.perf_counter()
            jax.block_until_ready(function())
            mine.append(1e3 * (time.perf_counter() - start))
    return [min(mine) for mine in times]


def made_up(variants: int, components: int) -> tuple[WhitenedBlock, jax.Array]:
    """A block with the spectrum of LD: eigenvalues over three orders, mixed by a random prior."""
    rng = np.random.default_rng(components)
    lam = np.geomspace(40, 0.05, components)
    # Random columns are nearly orthogonal, and cost no decomposition.
    Q = rng.standard_normal((variants, components), dtype=np.float32)
    Q *= np.sqrt(lam / variants).astype(np.float32)
    d = rng.normal(-1.0, 1.5, variants).astype(np.float32)
    x = rng.standard_normal(components) * np.sqrt(1 + np.exp(d).mean() * lam)
    arrays = (jnp.asarray(a, jnp.float32) for a in (Q, x, lam))
    return WhitenedBlock(*arrays), jnp.asarray(d)


def gradient_of(solver: str, options: Iterative = DEFAULT):
    def loss(log_d, s2, block):
        return negative_log_likelihood(block, log_d, s2=s2, solver=solver, options=options)

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))


def products(variants: int, components: int):
    """Float32 products of as many operations: two of m r r, and 2/3 r^3."""
    Q = jnp.ones((variants, components), jnp.float32)
    R = jnp.ones((components, components), jnp.float32)
    third = jnp.ones((components, max(components // 3, 1)), jnp.float32)

    # As exact as the solver's own: accelerators would else multiply with a 10-bit mantissa.
    @jax.jit
    def multiply(Q, R, third):
        with jax.default_matmul_precision("float32"):
            return Q.T @ Q, Q @ R, R @ third

    return lambda: multiply(Q, R, third)


def paper(core: slice):
    """Negative log-likelihood of a window as the paper has it, to be differentiated by JAX.

    The core's LD is decomposed anew at every step, and a matrix over all m variants factorised:
    det(I_r + Q^T D Q) = det(I_m + D^1/2 Q Q^T D^1/2) with Q = R_.o R_oo^-1/2.
    """

    def loss(log_d, R, z):
        lam, U = jnp.linalg.eigh(R[core, core])
        inverse_root = jnp.where(lam > 1e-4, 1 / jnp.sqrt(jnp.maximum(lam, 1e-4)), 0.0)
        half = jnp.exp(log_d / 2)[:, None] * (R[:, core] @ (U * inverse_root))
        x = inverse_root * (U.T @ z[core])
        L = jnp.linalg.cholesky(jnp.eye(len(half)) + half @ half.T)
        white = jax.scipy.linalg.solve_triangular(L, half @ x, lower=True)
        return jnp.sum(jnp.log(jnp.diag(L))) + 0.5 * (x @ x - white @ white)

    return jax.jit(jax.value_and_grad(loss))


def beside_products() -> list[dict]:
    rows = []
    for m, r in SIZES:
        block, log_d = made_up(m, r)
        exact = partial(gradient_of("exact"), log_d, jnp.float32(1.0), block)
        ours, plain = in_turn(exact, products(m, r))
        rows.append(row("exact over products", m, r, ours, plain))
    return rows


def windows() -> dict[str, np.ndarray]:
    """Factors W of the LD of 2,600 variants: real people, and more people of a coalescent."""
    real = read_dosages(data_dir() / "height_chr22" / "genotypes", slice(6_000, 6_000 + WINDOW))
    made = simulate_block(1_200, WINDOW, 5).dosages
    return {
        name: decompose(standardise(dosages)[0], 1.0).factor
        for name, dosages in (("378 Europeans", real), ("coalescent, 1,200 people", made))
    }


def beside_the_paper() -> list[dict]:
    """One window of each LD, the middle third scored."""
    rng = np.random.default_rng(0)
    third = WINDOW // 3
    core = slice(third, WINDOW - third)
    scored = np.zeros(WINDOW, bool)
    scored[core] = True
    rows = []
    for name, W in windows().items():
        z = W @ rng.standard_normal(W.shape[1])
        d = rng.normal(-1, 1, WINDOW)
        double = W.astype(np.float64) @ W.T.astype(np.float64)
        with jax.enable_x64(True):
            theirs = partial(paper(core), jnp.asarray(d), jnp.asarray(double), jnp.asarray(z))
        for variance in VARIANCES:
            block = whiten(W, z, scored, variance=variance)
            log_d = jnp.asarray(d, jnp.float32)
            exact = partial(gradient_of("exact"), log_d, jnp.float32(1.0), block)
            times = in_turn(_in_x64(theirs), exact, rounds=5)
            what = f"paper over exact, {variance:.1%} kept, {name}"
            rows.append(row(what, WINDOW, len(block.x), *times))
    check(theirs, exact)
    return rows


def check(theirs, ours) -> None:
    """With all components kept both are one likelihood: their gradients agree."""
    one = np.asarray(_in_x64(theirs)()[1])
    other = np.asarray(ours()[1][0], np.float64)
    assert np.linalg.norm(one - other) < 1e-3 * np.linalg.norm(one)


def _in_x64(function):
    def call():
        with jax.enable_x64(True):
            return jax.block_until_ready(function())

    return call


def crossover(components: list[int], probes: int) -> list[dict]:
    rows = []
    options = Iterative(probes=probes)
    for r in components:
        m = 2 * r
        block, log_d = made_up(m, r)
        given = log_d, jnp.float32(1.0), block
        exact, estimate = gradient_of("exact"), gradient_of("iterative", options)
        times = in_turn(partial(estimate, *given), partial(exact, *given), rounds=9)
        solve = jax.jit(partial(iterative_solve, options=options))
        found = solve(block.Q, block.x, jnp.exp(log_d), jnp.ones(r), jax.random.key(0))
        true, estimated = (f(*given)[1][0] for f in (exact, estimate))
        off = float(jnp.linalg.norm(estimated - true) / jnp.linalg.norm(true))
        rows.append(
            row("iterative over exact", m, r, *times)
            | {"iterations": int(found.iterations), "gradient_error": off}
        )
    return rows


def row(what: str, variants: int, components: int, one: float, other: float) -> dict:
    found = {
        "what": what,
        "variants": variants,
        "components": components,
        "ms": one,
        "over_ms": other,
        "ratio": one / other,
    }
    print(found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--crossover", type=int, nargs="*", default=[250, 500, 1_000, 2_000, 4_000, 8_000]
    )
    parser.add_argument("--probes", type=int, default=16)
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    print(machine())
    rows = beside_products() + beside_the_paper() + crossover(given.crossover, given.probes)
    if given.output:
        table = pd.DataFrame(rows).assign(machine=machine())
        table.to_csv(given.output, sep="\t", index=False, float_format="%.4g", na_rep="NA")


if __name__ == "__main__":
    main()
