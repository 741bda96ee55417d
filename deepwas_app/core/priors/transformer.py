"""A transformer over the window of tracks around each variant."""

from dataclasses import fields
from math import gcd
from types import MappingProxyType

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.priors.base import PRIORS, Prior, PriorInputs, Standardisation, zero_last

# The stem shortens a window to about this many tokens.
TOKENS = 32
KERNEL = 7
# A tower shortens it to so many, or fewer than twice as many.
FEW = 16
STOREY_KERNEL = 5
# Numbers in the activations of the stem that are worked on at once, by kind of device. On a CPU so
# few that its caches hold what the gradient needs of them: to compute that again takes no longer
# than to fetch it from memory, see benchmarks/README.md.
CHUNK = {"cpu": 2**18, "gpu": 2**20}


class AttentionPool(eqx.Module):
    """Weighted mean over positions, weights by softmax of a learned score per channel."""

    score: eqx.nn.Linear

    def __call__(self, x: Float[Array, "positions width"]) -> Float[Array, " width"]:
        return jnp.sum(jax.nn.softmax(jax.vmap(self.score)(x), axis=0) * x, axis=0)


def pooled(pool: AttentionPool, x: Array, factor: int) -> Array:
    """So many positions pooled into one; the last one with what is left."""
    x = jnp.pad(x, ((0, -len(x) % factor), (0, 0)))
    return jax.vmap(pool)(x.reshape(-1, factor, x.shape[1]))


class Storey(eqx.Module):
    """One of a tower: a convolution after a layer norm, added; then two positions become one."""

    norm: eqx.nn.LayerNorm
    convolution: eqx.nn.Conv1d
    pool: AttentionPool

    def __init__(self, width: int, key: PRNGKeyArray):
        first, second = jax.random.split(key)
        self.norm = eqx.nn.LayerNorm(width)
        self.convolution = eqx.nn.Conv1d(width, width, STOREY_KERNEL, padding="SAME", key=first)
        self.pool = AttentionPool(eqx.nn.Linear(width, width, key=second))

    def __call__(self, x: Float[Array, "positions width"]) -> Float[Array, "half width"]:
        y = jax.nn.gelu(jax.vmap(self.norm)(x))
        return pooled(self.pool, x + self.convolution(y.T).T, 2)


class Layer(eqx.Module):
    """Self-attention and a feed-forward network, each after a layer norm and added."""

    norm_attention: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    norm_forward: eqx.nn.LayerNorm
    widen: eqx.nn.Linear
    narrow: eqx.nn.Linear

    def __init__(self, width: int, key: PRNGKeyArray):
        first, second, third = jax.random.split(key, 3)
        self.norm_attention = eqx.nn.LayerNorm(width)
        heads = gcd(width, max(width // 32, 1))
        self.attention = eqx.nn.MultiheadAttention(heads, width, key=first)
        self.norm_forward = eqx.nn.LayerNorm(width)
        self.widen = eqx.nn.Linear(width, 4 * width, key=second)
        self.narrow = eqx.nn.Linear(4 * width, width, key=third)

    # Compiled within what is compiled, so that layers of one shape are traced once.
    @eqx.filter_jit
    def __call__(self, x: Float[Array, "tokens width"]) -> Float[Array, "tokens width"]:
        y = jax.vmap(self.norm_attention)(x)
        x = x + self.attention(y, y, y)
        y = jax.vmap(self.norm_forward)(x)
        return x + jax.vmap(self.narrow)(jax.nn.gelu(jax.vmap(self.widen)(y)))


class Network(eqx.Module):
    """Window to scalar: convolution, attention pooling, self-attention, pooled head.

    Attributes
    ----------
    pool, tower
        What shortens the window: one pooling, or storeys of convolutions.
    """

    stem: eqx.nn.Conv1d
    pool: AttentionPool | None
    position: Float[Array, "tokens width"]
    layers: list[Layer]
    collect: AttentionPool
    norm: eqx.nn.LayerNorm
    head: eqx.nn.Linear
    tower: list[Storey]

    def __init__(
        self,
        window: int,
        channels: int,
        width: int,
        depth: int,
        tower: bool,
        key: PRNGKeyArray,
    ):
        keys = jax.random.split(key, depth + 5)
        storeys, factor = tower_height(window), pool_factor(window)
        tokens = -(-window // (2**storeys if tower else factor))
        self.stem = eqx.nn.Conv1d(channels, width, min(KERNEL, window), padding="SAME", key=keys[0])
        pool = AttentionPool(eqx.nn.Linear(width, width, key=keys[1]))
        self.pool = None if tower else pool
        self.tower = [Storey(width, k) for k in jax.random.split(keys[1], storeys)] if tower else []
        self.position = 0.02 * jax.random.normal(keys[2], (tokens, width))
        self.layers = [Layer(width, k) for k in keys[5:]]
        self.collect = AttentionPool(eqx.nn.Linear(width, width, key=keys[3]))
        self.norm = eqx.nn.LayerNorm(width)
        self.head = eqx.nn.Linear(width, "scalar", key=keys[4])

    def __call__(self, x: Float[Array, "window channels"]) -> Float[Array, ""]:
        x = jax.nn.gelu(self.stem(x.T)).T
        for storey in self.tower:
            x = storey(x)
        if self.pool is not None:
            x = pooled(self.pool, x, pool_factor(len(x)))
        x = x + self.position
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(self.collect(x)))


def pool_factor(window: int) -> int:
    """How many positions the stem pools into one token."""
    return max(window // TOKENS, 1)


def tower_height(window: int) -> int:
    """Storeys of a tower on so many positions."""
    return max((window // FEW).bit_length() - 1, 0)


@PRIORS.add
class TransformerPrior(Prior):
    """Transformer over the tracks around a variant, its annotations repeated along the window.

    Attributes
    ----------
    standardise, standardise_tracks
        Mean and s.d. of annotations and of tracks.
    level
        log f that training starts from.
    network
        From (window, tracks + annotations) to a scalar.
    half
        Whether the network computes in bfloat16; parameters and sums over variants stay float32.
    rematerialise
        Whether variants are computed again for the gradient, a chunk at a time, in place of being
        kept.

    Notes
    -----
    Without tracks the window is one position that holds the annotations. Where a prior that was
    trained on tracks is asked without them, they are taken at their mean.
    """

    name = "transformer"
    label = "Transformer"
    doc = "a transformer over the tracks around a variant"
    order = 4
    reads_tracks = True
    by_block = True
    # In the order of their parameters, which names with an M say, in millions, for windows as wide
    # as the paper's.
    sizes = MappingProxyType(
        {
            "XS": (8, 1),
            "S": (32, 2),
            "M": (128, 3),
            "4M": (256, 3),
            "L": (384, 6),
            "15M": (448, 4),
            "50M": (768, 5),
            "XL": (768, 7),
        }
    )

    standardise: Standardisation
    standardise_tracks: Standardisation
    level: Float[Array, ""]
    network: Network
    window: int = eqx.field(static=True)
    half: bool = eqx.field(static=True)
    rematerialise: bool = eqx.field(static=True)

    @classmethod
    def build(
        cls,
        inputs: PriorInputs,
        *,
        width: int = 64,
        depth: int = 2,
        tower: bool = True,
        precision: str = "float32",
        rematerialise: bool = False,
    ) -> "TransformerPrior":
        tracks, window = inputs.standardise_tracks, inputs.window
        if tracks is None:
            tracks, window = Standardisation(jnp.zeros(0), jnp.ones(0)), 1
        channels = inputs.standardise.mean.shape[0] + tracks.mean.shape[0]
        network = Network(window, channels, width, depth, tower, inputs.key)
        return cls(
            standardise=inputs.standardise,
            standardise_tracks=tracks,
            level=jnp.asarray(0.0),
            network=zero_last(network, lambda n: n.head),
            window=window,
            half=precision == "bfloat16",
            rematerialise=rematerialise or jax.default_backend() == "cpu",
        )

    def sparing(self, spare: bool = True) -> "TransformerPrior":
        # As unflattening does: in place of arrays there may be their shapes.
        other = object.__new__(type(self))
        for field in fields(self):
            object.__setattr__(other, field.name, getattr(self, field.name))
        object.__setattr__(other, "rematerialise", spare)
        return other

    def held(self, variants: int) -> int:
        return min(variants, self._chunk()) if self.rematerialise else variants

    def _chunk(self) -> int:
        """Variants that are worked on at once."""
        most = CHUNK["cpu" if jax.default_backend() == "cpu" else "gpu"]
        return max(most // (self.window * self.network.position.shape[1]), 1)

    def mean_tracks(self) -> Array | None:
        return self.standardise_tracks.mean if len(self.standardise_tracks.mean) else None

    def __call__(self, annotations: HostOrDevice, tracks: HostOrDevice | None = None) -> Array:
        annotations = self.standardise(jnp.asarray(annotations))
        shape, count = annotations.shape[:-1], self.standardise_tracks.mean.shape[0]
        flat = annotations.reshape(-1, annotations.shape[-1])
        windows = None
        if count and tracks is not None:
            windows = jnp.asarray(tracks).reshape(len(flat), self.window, count)
        dtype = jnp.bfloat16 if self.half else flat.dtype

        def one(annotations: Array, window: Array | None) -> Array:
            # Within, so that gradients of the parameters are summed over variants as they are.
            network = jax.tree.map(
                lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf,
                self.network,
            )
            if window is None:
                window = jnp.zeros((self.window, count))
            else:
                window = self.standardise_tracks(window.astype(jnp.float32))
            repeated = jnp.broadcast_to(annotations, (self.window, len(annotations)))
            x = jnp.concatenate([window, repeated], axis=1)
            return network(x.astype(dtype)).astype(jnp.float32)

        if self.rematerialise:
            one = jax.checkpoint(one)
        chunk = min(self._chunk(), len(flat))
        values = jax.lax.map(lambda xs: one(*xs), (flat, windows), batch_size=chunk)
        return self.level + values.reshape(shape)
