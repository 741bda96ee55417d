"""The sparse posterior of a study's effects: few variants are causal, as many as the data say."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.polygenicity import LOG_ODDS, Polygenicity, polygenicity
from deepwas_app.core.priors import Model
from deepwas_app.core.sparse import batch_chains
from deepwas_app.workflow.results.heritability import heritability
from deepwas_app.workflow.runs.batches import Batches, block_slice
from deepwas_app.workflow.runs.fitted import Fitted
from deepwas_app.workflow.runs.folds import parts
from deepwas_app.workflow.runs.run_batches import run_batches
from deepwas_app.workflow.runs.split import usable_blocks

# Draws that are left out and that are averaged over: to weigh polygenicities, and at those that
# remain, where chains begin at effects that were drawn before.
WEIGHING, AVERAGING = (10, 20), (6, 24)
# Averaging ends when the means have this share of Monte-Carlo error, after so many rounds, or
# after so many draws (about a minute on two cores).
PRECISE, MOST_ROUNDS, MOST_DRAWS = 0.01, 24, 4e8


class Sparse(NamedTuple):
    """The sparse posterior of every variant.

    Attributes
    ----------
    mean, second
        Mean and mean square of b_j = sqrt(N_j) beta_j, (variants,); NaN where there is no z-score
        in the LD block.
    inclusion
        Probability that it is causal, (variants,).
    polygenicity
        What the data say of how many are.
    sampling_error
        Share of the mean's squares that is Monte-Carlo error, from the chains' differences.
    """

    mean: np.ndarray
    second: np.ndarray
    inclusion: np.ndarray
    polygenicity: Polygenicity
    sampling_error: float

    @property
    def doubts(self) -> list[str]:
        """That the Monte-Carlo error is larger than it should be, for people; else empty."""
        if self.sampling_error < PRECISE:
            return []
        return [
            f"sparse effects are sampled: {self.sampling_error:.1%} of the sum of their squares is "
            f"Monte-Carlo error, more than the {PRECISE:.0%} aimed at, after as many draws as are "
            "made. Effects of single variants may be off by more than their digits say"
        ]


class HostChains(NamedTuple):
    """:class:`deepwas_app.core.sparse.Chains` of one LD block, as numpy arrays."""

    effects: np.ndarray
    mean: np.ndarray
    second: np.ndarray
    inclusion: np.ndarray
    score: np.ndarray


class Weighed(NamedTuple):
    """Polygenicities by their evidence, and where their chains are.

    Attributes
    ----------
    parts
        Models with the batches of the LD blocks that each is used at.
    typical
        Log of the mean prior variance of b_j.
    states
        Effects that were drawn last, by LD block, (chains, variants).
    polygenicity
        Of the whole study.
    """

    parts: list[tuple[Model, Batches]]
    typical: float
    states: dict[int, np.ndarray]
    polygenicity: Polygenicity


def weigh(study: xr.Dataset, run: Fitted) -> Weighed:
    """Run chains at a grid of polygenicities, and weigh these by their evidence."""
    usable = usable_blocks(study)
    models = [
        (part.model, run_batches(study, run, np.intersect1d(part.blocks, usable)))
        for part in parts(study, run)
    ]
    d = study["variant_sample_size"].values * heritability(study, run)
    begun = Weighed(models, float(np.log(d.mean())), {}, polygenicity(np.zeros((1, len(LOG_ODDS)))))
    for b in usable:
        begun.states[int(b)] = np.zeros((len(LOG_ODDS), _size(study, b)), np.float32)
    scores = []
    for b, chains in _sampled(study, begun, LOG_ODDS, begun.states, *WEIGHING):
        scores.append(chains.score)
        begun.states[b] = chains.effects
    return begun._replace(polygenicity=polygenicity(np.stack(scores)))


def sparse_posterior(study: xr.Dataset, weighed: Weighed) -> Sparse:
    """Average over effects and over the polygenicities that are left.

    Parameters
    ----------
    study
        The study of the run that was weighed.
    weighed
        From :func:`weigh`.
    """
    odds = weighed.polygenicity.quantiles(len(LOG_ODDS))
    nearest = np.abs(odds[:, None] - LOG_ODDS).argmin(axis=1)
    states = {b: state[nearest] for b, state in weighed.states.items()}
    burn, sweeps = AVERAGING
    # Of each chain the sum of means, and over chains those of mean squares and of inclusion.
    sums: dict[int, list[np.ndarray]] = {}
    size = study.sizes["variants"]
    for rounds in count(1):
        for b, chains in _sampled(
            study, weighed, odds, states, burn, sweeps, seed=rounds
        ):  # fmt: skip
            now = [chains.mean, chains.second.mean(axis=0), chains.inclusion.mean(axis=0)]
            sums[b] = [x + y for x, y in zip(sums[b], now, strict=True)] if b in sums else now
            states[b] = chains.effects
        error = _sampling_error([means / rounds for means, *_ in sums.values()])
        done = rounds == MOST_ROUNDS or rounds * sweeps * len(odds) * size > MOST_DRAWS
        if error < PRECISE or done:
            break
        burn = 0
    own = study["variant_block"].values
    found = np.full((3, size), np.nan, np.float32)
    for b, (means, second, inclusion) in sums.items():
        rows = block_slice(study, b)
        mine = own[rows] == b
        parts = np.stack([means.mean(axis=0), second, inclusion]) / rounds
        found[:, rows][:, mine] = parts[:, mine]
    mean, second, inclusion = found
    return Sparse(mean, second, inclusion, weighed.polygenicity, error)


def _sampling_error(means: list[np.ndarray]) -> float:
    """Share of the sum of squared means over chains that is error, by how chains differ."""
    spread = sum(float(one.var(axis=0, ddof=1).sum()) / len(one) for one in means)
    total = sum(float((one.mean(axis=0) ** 2).sum()) for one in means)
    return spread / total if total else 0.0


def _of_block(chains: HostChains, i: int, size: int) -> HostChains:
    """The chains of one LD block of a batch, without padding."""
    effects, mean, second, inclusion = (part[i, :, :size] for part in chains[:-1])
    return HostChains(effects, mean, second, inclusion, chains.score[i])


def _size(study: xr.Dataset, b: int) -> int:
    return len(range(*block_slice(study, b).indices(study.sizes["variants"])))


def _sampled(
    study: xr.Dataset,
    weighed: Weighed,
    odds: np.ndarray,
    start: dict[int, np.ndarray],
    burn: int,
    sweeps: int,
    seed: int = 0,
) -> Iterator[tuple[int, HostChains]]:
    """The chains of each LD block on the host, without padding."""

    def sample(model: Model, batch: BlockBatch) -> list[tuple[int, HostChains]]:
        blocks, variants = batch.log_n.shape
        padded = np.zeros((blocks, len(odds), variants), np.float32)
        members = [(i, int(b)) for i, b in enumerate(np.asarray(batch.index)) if b >= 0]
        for i, b in members:
            padded[i, :, : start[b].shape[1]] = start[b]
        found = batch_chains(
            model,
            batch,
            typical=weighed.typical,
            log_odds=jnp.asarray(odds),
            start=jnp.asarray(padded),
            key=jax.random.key(seed),
            burn=burn,
            sweeps=sweeps,
        )
        host = HostChains(*(np.asarray(getattr(found, name)) for name in HostChains._fields))
        return [(b, _of_block(host, i, _size(study, b))) for i, b in members]

    # Draws of one block go one after the other: on a CPU every core has a batch of its own.
    workers = (os.cpu_count() or 1) if jax.default_backend() == "cpu" else 1
    with ThreadPoolExecutor(workers, thread_name_prefix="sparse") as pool:
        waiting: deque[Future[list[tuple[int, HostChains]]]] = deque()
        try:
            for model, batches in weighed.parts:
                for batch in batches:
                    waiting.append(pool.submit(sample, model, batch))
                    if len(waiting) > workers:
                        yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
