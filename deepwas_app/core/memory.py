"""Memory that a step of training takes, from shapes alone: nothing is computed or compiled."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from deepwas_app.core.priors import Prior, parameter_count, trainable
from deepwas_app.core.ways import way

# Numbers that are held for each parameter: itself, its gradient, two moments and the update; what
# takes the place of the state; and the best model so far.
_COPIES = 10


def step_bytes(prior: Prior, blocks: int, variants: int, components: int, each: int) -> int:
    """Bytes that one step of gradient descent takes beside its batch of LD blocks.

    Parameters
    ----------
    prior
        The prior, or the shapes of one.
    blocks, variants, components
        Of the padded batch.
    each
        Bytes that are kept of one variant, from :func:`kept_bytes`.
    """
    at_once = 1 if way().blocks == "in turn" else blocks
    likelihood = 4 * at_once * 4 * components * (variants + components)
    held = prior.held(variants)
    # Of what is computed again, that of one block goes before the next.
    held *= at_once if held < variants else blocks
    return 4 * _COPIES * parameter_count(prior) + likelihood + held * each


def kept_bytes(prior: Prior, annotations: int, window: int = 1, tracks: int = 0) -> int:
    """Bytes that the gradient keeps of one variant's way through a prior, or the shapes of one.

    Parameters
    ----------
    prior
        As it is where memory is not to be spared.
    annotations, window, tracks
        Number of annotations, positions of the window around a variant, and number of tracks.
    """
    arrays, others = eqx.partition(prior.sparing(False), lambda leaf: hasattr(leaf, "dtype"))

    def kept(count: int) -> int:
        given = [jax.ShapeDtypeStruct((count, annotations), jnp.float32)]
        if tracks:
            given.append(jax.ShapeDtypeStruct((count, window, tracks), jnp.float32))

        def backward(arrays: Any, *given: Any) -> Any:
            whole = eqx.combine(arrays, others)
            trained, fixed = eqx.partition(whole, trainable(whole))
            return jax.vjp(lambda trained: eqx.combine(trained, fixed)(*given), trained)[1]

        leaves = jax.tree.leaves(jax.eval_shape(backward, arrays, *given))
        return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)

    # What two keep more than one: not the parameters, which both do.
    return kept(2) - kept(1)
