"""Studies whose truth is known: real or coalescent LD, simulated annotations and effects."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from deepwas_app.core.simulate import (
    draw_annotations,
    draw_effects,
    draw_z,
    true_log_variance,
)
from deepwas_app.errors import InputError
from deepwas_app.genetics.content import check_annotations
from deepwas_app.genetics.gwas.frequency import fill_frequency
from deepwas_app.genetics.ld.coalescent import simulate_block
from deepwas_app.genetics.ld.factor import ld_scores, standardise
from deepwas_app.genetics.ld.panel import open_panel, read_factor
from deepwas_app.genetics.store import open_study_store, read_block, study_writer
from deepwas_app.workflow.progress import Progress, job
from deepwas_app.workflow.settings import SimulateSettings
from deepwas_app.workflow.settings.keywords import knobs
from deepwas_app.workflow.studies.build import output_path, whitened
from deepwas_app.workflow.studies.strong import with_strong_loci
from deepwas_app.workflow.studies.track_store import drop_stale_tracks

ALPHA = 0.7
BLOCK_VARIANTS = 650


class _Panel(NamedTuple):
    """Variants, LD factors of the population, which vary in the LD panel, and its LD factors."""

    variants: xr.Dataset
    factors: list[np.ndarray]
    varies: list[np.ndarray]
    reference: Callable[[int], np.ndarray]


@job
@knobs(SimulateSettings)
def simulate(settings: SimulateSettings) -> Generator[Progress, None, Path]:
    """Simulate a study and write it.

    Parameters
    ----------
    settings
        What to simulate, in place of the keywords below. The same settings give the same study.

    Returns
    -------
    Path of the study. Its ``variant_true_heritability`` is v_j and ``variant_true_effect`` is b_j
    (in units of z).

    Yields
    ------
    Progress
    """
    path = output_path(settings.output, ".study.zarr")
    if settings.study and settings.ld:
        raise InputError("simulate: a study to draw from and an LD panel. Give one of them.")
    if settings.study:
        panel = yield from _panel_from_study(settings)
    elif settings.ld:
        panel = yield from _panel_from_disk(settings)
    else:
        panel = yield from _panel_from_coalescent(settings)
    variants = panel.variants
    rng = np.random.default_rng((settings.seed, 2))
    offsets, counts = variants["block_offset"].values, variants["block_variants"].values
    rows = [slice(a, a + n) for a, n in zip(offsets, counts, strict=True)]
    owner = variants["variant_block"].values
    if "variant_annotation" not in variants:
        variants = _annotated(variants, settings.annotations, rng)
    annotations = variants["variant_annotation"].values.astype(np.float32, copy=False)
    deviation = annotations.std(axis=0)
    # One that is the same everywhere says nothing.
    standardised = (annotations - annotations.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    p = fill_frequency(variants, np.zeros(0, int), np.zeros(0)).astype(np.float64)
    log_f = true_log_variance(standardised, settings.truth, np.random.default_rng(settings.seed))
    v = np.exp(log_f) * (p * (1 - p)) ** ALPHA
    v *= settings.h2 / v.sum()
    n = np.full(len(v), settings.n)
    if "variant_sample_size" in variants and "n" not in settings.given:
        n = variants["variant_sample_size"].values.astype(np.float64)
    effects = draw_effects(n * v, rng, settings.causal)
    z = np.full(len(effects), np.nan)
    for b, (W, r) in enumerate(zip(panel.factors, rows, strict=True)):
        # A variant that does not vary among the people of the panel cannot be scored by it.
        mine = (owner[r] == b) & panel.varies[b]
        z[r][mine] = draw_z(W, effects[r], rng)[mine]

    variants = variants.assign(
        variant_allele_frequency=("variants", p.astype(np.float32)),
        variant_z=("variants", z.astype(np.float32)),
        variant_sample_size=("variants", n.astype(np.float32)),
        variant_scored=("variants", np.isfinite(z)),
        variant_true_heritability=("variants", v.astype(np.float32)),
        variant_true_effect=("variants", effects.astype(np.float32)),
    )
    variants, strong = with_strong_loci(variants, panel.reference, settings.panel_people)
    lost = int(np.isnan(z).sum())
    attrs = {
        "title": settings.title or path.name.removesuffix(".study.zarr"),
        "genome_build": variants.attrs["genome_build"],
        "variance": settings.variance,
        "alignment": [
            {"step": "Simulated variants", "variants": len(z), "kind": "in"},
            {"step": "Do not vary in the LD panel", "variants": -lost, "kind": "loss"},
            {"step": "Scored variants", "variants": len(z) - lost, "kind": "out"},
            *strong,
        ],
        "ld_people": settings.panel_people,
        "provenance": [
            {
                "role": "simulation",
                "path": settings.study or settings.ld or "coalescent",
                "format": f"{settings.truth}, h2 {settings.h2:g}, seed {settings.seed}",
                "size": 0,
                "sha256": "",
            }
        ],
    }
    with study_writer(path, variants, attrs) as writer:
        for b, r in enumerate(rows):
            mine = (owner[r] == b) & np.isfinite(z[r])
            W, people = panel.reference(b), settings.panel_people
            writer.add(whitened(W, z[r], mine, settings.variance, people))
            yield Progress(0.6 + 0.4 * (b + 1) / len(rows), f"LD block {b + 1} of {len(rows)}")
    drop_stale_tracks(path)
    return path


def _annotated(variants: xr.Dataset, count: int, rng: np.random.Generator) -> xr.Dataset:
    """The variants with drawn annotations, the first half of them binary."""
    position = variants["variant_position"].values
    # Windows overlap in their flanks; each variant is drawn with the block that scores it.
    owner = variants["variant_block"].values
    annotations = np.empty((len(position), count), np.float32)
    for b in range(variants.sizes["blocks"]):
        mine = np.flatnonzero(owner == b)
        annotations[mine] = draw_annotations(position[mine], count, rng)
    binary = count // 2
    names = [f"Binary {i + 1}" for i in range(binary)]
    names += [f"Continuous {i + 1}" for i in range(count - binary)]
    kinds = ["binary"] * binary + ["continuous"] * (count - binary)
    return variants.assign(
        variant_annotation=(("variants", "annotations"), annotations),
        annotation_kind=("annotations", np.array(kinds)),
    ).assign_coords(annotation=("annotations", np.array(names)))


def _panel_from_study(settings: SimulateSettings) -> Generator[Progress, None, _Panel]:
    """The LD and the variants of a study, as its own blocks hold them, with its annotations."""
    study = open_study_store(settings.study).load()
    check_annotations(study)
    factors = []
    for b in range(study.sizes["blocks"]):
        Q = read_block(study, b, ("Q",))["Q"].values.astype(np.float32)
        length = np.linalg.norm(Q, axis=1, keepdims=True)
        # Of the kept components, so that every z-score has a variance of 1 under the null.
        factors.append(Q / np.where(length > 0, length, 1))
        yield Progress(0.6 * (b + 1) / study.sizes["blocks"], "reading the study")
    kept = study.drop_vars(["block_scored", "block_components"])
    return _of_factors(kept, factors, settings)


def _panel_from_disk(settings: SimulateSettings) -> Generator[Progress, None, _Panel]:
    """The panel's LD is that of the GWAS; normal "genotypes" of other people are drawn from it."""
    panel = open_panel(settings.ld)
    factors = []
    for b in range(panel.sizes["blocks"]):
        factors.append(read_factor(panel, b).astype(np.float32))
        yield Progress(0.6 * (b + 1) / panel.sizes["blocks"], "reading the LD panel")
    return _of_factors(panel.load(), factors, settings)


def _of_factors(
    variants: xr.Dataset, factors: list[np.ndarray], settings: SimulateSettings
) -> _Panel:
    """Factors of the population's LD, of which the people of the LD panel are drawn."""
    people = settings.panel_people

    def reference(b: int) -> np.ndarray:
        rng, W = np.random.default_rng((settings.seed, 3, b)), factors[b]
        drawn = rng.standard_normal((people, W.shape[1]), np.float32)
        return _factor(drawn @ W.T) if people else W

    varies = [(W != 0).any(axis=1) for W in factors]
    return _Panel(variants, factors, varies, reference)


def _factor(genotypes: np.ndarray) -> np.ndarray:
    """Factor of the LD of genotypes, (people, variants)."""
    return standardise(genotypes)[0].T / np.float32(np.sqrt(len(genotypes)))


def _panel_from_coalescent(
    settings: SimulateSettings,
) -> Generator[Progress, None, _Panel]:
    """Independent stretches laid end to end, the same number on every chromosome.

    The simulated people are all there are; those of the LD panel are drawn from them, with
    replacement, so that LD in the population is known exactly.
    """
    dosages: list[np.ndarray] = []
    factors: list[np.ndarray] = []
    varies: list[np.ndarray] = []

    def reference(b: int) -> np.ndarray:
        rng, people = np.random.default_rng((settings.seed, 3, b)), settings.panel_people
        drawn = rng.integers(settings.people, size=people)
        return _factor(dosages[b][drawn].astype(np.float32)) if people else factors[b]

    per_chromosome = max(round(settings.variants / settings.chromosomes / BLOCK_VARIANTS), 1)
    blocks = per_chromosome * settings.chromosomes
    size = round(settings.variants / blocks)
    parts, spans = [], []
    start = 0
    for b in range(blocks):
        chromosome = b // per_chromosome + 1
        start = 0 if b % per_chromosome == 0 else start
        simulated = simulate_block(settings.people, size, settings.seed * 1_000_003 + b)
        frequency = simulated.dosages.mean(axis=0) / 2
        factors.append(_factor(simulated.dosages))
        dosages.append(simulated.dosages.astype(np.int8))
        W = reference(b)
        varies.append((W != 0).any(axis=1))
        scores = ld_scores(W, settings.panel_people)
        parts.append((start + simulated.positions, frequency, scores))
        spans.append((str(chromosome), start, start + simulated.length, len(frequency)))
        start += simulated.length
        yield Progress(0.6 * (b + 1) / blocks, f"coalescent, chromosome {chromosome}")
    chromosomes, block_start, block_stop, counts = (np.array(x) for x in zip(*spans, strict=True))
    position, frequency, scores = (np.concatenate(x) for x in zip(*parts, strict=True))
    per_variant = np.repeat(chromosomes, counts)
    ids = [f"{c}:{p}" for c, p in zip(per_variant, position, strict=True)]
    total = len(position)
    table = {
        "variant_id": np.array(ids),
        "variant_chromosome": per_variant,
        "variant_position": position.astype(np.int32),
        "variant_effect_allele": np.full(total, "A"),
        "variant_other_allele": np.full(total, "G"),
        "variant_allele_frequency": frequency.astype(np.float32),
        "variant_block": np.repeat(np.arange(blocks), counts).astype(np.int32),
        "variant_ld_score": scores.astype(np.float32),
    }
    block_table = {
        "block_chromosome": chromosomes,
        "block_start": block_start.astype(np.int32),
        "block_stop": block_stop.astype(np.int32),
        "block_offset": (np.cumsum(counts) - counts).astype(np.int32),
        "block_variants": counts.astype(np.int32),
    }
    dataset = xr.Dataset(
        {k: ("variants", v) for k, v in table.items()}
        | {k: ("blocks", v) for k, v in block_table.items()},
        attrs={"genome_build": "hg19", "sample_size": settings.panel_people},
    )
    return _Panel(dataset, factors, varies, reference)
