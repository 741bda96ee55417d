"""Pictures of tables and scores."""

import holoviews as hv
import pandas as pd

from deepwas_app.errors import InputError
from deepwas_app.plots import compare as _compare
from deepwas_app.plots import scores as _scores
from deepwas_app.plots.locus_drivers import driver_plot
from deepwas_app.workflow.results.accuracy import Judged
from deepwas_app.workflow.results.score import SCORES, Scored


def comparison(table: pd.DataFrame) -> hv.Overlay:
    """The difference between two runs by chromosome, of what ``compare`` gives.

    Parameters
    ----------
    table
        From :func:`deepwas_app.compare`.

    Returns
    -------
    holoviews.Overlay
        Difference of the held-out log-likelihoods (10⁻³ nats per variant; above 0 the first run
        is better) of each chromosome, with its standard error, and of all.

    Examples
    --------
    >>> *_, constant = dw.fit(study, "constant")
    >>> picture = dw.plot.comparison(dw.compare(study, run, constant))
    """
    return _compare.by_chromosome(table)


def along_genome(table: pd.DataFrame) -> hv.Overlay:
    """The difference between two runs by LD block, of what ``compare`` gives.

    Parameters
    ----------
    table
        From :func:`deepwas_app.compare`.

    Returns
    -------
    holoviews.Overlay
        Difference of the held-out log-likelihoods (nats; above 0 the first run is better) of each
        LD block; the largest are named by their strongest variant.

    Examples
    --------
    >>> *_, constant = dw.fit(study, "constant")
    >>> picture = dw.plot.along_genome(dw.compare(study, run, constant))
    """
    return _compare.along_genome(table)


def drivers(table: pd.DataFrame) -> hv.Overlay:
    """What drives one variant's prior, of what ``explain`` gives.

    Parameters
    ----------
    table
        From :func:`deepwas_app.explain`.

    Returns
    -------
    holoviews.Overlay
        One bar an annotation: change of the log prior heritability of the variant that is due to
        it.

    Examples
    --------
    >>> picture = dw.plot.drivers(dw.explain(study, run, "rs9614670"))
    """
    return driver_plot(table)


def score_deciles(scored: Scored) -> hv.Overlay:
    """The phenotype by tenths of each score of ``score_people``, with 95% intervals.

    Parameters
    ----------
    scored
        From :func:`deepwas_app.score_people`, with a phenotype.

    Returns
    -------
    holoviews.Overlay
        Mean of a quantitative phenotype, in its unit, or odds ratio of a disease, by tenth of the
        score.

    Raises
    ------
    InputError
        If no phenotype was given.

    Examples
    --------
    >>> scored = dw.score_people(weights, genotypes, phenotype)
    >>> picture = dw.plot.score_deciles(scored)
    """
    judged = _judged(scored)
    (name,) = [name for name in scored.table if name not in SCORES.names]
    return _scores.score_deciles(judged.deciles, str(name))


def score_density(scored: Scored) -> hv.Overlay:
    """Density of the first score of ``score_people`` among cases and among controls.

    Parameters
    ----------
    scored
        From :func:`deepwas_app.score_people`, with a phenotype of cases and controls.

    Returns
    -------
    holoviews.Overlay
        Two densities of the score, in standard deviations from the mean of the controls.

    Raises
    ------
    InputError
        If no phenotype was given, or it is quantitative.

    Examples
    --------
    >>> scored = dw.score_people(weights, genotypes, disease)
    >>> picture = dw.plot.score_density(scored)
    """
    judged = _judged(scored)
    if judged.status is None:
        raise InputError("score_density: the phenotype is quantitative. Draw score_deciles.")
    values = scored.table["SCORE_SUM"].to_numpy()[: len(judged.status)]
    return _scores.score_density(values, judged.status)


def _judged(scored: Scored) -> Judged:
    if scored.judged is None:
        raise InputError("score_people: was given no phenotype. Give it pheno.")
    return scored.judged
