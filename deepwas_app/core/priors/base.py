"""What a prior is: log f(a), and the facts that settings, training and pages ask of it."""

import abc
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from deepwas_app.core.block import HostOrDevice, widened
from deepwas_app.registry import Registry


class Standardisation(eqx.Module):
    """Mean and s.d. of each annotation over the training variants. Not trained.

    Attributes
    ----------
    mean, deviation
        (annotations,), in the annotation's own unit. An infinite s.d. leaves one out.
    """

    mean: Float[Array, " annotations"]
    deviation: Float[Array, " annotations"]

    def __call__(self, annotations: HostOrDevice) -> Array:
        return (widened(annotations) - self.mean) / self.deviation


class PriorInputs(NamedTuple):
    """What a prior is built for.

    Attributes
    ----------
    standardise, standardise_tracks
        Mean and s.d. of the annotations, and of the tracks; None without tracks.
    window
        Positions of the tracks around a variant.
    key
        For random weights.
    """

    standardise: Standardisation
    standardise_tracks: Standardisation | None
    window: int
    key: PRNGKeyArray


class Prior(eqx.Module):
    """Log f of variants from their annotations. Positive f by construction.

    Attributes
    ----------
    name, label
        For settings and records, and for people.
    doc
        What it is, as the help text says it after the name.
    order
        Where it stands in lists.
    fitted_by
        Fisher scoring (Newton's method, for few parameters) or AdamW on mini-batches.
    constant
        Whether every variant is alike, so that there is nothing to explain.
    reads_tracks
        Whether it looks at the tracks around a variant.
    by_block
        Whether a batch is given one block at a time, because the work on a variant is large.
    shrunk
        Fields with a weak normal prior about 0, where it is fitted by scoring.
    sizes
        Width and depth of the sizes that have a name; empty for a prior that has no size.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    doc: ClassVar[str] = ""
    order: ClassVar[float] = 100
    fitted_by: ClassVar[Literal["scoring", "adam"]] = "adam"
    constant: ClassVar[bool] = False
    reads_tracks: ClassVar[bool] = False
    by_block: ClassVar[bool] = False
    shrunk: ClassVar[tuple[str, ...]] = ()
    sizes: ClassVar[Mapping[str, tuple[int, int]]] = {}

    @abc.abstractmethod
    def __call__(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """Log f, in log units of per-variant heritability."""

    @classmethod
    def build(cls, inputs: PriorInputs) -> "Prior":
        """The prior before training, log f = 0. Further keywords are settings, by their names."""
        raise NotImplementedError(f"{cls.__name__} is not built from settings")

    @classmethod
    def knobs(cls) -> tuple[str, ...]:
        """Names of the settings that :meth:`build` takes."""
        return tuple(inspect.signature(cls.build).parameters)[1:]

    def sparing(self, spare: bool = True) -> "Prior":
        """The prior that computes again for the gradient what it would keep; itself if it cannot.

        Or the one that keeps it, where it is not to spare memory.
        """
        del spare
        return self

    def held(self, variants: int) -> int:
        """Of so many variants, those whose way through the prior is kept for the gradient."""
        return variants

    def at_level(self, level: float | Array) -> "Prior":
        """The prior with its field `level`, if it has one, at the log f of the constant prior."""
        if not hasattr(self, "level"):
            return self
        return eqx.tree_at(lambda prior: prior.level, self, jnp.asarray(level))

    def signed(
        self,
        annotations: Float[HostOrDevice, "*variants annotations"],
        tracks: Float[HostOrDevice, "*variants window tracks"] | None = None,
    ) -> Float[Array, "*variants"]:
        """F itself, as LD score regression sees it: may be negative where the link allows."""
        return jnp.exp(self(annotations, tracks))

    def log_coefficients(self) -> Float[Array, " annotations"] | None:
        """Change of log f per s.d. of each annotation where log f is linear in them, else None."""
        return None

    def mean_tracks(self) -> Float[Array, " tracks"] | None:
        """The tracks of an average variant; None where no track is read."""
        return None


Network = TypeVar("Network")

PRIORS: Registry[type[Prior]] = Registry("priors", "deepwas_app.core.priors")


def make_prior(
    kind: str | type[Prior],
    standardise: Standardisation,
    *,
    level: float,
    standardise_tracks: Standardisation | None = None,
    window: int = 1,
    key: PRNGKeyArray | None = None,
    **settings: Any,
) -> Prior:
    """A prior that starts as the constant model exp(level), whatever its size.

    Parameters
    ----------
    kind
        A prior of the registry, or its name.
    standardise, standardise_tracks
        Mean and s.d. of annotations and of tracks; None without tracks.
    level
        log f of the constant model to start from.
    window
        Positions of the tracks around a variant.
    key
        For random weights; key 0 by default.
    **settings
        By name; those that the prior does not know are left aside.

    Raises
    ------
    InputError
        For an unknown kind.
    """
    prior = PRIORS[kind] if isinstance(kind, str) else kind
    inputs = PriorInputs(
        standardise, standardise_tracks, window, jax.random.key(0) if key is None else key
    )
    own = {name: settings[name] for name in prior.knobs() if name in settings}
    return prior.build(inputs, **own).at_level(level)


def spared(tree: Any) -> Any:
    """A model, or the state of its training, with its prior :meth:`~Prior.sparing` memory."""
    return jax.tree.map(
        lambda node: node.sparing() if isinstance(node, Prior) else node,
        tree,
        is_leaf=lambda node: isinstance(node, Prior),
    )


def zero_last(network: Network, last: Callable[[Network], Any]) -> Network:
    """The network with its last layer at zero: exactly constant, but with a gradient of its own."""
    return eqx.tree_at(last, network, jax.tree.map(jnp.zeros_like, last(network)))
