"""Does heritability come back when LD comes from a panel of few other people?

    python benchmarks/panels.py -o benchmarks/panels.tsv
    python benchmarks/panels.py --quick
    python benchmarks/panels.py --chromosomes 3 --largest 250 --people 500 inf --chi2 1.8 3.5

Truth is made by population.py, which shares no code with what is tested: z-scores of GWAS of people
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

All studies of a cell are fitted at once in numpy (constant_fits.py). One study per panel size is
fitted by the software itself, too, error and all, and the program ends if these differ.
"""

import sys

import command
import jax.numpy as jnp
import numpy as np
from constant_fits import fit_methods
from ld_blocks import KEPT, Drawn
from population import PEOPLE, Studies, make_chromosome, run_gwas

from deepwas_app.core.batch import BlockBatch, stack_blocks
from deepwas_app.core.block import WhitenedBlock, whiten
from deepwas_app.core.effects import tilt_jackknife
from deepwas_app.core.jackknife import jackknife_error
from deepwas_app.core.priors import ConstantPrior, Model, Prior
from deepwas_app.core.scoring import fit_scoring, start_scoring
from deepwas_app.intervals import interval
from deepwas_app.workflow.runs.models import blank_standardisation

COLUMNS = (
    "panel", "blocks", "mean_chi2", "causal", "typed", "method", "studies", "ratio", "se", "s2",
    "kappa", "ld_blocks", "covered", "covered_log",
)  # fmt: skip
# People, and how many panels of so many are drawn; studies take turns with them.
PANELS = {378: 4, 500: 4, 1_000: 4, 5_000: 2, np.inf: 1}
STUDIES = {1.2: 480, 1.8: 160, 3.5: 160, 7.0: 160}
BLOCKS = ("given", "cut")


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
                log_n=np.zeros(len(W), np.float32),
                log_heterozygosity=np.zeros(len(W), np.float32),
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
    for step in fit_scoring(start_scoring(model), [batch], tolerance=1e-5, precision="learned"):
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
    parser = command.parser(seed=100)
    parser.add_argument("--people", type=float, nargs="+", help="only panels of so many")
    parser.add_argument("--chi2", type=float, nargs="+", help="only studies of this mean chi2")
    parser.add_argument("--largest", type=int, help="only blocks of at most so many variants")
    options = parser.parse_args()
    population, many, studies, sizes = PEOPLE, options.chromosomes, STUDIES, PANELS
    if options.quick:
        population, many = 3_000, 1
        studies, sizes = dict.fromkeys((1.8, 7.0), 20), {378: 1, np.inf: 1}
    studies = {chi2: studies[chi2] for chi2 in options.chi2 or studies}
    sizes = {people: sizes[people] for people in options.people or sizes}
    blocks = BLOCKS[1:] if options.largest else BLOCKS
    say = command.clock()
    chromosomes = []
    for c in range(many):
        chromosomes.append(make_chromosome(options.seed + c, population))
        say(f"chromosome {c + 1}")
    gwas = run_gwas(chromosomes, studies, options.seed)
    say("GWAS")
    table = command.table(options, COLUMNS)
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
