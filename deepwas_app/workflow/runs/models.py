"""From settings to models: sizes by name, parameter counts before training, noise fixed or not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, ArrayLike

from deepwas_app.core.objectives import (
    OBJECTIVES,
    FullLikelihood,
    Objective,
    make_objective,
)
from deepwas_app.core.priors import (
    ALPHA,
    PRIORS,
    Model,
    Prior,
    Standardisation,
    make_prior,
    parameter_count,
)
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.fitters import fitter_of
from deepwas_app.workflow.settings import TrainSettings, plain
from deepwas_app.workflow.studies.tracks import tracks_read


def width_and_depth(settings: TrainSettings) -> tuple[int, int]:
    """Of a network, by its name where it has one.

    Raises
    ------
    InputError
        For a name that is one of another network's.
    """
    sizes = PRIORS[settings.prior].sizes
    if not settings.size or not sizes:
        return settings.width, settings.depth
    if settings.size not in sizes:
        raise InputError(f"{settings.prior}: has no size {settings.size}. Give {', '.join(sizes)}.")
    return sizes[settings.size]


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
    return make_prior(
        settings.prior,
        standardise,
        level=level,
        standardise_tracks=standardise_tracks,
        window=window,
        key=jax.random.key(settings.seed),
        **plain(settings) | {"width": width, "depth": depth},
    )


def knobs(prior: str) -> set[str]:
    """Names of the settings that a prior and its fitting take, beside those of every training."""
    kind = PRIORS[prior]
    named = {"size"} if kind.sizes else set()
    shrunk = {"coefficient_sd"} if kind.shrunk else set()
    return {*kind.knobs(), *fitter_of(kind).knobs, *named, *shrunk}


def blank_standardisation(count: int) -> Standardisation:
    """Of so many annotations, changing nothing."""
    return Standardisation(jnp.zeros(count), jnp.ones(count))


def planned_prior(
    settings: TrainSettings, annotations: int, tracks: int = 0, window: int = 1
) -> Prior:
    """The shapes of a prior, without making it.

    Parameters
    ----------
    settings
        What would be trained.
    annotations, tracks, window
        Number of annotations and of tracks, and positions of a window of tracks.
    """
    shapes: Prior = eqx.filter_eval_shape(
        lambda: build_prior(
            settings,
            blank_standardisation(annotations),
            window=window,
            standardise_tracks=blank_standardisation(tracks) if tracks else None,
        )
    )
    return shapes


def planned_parameters(
    settings: TrainSettings, annotations: int, tracks: int = 0, window: int = 1
) -> int:
    """Number of trained parameters of a prior, see :func:`planned_prior`."""
    return parameter_count(planned_prior(settings, annotations, tracks, window))


def study_parameters(study: xr.Dataset, settings: TrainSettings) -> int:
    """Number of trained parameters of a prior on a study, before it is trained."""
    window, tracks = tracks_read(PRIORS[settings.prior], study)
    return planned_parameters(settings, study.sizes["annotations"], tracks, window)


def noisy_model(
    settings: TrainSettings,
    prior: Prior,
    s2: ArrayLike,
    kappa: ArrayLike,
    alpha: ArrayLike = ALPHA,
    *,
    trained: bool = True,
) -> Model:
    """A prior with the noise of one study and its alpha, fixed where the settings say so.

    Parameters
    ----------
    settings
        What is trained.
    prior
        The prior.
    s2, kappa, alpha
        Where they start, unless they are fixed.
    trained
        Whether this is the model that is trained by the settings' objective, not the constant one
        it starts from, whose kappa an objective with an intercept keeps.
    """
    fixed = trained and OBJECTIVES[settings.objective].has_intercept

    def log(given: float | None, value: ArrayLike) -> Array:
        return jnp.log(jnp.asarray(value if given is None else given, float))

    return Model(
        prior,
        log(settings.s2, s2),
        log(settings.kappa, kappa),
        learn_s2=settings.s2 is None,
        learn_kappa=settings.kappa is None and not fixed,
        alpha=jnp.asarray(alpha if settings.alpha is None else settings.alpha, float),
        learn_alpha=settings.alpha is None,
        most=0.0,
    )


def settled(study: xr.Dataset, settings: TrainSettings) -> TrainSettings:
    """The settings with the LD mismatch fixed where the noise of the study leaves none to learn.

    Noise that is learned beside that of a panel's sampling takes some of the signal.
    """
    if settings.kappa is None and "ld_people" in study.attrs:
        return TrainSettings(**(plain(settings) | {"kappa": 0.0}))
    return settings


def likelihood_of(settings: TrainSettings) -> FullLikelihood:
    """The likelihood that held-out blocks are scored by."""
    return FullLikelihood.build(
        solver=settings.solver,
        probes=settings.probes,
        max_iterations=settings.max_iterations,
    )


def objective_of(settings: TrainSettings) -> Objective:
    """What training minimises."""
    return make_objective(settings.objective, **plain(settings))


def own_settings(prior: type[Prior], settings: TrainSettings) -> TrainSettings:
    """The settings with the name of a prior that need not be in the registry."""
    name = getattr(prior, "name", prior.__name__)
    own = TrainSettings(**plain(settings))
    choice = own.param["prior"]
    # Of this one object only.
    choice.objects = list(dict.fromkeys([*choice.objects, name]))
    own.prior = name
    return own
