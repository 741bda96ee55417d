"""The whitened LD block: the one data structure that the method works on."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from deepwas_app.core.sampling import panel_sampling
from deepwas_app.truncation import leading

# On the host while a batch is put together, on the device from then on.
HostOrDevice = Array | np.ndarray


def widened(array: HostOrDevice) -> Array:
    """An array of half precision, as annotations may be, in float32; any other as it is."""
    array = jnp.asarray(array)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


class WhitenedBlock(eqx.Module):
    """One LD block after whitening its scored variants, or a padded stack of them.

    Attributes
    ----------
    Q
        Loadings, (variants, components). ``Q @ Q.T`` is the LD matrix of the kept components.
    x
        Whitened z-scores, (components,), which have the mean ``Q.T @ b``.
    eigenvalues
        Eigenvalues of the LD matrix of the scored variants, (components,), largest first.
        ``inf`` marks a padded component: it adds nothing to a likelihood or a gradient.
    noise
        Variance of x under the null, (components,). 1 by default, where LD is exact.
    background
        Variance of x per unit of prior variance in the block, (components,), by LD that `Q` does
        not hold; see :func:`panel_sampling`. 0 by default, where LD is exact.
    """

    Q: Float[HostOrDevice, "*blocks variants components"]
    x: Float[HostOrDevice, "*blocks components"]
    eigenvalues: Float[HostOrDevice, "*blocks components"]
    noise: Float[HostOrDevice, "*blocks components"] = None  # type: ignore[assignment]
    background: Float[HostOrDevice, "*blocks components"] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        of = np if isinstance(self.eigenvalues, np.ndarray) else jnp
        if self.noise is None:
            self.noise = of.ones_like(self.x)
        if self.background is None:
            self.background = of.zeros_like(self.x)


def whiten(
    factor: Float[ArrayLike, "variants k"],
    z: Float[ArrayLike, " variants"],
    scored: Bool[ArrayLike, " variants"] | None = None,
    *,
    variance: float = 0.99,
    min_eigenvalue: float = 1e-4,
    people: float | int = np.inf,
) -> WhitenedBlock:
    """Whiten the z-scores of one LD block.

    Parameters
    ----------
    factor
        W (variants, k), with LD matrix R = W W^T. Dimensionless.
    z
        Marginal z-scores (variants,). Ignored where not scored.
    scored
        Which variants have a z-score that counts (variants,). All of them by default. The others
        (flanks, variants without a z-score) only contribute signal.
    variance
        Share of the variance of the scored variants to keep, 0 to 1. With 1 every component
        above `min_eigenvalue` is kept.
    min_eigenvalue
        Components with a smaller eigenvalue are dropped.
    people
        People of the panel that the LD comes from, where they are others than those of the GWAS;
        inf where LD is that of the GWAS itself, or its sampling is not to be allowed for.

    Returns
    -------
    WhitenedBlock

    Raises
    ------
    ValueError
        If nothing is scored, or a factor or a scored z-score is not finite.

    Notes
    -----
    With the thin SVD W_o = U S V^T of the scored rows, Q = W V and x = S^-1 U^T z_o. The
    decomposition is done once, on the host in float64, through the smaller Gram matrix of W_o.

    In a panel of few people U^T z_o has not the variance lambda = S^2 but delta, and not the mean
    S Q^T b but delta / lambda of it; so x is divided by delta / lambda.

    References
    ----------
    Amin, Potapczynski & Wilson 2025, arXiv:2506.19598.
    """
    W = np.asarray(factor, np.float64)
    z = np.asarray(z, np.float64)
    rows = np.ones(len(W), bool) if scored is None else np.asarray(scored, bool)
    W_o, z_o = W[rows], z[rows]
    if len(W_o) == 0:
        raise ValueError("no scored variant in the block")
    if not (np.isfinite(W).all() and np.isfinite(z_o).all()):
        raise ValueError("the LD factor and the scored z-scores must be finite")

    wide = W_o.shape[0] < W_o.shape[1]
    gram = W_o @ W_o.T if wide else W_o.T @ W_o
    eigenvalues, vectors = np.linalg.eigh(gram)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    kept = leading(eigenvalues, variance, np.trace(gram), min_eigenvalue)
    if kept == 0:
        raise ValueError(f"no eigenvalue of the block is above {min_eigenvalue:g}")

    above = eigenvalues[eigenvalues > min_eigenvalue]
    shrinkage, background = (part[:kept] for part in panel_sampling(above, len(W_o), people))
    eigenvalues, vectors = eigenvalues[:kept], vectors[:, :kept]
    scale = np.sqrt(eigenvalues)
    V = W_o.T @ vectors / scale if wide else vectors
    x = vectors.T @ z_o / scale if wide else V.T @ (W_o.T @ z_o) / eigenvalues
    return WhitenedBlock(
        Q=jnp.asarray(W @ V),
        x=jnp.asarray(x / shrinkage),
        eigenvalues=jnp.asarray(eigenvalues),
        noise=jnp.asarray(1 / shrinkage),
        background=jnp.asarray(background),
    )
