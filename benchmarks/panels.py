"""Does heritability come back when LD comes from a panel of few other people?

    python benchmarks/panels.py -o benchmarks/panels.tsv
    python benchmarks/panels.py --quick
    python benchmarks/panels.py --chromosomes 3 --largest 250 --people 500 inf --chi2 1.8 3.5

Truth is made by people.py, which shares no code with what is tested: z-scores of GWAS of people
that are drawn from a population whose LD is known, and panels of other people drawn from it. LD
blocks are given (cut at hot spots of recombination, 1.5 to 4 Mb) or cut by the software from the
panel. Every study is fitted by a constant prior, with 99% of the variance of LD kept.

method
    ``new``: noise of the panel's sampling, s2 learned, kappa 0 (the default); ``new, kappa``:
    kappa learned, too; ``new, s2 1``: neither; ``before``: s2 and kappa learned, as if LD were
    exact; ``LDSC`` and ``LDSC, 1``: LD score regression with a free intercept, and with 1.
ratio, se
    Mean of estimated over true heritability, and its standard error over studies.
s2, kappa
    Their means; of LD score regression the intercept.
ld_blocks
    How many there are, the mean over panels.
covered, covered_log
    Share of 95% intervals that hold the truth: by Student's t and a one-step block jackknife, which
    is what the software reports, and the same in the logarithm of heritability, h2 exp(t se / h2).

With a constant prior, equal sample sizes and every variant scored, K is diagonal, because
Q'Q = diag(lambda): all studies of a cell are fitted at once in numpy. One study per panel size is
fitted by the software itself, too, error and all, and the program ends if these differ.
"""

import argparse
import csv
import sys
import time
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from people import PEOPLE, Chromosome, Studies, make_chromosome, run_gwas

from deepwas_app.core.batch import BlockBatch, stack_blocks
from deepwas_app.core.block import WhitenedBlock, whiten
from deepwas_app.core.effects import tilt_jackknife
from deepwas_app.core.fit import fit_scoring, start_scoring
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ConstantPrior, Model, Prior, ridge_precision
from deepwas_app.core.priors.model import LOG_S2_DEVIATION
from deepwas_app.genetics.ld.cuts import cut_blocks
from deepwas_app.genetics.ld.factor import standardise
from deepwas_app.intervals import interval
from deepwas_app.workflow.runs.models import blank_standardisation
from deepwas_app.workflow.settings import PanelSettings, TrainSettings

COLUMNS = (
    "panel", "blocks", "mean_chi2", "causal", "typed", "method", "studies", "ratio", "se", "s2",
    "kappa", "ld_blocks", "covered", "covered_log",
)  # fmt: skip
# People, and how many panels of so many are drawn; studies take turns with them.
PANELS = {378: 4, 500: 4, 1_000: 4, 5_000: 2, np.inf: 1}
STUDIES = {1.2: 480, 1.8: 160, 3.5: 160, 7.0: 160}
BLOCKS = ("given", "cut")
KEPT = 0.99


class Block(NamedTuple):
    """A whitened LD block without z-scores.

    Attributes
    ----------
    rows
        Its variants among all typed ones.
    to_x
        From z to x as if LD were exact, (variants, components).
    eigenvalues, noise, background
        Of the whitened block, (components,).
    scores
        LD scores of the variants, corrected for the panel's sampling noise.
    """

    rows: np.ndarray
    to_x: np.ndarray
    eigenvalues: np.ndarray
    noise: np.ndarray
    background: np.ndarray
    scores: np.ndarray


def whitened(first: int, genotypes: np.ndarray, people: float) -> tuple[Block, np.ndarray]:
    """A block whose first variant has that number, and its factor W."""
    X = standardise(genotypes)[0]
    varies = np.flatnonzero(X.any(axis=0))
    X = X[:, varies] / np.sqrt(np.float32(len(X)))
    R = X.T @ X
    W = X.T if len(X) < len(R) else root(R)
    white = whiten(W, np.zeros(len(W)), variance=KEPT, people=people)
    Q, eigenvalues, noise, background = (
        np.asarray(part, np.float64)
        for part in (white.Q, white.eigenvalues, white.noise, white.background)
    )
    squared = (R**2).sum(axis=1, dtype=np.float64)
    scores = squared - (len(R) - squared) / (people - 2)
    to_x = (Q / eigenvalues).astype(np.float32)
    return Block(first + varies, to_x, eigenvalues, noise, background, scores), W


def root(R: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(R.astype(np.float64))
    return vectors * np.sqrt(np.maximum(values, 0))


class Drawn(NamedTuple):
    """One panel: its blocks, and the factors W of their LD."""

    people: float
    blocks: list[Block]
    factors: list[np.ndarray]

    @classmethod
    def draw(
        cls,
        chromosomes: list[Chromosome],
        people: float,
        cut: str,
        rng: np.random.Generator,
        largest: int | None = None,
    ) -> "Drawn":
        blocks, factors, first = [], [], 0
        for c in chromosomes:
            exact = np.isinf(people)
            genotypes = c.typed if exact else rng.choice(c.typed, int(people))
            starts = c.starts if cut == "given" else software_cuts(genotypes, largest)
            for part, at in zip(np.split(genotypes, starts[1:], axis=1), starts, strict=True):
                block, W = whitened(first + at, part.astype(np.float32), people)
                blocks.append(block)
                factors.append(W)
            first += genotypes.shape[1]
        return cls(people, blocks, factors)


def software_cuts(genotypes: np.ndarray, largest: int | None = None) -> np.ndarray:
    """First variants of LD blocks of at most so many variants, or as many as is the default."""
    size = genotypes.shape[1]
    table = xr.Dataset(
        {
            "variant_chromosome": ("variants", np.full(size, "1")),
            "variant_position": ("variants", 1 + np.arange(size)),
        }
    )
    largest = largest or PanelSettings().max_block
    places = cut_blocks(table, lambda rows: genotypes[:, rows].astype(np.float32), largest)
    return places["start"].to_numpy()


class Fits(NamedTuple):
    """Of every study: signal per variant, s2, kappa, and block-jackknife error of log signal."""

    level: np.ndarray
    s2: np.ndarray
    kappa: np.ndarray
    error: np.ndarray


def fit(
    squares: np.ndarray,
    basis: np.ndarray,
    start: np.ndarray,
    precision: np.ndarray,
    steps: int = 100,
) -> np.ndarray:
    """p of y_i ~ Normal(0, sum_k p_k basis_ki), by Fisher scoring in log p.

    Parameters
    ----------
    squares
        y^2, (studies, components).
    basis
        Known shapes of the variance, (terms, components). Terms behind the last of `start` are
        fixed at 1.
    start
        First p, (studies, learned terms).
    precision
        Of a normal prior on log p about 0, (learned terms,).
    """
    squares, basis = squares.astype(np.float32), basis.astype(np.float32)
    learned = start.shape[1]
    pairs = (basis[:learned, None] * basis[None, :learned]).reshape(learned**2, -1).T
    fixed = basis[learned:].sum(axis=0)

    def evaluate(p: np.ndarray, rows: np.ndarray):
        weight = 1 / (p.astype(np.float32) @ basis[:learned] + fixed)
        scaled = squares[rows] * weight
        prior = precision * np.log(p)
        loss = 0.5 * (scaled - np.log(weight)).sum(axis=1, dtype=np.float64)
        loss += 0.5 * (prior * np.log(p)).sum(axis=1)
        gradient = 0.5 * p * ((weight * (1 - scaled)) @ basis[:learned].T) + prior
        information = 0.5 * ((weight * weight) @ pairs).reshape(-1, learned, learned)
        information = information * p[:, :, None] * p[:, None, :]
        return loss, gradient, information + np.diag(precision)

    p = start.astype(np.float64)
    active = np.arange(len(p))
    damping = np.full(len(p), 1e-3)
    loss, gradient, information = evaluate(p, active)
    for _ in range(steps):
        scale = np.einsum("skk->sk", information)[active] + 1e-9
        step = np.linalg.solve(
            information[active] + np.eye(learned) * (scale * damping[active, None])[:, None],
            gradient[active][..., None],
        )[..., 0]
        gain = 0.5 * (step * gradient[active]).sum(axis=1)
        going = gain > 1e-5
        active, step = active[going], step[going]
        if not len(active):
            break
        trial = p[active] * np.exp(-np.clip(step, -2, 2))
        found = evaluate(trial, active)
        better = found[0] < loss[active]
        damping[active] = np.where(better, damping[active] / 5, damping[active] * 10)
        good = active[better]
        p[good] = trial[better]
        loss[good], gradient[good], information[good] = (part[better] for part in found)
    return p


def jackknife(
    squares: np.ndarray, basis: np.ndarray, p: np.ndarray, starts: np.ndarray
) -> np.ndarray:
    """Block-jackknife errors of the log of the first p, (studies,), by one step for every block.

    Parameters
    ----------
    squares, basis, p
        As in :func:`fit`, at its optimum.
    starts
        First component of every LD block.
    """
    learned = p.shape[1]
    variance = p @ basis[:learned] + basis[learned:].sum(axis=0)
    slopes = p[:, :, None] * basis[:learned] / variance[:, None]
    score = 0.5 * np.add.reduceat(slopes * (1 - squares / variance)[:, None], starts, axis=-1)
    fisher = 0.5 * np.add.reduceat(slopes[:, :, None] * slopes[:, None], starts, axis=-1)
    score -= score.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.einsum("skkb->sk", fisher))
    fisher *= (scale[:, :, None] * scale[:, None])[..., None]
    others = np.moveaxis(fisher.sum(axis=-1, keepdims=True) - fisher, -1, 0)
    inverse = np.linalg.pinv(others, rcond=1e-6, hermitian=True)
    moves = scale[:, 0] * np.einsum("bsk,sk,skb->bs", inverse[:, :, 0], scale, score)
    return jackknife_error(moves)


def shapes(blocks: list[Block]) -> dict[str, np.ndarray]:
    """Variance of x, as if LD were exact, by its source, (components,) each."""
    parts = [
        {
            "signal": b.eigenvalues,
            "sampled signal": (b.eigenvalues + b.background * len(b.rows)) / b.noise**2,
            "noise": np.ones(len(b.noise)),
            "sampled noise": 1 / b.noise,
            "mismatch": 1 / b.eigenvalues,
        }
        for b in blocks
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fit_methods(blocks: list[Block], z: np.ndarray) -> dict[str, Fits]:
    """Every method on the studies of one panel."""
    x2 = np.concatenate([(z[:, b.rows] @ b.to_x) ** 2 for b in blocks], axis=1)
    by = shapes(blocks)
    rows = np.concatenate([b.rows for b in blocks])
    scores = np.concatenate([b.scores for b in blocks])
    starts = np.cumsum([0, *(len(b.noise) for b in blocks[:-1])])
    level = np.maximum(np.mean(z[:, rows] ** 2, axis=1) - 1, 0.05) / scores.mean()
    one = np.ones_like(level)
    signal, noise, mismatch = by["sampled signal"], by["sampled noise"], by["mismatch"]

    def by_likelihood(terms, *begin, s2_precision=LOG_S2_DEVIATION**-2) -> Fits:
        precision = np.array([0.0, s2_precision, 0.0])[: len(begin)]
        p = fit(x2, np.stack(terms), np.stack(begin, axis=1), precision)
        error = jackknife(x2, np.stack(terms), p, starts)
        s2, kappa = (p[:, k] if k < p.shape[1] else None for k in (1, 2))
        s2 = one if s2 is None else s2
        kappa = 0 * one if kappa is None else kappa
        return Fits(p[:, 0], s2, kappa, error)

    found = {
        "new": by_likelihood((signal, noise), level, one),
        "new, kappa": by_likelihood((signal, noise, mismatch), level, one, 0.05 * one),
        "new, s2 1": by_likelihood((signal, noise), level),
        "before": by_likelihood(
            (by["signal"], by["noise"], mismatch), level, one, 0.05 * one, s2_precision=0.0
        ),
    }
    for name, free in (("LDSC", True), ("LDSC, 1", False)):
        slope, intercept = ld_score_regression(z[:, rows] ** 2, scores, free)
        found[name] = Fits(slope, intercept, 0 * one, np.full_like(one, np.nan))
    return found


def ld_score_regression(chi2: np.ndarray, scores: np.ndarray, free: bool):
    """Slopes and intercepts of chi^2 on LD scores, by the usual weights, refined three times."""
    score = np.maximum(scores, 1.0)
    intercept = np.ones(len(chi2))
    slope = np.maximum(chi2.mean(axis=1) - 1, 0) / scores.mean()
    for _ in range(3):
        w = 1 / (score * (1 + np.maximum(slope, 0)[:, None] * score) ** 2)
        if free:
            total = w.sum(axis=1)
            l_mean = (w @ scores) / total
            y_mean = (w * chi2).sum(axis=1) / total
            spread = w @ scores**2 - total * l_mean**2
            slope = ((w * chi2) @ scores - total * l_mean * y_mean) / spread
            intercept = y_mean - slope * l_mean
        else:
            slope = ((w * (chi2 - 1)) @ scores) / (w @ scores**2)
    return slope, intercept


def cell_rows(panels: list[Drawn], studies: Studies):
    """Rows of the table, from the method on."""
    turns = np.arange(len(studies.z)) % len(panels)
    collected: dict[str, list] = {}
    for k, panel in enumerate(panels):
        mine = turns == k
        scored = sum(len(b.rows) for b in panel.blocks)
        for method, found in fit_methods(panel.blocks, studies.z[mine]).items():
            ratio = found.level * scored / studies.signal[mine]
            holds = covered(ratio, found.error, len(panel.blocks))
            collected.setdefault(method, []).append((ratio, found.s2, found.kappa, *holds))
    ld_blocks = np.mean([len(panel.blocks) for panel in panels])
    for method, parts in collected.items():
        ratio, s2, kappa, plain, log = (np.concatenate(part) for part in zip(*parts, strict=True))
        yield (
            method,
            len(ratio),
            f"{ratio.mean():.3f}",
            f"{ratio.std(ddof=1) / np.sqrt(len(ratio)):.3f}",
            f"{s2.mean():.3f}",
            f"{kappa.mean():.3f}",
            f"{ld_blocks:.0f}",
            *("" if np.isnan(part).any() else f"{part.mean():.3f}" for part in (plain, log)),
        )


def covered(ratio: np.ndarray, error: np.ndarray, blocks: int) -> list[np.ndarray]:
    """Whether 95% intervals hold the truth, by ratio and by its logarithm; NaN without errors.

    Parameters
    ----------
    ratio, error
        Of estimated over true heritability, and the error of its logarithm, (studies,).
    """
    log = np.log(np.maximum(ratio, 1e-9))
    found = []
    for value, spread, truth in ((ratio, ratio * error, 1.0), (log, error, 0.0)):
        low, high = interval(value, spread, blocks)
        found.append(np.where(np.isnan(error), np.nan, (low < truth) & (truth < high)))
    return found


def software_batch(
    drawn: Drawn, z: np.ndarray, annotations: np.ndarray | None = None
) -> BlockBatch:
    """The blocks of one study as the software has them; annotations are (variants, annotations)."""
    parts = []
    for b, W in zip(drawn.blocks, drawn.factors, strict=True):
        white = whiten(W, z[b.rows], variance=KEPT, people=drawn.people)
        names = ("Q", "x", "eigenvalues", "noise", "background")
        arrays = (np.asarray(getattr(white, name), np.float32) for name in names)
        empty = np.zeros((len(W), 0), np.float32)
        parts.append(
            BlockBatch(
                block=WhitenedBlock(*arrays),
                annotations=empty if annotations is None else annotations[b.rows],
                log_scale=np.zeros(len(W), np.float32),
                counted=np.ones(len(W), bool),
                index=np.asarray(len(parts)),
            )
        )
    variants = max(len(b.rows) for b in drawn.blocks)
    components = max(len(b.noise) for b in drawn.blocks)
    return stack_blocks(parts, variants, components, len(parts))


def unfitted(prior: Prior, s2: float = 1.0) -> Model:
    return Model(prior, jnp.asarray(np.log(s2)), jnp.asarray(-np.inf), learn_kappa=False)


def fitted(prior: Prior, batch: BlockBatch) -> Model:
    """By the software's Newton steps, s2 learned."""
    model = unfitted(prior)
    precision = np.asarray(ridge_precision(model, TrainSettings().coefficient_sd))
    for step in fit_scoring(start_scoring(model), [batch], tolerance=1e-5, precision=precision):
        model = step.state.model
    return model


def check(drawn: Drawn, z: np.ndarray) -> None:
    """The software's own way for one study, z to constant prior, must give the same numbers."""
    ours = fit_methods(drawn.blocks, z[None])["new"]
    batch = software_batch(drawn, z)
    # From elsewhere, so that it has some way to go.
    prior = ConstantPrior(jnp.asarray(np.log(1.5 * ours.level[0])))
    model = fitted(prior, batch)
    moves = tilt_jackknife(model, blank_standardisation(0), [batch]).level
    theirs = np.exp(float(model.prior.level)), float(model.s2), float(jackknife_error(moves))
    here = ours.level[0], ours.s2[0], ours.error[0]
    print(f"core: level, s2, error of log h2 {theirs}; here {here}", file=sys.stderr)
    np.testing.assert_allclose(here, theirs, rtol=3e-3)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a small one, in a minute")
    parser.add_argument("--chromosomes", type=int, default=4)
    parser.add_argument("--people", type=float, nargs="+", help="only panels of so many")
    parser.add_argument("--chi2", type=float, nargs="+", help="only studies of this mean chi2")
    parser.add_argument("--largest", type=int, help="only blocks of at most so many variants")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("-o", "--output", type=argparse.FileType("w"), default=sys.stdout)
    options = parser.parse_args()
    population, many, studies, sizes = PEOPLE, options.chromosomes, STUDIES, PANELS
    if options.quick:
        population, many = 3_000, 1
        studies, sizes = dict.fromkeys((1.8, 7.0), 20), {378: 1, np.inf: 1}
    studies = {chi2: studies[chi2] for chi2 in options.chi2 or studies}
    sizes = {people: sizes[people] for people in options.people or sizes}
    blocks = BLOCKS[1:] if options.largest else BLOCKS
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)

    chromosomes = []
    for c in range(many):
        chromosomes.append(make_chromosome(options.seed + c, population))
        say(f"chromosome {c + 1}")
    gwas = run_gwas(chromosomes, studies, options.seed)
    say("GWAS")
    table = csv.writer(options.output, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    rng = np.random.default_rng(options.seed)
    for people, count in sizes.items():
        for cut in blocks:
            panels = [
                Drawn.draw(chromosomes, people, cut, rng, options.largest) for _ in range(count)
            ]
            if cut == blocks[0]:
                check(panels[0], next(iter(gwas.values())).z[0])
            for (chi2, causal, typed), found in gwas.items():
                label = "exact" if np.isinf(people) else int(people)
                for row in cell_rows(panels, found):
                    table.writerow((label, cut, chi2, causal, typed, *row))
            options.output.flush()
            say(f"panel of {people}, blocks {cut}")


if __name__ == "__main__":
    main()
