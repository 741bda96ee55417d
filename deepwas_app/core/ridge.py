"""How far coefficients are from 0 on the whole: the s.d. of their normal prior, from the data."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import minimize_scalar

# Mode of the weak prior on the s.d., in log variance per s.d. of an annotation.
USUAL_DEVIATION = 0.5
# The s.d. is looked for in here.
_RANGE = (1e-5, 1e2)
_GRID = 200


def learned_precision(
    values: Float[np.ndarray, " parameters"],
    gradient: Float[np.ndarray, " parameters"],
    fisher: Float[np.ndarray, "parameters parameters"],
    shrunk: Bool[np.ndarray, " parameters"],
) -> float:
    """Precision of the normal prior that a model's coefficients share, by marginal likelihood.

    Parameters
    ----------
    values, gradient, fisher
        Parameters of a model, and the gradient and Fisher information of its loss there without
        the normal prior.
    shrunk
        Which of the parameters are coefficients.

    Notes
    -----
    To second order the likelihood says that I c^ ~ Normal(I c, I), where c^ = c - I^-1 g and I is
    the information on the coefficients with all else free. With c ~ Normal(0, t 1) and the
    eigenvalues l_i of I, the components b_i of I c^ are Normal(0, l_i + t l_i^2): one number, t,
    maximises 1/2 sum_i [t b_i^2 / (1 + t l_i) - log(1 + t l_i)]. For a quadratic loss it is the
    same wherever it is asked for, so that it can be learned along with Newton steps.

    A Rayleigh distribution of the s.d. with its mode at 0.5 is weaker than one annotation, and
    keeps the s.d. from 0 and from infinity: with k annotations that do nothing it leaves about
    1 / sqrt(k) of a unit of information to each (Chung et al. 2013 on such priors).

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
        grown = 1 + t * eigenvalues
        evidence = 0.5 * np.sum(t * squares / grown - np.log(grown))
        return float(0.5 * t / USUAL_DEVIATION**2 - log_deviation - evidence)

    grid = np.log(np.geomspace(*_RANGE, _GRID))
    best = int(np.argmin([loss(at) for at in grid]))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
    return float(np.exp(-2 * minimize_scalar(loss, bounds=ends, method="bounded").x))
