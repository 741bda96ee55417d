"""Fine-mapping LD block by LD block: several at a time, kept on disk until all are done."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from shutil import rmtree
from threading import Thread
from typing import Any, NamedTuple, TypeVar
from zipfile import BadZipFile

import numpy as np
from threadpoolctl import threadpool_limits

from deepwas_app.core.credible_sets import credible_sets
from deepwas_app.core.finemap import SingleEffects, single_effects
from deepwas_app.core.remainder import Remainder
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.genetics.writing import replacing_file
from deepwas_app.workflow.progress import Progress

Result = TypeVar("Result")

PRIORS = ("model", "uniform")
# Of the prior variance, that all variants may have beside the causal ones.
SHARES = (0.0, 0.03, 0.1, 0.3, 1.0)
# Numbers of each credible set, and of each variant of its locus.
OF_SETS = ("coverage", "purity", "mean_correlation", "mean_r2", "evidence")
OF_LOCI = ("probability", "log_bayes_factors", "squares")
# Says what the fits of a folder were made of.
_MADE_OF = "made_of"


class BlockTask(NamedTuple):
    """What fine-mapping one LD block needs.

    Attributes
    ----------
    Q, x, noise, remainder
        As of :func:`single_effects`.
    prior, d
        Prior variance of each variant's standardised effect, and of its b_j, (variants,).
    mine
        Which variants are the block's own, and not of its flanks, (variants,).
    causal
        How many causal variants are expected by prior.
    effects, background, coverage, purity
        Knobs.
    """

    Q: np.ndarray
    x: np.ndarray
    noise: np.ndarray
    remainder: Remainder | None
    prior: np.ndarray
    d: np.ndarray
    mine: np.ndarray
    effects: int
    causal: dict[str, float | None]
    background: float | None
    coverage: float
    purity: float


class BlockFit(NamedTuple):
    """What was found in one LD block under one prior; all of it arrays.

    Attributes
    ----------
    pip, mean, sd
        Of the block's own variants: inclusion probability, posterior mean and s.d. of b_j.
    members, sizes
        Variants of the credible sets, one set after another, most probable first, by their place
        in the block; and how many are in each.
    coverage, purity, mean_correlation, mean_r2, evidence
        Of each set, see :class:`CredibleSet`.
    locus, reach, probability, log_bayes_factors, squares
        Variants of 99% of each effect, one set after another, by their place in the block; how
        many are of each set; and what is known of each.
    background
        Share of the prior variance that all variants were given, ().
    before
        Number of causal variants that were expected beforehand, (); inf: as many as effects.
    expected, passes, converged, elbo
        How the fit ended, (): see :class:`SingleEffects`.
    """

    pip: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    members: np.ndarray
    sizes: np.ndarray
    coverage: np.ndarray
    purity: np.ndarray
    mean_correlation: np.ndarray
    mean_r2: np.ndarray
    evidence: np.ndarray
    locus: np.ndarray
    reach: np.ndarray
    probability: np.ndarray
    log_bayes_factors: np.ndarray
    squares: np.ndarray
    background: np.ndarray
    before: np.ndarray
    expected: np.ndarray
    passes: np.ndarray
    converged: np.ndarray
    elbo: np.ndarray

    @property
    def sets(self) -> list[np.ndarray]:
        """Variants of each credible set."""
        return np.split(self.members, np.cumsum(self.sizes)[:-1]) if len(self.sizes) else []

    def of_loci(self, what: str) -> list[np.ndarray]:
        """`locus` or what is known of its variants, by set."""
        values: np.ndarray = getattr(self, what)
        return np.split(values, np.cumsum(self.reach)[:-1]) if len(self.reach) else []


BlockFits = dict[str, BlockFit]
"""Those of one LD block, by prior."""


def fit_block(task: BlockTask) -> BlockFits:
    """Fine-map one LD block under both priors.

    Where the share of the prior variance that all variants have is not given, it is the one of
    :data:`SHARES` by which the run's prior has the most evidence.
    """
    # Sums are of the same order, and so the same, however many cores there are.
    with threadpool_limits(1, "blas"):
        share, model = _with_most_evidence(task)
        uniform = _single_effects(task, "uniform", share)
        fits = {"model": model, "uniform": uniform}
        return {prior: _found(task, prior, fit, share) for prior, fit in fits.items()}


def evidence_of(task: BlockTask) -> np.ndarray:
    """Log Bayes factor of each effect of one LD block under the run's prior, (effects,)."""
    with threadpool_limits(1, "blas"):
        return _with_most_evidence(task, tolerance=0.1)[1].evidence


def _with_most_evidence(task: BlockTask, **options: Any) -> tuple[float, SingleEffects]:
    shares = SHARES if task.background is None else (task.background,)
    tried = {share: _single_effects(task, "model", share, **options) for share in shares}
    share = max(tried, key=lambda share: tried[share].elbo[-1])
    return share, tried[share]


def _single_effects(task: BlockTask, prior: str, share: float, **options: Any) -> SingleEffects:
    return single_effects(
        task.Q,
        task.x,
        task.noise,
        prior_weights=task.prior if prior == "model" else None,
        background=share * task.d if share else None,
        remainder=task.remainder,
        effects=task.effects,
        causal=task.causal[prior],
        **options,
    )


def _found(task: BlockTask, prior: str, fit: SingleEffects, share: float) -> BlockFit:
    # What is led by a variant of the flank is a set of the neighbour, which scores it.
    sets = [
        one
        for one in credible_sets(fit, task.Q, coverage=task.coverage, purity=task.purity)
        if task.mine[one.variants[0]]
    ]
    return BlockFit(
        pip=fit.pip[task.mine],
        mean=fit.posterior_mean[task.mine],
        sd=fit.posterior_deviation[task.mine],
        members=np.concatenate([np.zeros(0, np.int64), *(one.variants for one in sets)]),
        sizes=np.array([len(one.variants) for one in sets], np.int64),
        locus=np.concatenate([np.zeros(0, np.int64), *(one.locus for one in sets)]),
        reach=np.array([len(one.locus) for one in sets], np.int64),
        **{
            name: np.concatenate([np.zeros(0), *(getattr(one, name) for one in sets)])
            for name in OF_LOCI
        },
        **{name: np.array([getattr(one, name) for one in sets]) for name in OF_SETS},
        background=np.array(share),
        before=np.array(np.inf if task.causal[prior] is None else task.causal[prior]),
        expected=np.array(fit.expected),
        passes=np.array(len(fit.elbo)),
        converged=np.array(fit.converged),
        elbo=np.array(fit.elbo[-1]),
    )


def fit_blocks(
    blocks: list[int],
    task: Callable[[int], BlockTask],
    workers: int = 1,
    kept: Path | None = None,
    made_of: str = "",
) -> Generator[Progress, None, dict[int, BlockFits]]:
    """Fine-map LD blocks.

    Parameters
    ----------
    blocks, task
        Their numbers, and what each needs.
    workers
        So many processes; results do not depend on it. Threads would wait for one another.
    kept
        A folder that keeps what is done, for a later call to go on from. It stays.
    made_of
        What all fits follow from, in short: those of another are done anew.

    Raises
    ------
    InputError
        If something else is in the folder's place.
    """
    found = _read(kept, made_of) if kept else {}
    found = {b: found[b] for b in blocks if b in found}
    left = [b for b in blocks if b not in found]
    for b, fits in zip(left, several(fit_block, map(task, left), workers), strict=True):
        if kept:
            _write(kept / f"{b}.npz", fits)
        found[b] = fits
        yield Progress(len(found) / len(blocks), f"LD block {len(found):,} of {len(blocks):,}")
    return found


def several(
    function: Callable[[BlockTask], Result], tasks: Iterable[BlockTask], workers: int
) -> Iterator[Result]:
    """What comes of tasks in their order; as many at a time as there are workers."""
    if workers == 1:
        yield from map(function, tasks)
        return
    waiting: deque[Future[Result]] = deque()
    # Not a fork: JAX has threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent)
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            f"{counted(workers, 'worker')}: one of them was ended from outside, as happens where "
            "memory is used up. Choose fewer --workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed or not."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _read(folder: Path, made_of: str) -> dict[int, BlockFits]:
    """What a folder keeps; it is emptied if that is of something else, and made if there is none.

    What a killed process was writing has a name that begins with a dot.
    """
    mark = folder / _MADE_OF
    if folder.exists():
        if not mark.is_file() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise InputError(f"{folder}: is in the way of what is kept there. Move it.")
        if mark.is_file() and mark.read_text() == made_of:
            fits = {int(path.stem): _read_block(path) for path in folder.glob("[0-9]*.npz")}
            return {b: one for b, one in fits.items() if one is not None}
        rmtree(folder)
    folder.mkdir(parents=True)
    with replacing_file(mark) as partial:
        partial.write_text(made_of)
    return {}


def _read_block(path: Path) -> BlockFits | None:
    """The fits of one block; None of a file that is cut off, as after a power cut."""
    try:
        with path.open("rb") as stream, np.load(stream) as arrays:
            return {
                prior: BlockFit(**{name: arrays[f"{prior}_{name}"] for name in BlockFit._fields})
                for prior in PRIORS
            }
    except (BadZipFile, EOFError, KeyError, ValueError):
        return None


def _write(path: Path, fits: BlockFits) -> None:
    with replacing_file(path) as partial:
        np.savez(
            partial,
            **{
                f"{prior}_{name}": array
                for prior, fit in fits.items()
                for name, array in fit._asdict().items()
            },
        )
