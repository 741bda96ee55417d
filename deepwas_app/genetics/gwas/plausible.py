"""Whether summary statistics can be what their columns say: what each check finds, in words."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri_exp

# Fewer rows, pairs or variants than this say nothing.
TELLING = 100
# Rows that are looked at, evenly spread over the file.
LOOKED_AT = 200_000
# By how much z from effect and standard error may differ from z from P, in the median: genomic
# control with lambda 2 makes 1.41.
RATIO = 1.5
# Effects of one sign, in so many stretches of a million bases.
ONE_SIGN, STRETCHES = 0.9, 3
# Of frequencies that are further than the limit from the panel's.
FAR = 0.1
# No frequency above one half, where of the panel's more than this share are above this one. Where
# the minor allele counts, so are 0.3% of 378 people's beside 300 others of a population whose
# frequencies differ by an s.d. of 0.03, and 1.5% with one of 0.06.
ABOVE_HALF, MINOR = 0.55, 0.02
# z-scores, r^2, pairs in an LD block, and blocks from which signs are told.
STRONG, LINKED, PAIRS, BLOCKS = 3.5, 0.5, 10, 3


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")


def _some(count: int) -> slice:
    return slice(None, None, max(count // LOOKED_AT, 1))


def p_range(p: Float[np.ndarray, " rows"]) -> str:
    """Whether more than 1% of P are not between 0 and 1.

    Parameters
    ----------
    p
        As the file has it, NaN where it is missing.
    """
    known = p[~np.isnan(p)]
    outside = int(((known < 0) | (known > 1)).sum())
    if outside <= 0.01 * len(known):
        return ""
    cause = "they may be -log10 P (--column neg_log10_p=NAME)"
    if (known <= 0).mean() > 0.9:
        cause = "they may be ln P or log10 P"
    return f"{outside} of {len(known)} P are not between 0 and 1: {cause}"


def p_and_se(
    effect: Float[np.ndarray, " rows"],
    se: Float[np.ndarray, " rows"],
    log_p: Float[np.ndarray, " rows"],
) -> str:
    """Whether effect over standard error contradicts P, throughout.

    Parameters
    ----------
    effect, se
        Of the trait, or log odds ratio; NaN where unknown.
    log_p
        Natural logarithm of P.

    Notes
    -----
    The s.e. of an odds ratio is that of its logarithm times the odds ratio: then log(z / z_P) falls
    by 1 where the effect rises by 1.
    """
    some = _some(len(effect))
    effect, se, log_p = effect[some], se[some], log_p[some]
    with np.errstate(divide="ignore", invalid="ignore"):
        of_p = -ndtri_exp(np.where(log_p < 0, log_p, np.nan) - np.log(2.0))
        of_se = np.abs(effect / se)
        told = (of_p > 0.5) & (of_p < 30) & np.isfinite(of_se) & (of_se > 0)
    if told.sum() < TELLING:
        return ""
    effect, of_p, of_se = effect[told], of_p[told], of_se[told]
    difference = np.log(of_se / of_p)
    typical = float(np.exp(np.median(difference)))
    together = float(np.corrcoef(_ranks(of_se), _ranks(of_p))[0, 1])
    found = f"z by effect and standard error is {typical:.2g} times z by P in the median"
    if not 1 / RATIO < typical < RATIO or together < 0.5:
        if together < 0.5:
            found = f"z by effect and standard error does not go with P (rank r {together:.2f})"
        return (
            f"{found}. Likely causes: an odds ratio taken for its logarithm, or the other way "
            "round (--column odds_ratio=NAME), the standard error or P of another test, or "
            "-log10 P taken for P"
        )
    # One wild row decides on no slope.
    usual = np.abs(difference) < 1
    x, y = effect[usual] - effect[usual].mean(), difference[usual] - difference[usual].mean()
    if x.std() > 0.02 and y.std() > 0:
        slope, agreement = (x @ y) / (x @ x), (x @ y) ** 2 / ((x @ x) * (y @ y))
        if -1.4 < slope < -0.6 and agreement > 0.5:
            return (
                "standard errors go with the odds ratio: they seem to be its own, where those "
                "of its logarithm belong. Divide them by the odds ratio, or leave them out, "
                "so that z is taken from P"
            )
    return ""


def one_sign(z: Float[np.ndarray, " rows"], chromosome: np.ndarray, position: np.ndarray) -> str:
    """Whether nearly all z-scores have one sign.

    Parameters
    ----------
    z
        z-scores.
    chromosome, position
        Of the rows; one strong locus may well have one sign.
    """
    stretch = position // 1_000_000
    rows = int((z != 0).sum())
    share = max((z > 0).sum(), (z < 0).sum()) / max(rows, 1)
    places = len(set(zip(np.asarray(chromosome).tolist(), stretch.tolist(), strict=True)))
    placed = position.any()
    if rows < TELLING or share <= ONE_SIGN or (placed and places < STRETCHES):
        return ""
    sign = "above" if (z > 0).sum() * 2 > rows else "below"
    return (
        f"{share:.0%} of the z-scores are {sign} 0 (median {np.median(z):.3g}). Likely causes: "
        "odds ratios in the column of effects (--column odds_ratio=NAME), or z-scores, "
        "effects or statistics without their signs"
    )


def minor_frequencies(
    frequency: Float[np.ndarray, " rows"], panel: Float[np.ndarray, " rows"]
) -> bool:
    """Whether frequencies are those of the minor allele, whichever of the two that is.

    Parameters
    ----------
    frequency
        As the file has them, NaN where unknown.
    panel
        Of the file's effect allele, in the panel.
    """
    known = np.isfinite(frequency) & np.isfinite(panel)
    if known.sum() < TELLING or frequency[known].max() > 0.5:
        return False
    return bool((panel[known] > ABOVE_HALF).mean() > MINOR)


def frequencies(
    frequency: Float[np.ndarray, " pairs"],
    panel: Float[np.ndarray, " pairs"],
    most: float,
) -> str:
    """Whether frequencies are those of the other allele, or of other people than the panel's.

    Parameters
    ----------
    frequency, panel
        Of the panel's effect allele, by the file and by the panel, of variants that are not A/T or
        C/G; NaN where unknown.
    most
        Difference beyond which a variant is dropped.
    """
    known = np.isfinite(frequency) & np.isfinite(panel)
    frequency, panel = frequency[known], panel[known]
    if len(panel) < TELLING or min(frequency.std(), panel.std()) < 0.02:
        return ""
    together = float(np.corrcoef(frequency, panel)[0, 1])
    if together < -0.3:
        return (
            f"allele frequencies mirror the panel's (r {together:.2f}): the column is that of "
            "the other allele (--column frequency_other=NAME), or the alleles are the other "
            "way round, and with them all signs (--column effect_allele=NAME "
            "other_allele=NAME)"
        )
    far = float((np.abs(frequency - panel) > most).mean())
    if far <= FAR:
        return ""
    return (
        f"{far:.0%} of the allele frequencies are further than {most:g} from the panel's (r "
        f"{together:.2f}). Likely causes: LD of another ancestry, or a column that is not the "
        "frequency of the effect allele"
    )


def matches(matched: int, other_alleles: int, rows: int, panel: int) -> str:
    """Whether next to nothing is in the panel, or mostly with other alleles.

    Parameters
    ----------
    matched, other_alleles
        Rows of the file that are in the panel; whose place or name is, with other alleles.
    rows, panel
        Of the file, and variants of the panel.
    """
    smaller = min(rows, panel)
    if smaller < TELLING:
        return ""
    causes = "Likely causes: another genome build (--chain), or other chromosomes"
    if other_alleles >= 20 and other_alleles > matched:
        return (
            f"{other_alleles} of {matched + other_alleles} variants at places or with names of "
            f"the panel have other alleles there. {causes}"
        )
    if matched < 0.01 * smaller:
        return f"{matched} of {smaller} variants are in the panel. {causes}"
    return ""


def few_matches(matched: int, other_alleles: int, rows: int, panel: int) -> list[str]:
    """A warning where less than a fifth of the file or of the panel, the smaller, is matched.

    Parameters
    ----------
    matched, other_alleles, rows, panel
        As for :func:`matches`.
    """
    smaller = min(rows, panel)
    if smaller < TELLING or matched >= 0.2 * smaller:
        return []
    others = f", {other_alleles} with other alleles" if other_alleles else ""
    return [
        f"only {matched} of {smaller} variants are in the LD panel{others}: check genome build and "
        "chromosomes"
    ]


def sign_agreement(
    W: Float[np.ndarray, "variants k"], z: Float[np.ndarray, " variants"]
) -> tuple[int, int]:
    """Pairs of strong z-scores in strong LD of one block whose signs are as LD asks, and all.

    Parameters
    ----------
    W
        Factor of its LD.
    z
        z-scores, NaN where there are none.
    """
    length = np.linalg.norm(W, axis=1)
    strong: Bool[np.ndarray, " variants"] = (np.abs(z) >= STRONG) & (length > 0)
    # The strongest are enough.
    rows = np.flatnonzero(strong)
    rows = rows[np.argsort(-np.abs(z[rows]), kind="stable")[:300]]
    units = W[rows] / length[rows, None]
    R = np.triu(units @ units.T, 1)
    linked = R**2 >= LINKED
    agree = np.sign(R) == np.sign(np.outer(z[rows], z[rows]))
    return int((agree & linked).sum()), int(linked.sum())


def ld_signs(blocks: Iterable[tuple[int, int]]) -> str:
    """Whether signs of z-scores contradict LD in most of the blocks that tell.

    Parameters
    ----------
    blocks
        Of each what :func:`sign_agreement` gives.

    Notes
    -----
    Two variants with a correlation r have z-scores near r times each other, whatever the truth,
    where they have no other strong neighbour. Signs at random agree in half of the pairs, where 30%
    are flipped in 58%.
    """
    told = [(agree, pairs) for agree, pairs in blocks if pairs >= PAIRS]
    against = sum(agree < 0.75 * pairs for agree, pairs in told)
    if len(told) < BLOCKS or against <= len(told) / 2:
        return ""
    agreeing, of = np.sum(told, axis=0)
    return (
        f"the signs of strong z-scores contradict LD in {against} of {len(told)} LD blocks "
        f"({agreeing} of {of} pairs of neighbours agree). Likely causes: effect alleles that "
        "are not those of the effects, LD of another ancestry, or of other alleles"
    )
