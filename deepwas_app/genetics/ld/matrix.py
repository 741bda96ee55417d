"""LD of one block from a correlation matrix: check it, factorise it. Arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.lapack import spstrf

from deepwas_app.errors import InputError
from deepwas_app.truncation import leading

# Components below this hold nothing but rounding, and whitening would divide by them.
FLOOR = 1e-5
# Rounding of stored matrices gives eigenvalues that are this negative; it is no news.
ROUNDING = 1e-3
_TILE = 1024
# Among so many variants some correlations are negative.
_MANY = 50


class MatrixFactor(NamedTuple):
    """Low-rank factor of a correlation matrix.

    Attributes
    ----------
    W : (variants, components) float32 array
        R = W Wᵀ; where only some variants are owned, the rows and columns of these.
    lowest : float
        Smallest eigenvalue of the owned part: below zero the matrix was not positive
        semi-definite, and the nearest one that is was taken.
    """

    W: np.ndarray
    lowest: float


def matrix_factor(
    R: np.ndarray, variance: float = 1.0, owned: np.ndarray | None = None
) -> MatrixFactor:
    """Factorise a correlation matrix; negative eigenvalues are clipped at zero.

    Parameters
    ----------
    R : (variants, variants) array
        Symmetric, checked by :func:`check_correlations`.
    variance : float
        Share of the variance of the owned variants to keep; 1 keeps all of it.
    owned : (variants,) bool array, optional
        Variants that the block scores; the others are flanks. All of them by default.

    Notes
    -----
    With R_oo = U Λ Uᵀ over the owned variants, W = R_·o U Λ^-1/2, so that W_o = U Λ^1/2.
    W W_oᵀ gives back the columns R_·o, and these are all that whitening uses: the LD among
    flanks is never needed, and the decomposition is that of the core alone.
    """
    if owned is None or owned.all():
        owned = None
    core = R if owned is None else R[np.ix_(owned, owned)]
    # Small blocks afford float64; the largest windows do not.
    precise = core.astype(np.float64) if len(core) <= 8192 else core
    values, vectors = eigh(precise, check_finite=False)
    lowest = float(values[0]) if len(values) else 0.0
    values, vectors = values[::-1], vectors[:, ::-1]
    positive = np.maximum(values, 0)
    kept = leading(positive, variance, positive.sum(), FLOOR)
    values, vectors = values[:kept], vectors[:, :kept]
    scale = np.sqrt(values)
    if owned is None:
        return MatrixFactor(np.ascontiguousarray(vectors * scale, dtype=np.float32), lowest)
    W = np.empty((len(R), kept), dtype=np.float32)
    W[owned] = vectors * scale
    W[~owned] = R[np.ix_(~owned, owned)].astype(vectors.dtype) @ (vectors / scale)
    return MatrixFactor(W, lowest)


def pivoted_factor(R: np.ndarray, variance: float = 1.0) -> np.ndarray:
    """Factorise a positive definite correlation matrix by pivoted Cholesky, in float32.

    Parameters
    ----------
    R : (variants, variants) array
        Symmetric, with a unit diagonal.
    variance : float
        Share of the variance to keep.

    Returns
    -------
    W : (variants, components) float32 array
        R = W Wᵀ but for the share that is not kept, of which no variant has much more than others.

    Notes
    -----
    Thousands of variants take a tenth of the time of :func:`matrix_factor`, which holds the same
    share in an eighth fewer components.
    """
    L, pivots, rank, info = spstrf(R, lower=1, tol=FLOOR)
    if info < 0:
        raise ValueError(f"spstrf: argument {-info}")
    W = np.tril(L)[:, :rank]
    # What a column takes from the diagonal falls little by little, as eigenvalues do.
    held = np.einsum("ij,ij->j", W, W, dtype=np.float64)
    kept = leading(held, variance, len(R))
    out = np.empty((len(R), kept), dtype=np.float32)
    out[pivots - 1] = W[:, :kept]
    return out


def symmetrise(M: np.ndarray, where: str, lower: bool | None = None) -> np.ndarray:
    """Fill the empty triangle of a correlation matrix, in place.

    Parameters
    ----------
    M : (variants, variants) float array
        One triangle may be all zero. A diagonal of one half, as in matrices that are to be
        added to their transpose, becomes one.
    where : str
        Names the matrix in errors.
    lower : bool, optional
        Which triangle is filled, where that is known; found out by default.

    Returns
    -------
    The same array.
    """
    if M.ndim != 2 or M.shape[0] != M.shape[1]:
        raise InputError(f"{where}: is {M.shape}, not a square matrix. Give correlations.")
    if lower is None:
        below, above = _any_below(M), _any_below(M.T)
        lower = below if below != above else None
    if lower is not None:
        for i in range(0, len(M), _TILE):
            rows = slice(i, i + _TILE)
            corner = M[rows, rows]
            diagonal = np.diagonal(corner).copy()
            corner += corner.T.copy()
            corner[np.diag_indices(len(corner))] = diagonal
            for j in range(0, i, _TILE):
                columns = slice(j, j + _TILE)
                if lower:
                    M[columns, rows] = M[rows, columns].T
                else:
                    M[rows, columns] = M[columns, rows].T
    diagonal = np.einsum("ii->i", M)
    diagonal[np.abs(diagonal - 0.5) < 1e-3] = 1
    return M


def _any_below(M: np.ndarray) -> bool:
    """Whether anything is below the diagonal; stops at the first tile with something."""
    for i in range(0, len(M), _TILE):
        rows = M[i : i + _TILE]
        if rows[:, :i].any() or np.tril(rows[:, i : i + _TILE], -1).any():
            return True
    return False


def check_symmetric(R: np.ndarray, where: str) -> None:
    """Stop unless R is finite and symmetric.

    Raises
    ------
    InputError
        Names the matrix, and the row that is wrong.
    """
    for i in range(0, len(R), _TILE):
        rows = R[i : i + _TILE]
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            raise not_a_number(where, i + int(bad.argmax()))
        uneven = np.abs(rows - R[:, i : i + _TILE].T).max(axis=1, initial=0) > 1e-3
        if uneven.any():
            raise InputError(
                f"{where}: row {i + int(uneven.argmax()) + 1} differs from its column. "
                "Give a symmetric matrix, or one triangle of it."
            )


def not_a_number(where: str, row: int) -> InputError:
    """Make the error for a matrix with NaN or infinity in a row (from 0)."""
    return InputError(
        f"{where}: row {row + 1} holds a value that is not a number. "
        "Leave out variants that do not vary, and compute the LD again."
    )


def check_diagonal(R: np.ndarray, where: str) -> None:
    """Stop unless the diagonal is one, to the rounding of stored matrices.

    Raises
    ------
    InputError
        Names the matrix, and the row that is wrong.
    """
    wrong = np.abs(np.diagonal(R) - 1) > 0.02
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{where}: row {row + 1} has {R[row, row]:.4g} on the diagonal, not 1. "
            "Give correlations, not covariances."
        )


def check_signed(R: np.ndarray, where: str) -> None:
    """Stop where no correlation of many variants is negative: r^2 was given for r.

    Raises
    ------
    InputError
        Names the matrix.
    """
    size, signed = len(R), 0
    if size < _MANY:
        return
    for i in range(0, size, _TILE):
        rows = R[i : i + _TILE]
        if (rows < 0).any():
            return
        signed += int(np.count_nonzero(rows))
    # Variants that are in no LD with each other have neither sign.
    if signed > 2 * size:
        raise InputError(
            f"{where}: none of its correlations is negative, among {size} variants. They are r^2, "
            "or absolute. Give r, with its sign (in PLINK: --r square or --r-unphased, not --r2)."
        )
