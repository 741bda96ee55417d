"""How far coefficients are from 0 on the whole: the s.d. of their normal prior, from the data."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize_scalar

# How much log variance usually varies by all annotations together, an s.d.
USUAL_DEVIATION = 0.5
# Power of its prior's tail.
TAIL = 2.5
# The s.d. is looked for in here.
_RANGE = (1e-5, 1e2)
_GRID = 200


def learned_precision(
    values: Float[np.ndarray, " parameters"],
    gradient: Float[np.ndarray, " parameters"],
    fisher: Float[np.ndarray, "parameters parameters"],
    shrunk: Bool[np.ndarray, " parameters"],
    spread: float = 1.0,
) -> float:
    """Precision of the normal prior that a model's coefficients share, by marginal likelihood.

    Parameters
    ----------
    values, gradient, fisher
        Parameters of a model, and the gradient and Fisher information of its loss there without
        the normal prior.
    shrunk
        Which of the parameters are coefficients.
    spread
        Variance of the gradient over the Fisher information, see :func:`dispersion`.

    Notes
    -----
    To second order the likelihood says that I c^ ~ Normal(I c, I), where c^ = c - I^-1 g and I is
    the information on the coefficients with all else free. With c ~ Normal(0, t 1) and the
    eigenvalues l_i of I, the components b_i of I c^ are Normal(0, l_i + t l_i^2): one number, t,
    maximises 1/2 sum_i [t b_i^2 / (1 + t l_i) - log(1 + t l_i)]. For a quadratic loss it is the
    same wherever it is asked for, so that it can be learned along with Newton steps. Where effects
    are sparse the gradient has `spread` times that variance: b_i is then Normal(0, spread l_i +
    t l_i^2), and beside the loss as it is the precision is spread / t.

    The s.d. s of k coefficients has the prior s / (1 + k (s / 0.5)^2)^2.5: annotations change log
    variance by about 0.5 all together, many of them little each, and by several units if the data
    ask for it (Chung et al. 2013 on priors that keep an s.d. from 0).

    References
    ----------
    MacKay 1992, doi:10.1162/neco.1992.4.3.415; Chung et al. 2013, doi:10.1007/s11336-013-9328-2.
    """
    own, other = np.ix_(shrunk, shrunk), np.ix_(shrunk, ~shrunk)
    across = fisher[other] @ np.linalg.pinv(fisher[np.ix_(~shrunk, ~shrunk)], hermitian=True)
    information = fisher[own] - across @ fisher[other].T
    slope = gradient[shrunk] - across @ gradient[~shrunk]
    eigenvalues, vectors = np.linalg.eigh(information)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    squares = (vectors.T @ (information @ values[shrunk] - slope)) ** 2

    def loss(log_deviation: float) -> float:
        t = np.exp(2 * log_deviation)
        grown = 1 + t * eigenvalues / spread
        evidence = 0.5 * np.sum(t / spread**2 * squares / grown - np.log(grown))
        together = len(eigenvalues) * t / USUAL_DEVIATION**2
        return float(TAIL * np.log1p(together) - log_deviation - evidence)

    grid = np.log(np.geomspace(*_RANGE, _GRID))
    best = int(np.argmin([loss(at) for at in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    return float(spread * np.exp(-2 * minimize_scalar(loss, bounds=ends, method="bounded").x))


def dispersion(
    scores: Float[np.ndarray, "blocks parameters"],
    fisher: Float[np.ndarray, "parameters parameters"],
) -> float:
    """Variance of a gradient, by its spread over LD blocks, over its Fisher information; least 1.

    Parameters
    ----------
    scores
        The gradient of each block.
    fisher
        Fisher information of all of them.

    Notes
    -----
    The mean over parameters, in directions in which the information is 1. It is 1 where effects
    are normal, and more where few variants have large ones (McCullagh & Nelder 1989, 9.3).
    """
    blocks = len(scores)
    if blocks < 2:
        return 1.0
    centred = scores - scores.mean(axis=0)
    inverse = np.linalg.pinv(fisher, hermitian=True, rcond=1e-10)
    total = np.einsum("bi,ij,bj->", centred, inverse, centred, optimize=True)
    rank = max(int(np.linalg.matrix_rank(inverse, hermitian=True)), 1)
    return float(max(total / rank * blocks / (blocks - 1), 1.0))
