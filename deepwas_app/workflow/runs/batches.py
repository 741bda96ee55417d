"""From a study's LD blocks to padded batches on the device."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from deepwas_app.core.batch import BlockBatch, Marginal, put, stack_blocks
from deepwas_app.core.block import WhitenedBlock
from deepwas_app.core.priors import Standardisation
from deepwas_app.genetics.content import OWN_HERITABILITY
from deepwas_app.genetics.store import BLOCK_ARRAYS, read_block
from deepwas_app.workflow.compilation import prepare
from deepwas_app.workflow.studies.tracks import block_tracks, track_shape


def log_heterozygosity(study: xr.Dataset) -> np.ndarray:
    """Log p_j (1 - p_j) of every variant, float32."""
    p = study["variant_allele_frequency"].values.astype(np.float64)
    # A variant that the panel lists as monomorphic has no effect to speak of, but needs a log.
    return np.log(np.maximum(p * (1 - p), 1e-6)).astype(np.float32)


def own_heritability(study: xr.Dataset) -> np.ndarray | None:
    """What lead variants of strong loci have on top of the prior, float64; None without them."""
    if OWN_HERITABILITY not in study:
        return None
    return study[OWN_HERITABILITY].values.astype(np.float64)


def block_slice(study: xr.Dataset, block: int) -> slice:
    """Rows of the study's variants that one LD block covers."""
    start = int(study["block_offset"].values[block])
    return slice(start, start + int(study["block_variants"].values[block]))


def stored_block(study: xr.Dataset, block: int) -> WhitenedBlock:
    """One whitened LD block of a study, numpy arrays."""
    data = read_block(study, block)
    return WhitenedBlock(**{name: data[name].values for name in BLOCK_ARRAYS})


def standardisation(study: xr.Dataset, blocks: Sequence[int] | np.ndarray) -> Standardisation:
    """Mean and s.d. of each annotation over the variants of some blocks.

    One that is the same for every scored variant of theirs cannot be learned, and is left alone:
    its s.d. counts as infinite, so that all variants, those of other blocks too, stand at 0.
    """
    values, scored = study["variant_annotation"].values, study["variant_scored"].values
    slices = [block_slice(study, b) for b in blocks]
    parts = [values[rows] for rows in slices]
    # Block by block: all of a genome in float64 would be the most memory that training takes.
    count = sum(len(part) for part in parts)
    mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / count
    deviation = np.sqrt(sum(((part - mean) ** 2).sum(axis=0) for part in parts) / count)
    seen = [part[scored[rows]] for rows, part in zip(slices, parts, strict=True)]
    seen = [part for part in seen if len(part)] or parts
    first = seen[0][0]
    deviation[np.all([(part == first).all(axis=0) for part in seen], axis=0)] = np.inf
    return Standardisation(jnp.asarray(mean, jnp.float32), jnp.asarray(deviation, jnp.float32))


class Batches(Sequence[BlockBatch]):
    """Padded batches of some of a study's LD blocks, kept on the device or read when needed.

    A study that fits into `memory` is read once. A larger one is read from disk in every pass, by
    a thread that stays `AHEAD` batches in front of the computation; no more than these and the one
    in use are on the device.

    Attributes
    ----------
    plan, blocks
        Which blocks go into which batch, and all their numbers.
    scored
        Number of scored variants.
    resident
        Whether the study fits.
    """

    AHEAD = 2

    def __init__(
        self,
        study: xr.Dataset,
        plan: "list[PlannedBatch]",
        load: Callable[["PlannedBatch"], BlockBatch],
        memory: float,
        tracks: bool = False,
    ):
        self.plan = plan
        self.blocks = [b for batch in plan for b in batch.members]
        self.scored = int(study["block_scored"].values[self.blocks].sum())
        self._load = load
        self.resident = fits(batch_bytes(study, plan, tracks), memory)
        self._kept: dict[int, BlockBatch] = {}

    def map(self, function: Callable[[BlockBatch], BlockBatch]) -> "Batches":
        """These batches with something added to each."""
        other = copy(self)
        other._kept = {}
        # What is kept already is not read again.
        other._load = lambda planned: function(self[self.plan.index(planned)])
        return other

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, i: Any) -> Any:
        if i not in self._kept:
            batch = self._load(self.plan[i])
            if not self.resident:
                return batch
            self._kept[i] = batch
        return self._kept[i]

    def __iter__(self) -> Iterator[BlockBatch]:
        return self.in_order(range(len(self)))

    def in_order(self, order: Iterable[int]) -> Iterator[BlockBatch]:
        """The batches in some order, each ready before it is asked for."""
        numbers = [int(i) for i in order]
        if self.resident:
            yield from (self[i] for i in numbers)
            return
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            waiting: deque[Future[BlockBatch]] = deque()
            try:
                for i in numbers:
                    waiting.append(reader.submit(self.__getitem__, i))
                    if len(waiting) > self.AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def batch_bytes(study: xr.Dataset, plan: "list[PlannedBatch]", tracks: bool) -> list[int]:
    """Bytes of each batch of a plan, with the windows of tracks or without them."""
    each = bytes_per_variant(study, tracks)
    return [b.blocks * b.variants * (4 * b.components + each) for b in plan]


def fits(sizes: Sequence[int], memory: float) -> bool:
    """Whether batches of so many bytes stay on the device, where so many GB of them may."""
    return sum(sizes) <= memory * 1e9


def bytes_per_variant(study: xr.Dataset, tracks: bool) -> int:
    """Bytes of a variant's annotations and the rest, with its tracks or without them."""
    shape = track_shape(study) if tracks else None
    of_annotation = study["variant_annotation"].dtype.itemsize
    return of_annotation * study.sizes["annotations"] + 4 * (8 + (prod(shape) if shape else 0))


def block_batches(
    study: xr.Dataset,
    blocks: Sequence[int] | np.ndarray,
    *,
    batch_blocks: int,
    memory: float = np.inf,
    tracks: bool = False,
    marginal: bool = False,
) -> Batches:
    """Padded batches of some of a study's LD blocks, on the device.

    Parameters
    ----------
    study
        From ``open_study``.
    blocks
        Numbers of the blocks to use.
    batch_blocks
        At most this many blocks in a batch.
    memory
        GB of batches that may stay on the device; more than that is read again in every pass.
    tracks
        Whether the batches carry the windows of the study's tracks.
    marginal
        Whether they carry z-scores, for LD score regression.

    Notes
    -----
    Blocks are grouped by size over the whole study, so that training and held-out blocks share a
    handful of compiled shapes; within a group the batches are equally long.
    """
    # Everything that is compiled works on what this function returns.
    prepare()
    annotations = study["variant_annotation"].values
    log_n = np.log(study["variant_sample_size"].values.astype(np.float64)).astype(np.float32)
    log_frequencies = log_heterozygosity(study)
    own = own_heritability(study)
    if own is not None:
        own = (own * np.exp(log_n)).astype(np.float32)
    scored_in = study["variant_block"].values
    scored = study["variant_scored"].values
    z = study["variant_z"].values if marginal else None
    # Older studies have the second name.
    people = float(study.attrs.get("ld_people", study.attrs.get("panel_sample_size")) or np.inf)

    def part(b: int) -> BlockBatch:
        rows = block_slice(study, b)
        counted = scored[rows] & (scored_in[rows] == b)
        return BlockBatch(
            block=stored_block(study, b),
            annotations=annotations[rows],
            log_n=log_n[rows],
            log_heterozygosity=log_frequencies[rows],
            own=None if own is None else own[rows],
            counted=counted,
            index=np.array(b, np.int32),
            tracks=block_tracks(study, b) if tracks else None,
            marginal=None
            if z is None
            else Marginal(
                z=np.where(counted, z[rows], 0).astype(np.float32),
                weight=counted.astype(np.float32),
                people=np.array(people, np.float32),
            ),
        )

    def load(planned: PlannedBatch) -> BlockBatch:
        return put(
            stack_blocks(
                [part(b) for b in planned.members],
                planned.variants,
                planned.components,
                planned.blocks,
            )
        )

    return Batches(study, batch_plan(study, blocks, batch_blocks), load, memory, tracks)


class PlannedBatch(NamedTuple):
    """Blocks of one batch, and the sizes that it is padded to."""

    members: list[int]
    variants: int
    components: int
    blocks: int


def batch_plan(
    study: xr.Dataset, blocks: Sequence[int] | np.ndarray, batch_blocks: int
) -> list[PlannedBatch]:
    """Which blocks go into which batch, smallest first."""
    plan = []
    devices = jax.device_count()
    wanted = set(map(int, blocks))
    for group in size_groups(study):
        members = [int(b) for b in group if int(b) in wanted]
        count = -(-len(members) // batch_blocks)
        for part in np.array_split(members, count) if count else []:
            plan.append(
                PlannedBatch(
                    members=[int(b) for b in part],
                    variants=int(study["block_variants"].values[group].max()),
                    components=int(study["block_components"].values[group].max()),
                    # Every device gets as many blocks.
                    blocks=-(-len(members) // (count * devices)) * devices,
                )
            )
    return plan


def size_groups(study: xr.Dataset, most: int = 6, waste: float = 0.25) -> list[np.ndarray]:
    """Blocks in groups of about one size, smallest first.

    Parameters
    ----------
    study
        From ``open_study``.
    most
        At most so many groups, and one per dozen blocks: each size takes seconds to compile.
    waste
        As few groups as keep the work that padding adds below this share.
    """
    components = study["block_components"].values.astype(np.float64)
    variants = study["block_variants"].values.astype(np.float64)
    usable = np.flatnonzero(components > 0)
    order = usable[np.argsort(components[usable], kind="stable")]
    work = (variants * components**2)[order].sum()
    for count in range(1, max(min(most, len(order) // 12), 1) + 1):
        groups = np.array_split(order, count)
        padded = sum(len(g) * variants[g].max() * components[g].max() ** 2 for g in groups)
        if padded <= (1 + waste) * work:
            break
    return groups
