"""Per-variant heritability under a fitted prior."""

from collections.abc import Iterator
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.priors import Model
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import check_annotations
from deepwas_app.workflow.runs.batches import block_slice, log_heterozygosity, own_heritability
from deepwas_app.workflow.studies.tracks import block_tracks

# Rows of which a prior is computed at a time.
_STRETCH = 65_536


def prior_heritability(
    study: xr.Dataset,
    model: Model,
    name: str,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """Per-variant heritability v_j, see :meth:`Model.log_variance`, (rows,), float64.

    Parameters
    ----------
    study, model
        Where, and under which model.
    name
        Whose model it is, for messages.
    rows
        Variants, (rows,) int; all of them by default.

    Raises
    ------
    InputError
        If log f is not finite there, with the reason: annotations that are missing, or a model
        that ran off.
    """
    annotations = study["variant_annotation"].values
    log_variance = eqx.filter_jit(model.log_variance)
    frequencies = log_heterozygosity(study)
    log_v = np.full(len(annotations), np.nan)
    for stretch, tracks in _stretches(study, model, rows):
        inputs = jnp.asarray(annotations[stretch]), jnp.asarray(frequencies[stretch]), tracks
        log_v[stretch] = np.asarray(log_variance(*inputs), np.float64)
    rows = np.arange(len(annotations)) if rows is None else rows
    log_v = log_v[rows]
    bad = ~np.isfinite(log_v)
    if not bad.any():
        return np.exp(log_v)
    check_annotations(study, rows[bad])
    path = study.attrs.get("path", "the study")
    first = study["variant_id"].values[rows[bad.argmax()]]
    raise InputError(
        f"{name}: log f is not finite for {bad.sum():,} of the {len(bad):,} variants of {path}, "
        f"{first} the first: the fit ran off. Train again with a lower learning rate."
    )


class StrongHeritability(NamedTuple):
    """What lead variants of strong loci add up to beside the prior, and its standard error."""

    value: float
    error: float


def strong_heritability(study: xr.Dataset) -> StrongHeritability:
    """Heritability of the lead variants of a study's strong loci beside the prior's.

    Notes
    -----
    A squared effect that is large against its sampling error, 1 / sqrt(N), has about the standard
    error 2 |effect| / sqrt(N).
    """
    own = own_heritability(study)
    if own is None:
        return StrongHeritability(0.0, 0.0)
    n = study["variant_sample_size"].values.astype(np.float64)
    return StrongHeritability(float(own.sum()), float(np.sqrt((4 * own / n).sum())))


def _stretches(
    study: xr.Dataset, model: Model, rows: np.ndarray | None
) -> Iterator[tuple[slice, np.ndarray | None]]:
    """Stretches that hold the rows, with the tracks around them if the model reads tracks.

    They are whole, and the same whichever rows are asked for, as are the values of a variant.
    """
    if model.prior.mean_tracks() is not None:
        for b in range(study.sizes["blocks"]):
            stretch = block_slice(study, b)
            if _holds(stretch, rows):
                yield stretch, block_tracks(study, b)
        return
    for start in range(0, study.sizes["variants"], _STRETCH):
        stretch = slice(start, start + _STRETCH)
        if _holds(stretch, rows):
            yield stretch, None


def _holds(stretch: slice, rows: np.ndarray | None) -> bool:
    return rows is None or bool(((rows >= stretch.start) & (rows < stretch.stop)).any())
