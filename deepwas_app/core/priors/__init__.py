"""Prior models: the log of f(a), the per-variant heritability as a function of annotations.

One file a prior, with all that is to be known of it; ``PRIORS`` lists them. A new file here, or a
module that another package names under the entry-point group ``deepwas_app.priors``, adds one.
"""

from deepwas_app.core.priors.base import (
    PRIORS,
    Prior,
    PriorInputs,
    Standardisation,
    make_prior,
    spared,
    zero_last,
)
from deepwas_app.core.priors.constant import ConstantPrior
from deepwas_app.core.priors.enrichment import EnrichmentPrior
from deepwas_app.core.priors.linear import LINKS, LinearPrior
from deepwas_app.core.priors.mlp import MLPPrior
from deepwas_app.core.priors.model import (
    ALPHA,
    ALPHA_RANGE,
    KAPPA_RANGE,
    S2_RANGE,
    TYPICAL,
    Model,
    bounded,
    limits,
    parameter_count,
    ridge_precision,
    trainable,
)
from deepwas_app.core.priors.transformer import TransformerPrior

__all__ = [
    "ALPHA",
    "ALPHA_RANGE",
    "KAPPA_RANGE",
    "LINKS",
    "PRIORS",
    "S2_RANGE",
    "TYPICAL",
    "ConstantPrior",
    "EnrichmentPrior",
    "LinearPrior",
    "MLPPrior",
    "Model",
    "Prior",
    "PriorInputs",
    "Standardisation",
    "TransformerPrior",
    "bounded",
    "limits",
    "make_prior",
    "parameter_count",
    "ridge_precision",
    "spared",
    "trainable",
    "zero_last",
]
