"""Knobs of a scaling experiment."""

import param

from deepwas_app.core.objectives import OBJECTIVES
from deepwas_app.core.priors import PRIORS
from deepwas_app.workflow.settings.base import facts
from deepwas_app.workflow.settings.shared import HeldOut


class ScalingSettings(HeldOut):
    """Held-out likelihood against the number of parameters."""

    sizes = param.List(
        default=["linear", "XS", "S", "M", "L", "XL"],
        item_type=str,
        doc="Models to compare: a prior without sizes (constant, linear), XS to XL (of a "
        "transformer also 4M, 15M and 50M), or WIDTHxDEPTH of a network.",
    )
    prior: param.Selector[str] = param.Selector(
        default="mlp",
        objects=[name for name, kind in PRIORS.items() if kind.sizes],
        doc="The network that the sizes are of.",
    )
    objectives = param.List(
        default=["likelihood", "ldsr"],
        item_type=str,
        doc=f"What training maximises: {', '.join(OBJECTIVES)}.",
    )
    seeds = param.Integer(
        1,
        bounds=(1, 100),
        doc="Seeds per model; not for constant and linear.",
        metadata=facts("seeds"),
    )
    epochs = param.Integer(
        20,
        bounds=(1, 10_000),
        doc="Passes over the training blocks (networks).",
        metadata=facts("passes"),
    )
    validation_chromosomes = param.String(
        "auto",
        doc="Chromosomes, as 1,2, for early stopping. auto: an eighth of them, or "
        "of the training blocks where there are few. none: no early stopping.",
    )
