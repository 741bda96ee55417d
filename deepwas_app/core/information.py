"""Score and Fisher information of every LD block, along whatever directions of a model."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch, map_blocks
from deepwas_app.core.objectives import FULL_LIKELIHOOD, Objective
from deepwas_app.core.priors import Model


class BlockInformation(NamedTuple):
    """Of the LD blocks of one batch, without padding; float64.

    Attributes
    ----------
    score
        Gradient of the loss, (blocks, parameters).
    fisher
        Fisher information, (blocks, parameters, parameters).
    """

    score: Float[np.ndarray, "blocks parameters"]
    fisher: Float[np.ndarray, "blocks parameters parameters"]


def block_information(
    parameters: Float[Array, " parameters"],
    unravel: Callable[[Array], Model],
    batches: Iterable[BlockBatch],
    objective: Objective = FULL_LIKELIHOOD,
) -> Iterator[BlockInformation]:
    """Score and Fisher information of every block, batch by batch, on the host.

    Parameters
    ----------
    parameters
        Where.
    unravel
        Parameters to the model. A module, whose arrays are arguments of the compiled program; any
        other function would be compiled anew each time.
    batches
        The blocks.
    objective
        What the loss is.
    """
    for batch in batches:
        score, fisher = _by_block(parameters, unravel, batch, objective)
        real = np.asarray(batch.index) >= 0
        yield BlockInformation(
            np.asarray(score, np.float64)[real], np.asarray(fisher, np.float64)[real]
        )


@eqx.filter_jit
def _by_block(
    parameters: Array, unravel: Callable[[Array], Model], batch: BlockBatch, objective: Objective
) -> tuple[Array, Array]:
    def one(block: BlockBatch) -> tuple[Array, Array]:
        alone = jax.tree.map(lambda leaf: leaf[None], block)
        part = objective.information(parameters, unravel, alone)
        return part.score[0], part.fisher

    return map_blocks(one, batch)
