"""Memory that training a network takes, asked before anything is trained."""

import os
from pathlib import Path
from typing import NamedTuple, cast

import jax
import xarray as xr

from deepwas_app.core.likelihood import Solver, choose_solver
from deepwas_app.core.memory import kept_bytes, step_bytes
from deepwas_app.core.priors import PRIORS, Prior
from deepwas_app.counting import counted
from deepwas_app.errors import InputError
from deepwas_app.workflow.runs.batches import Batches, batch_bytes, batch_plan, fits
from deepwas_app.workflow.runs.models import planned_prior
from deepwas_app.workflow.runs.split import Split, settings_split
from deepwas_app.workflow.settings import TrainSettings
from deepwas_app.workflow.studies.tracks import tracks_read

# Of what is free, this share may be counted on: other programs grow too.
_COUNTED_ON = 0.9


class MemoryPlan(NamedTuple):
    """What training takes at most, and what there is.

    Attributes
    ----------
    needed
        Bytes of a step on the largest batch and of the LD blocks that are kept on the device.
    free
        Bytes that the device has left; infinite where it does not say.
    sparing
        Whether memory is too short to keep what can be computed again, see :meth:`Prior.sparing`.
    """

    needed: float
    free: float
    sparing: bool

    @property
    def text(self) -> str:
        """For people: "about 3.2 GB of memory"."""
        said = f"about {_gb(self.needed)} of memory"
        if self.needed > self.free:
            said += f", more than the {_gb(self.free)} that are free"
        elif self.sparing:
            said += ", layers computed twice because no more is free"
        return said

    def check(self, settings: TrainSettings) -> None:
        """Raise InputError where it does not fit all the same."""
        if self.needed <= self.free:
            return
        raise InputError(
            f"{settings.prior}: training takes {self.text}. Choose a smaller --size or --width, "
            "smaller --batch-blocks or --memory, or smaller LD blocks (deepwas ld --max-block)."
        )


def memory_plan(
    study: xr.Dataset,
    settings: TrainSettings,
    split: Split | None = None,
    own: Prior | None = None,
) -> MemoryPlan | None:
    """Memory of training a network on a study; None for a prior of few parameters.

    Parameters
    ----------
    study
        From ``open_study``.
    settings
        What would be trained.
    split
        LD blocks to train on and to hold out, in place of what the settings say.
    own
        A prior that takes the place of the one that the settings name.
    """
    kind = PRIORS[settings.prior] if own is None else type(own)
    if kind.fitted_by != "adam":
        return None
    window, tracks = tracks_read(kind, study)
    annotations = study.sizes["annotations"]
    prior = own or planned_prior(settings, annotations, tracks, window)
    split = split or settings_split(study, settings)
    parts = [batch_plan(study, blocks, settings.batch_blocks) for blocks in split]
    sizes = [batch_bytes(study, plan, bool(tracks)) for plan in parts]
    # One that is in use is laid out anew for the prior, and of those read ahead there are a few.
    largest = max((size for part in sizes for size in part), default=0)
    blocks = largest + sum(
        sum(part) if fits(part, settings.memory) else (Batches.AHEAD + 1) * max(part)
        for part in sizes
    )
    each = kept_bytes(prior, annotations, window, tracks)
    free = _COUNTED_ON * free_memory()
    kept, spared = (
        blocks
        + max(
            step_bytes(one, batch.blocks, batch.variants, batch.components, each)
            for batch in parts[0]
        )
        for one in (prior, prior.sparing())
    )
    sparing = kept > free and spared < kept
    return MemoryPlan(spared if sparing else kept, free, sparing)


def free_memory() -> float:
    """Bytes that the device has left for arrays; infinite where it does not say."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return float(stats["bytes_limit"] - stats["bytes_in_use"])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return float("inf")
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


def used_memory() -> float:
    """Bytes that the device holds now, or this process where the device does not say."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_in_use" in stats:
        return float(stats["bytes_in_use"])
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def device_text(study: xr.Dataset, settings: TrainSettings) -> str:
    """What training is computed on and how, for people: "CPU, 8 cores; Cholesky factors"."""
    devices = jax.local_devices()
    name = devices[0].device_kind if devices[0].platform != "cpu" else "CPU"
    where = f"{len(devices)} × {name}" if len(devices) > 1 else name
    if devices[0].platform == "cpu":
        where += f", {counted(os.cpu_count() or 1, 'core')}"
    largest = int(study["block_components"].max())
    solver: Solver = "exact"
    if PRIORS[settings.prior].fitted_by == "adam":
        solver = choose_solver(cast(Solver, settings.solver), largest)
    how = "Cholesky factors" if solver == "exact" else "conjugate gradients"
    return f"{where}; {how} of up to {largest:,} components"


def _gb(size: float) -> str:
    return f"{size / 1e9:.2g} GB"
