"""The level and the noise that the likelihood finds for a prior whose shape is given."""

from collections.abc import Sequence
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.block import HostOrDevice
from deepwas_app.core.objectives import log_prior_variance
from deepwas_app.core.priors import ConstantPrior, Model, Prior
from deepwas_app.core.scoring import fit_scoring, start_scoring


class _Unscaled(Prior):
    """Log f = 0, for priors without a level that could be moved."""

    def __call__(
        self, annotations: HostOrDevice, tracks: HostOrDevice | None = None
    ) -> Float[Array, "*variants"]:
        return jnp.zeros(annotations.shape[:-1])


@eqx.filter_jit
def _log_prior(model: Model, batch: BlockBatch) -> Array:
    return log_prior_variance(model, batch)


def with_prior(model: Model, batch: BlockBatch) -> BlockBatch:
    """The batch with a model's prior in `log_n`, so that a constant prior is what multiplies it."""
    log_d = _log_prior(model, replace(batch, own=None, marginal=None))
    return replace(batch, log_n=log_d, tracks=None, marginal=None)


def rescaled(
    model: Model, batches: Sequence[BlockBatch], log_s2: Float[Array, ""] | None = None
) -> Model:
    """The model with the level of its prior, and s2 where it is learned, at their likeliest.

    Parameters
    ----------
    model
        Of any prior, whose shape stays as it is; one without a field `level` keeps its scale.
    batches
        The training blocks under this model, see :func:`with_prior`.
    log_s2
        Where to begin, by default the model's own.

    Notes
    -----
    Two numbers by Fisher scoring. kappa and alpha stay.
    """
    has_level = hasattr(model.prior, "level")
    if not (has_level or model.learn_s2):
        return model
    zero = jnp.asarray(0.0)
    scale = Model(
        ConstantPrior(zero) if has_level else _Unscaled(),
        model.log_s2 if log_s2 is None or not model.learn_s2 else log_s2,
        model.log_kappa,
        learn_s2=model.learn_s2,
        learn_kappa=False,
        alpha=zero,
    )
    for step in fit_scoring(start_scoring(scale), batches):
        scale = step.state.model
    prior = model.prior
    if isinstance(scale.prior, ConstantPrior):
        prior = prior.at_level(prior.level + scale.prior.level)  # type: ignore[attr-defined]
    return replace(model, prior=prior, log_s2=scale.log_s2)
