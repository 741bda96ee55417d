"""Simulated truths: priors with known effects, and z-scores drawn from the model."""

import numpy as np
from jaxtyping import Float, Int

TRUTHS = ("constant", "linear", "threshold", "interactions")

# How much more heritability a variant above the threshold has, and how many are above it.
THRESHOLD_FOLD, THRESHOLD_SHARE = 20.0, 0.1


def true_log_variance(
    annotations: Float[np.ndarray, "variants annotations"], truth: str, rng: np.random.Generator
) -> Float[np.ndarray, " variants"]:
    """Log f of a known truth, up to its level.

    Parameters
    ----------
    annotations
        Standardised annotations, (variants, annotations).
    truth
        "constant"; "linear": log-linear in a third of the annotations; "threshold": the tenth of
        variants with the largest sum of a third of them, with signs, has 20 times the variance of
        the others; "interactions": a third of
        the annotations act by products of two and of three of them, and only a little alone.
    rng
        Draws the effects.

    Raises
    ------
    ValueError
        For an unknown truth.
    """
    if truth not in TRUTHS:
        raise ValueError(f"unknown truth {truth!r}: one of {', '.join(TRUTHS)}")
    variants, count = annotations.shape
    if truth == "constant":
        return np.zeros(variants)
    active = annotations[:, rng.permutation(count)[: max(count // 3, 2)]]
    number = active.shape[1]

    def signs(size: int) -> np.ndarray:
        return rng.choice([-1.0, 1.0], size)

    if truth == "linear":
        return 0.4 * active @ signs(number)
    if truth == "threshold":
        total = active @ signs(number)
        return np.log(THRESHOLD_FOLD) * (total > np.quantile(total, 1 - THRESHOLD_SHARE))
    log_f = 0.25 * active @ signs(number)
    # Bounded, so that no single variant takes all of the heritability.
    bounded = np.tanh(1.5 * active)
    for order, terms in ((2, number), (3, number // 2)):
        for sign in signs(terms):
            chosen = rng.choice(number, min(order, number), replace=False)
            log_f = log_f + sign * bounded[:, chosen].prod(axis=1)
    return log_f


def draw_effects(
    variance: Float[np.ndarray, " variants"], rng: np.random.Generator, causal: float = 1.0
) -> Float[np.ndarray, " variants"]:
    """Effects b_j of variance d_j, in units of z.

    Parameters
    ----------
    variance
        d_j, (variants,).
    rng
        Draws them.
    causal
        Expected share of variants with an effect. They are the more probable the larger their d_j
        is, pi_j = min(1, causal d_j / mean d), with effects from Normal(0, d_j / pi_j).
    """
    effects = rng.standard_normal(len(variance)) * np.sqrt(variance)
    if causal == 1:
        return effects
    share = np.minimum(1, causal * variance / variance.mean())
    return np.where(rng.random(len(variance)) < share, effects / np.sqrt(share), 0.0)


def draw_z(
    factor: Float[np.ndarray, "variants k"],
    effects: Float[np.ndarray, " variants"],
    rng: np.random.Generator,
    *,
    s2: float = 1.0,
) -> Float[np.ndarray, " variants"]:
    """z-scores of one LD block, z | b ~ Normal(R b, s2 R) with R = W W^T.

    Parameters
    ----------
    factor
        W, (variants, k).
    effects
        b, (variants,), in units of z.
    rng
        Draws the noise.
    s2
        Noise scale.
    """
    noise = rng.standard_normal(factor.shape[1]) * np.sqrt(s2)
    return factor @ (factor.T @ effects + noise)


def draw_annotations(
    positions: Int[np.ndarray, " variants"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "variants annotations"]:
    """Annotations of one stretch of chromosome that look like real ones.

    Parameters
    ----------
    positions
        Sorted positions in bp, (variants,).
    count
        Number of annotations: the first half are binary, intervals of 2 to 50 kb; the others
        continuous, smooth along the chromosome over 5 to 100 kb with a noisy part.
    rng
        Draws them.

    Returns
    -------
    (variants, annotations) float32; binary ones are 0 or 1, continuous ones have unit variance.
    """
    columns = []
    start, stop = positions[0], positions[-1] + 1
    for a in range(count):
        if a < count // 2:
            # Annotation a always has the same width and coverage, whatever the stretch.
            width, coverage = 2_000 * 5 ** (a % 3), 0.03 + 0.25 * ((a * 7) % 11) / 10
            number = rng.poisson((stop - start) * coverage / width) + 1
            left = np.sort(rng.uniform(start - width, stop, number))
            inside = np.searchsorted(left, positions, "right") - 1
            covered = (inside >= 0) & (positions - left[np.maximum(inside, 0)] < width)
            columns.append(covered.astype(np.float32))
        else:
            scale = 5_000 * 20 ** ((a % 4) / 3)
            decay = np.exp(-np.diff(positions, prepend=positions[0]) / scale)
            noise = rng.standard_normal(len(positions))
            smooth = np.empty(len(positions))
            smooth[0] = noise[0]
            for i in range(1, len(positions)):
                smooth[i] = decay[i] * smooth[i - 1] + np.sqrt(1 - decay[i] ** 2) * noise[i]
            rough = rng.standard_normal(len(positions))
            columns.append((np.sqrt(0.8) * smooth + np.sqrt(0.2) * rough).astype(np.float32))
    return np.stack(columns, axis=1)
