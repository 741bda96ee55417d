"""From settings to models: sizes by name, parameter counts before training, noise fixed or not."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import xarray as xr

from deepwas_app.core.iterative import Iterative
from deepwas_app.core.objective import FullLikelihood, LDScoreRegression, Objective
from deepwas_app.core.priors import Model, Prior, Standardisation, make_prior, parameter_count
from deepwas_app.core.transformer import make_transformer
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.tracks import tracks_read

# Width and depth.
NAMED = {
    "mlp": {"XS": (16, 1), "S": (32, 2), "M": (64, 2), "L": (128, 3), "XL": (256, 5)},
    "transformer": {"XS": (8, 1), "S": (32, 2), "M": (128, 3), "L": (384, 6), "XL": (768, 7)},
}


def width_and_depth(settings: TrainSettings) -> tuple[int, int]:
    """Of a network, by its name where it has one."""
    named = NAMED.get(settings.prior, {})
    return named.get(settings.size, (settings.width, settings.depth))


def build_prior(
    settings: TrainSettings,
    standardise: Standardisation,
    *,
    level: float = 0.0,
    window: int = 1,
    standardise_tracks: Standardisation | None = None,
) -> Prior:
    """The prior of some settings before training."""
    width, depth = width_and_depth(settings)
    key = jax.random.key(settings.seed)
    if settings.prior == "transformer":
        return make_transformer(
            standardise,
            level=level,
            width=width,
            depth=depth,
            window=window,
            standardise_tracks=standardise_tracks,
            half=settings.precision == "bfloat16",
            rematerialise=settings.rematerialise,
            key=key,
        )
    return make_prior(
        settings.prior,
        standardise,
        level=level,
        width=width,
        depth=depth,
        link=settings.link,
        key=key,
    )


def blank_standardisation(count: int) -> Standardisation:
    """Of so many annotations, changing nothing."""
    return Standardisation(jnp.zeros(count), jnp.ones(count))


def planned_parameters(
    settings: TrainSettings, annotations: int, tracks: int = 0, window: int = 1
) -> int:
    """Number of trained parameters of a prior, without making it.

    Parameters
    ----------
    settings
        What would be trained.
    annotations, tracks, window
        Number of annotations and of tracks, and positions of a window of tracks.
    """
    shapes = eqx.filter_eval_shape(
        lambda: build_prior(
            settings,
            blank_standardisation(annotations),
            window=window,
            standardise_tracks=blank_standardisation(tracks) if tracks else None,
        )
    )
    return parameter_count(shapes)


def study_parameters(study: xr.Dataset, settings: TrainSettings) -> int:
    """Number of trained parameters of a prior on a study, before it is trained."""
    window, tracks = tracks_read(settings.prior, study)
    return planned_parameters(settings, study.sizes["annotations"], tracks, window)


def noisy_model(settings: TrainSettings, prior: Prior, s2, kappa, *, trained: bool = True) -> Model:
    """A prior with the noise of one study, parts of it fixed if the settings say so.

    Parameters
    ----------
    settings
        What is trained.
    prior
        The prior.
    s2, kappa
        Where the noise starts, unless it is fixed.
    trained
        Whether this is the model that is trained by the settings' objective, not the constant one
        it starts from. LD score regression keeps the noise that the likelihood found with the
        constant prior: it cannot tell kappa from s2, and its intercept, left free, runs off with
        the signal (on the built-in simulated study to 2, where the truth is 1), which would be
        held against its prior when that is scored by the likelihood.
    """
    ldsr = trained and settings.objective == "ldsr"

    def log(fixed, value):
        return jnp.asarray(math.log(fixed)) if fixed is not None else jnp.log(jnp.asarray(value))

    return Model(
        prior,
        log(settings.s2, s2),
        log(settings.kappa, kappa),
        learn_s2=settings.s2 is None and not ldsr,
        learn_kappa=settings.kappa is None and not ldsr,
    )


def likelihood_of(settings: TrainSettings) -> FullLikelihood:
    """The likelihood that held-out blocks are scored by."""
    return FullLikelihood(
        settings.solver,
        Iterative(probes=settings.probes, max_iterations=settings.max_iterations),
    )


def objective_of(settings: TrainSettings) -> Objective:
    """What training minimises."""
    return LDScoreRegression() if settings.objective == "ldsr" else likelihood_of(settings)


def stepwise(settings: TrainSettings) -> bool:
    """Whether the prior is trained by many small steps, not by Newton's method."""
    return settings.prior in ("mlp", "transformer", "enrichment")
