"""From the scale on which cases are counted to that of the liability behind them."""

from scipy.stats import norm

from deepwas_app.errors import InputError


def liability_factor(prevalence: float, case_fraction: float) -> float:
    """Heritability of the liability over that of being a case, as a GWAS of cases sees it.

    Parameters
    ----------
    prevalence
        Share of the population that has the trait, K, in (0, 1).
    case_fraction
        Share of cases in the people of N, P, in (0, 1): 1/2 where N is the effective one,
        4 / (1/cases + 1/controls).

    Returns
    -------
    float
        K² (1 - K)² / (P (1 - P) φ(t)²), φ(t) the normal density at the threshold of liability
        that a share K is above.

    Raises
    ------
    InputError
        If a share is not between 0 and 1.

    References
    ----------
    Lee, Wray, Goddard & Visscher 2011, doi:10.1016/j.ajhg.2011.02.002.
    """
    for name, share in (("prevalence", prevalence), ("case fraction", case_fraction)):
        if not 0 < share < 1:
            raise InputError(f"{name} {share:g}: give a share, above 0 and below 1")
    of_population = prevalence * (1 - prevalence)
    density = norm.pdf(norm.isf(prevalence))
    return float(of_population**2 / (case_fraction * (1 - case_fraction) * density**2))
