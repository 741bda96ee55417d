"""Loss and gradient of a batch of LD blocks, beside a matrix product of the same operations."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepwas_app.core.batch import map_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.likelihood import negative_log_likelihood

BLOCKS = 8
VARIANTS, COMPONENTS = 664, 256
ROUNDS = 15


def operations(variants: int, components: int) -> float:
    """Of loss and gradient of one block: K and Q L^-T, Cholesky factor and its inverse."""
    return 4 * variants * components**2 + 2 / 3 * components**3


def batch() -> tuple[WhitenedBlock, jax.Array]:
    rng = np.random.default_rng(0)
    shape = (BLOCKS, VARIANTS, COMPONENTS)
    block = WhitenedBlock(
        Q=jnp.asarray(rng.normal(size=shape) / COMPONENTS**0.5, jnp.float32),
        x=jnp.asarray(rng.normal(size=(BLOCKS, COMPONENTS)), jnp.float32),
        eigenvalues=jnp.asarray(rng.uniform(0.1, 20, (BLOCKS, COMPONENTS)), jnp.float32),
    )
    return block, jnp.full((BLOCKS, VARIANTS), -1.0, jnp.float32)


@jax.jit
def loss_and_gradient(block: WhitenedBlock, log_d: jax.Array):
    def total(log_d, s2, kappa):
        def one(block, log_d):
            return negative_log_likelihood(block, log_d, s2=s2, kappa=kappa)

        return map_blocks(one, block, log_d).sum()

    return jax.value_and_grad(total, argnums=(0, 1, 2))(log_d, 1.0, 0.1)


@pytest.mark.benchmark(group=f"{BLOCKS} blocks of {VARIANTS} x {COMPONENTS}, float32")
def test_loss_and_gradient(benchmark):
    block, log_d = batch()
    columns = round(operations(VARIANTS, COMPONENTS) / (2 * VARIANTS * COMPONENTS))
    left = block.Q.reshape(-1, COMPONENTS)
    right = jnp.ones((COMPONENTS, columns), jnp.float32)
    multiply = jax.jit(partial(jnp.matmul, precision="highest"))

    jax.block_until_ready((multiply(left, right), loss_and_gradient(block, log_d)))
    products = []

    # Turn about, so that both meet the same neighbours on a shared machine.
    def time_product() -> None:
        start = time.perf_counter()
        jax.block_until_ready(multiply(left, right))
        products.append(time.perf_counter() - start)

    benchmark.pedantic(
        lambda: jax.block_until_ready(loss_and_gradient(block, log_d)),
        setup=time_product,
        rounds=ROUNDS,
    )
    product = float(np.median(products))
    ratio = benchmark.stats.stats.median / product
    benchmark.extra_info["matrix product (ms)"] = round(1e3 * product, 2)
    benchmark.extra_info["multiple of the matrix product"] = round(ratio, 2)
    print(
        f"\nloss and gradient of {BLOCKS} blocks of {VARIANTS} x {COMPONENTS}: "
        f"{1e3 * benchmark.stats.stats.median:.1f} ms, {ratio:.2f} times a matrix product of the "
        f"same {operations(VARIANTS, COMPONENTS) * BLOCKS / 1e9:.2f} G operations "
        f"({1e3 * product:.1f} ms)"
    )
