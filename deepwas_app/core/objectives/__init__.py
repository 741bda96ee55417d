"""What training minimises: the likelihood of a batch of blocks or a regression, to second order.

One file an objective; ``OBJECTIVES`` lists them. A new file here, or a module that another package
names under the entry-point group ``deepwas_app.objectives``, adds one.
"""

from deepwas_app.core.objectives.base import (
    OBJECTIVES,
    BlockLosses,
    Information,
    Objective,
    flatten,
    log_prior_variance,
    make_objective,
)
from deepwas_app.core.objectives.full_likelihood import (
    FULL_LIKELIHOOD,
    FullLikelihood,
    block_losses,
    information,
)
from deepwas_app.core.objectives.ld_score_regression import LDScoreRegression

__all__ = [
    "FULL_LIKELIHOOD",
    "OBJECTIVES",
    "BlockLosses",
    "FullLikelihood",
    "Information",
    "LDScoreRegression",
    "Objective",
    "block_losses",
    "flatten",
    "information",
    "log_prior_variance",
    "make_objective",
]
