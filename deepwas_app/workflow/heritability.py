"""Per-variant heritability under a fitted prior."""

from collections.abc import Iterator

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.priors import Model
from deepwas_app.errors import InputError
from deepwas_app.workflow.batching import block_slice, frequency_scale
from deepwas_app.workflow.tracks import block_tracks


def heritability(study: xr.Dataset, model: Model, alpha: float, name: str) -> np.ndarray:
    """Per-variant heritability v_j = f(a_j) (p_j (1 - p_j)) ** alpha, (variants,), float64.

    Raises
    ------
    InputError
        If log f is not finite everywhere, with the reason: annotations that are missing, or a
        model that ran off. `name` says whose.
    """
    annotations = study["variant_annotation"].values
    prior = eqx.filter_jit(model.prior)
    log_f = np.empty(len(annotations))
    for rows, tracks in _stretches(study, model):
        log_f[rows] = np.asarray(prior(jnp.asarray(annotations[rows]), tracks), np.float64)
    bad = ~np.isfinite(log_f)
    if not bad.any():
        return np.exp(log_f) * frequency_scale(study, alpha)
    path = study.attrs.get("path", "the study")
    if not np.isfinite(annotations[bad]).all():
        # A chunk that is not on disk reads as missing values.
        raise InputError(
            f"{path}: annotations are missing. Was it moved or removed? Open it again."
        )
    first = study["variant_id"].values[bad.argmax()]
    raise InputError(
        f"{name}: log f is not finite for {bad.sum():,} of the {len(bad):,} variants of {path}, "
        f"{first} the first: the fit ran off. Train again with a lower learning rate."
    )


def _stretches(study: xr.Dataset, model: Model) -> Iterator[tuple[slice, np.ndarray | None]]:
    """Rows of the study, with the tracks around them if the model reads tracks."""
    if model.prior.mean_tracks() is not None:
        for b in range(study.sizes["blocks"]):
            yield block_slice(study, b), block_tracks(study, b)
        return
    step = 65_536
    for start in range(0, study.sizes["variants"], step):
        yield slice(start, start + step), None
