"""Several LD blocks of about one size, padded and stacked for the device."""

from collections.abc import Iterator, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from deepwas_app.core.block import HostOrDevice, WhitenedBlock


class BlockBatch(eqx.Module):
    """A stack of padded LD blocks with what their priors are functions of.

    Attributes
    ----------
    block
        Q (blocks, variants, components), x and eigenvalues (blocks, components).
    annotations
        (blocks, variants, annotations), as in the study (the prior standardises).
    log_scale
        log N_j + alpha log p_j (1 - p_j), so that log d = log f + log_scale; (blocks, variants).
    counted
        Variants that are scored in this block, (blocks, variants): not padding, not a flank.
    index
        Number of each block in its study, -1 for a padded block, (blocks,).
    """

    block: WhitenedBlock
    annotations: Float[HostOrDevice, "*blocks variants annotations"]
    log_scale: Float[HostOrDevice, "*blocks variants"]
    counted: Bool[HostOrDevice, "*blocks variants"]
    index: Int[HostOrDevice, "*blocks"]


def map_blocks(function, *stacked):
    """Apply `function` to each block of a stack.

    One after the other on a CPU, whose threads are all busy inside one block; at once elsewhere.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda xs: function(*xs), stacked)
    return jax.vmap(function)(*stacked)


def pad_stack(arrays: Sequence[np.ndarray], shape: Sequence[int], fill=0) -> np.ndarray:
    """Stack arrays of different sizes into one array of `shape`, filled up with `fill`."""
    out = np.full(shape, fill, arrays[0].dtype)
    for i, array in enumerate(arrays):
        corner: tuple = (i, *(slice(n) for n in array.shape))
        out[corner] = array
    return out


def stack_blocks(
    parts: Sequence[BlockBatch], variants: int, components: int, blocks: int
) -> BlockBatch:
    """Stack single blocks (without a leading axis, numpy arrays) into one padded batch.

    Parameters
    ----------
    parts
        One :class:`BlockBatch` per block whose fields lack the leading axis.
    variants, components, blocks
        Padded sizes, at least the largest of the parts and their number.
    """
    annotations = parts[0].annotations.shape[-1]

    def stack(arrays, shape, fill=0):
        return pad_stack(arrays, (blocks, *shape), fill)

    block = WhitenedBlock(
        Q=stack([p.block.Q for p in parts], (variants, components)),
        x=stack([p.block.x for p in parts], (components,)),
        eigenvalues=stack([p.block.eigenvalues for p in parts], (components,), np.inf),
    )
    return BlockBatch(
        block=block,
        annotations=stack([p.annotations for p in parts], (variants, annotations)),
        log_scale=stack([p.log_scale for p in parts], (variants,)),
        counted=stack([p.counted for p in parts], (variants,), False),
        index=stack([p.index for p in parts], (), -1),
    )


def shuffled(batches: Sequence[BlockBatch], seed: int, epoch: int) -> Iterator[BlockBatch]:
    """The batches in an order that depends on the seed and the epoch only."""
    order = np.random.default_rng((seed, epoch)).permutation(len(batches))
    return (batches[i] for i in order)


def put(batch: BlockBatch) -> BlockBatch:
    """Move a batch to the default device."""
    return jax.tree.map(jnp.asarray, batch)
