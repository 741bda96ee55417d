"""What the parts of the window transformer bring to held-out likelihood.

    python benchmarks/windows.py -o benchmarks/windows.tsv

LD blocks of 80 variants from the coalescent, the GWAS of one half of the people and the LD of the
other (studies.py); 180 to train on, 60 held out. Around each variant tracks of four proteins in 64
bins: where they bind. A variant matters where a site of the second stands just so far downstream
of one of the first, the more the nearer to it; so single sites say a little, pairs more, and the
third and fourth protein nothing. The core's own optimiser, all blocks seen ten times.

model, seed
    What the transformer has, and the seed of its weights and of the order of LD blocks.
gain
    Over the constant prior, nats on the held-out blocks. ``truth``: of the prior that effects were
    drawn from.
more, more_se
    Gain over the plain transformer of the same seed, with its error over LD blocks.
seconds
    Of the processor, in training.
"""

import argparse
import csv
import sys
import time
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from studies import Panel, make_panel

from deepwas_app.core.batch import BlockBatch, shuffled_order, stack_blocks
from deepwas_app.core.block import whiten
from deepwas_app.core.fit import fit_adam, start_adam
from deepwas_app.core.held_out import losses_by_block
from deepwas_app.core.likelihood import negative_log_likelihood
from deepwas_app.core.priors import (
    ConstantPrior,
    Model,
    Standardisation,
    make_prior,
    parameter_count,
)
from deepwas_app.core.scoring import fit_scoring, start_scoring

COLUMNS = ("model", "seed", "parameters", "variants", "gain", "more", "more_se", "seconds")
BLOCKS, HELD_OUT, VARIANTS, PEOPLE = 240, 60, 80, 500
TOGETHER, EPOCHS, RATE, SIGNAL = 3, 10, 3e-3, 3.0
WINDOW, TRACKS = 64, 4
# Sites of each protein in a window; share of windows with a pair; bins between its two; s.d. of a
# site in bins; bins from the variant after which a pair matters by 1 / e; log variance at it.
SITES, PAIRED, APART, WIDE, NEAR, STRENGTH = 0.7, 0.4, 9, 1.0, 16.0, 4.0
SHARED = {"width": 16, "depth": 2}
MODELS: dict[str, dict] = {
    "plain": {"tower": False},
    "tower": {"tower": True},
}


class Windows(NamedTuple):
    """Tracks around variants, (variants, window, tracks), and log of their heritability."""

    tracks: np.ndarray
    log_f: np.ndarray


def draw_windows(count: int, rng: np.random.Generator) -> Windows:
    sites = (rng.random((count, WINDOW, TRACKS)) < SITES / WINDOW).astype(float)
    pairs = np.flatnonzero(rng.random(count) < PAIRED)
    first = rng.integers(0, WINDOW - APART, len(pairs))
    sites[pairs, first, 0] = sites[pairs, first + APART, 1] = 1
    paired = sites[:, :-APART, 0] * sites[:, APART:, 1]
    middle = np.arange(WINDOW - APART) + APART / 2 - WINDOW / 2
    weight = (paired * np.exp(-np.abs(middle) / NEAR)).max(axis=1)
    shape = np.exp(-((np.arange(-4, 5) / WIDE) ** 2) / 2)
    smooth = np.apply_along_axis(np.convolve, 1, sites, shape, "same")
    noisy = smooth + 0.2 * rng.standard_normal(sites.shape)
    standardised = (noisy - noisy.mean(axis=(0, 1))) / noisy.std(axis=(0, 1))
    return Windows(standardised.astype(np.float32), STRENGTH * weight)


def draw_blocks(panel: Panel, rng: np.random.Generator) -> tuple[BlockBatch, np.ndarray]:
    """All LD blocks in one batch, and the true log d, (blocks, variants)."""
    count = len(panel.own)
    windows = draw_windows(count * VARIANTS, rng)
    f = np.exp(windows.log_f).reshape(count, VARIANTS)
    d = SIGNAL * f / f.mean()
    tracks = windows.tracks.reshape(count, VARIANTS, WINDOW, TRACKS)
    parts = []
    for b in range(count):
        W = panel.own[b]
        effects = np.sqrt(d[b]) * rng.standard_normal(VARIANTS)
        z = W @ (W.T @ effects + rng.standard_normal(W.shape[1]))
        parts.append(
            BlockBatch(
                block=whiten(panel.other[b], z, people=PEOPLE),
                annotations=panel.annotations[b, :, :1].astype(np.float32),
                log_n=np.zeros(VARIANTS, np.float32),
                log_heterozygosity=np.zeros(VARIANTS, np.float32),
                counted=np.ones(VARIANTS, bool),
                index=np.array(b, np.int32),
                tracks=tracks[b],
            )
        )
    parts = [jax.tree.map(np.asarray, part) for part in parts]
    size = max(len(part.block.x) for part in parts)
    return stack_blocks(parts, VARIANTS, size, count), np.log(d)


def split(batch: BlockBatch, blocks: range) -> list[BlockBatch]:
    """Batches of a few blocks each."""
    starts = range(blocks.start, blocks.stop, TOGETHER)
    return [
        jax.tree.map(lambda leaf, s=s: jnp.asarray(leaf[s : s + TOGETHER]), batch) for s in starts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("-o", "--output", type=argparse.FileType("w"), default=sys.stdout)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    batch, log_d = draw_blocks(make_panel(BLOCKS, VARIANTS, PEOPLE, seed=1), rng)
    train, test = (
        split(batch, part) for part in (range(BLOCKS - HELD_OUT), range(BLOCKS - HELD_OUT, BLOCKS))
    )
    start = Model(
        ConstantPrior(jnp.log(SIGNAL)), jnp.asarray(0.0), jnp.log(1e-6), learn_kappa=False,
        alpha=0.0,
    )  # fmt: skip
    for step in fit_scoring(start_scoring(start), train):
        constant = step.state.model

    def losses(model: Model) -> np.ndarray:
        return losses_by_block(model, test, BLOCKS)[-HELD_OUT:]

    at_constant = losses(constant)
    held_out = range(BLOCKS - HELD_OUT, BLOCKS)
    true = jax.jit(negative_log_likelihood)
    truth = [
        float(true(jax.tree.map(lambda leaf, b=b: leaf[b], batch.block), log_d[b]))
        for b in held_out
    ]
    writer = csv.writer(options.output, delimiter="\t", lineterminator="\n")

    def write(name, seed, parameters, gain, more, seconds):
        error = np.sqrt(len(more)) * more.std(ddof=1)
        sums = [f"{x:.1f}" for x in (gain.sum(), more.sum(), error)]
        writer.writerow((name, seed, parameters, HELD_OUT * VARIANTS, *sums, f"{seconds:.0f}"))
        options.output.flush()

    writer.writerow(COLUMNS)
    write("truth", 0, 0, at_constant - truth, at_constant - truth, 0)
    unit = [Standardisation(jnp.zeros(n), jnp.ones(n)) for n in (1, TRACKS)]
    for seed in options.seeds:
        plain = np.zeros(HELD_OUT)
        for name in options.models:
            began = time.process_time()
            prior = make_prior(
                "transformer", unit[0], level=float(constant.prior.level), window=WINDOW,
                standardise_tracks=unit[1], key=jax.random.key(seed), **SHARED | MODELS[name],
            )  # fmt: skip
            model = eqx.tree_at(lambda m: m.prior, constant, prior)
            for step in fit_adam(
                start_adam(model, RATE, EPOCHS * len(train)),
                lambda epoch, seed=seed: [
                    train[i] for i in shuffled_order(len(train), seed, epoch)
                ],
                batches_per_epoch=len(train),
                variants=(BLOCKS - HELD_OUT) * VARIANTS,
                epochs=EPOCHS,
                learning_rate=RATE,
            ):
                model = step.state.model
            seconds = time.process_time() - began
            gain = at_constant - losses(model)
            plain = gain if name == "plain" else plain
            write(name, seed, parameter_count(prior), gain, gain - plain, seconds)


if __name__ == "__main__":
    main()
