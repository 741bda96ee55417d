"""Where the data say nothing of an annotation: one rule, and its reason in words.

A coefficient, a partial effect or an enrichment is a ratio of variances, in logs. Where its 95%
interval reaches a thousand times up and down (`WIDEST`), it excludes nothing that was possible
before the data were seen: the largest enrichments of heritability that were ever reported are of
the order of a hundred, and depletion to a thousandth is as good as none. Of a continuous annotation
the ratio is that of an s.d., of a binary one that of inside and outside, because one s.d. of a rare
set is a small part of it.

A jackknife error is a spread over LD blocks. Of an annotation that one block knows alone it is
nearly 0, because without that block nothing is known at all; so fewer than two blocks
(`LEAST_BLOCKS`, see ``Jackknife.known_from``) give no error.

Where heritability is not told from 0 there is nothing to share out among annotations.
"""

import math

import numpy as np

from deepwas_app.intervals import interval

WIDEST, LEAST_BLOCKS = 1000.0, 2.0
CONSTANT = "the same for every scored training variant: left alone"
NULL = "heritability is not told from 0"
ONE_BLOCK = "known from one LD block only, which gives no error"
WIDE = f"no information: the 95% interval reaches further than {WIDEST:,.0f} times up and down"
OUTLYING = "a few values carry most of its variance"


def too_wide(log_error: np.ndarray, blocks: int) -> np.ndarray:
    """Whether the interval of the log of a ratio of variances says nothing.

    Parameters
    ----------
    log_error
        Standard errors of the log. NaN, as where a share is none or all, is not too wide.
    blocks
        Number of LD blocks that they rest on.
    """
    _, half = interval(0.0, log_error, blocks)
    return np.asarray(half > math.log(WIDEST))


def coefficient_reasons(
    error: np.ndarray,
    deviation: np.ndarray,
    binary: np.ndarray,
    known_from: np.ndarray,
    blocks: int,
) -> list[str]:
    """Why coefficients are none, each on its own; empty where they are.

    Parameters
    ----------
    error
        Standard errors per s.d., (annotations,).
    deviation
        S.d., infinite of annotations that are constant, (annotations,).
    binary
        Which are sets of variants, (annotations,) bool.
    known_from
        How many LD blocks know of them, (annotations,).
    blocks
        Number of training blocks.
    """
    wide = too_wide(np.where(binary, error / deviation, error), blocks)
    return [
        CONSTANT if constant else ONE_BLOCK if known < LEAST_BLOCKS - 1e-9 else WIDE if too else ""
        for constant, known, too in zip(np.isinf(deviation), known_from, wide, strict=True)
    ]


def first_reasons(*reasons: list[str]) -> list[str]:
    """Of several lists the first reason of each."""
    return [next(filter(None, own), "") for own in zip(*reasons, strict=True)]


def joined(*remarks: list[str]) -> np.ndarray:
    """All remarks on each, without repetition."""
    said = zip(*remarks, strict=True)
    return np.array(["; ".join(dict.fromkeys(filter(None, own))) for own in said], dtype=str)


def left_out(values: np.ndarray, reasons: list[str]) -> np.ndarray:
    """The values, NaN where there is a reason; on the last axis."""
    return np.where(np.array([bool(reason) for reason in reasons]), np.nan, values)
