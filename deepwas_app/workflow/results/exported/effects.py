"""The posterior of every variant's effect, with the probability that it is causal."""

import numpy as np
import pandas as pd

from deepwas_app.workflow.results.exports import EXPORTS, Export
from deepwas_app.workflow.results.identity import VARIANT, identity
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import PosteriorKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

_UNIT = "phenotype s.d. per genotype s.d."
POSTERIOR_EFFECTS = Table(
    "posterior-effects",
    "Posterior of effects, one row a variant.",
    (
        *VARIANT.part("SNP", "CHR", "BP", "A1", "A2"),
        Column("BETA_MEAN", "Effect", "posterior mean effect of A1", _UNIT, ".5e"),
        Column("BETA_SD", "s.d.", "its posterior s.d.", _UNIT, ".5e"),
        Column(
            "PIP",
            "PIP",
            "probability that the variant is causal, if few are; NA under the normal posterior",
            "",
            ".5e",
        ),
    ),
)


@knobs(PosteriorKnobs)
def posterior_effects(
    study: StudyLike | None, run: RunLike, *, settings: PosteriorKnobs
) -> pd.DataFrame:
    """Posterior mean and s.d. of every variant's effect, and its PIP.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Table :data:`POSTERIOR_EFFECTS`. Variants in LD blocks without any z-score are left out.
    """
    # Late: a list of what can be exported does not wait for JAX.
    from deepwas_app.workflow.results.posterior import posterior

    study, run = opened(study, run)
    warn_of(run)
    found = posterior(study, run, settings=settings)
    mean = found["variant_posterior_mean"].values.astype(np.float64)
    rows = np.flatnonzero(np.isfinite(mean))
    root_n = np.sqrt(study["variant_sample_size"].values.astype(np.float64)[rows])
    variance = found["variant_posterior_variance"].values.astype(np.float64)[rows]
    table = identity(study, rows, ("SNP", "CHR", "BP", "A1", "A2")).assign(
        BETA_MEAN=mean[rows] / root_n,
        BETA_SD=np.sqrt(variance) / root_n,
        PIP=found["variant_pip"].values[rows] if "variant_pip" in found else np.nan,
    )
    table.attrs["doubts"] = found.attrs.get("doubts", [])
    return table


EXPORTS.add(
    Export(
        name="posterior-effects",
        title="Posterior effects and PIPs",
        doc="Posterior effects of all variants, with PIPs.",
        purpose="Mean and s.d. of every variant's effect, in phenotype s.d. per genotype s.d., and "
        "its genome-wide **PIP**. For a locus, fine-mapping looks closer.",
        table=POSTERIOR_EFFECTS,
        compute=posterior_effects,
        options=PosteriorKnobs,
        ending="posterior.tsv",
        row=40,
        order=35,
    )
)
