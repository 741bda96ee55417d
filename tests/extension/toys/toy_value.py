"""A value per variant: how uncertain its effect remains under a run."""

from deepwas_app.workflow.results.values import VALUES, VariantValue


def uncertainty(study, run, rows):
    """Posterior standard deviation of sqrt(N) beta; of every variant where `rows` is None."""
    from deepwas_app.workflow.results.posterior import posterior

    sd = posterior(study, run)["variant_posterior_variance"].values ** 0.5
    return sd if rows is None else sd[rows]


VALUES.add(VariantValue("uncertainty", "Posterior s.d.", "S.d. of √N β", uncertainty))
