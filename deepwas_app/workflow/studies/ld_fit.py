"""Whether the LD of a study is that of its GWAS, as a whole, before anything is fitted to it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepwas_app.core.mismatch import LeadingShare, leading_share
from deepwas_app.genetics.content import content_hash
from deepwas_app.genetics.ld.structure import ancestry_notes
from deepwas_app.genetics.store import read_block
from deepwas_app.genetics.study import whitened_z
from deepwas_app.workflow.studies.builtin import StudyLike, open_study

# What is this many standard errors from what it should be is far out ...
FAR = 4.0
# ... if it is also off by a factor that is large enough to matter.
EXCESS = 1.3
# Of the variance of z-scores a panel of enough people sees at least so much.
SEEN = 2 / 3
# By the contents of studies.
_said: dict[str, list[str]] = {}
_SPECTRUM = ("x", "eigenvalues", "noise", "background")


class LdFit(NamedTuple):
    """What a study as a whole says of its LD.

    Attributes
    ----------
    flagged
        Whether its LD is not to be used.
    ratio
        Share of the z-scores' sum of squares along the leading half of the components of LD, over
        what it is where LD is right. Mean over LD blocks, weighted by variants.
    error
        Standard error of `ratio` under the null.
    seen
        Share of the variance of z-scores under the null that the people behind the LD show.
    message
        All this in a line without a full stop, with likely causes where it is flagged.
    """

    flagged: bool
    ratio: float
    error: float
    seen: float
    message: str


def ld_fit(study: StudyLike) -> LdFit:
    """Tell whether the LD of a study is that of its GWAS.

    Parameters
    ----------
    study
        From ``open_study``, or its path.

    Returns
    -------
    LdFit

    Notes
    -----
    No model is fitted, and no noise: see :func:`deepwas_app.core.mismatch.leading_share`.

    Examples
    --------
    >>> ld_fit("height_chr22").message
    """
    study = open_study(study)
    z, owner = whitened_z(study), study["variant_block"].values
    # Flanks are scored by a neighbour.
    owner = np.where(study["variant_scored"].values, owner, -1)
    offsets, counts = study["block_offset"].values, study["block_variants"].values
    shares = []
    for b in np.flatnonzero(study["block_components"].values > 0):
        rows = slice(int(offsets[b]), int(offsets[b] + counts[b]))
        block = read_block(study, int(b), _SPECTRUM)
        x, eigenvalues, noise, background = (block[name].values for name in _SPECTRUM)
        mine = z[rows][owner[rows] == b]
        shares.append(leading_share(x, eigenvalues, noise, background, mine))
    return judged(shares, study.attrs.get("ld_people"))


def apart(observed: float, expected: float, error: float) -> bool:
    """Whether a share is too small, by its size and by its error."""
    return observed * EXCESS < expected and expected - observed > FAR * error


def judged(shares: Sequence[LeadingShare], people: float | None) -> LdFit:
    """Take the LD blocks of a study together.

    Parameters
    ----------
    shares
        Of its LD blocks.
    people
        People behind its LD, other than those of the GWAS; 0 where LD is exact, None where nobody
        knows.
    """
    observed, expected, error, seen, variants, components = np.array(shares, np.float64).T
    weight = variants / variants.sum()
    ratio = float(weight @ (observed / expected))
    its_error = float(np.sqrt(((weight * error / expected) ** 2).sum()))
    shown = float(weight @ seen)
    misfit = apart(ratio, 1.0, its_error)
    few = bool(people) and shown < SEEN
    found = (
        f"{weight @ observed:.0%} of the z-scores' sum of squares follows the leading half of LD, "
        f"where {weight @ expected:.0%} should (ratio {ratio:.2f} ± {its_error:.2f})"
    )
    words = []
    if misfit:
        words.append(
            f"The LD of this study is not that of its GWAS: {found}. Likely causes: z-scores of "
            "other variants, effect alleles taken for the other ones, LD of another ancestry, or "
            f"of fewer people than stated (no block has more than {components.max():.0f} "
            "components)"
        )
    if few:
        words.append(
            f"The LD of this study is from {people:,.0f} people, too few for LD blocks of "
            f"{np.median(variants):,.0f} variants: they show {shown:.0%} of the variance of "
            "z-scores. Use LD of more people, or smaller blocks"
        )
    message = ". ".join(words) or f"The LD of this study as a whole fits its GWAS: {found}"
    return LdFit(misfit or few, ratio, its_error, shown, message)


def ld_warnings(study: StudyLike) -> list[str]:
    """What is to be said against a study's LD and summary statistics; nothing of a right one.

    Its blocks are read once, however many runs of it ask.
    """
    study = open_study(study)
    contents = content_hash(study)
    if contents not in _said:
        fit = ld_fit(study)
        _said[contents] = [fit.message] if fit.flagged else []
        _said[contents] += ancestry_notes(study.attrs.get("distant_ld"))
    return _said[contents] + list(study.attrs.get("doubts", []))
