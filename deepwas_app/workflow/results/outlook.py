"""What more people would bring: how many variants are causal, and how many of them are found."""

import numpy as np
import pandas as pd

from deepwas_app.core.discoveries import expected_discoveries
from deepwas_app.core.polygenicity import LOG_ODDS
from deepwas_app.errors import InputError
from deepwas_app.intervals import interval
from deepwas_app.workflow.results.heritability import heritability
from deepwas_app.workflow.results.locus import RunLike, opened
from deepwas_app.workflow.results.sparse import weigh
from deepwas_app.workflow.runs.doubted import warn_of
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.settings.results import OutlookKnobs
from deepwas_app.workflow.studies.builtin import StudyLike
from deepwas_app.workflow.tables import Column, Table

# Of the people of the study, where no number is given.
TIMES = (1, 2, 5, 10)
# Shares of causal variants that are looked at along their interval.
_POINTS = 21
OUTLOOK = Table(
    "outlook",
    "Expected number of causal variants, and of those that a GWAS of so many people finds, one row "
    "a number of people.",
    (
        Column("N", "People", "of the GWAS, on average over variants", digits=0),
        Column("CAUSAL", "Causal variants", "expected, by the sparse prior", "", ".5g", digits=0),
        Column("CAUSAL_LOW", "from", "lower end of its 95% interval", "", ".5g", digits=0),
        Column("CAUSAL_HIGH", "to", "upper end of its 95% interval", "", ".5g", digits=0),
        Column("FOUND", "Found", "of these with P < 5e-8 by their own effect", "", ".5g", digits=0),
        Column("FOUND_LOW", "from", "lower end of its interval", "", ".5g", digits=0),
        Column("FOUND_HIGH", "to", "upper end of its interval", "", ".5g", digits=0),
        Column("H2_SHARE", "Share of h²", "of the heritability that these have", "", ".4g"),
    ),
)


@knobs(OutlookKnobs)
def outlook(study: StudyLike | None, run: RunLike, *, settings: OutlookKnobs) -> pd.DataFrame:
    """How many variants are causal, and how many of them larger GWAS would find.

    Parameters
    ----------
    study, run
        A fitted run, and the study that it was fitted to; None: where it was then.
    settings
        All knobs at once, in place of the keywords below.

    Returns
    -------
    Table :data:`OUTLOOK`. Intervals are those of the polygenicity, by the block jackknife.

    Raises
    ------
    InputError
        If a number of people is none.

    Notes
    -----
    See :func:`deepwas_app.core.discoveries.expected_discoveries`. Variants that the study does not
    have are not counted.
    """
    study, run = opened(study, run)
    warn_of(run)
    n = study["variant_sample_size"].values.astype(np.float64)
    now = float(n.mean())
    wanted = _people(settings.people) or [now * times for times in TIMES]
    with np.errstate(divide="ignore"):
        log_d = np.log(n * heritability(study, run))
    weighed = weigh(study, run)
    found = weighed.polygenicity
    middle = np.log(found.share)
    low, high = interval(middle, found.error, study.sizes["blocks"])
    # Found variants are not the more, the more are causal: all of the interval is looked at.
    shares = [middle, *np.linspace(float(low), float(high), _POINTS)]
    rows = []
    for people in wanted:
        best, *others = (
            expected_discoveries(log_d, weighed.typical, _log_odds(share), people / now)
            for share in shares
        )
        causal, hits = [one.causal for one in others], [one.found for one in others]
        rows.append(
            {
                "N": round(people),
                "CAUSAL": best.causal,
                "CAUSAL_LOW": min(causal),
                "CAUSAL_HIGH": max(causal),
                "FOUND": best.found,
                "FOUND_LOW": min(hits),
                "FOUND_HIGH": max(hits),
                "H2_SHARE": best.share,
            }
        )
    return OUTLOOK.frame(rows)


def _log_odds(log_share: float) -> float:
    share = np.exp(min(log_share, 0.0))
    return float(min(np.log(share) - np.log1p(-min(share, 1 - 1e-9)), LOG_ODDS[0]))


def _people(text: str) -> list[float]:
    try:
        found = [float(item) for item in text.split(",") if item.strip()]
    except ValueError:
        found = [0.0]
    if not all(np.isfinite(people) and people >= 1 for people in found):
        raise InputError(f"people {text}: give numbers of people, as 1e6,3e6.")
    return found
