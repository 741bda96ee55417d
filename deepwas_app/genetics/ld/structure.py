"""Whether the people of an LD panel are of one ancestry: LD of variants that are far apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Variants of one chromosome that are so many bases apart are in no LD of their own.
FAR = 10_000_000
# r^2 of such variants where people are of one ancestry, and unrelated, is 0.
MIXED = 0.0005
# Variants of a block, people, and variants in all that are looked at; the fewest pairs that tell.
EACH, PEOPLE, MOST, PAIRS = 8, 2_000, 2_000, 500


class Sample(NamedTuple):
    """A few variants of an LD block, in the same people as those of the others.

    Attributes
    ----------
    chromosome
        Of the block.
    position
        Of the variants, in bases, (variants,).
    genotypes
        Each of mean 0 and length 1, (people, variants).
    """

    chromosome: str
    position: np.ndarray
    genotypes: Float[np.ndarray, "people variants"]


def sample_of(
    chromosome: str, position: np.ndarray, standardised: Float[np.ndarray, "people variants"]
) -> Sample:
    """Take some of a block's variants, evenly, in some people.

    Parameters
    ----------
    chromosome, position
        Of the block and its variants.
    standardised
        Genotypes of the block.
    """
    people, variants = standardised.shape
    rows = np.unique(np.linspace(0, max(people - 1, 0), min(people, PEOPLE)).astype(int))
    columns = np.unique(np.linspace(0, max(variants - 1, 0), min(variants, EACH)).astype(int))
    some = standardised[np.ix_(rows, columns)].astype(np.float32)
    some -= some.mean(axis=0)
    length = np.linalg.norm(some, axis=0)
    return Sample(
        chromosome, position[columns][length > 0], some[:, length > 0] / length[length > 0]
    )


def distant_ld(samples: Sequence[Sample]) -> tuple[float, float] | None:
    """Mean r^2 of variants on different chromosomes, or far apart on one, less what chance makes.

    Parameters
    ----------
    samples
        Of all LD blocks, from :func:`sample_of`.

    Returns
    -------
    The mean and its standard error where there is none; None where there are too few pairs or
    people.

    Notes
    -----
    Two variants whose frequencies differ by d1 and d2 between two ancestries with shares a and
    1 - a have a covariance of a (1 - a) d1 d2 wherever they are, so that r^2 comes to about the
    square of the ancestries' F_ST. Relatives, who share long segments, are seen as well. Of n
    unrelated people of one ancestry the mean of r^2 is 1 / (n - 1), and its s.d. sqrt(2) / n; the
    error counts pairs of LD blocks, not of variants.
    """
    people = len(samples[0].genotypes) if samples else 0
    if people < 3:
        return None
    sizes = [len(s.position) for s in samples]
    chromosome = np.repeat([s.chromosome for s in samples], sizes)
    block = np.repeat(np.arange(len(samples)), sizes)
    position = np.concatenate([s.position for s in samples]).astype(np.int64)
    X = np.concatenate([s.genotypes for s in samples], axis=1)
    some = slice(None, None, -(-len(position) // MOST) or 1)
    chromosome, position, block, X = chromosome[some], position[some], block[some], X[:, some]
    far = np.not_equal.outer(chromosome, chromosome)
    far |= np.abs(np.subtract.outer(position, position)) >= FAR
    if far.sum() < 2 * PAIRS:
        return None
    mean = np.square(X.T @ X)[far].mean(dtype=np.float64) - 1 / (people - 1)
    one, other = np.nonzero(far)
    pairs = len(np.unique(block[one] * len(samples) + block[other])) / 2
    return float(mean), float(np.sqrt(2 / pairs) / people)


def ancestry_notes(distant: Sequence[float] | None) -> list[str]:
    """What to say of such a mean and its error: nothing of one ancestry, or where it is unknown."""
    if distant is None or distant[0] <= max(MIXED, 3 * distant[1]):
        return []
    return [
        "The people of the LD panel seem to be of several ancestries, or relatives: r² of variants "
        f"that are far apart is {distant[0]:.4f} more than chance makes it, where one ancestry has "
        f"less than {MIXED:g}. Use unrelated people of one ancestry, that of the GWAS"
    ]
