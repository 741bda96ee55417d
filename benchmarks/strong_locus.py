"""What one strong locus does to heritability and to an annotation's coefficient.

    python benchmarks/strong_locus.py -o benchmarks/strong_locus.tsv
    python benchmarks/strong_locus.py --quick

People of population.py: 7,000 in the GWAS; a trait of which all typed variants explain 0.3
three times as much each if they are in an annotation (a random fifth of them), and one variant
outside of it, another one in every study, a share q of its own. LD is that of a panel of 500 other
people, or exact. Studies are the same for every q but for the size of that one effect.

z
    ``Wald``: estimate over standard error, as files have it; ``correlation``: sqrt(N) times the
    correlation, what `marginal_correlation_z` makes of them and studies are made of.
blocks
    ``given``, at hot spots of recombination, 1.5 to 4 Mb: constant prior only. ``cut`` by the
    software, at most 250 variants, all effects left to the prior. ``own``: these, and lead variants
    of strong loci have a variance of their own, as in studies. ``elsewhere``: those without the one
    that the strong variant is in; heritability is then taken to be the same everywhere, so that q
    is not in it.
largest
    Mean of the largest z-score.
truth, h2, h2_se, s2
    Heritability, its mean over studies under the constant prior, the standard error of the mean,
    and the mean noise scale.
coefficient, sd, se
    Of the annotation under the linear prior, per unit: change of log variance, log 3 in truth. Its
    mean and s.d. over studies, and its mean block-jackknife standard error. Not with exact LD.
found, score_found
    Share of studies with P < 0.05 by the coefficient (Student's t with blocks - 1), and by the
    score test.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import command
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from constant_fits import Fits, fit_methods
from ld_blocks import Drawn
from panels import fitted, software_batch, unfitted
from population import Chromosome, make_chromosome, standardised
from scipy.stats import t as student

from deepwas_app.core.batch import BlockBatch
from deepwas_app.core.effects import score_test, tilt_jackknife
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ConstantPrior, Standardisation, make_prior
from deepwas_app.genetics.gwas.strong import lead_variance, strong_limit
from deepwas_app.genetics.statistics import marginal_correlation_z

COLUMNS = (
    "panel", "z", "q", "studies", "largest", "blocks", "truth", "h2", "h2_se", "s2", "coefficient",
    "sd", "se", "found", "score_found",
)  # fmt: skip
POPULATION = 6_000
PEOPLE = 7_000
POLYGENIC = 0.3
SHARES = (0.0, 0.01, 0.05, 0.2, 0.5)
PANELS = (500, np.inf)
LARGEST = 250
IN_ANNOTATION, ENRICHED = 0.2, 3.0


class Truth(NamedTuple):
    """What is the same for every q.

    Attributes
    ----------
    annotation
        0 or 1, (typed variants of all chromosomes, 1).
    strong
        The variant with the strong effect, on the first chromosome, of every study.
    """

    annotation: np.ndarray
    strong: np.ndarray

    @classmethod
    def draw(cls, chromosomes: list[Chromosome], studies: int, rng: np.random.Generator) -> "Truth":
        annotation = rng.random(sum(c.typed.shape[1] for c in chromosomes)) < IN_ANNOTATION
        common = chromosomes[0].typed.mean(axis=0) / 2
        fits = np.flatnonzero((common > 0.2) & (common < 0.8))
        strong = rng.choice(fits, studies, replace=False)
        annotation[strong] = False
        return cls(annotation[:, None].astype(np.float32), strong)


def wald_z(chromosomes: list[Chromosome], truth: Truth, rng: np.random.Generator) -> np.ndarray:
    """z-scores of regressions on one variant at a time, (q, studies, variants)."""
    population, studies = len(chromosomes[0].typed), len(truth.strong)
    deviation = np.sqrt(np.where(truth.annotation[:, 0] > 0, ENRICHED, 1.0))
    ends = np.cumsum([c.typed.shape[1] for c in chromosomes])
    beta = np.split(deviation * rng.standard_normal((studies, len(deviation))), ends[:-1], axis=1)
    carried = rng.integers(population, size=(len(chromosomes), studies, PEOPLE))
    noise = normed(rng.standard_normal((studies, PEOPLE)))
    X = [standardised(c.typed) for c in chromosomes]
    values = [b.astype(np.float32) @ x.T for b, x in zip(beta, X, strict=True)]
    polygenic = normed(
        sum(np.take_along_axis(v, i, axis=1) for v, i in zip(values, carried, strict=True))
    )
    strong = normed(np.stack([X[0][i, j] for i, j in zip(carried[0], truth.strong, strict=True)]))
    found = []
    for q in SHARES:
        y = np.sqrt(POLYGENIC) * polygenic + np.sqrt(q) * strong
        y = normed(y + np.sqrt(1 - POLYGENIC - q) * noise)
        parts = [correlations(x, i, y) for x, i in zip(X, carried, strict=True)]
        r = np.concatenate(parts, axis=1)
        found.append(r * np.sqrt((PEOPLE - 2) / (1 - r**2)))
    return np.stack(found)


def normed(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)


def correlations(x: np.ndarray, carried: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of standardised y, (studies, people), with the genotypes that these people carry."""
    population = len(x)
    counts = np.stack([np.bincount(i, minlength=population) for i in carried])
    sums = np.stack([np.bincount(i, own, population) for i, own in zip(carried, y, strict=True)])
    people = y.shape[1]
    mean, square = (counts @ x / people, counts @ x**2 / people)
    deviation = np.sqrt(np.maximum(square - mean**2, 1e-12))
    return np.asarray(sums @ x / people / deviation, np.float64)


class Annotated(NamedTuple):
    """Under the linear prior: coefficient per unit, its error, and P by it and by the score."""

    coefficient: float
    error: float
    p: float
    score_p: float


def annotated(
    batch: BlockBatch, standardise: Standardisation, level: float, s2: float
) -> Annotated:
    """The software's own fit, as `deepwas train` and `deepwas effects` make it."""
    constant = unfitted(ConstantPrior(jnp.asarray(np.log(level))), s2)
    start = make_prior("linear", standardise, level=float(constant.prior.level))
    model = fitted(start, batch)
    moves = tilt_jackknife(model, standardise, [batch])
    coefficient = float(model.prior.log_coefficients()[0]) + float(moves.unpulled[0])
    error = float(jackknife_error(moves.coefficients)[0])
    test = score_test(constant, standardise, [batch])
    p = 2 * student.sf(abs(coefficient / error), test.blocks - 1)
    deviation = float(standardise.deviation[0])
    return Annotated(coefficient / deviation, error / deviation, p, float(test.p[0]))


def with_z(batch: BlockBatch, drawn: Drawn, z: np.ndarray) -> BlockBatch:
    x = np.zeros(batch.block.x.shape, np.float32)
    for into, b in zip(x, drawn.blocks, strict=True):
        into[: len(b.noise)] = (z[b.rows] @ b.to_x) * b.noise
    return eqx.tree_at(lambda part: part.block.x, batch, jnp.asarray(x))


def rows(given: Drawn, cut: Drawn, truth: Truth, wald: np.ndarray) -> Iterator[tuple]:
    """Of the table, for one number of people behind LD."""
    batch = software_batch(cut, np.zeros(wald.shape[-1]), truth.annotation)
    standardise = Standardisation(
        jnp.asarray(truth.annotation.mean(axis=0)), jnp.asarray(truth.annotation.std(axis=0))
    )
    all_given, all_cut = (
        np.tile(np.arange(len(drawn.blocks)), (len(truth.strong), 1)) for drawn in (given, cut)
    )
    here = np.array([[j in b.rows for b in cut.blocks] for j in truth.strong])
    away = all_cut[~here].reshape(len(here), -1)
    label = "exact" if np.isinf(cut.people) else int(cut.people)
    for q, files in zip(SHARES, wald, strict=True):
        largest = f"{np.abs(files).max(axis=1).mean():.0f}"
        for name, z in (("Wald", files), ("correlation", marginal_correlation_z(files, PEOPLE))):
            key = (label, name, q, len(z), largest)
            yield *key, "given", *constant_prior(given, z, POLYGENIC + q, all_given)[0], *[""] * 5
            for where, kept, own in (("cut", all_cut, q), ("elsewhere", away, 0)):
                found, fits = constant_prior(cut, z, POLYGENIC + own, kept)
                effects = [""] * 5
                # With exact LD it would take as long again.
                if label != "exact":
                    effects = linear_prior(batch, cut, z, standardise, fits, kept)
                yield *key, where, *found, *effects
            if name == "correlation" and label != "exact":
                yield *key, "own", *own_variance(batch, cut, z, standardise, POLYGENIC + q)


def own_variance(
    batch: BlockBatch, drawn: Drawn, z: np.ndarray, standardise: Standardisation, truth: float
) -> tuple:
    """Columns where lead variants of strong loci have a variance of their own."""
    h2, s2, found = [], [], []
    for one in z:
        strong = np.zeros(batch.log_n.shape, np.float32)
        n = np.full(len(one), float(PEOPLE))
        limit = strong_limit(one, n)
        for into, b, W in zip(strong, drawn.blocks, drawn.factors, strict=True):
            own = lead_variance(W, one[b.rows], n[b.rows], limit[b.rows], int(drawn.people))
            into[: len(own)] = PEOPLE * own
        mine = replace(with_z(batch, drawn, one), own=jnp.asarray(strong))
        start = max(float(np.mean(one**2)) - 1, 0.05) / 10
        constant = fitted(ConstantPrior(jnp.asarray(np.log(start))), mine)
        level = float(jnp.exp(constant.prior.level))
        h2.append((level * len(one) + strong.sum()) / PEOPLE)
        s2.append(float(constant.s2))
        found.append(annotated(mine, standardise, level, s2[-1]))
    error = np.std(h2, ddof=1) / np.sqrt(len(h2))
    effects = effect_columns(found)
    return f"{truth:.2f}", f"{np.mean(h2):.3f}", f"{error:.3f}", f"{np.mean(s2):.2f}", *effects


def constant_prior(
    drawn: Drawn, z: np.ndarray, truth: float, kept: np.ndarray
) -> tuple[tuple, Fits]:
    """Columns of heritability, and the fits, by the blocks (studies, blocks) that are kept."""
    each = [
        fit_methods([drawn.blocks[k] for k in own], one[None])["new"]
        for own, one in zip(kept, z, strict=True)
    ]
    fits = Fits(*(np.concatenate(part) for part in zip(*each, strict=True)))
    h2 = fits.level * sum(len(b.rows) for b in drawn.blocks) / PEOPLE
    error = h2.std(ddof=1) / np.sqrt(len(h2))
    return (f"{truth:.2f}", f"{h2.mean():.3f}", f"{error:.3f}", f"{fits.s2.mean():.2f}"), fits


def linear_prior(
    batch: BlockBatch,
    drawn: Drawn,
    z: np.ndarray,
    standardise: Standardisation,
    fits: Fits,
    kept: np.ndarray,
) -> tuple:
    """Columns of the annotation."""
    found = [
        annotated(
            jax.tree.map(lambda leaf, pick=pick: leaf[pick], with_z(batch, drawn, own)),
            standardise,
            level,
            s2,
        )
        for own, level, s2, pick in zip(z, fits.level, fits.s2, kept, strict=True)
    ]
    return effect_columns(found)


def effect_columns(found: list[Annotated]) -> tuple[str, ...]:
    coefficient, error, p, score_p = np.array(found).T
    means = (coefficient.mean(), coefficient.std(ddof=1), error.mean())
    return (*(f"{value:.2f}" for value in (*means, np.mean(p < 0.05), np.mean(score_p < 0.05))),)


def main() -> None:
    parser = command.parser(seed=100)
    parser.add_argument("--studies", type=int, default=20)
    options = parser.parse_args()
    if options.quick:
        options.chromosomes, options.studies = 2, 2
    say = command.clock()
    seed = options.seed
    chromosomes = [make_chromosome(seed + c, POPULATION) for c in range(options.chromosomes)]
    rng = np.random.default_rng(seed)
    truth = Truth.draw(chromosomes, options.studies, rng)
    wald = wald_z(chromosomes, truth, rng)
    say("GWAS")
    table = command.table(options, COLUMNS)
    for people in PANELS:
        state = rng.bit_generator.state
        given = Drawn.draw(chromosomes, people, "given", rng)
        # The same people.
        rng.bit_generator.state = state
        cut = Drawn.draw(chromosomes, people, "cut", rng, LARGEST)
        say(f"panel of {people}, {len(given.blocks)} and {len(cut.blocks)} blocks")
        for row in rows(given, cut, truth, wald):
            table.writerow(row)
            options.output.flush()
            say(" ".join(map(str, row)))


if __name__ == "__main__":
    main()
