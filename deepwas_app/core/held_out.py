"""The likelihood of LD blocks that a model was not trained on."""

from collections.abc import Iterable

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.objectives import FULL_LIKELIHOOD, BlockLosses, FullLikelihood
from deepwas_app.core.priors import Model


def losses_by_block(
    model: Model,
    batches: Iterable[BlockBatch],
    blocks: int,
    likelihood: FullLikelihood = FULL_LIKELIHOOD,
) -> Float[np.ndarray, " blocks"]:
    """Negative log-likelihood of every block of a study, NaN where no batch holds it.

    Raises
    ------
    UnconvergedError
        If an iterative solve did not converge.
    """
    out = np.full(blocks, np.nan)
    for batch in batches:
        index = np.asarray(batch.index)
        found = _block_losses(model, batch, likelihood)
        likelihood.check_converged(found, index)
        out[index[index >= 0]] = np.asarray(found.loss)[index >= 0]
    return out


# The same probes for every model, so that differences between models are certain.
@eqx.filter_jit
def _block_losses(model: Model, batch: BlockBatch, likelihood: FullLikelihood) -> BlockLosses:
    return likelihood.losses(model, batch, jax.random.key(0))
