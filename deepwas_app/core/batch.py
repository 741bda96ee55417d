"""Several LD blocks of about one size, padded and stacked for the device."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Bool, Float, Int

from deepwas_app.core.block import HostOrDevice, WhitenedBlock
from deepwas_app.core.ways import way


class Marginal(eqx.Module):
    """What LD score regression looks at, beside the LD itself.

    Attributes
    ----------
    z
        z-scores, (blocks, variants); 0 where not scored.
    weight
        Regression weights, (blocks, variants); 0 where a variant does not count.
    people
        People in the LD panel, (blocks,); inf where LD is exact or the number is not known.
    """

    z: Float[HostOrDevice, "*blocks variants"]
    weight: Float[HostOrDevice, "*blocks variants"]
    people: Float[HostOrDevice, "*blocks"]


class BlockBatch(eqx.Module):
    """A stack of padded LD blocks with what their priors are functions of.

    Attributes
    ----------
    block
        Q (blocks, variants, components); x and the others (blocks, components).
    annotations
        (blocks, variants, annotations), as in the study (the prior standardises).
    log_n
        log N_j, so that log d = log v + log N; (blocks, variants). -inf for padding.
    log_heterozygosity
        log p_j (1 - p_j), (blocks, variants); 0 for padding.
    counted
        Variants that are scored in this block, (blocks, variants): not padding, not a flank.
    own
        Variance of a strong locus's lead variants on top of the prior's, in units of d; 0 of all
        others; (blocks, variants). None where there are no strong loci.
    index
        Number of each block in its study, -1 for a padded block, (blocks,).
    tracks
        Windows of tracks around each variant, (blocks, variants, window, tracks), for priors that
        read them.
    marginal
        For LD score regression only.
    """

    block: WhitenedBlock
    annotations: Float[HostOrDevice, "*blocks variants annotations"]
    log_n: Float[HostOrDevice, "*blocks variants"]
    log_heterozygosity: Float[HostOrDevice, "*blocks variants"]
    counted: Bool[HostOrDevice, "*blocks variants"]
    index: Int[HostOrDevice, "*blocks"]
    own: Float[HostOrDevice, "*blocks variants"] | None = None
    tracks: Float[HostOrDevice, "*blocks variants window tracks"] | None = None
    marginal: Marginal | None = None


class EveryNth(Sequence[BlockBatch]):
    """One in so many batches, spread over all of them, each taken when it is asked for."""

    def __init__(self, batches: Sequence[BlockBatch], stride: int):
        self._batches, self._numbers = batches, range(stride // 2, len(batches), stride)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, i: Any) -> Any:
        return self._batches[self._numbers[i]]


@cache
def block_mesh() -> Mesh:
    """All devices in a row; whole blocks are dealt out to them."""
    return jax.make_mesh((jax.device_count(),), ("blocks",), axis_types=(AxisType.Auto,))


def map_blocks(function: Callable[..., Any], *stacked: Any) -> Any:
    """Apply `function` to each block of a stack.

    One after the other, or at once, see :class:`deepwas_app.core.ways.Way`. Several devices take
    an equal share each, where the number of blocks allows it.
    """

    def share(*stacked: Any) -> Any:
        if way().blocks == "in turn":
            return jax.lax.map(lambda xs: function(*xs), stacked)
        return jax.vmap(function)(*stacked)

    devices = jax.device_count()
    if devices == 1 or len(jax.tree.leaves(stacked)[0]) % devices:
        return share(*stacked)
    # No device looks at another's blocks, so there is nothing for the type system to check.
    return jax.shard_map(
        share, mesh=block_mesh(), in_specs=P("blocks"), out_specs=P("blocks"), check_vma=False
    )(*stacked)


def pad_stack(
    arrays: Sequence[np.ndarray], shape: Sequence[int], fill: float | int = 0
) -> np.ndarray:
    """Stack arrays of different sizes into one array of `shape`, filled up with `fill`."""
    out = np.full(shape, fill, arrays[0].dtype)
    for i, array in enumerate(arrays):
        corner: tuple[Any, ...] = (i, *(slice(n) for n in array.shape))
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

    def stack(arrays: Sequence[Any], shape: tuple[int, ...], fill: float | int = 0) -> np.ndarray:
        return pad_stack(arrays, (blocks, *shape), fill)

    block = WhitenedBlock(
        Q=stack([p.block.Q for p in parts], (variants, components)),
        x=stack([p.block.x for p in parts], (components,)),
        eigenvalues=stack([p.block.eigenvalues for p in parts], (components,), np.inf),
        noise=stack([p.block.noise for p in parts], (components,), 1),
        background=stack([p.block.background for p in parts], (components,)),
    )
    own = tracks = marginal = None
    if parts[0].own is not None:
        own = stack([np.asarray(p.own) for p in parts], (variants,))
    if parts[0].tracks is not None:
        windows = [np.asarray(p.tracks) for p in parts]
        tracks = stack(windows, (variants, *windows[0].shape[1:]))
    if parts[0].marginal is not None:
        marginals = [p.marginal for p in parts if p.marginal is not None]
        marginal = Marginal(
            z=stack([m.z for m in marginals], (variants,)),
            weight=stack([m.weight for m in marginals], (variants,)),
            people=stack([m.people for m in marginals], (), np.inf),
        )
    return BlockBatch(
        block=block,
        annotations=stack([p.annotations for p in parts], (variants, annotations)),
        # No variance, whatever the prior makes of annotations that are all zero.
        log_n=stack([p.log_n for p in parts], (variants,), -np.inf),
        log_heterozygosity=stack([p.log_heterozygosity for p in parts], (variants,)),
        counted=stack([p.counted for p in parts], (variants,), False),
        index=stack([p.index for p in parts], (), -1),
        own=own,
        tracks=tracks,
        marginal=marginal,
    )


def shuffled_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """An order of so many batches that depends on the seed and the epoch only."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def put(batch: BlockBatch) -> BlockBatch:
    """Move a batch to the default device, or its blocks to all devices in equal shares."""
    if jax.device_count() == 1 or len(batch.index) % jax.device_count():
        return jax.tree.map(jnp.asarray, batch)
    return jax.device_put(batch, NamedSharding(block_mesh(), P("blocks")))
