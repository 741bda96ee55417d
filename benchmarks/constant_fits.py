"""The constant prior and LD score regression fitted to many studies of one panel at once.

With a constant prior, equal sample sizes and every variant scored, K is diagonal, because
Q'Q = diag(lambda): numpy fits all studies together.
"""

from typing import NamedTuple

import numpy as np
from ld_blocks import Block

from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors.model import LOG_S2_DEVIATION


class Fits(NamedTuple):
    """Of every study: signal per variant, s2, kappa, and block-jackknife error of log signal."""

    level: np.ndarray
    s2: np.ndarray
    kappa: np.ndarray
    error: np.ndarray


def fit(
    squares: np.ndarray,
    basis: np.ndarray,
    start: np.ndarray,
    precision: np.ndarray,
    steps: int = 100,
) -> np.ndarray:
    """p of y_i ~ Normal(0, sum_k p_k basis_ki), by Fisher scoring in log p.

    Parameters
    ----------
    squares
        y^2, (studies, components).
    basis
        Known shapes of the variance, (terms, components). Terms behind the last of `start` are
        fixed at 1.
    start
        First p, (studies, learned terms).
    precision
        Of a normal prior on log p about 0, (learned terms,).
    """
    squares, basis = squares.astype(np.float32), basis.astype(np.float32)
    learned = start.shape[1]
    pairs = (basis[:learned, None] * basis[None, :learned]).reshape(learned**2, -1).T
    fixed = basis[learned:].sum(axis=0)

    def evaluate(p: np.ndarray, rows: np.ndarray):
        weight = 1 / (p.astype(np.float32) @ basis[:learned] + fixed)
        scaled = squares[rows] * weight
        prior = precision * np.log(p)
        loss = 0.5 * (scaled - np.log(weight)).sum(axis=1, dtype=np.float64)
        loss += 0.5 * (prior * np.log(p)).sum(axis=1)
        gradient = 0.5 * p * ((weight * (1 - scaled)) @ basis[:learned].T) + prior
        information = 0.5 * ((weight * weight) @ pairs).reshape(-1, learned, learned)
        information = information * p[:, :, None] * p[:, None, :]
        return loss, gradient, information + np.diag(precision)

    p = start.astype(np.float64)
    active = np.arange(len(p))
    damping = np.full(len(p), 1e-3)
    loss, gradient, information = evaluate(p, active)
    for _ in range(steps):
        scale = np.einsum("skk->sk", information)[active] + 1e-9
        step = np.linalg.solve(
            information[active] + np.eye(learned) * (scale * damping[active, None])[:, None],
            gradient[active][..., None],
        )[..., 0]
        gain = 0.5 * (step * gradient[active]).sum(axis=1)
        going = gain > 1e-5
        active, step = active[going], step[going]
        if not len(active):
            break
        trial = p[active] * np.exp(-np.clip(step, -2, 2))
        found = evaluate(trial, active)
        better = found[0] < loss[active]
        damping[active] = np.where(better, damping[active] / 5, damping[active] * 10)
        good = active[better]
        p[good] = trial[better]
        loss[good], gradient[good], information[good] = (part[better] for part in found)
    return p


def jackknife(
    squares: np.ndarray, basis: np.ndarray, p: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Block-jackknife errors of the log of the first p, (studies,), by one step for every block.

    Parameters
    ----------
    squares, basis, p
        As in :func:`fit`, at its optimum.
    starts
        First component of every LD block.
    """
    learned = p.shape[1]
    variance = p @ basis[:learned] + basis[learned:].sum(axis=0)
    slopes = p[:, :, None] * basis[:learned] / variance[:, None]
    score = 0.5 * np.add.reduceat(slopes * (1 - squares / variance)[:, None], starts, axis=-1)
    fisher = 0.5 * np.add.reduceat(slopes[:, :, None] * slopes[:, None], starts, axis=-1)
    score -= score.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.einsum("skkb->sk", fisher))
    fisher *= (scale[:, :, None] * scale[:, None])[..., None]
    others = np.moveaxis(fisher.sum(axis=-1, keepdims=True) - fisher, -1, 0)
    inverse = np.linalg.pinv(others, rcond=1e-6, hermitian=True)
    moves = scale[:, 0] * np.einsum("bsk,sk,skb->bs", inverse[:, :, 0], scale, score)
    return jackknife_error(moves)


def shapes(blocks: list[Block]) -> dict[str, np.ndarray]:
    """Variance of x, as if LD were exact, by its source, (components,) each."""
    parts = [
        {
            "signal": b.eigenvalues,
            "sampled signal": (b.eigenvalues + b.background * len(b.rows)) / b.noise**2,
            "noise": np.ones(len(b.noise)),
            "sampled noise": 1 / b.noise,
            "mismatch": 1 / b.eigenvalues,
        }
        for b in blocks
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fit_methods(blocks: list[Block], z: np.ndarray) -> dict[str, Fits]:
    """Every method on the studies of one panel."""
    x2 = np.concatenate([(z[:, b.rows] @ b.to_x) ** 2 for b in blocks], axis=1)
    by = shapes(blocks)
    rows = np.concatenate([b.rows for b in blocks])
    scores = np.concatenate([b.scores for b in blocks])
    starts = np.cumsum([0, *(len(b.noise) for b in blocks[:-1])])
    level = np.maximum(np.mean(z[:, rows] ** 2, axis=1) - 1, 0.05) / scores.mean()
    one = np.ones_like(level)
    signal, noise, mismatch = by["sampled signal"], by["sampled noise"], by["mismatch"]

    def by_likelihood(terms, *begin, s2_precision=LOG_S2_DEVIATION**-2) -> Fits:
        precision = np.array([0.0, s2_precision, 0.0])[: len(begin)]
        p = fit(x2, np.stack(terms), np.stack(begin, axis=1), precision)
        error = jackknife(x2, np.stack(terms), p, starts)
        s2, kappa = (p[:, k] if k < p.shape[1] else None for k in (1, 2))
        s2 = one if s2 is None else s2
        kappa = 0 * one if kappa is None else kappa
        return Fits(p[:, 0], s2, kappa, error)

    found = {
        "new": by_likelihood((signal, noise), level, one),
        "new, kappa": by_likelihood((signal, noise, mismatch), level, one, 0.05 * one),
        "new, s2 1": by_likelihood((signal, noise), level),
        "before": by_likelihood(
            (by["signal"], by["noise"], mismatch), level, one, 0.05 * one, s2_precision=0.0
        ),
    }
    for name, free in (("LDSC", True), ("LDSC, 1", False)):
        slope, intercept = ld_score_regression(z[:, rows] ** 2, scores, free)
        found[name] = Fits(slope, intercept, 0 * one, np.full_like(one, np.nan))
    return found


def ld_score_regression(chi2: np.ndarray, scores: np.ndarray, free: bool):
    """Slopes and intercepts of chi^2 on LD scores, by the usual weights, refined three times."""
    score = np.maximum(scores, 1.0)
    intercept = np.ones(len(chi2))
    slope = np.maximum(chi2.mean(axis=1) - 1, 0) / scores.mean()
    for _ in range(3):
        w = 1 / (score * (1 + np.maximum(slope, 0)[:, None] * score) ** 2)
        if free:
            total = w.sum(axis=1)
            l_mean = (w @ scores) / total
            y_mean = (w * chi2).sum(axis=1) / total
            spread = w @ scores**2 - total * l_mean**2
            slope = ((w * chi2) @ scores - total * l_mean * y_mean) / spread
            intercept = y_mean - slope * l_mean
        else:
            slope = ((w * (chi2 - 1)) @ scores) / (w @ scores**2)
    return slope, intercept
