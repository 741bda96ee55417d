"""An objective: the likelihood to the power one half."""

import jax

from deepwas_app.core.objectives import FULL_LIKELIHOOD, OBJECTIVES, Objective


@OBJECTIVES.add
class TemperedLikelihood(Objective):
    """Half of the negative log-likelihood, for models that are not to be trusted too far."""

    name = "tempered"
    label = "Tempered likelihood"
    doc = "the likelihood to the power one half"

    # Loss of every LD block of a batch.
    def losses(self, model, batch, key):
        return self._half(FULL_LIKELIHOOD.losses(model, batch, key))

    # Its gradient and second order, for priors that are fitted by Newton steps.
    def information(self, parameters, unravel, batch):
        return jax.tree.map(
            lambda leaf: leaf / 2, FULL_LIKELIHOOD.information(parameters, unravel, batch)
        )

    def _half(self, found):
        return found._replace(loss=found.loss / 2, error=found.error / 2)
