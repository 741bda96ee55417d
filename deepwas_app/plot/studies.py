"""Pictures of studies."""

import holoviews as hv

from deepwas_app.plots import study as _study
from deepwas_app.plots.correlations import correlations as _correlations
from deepwas_app.plots.frequency import frequency as _frequency
from deepwas_app.plots.manhattan import manhattan as _manhattan
from deepwas_app.plots.quantiles import qq as _qq
from deepwas_app.workflow.results.annotation_overview import annotation_overview
from deepwas_app.workflow.results.locus import RunLike
from deepwas_app.workflow.results.spectrum import residual_spectrum
from deepwas_app.workflow.studies.builtin import StudyLike, open_study


def manhattan(study: StudyLike) -> hv.Overlay:
    """Manhattan plot with the genome-wide line at P = 5e-8.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.Overlay
        One point a scored variant, thinned to at most 16,000, of which the highest stay: position
        (Mb, chromosomes end to end) against -log10 P.

    Raises
    ------
    InputError
        If there is no such study.

    Examples
    --------
    >>> picture = dw.plot.manhattan(study)
    """
    return _manhattan(open_study(study))


def qq(study: StudyLike) -> hv.Overlay:
    """Quantile-quantile plot of the P values by frequency class, with lambda GC of each.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.Overlay
        Observed against expected -log10 P of each class of the minor-allele frequency, over the
        line where they agree and the 95% band of as many independent variants.

    Raises
    ------
    InputError
        If there is no such study.

    Examples
    --------
    >>> picture = dw.plot.manhattan(study) + dw.plot.qq(study)
    >>> len(picture)
    2
    """
    return _qq(open_study(study))


def frequency(study: StudyLike) -> hv.Overlay:
    """Frequency of the effect allele in the GWAS against that in the LD panel.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.Overlay
        One point a scored variant of which both have a frequency, thinned, over the line where
        they agree; those that differ by more than 0.1 are orange, and their share is on the axis.

    Raises
    ------
    InputError
        If there is no such study, or it has no frequencies of its GWAS beside the LD panel's.

    Examples
    --------
    >>> picture = dw.plot.frequency(study)
    """
    return _frequency(open_study(study))


def z_histogram(study: StudyLike) -> hv.Overlay:
    """Histogram of the z-scores beside the standard normal.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.Overlay
        Density of the z-scores in 80 bins, those beyond the 99.9% quantile of the absolute value
        (between 4 and 15) in the outermost, and that of N(0, 1).

    Raises
    ------
    InputError
        If there is no such study.

    Examples
    --------
    >>> picture = dw.plot.z_histogram(study)
    """
    return _study.z_histogram(open_study(study))


def alignment(study: StudyLike) -> hv.Overlay:
    """How many rows of the summary statistics were lost on the way, and why.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.Overlay
        One bar a row of :func:`deepwas_app.alignment`, in rows of the file.

    Raises
    ------
    InputError
        If there is no such study.

    Examples
    --------
    >>> picture = dw.plot.alignment(study)
    """
    return _study.alignment_waterfall(open_study(study))


def spectrum(study: StudyLike, run: RunLike | None = None) -> hv.Overlay:
    """Mean of x² along the LD spectrum beside what a model expects: LD that is not the GWAS's.

    Parameters
    ----------
    study
        From ``open_study``, or its path.
    run
        Whose expectation is drawn, open or by path; by default the constant prior's.

    Returns
    -------
    holoviews.Overlay
        Mean of the squared whitened z-scores (1 without association) by LD eigenvalue, in bins
        with 95% intervals, and the expectation.

    Raises
    ------
    InputError
        If a run is not of the study.

    Examples
    --------
    >>> picture = dw.plot.spectrum(study, run)
    """
    return _study.residual_spectrum(residual_spectrum(study, run))


def correlations(study: StudyLike) -> hv.QuadMesh:
    """Correlations of all pairs of a study's annotations, those that are alike side by side.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    holoviews.QuadMesh
        Correlations (annotations x annotations, -1 to 1) over the variants.

    Raises
    ------
    InputError
        If there is no such study, or it has no annotations.

    Examples
    --------
    >>> picture = dw.plot.correlations(study)
    """
    return _correlations(annotation_overview(study)[1])
